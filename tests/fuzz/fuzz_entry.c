/* Entries as a broken disk gives them back: as they are, and with a first line of each version, so
 * that the lines behind it are reached. What is read as good says the same after being written
 * again. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "queue/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct entry *entry)
{
    struct str first = {0}, second = {0};
    struct entry back = {0};
    struct error err;
    if (!entry_encode_head(&first, entry, &err) ||
        entry_decode_head(&back, first.data, first.len, &err) != ENTRY_GOOD ||
        !entry_encode_head(&second, &back, &err) || first.len != second.len ||
        memcmp(first.data, second.data, first.len) != 0 || back.envelope.n != entry->envelope.n)
        abort();
    entry_clear(&back);
    str_clear(&first);
    str_clear(&second);
}

static void read_head(const char *data, size_t size)
{
    struct entry entry = {0};
    struct error err;
    if (entry_decode_head(&entry, data, size, &err) == ENTRY_GOOD)
        check_again(&entry);
    size_t len = size < ENTRY_END_MARK ? size : ENTRY_END_MARK;
    (void)entry_decode_end(&entry, &(struct entry_end){size, data + size - len, len, 0}, &err);
    entry_clear(&entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str head = {0};
    if (size == 0)
        return 0;
    read_head((const char *)data, size);
    for (int version = 1; version <= ENTRY_VERSION; version++) {
        str_truncate(&head, 0);
        str_addf(&head, "onehop-entry %d %08zx\n", version,
                 ENTRY_FIRST_LINE + size + strlen("content\n"));
        str_add_n(&head, data, size);
        str_add(&head, "content\n");
        read_head(head.data, head.len);
    }
    str_clear(&head);
    return 0;
}
