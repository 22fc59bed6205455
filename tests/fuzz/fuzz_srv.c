/* DNS answers: what is chosen is a host name, and stands in the answer. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "net/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srv_record record;
    if (!srv_choose(data, size, &record))
        return 0;
    if (strlen(record.host) >= SRV_NAME_MAX || escape_has_control(record.host) ||
        !escape_is_ascii(record.host) || record.port > 65535 || size < 12)
        abort();
    return 0;
}
