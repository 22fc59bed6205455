#include "config.h"
#include "config/permission.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"

static bool is_named(const struct strlist *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->item[i], name) == 0)
            return true;
    return false;
}

static bool is_in_group(const struct strlist *groups, const struct caller *caller)
{
    const struct passwd *entry = groups->n > 0 ? getpwuid(caller->uid) : NULL;
    if (!entry)
        return false;
    int n = 0;
    (void)getgrouplist(entry->pw_name, entry->pw_gid, NULL, &n); /* sets N */
    gid_t *list = memory_resize(NULL, (size_t)n + 1, sizeof *list);
    bool found = false;
    if (getgrouplist(entry->pw_name, entry->pw_gid, list, &n) < 0)
        n = 0;
    for (int i = 0; i < n && !found; i++) {
        const struct group *group = getgrgid(list[i]);
        found = group && is_named(groups, group->gr_name);
    }
    free(list);
    return found;
}

bool permission_check(const struct account *account, const struct caller *caller, struct error *err)
{
    bool open = account->allow_users.n == 0 && account->allow_groups.n == 0;
    bool known = caller->uid != (uid_t)-1;
    if (open || caller->uid == 0 ||
        (known && (is_named(&account->allow_users, caller->name) ||
                   is_in_group(&account->allow_groups, caller))))
        return true;
    return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_NOPERM,
                     "account %s is not for %s: allow_users and allow_groups name others",
                     account->name, caller->name);
}
