#include "config.h"
#include "cli/environment.h"

#include <pwd.h>
#include <stdio.h>
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

/* The name of the process PID and its parent, of which the kernel says "PID (NAME) S PARENT ...".
 * The name can have any octet in it. Returns the parent, 0 if nothing is known. */
static pid_t parent_of(pid_t pid, char *name, size_t size)
{
    char path[64], text[512];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file); /* only read */
    text[len] = '\0';
    const char *begin = strchr(text, '('), *end = strrchr(text, ')');
    if (!begin || !end || end < begin)
        return 0;
    (void)snprintf(name, size, "%.*s", (int)(end - begin - 1), begin + 1);
    return strlen(end) > strlen(") S ") ? (pid_t)strtol(end + strlen(") S "), NULL, 10) : 0;
}

/* PHP's FPM hands no variable of a request down, and each site may have a user of its own. Between
 * it and us may be a shell. */
static bool is_below_web_server(void)
{
    enum { GENERATIONS = 3 };
    static const char *const servers[] = {"php-fpm", "php-cgi",  "lsphp", "apache2", "httpd",
                                          "nginx",   "lighttpd", "caddy", "uwsgi"};
    char name[64];
    pid_t pid = getppid();
    for (int i = 0; i < GENERATIONS && pid > 1; i++) {
        pid = parent_of(pid, name, sizeof name);
        for (size_t k = 0; pid > 0 && k < sizeof servers / sizeof *servers; k++)
            if (strncmp(name, servers[k], strlen(servers[k])) == 0)
                return true;
    }
    return false;
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
    return is_below_web_server();
}

const char *environment_temporary(void)
{
    const char *directory = environment_get("TMPDIR");
    return *directory == '/' ? directory : "/tmp";
}
