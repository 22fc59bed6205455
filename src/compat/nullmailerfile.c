/* nullmailer's directory: remotes, one server a line with its options in the quoting of a shell,
 * and small files of one value. */
#include "config.h"
#include "compat/foreign.h"

#include <string.h>

#include "config/key.h"

enum { LOGIN_METHOD = FOREIGN_PROGRAM_BIT };

static const struct foreign_row options[] = {
    {"port", FOREIGN_KEY, "port", 0, NULL},
    {"user", FOREIGN_KEY, "user", 0, NULL},
    {"pass", FOREIGN_KEY, "password", 0, NULL},
    {"source", FOREIGN_KEY, "source_ip", 0, NULL},
    {"auth-login", FOREIGN_FLAG, NULL, LOGIN_METHOD, NULL},
    {"tls", FOREIGN_FLAG, NULL, FOREIGN_TLS, NULL},
    {"ssl", FOREIGN_FLAG, NULL, FOREIGN_TLS, NULL},
    {"starttls", FOREIGN_FLAG, NULL, FOREIGN_STARTTLS, NULL},
    {"x509certfile", FOREIGN_KEY, "tls_cert_file", 0, NULL},
    {"x509keyfile", FOREIGN_KEY, "tls_key_file", 0, NULL},
    {"x509cafile", FOREIGN_KEY, "tls_trust_file", 0, NULL},
    {"x509crlfile", FOREIGN_KEY, "tls_crl_file", 0, NULL},
    {"x509fmtder", FOREIGN_NONE, NULL, 0, "certificates and keys must be PEM files here"},
    {"insecure", FOREIGN_FLAG, NULL, FOREIGN_UNCHECKED, NULL},
    {"tls-anon-auth", FOREIGN_NONE, NULL, 0, "the server must have a certificate"},
    {NULL, FOREIGN_NONE, NULL, 0, NULL},
};

/* Files of one value, by name. */
static const struct foreign_row files[] = {
    {"me", FOREIGN_KEY, "domain", 0, NULL}, /* helohost, if there is one, comes after it */
    {"helohost", FOREIGN_KEY, "domain", 0, NULL},
    {"adminaddr", FOREIGN_KEY, "admin", 0, NULL},
    {"allmailfrom", FOREIGN_KEY, "from", 0, NULL},
    {"queuelifetime", FOREIGN_QUEUE, "lifetime", 0, NULL},
    {"doublebounceto", FOREIGN_QUEUE, "bounce_to", 0, NULL},
    {"bounceto", FOREIGN_NONE, NULL, 0, "bounces go to the sender of the mail"},
    {"pausetime", FOREIGN_NONE, NULL, 0,
     "retries come after 1, 5, 15, 30, 60, 120, then 240 minutes"},
    {"maxpause", FOREIGN_NONE, NULL, 0, "no retry waits longer than 240 minutes"},
    {"sendtimeout", FOREIGN_NONE, NULL, 0, "timeout is for each command, not for the message"},
    {"defaultdomain", FOREIGN_NONE, NULL, 0,
     "bare names are completed with /etc/mailname, by default this host's name"},
    {"defaulthost", FOREIGN_NONE, NULL, 0,
     "bare names are completed with /etc/mailname, by default this host's name"},
    {"idhost", FOREIGN_NONE, NULL, 0, "a Message-ID has the domain of the sender"},
    {NULL, FOREIGN_NONE, NULL, 0, NULL},
};

/* The next word of *AT, without its quotes, in place; NULL at the end. *OPEN becomes true if a
 * quote is never closed. */
static char *next_word(char **at, bool *open)
{
    char *from = *at + strspn(*at, " \t"), *word = from, *to = from, quote = '\0';
    if (!*from)
        return NULL;
    for (; *from && (quote || !strchr(" \t", *from)); from++) {
        if (*from == '\\' && quote != '\'' && from[1])
            *to++ = *++from;
        else if (quote ? *from == quote : *from == '"' || *from == '\'')
            quote = quote ? '\0' : *from;
        else
            *to++ = *from;
    }
    *open = *open || quote;
    *at = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

static void take_option(struct foreign_reader *reader, char *word)
{
    char *name = word + (strncmp(word, "--", 2) == 0 ? 2 : 0);
    char *value = strchr(name, '=');
    if (value)
        *value++ = '\0';
    foreign_take(reader, name, value ? value : "");
}

static void settle(struct foreign_reader *reader)
{
    struct account *a = reader->account;
    reader->bits |= FOREIGN_CLEAR_LOGIN | FOREIGN_TLS_PORT;
    if (reader->bits & LOGIN_METHOD)
        (void)foreign_set(reader, a, "auth", "login"); /* ours */
    if (*a->tls_cert_file && !*a->tls_key_file)
        (void)foreign_set(reader, a, "tls_key_file", a->tls_cert_file); /* it was one already */
    foreign_settle(reader, a);
}

/* True if both are the same but for the host. */
static bool are_alike(const struct account *a, const struct account *b)
{
    bool alike = true;
    for (size_t i = 0; alike && i < key_count; i++) {
        struct str one = {.secret = true}, other = {.secret = true};
        const struct key *key = &key_table[i];
        if (key->section != KEY_ACCOUNT || strcmp(key->name, "host") == 0)
            continue;
        key_print(key, a, &one);
        key_print(key, b, &other);
        alike = strcmp(str_text(&one), str_text(&other)) == 0;
        str_clear(&one);
        str_clear(&other);
    }
    return alike && strcmp(str_text(&a->password), str_text(&b->password)) == 0;
}

static void take_remote(struct foreign_reader *reader, char *line)
{
    struct account *first = reader->account, *own = account_new("default", SCOPE_USER);
    char *at = line, *word;
    bool open = false;
    reader->bits = 0;
    reader->account = own;
    (void)foreign_set(reader, own, "host",
                      next_word(&at, &open)); /* the end reports that it is missing */
    char *protocol = next_word(&at, &open);
    bool smtp = !protocol || strcmp(protocol, "smtp") == 0;
    while (smtp && (word = next_word(&at, &open)))
        take_option(reader, word);
    settle(reader);
    reader->account = first;
    bool good = own->host.n > 0 && smtp && !open;
    if (open)
        foreign_remark(reader, "a quote is never closed: the line is left out");
    else if (!smtp)
        foreign_remark(reader, "no SMTP: the line is left out");
    if (good && !first) {
        reader->account = configfile_add(reader->foreign->file, own, (int)reader->line);
        return;
    }
    if (good && are_alike(first, own))
        strlist_add(&first->host, own->host.item[0]);
    else if (good)
        foreign_remark(reader,
                       "a server with settings of its own: make it an account, or, where it "
                       "takes the first one's login, name it in `host`");
    account_free(own);
}

static void take_value(struct foreign_reader *reader, char *line)
{
    if (reader->line == 1)
        foreign_take(reader, reader->file, line);
}

static bool take_files(struct foreign_reader *reader, struct error *err)
{
    bool ok = true;
    reader->row = files;
    for (const struct foreign_row *row = files; ok && row->name; row++)
        ok = foreign_lines(reader, row->name, take_value, err);
    if (ok && *reader->account->from)
        (void)foreign_set(reader, reader->account, "allow_from_override", "off"); /* ours */
    return ok;
}

bool foreign_nullmailer(struct foreign *foreign, const char *path, struct error *err)
{
    struct foreign_reader reader;
    foreign_begin(&reader, foreign, path, true, options);
    bool ok = foreign_lines(&reader, "remotes", take_remote, err);
    if (ok && !reader.account)
        ok = error_config(err, "%s/remotes names no server", path);
    ok = ok && take_files(&reader, err);
    foreign_end(&reader);
    return ok;
}
