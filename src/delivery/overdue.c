#include "config.h"
#include "delivery/overdue.h"

#include <string.h>

#include "queue/scan.h"
#include "delivery/settle.h"

static bool take(const struct relay *relay, const struct account *account, const char *id,
                 struct claim *claim)
{
    struct entry head = {0};
    struct error ignored; /* a run will say what is wrong with it */
    bool ours =
        claim_peek(relay->spool, SPOOL_QUEUE, id, &head, NULL, NULL, &ignored) == CLAIM_TAKEN &&
        strcmp(head.account, account->name) == 0;
    entry_clear(&head);
    return ours && claim_take(claim, relay->spool, SPOOL_QUEUE, id, &ignored) == CLAIM_TAKEN;
}

static void deliver(const struct relay *relay, const struct account *account,
                    struct connection *connection, struct claim *claim)
{
    struct attempt attempt = {0};
    struct error err;
    const struct settlement settlement = {
        .relay = relay,
        .account = account,
        .provider = connection_host(connection),
    };
    relay_attempt(relay, connection, account, claim, &attempt);
    const struct error *failure = attempt.failed ? &attempt.failure : NULL;
    if (relay_attempt_troubled(&attempt, &err))
        relay_note_trouble(relay, account, &err);
    if (relay->log)
        relay->log(relay->context, account, claim, attempt.outcomes, failure,
                   str_text(&attempt.reply));
    if (settle_attempt(&settlement, claim, &attempt, &err) == SETTLE_TROUBLE && relay->trouble)
        relay->trouble(relay->context, &err);
    relay_attempt_clear(&attempt);
}

void overdue_try_one(const struct relay *relay, const struct account *account,
                     struct connection *connection)
{
    struct scan scan = {0};
    struct claim claim = {0};
    struct error ignored;
    bool taken = false;
    if (scan_read(&scan, relay->spool, SPOOL_QUEUE, &ignored)) {
        scan_keep_due(&scan, relay->now());
        for (size_t i = 0; i < scan.n && i < OVERDUE_LOOK && !taken; i++)
            taken = take(relay, account, scan.item[i].id, &claim);
    }
    if (taken)
        deliver(relay, account, connection, &claim);
    scan_clear(&scan);
}
