#include "suite.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "delivery/client_name.h"

enum end { NOTHING, IPV4, IPV6, LOCAL, CLOSED };

static const struct row {
    const char *name, *domain, *host;
    enum end end;
    const char *said;
} rows[] = {
    {"the account's name", "mail.example.org", "web1.example.org", IPV4, "mail.example.org"},
    {"else the host's", "", "web1.example.org", IPV4, "web1.example.org"},
    {"localhost is no name", "localhost", "web1.example.org", IPV4, "web1.example.org"},
    {"nor of the host", "", "LOCALHOST.localdomain", IPV4, "[127.0.0.1]"},
    {"no name at all", "", "", IPV4, "[127.0.0.1]"},
    {"over IPv6", "", "", IPV6, "[IPv6:::1]"},
    {"over a local socket", "", "", LOCAL, "[127.0.0.1]"},
    {"over none", "", "", NOTHING, "[127.0.0.1]"},
    {"over one that was closed", "", "", CLOSED, "[127.0.0.1]"},
};

/* A socket with an address; -1: this machine has none of the kind. */
static int open_end(enum end end)
{
    struct sockaddr_in here4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 here6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = end == NOTHING ? -1
                            : socket(end == IPV4   ? AF_INET
                                     : end == IPV6 ? AF_INET6
                                                   : AF_UNIX,
                                     SOCK_STREAM | SOCK_CLOEXEC, 0);
    if ((end == IPV4 && bind(fd, (struct sockaddr *)&here4, sizeof here4) != 0) ||
        (end == IPV6 && bind(fd, (struct sockaddr *)&here6, sizeof here6) != 0)) {
        (void)close(fd);
        return -1;
    }
    if (end == CLOSED)
        (void)close(fd);
    return fd;
}

static void a_client_says_a_name_or_an_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account *account = account_new("work", SCOPE_USER);
        struct error err;
        struct str said = {0};
        int fd = open_end(rows[i].end);
        assert_true(account_set(account, "domain", rows[i].domain, "", &err));
        client_name_add(&said, account, rows[i].host, fd);
        if (rows[i].end == IPV6 && fd < 0)
            print_message("# no IPv6 here: %s\n", rows[i].name);
        else
            assert_string_equal(str_text(&said), rows[i].said);
        if (fd >= 0 && rows[i].end != CLOSED)
            (void)close(fd);
        str_clear(&said);
        account_free(account);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_client_says_a_name_or_an_address)};
    return cmocka_run_group_tests_name("client_name", tests, NULL, NULL);
}
