/* A server session with any client: it ends, and a message is taken only with an envelope that SMTP
 * could carry. The first octet says how lenient the server is and how the input comes in pieces. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "smtpd/server.h"

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

static int client_descriptor(struct stream *s)
{
    (void)s;
    return -1;
}

static void client_close(struct stream *s)
{
    (void)s;
}

static const struct stream_ops client_ops = {client_read, client_write, client_wait,
                                             client_descriptor, client_close};

static bool begin(void *context, struct server_reply *reply)
{
    (void)context, (void)reply;
    return true;
}

static void check_address(const char *address)
{
    if (strlen(address) > ENVELOPE_ADDRESS_MAX || escape_has_control(address))
        abort();
}

static void take(void *context, const struct server_message *message, struct server_reply *reply)
{
    const bool *refuses = context;
    struct error err;
    const char *block;
    size_t len = 0, total = 0;
    if (message->envelope->n == 0 || message->envelope->n > SERVER_RECIPIENTS_MAX)
        abort();
    check_address(message->envelope->sender);
    for (size_t i = 0; i < message->envelope->n; i++)
        check_address(message->envelope->rcpt[i].address);
    bool ok = !*refuses;
    while (ok && (ok = source_block(message->source, &block, &len, &err)) && len > 0)
        total += len;
    if (total > 4096)
        abort();
    server_reply_set(reply, ok ? 250 : 550, ok ? "2.0.0" : "5.0.0", "%zu octets", total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct server_handler handler = {.begin = begin, .message = take};
    if (size == 0)
        return 0;
    bool refuses = data[0] & 2;
    struct client client = {.stream = {&client_ops},
                            .data = data + 1,
                            .size = size - 1,
                            .piece = data[0] & 4 ? 3 : size};
    const struct server_params params = {
        .name = "test",
        .extension = "",
        .size_max = 4096,
        .timeout = 1000,
        .lenient = data[0] & 1,
        .handler = &handler,
        .context = &refuses,
    };
    (void)server_run(&client.stream, &params);
    return 0;
}
