/* A client by the book whose content is out to be read as commands (SMTP smuggling): line ends of
 * every kind around dots, commands, chunks of any size. The server must take each message as one,
 * octet by octet, and nothing of it as a command. The input chooses the pieces of the content; a
 * piece that would end it by the book is left out. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "smtpd/server.h"
#include "unit/memorystream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BY_CHUNKS = 1, SHORT_READS = 2, LENIENT = 4, MESSAGES = 2, CHUNK_MAX = 40 };

static const char *const piece[] = {
    "text",
    ".",
    "\n",
    "\r",
    "\r\n",
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r\n.\r",
    "\r.\r\n",
    "\r\n..\r\n",
    "MAIL FROM:<evil@x.org>\r\n",
    "RCPT TO:<evil@x.org>\r\n",
    "DATA\r\n",
    "BDAT 4 LAST\r\n",
    "RSET\r\n",
    "QUIT\r\n",
    "EHLO evil\r\n",
    "\n.\nMAIL FROM:<evil@x.org>\nRCPT TO:<evil@x.org>\nDATA\n",
};

struct client {
    struct stream stream;
    struct str said; /* the whole dialogue */
    size_t at, piece;
    struct str content; /* of each message, as the server must see it */
    size_t taken;
};

static ssize_t client_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct client *client = (struct client *)s;
    size_t n = client->said.len - client->at;
    (void)err;
    n = n < len ? n : len;
    n = n < client->piece ? n : client->piece;
    memcpy(buffer, str_text(&client->said) + client->at, n);
    client->at += n;
    return (ssize_t)n;
}

static ssize_t client_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    (void)s, (void)data, (void)err;
    return (ssize_t)len;
}

static int client_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    const struct client *client = (const struct client *)s;
    (void)deadline, (void)err;
    return client->at == 0 ? 0 : want; /* nothing is said before the greeting */
}

static const struct stream_ops client_ops = {client_read, client_write, client_wait,
                                             memorystream_descriptor, memorystream_close};

static bool begin(void *context, struct server_reply *reply)
{
    (void)context, (void)reply;
    return true;
}

static void take(void *context, const struct server_message *message, struct server_reply *reply)
{
    struct client *client = context;
    const struct envelope *env = message->envelope;
    struct str content = {0};
    struct error err;
    const char *block;
    size_t len = 0;
    if (strcmp(env->sender, "me@x.org") != 0 || env->n != 1 ||
        strcmp(env->rcpt[0].address, "you@x.org") != 0)
        abort();
    bool ok = true;
    while ((ok = source_block(message->source, &block, &len, &err)) && len > 0)
        str_add_n(&content, block, len);
    if (ok && (content.len != client->content.len ||
               memcmp(str_text(&content), str_text(&client->content), content.len) != 0))
        abort();
    client->taken += ok;
    str_clear(&content);
    server_reply_set(reply, ok ? 250 : 451, "", "%s", ok ? "taken" : "not taken");
}

/* True if CONTENT and then MORE has an end of DATA in it. */
static bool would_end(const struct str *content, const char *more)
{
    struct str both = {0};
    str_add(&both, "\r\n");
    str_add_n(&both, str_text(content), content->len);
    str_add(&both, more);
    bool ends = memmem(both.data, both.len, "\r\n.\r\n", 5) != NULL;
    str_clear(&both);
    return ends;
}

/* What the server makes of WIRE: a dot at the beginning of a line is taken away (RFC 5321, 4.5.2).
 */
static void unstuff(const struct str *wire, struct str *out)
{
    const char *text = str_text(wire);
    for (size_t i = 0; i < wire->len; i++) {
        bool starts = i == 0 || (i >= 2 && text[i - 1] == '\n' && text[i - 2] == '\r');
        if (!(starts && text[i] == '.'))
            str_add_char(out, text[i]);
    }
}

static void say_data(struct client *client, const struct str *wire)
{
    str_add(&client->said, "DATA\r\n");
    str_add_n(&client->said, str_text(wire), wire->len);
    str_add(&client->said, ".\r\n");
}

static void say_chunks(struct client *client, const struct str *wire)
{
    for (size_t at = 0, n; at < wire->len || at == 0; at += n) {
        n = wire->len - at < CHUNK_MAX ? wire->len - at : CHUNK_MAX;
        str_addf(&client->said, "BDAT %zu%s\r\n", n, at + n == wire->len ? " LAST" : "");
        str_add_n(&client->said, str_text(wire) + at, n);
        if (n == 0)
            return;
    }
}

static void make_dialogue(struct client *client, const struct str *wire, unsigned kind)
{
    str_add(&client->said, "EHLO client\r\n");
    for (int i = 0; i < MESSAGES; i++) {
        str_add(&client->said, "MAIL FROM:<me@x.org>\r\nRCPT TO:<you@x.org>\r\n");
        if (kind & BY_CHUNKS)
            say_chunks(client, wire);
        else
            say_data(client, wire);
    }
    str_add(&client->said, "QUIT\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct server_handler handler = {.begin = begin, .message = take};
    if (size == 0)
        return 0;
    unsigned kind = data[0];
    struct client client = {.stream = {&client_ops}, .piece = kind & SHORT_READS ? 3 : SIZE_MAX};
    struct str wire = {0};
    for (size_t i = 1; i < size; i++) {
        const char *next = piece[data[i] % (sizeof piece / sizeof *piece)];
        if (kind & BY_CHUNKS || !would_end(&wire, next))
            str_add(&wire, next);
    }
    if (would_end(&wire, "\r\n"))
        str_add(&wire, ".");
    str_add(&wire, "\r\n"); /* the line end before the last dot belongs to the content */
    if (kind & BY_CHUNKS)
        str_add_n(&client.content, str_text(&wire), wire.len);
    else
        unstuff(&wire, &client.content);
    make_dialogue(&client, &wire, kind);
    const struct server_params params = {
        .name = "test",
        .extension = "",
        .size_max = 1024 * 1024,
        .timeout = 1000,
        .lenient = kind & LENIENT,
        .handler = &handler,
        .context = &client,
    };
    struct stream *stream = &client.stream;
    (void)server_run(&stream, &params);
    str_clear(&wire);
    str_clear(&client.said);
    str_clear(&client.content);
    return 0;
}
