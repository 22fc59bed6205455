/* What a client sends to the control socket. Of a spool with an entry of its own and one of
 * somebody else it sees and changes its own alone, no file beside the entries, and hears an answer
 * that is made as control_server.h says. '@' in the input is its own entry's id, '#' the other's.
 */
#include "config.h"

#include <stdint.h>

#include "service/control_server.h"
#include "unit/memorystream.h"
#include "unit/spooldir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not whoever runs this, who would own the spool and see everything. */
enum { OWN = 54321, OTHER = 54322 };

struct client {
    struct stream stream;
    struct str in, out;
    size_t at;
};

struct kept { /* an entry, to be put back */
    char id[ENTRYID_SIZE];
    struct str octets;
};

static struct spooldir *dir;
static struct paths paths = {.sysconfdir = "/nonexistent", .rundir = "/nonexistent"};
static struct kept own, other;

static void remove_all(void)
{
    (void)spooldir_end((void **)&dir);
    str_clear(&own.octets);
    str_clear(&other.octets);
}

static bool get(const char *path, struct str *out)
{
    char block[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, block, sizeof block);
    if (n > 0)
        str_add_n(out, block, (size_t)n);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static void make_entry(uint32_t uid, const char *text, struct kept *kept)
{
    struct entry entry = {
        .account = (char *)"work", .from = (char *)"", .has_uid = true, .uid = uid};
    struct entry_writer writer = {0};
    struct entry_lock lock = {0};
    envelope_set_sender(&entry.envelope, "me@example.com");
    (void)envelope_add(&entry.envelope, "you@example.net");
    if (!entry_writer_begin(&writer, &dir->spool, &entry, &dir->err) ||
        !output_write(&writer.output, text, strlen(text), &dir->err) ||
        !entry_writer_commit(&writer, &lock, &dir->err))
        abort();
    memcpy(kept->id, lock.entry.id, sizeof kept->id);
    entry_lock_release(&lock);
    envelope_clear(&entry.envelope);
    if (!get(spooldir_path(dir, "queue", kept->id), &kept->octets))
        abort();
}

static void begin(void)
{
    void *state = NULL;
    if (spooldir_begin(&state) != 0 || atexit(remove_all) != 0)
        abort();
    dir = state;
    make_entry(OWN, "Subject: mine\r\n\r\nMINE\r\n", &own);
    make_entry(OTHER, "Subject: SECRET\r\n\r\nSECRET\r\n", &other);
    spooldir_put(dir, ".", "canary", "SECRET", 6);
    paths.statedir = dir->path;
}

static ssize_t client_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct client *client = (struct client *)s;
    size_t n = client->in.len - client->at < len ? client->in.len - client->at : len;
    (void)err;
    memcpy(buffer, str_text(&client->in) + client->at, n);
    client->at += n;
    return (ssize_t)n;
}

static ssize_t client_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    (void)err;
    str_add_n(&((struct client *)s)->out, data, len);
    return (ssize_t)len;
}

static const struct stream_ops ops = {
    .read = client_read, .write = client_write, .wait = memorystream_wait};

/* An answer may repeat what was asked. */
static bool has(const struct str *text, const char *word)
{
    return memmem(str_text(text), text->len, word, strlen(word)) != NULL;
}

static void check_answer(const struct str *out, int code)
{
    const char *at = str_text(out), *end = at + out->len;
    char kind[4];
    size_t len;
    int used, said = -1;
    while (sscanf(at, "%3[a-z] %zu%n", kind, &len, &used) == 2) {
        if ((strcmp(kind, "out") != 0 && strcmp(kind, "err") != 0) || at[used] != '\n' ||
            len > (size_t)(end - at - used - 1))
            abort();
        at += (size_t)used + 1 + len; /* text may begin with a blank */
    }
    if (sscanf(at, "status %d\n%n", &said, &used) != 1 || at + used != end || said != code)
        abort();
}

static void check_files(void)
{
    struct str text = {0};
    if (!get(spooldir_path(dir, "queue", other.id), &text) || text.len != other.octets.len ||
        memcmp(text.data, other.octets.data, text.len) != 0 ||
        access(spooldir_path(dir, ".", "canary"), F_OK) != 0)
        abort();
    str_clear(&text);
    (void)unlink(spooldir_path(dir, "hold", own.id));
    (void)unlink(spooldir_path(dir, "failed", own.id));
    if (access(spooldir_path(dir, "queue", own.id), F_OK) != 0)
        spooldir_put(dir, "queue", own.id, own.octets.data, own.octets.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    struct client client = {.stream.ops = &ops};
    struct quota_user user = {.used = true};
    struct site site = {.program = "onehop", .paths = &paths, .caller = {.uid = OWN, .name = "me"}};
    if (!begun)
        begin();
    begun = true;
    configuration_empty(&site.config);
    for (size_t i = 0; i < size; i++) {
        const char octet[] = {(char)data[i], '\0'};
        const char *word = octet[0] == '@' ? own.id : octet[0] == '#' ? other.id : NULL;
        str_add_n(&client.in, word ? word : octet, word ? strlen(word) : 1);
    }
    const struct control_server server = {.site = &site, .user = &user, .flush = -1};
    int code = control_server_run(&server, &client.stream);
    check_answer(&client.out, code);
    if ((has(&client.out, "SECRET") && !has(&client.in, "SECRET")) ||
        (has(&client.out, other.id) && !has(&client.in, other.id)))
        abort();
    check_files();
    configuration_clear(&site.config);
    str_clear(&client.in);
    str_clear(&client.out);
    return 0;
}
