#include "config.h"
#include "message/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/address.h"

enum { INDEX_FROM = 8 }; /* fewer recipients are found sooner by looking at each */

/* FNV-1a, never 0; the domain without case, as address_equal() compares. */
static uint32_t hash_of(const char *address)
{
    uint32_t value = 2166136261;
    size_t local = address_local_length(address);
    for (size_t i = 0; address[i]; i++) {
        bool folds = i > local && address[i] >= 'A' && address[i] <= 'Z';
        unsigned char c = (unsigned char)(folds ? address[i] - 'A' + 'a' : address[i]);
        value = (value ^ c) * 16777619;
    }
    value ^= value >> 16;
    return value ? value : 1;
}

static bool is_same(const struct recipient *recipient, const char *address, uint32_t hash)
{
    return recipient->hash == hash && address_equal(recipient->address, address, false);
}

/* The place in the index of ADDRESS, or the free one where it belongs. */
static size_t slot_of(const struct envelope *env, const char *address, uint32_t hash)
{
    size_t slot = hash & (env->index_size - 1);
    while (env->index[slot] && !is_same(&env->rcpt[env->index[slot] - 1], address, hash))
        slot = (slot + 1) & (env->index_size - 1);
    return slot;
}

/* At most a quarter of it is in use then, and half of it before it grows again. */
static void make_index(struct envelope *env)
{
    free(env->index);
    env->index_size = INDEX_FROM;
    while (env->index_size < 4 * env->n)
        env->index_size *= 2;
    env->index = memory_new(env->index_size * sizeof *env->index);
    for (size_t i = 0; i < env->n; i++) {
        struct recipient *recipient = &env->rcpt[i];
        if (!recipient->hash)
            recipient->hash = hash_of(recipient->address);
        env->index[slot_of(env, recipient->address, recipient->hash)] = i + 1;
    }
}

static bool has(const struct envelope *env, const char *address, uint32_t hash)
{
    if (env->index)
        return env->index[slot_of(env, address, hash)] != 0;
    for (size_t i = 0; i < env->n; i++)
        if (address_equal(env->rcpt[i].address, address, false))
            return true;
    return false;
}

struct recipient *envelope_add(struct envelope *env, const char *address)
{
    return envelope_take(env, memory_copy(address));
}

struct recipient *envelope_take(struct envelope *env, char *address)
{
    uint32_t hash = hash_of(address);
    if (has(env, address, hash)) {
        free(address);
        return NULL;
    }
    env->rcpt = memory_grow(env->rcpt, env->n, &env->size, sizeof *env->rcpt);
    env->rcpt[env->n++] = (struct recipient){.address = address, .hash = hash};
    if (env->index && 2 * env->n <= env->index_size)
        env->index[slot_of(env, address, hash)] = env->n;
    else if (env->n > INDEX_FROM)
        make_index(env);
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

bool envelope_reports_delay(const struct recipient *recipient)
{
    return recipient->notify == 0 || recipient->notify & DSN_DELAY;
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
