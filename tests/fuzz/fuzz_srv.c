/* DNS answers: what is chosen is a host name, and is in the answer; so is every TLSA record. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "net/srv.h"
#include "net/tlsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tlsa(const uint8_t *data, size_t size)
{
    struct tlsa tlsa = {.n = 0};
    struct error err;
    str_add_n(&tlsa.answer, (const char *)data, size);
    if (tlsa_read(&tlsa, "_25._tcp.x.org", &err)) {
        const unsigned char *begin = (const unsigned char *)tlsa.answer.data;
        if (tlsa.n == 0 || tlsa.n > TLSA_RECORDS_MAX || (data[3] & 0x20) == 0)
            abort();
        for (size_t i = 0; i < tlsa.n; i++)
            if (tlsa.record[i].data < begin || tlsa.record[i].len == 0 ||
                tlsa.record[i].data + tlsa.record[i].len > begin + size)
                abort();
    }
    tlsa_clear(&tlsa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srv_record record;
    check_tlsa(data, size);
    if (!srv_choose(data, size, &record))
        return 0;
    if (strlen(record.host) >= SRV_NAME_MAX || escape_has_control(record.host) ||
        !escape_is_ascii(record.host) || record.port > 65535 || size < 12)
        abort();
    return 0;
}
