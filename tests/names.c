/* What DNS says to the test program: no SRV record, or that of ONEHOP_TEST_SRV="NAME=HOST:PORT"; no
 * other record, or the answer of ONEHOP_TEST_DNS="NAME=HEX". A test asks no name server, but one of
 * its own (ONEHOP_TEST_DNS="ask"). The linker puts this in the place of the library's. */
#include "config.h"

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

bool __real_dnsanswer_ask(struct str *out, const char *name, unsigned type);
bool __wrap_dnsanswer_ask(struct str *out, const char *name, unsigned type);

bool __wrap_dnsanswer_ask(struct str *out, const char *name, unsigned type)
{
    const char *text = getenv("ONEHOP_TEST_DNS");
    size_t len = strlen(name);
    unsigned octet;
    if (text && strcmp(text, "ask") == 0)
        return __real_dnsanswer_ask(out, name, type);
    if (!text || strncmp(text, name, len) != 0 || text[len] != '=')
        return false;
    for (text += len + 1; sscanf(text, "%2x", &octet) == 1; text += 2)
        str_add_char(out, (char)octet);
    return true;
}
