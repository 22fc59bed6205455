#include "config.h"
#include "delivery/logline.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

enum { ACCEPTED = 250 };

/* Blanks would begin a new value. */
void logline_add_value(struct str *out, const char *text)
{
    size_t start = out->len;
    escape_line(out, text, strlen(text));
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == ' ')
            out->data[i] = '?';
}

/* A quote ends the value, unless it is the apostrophe of a word; a line end becomes \\ and n. */
static void add_quoted(struct str *out, const char *name, const char *text)
{
    str_addf(out, " %s='", name);
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n'");
        escape_line(out, at, len);
        at += len;
        if (*at == '\n')
            str_add(out, "\\n");
        else if (*at)
            str_add_char(out, at > text && isalnum((unsigned char)at[-1]) &&
                                      isalnum((unsigned char)at[1])
                                  ? '\''
                                  : '"');
        at += *at != '\0';
    }
    str_add_char(out, '\'');
}

static void add_recipients(struct str *out, const struct envelope *env)
{
    size_t start = out->len;
    for (size_t i = 0; i < env->n; i++) {
        if (out->len - start > LOGLINE_RECIPIENTS_MAX) {
            str_addf(out, ",...(%zu more)", env->n - i);
            return;
        }
        if (i > 0)
            str_add_char(out, ',');
        logline_add_value(out, env->rcpt[i].address);
    }
}

static void add_account(const struct logline *facts, struct str *out)
{
    const struct account *account = facts->account;
    if (*account->socket) {
        str_add(out, "socket=");
        logline_add_value(out, account->socket);
    } else if (account->protocol == PROTOCOL_MAILDIR) {
        str_add(out, "maildir=");
        logline_add_value(out, account->maildir);
    } else {
        str_add(out, "host=");
        logline_add_value(out, *facts->host      ? facts->host
                               : account->host.n ? account->host.item[0]
                                                 : "");
    }
    str_addf(out, " tls=%s auth=%s ", account->tls ? "on" : "off",
             account->auth != AUTH_OFF ? "on" : "off");
    if (account->auth != AUTH_OFF) {
        str_add(out, "user=");
        logline_add_value(out, account->user);
        str_add_char(out, ' ');
    }
}

/* As the caller wrote it, with line ends of one octet: so msmtp counts. */
static uint64_t mail_size(const struct content *content)
{
    uint64_t lines = 0;
    struct error ignored; /* it could be read when it was sent */
    return content_count_lines(content, &lines, &ignored) ? content->size - lines : content->size;
}

void logline_message_id(const struct logline *facts, struct str *out)
{
    struct str value = {0};
    if (facts->content)
        content_add_field(facts->content, "Message-ID", &value);
    else if (facts->header && header_value(facts->header, "Message-ID"))
        str_add(&value, header_value(facts->header, "Message-ID"));
    const char *text = str_text(&value), *bracket = strchr(text, '<');
    text = bracket ? bracket + 1 : text + strspn(text, " \t\n");
    str_add_n(out, text, strcspn(text, bracket ? ">" : " \t\n"));
    str_clear(&value);
}

void logline_format(const struct logline *facts, struct str *out)
{
    const struct envelope *env = facts->envelope;
    const struct error *err = facts->error;
    if (facts->account)
        add_account(facts, out);
    str_add(out, "from=");
    logline_add_value(out, env && env->sender ? env->sender : "");
    str_add(out, " recipients=");
    if (env)
        add_recipients(out, env);
    if (facts->content && facts->accepted)
        str_addf(out, " mailsize=%" PRIu64, mail_size(facts->content));
    int reply_code = err ? err->reply_code : facts->accepted ? ACCEPTED : 0;
    if (reply_code) {
        str_addf(out, " smtpstatus=%d", reply_code);
        add_quoted(out, "smtpmsg", err ? err->reply : facts->accepted);
    }
    if (err && *err->text)
        add_quoted(out, "errormsg", err->text);
    if (*facts->queue_id)
        str_addf(out, " queue=%s", facts->queue_id);
    if (*facts->message_id) {
        str_add(out, " message-id=");
        logline_add_value(out, facts->message_id);
    }
    str_addf(out, " exitcode=%s", error_code_name(facts->code));
}
