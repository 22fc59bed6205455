#include "config.h"
#include "queue/journal_file.h"

#include <errno.h>

#include "queue/spoolfile.h"

/* A power cut can leave octets of zero where line ends were written. */
static bool is_room(char c)
{
    return c == '\n' || c == '\0';
}

bool journal_file_read(struct journal_file *file, const struct spool *spool,
                       struct journal *journal, struct error *err)
{
    struct str text = {0};
    bool ok = spoolfile_load(spool, SPOOL_JOURNAL, journal->id, &text, err);
    file->size = text.len;
    while (text.len > 0 && is_room(text.data[text.len - 1]))
        str_truncate(&text, text.len - 1);
    file->used = text.len;
    if (ok && text.len > 0) {
        str_add_char(&text, '\n');
        journal_decode(journal, text.data, text.len);
    }
    str_clear(&text);
    return ok;
}

/* Puts TEXT, which ends in a line end, behind what the file has. A line end goes in front, so that
 * it begins a line even where the last one is torn. */
static bool put(struct journal_file *file, struct spool *spool, const struct journal *journal,
                const struct str *text, struct error *err)
{
    struct str lines = {0};
    if (file->used > 0)
        str_add_char(&lines, '\n');
    str_add_n(&lines, str_text(text), text->len);
    const struct spoolfile_patch patch = {file->used, &lines, journal->must_sync};
    bool ok = spoolfile_put(spool, SPOOL_JOURNAL, journal->id, &patch, err);
    if (ok) {
        file->used += lines.len - 1;
        file->size = file->size > file->used + 1 ? file->size : file->used + 1;
    }
    str_clear(&lines);
    return ok;
}

bool journal_file_reserve(struct journal_file *file, struct spool *spool, const char *id,
                          size_t octets, struct error *err)
{
    struct str room = {0};
    if (file->size - file->used >= octets)
        return true;
    str_fill(&room, '\n', octets - (file->size - file->used));
    const struct spoolfile_patch patch = {file->size, &room, false};
    bool ok = spoolfile_put(spool, SPOOL_JOURNAL, id, &patch, err);
    file->size += room.len; /* at most, if it failed */
    str_clear(&room);
    return ok;
}

/* Puts the short form in the place of a file that grew too long. False if there was no need, or it
 * did not work: writing behind it is as good. */
static bool shorten(struct journal_file *file, struct spool *spool, const struct journal *journal,
                    size_t more)
{
    struct error ignored; /* writing comes next, and reports */
    struct str text = {0};
    if (file->used + more <= JOURNAL_FILE_SLACK)
        return false;
    journal_encode(journal, &text);
    bool done = file->used + more > JOURNAL_FILE_SLACK + 2 * text.len &&
                spoolfile_replace(spool, SPOOL_JOURNAL, journal->id, &text, &ignored);
    if (done)
        *file = (struct journal_file){.size = text.len, .used = text.len - 1};
    str_clear(&text);
    return done;
}

static bool put_sent(struct journal_file *file, struct spool *spool, const struct journal *journal,
                     struct error *err)
{
    struct str lines = {0};
    journal_encode_sent(journal, &lines);
    bool ok = lines.len == 0 || put(file, spool, journal, &lines, err);
    str_clear(&lines);
    return ok;
}

bool journal_file_save(struct journal_file *file, struct spool *spool, struct journal *journal,
                       struct error *err)
{
    const struct str *lines = journal_pending(journal);
    if (lines->len == 0)
        return true;
    if (shorten(file, spool, journal, lines->len) || put(file, spool, journal, lines, err)) {
        journal_written(journal);
        return true;
    }
    int number = errno;
    struct error second; /* the first one is reported */
    if (journal->must_sync && spool_is_full(number))
        (void)put_sent(file, spool, journal, &second);
    file->size += lines->len; /* at most: what comes next is written behind what may be there */
    file->used = file->size;
    errno = number;
    return false;
}
