#include "config.h"
#include "submit/serviceuser.h"

#include <grp.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/configuration.h"

bool serviceuser_find(uid_t *uid, gid_t *gid)
{
    const struct passwd *entry = geteuid() == 0 ? getpwnam(SERVICE_USER) : NULL;
    if (!entry || entry->pw_uid == 0)
        return false;
    *uid = entry->pw_uid;
    *gid = entry->pw_gid;
    return true;
}

bool serviceuser_become(struct error *err)
{
    uid_t uid;
    gid_t gid;
    if (!serviceuser_find(&uid, &gid))
        return true;
    if (initgroups(SERVICE_USER, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0 || setuid(0) == 0)
        return error_system(err, EX_OSERR, "cannot become user %s", SERVICE_USER);
    return true;
}
