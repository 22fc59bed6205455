/* An entry that is being written: a `struct output` into tmp/, until it is committed. Whatever
 * fails before that leaves nothing in queue/, one error (EX_TEMPFAIL), and a writer that can only
 * be dropped. */
#ifndef ENTRY_WRITER_H
#define ENTRY_WRITER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/output.h"
#include "base/str.h"
#include "queue/checksum.h"
#include "queue/entry.h"
#include "queue/entry_lock.h"
#include "queue/spool.h"

enum { ENTRY_WRITER_BUFFER = 64 * 1024 };

struct entry_writer {
    struct output output; /* first: a writer is an output, for the content */
    struct spool *spool;  /* NULL once committed or dropped */
    struct entry entry;   /* set has_8bit and has_8bit_header before committing */
    int fd;
    bool derived; /* the id was handed in */
    bool broken;  /* a write failed: it cannot be committed any more */
    struct str buffer;
    struct checksum sum;
};

/* Begins an entry with ENTRY's account, envelope and so on (copied). Its id is a new one, or, for a
 * bounce, the one that ENTRY has. An envelope without recipients is refused. Drop or commit it. */
bool entry_writer_begin(struct entry_writer *writer, struct spool *spool, const struct entry *entry,
                        struct error *err);

/* Makes what was written an accepted entry: end mark, fsync, rename, fsync of the directory. True:
 * it is durable, and LOCK, if not NULL, holds it, locked, ready for the first attempt, its content
 * readable. An id that was handed in and is in the spool already is success too: it is the
 * same bounce, LOCK is then left zeroed. False: nothing was accepted, and nothing is left. The
 * writer is done in either case. */
bool entry_writer_commit(struct entry_writer *writer, struct entry_lock *lock, struct error *err);

/* Gives up. May be called at any time, and twice. */
void entry_writer_drop(struct entry_writer *writer);

/* For signal handlers: removes the temporary file. The writer stays as it is. */
void entry_writer_discard(const struct entry_writer *writer);

#endif
