/* The client against a server that understands every command and answers as the input says: most
 * replies fit, some refuse, some are wrong in form, early, doubled, or none. Where a server of
 * octets (fuzz_session.c) seldom gets past the greeting, this one reaches the end of the content.
 *
 * What must hold, whatever the server does: the content arrives as it is, in a transaction that has
 * a sender and a recipient, and nothing of it stands where a command is expected; a recipient is
 * SENT only if the server accepted it, had the whole content, and said 2xx to that; every failure
 * has a code and a text. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "smtp/session.h"
#include "unit/memorystream.h"

enum { NO_CHUNKING = 1, LMTP = 2, LOGIN = 4, NO_PIPELINING = 8, SLOW = 16, NO_8BITMIME = 32 };
enum { RECIPIENTS = 3, SLOW_PIECE = 7, REPLIES_MAX = 4096 };

static const char text[] = "S: x\r\n\r\nMAIL FROM:<no@command>\r\n.the end\r\n.\r\nRSET\r\n";

struct provider {
    struct stream stream;
    const uint8_t *choice; /* what is left of the input: an octet a reply */
    size_t choices;
    unsigned kind;
    struct str in;  /* from the client, not looked at yet */
    struct str out; /* to the client, not read yet */
    size_t taken, read, replies;
    bool closed;

    bool data, login; /* what the next octets are */
    size_t chunk;     /* octets of a chunk that are still to come */
    bool chunk_last, has_sender;
    bool accepted[RECIPIENTS]; /* in this transaction */
    bool answered[RECIPIENTS]; /* with 2xx, to the whole content of a transaction of theirs */
    struct str content;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned choose(struct provider *p)
{
    if (p->choices == 0)
        return 0;
    p->choices--;
    return *p->choice++;
}

/* Says FITTING, or what the input has instead. True if the client got a 2xx, whole. */
static bool say(struct provider *p, const char *fitting)
{
    static const char *const other[] = {
        "421 4.3.2 go away\r\n",
        "450 4.2.0 later\r\n",
        "452 4.5.3 too many\r\n",
        "500 5.5.2 what\r\n",
        "502 5.5.1 never\r\n",
        "503 5.5.1 order\r\n",
        "530 5.7.0 first\r\n",
        "535 5.7.8 no\r\n",
        "550 5.1.1 nobody\r\n",
        "552 5.3.4 big\r\n",
        "554-5.7.1 many\r\n554 5.7.1 lines\r\n",
        "354 go on\r\n",
        "220 hello\r\n",
        "334 \r\n",
        "250-one\r\n550 other\r\n",
        "2x0 no number\r\n",
        "25",
        "\r\n",
        "",
    };
    unsigned c = choose(p);
    if (p->closed || ++p->replies > REPLIES_MAX)
        return false;
    if (c >= 64 && c < 64 + sizeof other / sizeof *other) {
        str_add(&p->out, other[c - 64]);
        return false;
    }
    str_add(&p->out, fitting);
    if (c == 255)
        p->closed = true;
    else if (c == 254)
        str_add(&p->out, fitting); /* nobody asked for that */
    return fitting[0] == '2';
}

static void forget_transaction(struct provider *p)
{
    p->has_sender = false;
    memset(p->accepted, 0, sizeof p->accepted);
    str_truncate(&p->content, 0);
}

static bool any_accepted(const struct provider *p)
{
    for (size_t i = 0; i < RECIPIENTS; i++)
        if (p->accepted[i])
            return true;
    return false;
}

/* The content is there: it must be ours, and each reply belongs to somebody. */
static void end_content(struct provider *p)
{
    bool wanted = p->has_sender && any_accepted(p);
    if (wanted &&
        (p->content.len != sizeof text - 1 || memcmp(p->content.data, text, p->content.len)))
        abort();
    if (!wanted) {
        (void)say(p, "503 5.5.1 no recipients\r\n");
    } else if (p->kind & LMTP) {
        for (size_t i = 0; i < RECIPIENTS; i++)
            if (p->accepted[i])
                p->answered[i] |= say(p, "250 2.0.0 taken\r\n");
    } else if (say(p, "250 2.0.0 taken\r\n")) {
        for (size_t i = 0; i < RECIPIENTS; i++)
            p->answered[i] |= p->accepted[i];
    }
    forget_transaction(p);
}

static void say_capabilities(struct provider *p)
{
    struct str reply = {0};
    str_add(&reply, "250-server\r\n");
    if (!(p->kind & NO_PIPELINING))
        str_add(&reply, "250-PIPELINING\r\n");
    if (!(p->kind & NO_CHUNKING))
        str_add(&reply, "250-CHUNKING\r\n");
    if (!(p->kind & NO_8BITMIME))
        str_add(&reply, "250-8BITMIME\r\n");
    str_add(&reply, "250-AUTH PLAIN LOGIN\r\n250 SIZE 1000\r\n");
    (void)say(p, str_text(&reply));
    str_clear(&reply);
}

static bool begins(const char *line, const char *verb)
{
    return strncmp(line, verb, strlen(verb)) == 0;
}

static void take_recipient(struct provider *p, const char *line)
{
    size_t who = (size_t)(line[strlen("RCPT TO:<")] - 'a');
    if (who >= RECIPIENTS)
        abort();
    bool ok = p->has_sender;
    p->accepted[who] |= say(p, ok ? "250 2.1.5 ok\r\n" : "503 5.5.1 no sender\r\n") && ok;
}

static void begin_chunk(struct provider *p, const char *line)
{
    char *end;
    p->chunk = strtoul(line + strlen("BDAT "), &end, 10);
    p->chunk_last = strcmp(end, " LAST") == 0;
    if (p->chunk > sizeof text || (!p->chunk_last && *end))
        abort();
    if (p->chunk == 0 && p->chunk_last)
        end_content(p);
}

static void take_command(struct provider *p, const char *line)
{
    if (p->login) {
        p->login = false;
        (void)say(p, "235 2.7.0 welcome\r\n");
    } else if (begins(line, "EHLO ") || begins(line, "LHLO ")) {
        forget_transaction(p);
        say_capabilities(p);
    } else if (begins(line, "HELO ")) {
        forget_transaction(p);
        (void)say(p, "250 server\r\n");
    } else if (begins(line, "AUTH ")) {
        size_t before = p->out.len;
        (void)say(p, begins(line, "AUTH LOGIN") ? "334 \r\n" : "235 2.7.0 welcome\r\n");
        p->login = begins(str_text(&p->out) + before, "334");
    } else if (begins(line, "MAIL FROM:<me@x.org>")) {
        bool ok = !p->has_sender;
        p->has_sender |= say(p, ok ? "250 2.1.0 ok\r\n" : "503 5.5.1 nested\r\n") && ok;
    } else if (begins(line, "RCPT TO:<")) {
        take_recipient(p, line);
    } else if (strcmp(line, "DATA") == 0) {
        bool ok = p->has_sender && any_accepted(p);
        size_t before = p->out.len;
        (void)say(p, ok ? "354 go ahead\r\n" : "554 5.5.1 no valid recipients\r\n");
        p->data = begins(str_text(&p->out) + before, "354");
    } else if (begins(line, "BDAT ")) {
        begin_chunk(p, line);
    } else if (strcmp(line, "RSET") == 0) {
        forget_transaction(p);
        (void)say(p, "250 2.0.0 ok\r\n");
    } else if (strcmp(line, "QUIT") == 0) {
        (void)say(p, "221 2.0.0 bye\r\n");
        p->closed = true;
    } else if (strcmp(line, "*") == 0 || strcmp(line, "NOOP") == 0) {
        (void)say(p, "501 5.7.0 cancelled\r\n");
    } else {
        abort(); /* content, or a command nobody knows, where a command is expected */
    }
}

/* A line of content, without its line end. */
static void take_line(struct provider *p, const char *line, size_t len)
{
    if (len == 1 && *line == '.') {
        p->data = false;
        end_content(p);
        return;
    }
    size_t stuffed = len > 0 && *line == '.';
    str_add_n(&p->content, line + stuffed, len - stuffed);
    str_add(&p->content, "\r\n");
}

static bool take_chunk(struct provider *p)
{
    size_t n = p->in.len - p->taken;
    n = n < p->chunk ? n : p->chunk;
    str_add_n(&p->content, p->in.data + p->taken, n);
    p->taken += n;
    p->chunk -= n;
    if (p->chunk > 0)
        return false;
    if (p->chunk_last)
        end_content(p);
    else
        (void)say(p, "250 2.0.0 chunk\r\n");
    return true;
}

/* Looks at what came. */
static void work(struct provider *p)
{
    while (p->taken < p->in.len) {
        if (p->chunk > 0) {
            if (!take_chunk(p))
                return;
            continue;
        }
        char *line = p->in.data + p->taken;
        char *stop = memmem(line, p->in.len - p->taken, "\r\n", 2);
        if (!stop)
            return;
        p->taken += (size_t)(stop - line) + 2;
        *stop = '\0';
        if (p->data)
            take_line(p, line, (size_t)(stop - line));
        else
            take_command(p, line);
    }
}

static ssize_t provider_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct provider *p = (struct provider *)s;
    (void)err;
    size_t n = p->out.len - p->read;
    if (n == 0)
        return 0; /* it closed, or has nothing to say ever more */
    n = n < len ? n : len;
    if (p->kind & SLOW && n > SLOW_PIECE)
        n = SLOW_PIECE;
    memcpy(buffer, p->out.data + p->read, n);
    p->read += n;
    return (ssize_t)n;
}

static ssize_t provider_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    struct provider *p = (struct provider *)s;
    (void)err;
    if (p->kind & SLOW && len > SLOW_PIECE)
        len = SLOW_PIECE;
    str_add_n(&p->in, data, len);
    if (!p->closed)
        work(p);
    return (ssize_t)len;
}

static const struct stream_ops provider_ops = {provider_read, provider_write, memorystream_wait,
                                               memorystream_descriptor, memorystream_close};

static void check(const struct provider *p, struct outcome *outcomes)
{
    for (size_t i = 0; i < RECIPIENTS; i++)
        if (outcomes[i].result == OUTCOME_SENT && !p->answered[i])
            abort();
    outcome_clear(outcomes, RECIPIENTS);
}

static void converse(struct provider *p)
{
    struct str password = {0};
    str_add(&password, "secret");
    struct sasl_login login = {.mechanism = "", .user = "u", .password = &password, .host = "h"};
    struct session_params params = {.hello = "me",
                                    .lmtp = p->kind & LMTP,
                                    .secure = true,
                                    .login = p->kind & LOGIN ? &login : NULL,
                                    .chunking = true,
                                    .timeout = 1000,
                                    .timeout_final = 1000};
    struct envelope env = {0};
    struct content content = {.size = sizeof text - 1};
    struct outcome outcomes[RECIPIENTS] = {{0}};
    struct error err = {0};
    str_add(&content.memory, text);
    envelope_set_sender(&env, "me@x.org");
    (void)envelope_add(&env, "a@x.org");
    (void)envelope_add(&env, "b@x.org");
    (void)envelope_add(&env, "c@x.org");
    (void)say(p, "220 ready\r\n");
    struct session *session = session_new(&p->stream, &params);
    bool ok = session_hello(session, &err) && session_login(session, &err);
    for (int mails = 0; ok && mails < 3 && session_usable(session); mails++) {
        memset(p->answered, 0, sizeof p->answered);
        ok = session_send(session, &(struct session_mail){&env, &content, outcomes, NULL}, &err);
        check(p, outcomes);
    }
    if (!ok && (err.code == 0 || !err.text[0]))
        abort();
    session_end(session);
    envelope_clear(&env);
    content_clear(&content);
    str_clear(&password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct provider p = {
        .stream = {&provider_ops}, .choice = data + 1, .choices = size - 1, .kind = data[0]};
    converse(&p);
    str_clear(&p.in);
    str_clear(&p.out);
    str_clear(&p.content);
    return 0;
}
