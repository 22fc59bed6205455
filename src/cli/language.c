#include "config.h"
#include "cli/language.h"

#include <string.h>
#include <unistd.h>

#include "base/translation.h"
#include "cli/environment.h"

/* The locale of texts, as setlocale(3) finds it. */
static const char *locale_name(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *value = "";
    for (size_t i = 0; i < sizeof variables / sizeof *variables && !*value; i++)
        value = environment_get(variables[i]);
    return value;
}

/* libc makes a path of it. */
static bool is_name(const char *value)
{
    return strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@-+") ==
               strlen(value) &&
           !strstr(value, "..");
}

/* libc ignores LANGUAGE in the locale C, but not in C.UTF-8. */
static bool is_foreign(const char *locale, const char *languages)
{
    if (!*locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return false;
    if (*languages)
        return true;
    return strncmp(locale, "C.", 2) != 0 && strncmp(locale, "en", 2) != 0;
}

/* A privileged process opens no file that its caller names. */
static bool is_misled(void)
{
    bool privileged = geteuid() == 0 || geteuid() != getuid() || getegid() != getgid();
    return privileged && (*environment_get("LOCPATH") || *environment_get("GCONV_PATH"));
}

void language_choose(const char *directory)
{
    const char *locale = locale_name();
    if (!*locale || !*directory)
        return;
    const char *languages = environment_get("LANGUAGE");
    if (is_foreign(locale, languages) && is_name(locale) && is_name(languages) && !is_misled())
        (void)translation_begin(directory, locale); /* else it stays English */
}
