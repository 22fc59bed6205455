/* A proxy that says anything: connected only after a whole reply that grants it, and not one octet
 * more is read than the proxy's replies have. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/socks.h"
#include "unit/memorystream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ADDRESS_IPV4 = 1, ADDRESS_NAME = 3, ADDRESS_IPV6 = 4 };

struct proxy {
    struct stream stream;
    const uint8_t *data;
    size_t size, at;
};

static ssize_t proxy_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct proxy *proxy = (struct proxy *)s;
    (void)err;
    size_t n = proxy->size - proxy->at;
    n = n < len ? n : len;
    memcpy(buffer, proxy->data + proxy->at, n);
    proxy->at += n;
    return (ssize_t)n;
}

static ssize_t proxy_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    (void)s, (void)data, (void)err;
    return (ssize_t)len;
}

static const struct stream_ops proxy_ops = {proxy_read, proxy_write, memorystream_wait,
                                            memorystream_descriptor, memorystream_close};

/* The length of both replies if they grant the connection, else 0 (RFC 1928, 3 and 6). */
static size_t granted(const uint8_t *data, size_t size)
{
    if (size < 7 || data[0] != 5 || data[1] != 0 || data[2] != 5 || data[3] != 0)
        return 0;
    size_t address = data[5] == ADDRESS_IPV4   ? 4
                     : data[5] == ADDRESS_IPV6 ? 16
                     : data[5] == ADDRESS_NAME ? 1 + (size_t)data[6]
                                               : 0;
    size_t whole = 2 + 4 + address + 2;
    return address > 0 && size >= whole ? whole : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy proxy = {.stream = {&proxy_ops}, .data = data, .size = size};
    struct error err = {0};
    size_t whole = granted(data, size);
    if (socks_connect(&proxy.stream, "smtp.example.com", 587, 0, &err)) {
        if (whole == 0 || proxy.at != whole)
            abort();
    } else if (err.code == 0 || !err.text[0]) {
        abort();
    }
    return 0;
}
