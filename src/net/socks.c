#include "config.h"
#include "net/socks.h"

#include <arpa/inet.h>
#include <sysexits.h>

#include "base/idna.h"
#include "base/str.h"
#include "base/translation.h"

enum { SOCKS5 = 5, NO_LOGIN = 0, CONNECT = 1, IPV4 = 1, NAME = 3, IPV6 = 4, ADDRESS_MAX = 256 };

static bool failed(struct error *err, const char *what)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE, "%s", what);
    return error_prefix(err, "SOCKS proxy");
}

static bool wait_for(struct stream *stream, int want, int64_t deadline, struct error *err)
{
    int ready = stream_wait(stream, want, deadline, err);
    if (ready == 0)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                         "SOCKS proxy: it took too long");
    return ready > 0;
}

static bool write_all(struct stream *stream, const char *data, size_t len, int64_t deadline,
                      struct error *err)
{
    while (len > 0) {
        ssize_t n = stream_write(stream, data, len, err);
        if (n == STREAM_FAILED)
            return false;
        if (n == STREAM_AGAIN && !wait_for(stream, STREAM_WRITE, deadline, err))
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool read_all(struct stream *stream, unsigned char *buffer, size_t len, int64_t deadline,
                     struct error *err)
{
    while (len > 0) {
        ssize_t n = stream_read(stream, buffer, len, err);
        if (n == STREAM_FAILED)
            return false;
        if (n == 0)
            return failed(err, N_("it closed the connection"));
        if (n == STREAM_AGAIN && !wait_for(stream, STREAM_READ, deadline, err))
            return false;
        if (n > 0) {
            buffer += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* RFC 1928, 4: the address by its kind, then the port. */
static bool add_destination(struct str *out, const char *host, int port, struct error *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    struct str name = {0};
    bool ok = true;
    if (inet_pton(AF_INET, host, address) == 1) {
        str_add_char(out, IPV4);
        str_add_n(out, address, sizeof(struct in_addr));
    } else if (inet_pton(AF_INET6, host, address) == 1) {
        str_add_char(out, IPV6);
        str_add_n(out, address, sizeof(struct in6_addr));
    } else if (idna_to_alabels(&name, host) && name.len > 0 && name.len <= SOCKS_NAME_MAX) {
        str_add_char(out, NAME);
        str_add_char(out, (char)name.len);
        str_add_n(out, name.data, name.len);
    } else {
        ok = error_config(err, "host %s: a SOCKS proxy takes names of up to %d octets", host,
                          SOCKS_NAME_MAX);
    }
    str_add_char(out, (char)(port >> 8));
    str_add_char(out, (char)(port & 0xff));
    str_clear(&name);
    return ok;
}

static bool refused(unsigned char reply, struct error *err)
{
    static const char *const reasons[] = {
        "",
        N_("it failed"),
        N_("its rules forbid the connection"),
        N_("the network cannot be reached"),
        N_("the host cannot be reached"),
        N_("the connection was refused"),
        N_("the connection took too long"),
        N_("it does not know the command"),
        N_("it does not know this kind of address"),
    };
    bool known = reply < sizeof reasons / sizeof *reasons;
    return failed(err, known ? reasons[reply] : N_("it answered with an unknown error"));
}

/* The address that the proxy connected from is of no use to us, but has to be read away. */
static bool take_answer(struct stream *stream, int64_t deadline, struct error *err)
{
    unsigned char head[4], rest[ADDRESS_MAX + 2], len = 0;
    if (!read_all(stream, head, sizeof head, deadline, err))
        return false;
    if (head[0] != SOCKS5)
        return failed(err, N_("its answer is no SOCKS 5"));
    if (head[1] != 0)
        return refused(head[1], err);
    if (head[3] == IPV4)
        len = sizeof(struct in_addr);
    else if (head[3] == IPV6)
        len = sizeof(struct in6_addr);
    else if (head[3] != NAME)
        return failed(err, N_("its answer has an unknown kind of address"));
    else if (!read_all(stream, &len, 1, deadline, err))
        return false;
    return read_all(stream, rest, (size_t)len + 2, deadline, err);
}

bool socks_connect(struct stream *stream, const char *host, int port, int64_t deadline,
                   struct error *err)
{
    static const char greeting[] = {SOCKS5, 1, NO_LOGIN}, request[] = {SOCKS5, CONNECT, 0};
    unsigned char method[2];
    struct str line = {0};
    str_add_n(&line, request, sizeof request);
    bool ok = add_destination(&line, host, port, err) &&
              write_all(stream, greeting, sizeof greeting, deadline, err) &&
              read_all(stream, method, sizeof method, deadline, err);
    if (ok && method[0] != SOCKS5)
        ok = failed(err, N_("its answer is no SOCKS 5"));
    else if (ok && method[1] != NO_LOGIN)
        ok = failed(err, N_("it wants a login, which onehop has none for"));
    ok = ok && write_all(stream, line.data, line.len, deadline, err) &&
         take_answer(stream, deadline, err);
    str_clear(&line);
    return ok;
}
