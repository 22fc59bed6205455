#include "config.h"
#include "config/ownership.h"

#include <pwd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config/configuration.h"

bool ownership_is_shared(const struct stat *facts)
{
    return (facts->st_mode & S_IWOTH) ||
           ((facts->st_mode & S_IWGRP) && facts->st_gid != (gid_t)facts->st_uid);
}

bool ownership_check(const char *path, const struct stat *facts, uid_t uid, struct error *err)
{
    if (facts->st_uid != uid && facts->st_uid != 0)
        return error_config(err, "%s: is owned by uid %ld, and must be by uid %ld: chown it", path,
                            (long)facts->st_uid, (long)uid);
    if (ownership_is_shared(facts))
        return error_config(err, "%s: others can write to it (mode %04o): chmod go-w it", path,
                            (unsigned)facts->st_mode & 07777);
    return true;
}

bool ownership_check_named(const struct account *account, const struct key *key, uid_t uid,
                           struct error *err)
{
    struct stat facts;
    struct str path = {0};
    key_print(key, account, &path);
    bool ok = account->scope != SCOPE_USER || path.len == 0 || stat(str_text(&path), &facts) != 0 ||
              ownership_check(str_text(&path), &facts, uid, err) ||
              error_prefix(err, "%s", key->name);
    str_clear(&path);
    return ok;
}

bool ownership_is_trusted(uid_t uid)
{
    if (uid == 0 || uid == geteuid())
        return true;
    const struct passwd *service = getpwnam(SERVICE_USER);
    return service && service->pw_uid == uid;
}

bool ownership_is_read_only(const char *path)
{
    struct statvfs facts;
    return statvfs(path, &facts) == 0 && (facts.f_flag & ST_RDONLY);
}
