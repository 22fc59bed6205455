/* A bounce whose every foreign word (replies, addresses, ORCPT, envelope id, the original's header)
 * is the input: three parts of MIME, CRLF line ends only, no line above 998 octets, and no boundary
 * but ours. Words are separated by NUL. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "queue/bounce.h"
#include "unit/memoryoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_MAX = 998 };

/* The next word of the input, yours; "" when there are no more. */
static char *word(const uint8_t **at, size_t *left)
{
    const uint8_t *stop = memchr(*at, '\0', *left);
    size_t len = stop ? (size_t)(stop - *at) : *left;
    struct str text = {0};
    str_add_n(&text, *at, len);
    *at += len + (stop != NULL);
    *left -= len + (stop != NULL);
    return str_take(&text);
}

static void check(const struct str *text, const char *boundary)
{
    size_t parts = 0;
    for (size_t at = 0; at < text->len;) {
        const char *line = text->data + at;
        const char *stop = memchr(line, '\n', text->len - at);
        if (!stop || stop == line || stop[-1] != '\r')
            abort();
        size_t len = (size_t)(stop - line) - 1;
        if (len > LINE_MAX || memchr(line, '\r', len) || memchr(line, '\0', len))
            abort();
        if (len >= strlen(boundary) + 2 && strncmp(line, "--", 2) == 0 &&
            strncmp(line + 2, boundary, strlen(boundary)) == 0)
            parts++;
        at += len + 2;
    }
    if (parts != 4)
        abort();
}

static void write_bounce(struct bounce *bounce)
{
    struct memoryoutput out = {.output = {memoryoutput_write}};
    struct error err;
    bool has_8bit, has_8bit_header;
    if (!bounce_write(bounce, &out.output, &has_8bit, &has_8bit_header, &err))
        abort();
    const char *mark =
        out.text.data ? memmem(out.text.data, out.text.len, "boundary=\"", 10) : NULL;
    if (!mark)
        abort();
    struct str boundary = {0};
    mark += strlen("boundary=\"");
    str_add_n(&boundary, mark, strcspn(mark, "\""));
    check(&out.text, str_text(&boundary));
    str_clear(&boundary);
    str_clear(&out.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry original = {.id = "1tVd0xAbcDef120"};
    struct journal journal = {0};
    struct content content = {0};
    char *reply = word(&data, &size), *text = word(&data, &size), *address = word(&data, &size);
    original.envelope.envid = word(&data, &size);
    original.from = word(&data, &size);
    original.account = memory_copy("work");
    envelope_set_sender(&original.envelope, "me@example.org");
    (void)envelope_add(&original.envelope, *address ? address : "you@example.org");
    struct error why = {0};
    (void)error_set(&why, ERROR_RECIPIENT, ERROR_PERMANENT, 67, "%s", text);
    (void)snprintf(why.reply, sizeof why.reply, "%s", reply);
    journal_begin(&journal, original.id, original.envelope.n);
    journal_settle(&journal, 0, JOURNAL_FAILED, &why);
    str_add(&content.memory, "Subject: ");
    for (size_t i = 0; i < size; i++) /* what the body reader would have let through */
        str_add_char(&content.memory,
                     data[i] == '\n' || data[i] == '\r' || !data[i] ? ' ' : (char)data[i]);
    str_truncate(&content.memory, content.memory.len > LINE_MAX ? LINE_MAX : content.memory.len);
    str_add(&content.memory, "\r\n\r\nbody\r\n");
    content.size = content.memory.len;
    struct bounce bounce = {.original = &original,
                            .journal = &journal,
                            .content = &content,
                            .id = "1tVd0xAbcDef121",
                            .from = "reports@example.com",
                            .to = "me@example.org",
                            .host = "web1.example.org",
                            .provider = "smtp.example.com",
                            .date = "Mon, 23 Nov 2026 07:53:00 +0000",
                            .arrival = "Mon, 23 Nov 2026 07:00:00 +0000"};
    write_bounce(&bounce);
    journal_clear(&journal);
    entry_clear(&original);
    content_clear(&content);
    free(reply);
    free(text);
    free(address);
    return 0;
}
