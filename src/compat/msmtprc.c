#include "config.h"
#include "compat/msmtprc.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "config/keycheck.h"
#include "config/nearest.h"
#include "config/ownership.h"

struct msmtprc_reading {
    struct configfile *file;
    int64_t deadline;
    struct account *defaults;
    struct account *current;    /* the account or the defaults that lines are about; NULL: none */
    struct key_set *given;      /* of each account of the file: what is handed on */
    struct key_set *now;        /* of `current` */
    struct key_set default_set; /* what the defaults say */
    bool evaluated;             /* the present line comes from a command */
    int line;
};

/* Gives TO what FROM has of the keys of SET, with its complaint, and marks them in GIVEN. */
static void copy_keys(const struct key_set *set, struct account *to, const struct account *from,
                      struct key_set *given)
{
    for (const struct key *key = key_table; key < key_table + key_count; key++)
        if (key->section == KEY_ACCOUNT && key_is_set(set, key)) {
            key_copy(key, to, from);
            key_mark(&to->set, key);
            key_mark(given, key);
        }
    account_complain(to, from->complaint);
}

/* Begins an account as a copy of the defaults. */
static void add_account(struct msmtprc_reading *r, const char *name)
{
    struct configfile *file = r->file;
    struct account *account = configfile_add(file, account_new_msmtp(name, file->scope), r->line);
    r->given = memory_resize(r->given, file->n, sizeof *r->given);
    struct key_set not_handed_on = {0};
    copy_keys(&r->default_set, account, r->defaults, &not_handed_on);
    r->given[file->n - 1] = (struct key_set){0};
    r->now = &r->given[file->n - 1];
    r->current = account;
}

/* The place of the account NAME among the first N; N if it is not there. */
static size_t find(const struct msmtprc_reading *r, const char *name, size_t n)
{
    size_t i = 0;
    while (i < n && strcmp(r->file->account[i]->name, name) != 0)
        i++;
    return i;
}

static bool take_over(struct msmtprc_reading *r, const char *name, struct error *err)
{
    size_t self = r->file->n - 1, parent = find(r, name, self);
    if (parent == self)
        return error_config(err, "account %s is not defined above this line, in this file", name);
    copy_keys(&r->given[parent], r->current, r->file->account[parent], r->now);
    return true;
}

static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        len--;
    size_t blanks = strspn(text, " \t");
    return blanks < len ? memory_copy_n(text + blanks, len - blanks) : memory_copy("");
}

static bool begin_account(struct msmtprc_reading *r, const char *argument, struct error *err)
{
    const char *colon = strchr(argument, ':');
    char *name = trimmed(argument, colon ? (size_t)(colon - argument) : strlen(argument));
    bool ok = true;
    if (!*name)
        ok = error_config(err, "missing account name: write `account NAME`");
    else if (strpbrk(name, ",") || strpbrk(name, " \t"))
        ok = error_config(err, "an account name must not contain blanks, colons or commas");
    else if (find(r, name, r->file->n) < r->file->n)
        ok = error_config(err, "account %s was already defined in line %d", name,
                          r->file->account[find(r, name, r->file->n)]->line);
    else
        add_account(r, name);
    free(name);
    for (const char *at = colon; ok && at && *at;) {
        at++;
        size_t len = strcspn(at, ",");
        char *parent = trimmed(at, len);
        ok = take_over(r, parent, err);
        free(parent);
        at += len;
    }
    return ok;
}

static bool unknown(const char *name, struct error *err)
{
    struct nearest nearest = {.word = name};
    nearest_offer(&nearest, "account");
    nearest_offer(&nearest, "defaults");
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].command)
            nearest_offer(&nearest, key_table[i].command);
    (void)error_config(err, "unknown command %s", name);
    return nearest_hint(&nearest, err);
}

struct command {
    const char *name;
    const struct key *key;         /* NULL: it has no effect */
    const struct key_renamed *old; /* NULL: the name is one of today's */
};

static bool find_command(struct command *command, const char *name)
{
    *command = (struct command){.name = name, .old = key_renamed(name)};
    if (command->old && command->old->key)
        command->key = key_find(KEY_ACCOUNT, command->old->key);
    for (size_t i = 0; i < key_count && !command->old && !command->key; i++)
        if (key_table[i].command && strcmp(key_table[i].command, name) == 0)
            command->key = &key_table[i];
    return command->old || command->key;
}

/* The text that ARGUMENT means for the command; NULL, with an error, if it means nothing. */
static const char *meaning(const struct command *command, const char *argument, struct error *err)
{
    const struct key_renamed *old = command->old;
    bool none = !*argument, on = none || strcmp(argument, "on") == 0;
    bool pair = old && old->on, is_switch = pair || command->key->type == KEY_BOOL;
    if (none && command->key->needs_argument)
        (void)error_config(err, "command %s needs an argument", command->name);
    else if (old && !pair && old->off && !none)
        (void)error_config(err, "command %s does not take an argument", command->name);
    else if (old && !pair && old->off)
        return old->off;
    else if (is_switch && !on && strcmp(argument, "off") != 0)
        (void)error_config(err, "command %s takes on or off, not '%s'", command->name, argument);
    else if (pair)
        return on ? old->on : old->off;
    else
        return none && key_bare_value(command->key) ? key_bare_value(command->key) : argument;
    return NULL;
}

/* What is behind a value on its line is a part of it. Secrets are not looked at. */
static bool explain(const struct key *key, const char *argument, struct error *err)
{
    const char *comment = strstr(argument, " #");
    if (!comment)
        comment = strstr(argument, "\t#");
    if (comment && key->type != KEY_SECRET)
        (void)error_prefix(err, "a comment needs a line of its own");
    return false;
}

/* msmtp takes any text for these and fails when it uses them: one that is wrong must not spoil the
 * other accounts of the file. */
static bool counts_when_chosen(const struct key *key)
{
    return key->check == keycheck_sender || key->check == keycheck_word ||
           key->check == keycheck_host || key->check == keycheck_ip;
}

static bool set_key(struct msmtprc_reading *r, const struct command *command, const char *argument,
                    struct error *err)
{
    const struct key *key = command->key;
    const char *text = meaning(command, argument, err);
    if (!text)
        return explain(key, argument, err);
    bool unset = !*text && key->type == KEY_NUMBER;
    if (unset) {
        key_unset(key, r->current, true);
    } else if (!key_parse(key, r->current, text, r->file->home, err)) {
        (void)error_prefix(err, "command %s", command->name);
        (void)explain(key, argument, err);
        if (!counts_when_chosen(key))
            return false;
        (void)error_prefix(err, "%s:%d", r->file->path, r->line);
        account_complain(r->current, err);
        return true;
    }
    key_mark(&r->current->set, key);
    key_mark(r->now, key);
    if (key->type == KEY_SECRET && *text && !r->evaluated && !r->file->secret_line)
        r->file->secret_line = r->line;
    return true;
}

static bool obey(struct msmtprc_reading *r, const char *name, const char *argument,
                 struct error *err)
{
    if (strcmp(name, "account") == 0)
        return begin_account(r, argument, err);
    if (strcmp(name, "defaults") == 0) {
        r->current = r->defaults;
        r->now = &r->default_set;
        return !*argument || error_config(err, "command defaults does not take an argument");
    }
    struct command command;
    if (!find_command(&command, name))
        return unknown(name, err);
    if (!r->current)
        add_account(r, "default"); /* as msmtp has it: a file may begin with settings */
    return !command.key || set_key(r, &command, argument, err);
}

/* Splits LEN octets into a command and its argument, and removes one pair of quotes. */
static bool take_line(struct msmtprc_reading *r, const char *line, size_t len, struct error *err)
{
    line += strspn(line, " \t");
    size_t name_len = strcspn(line, " \t\r");
    struct str argument = {.secret = true};
    char *name = memory_copy_n(line, name_len);
    char *rest = trimmed(line + name_len, len - name_len);
    size_t n = strlen(rest);
    bool quoted = n > 1 && rest[0] == '"' && rest[n - 1] == '"';
    str_add_n(&argument, rest + quoted, n - 2 * (size_t)quoted);
    explicit_bzero(rest, n);
    bool ok = obey(r, name, str_text(&argument), err);
    str_clear(&argument);
    free(rest);
    free(name);
    return ok;
}

/* The line is what a command prints first. */
static bool evaluate(struct msmtprc_reading *r, const char *line, size_t len, struct error *err)
{
    struct str out = {.secret = true};
    char *command = trimmed(line, len);
    bool ok = process_output(command, r->deadline, MSMTPRC_EVAL_MAX, &out, err);
    if (ok && strcspn(str_text(&out), "\n") == 0)
        ok = error_config(err, "cannot read output of '%s'", command);
    if (!ok) {
        err->code = EX_IOERR;
        (void)error_prefix(err, "eval");
    } else {
        str_truncate(&out, strcspn(str_text(&out), "\r\n"));
        r->evaluated = true;
        ok = take_line(r, str_text(&out), out.len, err);
        r->evaluated = false;
    }
    free(command);
    str_clear(&out);
    return ok;
}

static bool read_line(struct msmtprc_reading *r, const char *line, struct error *err)
{
    size_t len = strlen(line), blanks = strspn(line, " \t\r");
    line += blanks;
    len -= blanks;
    if (len == 0 || *line == '#')
        return true;
    if (strncmp(line, "eval", 4) == 0 && (line[4] == ' ' || line[4] == '\t'))
        return evaluate(r, line + 4, len - 4, err);
    return take_line(r, line, len, err);
}

static bool read_lines(struct msmtprc_reading *r, const struct str *text, struct error *err)
{
    const char *at = str_text(text), *end = at + text->len;
    struct str line = {.secret = true};
    bool ok = true;
    if (memchr(at, '\0', text->len))
        return error_config(err, "%s: a NUL byte: this is no text", r->file->path);
    while (ok && at < end) {
        size_t len = strcspn(at, "\n");
        r->line++;
        str_truncate(&line, 0);
        str_add_n(&line, at, len);
        ok = read_line(r, str_text(&line), err);
        if (!ok)
            error_prefix(err, "%s:%d", r->file->path, r->line);
        at += len + (at[len] == '\n');
    }
    str_clear(&line);
    return ok;
}

bool msmtprc_read(struct configfile *file, const struct str *text, int64_t deadline,
                  struct error *err)
{
    struct msmtprc_reading r = {
        .file = file,
        .deadline = deadline,
        .defaults = account_new_msmtp("defaults", file->scope),
    };
    bool ok = read_lines(&r, text, err);
    account_free(r.defaults);
    free(r.given);
    return ok;
}

/* msmtp's rule: only the user's file, only for a password in it, and not for root. */
static bool check_secret(const struct configfile *file, const struct stat *facts, uid_t uid,
                         struct error *err)
{
    if (file->scope != SCOPE_USER || !file->secret_line || uid == 0)
        return true;
    if (facts->st_uid != uid)
        return error_config(err, "%s: contains secrets and therefore must be owned by you",
                            file->path);
    if ((facts->st_mode & 0177) == 0 || ownership_is_read_only(file->path))
        return true;
    return error_config(err,
                        "%s:%d: contains secrets and therefore must have no more than user "
                        "read/write permissions (it has %04o): chmod 600 it",
                        file->path, file->secret_line, (unsigned)facts->st_mode & 07777);
}

bool msmtprc_load(struct configfile *file, const struct str *text, const struct stat *facts,
                  uid_t uid, struct error *err)
{
    return msmtprc_read(file, text, clock_after(MSMTPRC_EVAL_TIME), err) &&
           check_secret(file, facts, uid, err);
}
