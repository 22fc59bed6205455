#include "config.h"
#include "config/thishost.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fileread.h"
#include "base/memory.h"

enum { NAME_MAX_OCTETS = 255, MAILNAME_MAX = 4096, HOSTS_MAX = 1024 * 1024 };

static bool is_name(const char *text)
{
    return *text && strlen(text) <= NAME_MAX_OCTETS && !escape_has_control(text) &&
           !strpbrk(text, " @<>\"");
}

/* Looks at one line of hosts(5): address, canonical name, aliases. */
static char *full_name_in_line(char *line, const char *name)
{
    char *at = line, *word, *canonical = NULL;
    bool ours = false;
    line[strcspn(line, "#")] = '\0';
    (void)strsep(&at, " \t"); /* the address */
    while ((word = strsep(&at, " \t")) != NULL) {
        if (!*word)
            continue;
        if (!canonical)
            canonical = word;
        ours = ours || strcasecmp(word, name) == 0;
    }
    return ours && strchr(canonical, '.') && is_name(canonical) ? canonical : NULL;
}

/* Read here because getaddrinfo(3) might ask a name server, and gethostent(3) takes four times the
 * system calls. */
static char *full_name_in_hosts_file(const struct paths *paths, const char *name)
{
    struct str path = {0}, text = {0};
    struct error ignored; /* a machine without the file has its short name */
    char *found = NULL;
    str_addf(&path, "%s/hosts", paths->sysconfdir);
    if (*name && fileread_all(str_text(&path), HOSTS_MAX, &text, NULL, &ignored)) {
        char *at = text.data, *line;
        while (!found && (line = strsep(&at, "\r\n")) != NULL)
            found = full_name_in_line(line, name);
    }
    char *copy = memory_copy(found ? found : "");
    str_clear(&path);
    str_clear(&text);
    return copy;
}

static char *mail_name_of(const struct paths *paths)
{
    struct str path = {0}, text = {0};
    struct error ignored; /* a machine without the file has its host name */
    str_addf(&path, "%s/mailname", paths->sysconfdir);
    char *name = NULL;
    if (fileread_all(str_text(&path), MAILNAME_MAX, &text, NULL, &ignored)) {
        str_truncate(&text, strcspn(str_text(&text), " \t\r\n"));
        if (is_name(str_text(&text)))
            name = memory_copy(str_text(&text));
    }
    str_clear(&path);
    str_clear(&text);
    return name;
}

const char *this_host_best_name(const struct this_host *host)
{
    return *host->full_name ? host->full_name : host->name;
}

void this_host_read(struct this_host *host, const struct paths *paths)
{
    char name[NAME_MAX_OCTETS + 1] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !is_name(name))
        name[0] = '\0';
    if (strchr(name, '.'))
        host->full_name = memory_copy(name);
    else
        host->full_name = full_name_in_hosts_file(paths, name);
    host->name = *name ? memory_copy_n(name, strcspn(name, ".")) : memory_copy("localhost");
    host->mail_name = mail_name_of(paths);
    if (!host->mail_name)
        host->mail_name = memory_copy(this_host_best_name(host));
    size_t len = strlen(host->name);
    if (!*host->full_name && strncasecmp(host->mail_name, host->name, len) == 0 &&
        host->mail_name[len] == '.')
        memory_replace(&host->full_name, host->mail_name);

    strlist_add(&host->names, "localhost");
    strlist_add(&host->names, "localhost.localdomain");
    strlist_add(&host->names, host->name);
    if (*host->full_name)
        strlist_add(&host->names, host->full_name);
    strlist_copy(&host->sender_names, &host->names);
    strlist_add(&host->sender_names, host->mail_name);
}

void this_host_clear(struct this_host *host)
{
    free(host->name);
    free(host->full_name);
    free(host->mail_name);
    strlist_clear(&host->names);
    strlist_clear(&host->sender_names);
    *host = (struct this_host){0};
}
