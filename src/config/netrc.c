#include "config.h"
#include "config/netrc.h"

#include <string.h>
#include <strings.h>

struct scan {
    const char *next, *end;
};

struct entry {
    bool fits; /* its machine is the one looked for */
    bool has_password;
    struct str login, password;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

/* Replaces WORD by the next word. False at the end. */
static bool next_word(struct scan *scan, struct str *word)
{
    str_truncate(word, 0);
    while (scan->next < scan->end && is_space(*scan->next))
        scan->next++;
    if (scan->next == scan->end)
        return false;
    bool quoted = *scan->next == '"';
    if (quoted)
        scan->next++;
    while (scan->next < scan->end) {
        char c = *scan->next;
        if (quoted ? c == '"' : is_space(c))
            break;
        scan->next++;
        if (quoted && c == '\\' && scan->next < scan->end)
            c = *scan->next++;
        if (c != '\0')
            str_add_char(word, c);
    }
    if (quoted && scan->next < scan->end)
        scan->next++;
    return true;
}

static void skip_line(struct scan *scan)
{
    const char *newline = memchr(scan->next, '\n', (size_t)(scan->end - scan->next));
    scan->next = newline ? newline + 1 : scan->end;
}

/* The text of a macro ends with an empty line. */
static void skip_macro(struct scan *scan)
{
    for (skip_line(scan); scan->next < scan->end; skip_line(scan))
        if (*scan->next == '\n' || *scan->next == '\r')
            return;
}

static bool is_answer(const struct entry *entry, const char *login)
{
    return entry->fits && entry->has_password &&
           (entry->login.len == 0 || strcmp(str_text(&entry->login), login) == 0);
}

static void begin(struct entry *entry, bool fits)
{
    entry->fits = fits;
    entry->has_password = false;
    str_clear(&entry->login);
    str_clear(&entry->password);
}

bool netrc_find(const char *text, size_t len, const char *machine, const char *login,
                struct str *out)
{
    struct scan scan = {.next = text, .end = text + len};
    struct entry entry = {.login.secret = true, .password.secret = true};
    struct str word = {.secret = true};
    bool found = false;
    while (!found && next_word(&scan, &word)) {
        const char *keyword = str_text(&word);
        bool is_machine = strcmp(keyword, "machine") == 0;
        if (is_machine || strcmp(keyword, "default") == 0) {
            found = is_answer(&entry, login);
            if (!found)
                begin(&entry, is_machine && next_word(&scan, &word) &&
                                  strcasecmp(str_text(&word), machine) == 0);
        } else if (strcmp(keyword, "login") == 0) {
            (void)next_word(&scan, &entry.login);
        } else if (strcmp(keyword, "password") == 0) {
            entry.has_password = next_word(&scan, &entry.password);
        } else if (strcmp(keyword, "account") == 0) {
            (void)next_word(&scan, &word);
        } else if (strcmp(keyword, "macdef") == 0) {
            skip_macro(&scan);
        } else if (*keyword == '#') {
            skip_line(&scan);
        }
    }
    found = found || is_answer(&entry, login);
    if (found)
        str_add_n(out, str_text(&entry.password), entry.password.len);
    begin(&entry, false);
    str_clear(&word);
    return found;
}
