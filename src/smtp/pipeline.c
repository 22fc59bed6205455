#include "config.h"
#include "smtp/pipeline.h"

#include "smtp/transfer.h"

void pipeline_hold(struct transaction *t, size_t start, size_t due)
{
    struct wire *wire = t->wire;
    str_add_n(&t->commands, wire->out.data + start, wire->out.len - start);
    str_truncate(&wire->out, start);
    t->replies = wire->due - due;
    wire->due = due;
}

static void release(struct transaction *t)
{
    str_add_n(&t->wire->out, str_text(&t->commands), t->commands.len);
    wire_expect(t->wire, t->replies);
    str_clear(&t->commands);
}

static bool take_envelope(struct transaction *t, struct error *err)
{
    if (!transaction_take_reset(t, err) || !transaction_take_mail(t, err))
        return false;
    for (size_t k = 0; k < t->n; k++)
        if (!transaction_take_rcpt(t, k, err))
            return false;
    return transaction_take_data(t, err);
}

/* After a 354 a dot is due, also where nobody wants the content. */
static bool send_content(struct transaction *t, struct transaction *next, struct error *err)
{
    const struct session_params *params = t->session->params;
    bool wanted = t->go && !t->mail_refused && t->accepted > 0;
    if (!wire_begin(t->wire, COMMAND_CONTENT, err))
        return false;
    if (wanted && !transfer_queue_data(t->wire, t->content, 1, params->timeout, err))
        return false;
    if (t->go && !wanted)
        transfer_queue_nothing(t->wire);
    if (next)
        release(next);
    if (wanted)
        return transaction_take_content(t, err);
    return !t->go || wire_reply(t->wire, params->timeout_final, err);
}

enum session_pulled pipeline_pull(struct transaction *t, struct transaction *next,
                                  struct error *err)
{
    struct error why;
    if (t->wire->broken)
        return SESSION_UNTRIED;
    if (!take_envelope(t, &why)) {
        if (why.closed || why.reply_code == 421 || t->session->streaming_refused)
            return SESSION_UNTRIED; /* its content was never begun */
        *err = why;
        return SESSION_FAILED;
    }
    bool ok = send_content(t, next, &why);
    if (t->mail_refused || (t->accepted > 0 && t->data_refused)) {
        *err = t->refusal;
        return SESSION_FAILED;
    }
    if (ok || t->accepted == 0)
        return SESSION_ENDED;
    *err = why;
    return SESSION_FAILED;
}
