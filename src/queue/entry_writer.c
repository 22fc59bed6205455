#include "config.h"
#include "queue/entry_writer.h"

#include <string.h>
#include <sysexits.h>

#include "queue/spoolfile.h"

enum { CREATE_TRIES = 10 };

static bool broken(struct draft *draft)
{
    draft->broken = true;
    return false;
}

static bool empty_buffer(struct draft *draft, struct error *err)
{
    if (!spoolfile_write(draft->fd, str_text(&draft->buffer), draft->buffer.len, err))
        return broken(draft);
    str_truncate(&draft->buffer, 0);
    return true;
}

static bool take(struct draft *draft, const void *data, size_t len, struct error *err)
{
    checksum_add(&draft->sum, data, len);
    if (draft->buffer.len + len > DRAFT_BUFFER && !empty_buffer(draft, err))
        return false;
    if (len > DRAFT_BUFFER)
        return spoolfile_write(draft->fd, data, len, err) || broken(draft);
    str_add_n(&draft->buffer, data, len);
    return true;
}

static bool draft_write(struct output *self, const void *data, size_t len, struct error *err)
{
    struct draft *draft = (struct draft *)self;
    if (draft->broken)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                         "spool: the entry could not be written");
    if (!take(draft, data, len, err))
        return false;
    draft->entry.size += len;
    return true;
}

/* A file under the id that was handed in, or under a new one. A cleaner can be quicker than our
 * lock; each time with a new id, as he will remove the file by its name. */
static bool create(struct draft *draft, struct spool *spool, char id[ENTRYID_SIZE],
                   struct error *err)
{
    bool taken = true;
    for (int i = 0; taken && i < CREATE_TRIES; i++) {
        if (!draft->derived && !spool_new_id(spool, id, err))
            return false;
        if (spoolfile_create(spool, id, &draft->fd, &taken, err))
            return true;
        taken = taken && !draft->derived;
    }
    return false;
}

bool draft_begin(struct draft *draft, struct spool *spool, const struct entry *entry,
                 struct error *err)
{
    *draft = (struct draft){.output = {draft_write}, .derived = *entry->id != '\0', .fd = -1};
    char id[ENTRYID_SIZE];
    memcpy(id, entry->id, sizeof id);
    struct str head = {0};
    if (!entry_encode_head(&head, entry, err)) {
        str_clear(&head);
        return false;
    }
    if (create(draft, spool, id, err)) {
        entry_copy(&draft->entry, entry);
        memcpy(draft->entry.id, id, sizeof id);
        draft->entry.offset = head.len;
        draft->entry.size = 0;
        checksum_begin(&draft->sum, 0);
        draft->spool = spool;
        if (!take(draft, head.data, head.len, err))
            draft_drop(draft);
    }
    str_clear(&head);
    return draft->spool != NULL;
}

static bool finish_file(struct draft *draft, struct error *err)
{
    char mark[ENTRY_END_MARK];
    entry_encode_end(mark, &draft->entry, checksum_end(&draft->sum));
    str_add_n(&draft->buffer, mark, sizeof mark);
    return empty_buffer(draft, err) && spoolfile_flush(draft->fd, err);
}

static void hand_over(struct draft *draft, struct claim *claim)
{
    *claim = (struct claim){
        .spool = draft->spool, .place = SPOOL_QUEUE, .fd = draft->fd, .entry = draft->entry};
    journal_begin(&claim->journal, claim->entry.id, claim->entry.envelope.n);
    claim_show_content(claim);
    str_clear(&draft->buffer);
    *draft = (struct draft){.fd = -1};
}

bool draft_commit(struct draft *draft, struct claim *claim, struct error *err)
{
    struct spool *spool = draft->spool;
    bool exists = false;
    if (draft->broken) {
        error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                  "spool: the entry could not be written");
        draft_drop(draft);
        return false;
    }
    if (!finish_file(draft, err) ||
        !spoolfile_move(spool, SPOOL_TMP, SPOOL_QUEUE, draft->entry.id, &exists, err)) {
        /* Who made it may have died before its name was on disk. */
        bool same_bounce = exists && draft->derived && spool_sync_place(spool, SPOOL_QUEUE, err);
        draft_drop(draft);
        return same_bounce;
    }
    if (!spool_sync_place(spool, SPOOL_QUEUE, err)) {
        spoolfile_take_back(spool, SPOOL_QUEUE, draft->entry.id, draft->fd);
        draft_drop(draft);
        return false;
    }
    struct claim held;
    hand_over(draft, claim ? claim : &held);
    if (!claim)
        claim_release(&held);
    return true;
}

void draft_drop(struct draft *draft)
{
    if (!draft->spool)
        return;
    spoolfile_discard(draft->spool, SPOOL_TMP, draft->entry.id);
    spoolfile_close(draft->fd);
    entry_clear(&draft->entry);
    str_clear(&draft->buffer);
    *draft = (struct draft){.fd = -1};
}

void draft_discard(const struct draft *draft)
{
    if (draft->spool)
        spoolfile_discard(draft->spool, SPOOL_TMP, draft->entry.id);
}
