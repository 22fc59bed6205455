#include "config.h"
#include "queue/entry_writer.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "queue/spoolfile.h"

enum { CREATE_TRIES = 10 };

static bool broken(struct entry_writer *writer)
{
    writer->broken = true;
    return false;
}

static bool empty_buffer(struct entry_writer *writer, struct error *err)
{
    if (!spoolfile_write(writer->fd, str_text(&writer->buffer), writer->buffer.len, err))
        return broken(writer);
    str_truncate(&writer->buffer, 0);
    return true;
}

static bool take(struct entry_writer *writer, const void *data, size_t len, struct error *err)
{
    checksum_add(&writer->sum, data, len);
    if (writer->buffer.len + len > ENTRY_WRITER_BUFFER && !empty_buffer(writer, err))
        return false;
    if (len > ENTRY_WRITER_BUFFER)
        return spoolfile_write(writer->fd, data, len, err) || broken(writer);
    str_add_n(&writer->buffer, data, len);
    return true;
}

static bool entry_writer_write(struct output *self, const void *data, size_t len, struct error *err)
{
    struct entry_writer *writer = (struct entry_writer *)self;
    if (writer->broken)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                         "spool: the entry could not be written");
    if (!take(writer, data, len, err))
        return false;
    writer->entry.size += len;
    return true;
}

/* A file under the id that was handed in, or under a new one. A process that clears tmp/ can be
 * quicker than our lock, and removes the file by its name: then another id is used. */
static bool create(struct entry_writer *writer, struct spool *spool, char id[ENTRYID_SIZE],
                   struct error *err)
{
    bool taken = true;
    for (int i = 0; taken && i < CREATE_TRIES; i++) {
        if (!writer->derived && !spool_new_id(spool, id, err))
            return false;
        if (spoolfile_create(spool, id, &writer->fd, &taken, err))
            return true;
        taken = taken && !writer->derived;
    }
    return false;
}

bool entry_writer_begin(struct entry_writer *writer, struct spool *spool, const struct entry *entry,
                        struct error *err)
{
    *writer = (struct entry_writer){
        .output = {entry_writer_write}, .derived = *entry->id != '\0', .fd = -1};
    char id[ENTRYID_SIZE];
    memcpy(id, entry->id, sizeof id);
    struct str head = {0};
    if (entry->envelope.n == 0)
        return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_USAGE,
                         "the envelope has no recipients");
    if (!entry_encode_head(&head, entry, err)) {
        str_clear(&head);
        return false;
    }
    if (create(writer, spool, id, err)) {
        entry_copy(&writer->entry, entry);
        memcpy(writer->entry.id, id, sizeof id);
        writer->entry.offset = head.len;
        writer->entry.size = 0;
        checksum_begin(&writer->sum, 0);
        writer->spool = spool;
        if (!take(writer, head.data, head.len, err))
            entry_writer_drop(writer);
    }
    str_clear(&head);
    return writer->spool != NULL;
}

static bool finish_file(struct entry_writer *writer, struct error *err)
{
    char mark[ENTRY_END_MARK];
    entry_encode_end(mark, &writer->entry, checksum_end(&writer->sum));
    str_add_n(&writer->buffer, mark, sizeof mark);
    return empty_buffer(writer, err) && spoolfile_flush(writer->fd, err);
}

static void hand_over(struct entry_writer *writer, struct entry_lock *lock)
{
    *lock = (struct entry_lock){
        .spool = writer->spool, .directory = SPOOL_QUEUE, .fd = writer->fd, .entry = writer->entry};
    journal_begin(&lock->journal, lock->entry.id, lock->entry.envelope.n);
    entry_lock_show_content(lock);
    str_clear(&writer->buffer);
    *writer = (struct entry_writer){.fd = -1};
}

bool entry_writer_commit(struct entry_writer *writer, struct entry_lock *lock, struct error *err)
{
    struct spool *spool = writer->spool;
    if (writer->broken) {
        error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                  "spool: the entry could not be written");
        entry_writer_drop(writer);
        return false;
    }
    if (!finish_file(writer, err) ||
        !spoolfile_move(spool, SPOOL_TMP, SPOOL_QUEUE, writer->entry.id, err)) {
        /* The process that made it may have died before its name was on disk. */
        bool same_bounce =
            errno == EEXIST && writer->derived && spool_sync_directory(spool, SPOOL_QUEUE, err);
        entry_writer_drop(writer);
        return same_bounce;
    }
    if (!spool_sync_directory(spool, SPOOL_QUEUE, err)) {
        spoolfile_take_back(spool, SPOOL_QUEUE, writer->entry.id, writer->fd);
        entry_writer_drop(writer);
        return false;
    }
    struct entry_lock held;
    hand_over(writer, lock ? lock : &held);
    if (!lock)
        entry_lock_release(&held);
    return true;
}

void entry_writer_drop(struct entry_writer *writer)
{
    if (!writer->spool)
        return;
    spoolfile_discard(writer->spool, SPOOL_TMP, writer->entry.id);
    spoolfile_close(writer->fd);
    entry_clear(&writer->entry);
    str_clear(&writer->buffer);
    *writer = (struct entry_writer){.fd = -1};
}

void entry_writer_discard(const struct entry_writer *writer)
{
    if (writer->spool)
        spoolfile_discard(writer->spool, SPOOL_TMP, writer->entry.id);
}
