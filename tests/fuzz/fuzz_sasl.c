/* A login with each mechanism, to a server that answers each line with the next line of the input:
 * success only where the last reply is a 235, else an error with a text.
 *
 * The first octet chooses the mechanism. A line that begins with a blank is a challenge: "334" is
 * put in front; another is a reply as it stands. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/session.h"
#include "unit/memorystream.h"

struct server {
    struct stream stream;
    const char *data;
    size_t size, at;
    unsigned lines; /* of the client */
    struct str said;
    size_t given;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* Kerberos, below GNU SASL, keeps a little of each context. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libgssapi_krb5\nleak:libkrb5";
}

static const char *const greeting = "220 mx\r\n";
static const char *const ehlo =
    "250-mx\r\n250 AUTH PLAIN LOGIN EXTERNAL OAUTHBEARER XOAUTH2 SCRAM-SHA-256-PLUS "
    "SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 DIGEST-MD5 GSSAPI NTLM\r\n";

static void say_next(struct server *server)
{
    const char *line = server->data + server->at;
    size_t left = server->size - server->at;
    const char *stop = memchr(line, '\n', left);
    size_t len = stop ? (size_t)(stop - line) : left;
    server->at += len + (stop ? 1 : 0);
    if (len > 0 && *line == ' ')
        str_add(&server->said, "334");
    str_add_n(&server->said, line, len);
    str_add(&server->said, "\r\n");
}

static ssize_t server_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct server *server = (struct server *)s;
    size_t n = server->said.len - server->given;
    (void)err;
    if (n == 0)
        return server->at < server->size ? STREAM_AGAIN : 0;
    if (n > len)
        n = len;
    memcpy(buffer, server->said.data + server->given, n);
    server->given += n;
    return (ssize_t)n;
}

static ssize_t server_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    struct server *server = (struct server *)s;
    (void)data, (void)err;
    if (server->lines++ == 0)
        str_add(&server->said, ehlo);
    else
        say_next(server);
    return (ssize_t)len;
}

static int server_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    struct server *server = (struct server *)s;
    (void)deadline, (void)err;
    bool readable = server->given < server->said.len || server->at == server->size;
    return want & (STREAM_WRITE | (readable ? STREAM_READ : 0));
}

static const struct stream_ops server_ops = {server_read, server_write, server_wait,
                                             memorystream_descriptor, memorystream_close};

static void bind_channel(void *context, struct binding *binding)
{
    (void)context;
    binding->kind = BINDING_EXPORTER;
    str_add(&binding->data, "0123456789abcdef0123456789abcdef");
}

static void log_in(struct server *server, const char *mechanism)
{
    struct str password = {0};
    struct error err = {0};
    str_add(&password, "secret");
    const struct sasl_login login = {.mechanism = mechanism,
                                     .user = "u",
                                     .password = &password,
                                     .realm = "",
                                     .host = "h",
                                     .port = 587};
    const struct session_params params = {.hello = "me",
                                          .secure = true,
                                          .login = &login,
                                          .channel_binding = bind_channel,
                                          .timeout = 1000};
    struct session *session = session_new(&server->stream, &params);
    bool ok = session_hello(session, &err) && session_login(session, &err);
    if (ok && !memmem(str_text(&server->said), server->said.len, "235", 3))
        abort();
    if (!ok && (err.code == 0 || !err.text[0]))
        abort();
    session_end(session);
    str_clear(&password);
}

static const char *const methods[] = {"",
                                      "plain",
                                      "login",
                                      "external",
                                      "oauthbearer",
                                      "xoauth2",
                                      "scram-sha-256-plus",
                                      "scram-sha-1-plus",
                                      "scram-sha-256",
                                      "scram-sha-1",
                                      "cram-md5",
                                      "digest-md5",
                                      "gssapi",
                                      "ntlm"};
enum { METHODS = sizeof methods / sizeof *methods };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct server server = {
        .stream = {&server_ops}, .data = (const char *)data + 1, .size = size - 1};
    str_add(&server.said, greeting);
    log_in(&server, methods[data[0] % METHODS]);
    str_clear(&server.said);
    return 0;
}
