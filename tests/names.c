/* The SRV records of the test program: none, or those of ONEHOP_TEST_SRV="NAME=HOST:PORT". A test
 * asks no name server. The linker puts this in the place of the library's. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
