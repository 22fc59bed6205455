/* Names of entries: ENTRYID_LENGTH characters out of [0-9A-Za-z], in an order (strcmp) that is the
 * order of arrival. Nine of them count microseconds since 1970 (enough until the year 2399), five
 * are random, the last is '0' for mail that came from outside, and 1 to z for what was made of it,
 * the bounces: so the same bounce has the same name however often it is made. */
#ifndef ENTRYID_H
#define ENTRYID_H

#include <stdbool.h>
#include <stdint.h>

enum { ENTRYID_LENGTH = 15, ENTRYID_SIZE = ENTRYID_LENGTH + 1, ENTRYID_DERIVED_MAX = 61 };

/* The numbers of what is derived from an entry. */
enum {
    ENTRYID_BOUNCES_MAX = 58, /* 1 to this: its bounces */
    ENTRYID_DELAY,            /* the report that it is delayed */
    ENTRYID_LOGIN_NOTICE,     /* those of notice.h */
    ENTRYID_EXPIRY_NOTICE,
};

/* Makes the id of an entry that arrives at MICROSECONDS (UTC since 1970; what lies outside of the
 * range is moved to its edge). RANDOM tells apart what arrives at the same moment. */
void entryid_make(char id[ENTRYID_SIZE], int64_t microseconds, uint64_t random);

/* Makes the id of what has NUMBER (1..ENTRYID_DERIVED_MAX) of the entry ORIGINAL. False if
 * NUMBER is outside of that, or ORIGINAL is not an id or is derived itself. */
bool entryid_derive(char id[ENTRYID_SIZE], const char *original, unsigned number);

/* The number with which entryid_derive() made ID from another one; 0: it did not. */
unsigned entryid_number(const char *id);

/* True if TEXT has the form of an id. */
bool entryid_valid(const char *text);

/* When the entry, or for a derived id the entry it was made of, arrived: microseconds. */
int64_t entryid_arrival(const char *id);

#endif
