#include "config.h"
#include "base/translation.h"

#ifdef ENABLE_NLS

#include <errno.h>
#include <langinfo.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN "onehop"

/* Now, since a confined process opens no file. False: there is none in this language. */
static bool load_catalogues(void)
{
    (void)strerror(ENOENT);            /* libc's own, which need not be there */
    return *dgettext(DOMAIN, "") != 0; /* its header */
}

bool translation_begin(const char *directory, const char *name)
{
    locale_t english = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    bool ok = english && setlocale(LC_CTYPE, name) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0 &&
              setlocale(LC_MESSAGES, name) && bindtextdomain(DOMAIN, directory) &&
              load_catalogues();
    if (ok)
        (void)uselocale(english); /* it is a valid one */
    else
        translation_end();
    return ok;
}

void translation_end(void)
{
    (void)uselocale(LC_GLOBAL_LOCALE); /* always valid */
    (void)setlocale(LC_ALL, "C");      /* likewise */
}

bool translation_is_on(void)
{
    return uselocale((locale_t)0) != LC_GLOBAL_LOCALE;
}

const char *translation_of(const char *text)
{
    if (!translation_is_on() || !*text) /* "" is the catalogue's header */
        return text;
    locale_t english = uselocale(LC_GLOBAL_LOCALE);
    const char *found = dgettext(DOMAIN, text);
    (void)uselocale(english); /* it was in use */
    return found;
}

const char *translation_plural(const char *one, const char *many, unsigned long n)
{
    if (!translation_is_on())
        return n == 1 ? one : many;
    locale_t english = uselocale(LC_GLOBAL_LOCALE);
    const char *found = dngettext(DOMAIN, one, many, n);
    (void)uselocale(english); /* it was in use */
    return found;
}

const char *translation_by(const char *(*describe)(int), int number)
{
    locale_t english = uselocale(LC_GLOBAL_LOCALE);
    const char *text = describe(number);
    (void)uselocale(english); /* it was in use */
    return text;
}

static const char *describe_errno(int number)
{
    return strerror(number);
}

const char *translation_of_errno(int number)
{
    return translation_by(describe_errno, number);
}

void translation_format(char *out, size_t size, const char *format, va_list args)
{
    int number = errno;
    *out = '\0';
    if (!translation_is_on())
        return;
    locale_t english = uselocale(LC_GLOBAL_LOCALE);
    errno = number;                                             /* for %m */
    (void)vsnprintf(out, size, dgettext(DOMAIN, format), args); /* a cut text is still a text */
    (void)uselocale(english);                                   /* it was in use */
    if (strcmp(format, "%s") == 0) {
        const char *found = translation_of(out);
        if (found != out)
            (void)snprintf(out, size, "%s", found); /* likewise */
    }
    errno = number;
}

#else

#include <string.h>

bool translation_begin(const char *directory, const char *name)
{
    (void)directory, (void)name;
    return false;
}

void translation_end(void)
{
}

bool translation_is_on(void)
{
    return false;
}

const char *translation_of(const char *text)
{
    return text;
}

const char *translation_plural(const char *one, const char *many, unsigned long n)
{
    return n == 1 ? one : many;
}

const char *translation_by(const char *(*describe)(int), int number)
{
    return describe(number);
}

const char *translation_of_errno(int number)
{
    return strerror(number);
}

void translation_format(char *out, size_t size, const char *format, va_list args)
{
    (void)size, (void)format, (void)args;
    *out = '\0';
}

#endif
