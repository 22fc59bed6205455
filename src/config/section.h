/* One section of an INI file while it is read into its object: finds the key, refuses unknown and
 * repeated ones, parses the value, notes it as given. */
#ifndef SECTION_H
#define SECTION_H

#include <stdbool.h>

#include "base/error.h"
#include "config/inifile.h"
#include "config/key.h"

struct section_kind {
    enum key_section kind;
    const char *word;  /* that a section of this kind begins with */
    const char *shown; /* to users: where its keys belong */
    bool is_named;     /* a name follows the word */
};

extern const struct section_kind section_kinds[]; /* ends with one without a word */

struct section {
    enum key_section kind;
    void *object;        /* the struct of this kind of section */
    struct key_set *set; /* of the object */
    const char *home;    /* for ~/ in paths */
    int line[KEY_MAX];   /* where each key was given, 0 if it was not */
};

/* Starts a section: no key was given yet. */
void section_begin(struct section *section, enum key_section kind, void *object,
                   struct key_set *set, const char *home);

/* Takes KEY = VALUE. The error does not name the file and the line: the reader does. */
bool section_take(struct section *section, const struct ini_event *event, struct error *err);

#endif
