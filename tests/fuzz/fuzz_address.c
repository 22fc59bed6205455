/* Addresses from anybody's header: whatever comes, what is made of it fits an SMTP command. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "message/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct address *address)
{
    struct str text = {0}, ascii = {0};
    if (escape_has_control(address->mailbox) || escape_has_control(address->display))
        abort();
    if (strlen(address_domain(address->mailbox)) + address_local_length(address->mailbox) >
        strlen(address->mailbox))
        abort();
    if (!address_equal(address->mailbox, address->mailbox, false))
        abort();
    address_format(&text, address->display, address->mailbox);
    for (const char *p = strchr(str_text(&text), '\n'); p; p = strchr(p + 1, '\n'))
        if (p[1] != ' ')
            abort();
    (void)address_to_alabel(&ascii, address->mailbox);
    str_clear(&text);
    str_clear(&ascii);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address_list list = {0};
    address_list_parse(&list, (const char *)data, size);
    for (size_t i = 0; i < list.n; i++)
        check(&list.item[i]);
    address_list_clear(&list);
    return 0;
}
