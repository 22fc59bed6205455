/* INI files through libinih, with the traps of its version 55 closed: lines of any length, ` ;`
 * inside values, line numbers, indented keys, long section names, a BOM, CRLF. The only file that
 * knows the library. */
#ifndef INIFILE_H
#define INIFILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

enum {
    INIFILE_NAME_MAX = 255,  /* octets of a section or key name */
    INIFILE_BUFFER_MIN = 64, /* octets, the least line buffer of a usable libinih */
};

struct ini_event {
    const char *section; /* "[account work]" is "account work", blanks folded to one; "" before the
                            first */
    const char *key;     /* NULL: the section itself begins */
    const char *value;   /* trimmed; comment removed; unquoted if it was between double quotes */
    int line;            /* its number, from 1 */
};

struct ini_reader {
    /* Called in file order. False stops reading; the error's text is then prefixed with FILE:LINE.
     */
    bool (*event)(void *context, const struct ini_event *event, struct error *err);
    /* True if the value of this key is taken as it is: no comments, no quotes (passwords). */
    bool (*is_raw)(void *context, const char *section, const char *key);
    void *context;
};

/* Reads the TEXT of file NAME (for messages). Everything that is not a section, a comment, an empty
 * line or KEY = VALUE is an error: "NAME:LINE: what is wrong, and what would be right", EX_CONFIG.
 */
bool inifile_parse(const char *name, const struct str *text, const struct ini_reader *reader,
                   struct error *err);

#endif
