/* Picks nothing and decides nothing: hands the compiled-in places to the command layer. */
#include "config.h"

#include "base/confine.h"
#include "base/module.h"
#include "compat/msmtprc.h"
#include "command.h"

const char *module_file(void)
{
    return MODULE_FILE;
}

int main(int argc, char **argv)
{
    static const struct paths paths = {
        .bindir = BINDIR,
        .sysconfdir = SYSCONFDIR,
        .pkgdatadir = PKGDATADIR,
        .statedir = STATEDIR,
        .rundir = RUNDIR,
        .read_msmtprc = msmtprc_load,
        .localedir = LOCALEDIR,
        .tokendir = TOKENDIR,
        .token_program = TOKEN_PROGRAM,
        .secretsdir = "/run/secrets",
    };
    confine_memory(); /* not in the program of the tests: they look into its processes */
    return command_run(argc, argv, &paths);
}
