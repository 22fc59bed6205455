#include "config.h"
#include "delivery/overdue.h"

#include <string.h>

#include "queue/scan.h"
#include "delivery/settle.h"

static bool take(const struct delivery_context *delivery, const struct account *account,
                 const char *id, struct entry_lock *lock)
{
    struct entry head = {0};
    struct error ignored; /* a run will say what is wrong with it */
    bool ours = entry_lock_peek(delivery->spool, SPOOL_QUEUE, id, &head, &ignored) ==
                    ENTRY_LOCK_TAKEN &&
                strcmp(head.account, account->name) == 0;
    entry_clear(&head);
    return ours &&
           entry_lock_take(lock, delivery->spool, SPOOL_QUEUE, id, &ignored) == ENTRY_LOCK_TAKEN;
}

static void deliver(const struct delivery_context *delivery, const struct account *account,
                    struct connection *connection, struct entry_lock *lock)
{
    struct attempt attempt = {0};
    struct error err;
    const struct settlement settlement = {
        .delivery = delivery,
        .account = account,
        .provider = connection_host(connection),
    };
    if (entry_lock_begin(lock, delivery->now(), &err) != ENTRY_LOCK_BEGUN) {
        entry_lock_release(lock); /* a run reports it */
        return;
    }
    delivery_attempt(delivery, connection, account, lock, &attempt);
    const struct error *failure = attempt.failed ? &attempt.failure : NULL;
    if (delivery_attempt_troubled(&attempt, &err))
        delivery_note_trouble(delivery, account, &err);
    if (delivery->log)
        delivery->log(delivery->context, account, lock, attempt.outcomes, failure,
                      str_text(&attempt.reply));
    if (settle_attempt(&settlement, lock, &attempt, &err) == SETTLE_TROUBLE && delivery->trouble)
        delivery->trouble(delivery->context, &err);
    delivery_attempt_clear(&attempt);
}

void overdue_try_one(const struct delivery_context *delivery, const struct account *account,
                     struct connection *connection)
{
    struct scan scan = {0};
    struct entry_lock lock = {0};
    struct error ignored;
    bool taken = false;
    if (scan_read(&scan, delivery->spool, SPOOL_QUEUE, &ignored)) {
        scan_keep_due(&scan, delivery->now());
        for (size_t i = 0; i < scan.n && i < OVERDUE_LOOK && !taken; i++)
            taken = take(delivery, account, scan.item[i].id, &lock);
    }
    if (taken)
        deliver(delivery, account, connection, &lock);
    scan_clear(&scan);
}
