#include "config.h"
#include "message/aliases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/translation.h"
#include "message/address.h"

struct alias {
    char *name;
    struct strlist values; /* as written, without enclosing quotes where they quote no address */
    int line;
};

struct aliases {
    char *path;
    struct alias *item; /* sorted by name */
    size_t n;
    size_t size;
};

static void add_warning(struct strlist *warnings, const char *path, int line, const char *what,
                        const char *value)
{
    struct str text = {0};
    str_add(&text, path);
    if (line > 0)
        str_addf(&text, ":%d", line);
    str_addf(&text, ": %s: %s", value, _(what));
    if (!strlist_has(warnings, str_text(&text)))
        strlist_take(warnings, str_take(&text));
    str_clear(&text);
}

static size_t blanks(const char *text)
{
    return strspn(text, " \t\r\n");
}

/* The length of TEXT up to the first octet of STOP that is not quoted. */
static size_t unquoted_span(const char *text, const char *stop)
{
    bool quoted = false;
    size_t i = 0;
    for (; text[i]; i++) {
        if (text[i] == '\\' && text[i + 1])
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && strchr(stop, text[i]))
            break;
    }
    return i;
}

/* LEN octets without blanks around and, if they are one quoted string that is more than a local
 * part (a name, a command, a file), without its quotes. */
static char *trim(const char *text, size_t len, bool is_name)
{
    struct str plain = {0};
    while (len > 0 && blanks(text)) {
        text++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    bool quoted =
        len >= 2 && text[0] == '"' && text[len - 1] == '"' && (is_name || strchr("|/:\\", text[1]));
    for (size_t i = quoted; i < len - quoted; i++) {
        if (quoted && text[i] == '\\' && i + 2 < len && (is_name || i > 1))
            i++;
        str_add_char(&plain, text[i]);
    }
    return str_take(&plain);
}

/* Appends the values of a list: what commas separate, comments left out. */
static void split_values(const char *text, struct strlist *values)
{
    while (*text) {
        size_t len = unquoted_span(text, ",");
        char *value = trim(text, len, false);
        if (*value)
            strlist_take(values, value);
        else
            free(value);
        text += len;
        if (*text)
            text++;
    }
}

static void add_entry(struct aliases *aliases, const char *text, int line, struct strlist *warnings)
{
    size_t len = unquoted_span(text, ":");
    char *name = trim(text, len, true);
    if (text[len] != ':' || !*name) {
        add_warning(warnings, aliases->path, line, N_("not an alias: expected `name: address`"),
                    name);
        free(name);
        return;
    }
    aliases->item = memory_grow(aliases->item, aliases->n, &aliases->size, sizeof *aliases->item);
    struct alias *alias = &aliases->item[aliases->n++];
    *alias = (struct alias){.name = name, .line = line};
    split_values(text + len + 1, &alias->values);
}

/* Appends one line up to a comment. */
static void add_without_comment(struct str *out, const char *line, size_t len)
{
    char *text = memory_copy_n(line, len);
    size_t end = 0;
    for (;; end++) {
        end += unquoted_span(text + end, "#");
        if (!text[end] || end == 0 || blanks(text + end - 1))
            break;
    }
    str_add_n(out, text, end);
    free(text);
}

static void warn_of_blank(const struct aliases *aliases, int line, const char *text, size_t len,
                          struct strlist *warnings)
{
    char *entry = memory_copy_n(text, len);
    add_warning(warnings, aliases->path, line, N_("begins with a blank and continues no line"),
                entry);
    free(entry);
}

/* Gives each logical line (with its continuations) of TEXT to add_entry(). */
static void parse(struct aliases *aliases, const char *text, struct strlist *warnings)
{
    struct str entry = {0};
    int line = 0, started = 0;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while (*text) {
        size_t len = strcspn(text, "\n");
        size_t indent = strspn(text, " \t\r");
        bool empty = indent >= len || text[indent] == '#';
        line++;
        if (!empty && indent == 0) {
            if (entry.len)
                add_entry(aliases, entry.data, started, warnings);
            str_truncate(&entry, 0);
            started = line;
        }
        if (!empty && started == 0)
            warn_of_blank(aliases, line, text + indent, len - indent, warnings);
        else if (!empty) {
            add_without_comment(&entry, text, len);
            str_add_char(&entry, ' ');
        }
        text += len + (text[len] == '\n');
    }
    if (entry.len)
        add_entry(aliases, entry.data, started, warnings);
    str_clear(&entry);
}

static int compare(const void *a, const void *b)
{
    const struct alias *one = a, *other = b;
    int order = strcasecmp(one->name, other->name);
    return order ? order : one->line - other->line;
}

static void alias_clear(struct alias *alias)
{
    free(alias->name);
    strlist_clear(&alias->values);
}

static void sort(struct aliases *aliases, struct strlist *warnings)
{
    size_t kept = 0;
    if (aliases->n > 0)
        qsort(aliases->item, aliases->n, sizeof *aliases->item, compare);
    for (size_t i = 0; i < aliases->n; i++) {
        struct alias *alias = &aliases->item[i];
        if (kept > 0 && strcasecmp(aliases->item[kept - 1].name, alias->name) == 0) {
            add_warning(warnings, aliases->path, alias->line,
                        N_("there is an alias of this name above"), alias->name);
            alias_clear(alias);
        } else {
            aliases->item[kept++] = *alias;
        }
    }
    aliases->n = kept;
}

bool aliases_read(struct aliases **result, const char *path, bool may_be_missing,
                  struct strlist *warnings, struct error *err)
{
    struct str text = {0};
    struct aliases *aliases = memory_new(sizeof *aliases);
    aliases->path = memory_copy(path);
    errno = 0;
    if (!fileread_all(path, ALIASES_FILE_MAX, &text, NULL, err) &&
        !(may_be_missing && errno == ENOENT)) {
        str_clear(&text);
        aliases_free(aliases);
        return false;
    }
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\0')
            text.data[i] = ' ';
    parse(aliases, str_text(&text), warnings);
    sort(aliases, warnings);
    str_clear(&text);
    *result = aliases;
    return true;
}

void aliases_free(struct aliases *aliases)
{
    if (!aliases)
        return;
    for (size_t i = 0; i < aliases->n; i++)
        alias_clear(&aliases->item[i]);
    free(aliases->item);
    free(aliases->path);
    free(aliases);
}

/* One call of aliases_expand(). */
struct alias_expansion {
    const struct aliases *aliases;
    enum { FRESH, OPEN, DONE } * state; /* of each alias */
    struct strlist included;
    struct strlist *out, *warnings;
    int depth;
};

static const struct alias *find_plain(const struct aliases *aliases, const char *name)
{
    struct alias key = {.name = (char *)name, .line = 0};
    if (aliases->n == 0)
        return NULL;
    const struct alias *end = aliases->item + aliases->n, *low = aliases->item;
    for (size_t n = aliases->n; n > 0; n /= 2) {
        const struct alias *middle = low + n / 2;
        if (compare(middle, &key) < 0) {
            low = middle + 1;
            n--;
        }
    }
    if (low < end && strcasecmp(low->name, name) == 0)
        return low;
    return strcasecmp(name, "default") == 0 ? NULL : find_plain(aliases, "default");
}

/* Names of entries are kept without quotes, local parts come with them where they need them. */
static const struct alias *find(const struct aliases *aliases, const char *name)
{
    char *plain = trim(name, strlen(name), true);
    const struct alias *alias = find_plain(aliases, plain);
    free(plain);
    return alias;
}

static bool expand_values(struct alias_expansion *x, const struct strlist *values, const char *path,
                          int line);

static void expand_name(struct alias_expansion *x, const char *name)
{
    const struct alias *alias = find(x->aliases, name);
    size_t at = alias ? (size_t)(alias - x->aliases->item) : 0;
    if (!alias || x->state[at] == OPEN || x->depth > ALIASES_DEPTH_MAX) {
        if (!strlist_has(x->out, name))
            strlist_add(x->out, name);
        return;
    }
    if (x->state[at] == DONE)
        return;
    x->state[at] = OPEN;
    x->depth++;
    if (!expand_values(x, &alias->values, x->aliases->path, alias->line))
        strlist_add(x->out, name);
    x->depth--;
    x->state[at] = DONE;
}

static bool expand_file(struct alias_expansion *x, const char *path, const char *from, int line)
{
    struct error err;
    struct str text = {0}, plain = {0};
    struct strlist values = {0};
    if (strlist_has(&x->included, path))
        return true;
    strlist_add(&x->included, path);
    if (*path != '/' || !fileread_all(path, ALIASES_FILE_MAX, &text, NULL, &err)) {
        add_warning(x->warnings, from, line,
                    *path == '/' ? error_shown(&err) : N_("needs an absolute path"), path);
        str_clear(&text);
        return false;
    }
    for (char *p = text.data; p && p < text.data + text.len; p++) {
        char *end = memchr(p, '\n', text.len - (size_t)(p - text.data));
        size_t len = end ? (size_t)(end - p) : text.len - (size_t)(p - text.data);
        str_truncate(&plain, 0);
        add_without_comment(&plain, p, len);
        split_values(str_text(&plain), &values);
        p += len;
    }
    bool any = expand_values(x, &values, path, 0);
    strlist_clear(&values);
    str_clear(&plain);
    str_clear(&text);
    return any;
}

static bool expand_addresses(struct alias_expansion *x, const char *value)
{
    struct address_list list = {0};
    address_list_parse(&list, value, strlen(value));
    for (size_t i = 0; i < list.n; i++) {
        if (*address_domain(list.item[i].mailbox))
            strlist_add(x->out, list.item[i].mailbox);
        else
            expand_name(x, list.item[i].mailbox);
    }
    bool any = list.n > 0;
    address_list_clear(&list);
    return any;
}

/* True if something came of it, now or when the same alias was expanded before. */
static bool expand_values(struct alias_expansion *x, const struct strlist *values, const char *path,
                          int line)
{
    static const char include[] = ":include:";
    bool any = false;
    for (size_t i = 0; i < values->n; i++) {
        const char *value = values->item[i];
        if (*value == '|' || *value == '/') {
            add_warning(x->warnings, path, line, N_("mail is not given to commands or files"),
                        value);
        } else if (strncasecmp(value, include, strlen(include)) == 0) {
            value += strlen(include);
            any |= expand_file(x, value + blanks(value), path, line);
        } else if (*value == ':') {
            add_warning(x->warnings, path, line, N_("is not understood"), value);
        } else if (*value == '\\') {
            strlist_add(x->out, value + 1);
            any = true;
        } else {
            any |= expand_addresses(x, value);
        }
    }
    return any;
}

bool aliases_expand(const struct aliases *aliases, const char *name, struct strlist *out,
                    struct strlist *warnings)
{
    if (!find(aliases, name))
        return false;
    struct alias_expansion x = {.aliases = aliases, .out = out, .warnings = warnings};
    x.state = memory_new(aliases->n * sizeof *x.state);
    size_t before = out->n;
    expand_name(&x, name);
    if (out->n == before)
        strlist_add(out, name);
    strlist_clear(&x.included);
    free(x.state);
    return true;
}
