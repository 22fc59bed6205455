#include "config.h"
#include "delivery/host_order.h"

#include <string.h>

#include "base/random.h"
#include "queue/account_state.h"
#include "queue/checksum.h"
#include "delivery/delivery.h"

static uint32_t mark_of(const char *host)
{
    uint32_t mark = (uint32_t)checksum_of(host, strlen(host), 0);
    return mark ? mark : 1;
}

static void shuffle(const char **host, size_t n, const struct delivery_context *delivery)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)((delivery ? delivery->random() : random_number()) % i);
        const char *last = host[i - 1];
        host[i - 1] = host[k];
        host[k] = last;
    }
}

size_t host_order_make(const struct account *account, const struct delivery_context *delivery,
                       const char **host)
{
    struct account_state state = {0};
    size_t n = account->host.n, up = 0;
    for (size_t i = 0; i < n; i++)
        host[i] = account->host.item[i];
    if (account->host_order == HOST_ORDER_RANDOM)
        shuffle(host, n, delivery);
    if (!delivery || n < 2)
        return n;
    account_state_read(&state, delivery->spool, account->name);
    for (size_t i = 0; i < n; i++)
        if (!account_state_host_is_held(&state, mark_of(host[i]), delivery->now())) {
            const char *first = host[up];
            host[up++] = host[i];
            host[i] = first;
        }
    return up > 0 ? up : n;
}

void host_order_note(const struct account *account, const struct delivery_context *delivery,
                     const char *host, bool reached)
{
    struct account_file file;
    if (!delivery || account->host.n < 2)
        return;
    int64_t now = delivery->now();
    account_state_read(&file.state, delivery->spool, account->name);
    if ((reached && !account_state_host_is_held(&file.state, mark_of(host), now)) ||
        !account_file_begin(&file, delivery->spool, account->name))
        return;
    account_state_hold_host(&file.state, mark_of(host), reached ? 0 : now);
    account_file_end(&file, true);
}
