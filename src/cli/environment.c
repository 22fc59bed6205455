#include "config.h"
#include "cli/environment.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *environment_get(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

char *const *environment_all(void)
{
    return environ;
}

void environment_drop(const char *name)
{
    (void)unsetenv(name);
}

bool environment_is_web(void)
{
    static const char *const variables[] = {"GATEWAY_INTERFACE", "REQUEST_METHOD",
                                            "SERVER_SOFTWARE"}; /* RFC 3875, 4.1 */
    static const char *const users[] = {"www-data", "www",    "http",     "apache", "httpd",
                                        "nginx",    "wwwrun", "lighttpd", "caddy",  "php-fpm"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (*environment_get(variables[i]))
            return true;
    const struct passwd *entry = getpwuid(getuid());
    for (size_t i = 0; entry && i < sizeof users / sizeof *users; i++)
        if (strcmp(entry->pw_name, users[i]) == 0)
            return true;
    return false;
}

const char *environment_temporary(void)
{
    const char *directory = environment_get("TMPDIR");
    return *directory == '/' ? directory : "/tmp";
}
