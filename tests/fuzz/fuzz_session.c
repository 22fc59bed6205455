/* A whole session with a server that says the input: SENT only if as many complete replies came as
 * commands went out, the last of them a 2xx that came after the last octet of the content.
 *
 * With several transactions in flight the same is true of each: the reply that has the number of
 * its content among the commands is a 2xx.
 *
 * The first octet chooses what the client is like. A NUL in the rest is where the server waits for
 * the client to write. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "smtp/session.h"
#include "unit/memorystream.h"

enum { PLAIN_DATA = 1, LMTP = 2, LOGIN = 4, STARTTLS = 8, SLOW = 16, STREAM = 32 };
enum { PUSHED = 4 };

static const char text[] = "S: x\r\n\r\n.the end of it\r\n";

struct server {
    struct stream stream;
    const char *data;
    size_t size, at;
    bool waits; /* waits for a write */
    bool slow;  /* takes few octets at a time */
    struct str written;
    struct str said;    /* what has been read */
    size_t said_at_end; /* of it, before the content had been written; SIZE_MAX: not yet */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sayable(const struct server *server)
{
    if (server->waits)
        return 0;
    const char *stop = memchr(server->data + server->at, '\0', server->size - server->at);
    return stop ? (size_t)(stop - server->data) - server->at : server->size - server->at;
}

static bool at_pause(const struct server *server)
{
    return server->at < server->size && server->data[server->at] == '\0';
}

static ssize_t server_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct server *server = (struct server *)s;
    (void)err;
    size_t n = sayable(server);
    if (n == 0)
        return server->at < server->size ? STREAM_AGAIN : 0;
    if (n > len)
        n = len;
    memcpy(buffer, server->data + server->at, n);
    str_add_n(&server->said, buffer, n);
    server->at += n;
    server->waits = at_pause(server);
    return (ssize_t)n;
}

static bool content_is_out(const struct server *server)
{
    static const char *const ends[] = {"\r\n..the end of it\r\n.\r\n", "\r\n.the end of it\r\n"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(ends[i]);
        if (server->written.len >= len &&
            memcmp(server->written.data + server->written.len - len, ends[i], len) == 0)
            return true;
    }
    return false;
}

static ssize_t server_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    struct server *server = (struct server *)s;
    (void)err;
    if (server->slow && len > 7)
        len = 7;
    str_add_n(&server->written, data, len);
    if (server->waits) {
        server->waits = false;
        server->at++;
        server->waits = at_pause(server);
    }
    if (server->said_at_end == SIZE_MAX && content_is_out(server))
        server->said_at_end = server->said.len;
    return (ssize_t)len;
}

static int server_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    struct server *server = (struct server *)s;
    (void)deadline, (void)err;
    bool readable = sayable(server) > 0 || server->at == server->size;
    return want & (STREAM_WRITE | (readable ? STREAM_READ : 0));
}

static const struct stream_ops server_ops = {server_read, server_write, server_wait,
                                             memorystream_descriptor, memorystream_close};

static struct stream *start_tls(void *context, struct stream *inner, int64_t deadline,
                                struct error *err)
{
    (void)context, (void)deadline, (void)err;
    return inner;
}

static size_t count_commands(const struct str *written)
{
    const char *content = memmem(written->data, written->len, "S: x\r\n", 6);
    size_t n = 0;
    for (const char *c = written->data; c < content; c++)
        n += *c == '\n';
    return n;
}

/* Counts the complete replies; *LAST is the first digit of the last, *END where it ended. */
static size_t count_replies(const struct str *said, char *last, size_t *end)
{
    size_t n = 0;
    for (size_t at = 0; at < said->len;) {
        const char *line = said->data + at;
        const char *stop = memchr(line, '\n', said->len - at);
        if (!stop)
            break;
        at = (size_t)(stop - said->data) + 1;
        if (stop - line < 4 || line[3] != '-') {
            n++;
            *last = line[0];
            *end = at;
        }
    }
    return n;
}

static void check(const struct server *server, bool lmtp)
{
    char last = 0;
    size_t end = 0;
    if (server->said_at_end == SIZE_MAX)
        abort();
    /* The greeting, one for each command, and with DATA one for the content. */
    size_t due = 1 + count_commands(&server->written) +
                 (memmem(server->written.data, server->written.len, "BDAT", 4) ? 0 : 1);
    size_t came = count_replies(&server->said, &last, &end);
    if (came < due || (end <= server->said_at_end && !lmtp))
        abort();
    if (came == due && last != '2' && !lmtp)
        abort();
}

/* Where the reply to the content of transaction K (those pushed begin with RSET, from 1) stands
 * among the replies, which begin with the greeting; SIZE_MAX if it was not written to its end. */
static size_t place_of_reply(const struct str *written, size_t k)
{
    size_t replies = 0, resets = 0;
    for (size_t at = 0; at < written->len;) {
        const char *line = written->data + at;
        const char *stop = memchr(line, '\n', written->len - at);
        if (!stop)
            return SIZE_MAX;
        bool chunk = strncmp(line, "BDAT ", 5) == 0, data = strncmp(line, "S: x", 4) == 0;
        replies++;
        resets += strncmp(line, "RSET", 4) == 0;
        if (!data)
            at = (size_t)(stop - written->data) + 1;
        if (chunk || data) /* by DATA with two more dots and CRLF */
            at += sizeof text - 1 + (data ? 4 : 0);
        if (at > written->len)
            return SIZE_MAX;
        if ((chunk || data) && resets == k)
            return replies;
    }
    return SIZE_MAX;
}

/* The first digit of the reply at PLACE, 0 if it did not come whole. */
static char reply_at(const struct str *said, size_t place)
{
    for (size_t at = 0; at < said->len;) {
        const char *line = said->data + at;
        const char *stop = memchr(line, '\n', said->len - at);
        if (!stop)
            return 0;
        at = (size_t)(stop - said->data) + 1;
        if (stop - line >= 4 && line[3] == '-')
            continue;
        if (place-- == 0)
            return line[0];
    }
    return 0;
}

static bool is_sent(const struct outcome outcomes[2])
{
    return outcomes[0].result == OUTCOME_SENT || outcomes[1].result == OUTCOME_SENT;
}

static void stream(struct server *server, struct session *session, const struct envelope *env,
                   const struct content *content)
{
    struct outcome outcomes[PUSHED][2] = {{{0}}};
    struct session_mail mail[PUSHED];
    struct error err = {0};
    size_t n = 0;
    for (; n < PUSHED; n++) {
        mail[n] = (struct session_mail){env, content, outcomes[n], NULL};
        if (session_room(session, &mail[n]) != SESSION_ROOM || !session_push(session, &mail[n]))
            break;
    }
    for (size_t i = 0; i < n; i++) {
        enum session_pulled pulled = session_pull(session, &err);
        if (pulled == SESSION_FAILED && (err.code == 0 || !err.text[0]))
            abort();
        bool sent = is_sent(outcomes[i]);
        if (sent && pulled != SESSION_ENDED)
            abort();
        if (sent && reply_at(&server->said, place_of_reply(&server->written, i + 1)) != '2')
            abort();
        if (pulled == SESSION_UNTRIED && (outcomes[i][0].result || outcomes[i][1].result))
            abort();
        outcome_clear(outcomes[i], 2);
    }
}

static void converse(struct server *server, unsigned kind)
{
    struct str password = {0};
    str_add(&password, "secret");
    struct sasl_login login = {.mechanism = "", .user = "u", .password = &password, .host = "h"};
    struct session_params params = {.hello = "me",
                                    .lmtp = kind & LMTP,
                                    .secure = true,
                                    .starttls = kind & STARTTLS,
                                    .start_tls = start_tls,
                                    .login = kind & LOGIN ? &login : NULL,
                                    .chunking = !(kind & PLAIN_DATA),
                                    .streaming = kind & STREAM,
                                    .timeout = 1000,
                                    .timeout_final = 1000};
    struct envelope env = {0};
    struct content content = {.size = sizeof text - 1};
    struct outcome outcomes[2] = {{0}, {0}};
    struct error err;
    str_add(&content.memory, text);
    (void)envelope_add(&env, "a@x.org");
    (void)envelope_add(&env, "b@x.org");
    struct session *session = session_new(&server->stream, &params);
    bool ok = session_hello(session, &err) && session_login(session, &err) &&
              session_send(session, &(struct session_mail){&env, &content, outcomes, NULL}, &err);
    bool sent = is_sent(outcomes);
    if ((sent && !ok && !params.lmtp) || (!ok && (err.code == 0 || !err.text[0])))
        abort();
    if (sent)
        check(server, params.lmtp);
    if (ok && params.streaming)
        stream(server, session, &env, &content);
    session_end(session);
    outcome_clear(outcomes, 2);
    envelope_clear(&env);
    content_clear(&content);
    str_clear(&password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct server server = {.stream = {&server_ops},
                            .data = (const char *)data + 1,
                            .size = size - 1,
                            .slow = data[0] & SLOW,
                            .said_at_end = SIZE_MAX};
    server.waits = at_pause(&server);
    converse(&server, data[0]);
    str_clear(&server.written);
    str_clear(&server.said);
    return 0;
}
