#include "config.h"
#include "queue/entry_lock.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "queue/checksum.h"
#include "queue/spoolfile.h"

enum { BLOCK = 64 * 1024 };

/* A file on its way to be an entry: its first octets are enough for most. */
struct reading {
    int fd;
    uint64_t size;
    char *block; /* the first GOT octets of the file, with room for ROOM and a NUL */
    size_t room, got;
};

static enum claim_result result_of(enum entry_state state)
{
    return state == ENTRY_GOOD ? CLAIM_TAKEN : state == ENTRY_NEWER ? CLAIM_LEFT : CLAIM_DAMAGED;
}

static enum claim_result read_head(struct reading *reading, struct entry *entry, struct error *err)
{
    size_t length;
    reading->room = reading->size < BLOCK ? (size_t)reading->size : BLOCK;
    reading->block = memory_new(reading->room + 1);
    if (!spoolfile_read(reading->fd, 0, reading->block, reading->room, &reading->got, err))
        return CLAIM_TROUBLE;
    enum entry_state state = entry_head_length(reading->block, reading->got, &length, err);
    if (state != ENTRY_GOOD)
        return result_of(state);
    if (length <= reading->got)
        return result_of(entry_decode_head(entry, reading->block, length, err));
    size_t got;
    char *head = memory_new(length);
    enum claim_result result = CLAIM_TROUBLE;
    if (spoolfile_read(reading->fd, 0, head, length, &got, err))
        result = result_of(entry_decode_head(entry, head, got, err));
    free(head);
    return result;
}

static enum claim_result read_end(struct reading *reading, struct entry *entry, uint64_t *sum,
                                  struct error *err)
{
    char mark[ENTRY_END_MARK];
    size_t got = 0;
    uint64_t at = reading->size < ENTRY_END_MARK ? 0 : reading->size - ENTRY_END_MARK;
    if (reading->size <= reading->got && reading->size >= ENTRY_END_MARK) {
        memcpy(mark, reading->block + at, ENTRY_END_MARK);
        got = ENTRY_END_MARK;
    } else if (!spoolfile_read(reading->fd, at, mark, sizeof mark, &got, err)) {
        return CLAIM_TROUBLE;
    }
    return result_of(entry_decode_end(entry, reading->size, mark, got, sum, err));
}

static enum claim_result check_sum(struct reading *reading, const struct entry *entry,
                                   uint64_t wanted, struct error *err)
{
    struct checksum sum;
    uint64_t end = entry->offset + entry->size;
    size_t got = reading->got;
    checksum_begin(&sum, 0);
    for (uint64_t at = 0; at < end; at += got) {
        if (at > 0 && !spoolfile_read(reading->fd, at, reading->block, reading->room, &got, err))
            return CLAIM_TROUBLE;
        if (got == 0)
            break;
        checksum_add(&sum, reading->block, end - at < got ? (size_t)(end - at) : got);
    }
    if (checksum_end(&sum) == wanted)
        return CLAIM_TAKEN;
    error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
              "damaged entry: its checksum is wrong");
    return CLAIM_DAMAGED;
}

/* The content of a small entry, which has just been read and found good, need not be read again. */
static void keep_content(struct reading *reading, const struct entry *entry, struct str *memory)
{
    if (reading->size > reading->got)
        return;
    memmove(reading->block, reading->block + entry->offset, (size_t)entry->size);
    reading->block[entry->size] = '\0';
    *memory =
        (struct str){.data = reading->block, .len = (size_t)entry->size, .size = reading->room + 1};
    reading->block = NULL;
}

/* With MEMORY, reads and checks the whole of it, and keeps the content there if that is small. */
static enum claim_result read_entry(int fd, uint64_t size, struct str *memory, struct entry *entry,
                                    struct error *err)
{
    struct reading reading = {.fd = fd, .size = size};
    uint64_t sum;
    enum claim_result result = read_head(&reading, entry, err);
    if (result == CLAIM_TAKEN)
        result = read_end(&reading, entry, &sum, err);
    if (result == CLAIM_TAKEN && memory)
        result = check_sum(&reading, entry, sum, err);
    if (result == CLAIM_TAKEN && memory)
        keep_content(&reading, entry, memory);
    free(reading.block);
    return result;
}

static bool read_journal(const struct spool *spool, const struct entry *entry,
                         struct journal *journal, uint64_t *size, struct error *err)
{
    struct str text = {0};
    journal_begin(journal, entry->id, entry->envelope.n);
    bool ok = spoolfile_load(spool, SPOOL_JOURNAL, entry->id, JOURNAL_MAX, &text, err);
    if (ok)
        journal_decode(journal, str_text(&text), text.len);
    *size = text.len;
    str_clear(&text);
    return ok;
}

static enum claim_result find(const struct spool *spool, enum spool_place place, const char *id,
                              bool lock, struct spoolfile *file, struct error *err)
{
    switch (spoolfile_find(spool, place, id, lock, file, err)) {
    case SPOOLFILE_FOUND:
        return CLAIM_TAKEN;
    case SPOOLFILE_BUSY:
        return CLAIM_BUSY;
    case SPOOLFILE_GONE:
        return CLAIM_GONE;
    case SPOOLFILE_FOREIGN:
        return CLAIM_LEFT;
    case SPOOLFILE_TROUBLE:
        break;
    }
    return CLAIM_TROUBLE;
}

static void set_id(struct entry *entry, const char *id)
{
    memcpy(entry->id, id, ENTRYID_SIZE);
}

static bool is_id(const char *id, struct error *err)
{
    return entryid_valid(id) || error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
                                          "'%s' is not the id of an entry", id);
}

/* Moves a damaged entry out of the way; the journal's note tells why. */
static void quarantine(struct claim *claim, struct error *err)
{
    struct error second;
    journal_clear(&claim->journal);
    journal_begin(&claim->journal, claim->entry.id, 0);
    if (!claim_move(claim, SPOOL_FAILED, err->text, &second))
        error_prefix(err, "it could not be moved to failed/ (%s)", second.text);
}

enum claim_result claim_take(struct claim *claim, struct spool *spool, enum spool_place place,
                             const char *id, struct error *err)
{
    struct spoolfile file;
    if (!is_id(id, err))
        return CLAIM_LEFT;
    enum claim_result result = find(spool, place, id, true, &file, err);
    if (result != CLAIM_TAKEN)
        return result;
    *claim = (struct claim){
        .spool = spool, .place = place, .fd = file.fd, .other_names = file.other_names};
    set_id(&claim->entry, id);
    struct str memory = {0};
    result = read_entry(file.fd, file.size, &memory, &claim->entry, err);
    if (result == CLAIM_TAKEN &&
        !read_journal(spool, &claim->entry, &claim->journal, &claim->journal_size, err))
        result = CLAIM_TROUBLE;
    if (result == CLAIM_TAKEN) {
        claim_show_content(claim);
        if (memory.data) {
            claim->content.memory = memory;
            claim->content.in_file = false;
        }
        return result;
    }
    str_clear(&memory);
    if (result == CLAIM_DAMAGED && place != SPOOL_FAILED)
        quarantine(claim, err);
    claim_release(claim);
    return result;
}

void claim_show_content(struct claim *claim)
{
    claim->content = (struct content){.fd = claim->fd,
                                      .in_file = true,
                                      .borrowed = true,
                                      .offset = claim->entry.offset,
                                      .size = claim->entry.size,
                                      .has_8bit = claim->entry.has_8bit,
                                      .has_8bit_header = claim->entry.has_8bit_header};
}

enum claim_result claim_peek(const struct spool *spool, enum spool_place place, const char *id,
                             struct entry *entry, struct journal *journal, bool *active,
                             struct error *err)
{
    struct spoolfile file;
    uint64_t journal_size;
    if (!is_id(id, err))
        return CLAIM_LEFT;
    enum claim_result result = find(spool, place, id, false, &file, err);
    if (result != CLAIM_TAKEN)
        return result;
    set_id(entry, id);
    if (active)
        *active = spoolfile_is_locked(file.fd);
    result = read_entry(file.fd, file.size, NULL, entry, err);
    if (result == CLAIM_TAKEN && journal &&
        !read_journal(spool, entry, journal, &journal_size, err))
        result = CLAIM_TROUBLE;
    spoolfile_close(file.fd);
    return result;
}

/* Puts the short form in the place of a journal that grew too long. False if there was no need, or
 * it did not work: appending is as good. */
static bool shorten_journal(struct claim *claim, size_t more)
{
    struct error ignored; /* appending comes next, and tells */
    struct str text = {0};
    if (claim->journal_size + more <= CLAIM_JOURNAL_SLACK)
        return false;
    journal_encode(&claim->journal, &text);
    bool done = claim->journal_size + more > CLAIM_JOURNAL_SLACK + 2 * text.len &&
                spoolfile_replace(claim->spool, SPOOL_JOURNAL, claim->entry.id, &text, &ignored);
    if (done)
        claim->journal_size = text.len;
    str_clear(&text);
    return done;
}

bool claim_save(struct claim *claim, struct error *err)
{
    const struct str *lines = journal_pending(&claim->journal);
    if (lines->len == 0)
        return true;
    if (!shorten_journal(claim, lines->len) &&
        !spoolfile_append(claim->spool, SPOOL_JOURNAL, claim->entry.id, lines,
                          claim->journal.must_sync, &claim->journal_size, err))
        return false;
    journal_written(&claim->journal);
    return true;
}

bool claim_postpone(struct claim *claim, int64_t next, struct error *err)
{
    return spoolfile_set_time(claim->fd, next, err);
}

/* The journal goes last: without it an entry would be sent again to all. */
static bool remove_files(struct claim *claim, struct error *err)
{
    static const enum spool_place places[] = {SPOOL_TMP, SPOOL_QUEUE, SPOOL_HOLD, SPOOL_FAILED};
    const char *id = claim->entry.id;
    if (claim->other_names) {
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            if (!spoolfile_remove(claim->spool, places[i], id, err))
                return false;
    } else if (!spoolfile_remove(claim->spool, claim->place, id, err)) {
        return false;
    }
    return claim->journal_size == 0 || spoolfile_remove(claim->spool, SPOOL_JOURNAL, id, err);
}

bool claim_remove(struct claim *claim, struct error *err)
{
    bool ok = remove_files(claim, err);
    claim_release(claim);
    return ok;
}

enum claim_result claim_delete(struct spool *spool, enum spool_place place, const char *id,
                               struct error *err)
{
    struct spoolfile file;
    if (!is_id(id, err))
        return CLAIM_LEFT;
    enum claim_result result = find(spool, place, id, true, &file, err);
    if (result != CLAIM_TAKEN)
        return result;
    struct claim claim = {.spool = spool,
                          .place = place,
                          .fd = file.fd,
                          .journal_size = 1, /* there may be one: not to find it is no error */
                          .other_names = file.other_names};
    set_id(&claim.entry, id);
    return claim_remove(&claim, err) && spool_sync(spool, err) ? CLAIM_TAKEN : CLAIM_TROUBLE;
}

bool claim_move(struct claim *claim, enum spool_place place, const char *note, struct error *err)
{
    struct spool *spool = claim->spool;
    if (note)
        journal_note(&claim->journal, note);
    bool ok = claim_save(claim, err) && (place != SPOOL_QUEUE || claim_postpone(claim, 0, err)) &&
              spoolfile_move(spool, claim->place, place, claim->entry.id, NULL, err) &&
              spool_sync_place(spool, place, err) && spool_sync_place(spool, claim->place, err);
    claim_release(claim);
    return ok;
}

void claim_release(struct claim *claim)
{
    if (!claim->spool)
        return;
    content_clear(&claim->content);
    journal_clear(&claim->journal);
    entry_clear(&claim->entry);
    spoolfile_close(claim->fd); /* with it goes the lock */
    *claim = (struct claim){0};
}
