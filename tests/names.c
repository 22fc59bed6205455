/* What the world says to the test program; the linker puts this in the place of the libraries'.
 *
 * DNS: no SRV record, or that of ONEHOP_TEST_SRV="NAME=HOST:PORT"; no other record, or the answer
 * of ONEHOP_TEST_DNS="NAME=HEX"; no address of a name in .invalid (RFC 6761, 6.4). A test asks no
 * name server, but one of its own (ONEHOP_TEST_DNS="ask").
 *
 * The passwd database: everybody's home is ONEHOP_TEST_ROOT/home, so that no test reads the
 * configuration of the user who runs it. */
#include "config.h"

#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/dnsanswer.h"
#include "net/srv.h"

bool __wrap_srv_find(const char *name, struct srv_record *record);

bool __wrap_srv_find(const char *name, struct srv_record *record)
{
    const char *text = getenv("ONEHOP_TEST_SRV");
    size_t len = strlen(name);
    *record = (struct srv_record){.port = 0};
    return text && strncmp(text, name, len) == 0 && text[len] == '=' &&
           sscanf(text + len + 1, "%255[^:]:%u", record->host, &record->port) == 2;
}

enum dnsanswer_result __real_dnsanswer_ask(struct str *out, const char *name, unsigned type,
                                           int64_t deadline);
enum dnsanswer_result __wrap_dnsanswer_ask(struct str *out, const char *name, unsigned type,
                                           int64_t deadline);

enum dnsanswer_result __wrap_dnsanswer_ask(struct str *out, const char *name, unsigned type,
                                           int64_t deadline)
{
    const char *text = getenv("ONEHOP_TEST_DNS");
    size_t len = strlen(name);
    unsigned octet;
    if (text && strcmp(text, "ask") == 0)
        return __real_dnsanswer_ask(out, name, type, deadline);
    if (!text || strncmp(text, name, len) != 0 || text[len] != '=')
        return DNSANSWER_NONE;
    for (text += len + 1; sscanf(text, "%2x", &octet) == 1; text += 2)
        str_add_char(out, (char)octet);
    return DNSANSWER_FOUND;
}

int __real_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                       struct addrinfo **answer);
int __wrap_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                       struct addrinfo **answer);

int __wrap_getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                       struct addrinfo **answer)
{
    const char *top = strrchr(name, '.');
    if (top && strcmp(top, ".invalid") == 0)
        return EAI_NONAME;
    return __real_getaddrinfo(name, port, hints, answer);
}

struct passwd *__real_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid);

struct passwd *__wrap_getpwuid(uid_t uid)
{
    static char home[4096];
    struct passwd *entry = __real_getpwuid(uid);
    (void)snprintf(home, sizeof home, "%s/home", getenv("ONEHOP_TEST_ROOT"));
    if (entry)
        entry->pw_dir = home;
    return entry;
}
