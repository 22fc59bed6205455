#include "config.h"
#include "delivery/delivery.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "config/route.h"
#include "queue/account_state.h"
#include "delivery/fallback.h"
#include "delivery/readdress.h"
#include "delivery/verdict.h"

static bool find_account(const struct delivery_context *delivery, const struct entry *entry,
                         const char *through, const struct account **account, struct error *err)
{
    bool carried = fallback_is_carried(delivery->site, entry, through);
    *account = configuration_account(&delivery->site->config, carried ? through : entry->account);
    if (*account)
        return true;
    const struct route_query query = {
        .account = "",
        .envelope_from = *entry->envelope.sender ? entry->envelope.sender : NULL,
        .header_from = entry->from,
        .caller = "",
        .local_names = &delivery->site->host.sender_names,
    };
    struct route route;
    if (!route_choose(&delivery->site->config, &query, &route, err))
        return error_prefix(err, "account %s is gone", entry->account);
    *account = route.account;
    return true;
}

bool delivery_identity(const struct delivery_context *delivery, const struct entry *entry,
                       const char *through, struct identity *identity, struct error *err)
{
    const struct account *account;
    *identity = (struct identity){0};
    if (!find_account(delivery, entry, through, &account, err))
        return false;
    const struct passwd *user = entry->has_uid ? getpwuid(entry->uid) : NULL;
    const struct caller caller = {.user = user ? user->pw_name : "unknown", .host = "", .home = ""};
    const struct identity_facts facts = {
        .site = delivery->site, .caller = &caller, .header_from = entry->from};
    if (identity_make(identity, account, &facts, err))
        return true;
    identity_clear(identity);
    return false;
}

void delivery_report_failure(const struct delivery_context *delivery, const struct error *failure)
{
    if (delivery->report_failure)
        delivery->report_failure(delivery->context, failure);
}

int64_t delivery_age(const struct delivery_context *delivery, const char *id)
{
    return spool_time_of(delivery->spool_time, entryid_arrival(id) / 1000000, delivery->now());
}

bool delivery_is_expired(const struct delivery_context *delivery, const char *id)
{
    int64_t lifetime = entryid_number(id) > 0 ? 2 * delivery->lifetime : delivery->lifetime;
    return delivery->lifetime > 0 && delivery_age(delivery, id) > lifetime;
}

static void prepare(struct attempt *attempt, const struct entry_lock *lock)
{
    attempt->began = clock_now();
    attempt->n = lock->journal.n;
    attempt->outcomes = memory_new(attempt->n * sizeof *attempt->outcomes);
    for (size_t i = 0; i < attempt->n; i++) {
        const struct progress *past = &lock->journal.rcpt[i];
        if (past->status == JOURNAL_SENT) {
            attempt->outcomes[i].result = OUTCOME_SENT;
            attempt->sent_before++;
        }
        if (past->status == JOURNAL_FAILED)
            outcome_refuse(&attempt->outcomes[i], past->why);
    }
}

static bool null_is_refused(const struct delivery_context *delivery, const struct account *account)
{
    struct account_state state;
    account_state_read(&state, delivery->spool, account->name);
    return account_state_remembers(state.null_refused, delivery->now());
}

static void remember_refused_null(const struct delivery_context *delivery,
                                  const struct account *account)
{
    struct account_file file;
    if (!account_file_begin(&file, delivery->spool, account->name))
        return; /* it is found out again next time */
    file.state.null_refused = delivery->now();
    account_file_end(&file, true);
}

static struct session_mail mail_of(const struct entry_lock *lock, struct attempt *attempt)
{
    return (struct session_mail){.env = &lock->entry.envelope,
                                 .content = &lock->content,
                                 .outcomes = attempt->outcomes,
                                 .final = &attempt->reply,
                                 .id = lock->entry.id,
                                 .again = lock->journal.attempts > 0};
}

/* What leaves of an entry. */
struct leaving {
    const struct account *account;
    const char *sender;
    const struct content *content;
};

static bool send_as(struct connection *connection, const struct entry_lock *lock,
                    const char *sender, const struct content *content, struct attempt *attempt)
{
    struct envelope envelope = lock->entry.envelope; /* borrows all but the sender */
    envelope.sender = (char *)sender;
    struct session_mail mail = mail_of(lock, attempt);
    mail.env = &envelope;
    mail.content = content;
    return connection_send(connection, &mail, &attempt->failure);
}

static void send_mail(const struct delivery_context *delivery, struct connection *connection,
                      const struct entry_lock *lock, const struct leaving *mail,
                      struct attempt *attempt)
{
    const char *own = account_address(mail->account);
    bool is_null = !*mail->sender && *own;
    bool own_at_once = is_null && null_is_refused(delivery, mail->account);
    const char *sender = own_at_once ? own : mail->sender;
    attempt->failed = !send_as(connection, lock, sender, mail->content, attempt);
    const struct error *why = &attempt->failure;
    bool null_refused = attempt->failed && is_null && !own_at_once &&
                        why->command == COMMAND_MAIL && why->reply_code >= 500;
    if (!null_refused)
        return;
    remember_refused_null(delivery, mail->account);
    if (connection_usable(connection))
        attempt->failed = !send_as(connection, lock, own, mail->content, attempt);
    else
        attempt->failure.class = ERROR_TEMPORARY; /* the next attempt uses the account's address */
}

void delivery_attempt(const struct delivery_context *delivery, struct connection *connection,
                      const struct account *account, const struct entry_lock *lock,
                      struct attempt *attempt)
{
    struct readdress other = {0};
    struct leaving mail = {account, lock->entry.envelope.sender, &lock->content};
    bool carried = fallback_is_carried(delivery->site, &lock->entry, account->name);
    prepare(attempt, lock);
    attempt->setup = connection_take_setup(connection);
    attempt->failed =
        carried && !readdress_make(&other, delivery->site, account, lock, &attempt->failure);
    if (carried)
        mail = (struct leaving){account, other.sender, &other.content};
    if (!attempt->failed)
        send_mail(delivery, connection, lock, &mail, attempt);
    readdress_clear(&other);
}

bool delivery_takes(const struct connection *connection, const struct entry_lock *lock)
{
    struct attempt none = {0};
    const struct session_mail mail = mail_of(lock, &none);
    return connection_takes(connection, &mail);
}

enum session_room delivery_room(const struct connection *connection, const struct entry_lock *lock)
{
    struct attempt none = {0};
    const struct session_mail mail = mail_of(lock, &none);
    return !*lock->entry.envelope.sender ? SESSION_ROOM_NEVER : connection_room(connection, &mail);
}

bool delivery_push(struct connection *connection, const struct entry_lock *lock,
                   struct attempt *attempt)
{
    prepare(attempt, lock);
    attempt->setup = connection_take_setup(connection);
    attempt->mail = mail_of(lock, attempt);
    if (connection_push(connection, &attempt->mail))
        return true;
    delivery_attempt_clear(attempt);
    return false;
}

bool delivery_pull(struct connection *connection, struct attempt *attempt)
{
    enum session_pulled pulled = connection_pull(connection, &attempt->mail, &attempt->failure);
    attempt->failed = pulled == SESSION_FAILED;
    return pulled != SESSION_UNTRIED;
}

void delivery_not_attempted(const struct entry_lock *lock, const struct error *failure,
                            struct attempt *attempt)
{
    prepare(attempt, lock);
    attempt->failed = true;
    attempt->failure = *failure;
}

struct verdict delivery_verdict(const struct attempt *attempt)
{
    return verdict_of(attempt->outcomes, attempt->n, attempt->failed ? &attempt->failure : NULL);
}

static bool refused_by_account(const struct outcome *o)
{
    return o->result == OUTCOME_REFUSED && o->error->scope == ERROR_ACCOUNT;
}

bool delivery_attempt_troubled(const struct attempt *attempt, struct error *why)
{
    if (attempt->failed && attempt->failure.scope == ERROR_ACCOUNT) {
        *why = attempt->failure;
        return true;
    }
    if (outcome_count(attempt->outcomes, attempt->n, OUTCOME_SENT) > attempt->sent_before)
        return false;
    for (size_t i = 0; i < attempt->n; i++)
        if (refused_by_account(&attempt->outcomes[i])) {
            *why = *attempt->outcomes[i].error;
            return true;
        }
    return false;
}

bool delivery_attempt_is_undecided(const struct attempt *attempt)
{
    const struct error *why = &attempt->failure;
    return attempt->failed && why->reply_code < 400 && why->command >= COMMAND_MAIL &&
           why->command <= COMMAND_RSET;
}

bool delivery_attempt_is_end_of_session(const struct attempt *attempt)
{
    const struct error *why = &attempt->failure;
    return attempt->failed && (why->command == COMMAND_MAIL || why->command == COMMAND_RSET) &&
           (why->reply_code == 421 || why->closed);
}

void delivery_attempt_blame(struct attempt *attempt, const struct account *account)
{
    if (attempt->failed && attempt->failure.scope == ERROR_ACCOUNT)
        verdict_blame_message(&attempt->failure, &account->trouble);
    for (size_t i = 0; i < attempt->n; i++)
        if (refused_by_account(&attempt->outcomes[i]))
            verdict_blame_message(attempt->outcomes[i].error, &account->trouble);
}

void delivery_attempt_clear(struct attempt *attempt)
{
    if (attempt->outcomes)
        outcome_clear(attempt->outcomes, attempt->n);
    free(attempt->outcomes);
    str_clear(&attempt->reply);
    *attempt = (struct attempt){0};
}
