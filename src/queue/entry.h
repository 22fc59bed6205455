/* An entry as a file: a head that says who sends what to whom, the content in the form it leaves,
 * and an end mark. Text throughout, so that a person can read and save one by hand:
 *
 *     onehop-entry 2 000000bb             format version; length of the head in hex
 *     account work
 *     sender root@example.com             "-" is the null reverse-path
 *     from root@web1                      From before it was rewritten; left out when unknown
 *     uid 33                              who submitted it; left out when unknown
 *     return 1                            enum dsn_return; left out when 0, as is the next
 *     envid QQ314159
 *     8bit                                body_8bit_wish
 *     bounce 1tVd0xAbcDef120              this is a bounce of that entry
 *     rcpt a@example.org                  one line each, in the order of the envelope
 *     rcpt b@example.org 6                with NOTIFY: DSN_* of dsn.h
 *     rcpt c@example.org 0 rfc822;x@y     with ORCPT; NOTIFY is 0 if it was not given
 *     content                             the last line of the head
 *     From: ...                           SIZE octets
 *     onehop-end 00000000000001f4 11 0123456789abcdef
 *
 * The end mark has a fixed length: size of the content, flags (has_8bit, has_8bit_header), and
 * checksum of every octet of the file before it. A file without it was never finished, one that
 * does not fit it is damaged. Words are written as tokenizer.h says.
 *
 * Versions: every version is read for ever. A change of any kind gets the next number; an entry
 * with a number above ENTRY_VERSION is left where it is and reported.
 *
 *     1    one line "notify 6" in front for all recipients, no ORCPT
 *     2    NOTIFY and ORCPT of each recipient
 *
 * Everything here is pure; the entry comes from outside, and nothing of it is trusted. */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "message/envelope.h"
#include "queue/entryid.h"

enum {
    ENTRY_VERSION = 2,
    ENTRY_HEAD_MAX = 64 * 1024 * 1024, /* octets of a head */
    ENTRY_FIRST_LINE = 24,             /* octets of the first line, of every version */
    ENTRY_END_MARK = 48,               /* octets */
};

struct entry {
    char id[ENTRYID_SIZE]; /* the file's name; not part of the file */
    char *account;         /* the account's name, "" if it is yet to be chosen */
    struct envelope envelope;
    char *from;                     /* From before rewriting, "" if unknown */
    bool has_uid;                   /* uid is known */
    uint32_t uid;                   /* who submitted it */
    char bounce_of[ENTRYID_SIZE];   /* "" unless this is a bounce: then never bounce it */
    uint64_t offset;                /* where the content starts */
    uint64_t size;                  /* octets of content */
    bool has_8bit, has_8bit_header; /* as in struct content */
};

enum entry_state {
    ENTRY_GOOD,
    ENTRY_NEWER,   /* written by a later onehop: leave it */
    ENTRY_DAMAGED, /* not an entry, or no longer */
};

/* Appends the head. False (message, permanent, EX_DATAERR) if it exceeds ENTRY_HEAD_MAX. */
bool entry_encode_head(struct str *out, const struct entry *entry, struct error *err);

/* Reads the first line, of which LEN octets are there (ENTRY_FIRST_LINE are wanted), and gives the
 * length of the head. ERR is filled, for people, unless the entry is good. */
enum entry_state entry_head_length(const char *line, size_t len, size_t *length, struct error *err);

/* Reads a whole head into ENTRY, which must be zeroed but for its id; `offset` becomes LEN. Clear
 * ENTRY afterwards in any case. */
enum entry_state entry_decode_head(struct entry *entry, const char *head, size_t len,
                                   struct error *err);

/* Writes the end mark: CHECKSUM is that of head and content. */
void entry_encode_end(char mark[ENTRY_END_MARK], const struct entry *entry, uint64_t checksum);

struct entry_end {
    uint64_t file_size;
    const char *mark;  /* the last octets of the file */
    size_t len;        /* of MARK; ENTRY_END_MARK are wanted */
    uint64_t checksum; /* is filled: what the file should have */
};

/* Reads the end mark of a file, whose head was decoded before, into ENTRY (size and flags) and END.
 */
enum entry_state entry_decode_end(struct entry *entry, struct entry_end *end, struct error *err);

/* Makes TO, which is cleared first, a copy of FROM. */
void entry_copy(struct entry *to, const struct entry *from);

void entry_clear(struct entry *entry);

#endif
