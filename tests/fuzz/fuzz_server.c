/* A server session with any client: it ends, and a message is taken only with an envelope that SMTP
 * could carry and, where a login is needed, after one. The first octet says what the server is
 * like. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "smtpd/server.h"
#include "unit/memorystream.h"

enum {
    LENIENT = 1,
    REFUSES = 2,
    PIECES = 4,
    OFFERS_TLS = 8,
    SECURED = 16,
    NEEDS_LOGIN = 32,
    CERTIFIED = 64,
    LOGGED_IN = 128, /* found out */
};

struct client {
    struct stream stream;
    const uint8_t *data;
    size_t size, at, piece;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t client_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct client *client = (struct client *)s;
    size_t n = client->size - client->at;
    (void)err;
    n = n < len ? n : len;
    n = n < client->piece ? n : client->piece;
    memcpy(buffer, client->data + client->at, n);
    client->at += n;
    return (ssize_t)n;
}

static ssize_t client_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    (void)s, (void)err;
    for (size_t i = 0; i < len; i++)
        if (((const unsigned char *)data)[i] < ' ' && !strchr("\r\n", ((const char *)data)[i]))
            abort();
    return (ssize_t)len;
}

static int client_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    const struct client *client = (const struct client *)s;
    (void)err;
    bool before_greeting = client->at == 0 && deadline <= clock_now();
    return before_greeting ? 0 : want;
}

/* TLS is played by the same stream. */
static struct stream *secure(void *context, struct stream *plain, int64_t deadline)
{
    (void)context, (void)deadline;
    return plain;
}

static bool certified(void *context, const char *as)
{
    (void)as;
    return *(const unsigned char *)context & CERTIFIED;
}

static bool login(void *context, const char *user, const char *password)
{
    unsigned char *facts = context;
    bool ok = strcmp(user, "u") == 0 && strcmp(password, "p") == 0;
    *facts |= ok ? LOGGED_IN : 0;
    return ok;
}

static const struct stream_ops client_ops = {client_read, client_write, client_wait,
                                             memorystream_descriptor, memorystream_close};

static bool begin(void *context, struct server_reply *reply)
{
    const unsigned char *facts = context;
    (void)reply;
    if ((*facts & NEEDS_LOGIN) && !(*facts & (LOGGED_IN | CERTIFIED)))
        abort();
    return true;
}

static void check_address(const char *address)
{
    if (strlen(address) > ENVELOPE_ADDRESS_MAX || escape_has_control(address))
        abort();
}

static void take(void *context, const struct server_message *message, struct server_reply *reply)
{
    const unsigned char *facts = context;
    struct error err;
    const char *block;
    size_t len = 0, total = 0;
    if (message->envelope->n == 0 || message->envelope->n > SERVER_RECIPIENTS_MAX)
        abort();
    check_address(message->envelope->sender);
    for (size_t i = 0; i < message->envelope->n; i++)
        check_address(message->envelope->rcpt[i].address);
    bool ok = !(*facts & REFUSES);
    while (ok && (ok = source_block(message->source, &block, &len, &err)) && len > 0)
        total += len;
    if (total > 4096)
        abort();
    server_reply_set(reply, ok ? 250 : 550, ok ? "2.0.0" : "5.0.0", "%zu octets", total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct server_handler handler = {
        .secure = secure, .certified = certified, .login = login, .begin = begin, .message = take};
    if (size == 0)
        return 0;
    unsigned char facts = data[0] & (REFUSES | NEEDS_LOGIN | CERTIFIED);
    struct client client = {.stream = {&client_ops},
                            .data = data + 1,
                            .size = size - 1,
                            .piece = data[0] & PIECES ? 3 : size};
    const struct server_params params = {
        .name = "test",
        .extension = "",
        .size_max = 4096,
        .timeout = 1000,
        .lenient = data[0] & LENIENT,
        .offers_tls = data[0] & OFFERS_TLS,
        .secured = data[0] & SECURED,
        .passwords = true,
        .needs_login = data[0] & NEEDS_LOGIN,
        .login_total = 1000,
        .handler = &handler,
        .context = &facts,
    };
    struct stream *stream = &client.stream;
    (void)server_run(&stream, &params);
    return 0;
}
