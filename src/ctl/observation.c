#include "config.h"
#include "ctl/observation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/module.h"
#include "config/key.h"
#include "config/oauth_service.h"
#include "config/tokenfile.h"
#include "config/tokensource.h"
#include "queue/account_state.h"
#include "queue/spool_time.h"
#include "queue/tokenizer.h"
#include "submit/control_client.h"
#include "ctl/queuectl.h"
#include "ctl/service_state.h"

const char *const observation_states[OBSERVATION_STATES] = {
    [OBSERVATION_WAITING] = "waiting",
    [OBSERVATION_HELD] = "held",
    [OBSERVATION_FAILED] = "failed",
};

const char *const observation_causes[CAUSE_LOGIN + 1] = {
    [CAUSE_NETWORK] = "network",
    [CAUSE_THROTTLE] = "throttle",
    [CAUSE_LOGIN] = "login",
};

/* The queue. */

struct looking {
    struct observation *seen;
    enum observation_state state;
};

static void add_messages(struct observation *seen, enum observation_state state, uint64_t messages,
                         int64_t oldest)
{
    int64_t *first = &seen->queue[state].oldest;
    seen->queue[state].messages += messages;
    if (messages > 0 && (*first == 0 || oldest < *first))
        *first = oldest;
}

static bool add_entry(void *context, const char *name)
{
    const struct looking *looking = context;
    if (entryid_valid(name))
        add_messages(looking->seen, looking->state, 1, entryid_arrival(name) / 1000000);
    return true;
}

static void note_first(int64_t *first, int64_t moment)
{
    if (moment != 0 && (*first == 0 || moment < *first))
        *first = moment;
}

static bool look_at_queue(struct observation *seen, const struct spool *spool, struct error *err)
{
    uint64_t before = seen->queue[OBSERVATION_WAITING].messages;
    static const enum spool_directory directories[OBSERVATION_STATES] = {
        [OBSERVATION_WAITING] = SPOOL_QUEUE,
        [OBSERVATION_HELD] = SPOOL_HOLD,
        [OBSERVATION_FAILED] = SPOOL_FAILED,
    };
    bool ok = true;
    for (int i = 0; ok && i < OBSERVATION_STATES; i++) {
        struct looking looking = {seen, (enum observation_state)i};
        ok = spool_each(spool, directories[i], add_entry, &looking, err);
    }
    if (seen->queue[OBSERVATION_WAITING].messages > before) {
        struct spool_time spool_time;
        spool_time_read(&spool_time, spool);
        note_first(&seen->unattended_since, spool_time.last_run);
    }
    return ok;
}

/* Accounts. */

/* The account NAME, added if need be. The user's and the system's of one name are one line. */
static struct observed_account *account_of(struct observation *seen, const char *name)
{
    for (size_t i = 0; i < seen->n; i++)
        if (strcmp(seen->account[i].name, name) == 0)
            return &seen->account[i];
    seen->account = memory_grow(seen->account, seen->n, &seen->size, sizeof *seen->account);
    struct observed_account *account = &seen->account[seen->n++];
    *account = (struct observed_account){.name = memory_copy(name), .reason = memory_copy("")};
    return account;
}

static void note_failure(struct observed_account *account, int64_t since, enum error_cause cause,
                         const char *reason)
{
    if (since == 0 || (account->failing_since != 0 && account->failing_since <= since))
        return;
    account->failing_since = since;
    account->cause = cause;
    free(account->reason);
    account->reason = memory_copy(reason);
}

static void look_at_state(struct observed_account *account, const struct spool *spool,
                          bool sees_all)
{
    struct account_state state;
    account_state_read(&state, spool, account->name);
    const struct breaker *breaker = &state.breaker;
    if (breaker->failures > 0)
        note_failure(account, breaker->since > 0 ? breaker->since : 1, breaker->cause,
                     sees_all ? breaker->reason : "");
    counters_sum(&account->counters, spool, account->name);
}

static void look_at_tokens(struct observed_account *seen, const struct account *account,
                           const struct site *site)
{
    struct tokens tokens = {0};
    struct error ignored; /* the next message meets it, and opens the breaker */
    enum tokenfile_found found;
    if (!account_has_oauth(account))
        return;
    bool known = tokenfile_find(account, site, &tokens, &found, &ignored);
    bool person = known && account->oauth_grant == OAUTH_PERSON &&
                  !tokensource_has_seed(account, &site->caller);
    if (known && found == TOKENFILE_OWN)
        note_first(&seen->token_expires, tokens.expires);
    if (person && found != TOKENFILE_OWN)
        note_first(&seen->person_by, 1);
    else if (person && tokens.refresh.len == 0)
        note_first(&seen->person_by, tokens.expires);
    tokens_clear(&tokens);
}

static void look_at_certificate(struct observed_account *seen, const char *file, bool authorities)
{
    struct error ignored; /* the next connection meets it */
    int64_t end = 0;
    if (*file != '/')
        return; /* none, the system's, or on a token */
    const struct module *module = module_get(&ignored);
    if (module && module->certificates_end(file, authorities, &end, &ignored))
        note_first(&seen->certificate_expires, end);
}

static void look_at_accounts(struct observation *seen, const struct site *site,
                             enum account_scope scope, const struct spool *spool, bool sees_all)
{
    for (size_t i = 0; i < site->config.n; i++) {
        const struct account *account = site->config.account[i];
        if (account->scope != scope)
            continue;
        struct observed_account *observed = account_of(seen, account->name);
        if (spool)
            look_at_state(observed, spool, sees_all);
        look_at_tokens(observed, account, site);
        look_at_certificate(observed, account->tls_cert_file, false);
        look_at_certificate(observed, account->tls_trust_file, true);
    }
}

static bool ask_service(struct observation *seen, const struct site *site, struct error *err)
{
    struct str text = {0};
    bool ok = control_client_ask(site, "observe", &text, err) &&
              (observation_decode(seen, str_text(&text), text.len) ||
               error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                         "the service gives an answer of another version"));
    str_clear(&text);
    return ok;
}

bool observation_look(struct observation *seen, const struct site *site, enum account_scope scope,
                      bool sees_all, struct error *err)
{
    struct spool spool = {0};
    enum queuectl_opened opened = queuectl_open(site, scope, &spool, err);
    const char *rejected = site_rejected(site);
    bool ok = opened != QUEUECTL_BROKEN;
    if (opened == QUEUECTL_DENIED)
        return ask_service(seen, site, err);
    if (opened == QUEUECTL_OPENED)
        ok = look_at_queue(seen, &spool, err);
    if (ok)
        look_at_accounts(seen, site, scope, opened == QUEUECTL_OPENED ? &spool : NULL, sees_all);
    if (ok && scope == SCOPE_SYSTEM && rejected && !seen->configuration)
        seen->configuration = memory_copy(rejected);
    spool_close(&spool);
    return ok;
}

void observation_configure(struct observation *seen, struct site *site)
{
    struct error err, own;
    if (site_configure(site, NULL, &err))
        return;
    if (!site_configure_user(site, &own))
        seen->configuration = memory_copy(own.text);
    else if (!site->broken)
        site->broken = memory_copy(err.text);
}

static bool has_listener_files(const struct service_settings *service)
{
    const char *users = service->users_file, *cert = service->tls_cert_file;
    return (users && *users) || (cert && *cert); /* NULL: nothing could be read */
}

/* The service alone reads what its listener goes by. */
static bool look_at_listener(struct observation *seen, const struct site *site, struct error *err)
{
    struct service_state state;
    if (seen->configuration || !has_listener_files(&site->config.service))
        return true;
    bool ok = service_state_ask(&state, site, err);
    if (ok && state.rejected.len > 0)
        seen->configuration = str_take(&state.rejected);
    service_state_clear(&state);
    return ok;
}

bool observation_make(struct observation *seen, const struct site *site, struct error *err)
{
    return observation_look(seen, site, SCOPE_USER, true, err) &&
           observation_look(seen, site, SCOPE_SYSTEM, true, err) &&
           look_at_listener(seen, site, err);
}

/* As text: a line for each state, the configuration, each account. */

static const char first_line[] = "observation 1\n";

static void encode_account(const struct observed_account *account, struct str *out)
{
    str_add(out, "account ");
    tokenizer_add(out, account->name);
    str_addf(out, " %" PRId64 " %d ", account->failing_since, (int)account->cause);
    tokenizer_add(out, account->reason);
    str_addf(out, " %" PRId64 " %" PRId64 " %" PRId64 " ", account->token_expires,
             account->person_by, account->certificate_expires);
    counters_encode(&account->counters, out);
}

void observation_encode(const struct observation *seen, struct str *out)
{
    str_add(out, first_line);
    for (int i = 0; i < OBSERVATION_STATES; i++)
        str_addf(out, "%s %" PRIu64 " %" PRId64 "\n", observation_states[i],
                 seen->queue[i].messages, seen->queue[i].oldest);
    str_addf(out, "unattended %" PRId64 "\n", seen->unattended_since);
    if (seen->configuration) {
        str_add(out, "configuration ");
        tokenizer_add(out, seen->configuration);
        str_add_char(out, '\n');
    }
    for (size_t i = 0; i < seen->n; i++)
        encode_account(&seen->account[i], out);
}

static bool decode_account(struct observation *seen, struct tokenizer *tokens)
{
    int64_t since = 0, token = 0, person = 0, certificate = 0;
    uint64_t cause = 0;
    struct counters counters;
    char *name = tokenizer_next(tokens), *reason = NULL;
    bool ok = name && tokenizer_time(tokens, &since) &&
              tokenizer_decimal(tokens, CAUSE_LOGIN, &cause) && (reason = tokenizer_next(tokens)) &&
              tokenizer_time(tokens, &token) && tokenizer_time(tokens, &person) &&
              tokenizer_time(tokens, &certificate) &&
              counters_decode(&counters, tokens->at, (size_t)(tokens->end + 1 - tokens->at));
    if (ok) {
        struct observed_account *account = account_of(seen, name);
        note_failure(account, since, (enum error_cause)cause, reason);
        note_first(&account->token_expires, token);
        note_first(&account->person_by, person);
        note_first(&account->certificate_expires, certificate);
        counters_add(&account->counters, &counters);
    }
    free(name);
    free(reason);
    return ok;
}

static bool decode_state(struct observation *seen, struct tokenizer *tokens)
{
    for (int i = 0; i < OBSERVATION_STATES; i++) {
        uint64_t messages;
        int64_t oldest;
        if (!tokenizer_is(tokens, observation_states[i]))
            continue;
        if (!tokenizer_decimal(tokens, UINT64_MAX, &messages) || !tokenizer_time(tokens, &oldest))
            return false;
        add_messages(seen, (enum observation_state)i, messages, oldest);
        return true;
    }
    return false;
}

static bool decode_line(struct observation *seen, struct tokenizer *tokens)
{
    int64_t moment;
    if (tokenizer_is(tokens, "unattended")) {
        bool ok = tokenizer_time(tokens, &moment);
        note_first(&seen->unattended_since, ok ? moment : 0);
        return ok;
    }
    if (tokenizer_is(tokens, "account"))
        return decode_account(seen, tokens);
    if (!tokenizer_is(tokens, "configuration"))
        return decode_state(seen, tokens);
    free(seen->configuration);
    seen->configuration = tokenizer_next(tokens);
    return seen->configuration != NULL;
}

bool observation_decode(struct observation *seen, const char *text, size_t len)
{
    const char *end = text + len, *stop;
    size_t first = strlen(first_line);
    bool ok = true;
    if (len < first || memcmp(text, first_line, first) != 0)
        return false;
    for (text += first; ok && text < end; text = stop ? stop + 1 : end) {
        stop = memchr(text, '\n', (size_t)(end - text));
        struct tokenizer tokens = {text, stop};
        ok = stop && decode_line(seen, &tokens);
    }
    return ok;
}

bool observation_read_age(const char *what, const char *text, int64_t *age, struct error *err)
{
    const struct key key = {.name = what, .type = KEY_DURATION};
    if (!key_parse(&key, age, text, "", err))
        return false;
    if (strcasecmp(text, "off") == 0)
        *age = INT64_MAX;
    return true;
}

int64_t observation_age(const struct observation *seen, enum observation_state state, int64_t now)
{
    int64_t oldest = seen->queue[state].oldest;
    return oldest > 0 && oldest < now ? now - oldest : 0;
}

void observation_clear(struct observation *seen)
{
    for (size_t i = 0; i < seen->n; i++) {
        free(seen->account[i].name);
        free(seen->account[i].reason);
    }
    free(seen->account);
    free(seen->configuration);
    *seen = (struct observation){0};
}
