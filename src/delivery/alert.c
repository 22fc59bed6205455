#include "config.h"
#include "delivery/alert.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/process.h"
#include "queue/account_state.h"
#include "queue/spoolfile.h"
#include "queue/tokenizer.h"

enum { FILE_MAX = 256 }; /* octets */

static const char file_name[] = "alert"; /* in account/, where names of accounts have a suffix */

/* The entries of a directory. */
struct pile {
    uint64_t n;
    char newest[ENTRYID_SIZE];
};

struct alert {
    const struct delivery_context *delivery;
    const char *command;
    int64_t now;       /* seconds since 1970 */
    int fd;            /* the file with the next two, locked until the command has ended */
    int64_t last;      /* seconds since 1970 of the last alert */
    uint64_t reported; /* entries of failed/ that were reported */
    struct pile queued, failed;
};

/* What is reported. */
struct event {
    const char *kind;
    struct str accounts; /* names, with ", " in between */
    struct str reason;   /* of the one that has failed longest */
    int64_t since;       /* seconds since 1970 */
};

static void clear_event(struct event *event)
{
    str_clear(&event->accounts);
    str_clear(&event->reason);
    *event = (struct event){0};
}

static bool count_one(void *context, const char *name)
{
    struct pile *pile = context;
    if (entryid_valid(name)) {
        pile->n++;
        if (strcmp(name, pile->newest) > 0)
            memcpy(pile->newest, name, sizeof pile->newest);
    }
    return true;
}

/* False: another process has the file and reports, or nothing can be noted. */
static bool open_file(struct alert *a)
{
    char text[FILE_MAX];
    struct error ignored; /* the run has reported a spool that cannot be written to */
    int64_t last;
    bool locked;
    if (!spoolfile_share(a->delivery->spool, file_name, &a->fd, &locked, &ignored))
        return false;
    ssize_t got = locked ? spoolfile_read(a->fd, 0, text, sizeof text, &ignored) : -1;
    struct tokenizer tokens = {text, text + (got > 0 ? got - 1 : 0)}; /* without its line end */
    if (tokenizer_is(&tokens, "last") && tokenizer_time(&tokens, &last) &&
        tokenizer_is(&tokens, "failed") && tokenizer_decimal(&tokens, UINT64_MAX, &a->reported))
        a->last = last;
    if (got < 0)
        spoolfile_close(a->fd);
    return got >= 0;
}

static bool save(const struct alert *a)
{
    struct str text = {0};
    struct error ignored; /* as above */
    str_addf(&text, "last %" PRId64 " failed %" PRIu64 "\n", a->last, a->reported);
    bool ok = spoolfile_overwrite(a->fd, &text, &ignored);
    str_clear(&text);
    return ok;
}

static bool has_recovered(const struct account_state *state)
{
    return state->alerted != 0 && state->breaker.failures == 0;
}

static bool must_be_reported(const struct alert *a, const struct account_state *state)
{
    const struct breaker *breaker = &state->breaker;
    return breaker->failures > 0 && state->alerted != breaker->since && a->queued.n > 0 &&
           spool_time_of(a->delivery->spool_time, breaker->since, a->now) >= ALERT_AFTER;
}

/* Collects the accounts of which an alert, or a recovery, is to be reported. */
static bool find_accounts(const struct alert *a, bool recovery, struct event *event)
{
    const struct configuration *config = &a->delivery->site->config;
    event->kind = recovery ? "recovered" : "account";
    for (size_t i = 0; i < config->n; i++) {
        const char *name = config->account[i]->name;
        struct account_state state;
        account_state_read(&state, a->delivery->spool, name);
        if (recovery ? !has_recovered(&state) : !must_be_reported(a, &state))
            continue;
        int64_t since = recovery ? state.alerted : state.breaker.since;
        str_add(&event->accounts, event->accounts.len > 0 ? ", " : "");
        escape_line(&event->accounts, name, strlen(name));
        if (event->since > 0 && event->since <= since)
            continue;
        event->since = since;
        str_truncate(&event->reason, 0);
        str_add(&event->reason, state.breaker.reason);
    }
    return event->accounts.len > 0;
}

/* Notes in the state of each account that it was reported. */
static void mark_accounts(const struct alert *a, bool recovery)
{
    const struct configuration *config = &a->delivery->site->config;
    for (size_t i = 0; i < config->n; i++) {
        struct account_file file;
        if (!account_file_begin(&file, a->delivery->spool, config->account[i]->name))
            continue;
        bool marks = recovery ? has_recovered(&file.state) : must_be_reported(a, &file.state);
        if (marks)
            file.state.alerted = recovery ? 0 : file.state.breaker.since;
        account_file_end(&file, marks);
    }
}

/* The newest entry of failed/ stands for all that came there. */
static void describe_failed(const struct alert *a, struct event *event)
{
    const char *id = a->failed.newest;
    struct entry_view view = {.has_journal = true};
    struct error err = {0};
    *event = (struct event){.kind = "failed", .since = entryid_arrival(id) / 1000000};
    bool found = entry_lock_view(a->delivery->spool, SPOOL_FAILED, id, &view, &err) == SPOOL_FOUND;
    const char *account = found ? view.entry.account : "";
    const char *note = !found ? err.text : view.journal.note ? view.journal.note : "";
    escape_line(&event->accounts, account, strlen(account));
    str_addf(&event->reason, "%s: ", id);
    escape_line(&event->reason, note, strlen(note));
    entry_view_clear(&view);
}

static void add_sentence(const struct alert *a, const struct event *event, struct str *out)
{
    const char *accounts = str_text(&event->accounts), *reason = str_text(&event->reason);
    int64_t hours = (a->now - event->since) / 3600;
    str_addf(out, "onehop on %s: ", this_host_best_name(&a->delivery->site->host));
    if (strcmp(event->kind, "recovered") == 0)
        str_addf(out, "account %s works again", accounts);
    else if (strcmp(event->kind, "failed") == 0)
        str_addf(out, "%" PRIu64 " in failed/, the newest is %s", a->failed.n, reason);
    else
        str_addf(out, "account %s has failed for %" PRId64 " h, %" PRIu64 " queued: %s", accounts,
                 hours, a->queued.n, reason);
}

static void add_variable(struct strlist *list, const char *name, const char *value)
{
    struct str item = {0};
    str_addf(&item, "ONEHOP_%s=%s", name, value);
    strlist_take(list, str_take(&item));
}

static void add_number(struct strlist *list, const char *name, uint64_t number)
{
    struct str value = {0};
    str_addf(&value, "%" PRIu64, number);
    add_variable(list, name, str_text(&value));
    str_clear(&value);
}

static bool report(const struct alert *a, const struct event *event)
{
    struct strlist variables = {0};
    struct str sentence = {0}, dropped = {0};
    struct error err;
    int status = 0;
    add_sentence(a, event, &sentence);
    strlist_add(&variables, "ONEHOP_PASSWORD"); /* a container may have its account's there */
    add_variable(&variables, "ALERT", event->kind);
    add_variable(&variables, "ACCOUNT", str_text(&event->accounts));
    add_variable(&variables, "REASON", str_text(&event->reason));
    add_variable(&variables, "TEXT", str_text(&sentence));
    add_number(&variables, "SINCE", (uint64_t)event->since);
    add_number(&variables, "QUEUED", a->queued.n);
    add_number(&variables, "FAILED", a->failed.n);
    const struct process process = {
        .command = a->command, .variables = &variables, .deadline = clock_after(ALERT_TIME)};
    bool ok = process_run(&process, &dropped, &status, &err);
    if (ok && status != 0)
        ok = error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "exit status %d", status);
    if (!ok) {
        (void)error_prefix(&err, "alert_command");
        delivery_report_failure(a->delivery, &err);
    }
    strlist_clear(&variables);
    str_clear(&sentence);
    str_clear(&dropped);
    return ok;
}

/* Reports what is new, if an alert is due. */
static void alert(struct alert *a)
{
    struct event event = {0};
    bool is_due = a->last > a->now || a->now - a->last >= ALERT_INTERVAL;
    bool is_new = is_due && (find_accounts(a, false, &event) || a->failed.n > a->reported);
    if (is_new && event.accounts.len == 0)
        describe_failed(a, &event);
    if (is_new) {
        a->last = a->now; /* before it is run, so that no crash makes it two in the hour */
        if (save(a) && report(a, &event)) {
            mark_accounts(a, false);
            a->reported = a->failed.n; /* ONEHOP_FAILED had it */
            (void)save(a);
        }
    }
    clear_event(&event);
}

void alert_check(const struct delivery_context *delivery, const char *command)
{
    struct alert a = {.delivery = delivery, .command = command, .now = delivery->now()};
    struct event event = {0};
    struct error ignored; /* what cannot be read is not there */
    if (!*command || !open_file(&a))
        return;
    (void)spool_each(delivery->spool, SPOOL_QUEUE, count_one, &a.queued, &ignored);
    (void)spool_each(delivery->spool, SPOOL_FAILED, count_one, &a.failed, &ignored);
    if (a.failed.n < a.reported) {
        a.reported = a.failed.n;
        (void)save(&a);
    }
    if (find_accounts(&a, true, &event)) {
        mark_accounts(&a, true);
        (void)report(&a, &event);
    }
    clear_event(&event);
    alert(&a);
    spoolfile_close(a.fd);
}
