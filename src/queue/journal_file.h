/* The file of a journal: journal/ID. Its lines are followed by line ends that keep room on the disk
 * for the notes of an attempt; each write replaces some of them. The process that writes holds the
 * lock of the entry. */
#ifndef JOURNAL_FILE_H
#define JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "queue/journal.h"
#include "queue/spool.h"

enum {
    JOURNAL_FILE_SLACK = 1024 * 1024, /* octets it may have above twice what it needs */
};

/* Zeroed memory is a file that is not there. */
struct journal_file {
    uint64_t size; /* octets */
    uint64_t used; /* of them, up to the line ends that keep room */
};

/* Reads the file into JOURNAL, which was begun. No file is an empty journal. */
bool journal_file_read(struct journal_file *file, const struct spool *spool,
                       struct journal *journal, struct error *err);

/* Makes sure that there is room for OCTETS more, if need be by making the file. Not synced. If it
 * fails, errno says why. */
bool journal_file_reserve(struct journal_file *file, struct spool *spool, const char *id,
                          size_t octets, struct error *err);

/* Writes what JOURNAL has pending, to disk if it must be there (journal->must_sync). If there is no
 * space for all of it, writes at least whom it was sent to, for which room can have been reserved;
 * it has failed then, too, and errno says why. */
bool journal_file_save(struct journal_file *file, struct spool *spool, struct journal *journal,
                       struct error *err);

#endif
