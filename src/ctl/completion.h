/* What a shell offers when a word of a command line is to be completed, from the tables of verbs,
 * options and keys and from what is configured: the scripts in etc/completion ask
 * `onehopctl complete`. */
#ifndef COMPLETION_H
#define COMPLETION_H

#include "config/site.h"

struct completion_verb {
    const char *name, *arguments, *help;
};

/* Prints what the last of the N WORDS of a command line can become, one a line, with a tab and a
 * description; the first word is the program, without its directory. ":file" stands for the names
 * of files. Of onehopctl the verbs are VERBS, the last with the name NULL; their `arguments` say
 * what follows: words in small letters stand for themselves, ID, ACCOUNT ... for what there is. */
int completion_run(const struct completion_verb *verbs, int n, char **words, struct site *site);

#endif
