/* In place of msmtprc.c and msmtpcode.c where configure left msmtp out. */
#include "config.h"

#include <sysexits.h>

#include "compat/msmtpcode.h"
#include "compat/msmtprc.h"

const bool msmtpcode_is_built_in = false;

int msmtpcode_of(const struct error *err)
{
    return err->code;
}

bool msmtprc_load(struct configfile *file, const struct str *text, const struct stat *facts,
                  uid_t uid, struct error *err)
{
    (void)text, (void)facts, (void)uid;
    (void)error_config(err,
                       "%s: this onehop reads no msmtprc (--disable-msmtp): write an account into "
                       "onehop.ini, or move the file away and call `onehopctl setup`",
                       file->path);
    err->code = EX_UNAVAILABLE;
    return false;
}
