#include "config.h"
#include "submit/help.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/translation.h"
#include "config/key.h"
#include "config/section.h"
#include "compat/msmtpcode.h"
#include "cli/longoptions.h"
#include "cli/option.h"

#define MSMTP_VERSION "1.8.33" /* whose options and settings these are */

bool help_reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

int help_flush(void)
{
    return (fflush(stdout) == 0 && !ferror(stdout)) || help_reader_left() ? EX_OK : EX_IOERR;
}

int help_version(const char *program)
{
    /* scripts look for the number they need */
    bool as_msmtp = msmtpcode_is_built_in && strcmp(program, "msmtp") == 0;
    (void)printf("%sonehop %s%s\n", as_msmtp ? "msmtp version " MSMTP_VERSION " (" : "",
                 PACKAGE_VERSION, as_msmtp ? ")" : "");
    return help_flush();
}

static void print_row(const struct option_row *row)
{
    static const char *const arguments[] = {"", "=ARG", "[=ARG]"};
    char letter[8] = "    ", word[64] = "";
    if (row->letter)
        (void)snprintf(letter, sizeof letter, "-%c%s", row->letter, row->word ? ", " : "  ");
    if (row->word)
        (void)snprintf(word, sizeof word, "--%s%s", row->word, arguments[row->argument]);
    else if (row->argument == OPTION_REQUIRED)
        (void)snprintf(word, sizeof word, "ARG");
    (void)printf("  %s%-32s %s\n", letter, word, _(row->help));
}

static void print_keys(void)
{
    struct longoptions all = {0};
    longoptions_make(&all);
    for (size_t i = 0; i < all.n; i++)
        if (all.option[i].val >= LONGOPTION_KEY) {
            char word[64];
            (void)snprintf(word, sizeof word, "--%s%s", all.name[i],
                           all.option[i].has_arg == optional_argument ? "[=ARG]" : "=ARG");
            (void)printf("      %-32s %s\n", word,
                         _(key_table[all.option[i].val - LONGOPTION_KEY].help));
        }
    longoptions_clear(&all);
}

int help_usage(const char *program)
{
    (void)printf(_("Usage: %s [OPTION]... [--] RECIPIENT...\n"
                   "Reads a message from standard input and relays it through the provider of the\n"
                   "account that serves its sender.\n"),
                 program);
    (void)printf("\n");
    for (size_t i = 0; i < option_count; i++)
        if (*option_table[i].help)
            print_row(&option_table[i]);
    (void)printf("\n%s\n", _("Every key of an account can be given as an option, too:"));
    print_keys();
    (void)printf("\n%s", _("Accepted and ignored:"));
    for (size_t i = 0; i < option_count; i++)
        if (!*option_table[i].help)
            (void)printf(" -%c", option_table[i].letter);
    (void)printf("\n\n%s\n",
                 _("The manuals: onehop(1), onehop.ini(5), onehop-setup(7), onehop-queue(7),\n"
                   "onehop-security(7), onehop-oauth(7), onehop-service(8), onehopctl(8)"));
    return help_flush();
}

int help_keys(void)
{
    for (size_t i = 0; i < key_count; i++) {
        const struct section_kind *kind = section_kinds;
        while (kind->kind != key_table[i].section)
            kind++;
        (void)printf("%s %s\n", kind->word, key_table[i].name);
    }
    return help_flush();
}

int help_options(void)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].letter)
            (void)printf("-%c\n", option_table[i].letter);
    struct longoptions all = {0};
    longoptions_make(&all);
    for (size_t i = 0; i < all.n; i++)
        (void)printf("--%s\n", all.name[i]);
    longoptions_clear(&all);
    return help_flush();
}
