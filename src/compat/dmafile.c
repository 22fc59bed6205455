/* dma.conf and auth.conf: one smart host; auth.conf has a line USER|HOST:PASSWORD for each server.
 */
#include "config.h"
#include "compat/foreign.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECURE = FOREIGN_PROGRAM_BIT,
    OPPORTUNISTIC = 2 * FOREIGN_PROGRAM_BIT,
    NULL_CLIENT = 4 * FOREIGN_PROGRAM_BIT,
    QUEUE_ONLY = 8 * FOREIGN_PROGRAM_BIT,
};
enum { AUTH_PATH, MAIL_NAME, MASQUERADE };

static const struct foreign_row rows[] = {
    {"SMARTHOST", FOREIGN_KEY, "host", 0, NULL},
    {"PORT", FOREIGN_KEY, "port", 0, NULL},
    {"ALIASES", FOREIGN_KEY, "aliases", 0, NULL},
    {"AUTHPATH", FOREIGN_TEXT, NULL, AUTH_PATH, NULL},
    {"MAILNAME", FOREIGN_TEXT, NULL, MAIL_NAME, NULL},
    {"MASQUERADE", FOREIGN_TEXT, NULL, MASQUERADE, NULL},
    {"SECURETRANSFER", FOREIGN_FLAG, NULL, SECURE, NULL},
    {"STARTTLS", FOREIGN_FLAG, NULL, FOREIGN_STARTTLS, NULL},
    {"OPPORTUNISTIC_TLS", FOREIGN_FLAG, NULL, OPPORTUNISTIC, NULL},
    {"INSECURE", FOREIGN_FLAG, NULL, FOREIGN_CLEAR_LOGIN, NULL},
    {"FINGERPRINT", FOREIGN_KEY, "tls_fingerprint", 0, NULL},
    {"CERTFILE", FOREIGN_KEY, "tls_cert_file", 0, NULL},
    {"DEFER", FOREIGN_FLAG, NULL, QUEUE_ONLY, NULL},
    {"NULLCLIENT", FOREIGN_FLAG, NULL, NULL_CLIENT, NULL},
    {"FULLBOUNCE", FOREIGN_NONE, NULL, 0, "a bounce has the header of the message only"},
    {"SPOOLDIR", FOREIGN_NONE, NULL, 0,
     "the queue is elsewhere: let dma deliver its own first (dma -q)"},
    {"VIRTPATH", FOREIGN_NONE, NULL, 0, "use aliases"},
    {NULL, FOREIGN_NONE, NULL, 0, NULL},
};

static void take(struct foreign_reader *reader, char *line)
{
    char *value = foreign_split(line);
    foreign_take(reader, line, value);
}

static void take_login(struct foreign_reader *reader, char *line)
{
    struct account *a = reader->account;
    char *bar = strchr(line, '|'), *colon = bar ? strchr(bar, ':') : NULL;
    if (!colon) {
        foreign_remark(reader, "not understood, and left out");
        return;
    }
    *bar = *colon = '\0';
    if (a->host.n == 0 || strcmp(bar + 1, a->host.item[0]) != 0)
        return;                                 /* of another server */
    (void)foreign_set(reader, a, "user", line); /* the remarks are enough */
    (void)foreign_set(reader, a, "password", colon + 1);
}

/* MAILNAME may name a file. */
static void take_mail_name(struct foreign_reader *reader, char *line)
{
    if (reader->line == 1)
        foreign_take(reader, "MAILNAME", line);
}

static void masquerade(struct foreign_reader *reader)
{
    const char *value = str_text(&reader->text[MASQUERADE]), *at = strchr(value, '@');
    struct str pattern = {0};
    if (!*value)
        return;
    str_addf(&pattern, "%s%s%s", at && at != value ? "" : "%U", at ? "" : "@", value);
    if (at && !at[1])
        str_add(&pattern, reader->foreign->host);
    (void)foreign_set(reader, reader->account, "from", str_text(&pattern)); /* likewise */
    (void)foreign_set(reader, reader->account, "rewrite_from", "always");   /* ours */
    str_clear(&pattern);
}

/* Mail for NAME@HOST is sent to the smart host; bare names have no counterpart. */
static void null_client(struct foreign_reader *reader, const char *mail_name)
{
    struct account *a = reader->account;
    (void)foreign_set(reader, a, "aliases", "");
    (void)foreign_set(reader, a, "domains", *mail_name ? mail_name : reader->foreign->host);
    foreign_remark(reader,
                   "NULLCLIENT: mail for users of this host without a domain is sent to `admin`, "
                   "not to the smart host");
}

static void settle(struct foreign_reader *reader)
{
    struct account *a = reader->account;
    const char *mail_name = str_text(&reader->text[MAIL_NAME]);
    bool secure = reader->bits & SECURE, starttls = reader->bits & FOREIGN_STARTTLS;
    reader->bits |= secure ? FOREIGN_TLS : 0;
    reader->bits &= secure ? ~0U : ~(unsigned)FOREIGN_STARTTLS;
    masquerade(reader);
    foreign_settle(reader, a);
    if (*mail_name)
        (void)foreign_set(reader, a, "domain", mail_name); /* the remark is enough */
    if (*a->tls_cert_file)
        (void)foreign_set(reader, a, "tls_key_file", a->tls_cert_file); /* it was one already */
    if (reader->bits & QUEUE_ONLY) {
        (void)foreign_set(reader, a, "delivery_mode", "queue"); /* ours */
        foreign_remark(reader, "DEFER: mail waits for `onehop -q`");
    }
    if (reader->bits & NULL_CLIENT)
        null_client(reader, mail_name);
    if (starttls && !secure)
        foreign_remark(reader, "STARTTLS: without SECURETRANSFER dma used no TLS");
    if (secure && reader->bits & OPPORTUNISTIC)
        foreign_remark(reader, "OPPORTUNISTIC_TLS: this insists on TLS");
    if (secure && !*a->tls_fingerprint)
        foreign_remark(reader, "dma looked at no certificate; this does: see tls_certcheck");
}

bool foreign_dma(struct foreign *foreign, const char *path, struct error *err)
{
    struct foreign_reader reader;
    foreign_begin(&reader, foreign, path, false, rows);
    bool ok = foreign_only_account(&reader, path, take, err);
    if (ok && reader.account->host.n == 0)
        ok = error_config(err, "%s: there is no SMARTHOST; onehop delivers through one only", path);
    const struct str *auth = &reader.text[AUTH_PATH];
    ok = ok && foreign_lines(&reader, auth->len ? str_text(auth) : "auth.conf", take_login, err);
    if (ok && *str_text(&reader.text[MAIL_NAME]) == '/') {
        char *file = str_take(&reader.text[MAIL_NAME]);
        ok = foreign_lines(&reader, file, take_mail_name, err);
        free(file);
    }
    if (ok)
        settle(&reader);
    foreign_end(&reader);
    return ok;
}
