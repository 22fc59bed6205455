#include "config.h"
#include "delivery/client_name.h"

#include <arpa/inet.h>
#include <strings.h>
#include <sys/socket.h>

/* RFC 5321, 4.1.3: a client without a meaningful name says its address. */
static void add_address_literal(struct str *out, int fd)
{
    struct sockaddr_storage here;
    socklen_t len = sizeof here;
    char text[INET6_ADDRSTRLEN] = "";
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&here, &len) != 0) {
        str_add(out, "[127.0.0.1]"); /* over a local socket */
        return;
    }
    if (here.ss_family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&here;
        if (inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text))
            str_addf(out, "[IPv6:%s]", text);
    } else if (here.ss_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&here;
        if (inet_ntop(AF_INET, &in->sin_addr, text, sizeof text))
            str_addf(out, "[%s]", text);
    }
    if (out->len == 0)
        str_add(out, "[127.0.0.1]");
}

/* What every machine calls itself is no name (RFC 5321, 4.1.1.1), and is refused by some. */
static bool is_a_name(const char *domain)
{
    return *domain && strcasecmp(domain, "localhost") != 0 &&
           strcasecmp(domain, "localhost.localdomain") != 0;
}

void client_name_add(struct str *out, const struct account *account, const char *host_name, int fd)
{
    if (is_a_name(account->domain))
        str_add(out, account->domain);
    else if (is_a_name(host_name))
        str_add(out, host_name);
    else
        add_address_literal(out, fd);
}
