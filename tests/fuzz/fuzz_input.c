/* The standard input of any caller, read, routed, completed and written as the program does it; the
 * first octet says how it is called. What leaves has only lines that SMTP can carry and one header
 * without Bcc; its envelope is what an entry of the queue gives back. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/str.h"
#include "message/content.h"
#include "message/source.h"
#include "config/account.h"
#include "queue/entry.h"
#include "delivery/submission.h"
#include "unit/memoryoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How programs call: cron, PHP, mailx, mutt, git, a script, a forwarder. */
static const struct call {
    const char *from, *full_name, *recipient;
    bool read_recipients, read_envelope_from;
} calls[] = {
    {NULL, "CronDaemon", "root", false, false},
    {NULL, "", NULL, true, false},
    {"www-data@web1", "", "you@example.net", true, false},
    {"me@example.com", "Me Too", "you@example.net, \"A, B\" <b@example.net>", false, false},
    {NULL, "", "you@example.net", true, true},
    {"", "", "someone", false, false},
    {"me@other.example", "M\xc3\xbcller", "y\xc3\xb6u@b\xc3\xbc.example", true, false},
};

static void check_lines(const struct str *text)
{
    size_t line = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        bool ends = c == '\r' && i + 1 < text->len && text->data[i + 1] == '\n';
        if (!ends && (c == '\0' || c == '\r' || c == '\n' || ++line > CONTENT_LINE_MAX))
            abort();
        line = ends ? 0 : line;
        i += ends;
    }
    if (text->len < 2 || text->data[text->len - 1] != '\n')
        abort();
}

static size_t count(const char *header, const char *name)
{
    size_t n = 0, len = strlen(name);
    for (const char *at = header; at; at = strstr(at, "\r\n")) {
        at += at == header ? 0 : 2;
        n += strncasecmp(at, name, len) == 0 && at[len] == ':';
    }
    return n;
}

static void check_header(struct str *text)
{
    static const char *const needed[] = {"From", "Date", "Message-ID"};
    char *end = strstr(text->data, "\r\n\r\n");
    if (!end)
        abort();
    end[2] = '\0';
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (count(text->data, needed[i]) == 0)
            abort();
    if (count(text->data, "Bcc") + count(text->data, "Resent-Bcc") > 0)
        abort();
}

static void check_envelope(const struct submission *s)
{
    struct entry entry = {
        .account = s->account->name, .envelope = s->envelope, .from = s->original_from};
    struct entry back = {0};
    struct str head = {0};
    struct error err;
    if (s->envelope.n == 0 || escape_has_control(s->envelope.sender) ||
        !entry_encode_head(&head, &entry, &err) ||
        entry_decode_head(&back, head.data, head.len, &err) != ENTRY_GOOD ||
        back.envelope.n != s->envelope.n || strcmp(back.envelope.sender, s->envelope.sender) != 0)
        abort();
    for (size_t i = 0; i < s->envelope.n; i++)
        if (!*s->envelope.rcpt[i].address || escape_has_control(s->envelope.rcpt[i].address) ||
            strcmp(back.envelope.rcpt[i].address, s->envelope.rcpt[i].address) != 0)
            abort();
    entry_clear(&back);
    str_clear(&head);
}

static void submit(struct submission *s)
{
    struct memoryoutput out = {.output = {memoryoutput_write}};
    struct error err = {0};
    bool has_8bit, has_8bit_header;
    if (!submission_read(s, &err) || !submission_route(s, &err) ||
        !submission_finish(s, 1764000000, &err)) {
        if (!*err.text || escape_has_control(err.text))
            abort();
        return;
    }
    check_envelope(s);
    if (!submission_write(s, &out.output, &has_8bit, &has_8bit_header, &err))
        abort();
    check_lines(&out.text);
    if (has_8bit != !escape_is_ascii(str_text(&out.text)))
        abort();
    check_header(&out.text);
    str_clear(&out.text);
}

static struct account *make_account(const char *name, const char *from, const char *domains)
{
    const char *const keys[][2] = {
        {"from", from}, {"domains", domains}, {"host", "mx"}, {"aliases", "/nonexistent"}};
    struct account *account = account_new(name, SCOPE_SYSTEM);
    struct error err;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!account_set(account, keys[i][0], keys[i][1], "", &err))
            abort();
    return account;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct account *own[2];
    static const struct account *accounts[2];
    static struct paths paths = {.sysconfdir = "/nonexistent"};
    static struct site site = {.paths = &paths, .program = "sendmail"};
    if (!own[0]) {
        accounts[0] = own[0] = make_account("default", "me@example.com", "example.com");
        accounts[1] = own[1] = make_account("other", "me@other.example", "other.example");
        site.config = (struct configuration){.account = accounts, .n = 2};
        site.host = (struct this_host){.name = (char *)"web1",
                                       .full_name = (char *)"web1.example.org",
                                       .mail_name = (char *)"web1.example.org"};
        strlist_add(&site.host.names, "localhost");
        strlist_add(&site.host.names, "web1.example.org");
        strlist_add(&site.host.sender_names, "localhost");
        strlist_add(&site.host.sender_names, "web1.example.org");
        site.caller = (struct caller){.name = "root",
                                      .full_name = "root",
                                      .home = "",
                                      .user = "root",
                                      .host = "",
                                      .credentials = ""};
    }
    if (size == 0)
        return 0;
    const struct call *call = &calls[data[0] % (sizeof calls / sizeof *calls)];
    struct submission_wishes wishes = {.account = "",
                                       .from = call->from,
                                       .full_name = call->full_name,
                                       .read_recipients = call->read_recipients,
                                       .read_envelope_from = call->read_envelope_from};
    if (call->recipient)
        strlist_add(&wishes.recipients, call->recipient);
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1 || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    struct source source = {.fd = fd};
    struct submission s = {.wishes = &wishes, .site = &site, .source = &source};
    submit(&s);
    submission_clear(&s);
    source_clear(&source);
    strlist_clear(&wishes.recipients);
    (void)close(fd);
    return 0;
}
