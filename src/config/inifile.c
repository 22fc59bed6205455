#include "config.h"
#include "config/inifile.h"

#include <ctype.h>
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* libinih 55, as distributions build it, cuts lines at 200 octets and section names at 49, takes an
 * indented line for a continuation, and calls its handler neither with a line number nor for an
 * empty section; other builds do other things. So it is handed one line at a time, without its
 * indentation and cut where the value need not be seen, and asked one question: is this a section,
 * a key or nonsense? What the user wrote is read from the line itself. */
struct ini_reading {
    const char *file;
    const char *next, *end; /* the rest of the text */
    const char *text;       /* the present line, without blanks around it; `len` octets */
    size_t len;
    int line;
    enum { NOTHING, SECTION, KEY } expected;
    bool seen; /* the library has taken the line for a key */
    bool failed;
    char *section;
    const struct ini_reader *reader;
    struct error *err;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank((*text)[*len - 1]))
        --*len;
    while (*len > 0 && is_blank(**text)) {
        ++*text;
        --*len;
    }
}

static bool fail(struct ini_reading *r)
{
    error_prefix(r->err, "%s:%d", r->file, r->line);
    r->failed = true;
    return false;
}

static bool emit(struct ini_reading *r, const char *key, const char *value)
{
    struct ini_event event = {
        .section = r->section ? r->section : "", .key = key, .value = value, .line = r->line};
    return r->reader->event(r->reader->context, &event, r->err) || fail(r);
}

/* The length of TEXT before a comment: a ';' that follows a blank and is not between quotes.
 * LEN + 1 if a quote stays open. */
static size_t before_comment(const char *text, size_t len)
{
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            quoted = !quoted;
        if (text[i] == ';' && !quoted && (i == 0 || is_blank(text[i - 1])))
            return i;
    }
    return quoted ? len + 1 : len;
}

static bool begin_section(struct ini_reading *r)
{
    const char *close = memchr(r->text, ']', r->len);
    if (!close) {
        error_config(r->err, "the section name is not closed: write [NAME]");
        return fail(r);
    }
    const char *rest = close + 1;
    size_t left = (size_t)(r->text + r->len - rest);
    trim(&rest, &left);
    if (left > 0 && *rest != ';' && *rest != '#') {
        error_config(r->err, "'%.*s' follows the section name: it needs a line of its own",
                     (int)(left < 40 ? left : 40), rest);
        return fail(r);
    }
    struct str name = {0};
    for (const char *p = r->text + 1; p < close; p++) {
        bool blank = is_blank(*p);
        if (!blank)
            str_add_char(&name, *p);
        else if (name.len > 0 && name.data[name.len - 1] != ' ')
            str_add_char(&name, ' ');
    }
    if (name.len > 0 && name.data[name.len - 1] == ' ')
        str_truncate(&name, name.len - 1);
    free(r->section);
    r->section = str_take(&name);
    size_t len = strlen(r->section);
    if (len > 0 && len <= INIFILE_NAME_MAX)
        return emit(r, NULL, NULL);
    if (len > 0)
        error_config(r->err, "the section name is longer than %d bytes", INIFILE_NAME_MAX);
    else
        error_config(r->err, "the section has no name: write [account NAME]");
    return fail(r);
}

/* Does not show the line: it may be a password that lost its key. */
static bool no_assignment(struct ini_reading *r)
{
    bool colon = !memchr(r->text, '=', r->len) && memchr(r->text, ':', r->len);
    if (colon)
        error_config(r->err, "this line is not understood: write KEY = VALUE (with =, not :)");
    else
        error_config(r->err, "this line is not understood: write KEY = VALUE");
    return fail(r);
}

/* Gives out KEY = VALUE of the present line. */
static bool assign(struct ini_reading *r)
{
    const char *equals = memchr(r->text, '=', r->len);
    if (!equals)
        return no_assignment(r);
    const char *name = r->text, *value = equals + 1;
    size_t name_len = (size_t)(equals - name), len = (size_t)(r->text + r->len - value);
    trim(&name, &name_len);
    for (size_t i = 0; i < name_len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return no_assignment(r);
    if (name_len == 0 || name_len > INIFILE_NAME_MAX)
        return no_assignment(r);
    char *key = memory_copy_n(name, name_len);
    bool raw = r->reader->is_raw &&
               r->reader->is_raw(r->reader->context, r->section ? r->section : "", key);
    bool ok = true;
    if (!raw) {
        size_t used = before_comment(value, len);
        ok = used <= len;
        len = ok ? used : len;
    }
    trim(&value, &len);
    if (!raw && len >= 2 && value[0] == '"' && memchr(value + 1, '"', len - 1) == value + len - 1) {
        value++;
        len -= 2;
    }
    if (ok) {
        struct str copy = {.secret = raw};
        str_add_n(&copy, value, len);
        ok = emit(r, key, str_text(&copy));
        str_clear(&copy);
    } else {
        error_config(r->err, "a double quote is not closed");
        fail(r);
    }
    free(key);
    return ok;
}

/* What the library made of the line before: it has to agree with what it was. */
static bool settle(struct ini_reading *r)
{
    if (r->failed)
        return false;
    bool agreed = r->expected != KEY || r->seen;
    bool section = r->expected == SECTION;
    r->expected = NOTHING;
    if (section)
        return begin_section(r);
    return agreed || no_assignment(r);
}

static bool is_clean(struct ini_reading *r)
{
    for (size_t i = 0; i < r->len; i++) {
        unsigned char c = (unsigned char)r->text[i];
        if ((c >= ' ' && c != 0x7f) || c == '\t')
            continue;
        if (c == '\0')
            error_config(r->err, "a NUL byte: the file must be plain text in UTF-8");
        else
            error_config(r->err, "a control character (0x%02x) in the line", c);
        return fail(r);
    }
    return true;
}

/* Takes the next line that means something. False at the end and after an error. */
static bool next_line(struct ini_reading *r)
{
    while (r->next < r->end) {
        const char *newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
        r->text = r->next;
        r->len = (size_t)((newline ? newline : r->end) - r->text);
        r->next = newline ? newline + 1 : r->end;
        if (r->line == INT_MAX)
            return false;
        r->line++;
        while (r->len > 0 && r->text[r->len - 1] == '\r')
            r->len--;
        trim(&r->text, &r->len);
        if (!is_clean(r))
            return false;
        if (r->len > 0 && *r->text != ';' && *r->text != '#')
            return true;
    }
    return false;
}

/* Called by the library like fgets(3), with a buffer of its own size. */
static char *feed(char *buffer, int size, void *stream)
{
    struct ini_reading *r = stream;
    if (size < INIFILE_BUFFER_MIN || !settle(r) || !next_line(r))
        return NULL;
    r->seen = false;
    r->expected = *r->text == '[' ? SECTION : KEY;
    if (r->expected == SECTION) {
        memcpy(buffer, "[s]\n", 5); /* its name would be cut, and is not asked for */
        return buffer;
    }
    size_t len = r->len < (size_t)size - 2 ? r->len : (size_t)size - 2;
    memcpy(buffer, r->text, len);
    memcpy(buffer + len, "\n", 2);
    return buffer;
}

#if INI_HANDLER_LINENO
#define LIBRARY_LINE , int line
#define IGNORE_LIBRARY_LINE (void)line
#else
#define LIBRARY_LINE
#define IGNORE_LIBRARY_LINE (void)0
#endif

/* Builds differ in what else they call this for: a section (no name), a key alone (no value). */
static int handle(void *context, const char *section, const char *name,
                  const char *value LIBRARY_LINE)
{
    struct ini_reading *r = context;
    (void)section;
    IGNORE_LIBRARY_LINE;
    if (r->failed || r->expected != KEY || r->seen || !name || !value)
        return 1;
    r->seen = true;
    return assign(r);
}

bool inifile_parse(const char *name, const struct str *text, const struct ini_reader *reader,
                   struct error *err)
{
    struct ini_reading r = {.file = name, .reader = reader, .err = err};
    r.next = str_text(text);
    r.end = r.next + text->len;
    if (text->len >= 3 && memcmp(r.next, "\xef\xbb\xbf", 3) == 0)
        r.next += 3; /* the byte order mark of UTF-8 */
    if (text->len >= 2 &&
        (memcmp(r.next, "\xff\xfe", 2) == 0 || memcmp(r.next, "\xfe\xff", 2) == 0))
        return error_config(err, "%s:1: the file is in UTF-16: save it as UTF-8", name);
    int result = ini_parse_stream(feed, &r, handle, &r);
    (void)settle(&r); /* a build that stops at an error asks for no further line */
    if (!r.failed && r.next < r.end)
        error_config(err, "%s:%d: libinih stopped reading (%d)", name, r.line, result);
    bool ok = !r.failed && r.next == r.end;
    free(r.section);
    return ok;
}
