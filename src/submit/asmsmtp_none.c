/* In place of asmsmtp.c where configure leaves msmtp out: no caller uses its name. */
#include "config.h"
#include "submit/asmsmtp.h"

bool asmsmtp_check_file(const struct send_context *s, struct error *err)
{
    (void)s, (void)err;
    return true;
}

void asmsmtp_show_files(const struct send_context *s)
{
    (void)s;
}

void asmsmtp_show_account(const struct send_context *s)
{
    (void)s;
}

bool asmsmtp_environment(struct send_context *s)
{
    (void)s;
    return false;
}

bool asmsmtp_check_account(const struct send_context *s, struct error *err)
{
    (void)s, (void)err;
    return true;
}
