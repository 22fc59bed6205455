#include "config.h"
#include "message/envelope.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/address.h"

enum { INDEX_FROM = 8 }; /* fewer recipients are found sooner by looking at each */

/* FNV-1a; the domain without case, as address_equal() compares. */
static uint64_t hash(const char *address)
{
    uint64_t value = 14695981039346656037ULL;
    size_t local = address_local_length(address);
    for (size_t i = 0; address[i]; i++) {
        unsigned char c = (unsigned char)address[i];
        value = (value ^ (i > local && c < 128 ? (unsigned)tolower(c) : c)) * 1099511628211ULL;
    }
    return value ^ value >> 32;
}

/* The place in the index of ADDRESS, or the free one where it belongs. */
static size_t slot_of(const struct envelope *env, const char *address)
{
    size_t slot = (size_t)hash(address) & (env->index_size - 1);
    while (env->index[slot] &&
           !address_equal(env->rcpt[env->index[slot] - 1].address, address, false))
        slot = (slot + 1) & (env->index_size - 1);
    return slot;
}

/* At most half of it is ever in use. */
static void grow_index(struct envelope *env)
{
    free(env->index);
    env->index_size = 4 * env->size;
    env->index = memory_resize(NULL, env->index_size, sizeof *env->index);
    memset(env->index, 0, env->index_size * sizeof *env->index);
    for (size_t i = 0; i < env->n; i++)
        env->index[slot_of(env, env->rcpt[i].address)] = i + 1;
}

bool envelope_has(const struct envelope *env, const char *address)
{
    if (env->index)
        return env->index[slot_of(env, address)] != 0;
    for (size_t i = 0; i < env->n; i++)
        if (address_equal(env->rcpt[i].address, address, false))
            return true;
    return false;
}

struct recipient *envelope_add(struct envelope *env, const char *address)
{
    if (envelope_has(env, address))
        return NULL;
    if (env->n == env->size) {
        env->size = env->size ? 2 * env->size : INDEX_FROM;
        env->rcpt = memory_resize(env->rcpt, env->size, sizeof *env->rcpt);
        if (env->size > INDEX_FROM)
            grow_index(env);
    }
    env->rcpt[env->n++] = (struct recipient){.address = memory_copy(address)};
    if (env->index)
        env->index[slot_of(env, address)] = env->n;
    return &env->rcpt[env->n - 1];
}

void envelope_ask(struct recipient *recipient, const struct recipient *from)
{
    if (!recipient)
        return;
    recipient->notify = from->notify;
    free(recipient->orcpt);
    recipient->orcpt = from->orcpt ? memory_copy(from->orcpt) : NULL;
}

void envelope_default_notify(struct envelope *env, unsigned notify)
{
    for (size_t i = 0; i < env->n; i++)
        if (env->rcpt[i].notify == 0)
            env->rcpt[i].notify = notify;
}

bool envelope_reports_failure(const struct recipient *recipient)
{
    return recipient->notify == 0 || recipient->notify & DSN_FAILURE;
}

static char *copy_of(const char *text)
{
    return memory_copy(text ? text : "");
}

void envelope_copy(struct envelope *to, const struct envelope *from)
{
    struct envelope copy = *from;
    copy.sender = copy_of(from->sender);
    copy.envid = copy_of(from->envid);
    copy.rcpt = memory_new(from->n * sizeof *copy.rcpt);
    copy.size = from->n;
    copy.index = NULL; /* made again when it grows */
    for (size_t i = 0; i < from->n; i++) {
        copy.rcpt[i] = (struct recipient){.address = memory_copy(from->rcpt[i].address)};
        envelope_ask(&copy.rcpt[i], &from->rcpt[i]);
    }
    envelope_clear(to);
    *to = copy;
}

void envelope_set_sender(struct envelope *env, const char *address)
{
    memory_replace(&env->sender, address);
}

void envelope_clear(struct envelope *env)
{
    for (size_t i = 0; i < env->n; i++) {
        free(env->rcpt[i].address);
        free(env->rcpt[i].orcpt);
    }
    free(env->rcpt);
    free(env->index);
    free(env->sender);
    free(env->envid);
    memset(env, 0, sizeof *env);
}
