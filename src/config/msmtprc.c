#include "config.h"
#include "config/msmtprc.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "base/process.h"
#include "config/keycheck.h"
#include "config/nearest.h"

enum form {
    VALUE,   /* the argument as it is; none unsets the key */
    NEEDED,  /* an argument there must be */
    SWITCH,  /* on or off; none means on */
    STRICT,  /* on or off */
    CHOICE,  /* one of the key's words; none means `bare` */
    OLD_SET, /* of an old name: on and off stand for `on` and `off` */
    OLD_OFF, /* of an old name without argument: switches the key off */
    IGNORED,
};

/* `bare`: what no argument means. OLD_SET: the values that on and off stand for now. */
struct command {
    const char *name, *key;
    enum form form;
    const char *bare, *on, *off;
};

static const struct command commands[] = {
    {"host", "host", NEEDED, NULL, NULL, NULL},
    {"port", "port", NEEDED, NULL, NULL, NULL},
    {"source_ip", "source_ip", VALUE, NULL, NULL, NULL},
    {"proxy_host", "proxy_host", VALUE, NULL, NULL, NULL},
    {"proxy_port", "proxy_port", VALUE, NULL, NULL, NULL},
    {"socket", "socket", VALUE, NULL, NULL, NULL},
    {"timeout", "timeout", NEEDED, NULL, NULL, NULL},
    {"connect_timeout", "timeout", NEEDED, NULL, NULL, NULL},
    {"protocol", "protocol", NEEDED, NULL, NULL, NULL},
    {"domain", "domain", VALUE, NULL, NULL, NULL},
    {"auth", "auth", CHOICE, "on", NULL, NULL},
    {"user", "user", VALUE, NULL, NULL, NULL},
    {"password", "password", VALUE, NULL, NULL, NULL},
    {"passwordeval", "password_command", VALUE, NULL, NULL, NULL},
    {"ntlmdomain", "ntlmdomain", VALUE, NULL, NULL, NULL},
    {"tls", "tls", SWITCH, "on", NULL, NULL},
    {"tls_starttls", "tls_starttls", SWITCH, "on", NULL, NULL},
    {"tls_trust_file", "tls_trust_file", VALUE, NULL, NULL, NULL},
    {"tls_crl_file", "tls_crl_file", VALUE, NULL, NULL, NULL},
    {"tls_fingerprint", "tls_fingerprint", VALUE, NULL, NULL, NULL},
    {"tls_key_file", "tls_key_file", VALUE, NULL, NULL, NULL},
    {"tls_cert_file", "tls_cert_file", VALUE, NULL, NULL, NULL},
    {"tls_certcheck", "tls_certcheck", SWITCH, "on", NULL, NULL},
    {"tls_min_dh_prime_bits", "tls_min_dh_prime_bits", VALUE, NULL, NULL, NULL},
    {"tls_priorities", "tls_priorities", VALUE, NULL, NULL, NULL},
    {"tls_host_override", "tls_host_override", VALUE, NULL, NULL, NULL},
    {"from", "from", VALUE, NULL, NULL, NULL},
    {"from_full_name", "from_full_name", VALUE, NULL, NULL, NULL},
    {"allow_from_override", "allow_from_override", STRICT, NULL, NULL, NULL},
    {"set_from_header", "set_from_header", CHOICE, "auto", NULL, NULL},
    {"set_date_header", "set_date_header", CHOICE, "auto", NULL, NULL},
    {"set_msgid_header", "set_msgid_header", CHOICE, "auto", NULL, NULL},
    {"set_to_header", "set_to_header", CHOICE, "on", NULL, NULL},
    {"remove_bcc_headers", "remove_bcc_headers", SWITCH, "on", NULL, NULL},
    {"dsn_notify", "dsn_notify", NEEDED, NULL, NULL, NULL},
    {"dsn_return", "dsn_return", NEEDED, NULL, NULL, NULL},
    {"logfile", "logfile", VALUE, NULL, NULL, NULL},
    {"logfile_time_format", "logfile_time_format", VALUE, NULL, NULL, NULL},
    {"syslog", "syslog", CHOICE, "on", NULL, NULL},
    {"aliases", "aliases", VALUE, NULL, NULL, NULL},
    /* old names */
    {"auto_from", "auto_from", SWITCH, "on", NULL, NULL},
    {"maildomain", "maildomain", VALUE, NULL, NULL, NULL},
    {"add_missing_from_header", "set_from_header", OLD_SET, "on", "auto", "off"},
    {"add_missing_date_header", "set_date_header", OLD_SET, "on", "auto", "off"},
    {"undisclosed_recipients", "set_to_header", OLD_SET, "on", "undisclosed_recipients", "off"},
    {"keepbcc", "remove_bcc_headers", OLD_SET, "on", "off", "on"},
    {"tls_nocertcheck", "tls_certcheck", OLD_OFF, NULL, NULL, NULL},
    {"tls_nostarttls", "tls_starttls", OLD_OFF, NULL, NULL, NULL},
    {"tls_force_sslv3", NULL, IGNORED, NULL, NULL, NULL},
};
static const size_t command_count = sizeof commands / sizeof *commands;

struct reading {
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

static bool copy_key(const struct key *key, struct account *to, const struct account *from,
                     struct key_set *given)
{
    key_copy(key, to, from);
    key_mark(&to->set, key);
    if (given)
        key_mark(given, key);
    return true;
}

/* Begins an account as a copy of the defaults. */
static void add_account(struct reading *r, const char *name)
{
    struct configfile *file = r->file;
    struct account *account = configfile_add(file, account_new_msmtp(name, file->scope), r->line);
    r->given = memory_resize(r->given, file->n, sizeof *r->given);
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == KEY_ACCOUNT && key_is_set(&r->default_set, &key_table[i]))
            (void)copy_key(&key_table[i], account, r->defaults, NULL);
    account_complain(account, r->defaults->complaint);
    r->given[file->n - 1] = (struct key_set){0};
    r->now = &r->given[file->n - 1];
    r->current = account;
}

/* The place of the account NAME among the first N; N if it is not there. */
static size_t find(const struct reading *r, const char *name, size_t n)
{
    size_t i = 0;
    while (i < n && strcmp(r->file->account[i]->name, name) != 0)
        i++;
    return i;
}

static bool take_over(struct reading *r, const char *name, struct error *err)
{
    size_t self = r->file->n - 1, parent = find(r, name, self);
    if (parent == self)
        return error_config(err, "account %s is not defined above this line, in this file", name);
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == KEY_ACCOUNT && key_is_set(&r->given[parent], &key_table[i]))
            (void)copy_key(&key_table[i], r->current, r->file->account[parent], r->now);
    account_complain(r->current, r->file->account[parent]->complaint);
    return true;
}

static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        len--;
    size_t blanks = strspn(text, " \t");
    return blanks < len ? memory_copy_n(text + blanks, len - blanks) : memory_copy("");
}

static bool begin_account(struct reading *r, const char *argument, struct error *err)
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
    for (size_t i = 0; i < command_count; i++)
        nearest_offer(&nearest, commands[i].name);
    if (nearest.best)
        return error_config(err, "unknown command %s: did you mean '%s'?", name, nearest.best);
    return error_config(err, "unknown command %s", name);
}

/* The text that ARGUMENT means for the command; NULL, with an error, if it means nothing. */
static const char *meaning(const struct command *command, const char *argument, struct error *err)
{
    const char *given = argument;
    bool on = strcmp(argument, "on") == 0, off = strcmp(argument, "off") == 0;
    bool switches = command->form == SWITCH || command->form == STRICT || command->form == OLD_SET;
    if (command->form == NEEDED && !*argument) {
        (void)error_config(err, "command %s needs an argument", command->name);
        return NULL;
    }
    if (command->form == OLD_OFF && *argument) {
        (void)error_config(err, "command %s does not take an argument", command->name);
        return NULL;
    }
    if (command->form == OLD_OFF)
        return "off";
    if (!*argument && command->bare)
        argument = command->form == OLD_SET ? command->on : command->bare;
    else if (switches && !on && !off)
        argument = NULL;
    else if (command->form == OLD_SET)
        argument = on ? command->on : command->off;
    if (!argument)
        (void)error_config(err, "command %s takes on or off, not '%s'", command->name, given);
    return argument;
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

static bool set_key(struct reading *r, const struct command *command, const char *argument,
                    struct error *err)
{
    const struct key *key = key_find(KEY_ACCOUNT, command->key);
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
        account_complain(r->current, err->text);
        return true;
    }
    key_mark(&r->current->set, key);
    key_mark(r->now, key);
    if (key->type == KEY_SECRET && *text && !r->evaluated && !r->file->secret_line)
        r->file->secret_line = r->line;
    return true;
}

static bool obey(struct reading *r, const char *name, const char *argument, struct error *err)
{
    if (strcmp(name, "account") == 0)
        return begin_account(r, argument, err);
    if (strcmp(name, "defaults") == 0) {
        r->current = r->defaults;
        r->now = &r->default_set;
        return !*argument || error_config(err, "command defaults does not take an argument");
    }
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (!r->current)
            add_account(r, "default"); /* as msmtp has it: a file may begin with settings */
        return commands[i].form == IGNORED || set_key(r, &commands[i], argument, err);
    }
    return unknown(name, err);
}

/* Splits LEN octets into a command and its argument, and removes one pair of quotes. */
static bool take_line(struct reading *r, const char *line, size_t len, struct error *err)
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
static bool evaluate(struct reading *r, const char *line, size_t len, struct error *err)
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

static bool read_line(struct reading *r, const char *line, struct error *err)
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

static bool read_lines(struct reading *r, const struct str *text, struct error *err)
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
    struct reading r = {
        .file = file,
        .deadline = deadline,
        .defaults = account_new_msmtp("defaults", file->scope),
    };
    bool ok = read_lines(&r, text, err);
    account_free(r.defaults);
    free(r.given);
    return ok;
}

const char *msmtprc_command(const struct key *key)
{
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].key && strcmp(commands[i].key, key->name) == 0)
            return commands[i].name; /* old names come last */
    return NULL;
}

void msmtprc_print(const struct account *account, struct str *out)
{
    str_addf(out, "account %s\n", account->name);
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        const char *command = key->section == KEY_ACCOUNT ? msmtprc_command(key) : NULL;
        if (!command || !key_is_set(&account->set, key))
            continue;
        str_addf(out, "%s ", command);
        if (key->type == KEY_SECRET)
            str_add_n(out, account->password.data, account->password.len);
        else
            key_print(key, account, out);
        str_add(out, "\n");
    }
}
