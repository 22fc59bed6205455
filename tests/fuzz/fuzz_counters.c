/* The counters in a slot's file as anything may have left them, and with their checksum made right:
 * what is understood is the same after being written and read again, and what is not, is zero.
 */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/checksum.h"
#include "queue/counters.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_counters(const char *data, size_t size)
{
    static const struct counters none;
    struct counters counters, back;
    struct str text = {0};
    if (!counters_decode(&counters, data, size) && memcmp(&counters, &none, sizeof none) != 0)
        abort();
    counters_encode(&counters, &text);
    if (!counters_decode(&back, text.data, text.len) || memcmp(&counters, &back, sizeof back) != 0)
        abort();
    counters_add(&counters, &back);
    str_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str sealed = {0};
    read_counters((const char *)data, size);
    str_add_n(&sealed, data, size);
    str_addf(&sealed, " sum %016" PRIx64 "\n", checksum_of(data, size, 0));
    read_counters(sealed.data, sealed.len);
    str_clear(&sealed);
    return 0;
}
