/* What a person reads on a terminal, in that person's language (gettext, from libc). What a program
 * reads stays English: log lines, SMTP, the spool, JSON, configuration, the dialogue of -v.
 *
 * The state is libc's: the process's locale is the person's, and the thread's is C, so that
 * strerror(), printf() and the libraries stay English wherever they are called. Only the functions
 * here look at the process's locale. While no language was chosen they return what they were given.
 */
#ifndef TRANSLATION_H
#define TRANSLATION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A text that is shown here and now; one of a table, which is shown by _() elsewhere; and one that
 * depends on a number. xgettext finds them by these names (po/keywords). */
#define _(text) translation_of(text)
#define N_(text) (text)
#define PLURAL(one, many, n) translation_plural(one, many, n)

/* Chooses the locale NAME ("de_DE.UTF-8"), whose catalogue is below DIRECTORY and nowhere else, and
 * reads it. libc also reads the variable LANGUAGE. False if the locale is not installed, its texts
 * are not in UTF-8, or there is no catalogue: everything stays English. */
bool translation_begin(const char *directory, const char *name);

/* English from now on. */
void translation_end(void);

/* Whether a language was chosen. */
bool translation_is_on(void);

/* The translation of TEXT, TEXT itself where there is none. Borrowed, for ever. */
const char *translation_of(const char *text) __attribute__((format_arg(1)));

/* The same of a text for N things, in the form that the language has for N. */
const char *translation_plural(const char *one, const char *many, unsigned long n)
    __attribute__((format_arg(1), format_arg(2)));

/* DESCRIBE(NUMBER) in the caller's language, where DESCRIBE is of a library that has translations
 * of its own: gai_strerror(), gnutls_strerror(). Borrowed. */
const char *translation_by(const char *(*describe)(int), int number);

/* The same for strerror(NUMBER), until the next call of that. */
const char *translation_of_errno(int number);

/* Formats ARGS into the SIZE octets of OUT by the translation of FORMAT; %m, too, is translated. A
 * FORMAT that is "%s" alone gives the translation of its argument. "" while no language was chosen.
 * errno stays. */
void translation_format(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
