/* The queue for people and for programs. */
#ifndef MAILQ_H
#define MAILQ_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/listing.h"

#define MAILQ_TIME "%a %b %e %H:%M:%S" /* how moments are shown, as Postfix does */

/* A listing that is being printed to OUT; several spools may follow each other. */
struct mailq {
    FILE *out;
    unsigned long requests;
    uint64_t octets;
    unsigned long others; /* that the reader may not see: they are counted */
};

/* Prints one entry in the columns that Postfix's mailq has for long queue ids, the heading before
 * the first. */
void mailq_print(struct mailq *mailq, const struct listing_item *item);

/* Appends why the entry waits, of its recipients' reasons the first; and when it is tried next. */
void mailq_add_reason(struct str *out, const struct listing_item *item);
void mailq_add_next(struct str *out, const struct listing_item *item);

/* Prints the last line: "-- 3 Kbytes in 2 Requests.", or "Mail queue is empty". Before it there is
 * a line of sendmail's that has the count, for programs that take us for that one. */
void mailq_end(const struct mailq *mailq);

/* Prints one entry as a line of JSON, with the members of `postqueue -j` and some of ours. */
void mailq_print_json(FILE *out, const struct listing_item *item);

#endif
