#include "config.h"
#include "queue/entryid.h"

#include <string.h>

enum { TIME_DIGITS = 9, RANDOM_DIGITS = 5 };

/* In the order of their codes, so that ids sort as numbers do. */
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const int64_t time_end = 13537086546263552; /* 62 to the power of TIME_DIGITS */

static void put(char *at, int n, uint64_t number)
{
    while (n-- > 0) {
        at[n] = digits[number % 62];
        number /= 62;
    }
}

static int digit(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

void entryid_make(char id[ENTRYID_SIZE], int64_t microseconds, uint64_t random)
{
    if (microseconds < 0)
        microseconds = 0;
    if (microseconds >= time_end)
        microseconds = time_end - 1;
    put(id, TIME_DIGITS, (uint64_t)microseconds);
    put(id + TIME_DIGITS, RANDOM_DIGITS, random);
    id[ENTRYID_LENGTH - 1] = '0';
    id[ENTRYID_LENGTH] = '\0';
}

bool entryid_derive(char id[ENTRYID_SIZE], const char *original, unsigned number)
{
    if (number < 1 || number > ENTRYID_DERIVED_MAX || !entryid_valid(original) ||
        original[ENTRYID_LENGTH - 1] != '0')
        return false;
    memcpy(id, original, ENTRYID_SIZE);
    id[ENTRYID_LENGTH - 1] = digits[number];
    return true;
}

unsigned entryid_number(const char *id)
{
    return entryid_valid(id) ? (unsigned)digit(id[ENTRYID_LENGTH - 1]) : 0;
}

bool entryid_valid(const char *text)
{
    for (size_t i = 0; i < ENTRYID_LENGTH; i++)
        if (digit(text[i]) < 0)
            return false;
    return text[ENTRYID_LENGTH] == '\0';
}

int64_t entryid_arrival(const char *id)
{
    int64_t microseconds = 0;
    for (int i = 0; i < TIME_DIGITS && id[i]; i++) {
        int value = digit(id[i]);
        microseconds = microseconds * 62 + (value > 0 ? value : 0);
    }
    return microseconds;
}
