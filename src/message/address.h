/* Addresses (RFC 5322, 3.4): as they are in header fields and on command lines, read as liberally
 * as callers write them: comments, nested ones too, groups, quoted strings, routes, folded lines,
 * missing commas at the end, bare local parts. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct address {
    char *mailbox; /* what is written between < and >: local@domain or a bare local; quoting kept
                      where RFC 5321 needs it and removed where not ("a b"@c, but "ab"@c is ab@c);
                      "" for an explicit <> */
    char
        *display; /* the phrase before the angle, or else the comment after, unquoted; "" if none */
};

struct address_list {
    struct address *item;
    size_t n;
    size_t size;
};

/* Appends the addresses of TEXT (LEN octets: the body of a field, or an argument). Whatever is not
 * an address by any reading is kept as msmtp does: blanks and control characters inside an address
 * become '_', so that the server, not we, refuses that one recipient. Never fails; at most as much
 * memory as TEXT times a small constant. A literal newline that is not followed by a blank ends the
 * text: nothing injected behind it is ever an address. */
void address_list_parse(struct address_list *list, const char *text, size_t len);
void address_list_clear(struct address_list *list);

/* The part behind the last '@' that is not quoted; "" where there is none. Borrowed from MAILBOX.
 */
const char *address_domain(const char *mailbox);

/* Length of the local part, quoting included. */
size_t address_local_length(const char *mailbox);

/* True if the two mailboxes are the same for us: local part exact, or without case if FOLD_LOCAL;
 * domain without case. */
bool address_equal(const char *a, const char *b, bool fold_local);

/* Appends "NAME <MAILBOX>" (or just the mailbox if the name is empty) as one header-safe text:
 * ASCII names with specials are quoted, UTF-8 names become RFC 2047 encoded words (UTF-8, 75
 * octets each, folded), other octets are taken for Latin-1 and converted. NAME has no control
 * characters. */
void address_format(struct str *out, const char *name, const char *mailbox);

/* Appends all of LIST, as address_format() does, with commas and folds between. */
void address_list_format(struct str *out, const struct address_list *list);

/* Appends TEXT encoded for an unstructured field (RFC 2047) if it is not plain ASCII, else as it
 * is. */
void address_encode_text(struct str *out, const char *text);

/* Appends MAILBOX with its domain turned into A-labels (RFC 5891). False if the domain can't be. */
bool address_to_alabel(struct str *out, const char *mailbox);

#endif
