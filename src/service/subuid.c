#include "config.h"
#include "service/subuid.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { SUBUID_LINE_MAX = 512 };

/* "OWNER:START:COUNT", the owner a name or a uid. True if UID is in the range. */
static bool read_line(char *line, uid_t uid, uid_t *owner)
{
    char *start = strchr(line, ':'), *end = NULL;
    if (!start || *line == '#')
        return false;
    *start++ = '\0';
    unsigned long first = strtoul(start, &end, 10);
    unsigned long count = *end == ':' ? strtoul(end + 1, NULL, 10) : 0;
    if (uid < first || uid - first >= count)
        return false;
    unsigned long number = strtoul(line, &end, 10);
    const struct passwd *entry = *line && *end ? getpwnam(line) : NULL;
    *owner = entry ? entry->pw_uid : (uid_t)(*line && !*end ? number : first);
    return true;
}

uid_t subuid_owner(const struct paths *paths, uid_t uid)
{
    struct str path = {0};
    char line[SUBUID_LINE_MAX];
    uid_t owner = uid;
    str_addf(&path, "%s/subuid", paths->sysconfdir);
    FILE *file = fopen(str_text(&path), "re");
    while (file && fgets(line, sizeof line, file) && !read_line(line, uid, &owner))
        ;
    if (file)
        (void)fclose(file); /* only read */
    str_clear(&path);
    return owner;
}
