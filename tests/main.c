/* The program with its places taken from the environment, for tests: ONEHOP_TEST_ROOT is the
 * directory that holds etc, share, spool and run. The installed program has no such door. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/str.h"
#include "command.h"

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
    struct str text[4] = {0};
    const struct paths paths = {
        .sysconfdir = below(&text[0], root, "etc"),
        .pkgdatadir = below(&text[1], root, "share"),
        .statedir = below(&text[2], root, "spool"),
        .rundir = below(&text[3], root, "run"),
    };
    int code = command_run(argc, argv, &paths);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        str_clear(&text[i]);
    return code;
}
