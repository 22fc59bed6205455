/* The file of an account's state as anything may have left it, and with its checksum made right:
 * what is understood is the same after being written and read again, and no time in it keeps mail
 * waiting longer than the longest pause.
 */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/account_state.h"
#include "queue/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1764000000 };

static void read_state(const char *data, size_t size)
{
    struct account_state state = {0}, back = {0};
    struct str first = {0}, second = {0};
    account_state_decode(&state, data, size);
    if (!breaker_allows(&state.breaker, NOW, state.breaker.depends) && state.breaker.until > NOW + BREAKER_LONGEST)
        abort();
    account_state_encode(&state, &first);
    account_state_decode(&back, str_text(&first), first.len);
    account_state_encode(&back, &second);
    if (first.len != second.len || memcmp(str_text(&first), str_text(&second), first.len) != 0)
        abort();
    str_clear(&first);
    str_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str sealed = {0};
    read_state((const char *)data, size);
    str_add_n(&sealed, data, size);
    str_addf(&sealed, " sum %016" PRIx64 "\n", checksum_of(data, size, 0));
    read_state(str_text(&sealed), sealed.len);
    str_clear(&sealed);
    return 0;
}
