/* The language of who calls, by the environment: LC_ALL, LC_MESSAGES or LANG, the first that is
 * set, and LANGUAGE. */
#ifndef LANGUAGE_H
#define LANGUAGE_H

/* Shows what is printed from now on in the caller's language, if there is a catalogue of it below
 * DIRECTORY, the place that was compiled in; "" has none. Unless another language than English is
 * asked for it opens nothing and asks nothing. Variables that could lead to another file are not
 * followed: a value that is no name of a language, and for a privileged process LOCPATH and
 * GCONV_PATH, by which libc finds locales, leave all texts English. */
void language_choose(const char *directory);

#endif
