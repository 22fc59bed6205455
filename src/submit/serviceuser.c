#include "config.h"
#include "submit/serviceuser.h"

#include <grp.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/configuration.h"

bool serviceuser_become(struct error *err)
{
    const struct passwd *entry = geteuid() == 0 ? getpwnam(SERVICE_USER) : NULL;
    if (!entry || entry->pw_uid == 0)
        return true;
    uid_t uid = entry->pw_uid;
    gid_t gid = entry->pw_gid;
    if (initgroups(SERVICE_USER, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0 || setuid(0) == 0)
        return error_system(err, EX_OSERR, "cannot become user %s", SERVICE_USER);
    return true;
}
