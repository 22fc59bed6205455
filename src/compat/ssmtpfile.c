/* ssmtp.conf and revaliases: one mail hub. The envelope sender is the calling user's address, which
 * revaliases gives, with a hub of its own if it likes; FromLineOverride lets the From field of the
 * message choose instead. -f never does. */
#include "config.h"
#include "compat/foreign.h"

#include <string.h>
#include <strings.h>

enum { OVERRIDE = FOREIGN_PROGRAM_BIT };
enum { ROOT, REWRITE_DOMAIN, HOST_NAME };

static const struct foreign_row rows[] = {
    {"mailhub", FOREIGN_HOST, NULL, 0, NULL},
    {"root", FOREIGN_TEXT, NULL, ROOT, NULL},
    {"rewriteDomain", FOREIGN_TEXT, NULL, REWRITE_DOMAIN, NULL},
    {"hostname", FOREIGN_TEXT, NULL, HOST_NAME, NULL},
    {"FromLineOverride", FOREIGN_YES, NULL, OVERRIDE, NULL},
    {"UseTLS", FOREIGN_YES, NULL, FOREIGN_TLS, NULL},
    {"UseSTARTTLS", FOREIGN_YES, NULL, FOREIGN_STARTTLS, NULL},
    {"TLSCert", FOREIGN_KEY, "tls_cert_file", 0, NULL},
    {"TLSKey", FOREIGN_KEY, "tls_key_file", 0, NULL},
    {"TLS_CA_File", FOREIGN_KEY, "tls_trust_file", 0, NULL},
    {"TLS_CA_Dir", FOREIGN_NONE, NULL, 0,
     "tls_trust_file wants a file; without it the system's is used"},
    {"AuthUser", FOREIGN_KEY, "user", 0, NULL},
    {"AuthPass", FOREIGN_KEY, "password", 0, NULL},
    {"AuthMethod", FOREIGN_KEY, "auth", 0, NULL},
    {"AddHeader", FOREIGN_NONE, NULL, 0, "no field is added to messages"},
    {"Debug", FOREIGN_NONE, NULL, 0, "onehop -v shows the dialogue"},
    {NULL, FOREIGN_NONE, NULL, 0, NULL},
};

/* ssmtp knows CRAM-MD5, and takes everything else for LOGIN. */
static void take_method(struct foreign_reader *reader, const char *value)
{
    bool cram = strcasecmp(value, "cram-md5") == 0;
    (void)foreign_set(reader, reader->account, "auth", cram ? "cram-md5" : "on"); /* ours */
}

/* From the first '#' behind a blank on. */
static void cut_comment(char *value)
{
    for (char *c = value; (c = strchr(c, '#')); c++) {
        if (c == value || (c[-1] != ' ' && c[-1] != '\t'))
            continue;
        while (c > value && (c[-1] == ' ' || c[-1] == '\t'))
            c--;
        *c = '\0';
        return;
    }
}

/* ssmtp ends a value at a blank, '=' or '#', a password too, which never was right then. */
static void take(struct foreign_reader *reader, char *line)
{
    char *value = line + strcspn(line, "= \t");
    size_t gap = strspn(value, "= \t");
    const struct foreign_row *row;
    memset(value, '\0', gap);
    value += gap;
    row = foreign_find(reader, line);
    bool password = row && row->key && strcmp(row->key, "password") == 0;
    if (password)
        cut_comment(value);
    else
        value[strcspn(value, " \t=#")] = '\0';
    if (row && row->key && strcmp(row->key, "auth") == 0)
        take_method(reader, value);
    else
        foreign_take(reader, line, value);
    if (password && strpbrk(value, " \t=#"))
        foreign_remark(reader, "AuthPass: taken whole; ssmtp ended it at the first blank, = or #");
}

static void add_domain(struct foreign_reader *reader, struct str *address)
{
    const struct str *text = reader->text;
    const char *at = strchr(str_text(&text[REWRITE_DOMAIN]), '@');
    if (strchr(str_text(address), '@'))
        return;
    str_addf(address, "@%s",
             at                         ? at + 1
             : text[REWRITE_DOMAIN].len ? str_text(&text[REWRITE_DOMAIN])
             : text[HOST_NAME].len      ? str_text(&text[HOST_NAME])
                                        : reader->foreign->host);
}

static bool is_user(const char *name)
{
    return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._-")];
}

/* A second line for a user is the one that counts. */
static struct account *account_of(struct foreign_reader *reader, const char *user)
{
    struct str name = {0};
    str_addf(&name, "%s%s", strcmp(user, "default") == 0 ? "user-" : "", user);
    struct account *account = foreign_account(reader, str_text(&name));
    str_clear(&name);
    return account;
}

/* LOCAL:ADDRESS[:HUB[:PORT]] */
static void take_alias(struct foreign_reader *reader, char *line)
{
    char *at = line, *local = strsep(&at, ":"), *given = at ? strsep(&at, ":") : NULL;
    if (given)
        given += strspn(given, " \t");
    if (!given || !is_user(local) || !*given) {
        foreign_remark(reader, "not understood, and left out");
        return;
    }
    struct str served = {0}, address = {0};
    struct account *account = account_of(reader, local);
    str_addf(&served, "%s@%s", local, reader->foreign->host);
    str_add_n(&address, given, strcspn(given, " \t"));
    add_domain(reader, &address);
    const char *keys[][2] = {
        {"inherit", "default"},
        {"domains", str_text(&served)},
        {"from", str_text(&address)},
        {"auto_from", "off"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        (void)foreign_set(reader, account, keys[i][0], keys[i][1]); /* the remark is enough */
    if (at && *at)
        foreign_set_host(reader, account, at);
    str_clear(&served);
    str_clear(&address);
}

/* Every account with the default's name a second time would be one too many. */
static void settle(struct foreign_reader *reader)
{
    struct account *a = reader->account;
    struct str domain = {0}, root = {0};
    add_domain(reader, &domain);
    if (!a->host.n) {
        foreign_set_host(reader, a, "mailhub");
        foreign_remark(reader, "there is no mailhub: ssmtp then asks a host of that name");
    }
    reader->bits |= FOREIGN_CLEAR_LOGIN;
    foreign_settle(reader, a);
    (void)foreign_set(reader, a, "auto_from", "on"); /* these are ours */
    (void)foreign_set(reader, a, "maildomain", domain.data + 1);
    (void)foreign_set(reader, a, "allow_from_override", reader->bits & OVERRIDE ? "header" : "off");
    (void)foreign_set(reader, a, "aliases", "");
    if (reader->text[HOST_NAME].len)
        (void)foreign_set(reader, a, "domain", str_text(&reader->text[HOST_NAME]));
    if (reader->text[ROOT].len) {
        str_add(&root, str_text(&reader->text[ROOT]));
        add_domain(reader, &root);
        (void)foreign_set(reader, a, "admin", str_text(&root)); /* the remark is enough */
    }
    foreign_remark(reader,
                   "all mail for users of this host is sent to `admin`; ssmtp sent only that of "
                   "system users there");
    if (a->tls)
        foreign_remark(reader, "ssmtp looked at no certificate; this does: see tls_certcheck");
    str_clear(&domain);
    str_clear(&root);
}

bool foreign_ssmtp(struct foreign *foreign, const char *path, struct error *err)
{
    struct foreign_reader reader;
    foreign_begin(&reader, foreign, path, false, rows);
    bool ok = foreign_only_account(&reader, path, take, err);
    if (ok)
        settle(&reader);
    ok = ok && foreign_lines(&reader, "revaliases", take_alias, err);
    foreign_end(&reader);
    return ok;
}
