/* Whatever a server says, and in whatever pieces it comes, it is a reply or it is not; and the
 * pieces make no difference. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool feed(struct reply *reply, const char *data, size_t size, size_t piece, size_t *at)
{
    struct error err;
    bool ok = true;
    for (*at = 0; ok && *at < size && !reply->complete;) {
        size_t used, n = piece < size - *at ? piece : size - *at;
        ok = reply_add(reply, data + *at, n, &used, &err);
        if (used > n)
            abort();
        *at += used;
    }
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply whole = {0}, pieces = {0};
    struct str printed = {0};
    size_t end, also;
    bool ok = feed(&whole, (const char *)data, size, size, &end);
    if (ok != feed(&pieces, (const char *)data, size, 1, &also) || whole.code != pieces.code ||
        whole.complete != pieces.complete || strcmp(whole.status, pieces.status) != 0 ||
        strcmp(str_text(&whole.text), str_text(&pieces.text)) != 0 || (ok && end != also))
        abort();
    if (whole.text.len > REPLY_TEXT_MAX ||
        (whole.complete && (whole.code < 200 || whole.code > 599)))
        abort();
    if (whole.complete)
        reply_print(&whole, &printed);
    reply_clear(&whole);
    reply_clear(&pieces);
    str_clear(&printed);
    return 0;
}
