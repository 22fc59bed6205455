#include "config.h"
#include "service/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/memory.h"

struct quota *quota_new(void)
{
    struct quota *quota = memory_shared(sizeof *quota);
    if (quota)
        quota->turns = memfd_create("turns", MFD_CLOEXEC);
    return quota;
}

static struct quota_user *find(struct quota *quota, uint64_t id)
{
    struct quota_user *oldest = NULL;
    for (size_t i = 0; i < QUOTA_USERS_MAX; i++) {
        struct quota_user *user = &quota->user[i];
        if (user->used && user->id == id)
            return user;
        if (!user->used)
            return user; /* places are given out in order */
        if (user->connections == 0 && (!oldest || user->hour < oldest->hour))
            oldest = user;
    }
    return oldest;
}

struct quota_user *quota_of(struct quota *quota, uint64_t id, int64_t now)
{
    struct quota_user *user = find(quota, id);
    if (!user)
        return NULL;
    if (!user->used || user->id != id || now - user->hour >= QUOTA_HOUR) {
        user->used = true;
        user->id = id;
        user->hour = now;
        atomic_store(&user->submitted, 0);
        atomic_store(&user->octets, 0);
        atomic_store(&user->failures, 0);
    }
    return user;
}

long quota_share(const struct quota_user *user, long connections)
{
    long share = connections;
    if (user->id != 0)
        share -= connections / 20;
    if (user->id != 0 && user->connections > 0)
        share -= connections / 10;
    return share;
}

struct quota_session *quota_open_session(struct quota *quota)
{
    for (size_t i = 0; i < QUOTA_SESSIONS_MAX; i++) {
        struct quota_session *session = &quota->session[i];
        if (session->used)
            continue;
        session->used = true;
        atomic_store(&session->idle_since, 0);
        return session;
    }
    return NULL;
}

bool quota_take(struct quota_user *user, long max)
{
    if (atomic_fetch_add(&user->submitted, 1) < max)
        return true;
    atomic_fetch_sub(&user->submitted, 1);
    return false;
}

bool quota_take_octets(struct quota_user *user, uint64_t octets, int64_t max)
{
    if (octets > (uint64_t)max)
        return false;
    if (atomic_fetch_add(&user->octets, (long long)octets) + (long long)octets <= max)
        return true;
    atomic_fetch_sub(&user->octets, (long long)octets);
    return false;
}

static bool move_turn(const struct quota *quota, const struct quota_user *user, short type)
{
    struct flock turn = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = user - quota->user, .l_len = 1};
    int moved;
    do
        moved = fcntl(quota->turns, F_SETLKW, &turn);
    while (moved != 0 && errno == EINTR);
    return moved == 0;
}

bool quota_begin_turn(const struct quota *quota, const struct quota_user *user)
{
    return move_turn(quota, user, F_WRLCK);
}

void quota_end_turn(const struct quota *quota, const struct quota_user *user)
{
    (void)move_turn(quota, user, F_UNLCK);
}
