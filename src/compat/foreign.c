#include "config.h"
#include "compat/foreign.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "config/iniwriter.h"

static const char *name_in_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void foreign_begin(struct foreign_reader *reader, struct foreign *foreign, const char *path,
                   bool is_directory, const struct foreign_row *row)
{
    *reader = (struct foreign_reader){.foreign = foreign, .row = row};
    str_add_n(&reader->directory, path, (size_t)(name_in_directory(path) - path));
    if (is_directory)
        str_addf(&reader->directory, "%s/", name_in_directory(path));
}

void foreign_end(struct foreign_reader *reader)
{
    str_clear(&reader->directory);
    for (size_t i = 0; i < FOREIGN_TEXTS; i++)
        str_clear(&reader->text[i]);
}

struct account *foreign_account(struct foreign_reader *reader, const char *name)
{
    struct configfile *file = reader->foreign->file;
    struct account *account = configfile_find(file, name);
    return account ? account : configfile_add(file, account_new(name, file->scope), 0);
}

void foreign_remark(struct foreign_reader *reader, const char *format, ...)
{
    struct str text = {0};
    if (reader->file && reader->line)
        str_addf(&text, "%s:%zu: ", reader->file, reader->line);
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    strlist_take(reader->foreign->remarks, str_take(&text));
}

bool foreign_set(struct foreign_reader *reader, struct account *account, const char *key,
                 const char *value)
{
    struct error ignored; /* it may repeat the value */
    if (account_set(account, key, value, "", &ignored))
        return true;
    foreign_remark(reader, "no value for %s in onehop.ini(5): write it by hand", key);
    return false;
}

void foreign_set_host(struct foreign_reader *reader, struct account *account, const char *text)
{
    const char *colon = strrchr(text, ':'), *bracket = *text == '[' ? strchr(text, ']') : NULL;
    if (colon && (bracket ? colon != bracket + 1 : strchr(text, ':') != colon))
        colon = NULL; /* an IPv6 address without a port */
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    char *host =
        bracket ? memory_copy_n(text + 1, (size_t)(bracket - text) - 1) : memory_copy_n(text, len);
    (void)foreign_set(reader, account, "host", host); /* a host that is missing is an error later */
    if (colon)
        (void)foreign_set(reader, account, "port", colon + 1); /* the remark is enough */
    free(host);
}

char *foreign_split(char *text)
{
    char *rest = text + strcspn(text, " \t");
    char *next = rest + strspn(rest, " \t");
    *rest = '\0';
    return next;
}

static void set_queue(struct foreign_reader *reader, const char *name, const char *value)
{
    struct queue_settings scratch = {.lifetime = 0};
    const struct key *key = key_find(KEY_QUEUE, name);
    struct error ignored;
    if (!key_parse(key, &scratch, value, "", &ignored) ||
        !iniwriter_line(key, value, reader->foreign->queue, &ignored))
        foreign_remark(reader, "no value for [queue] %s: write it by hand", name);
    key_clear(KEY_QUEUE, &scratch);
}

const struct foreign_row *foreign_find(const struct foreign_reader *reader, const char *name)
{
    for (const struct foreign_row *row = reader->row; row->name; row++)
        if (strcasecmp(row->name, name) == 0)
            return row;
    return NULL;
}

static void carry_out(struct foreign_reader *reader, const struct foreign_row *row,
                      const char *value)
{
    switch (row->action) {
    case FOREIGN_NONE:
        break;
    case FOREIGN_KEY:
        (void)foreign_set(reader, reader->account, row->key, value); /* the remark is enough */
        break;
    case FOREIGN_QUEUE:
        set_queue(reader, row->key, value);
        break;
    case FOREIGN_HOST:
        foreign_set_host(reader, reader->account, value);
        break;
    case FOREIGN_FLAG:
        reader->bits |= row->bits;
        break;
    case FOREIGN_YES:
        if (strcasecmp(value, "yes") == 0)
            reader->bits |= row->bits;
        break;
    case FOREIGN_TEXT:
        str_truncate(&reader->text[row->bits], 0);
        str_add(&reader->text[row->bits], value);
        break;
    }
}

void foreign_take(struct foreign_reader *reader, const char *name, const char *value)
{
    const struct foreign_row *row = foreign_find(reader, name);
    if (!row) {
        foreign_remark(reader, "not understood, and left out");
        return;
    }
    bool has_value = row->action != FOREIGN_NONE && row->action != FOREIGN_FLAG;
    if (has_value && !*value)
        return;
    carry_out(reader, row, value);
    if (row->remark)
        foreign_remark(reader, "%s: %s", row->name, row->remark);
}

void foreign_settle(struct foreign_reader *reader, struct account *account)
{
    unsigned bits = reader->bits;
    bool starttls = bits & FOREIGN_STARTTLS, tls = starttls || bits & FOREIGN_TLS;
    const struct {
        const char *key, *value;
        bool needed;
    } settings[] = {
        {"tls", tls ? "on" : "off", true},
        {"tls_starttls", starttls ? "on" : "off", tls},
        {"tls_certcheck", "off", tls && bits & FOREIGN_UNCHECKED},
        {"port", tls && !starttls && bits & FOREIGN_TLS_PORT ? "465" : "25",
         !account_has(account, "port")},
        {"auth", *account->user ? "on" : "off", !account_has(account, "auth") || !*account->user},
        {"auth_without_tls", bits & FOREIGN_CLEAR_LOGIN ? "on" : "off", *account->user && !tls},
        {"rewrite_from", "off", !account_has(account, "rewrite_from")},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (settings[i].needed)
            (void)foreign_set(reader, account, settings[i].key, settings[i].value); /* ours */
}

static bool read_file(struct foreign_reader *reader, const char *name, struct str *out, bool *found,
                      struct error *err)
{
    struct foreign *foreign = reader->foreign;
    struct str path = {0};
    if (foreign->find) {
        *found = foreign->find(foreign->context, name, out);
        return true;
    }
    if (*name == '/')
        str_add(&path, name);
    else
        str_addf(&path, "%s%s", str_text(&reader->directory), name);
    errno = 0;
    *found = fileread_all(str_text(&path), FOREIGN_FILE_MAX, out, NULL, err);
    bool ok = *found || fileread_is_missing(errno);
    str_clear(&path);
    return ok;
}

/* A line that may hold a password, wiped when it is done with. */
static void take_line(struct foreign_reader *reader, const char *text, size_t len,
                      void (*take)(struct foreign_reader *reader, char *line))
{
    struct str line = {.secret = true};
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        len--;
    size_t blanks = 0;
    while (blanks < len && strchr(" \t", text[blanks]))
        blanks++;
    if (blanks < len && text[blanks] != '#') {
        str_add_n(&line, text + blanks, len - blanks);
        take(reader, line.data);
    }
    str_clear(&line);
}

static bool take_lines(struct foreign_reader *reader, const char *name, bool *found,
                       void (*take)(struct foreign_reader *reader, char *line), struct error *err)
{
    struct str text = {.secret = true};
    bool ok = read_file(reader, name, &text, found, err);
    reader->file = name;
    reader->line = 0;
    for (const char *at = str_text(&text); ok && *at;) {
        size_t len = strcspn(at, "\n");
        reader->line++;
        take_line(reader, at, len, take);
        at += len + (at[len] == '\n');
    }
    reader->line = 0;
    str_clear(&text);
    return ok;
}

bool foreign_lines(struct foreign_reader *reader, const char *name,
                   void (*take)(struct foreign_reader *reader, char *line), struct error *err)
{
    bool found;
    return take_lines(reader, name, &found, take, err);
}

bool foreign_only_account(struct foreign_reader *reader, const char *path,
                          void (*take)(struct foreign_reader *reader, char *line),
                          struct error *err)
{
    bool found = false;
    reader->account = foreign_account(reader, "default");
    return take_lines(reader, name_in_directory(path), &found, take, err) &&
           (found || error_config(err, "%s: no such file", path));
}
