/* A header from anybody, read, completed, written: lines for SMTP, one blank line at the end, and
 * no Bcc. What was written must read back as the same fields. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "message/complete.h"
#include "message/content.h"
#include "message/header.h"
#include "unit/memoryoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_header(struct header *header, const void *data, size_t size)
{
    struct error err;
    int fd = memfd_create("header", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    struct source src = {.fd = fd};
    if (!header_read(header, &src, &err))
        abort();
    source_clear(&src);
    (void)close(fd);
}

static void check(const struct str *text)
{
    size_t line = 0;
    bool blank = true;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (c == '\r' && i + 1 < text->len && text->data[i + 1] == '\n') {
            if (blank && i + 2 != text->len)
                abort(); /* the header would end here */
            blank = true;
            line = 0;
            i++;
            continue;
        }
        if (c == '\0' || c == '\r' || c == '\n' || ++line > CONTENT_LINE_MAX)
            abort();
        blank = blank && (c == ' ' || c == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header header = {0}, again = {0};
    struct memoryoutput out = {.output = {memoryoutput_write}};
    struct envelope envelope = {0};
    struct address_list list = {0};
    struct error err;
    bool has_8bit;
    const struct completion want = {
        .sender = "me@example.com",
        .from_address = "me@example.com",
        .full_name = "",
        .rewrite_to = "me@example.com",
        .host = "web1",
        .qualify_domain = "example.com",
        .message_id_domain = "example.com",
        .from = COMPLETE_AUTO,
        .date = COMPLETE_AUTO,
        .message_id = COMPLETE_AUTO,
        .subject = COMPLETE_AUTO,
        .envelope = &envelope,
    };
    read_header(&header, data, size);
    header_recipients(&header, &list);
    for (size_t i = 0; i < list.n; i++)
        (void)envelope_add(&envelope, list.item[i].mailbox);
    complete_header(&header, &want, "first");
    if (!header_write(&header, &out.output, &has_8bit, &err))
        abort();
    check(&out.text);
    read_header(&again, out.text.data, out.text.len);
    if (again.n != header.n || again.absent)
        abort();
    for (size_t i = 0; i < header.n; i++)
        if (strcasecmp(header.field[i].name, again.field[i].name) != 0 ||
            strcasecmp(again.field[i].name, "Bcc") == 0)
            abort();
    header_clear(&header);
    header_clear(&again);
    address_list_clear(&list);
    envelope_clear(&envelope);
    str_clear(&out.text);
    return 0;
}
