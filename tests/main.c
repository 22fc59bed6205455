/* The program with its places taken from the environment, for tests: ONEHOP_TEST_ROOT is the
 * directory that holds etc, share, spool, run and locale. The installed program has no such door.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/confine.h"
#include "base/module.h"
#include "base/str.h"
#include "compat/msmtprc.h"
#include "command.h"

/* Asked by the leak sanitizer. The thread of a lookup may still be in the C library when the process
 * ends, with memory that the library would have freed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:res_context_send\n";
}

/* ROOT/lib/tls.so, for tests of other modules and for uids that may not enter the build tree. */
const char *module_file(void)
{
    static char path[4096];
    struct stat facts;
    (void)snprintf(path, sizeof path, "%s/lib/tls.so", getenv("ONEHOP_TEST_ROOT"));
    return lstat(path, &facts) == 0 ? path : MODULE_FILE;
}

/* Another one for tests of an installation without it. */
static const char *token_program(void)
{
    const char *program = getenv("ONEHOP_TEST_TOKEN_PROGRAM");
    return program ? program : TOKEN_PROGRAM;
}

static const char *below(struct str *path, const char *root, const char *name)
{
    str_addf(path, "%s/%s", root, name);
    return str_text(path);
}

int main(int argc, char **argv)
{
    const char *root = getenv("ONEHOP_TEST_ROOT");
    if (!root || *root != '/') {
        (void)fputs("ONEHOP_TEST_ROOT must name a directory\n", stderr);
        return EX_USAGE;
    }
    if (getenv("ONEHOP_TEST_CONFINED")) /* else strace and /proc of an ordinary user see nothing */
        confine_memory();
    struct str text[8] = {0};
    const struct paths paths = {
        .sysconfdir = below(&text[0], root, "etc"),
        .pkgdatadir = below(&text[1], root, "share"),
        .statedir = below(&text[2], root, "spool"),
        .rundir = below(&text[3], root, "run"),
        .read_msmtprc = msmtprc_load,
        .localedir = below(&text[4], root, "locale"),
        .tokendir = below(&text[5], root, "tokens"),
        .token_program = token_program(),
        .bindir = below(&text[6], root, "bin"),
        .secretsdir = below(&text[7], root, "secrets"),
    };
    int code = command_run(argc, argv, &paths);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        str_clear(&text[i]);
    return code;
}
