#include "config.h"
#include "delivery/submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/memory.h"
#include "message/body.h"
#include "message/complete.h"
#include "message/rewrite.h"
#include "delivery/localmail.h"
#include "delivery/sender.h"

enum { FIRST_LINE_MAX = 512 }; /* octets looked at for a Subject */

static void take_addresses(struct envelope *env, struct address_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (*list->item[i].mailbox) {
            (void)envelope_take(env, list->item[i].mailbox); /* twice is once */
            list->item[i].mailbox = NULL;
        }
}

static bool check_recipients(const struct submission *s, struct error *err)
{
    if (s->envelope.n == 0 && s->wishes->read_recipients)
        return error_usage(err, "no recipients found: neither in the arguments nor in To, Cc or "
                                "Bcc of the message");
    if (s->envelope.n == 0)
        return error_usage(err, "no recipients found: name them as arguments, or use -t to take "
                                "them from the message");
    for (size_t i = 0; i < s->envelope.n; i++)
        if (strlen(s->envelope.rcpt[i].address) > ENVELOPE_ADDRESS_MAX)
            return error_usage(err, "a recipient is longer than %d bytes: %.60s...",
                               ENVELOPE_ADDRESS_MAX, s->envelope.rcpt[i].address);
    return true;
}

/* Looks at the first line of the text without consuming it. */
static bool look_at_first_line(struct submission *s, struct error *err)
{
    const char *data = str_text(&s->header.text);
    size_t len = s->header.text.len;
    bool ahead = len == 0;
    if (ahead && !source_piece(s->source, &data, &len, err))
        return false;
    size_t line = 0;
    while (line < len && line < FIRST_LINE_MAX && data[line] != '\n' && data[line] != '\r')
        line++;
    s->first_line = memory_copy_n(data, line);
    if (ahead)
        source_unread(s->source, len);
    return true;
}

bool submission_read(struct submission *s, struct error *err)
{
    struct address_list list = {0};
    for (size_t i = 0; i < s->wishes->recipients.n; i++) {
        const char *text = s->wishes->recipients.item[i];
        address_list_parse(&list, text, strlen(text));
    }
    bool ok = header_read(&s->header, s->source, err);
    if (ok && s->wishes->read_recipients)
        header_recipients(&s->header, &list);
    take_addresses(&s->envelope, &list);
    address_list_clear(&list);
    return ok && look_at_first_line(s, err) && check_recipients(s, err);
}

char *submission_header_from(const struct submission *s)
{
    const struct header *header = &s->header;
    struct address_list list = {0};
    if (header_is_resent(header))
        header_addresses(header, "Resent-From", &list);
    if (list.n == 0)
        header_addresses(header, "From", &list);
    char *sender = memory_copy(list.n ? list.item[0].mailbox : "");
    address_list_clear(&list);
    return sender;
}

bool submission_route(struct submission *s, struct error *err)
{
    char *from = submission_header_from(s);
    bool ok = true;
    if (s->wishes->read_envelope_from && !*from)
        ok = error_usage(err, "no envelope from address found: the message has no From field");
    struct str caller = {0};
    str_addf(&caller, "%s@%s", s->site->caller.name, s->site->host.name);
    const struct route_query query = {
        .account = s->wishes->account,
        .envelope_from = s->wishes->read_envelope_from ? from : s->wishes->from,
        .header_from = from,
        .caller = str_text(&caller),
        .local_names = &s->site->host.sender_names,
        .as_sendmail = s->site->caller.as_sendmail,
    };
    ok = ok && route_choose(&s->site->config, &query, &s->route, err);
    if (ok)
        s->account = s->route.account;
    s->route.sender = NULL; /* it was borrowed from what ends here */
    free(from);
    str_clear(&caller);
    return ok;
}

static bool may_use(void *context, const char *mailbox)
{
    const struct submission *s = context;
    return !sender_is_replaced(s->account, s->wishes->senders, mailbox,
                               &s->site->host.sender_names);
}

static bool check_sender(const struct submission *s, const char *mailbox, struct error *err)
{
    if (!*mailbox || sender_is_allowed(s->account, s->wishes->senders, mailbox) ||
        (*account_address(s->account) && !may_use((void *)s, mailbox)))
        return true;
    (void)error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_NOPERM, "%s may not send as %s",
                    s->site->caller.name, mailbox);
    (void)snprintf(err->status, sizeof err->status, "5.7.1");
    return false;
}

/* What the caller may not send as is replaced, or refused. */
static bool check_senders(const struct submission *s, const char *envelope, struct error *err)
{
    struct address_list list = {0};
    if (!s->wishes->senders)
        return true;
    rewrite_read_senders(&s->header, &list);
    bool ok = check_sender(s, envelope, err);
    for (size_t i = 0; i < list.n; i++)
        ok = ok && check_sender(s, list.item[i].mailbox, err);
    address_list_clear(&list);
    return ok;
}

static void complete(struct submission *s, const struct sender_choice *sender, time_t now)
{
    const struct account *a = s->account;
    const char *address = account_address(a);
    const struct completion want = {
        .sender = s->envelope.sender,
        .from_address = sender->from_address,
        .full_name = sender->full_name,
        .rewrite_to = a->rewrite_from != REWRITE_OFF ? address : "",
        .may_use = may_use,
        .context = s,
        .host = s->site->host.name,
        .qualify_domain = a->as_msmtp ? "" : s->site->host.mail_name,
        .message_id_domain = sender->message_id_domain,
        .from = (enum complete_mode)a->set_from_header,
        .date = (enum complete_mode)a->set_date_header,
        .message_id = (enum complete_mode)a->set_msgid_header,
        .subject = (enum complete_mode)a->set_subject_header,
        .to = (enum complete_to)a->set_to_header,
        .keep_bcc = !a->remove_bcc_headers,
        .keep_8bit = a->as_msmtp,
        .now = now,
        .envelope = &s->envelope,
    };
    complete_header(&s->header, &want, s->first_line ? s->first_line : "");
}

bool submission_finish(struct submission *s, time_t now, struct error *err)
{
    struct sender_choice sender = {0};
    char *from = submission_header_from(s);
    const struct sender_facts facts = {
        .account = s->account,
        .envelope_from = s->wishes->read_envelope_from ? from : s->wishes->from,
        .header_from = from,
        .full_name = s->wishes->full_name,
        .senders = s->wishes->senders,
        .site = s->site,
    };
    sender_choose(&facts, &sender);
    envelope_set_sender(&s->envelope, sender.envelope);
    bool ok = check_senders(s, sender.envelope, err) && localmail_expand(s, err) &&
              check_recipients(s, err);
    if (ok)
        complete(s, &sender, now);
    sender_choice_clear(&sender);
    free(s->original_from);
    s->original_from = from;
    return ok;
}

bool submission_write(struct submission *s, struct output *out, bool *has_8bit,
                      bool *has_8bit_header, struct error *err)
{
    struct body body = {0};
    *has_8bit_header = false;
    bool ok = header_write(&s->header, out, has_8bit_header, err) &&
              body_add(&body, str_text(&s->header.text), s->header.text.len, out, err) &&
              body_copy(&body, s->source, out, err);
    *has_8bit = body.has_8bit || *has_8bit_header;
    return ok;
}

void submission_clear(struct submission *s)
{
    header_clear(&s->header);
    envelope_clear(&s->envelope);
    strlist_clear(&s->warnings);
    free(s->first_line);
    free(s->original_from);
    s->first_line = s->original_from = NULL;
}
