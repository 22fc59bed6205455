#include "config.h"
#include "smtp/sessionstate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void capability_clear(struct session_capabilities *capabilities)
{
    str_clear(&capabilities->mechanisms);
    memset(capabilities, 0, sizeof *capabilities);
}

static void read_mechanisms(struct session_capabilities *caps, const char *names)
{
    caps->auth = true;
    if (caps->mechanisms.len == 0)
        str_add_char(&caps->mechanisms, ' ');
    while (*(names += strspn(names, " \t"))) {
        size_t len = strcspn(names, " \t");
        for (size_t i = 0; i < len; i++)
            str_add_char(&caps->mechanisms, (char)toupper((unsigned char)names[i]));
        str_add_char(&caps->mechanisms, ' ');
        names += len;
    }
}

static void read_size(struct session_capabilities *caps, const char *number)
{
    caps->size = true;
    number += strspn(number, " ");
    size_t digits = strspn(number, "0123456789");
    if (digits > 0 && digits < 19 && number[digits] == '\0')
        caps->size_limit = strtoull(number, NULL, 10);
}

static bool is_keyword(const char *line, size_t len, const char *keyword)
{
    return strlen(keyword) == len && strncasecmp(line, keyword, len) == 0;
}

static void read_line(struct session_capabilities *caps, const char *line)
{
    const struct {
        const char *keyword;
        bool *flag;
    } keywords[] = {
        {"STARTTLS", &caps->starttls},
        {"PIPELINING", &caps->pipelining},
        {"CHUNKING", &caps->chunking},
        {"8BITMIME", &caps->eightbit},
        {"SMTPUTF8", &caps->smtputf8},
        {"DSN", &caps->dsn},
        {"ETRN", &caps->etrn},
        {"ENHANCEDSTATUSCODES", &caps->status_codes},
        {"REQUIRETLS", &caps->requiretls},
    };
    size_t len = strcspn(line, " \t");
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (is_keyword(line, len, keywords[i].keyword))
            *keywords[i].flag = true;
    if (is_keyword(line, len, "SIZE"))
        read_size(caps, line + 4);
    if (is_keyword(line, len, "LIMITS"))
        limits_read(caps, line + 6);
    if (strncasecmp(line, "AUTH=", 5) == 0 || is_keyword(line, len, "AUTH"))
        read_mechanisms(caps, line[4] ? line + 5 : line + 4);
}

void capability_read(struct session_capabilities *caps, const struct reply *reply)
{
    capability_clear(caps);
    struct str text = {0};
    str_add(&text, str_text(&reply->text));
    char *line = text.data ? strchr(text.data, '\n') : NULL; /* the first is the server's name */
    while (line) {
        char *next = strchr(++line, '\n');
        if (next)
            *next = '\0';
        read_line(caps, line);
        line = next;
    }
    str_clear(&text);
}
