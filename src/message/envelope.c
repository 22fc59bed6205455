#include "config.h"
#include "message/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/address.h"

/* Where envelopes grow beyond this, who fills them sorts first: see envelope.h. */
bool envelope_add(struct envelope *env, const char *address)
{
    for (size_t i = 0; i < env->n; i++)
        if (address_equal(env->rcpt[i].address, address, false))
            return false;
    if (env->n == env->size) {
        env->size = env->size ? 2 * env->size : 8;
        env->rcpt = memory_resize(env->rcpt, env->size, sizeof *env->rcpt);
    }
    env->rcpt[env->n++] = (struct recipient){.address = memory_copy(address)};
    return true;
}

void envelope_set_sender(struct envelope *env, const char *address)
{
    memory_replace(&env->sender, address);
}

void envelope_clear(struct envelope *env)
{
    for (size_t i = 0; i < env->n; i++)
        free(env->rcpt[i].address);
    free(env->rcpt);
    free(env->sender);
    free(env->envid);
    memset(env, 0, sizeof *env);
}
