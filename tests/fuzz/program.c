/* The whole program for AFL++, on command lines and standard input: tests/fuzz/program builds it.
 * An input is words that end in NUL, the name that the program is called by first; an empty word
 * ends them, and what follows is standard input. The account is a Maildir below ONEHOP_FUZZ_ROOT.
 *
 * Every exit status is one that is documented. A call with nothing but recipients and ordinary
 * options that succeeds leaves mail, in the Maildir or in the queue. */
#include "config.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/module.h"
#include "base/str.h"
#include "compat/msmtprc.h"
#include "command.h"

enum { INPUT_MAX = 1 << 20, WORDS_MAX = 64 };

const char *module_file(void)
{
    return "/nonexistent";
}

static const char *below(struct str *path, const char *name)
{
    str_addf(path, "%s/%s", getenv("ONEHOP_FUZZ_ROOT"), name);
    return str_text(path);
}

/* Mail in a directory below the root; none is left if REMOVE. */
static size_t mail_in(const char *name, bool remove)
{
    struct str path = {0}, file = {0};
    size_t n = 0;
    DIR *dir = opendir(below(&path, name));
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        str_truncate(&file, 0);
        str_addf(&file, "%s/%s", str_text(&path), entry->d_name);
        if (remove)
            (void)unlink(str_text(&file));
    }
    if (dir)
        (void)closedir(dir);
    str_clear(&path);
    str_clear(&file);
    return n;
}

static size_t mail(bool remove)
{
    return mail_in("mail/new", remove) + mail_in("spool/queue", remove) +
           mail_in("spool/failed", remove);
}

/* Words that neither send a copy elsewhere nor ask for anything but a delivery. */
static bool is_plain(int argc, char **argv)
{
    static const char *const plain[] = {"-t", "-i", "-oi", "-oem", "-odi", "-odq", "--"};
    if (argc == 0 || strcmp(argv[0], "sendmail") != 0)
        return false;
    for (int i = 1; i < argc; i++) {
        bool known = argv[i][0] != '-';
        for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
            known = known || strcmp(argv[i], plain[k]) == 0;
        if (!known)
            return false;
    }
    return argc > 1;
}

static void give_input(const char *text, size_t len)
{
    int fd = memfd_create("input", 0);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0 ||
        dup2(fd, STDIN_FILENO) != STDIN_FILENO)
        exit(0);
    (void)close(fd);
}

static int run(int argc, char **argv)
{
    struct str text[8] = {0};
    const struct paths paths = {
        .sysconfdir = below(&text[0], "etc"),
        .pkgdatadir = below(&text[1], "share"),
        .statedir = below(&text[2], "spool"),
        .rundir = below(&text[3], "run"),
        .read_msmtprc = msmtprc_load,
        .localedir = below(&text[4], "locale"),
        .tokendir = below(&text[5], "tokens"),
        .token_program = "/nonexistent",
        .bindir = below(&text[6], "bin"),
        .secretsdir = below(&text[7], "secrets"),
    };
    int code = command_run(argc, argv, &paths);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        str_clear(&text[i]);
    return code;
}

int main(void)
{
    static char input[INPUT_MAX + 1];
    char *argv[WORDS_MAX + 1] = {0};
    size_t len = 0;
    for (ssize_t n; len < INPUT_MAX && (n = read(STDIN_FILENO, input + len, INPUT_MAX - len)) > 0;)
        len += (size_t)n;
    char *at = input, *end = input + len;
    int argc = 0;
    for (; argc < WORDS_MAX && at < end && *at; at += strlen(at) + 1)
        argv[argc++] = at;
    at = at < end ? at + 1 : end;
    if (argc == 0)
        return 0;
    give_input(at, (size_t)(end - at));
    (void)mail(true);
    int code = run(argc, argv);
    if (code != EX_OK && code != 1 && code != 2 && code != 3 && (code < EX_USAGE || code > EX_CONFIG))
        abort();
    if (code == EX_OK && is_plain(argc, argv) && mail(false) == 0)
        abort();
    return 0;
}
