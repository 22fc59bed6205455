#include "suite.h"

#include "compat/msmtpcode.h"

static const struct {
    const char *name;
    enum error_step step;
    int code, reply_code;
    bool closed;
    int expected;
} cases[] = {
    {"configuration", ERROR_STEP_OTHER, EX_CONFIG, 0, false, EX_CONFIG},
    {"usage", ERROR_STEP_OTHER, EX_USAGE, 0, false, EX_USAGE},
    {"no password", ERROR_STEP_PASSWORD, EX_CONFIG, 0, false, EX_UNAVAILABLE},
    {"passwordeval failed", ERROR_STEP_PASSWORD, EX_TEMPFAIL, 0, false, EX_CONFIG},
    {"unknown host", ERROR_STEP_CONNECT, EX_NOHOST, 0, false, EX_NOHOST},
    {"connection refused", ERROR_STEP_CONNECT, EX_TEMPFAIL, 0, false, EX_TEMPFAIL},
    {"proxy refused", ERROR_STEP_CONNECT, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"no socket", ERROR_STEP_CONNECT, EX_OSERR, 0, false, EX_OSERR},
    {"greeting 421", ERROR_STEP_HELLO, EX_TEMPFAIL, 421, false, EX_PROTOCOL},
    {"greeting 554", ERROR_STEP_HELLO, EX_TEMPFAIL, 554, false, EX_PROTOCOL},
    {"closed before the greeting", ERROR_STEP_HELLO, EX_TEMPFAIL, 0, true, EX_PROTOCOL},
    {"malformed greeting", ERROR_STEP_HELLO, EX_PROTOCOL, 0, false, EX_PROTOCOL},
    {"silence", ERROR_STEP_HELLO, EX_TEMPFAIL, 0, false, EX_IOERR},
    {"no STARTTLS", ERROR_STEP_HELLO, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"trust file", ERROR_STEP_TLS, EX_NOINPUT, 0, false, EX_NOINPUT},
    {"priorities", ERROR_STEP_TLS, EX_SOFTWARE, 0, false, EX_SOFTWARE},
    {"certificate", ERROR_STEP_TLS, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"handshake", ERROR_STEP_TLS, EX_PROTOCOL, 0, false, EX_PROTOCOL},
    {"handshake took too long", ERROR_STEP_TLS, EX_TEMPFAIL, 0, false, EX_PROTOCOL},
    {"no AUTH", ERROR_STEP_LOGIN, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"wrong password", ERROR_STEP_LOGIN, EX_NOPERM, 535, false, EX_NOPERM},
    {"login fails for now", ERROR_STEP_LOGIN, EX_TEMPFAIL, 454, false, EX_NOPERM},
    {"closed while logging in", ERROR_STEP_LOGIN, EX_TEMPFAIL, 0, true, EX_PROTOCOL},
    {"5xx to MAIL", ERROR_STEP_MAIL, EX_DATAERR, 550, false, EX_DATAERR},
    {"5xx to RCPT", ERROR_STEP_MAIL, EX_NOUSER, 550, false, EX_DATAERR},
    {"5xx to DATA", ERROR_STEP_MAIL, EX_UNAVAILABLE, 554, false, EX_DATAERR},
    {"4xx to MAIL", ERROR_STEP_MAIL, EX_TEMPFAIL, 451, false, EX_UNAVAILABLE},
    {"530 to MAIL", ERROR_STEP_MAIL, EX_NOPERM, 530, false, EX_DATAERR},
    {"an early reply", ERROR_STEP_MAIL, EX_PROTOCOL, 250, false, EX_PROTOCOL},
    {"closed in DATA", ERROR_STEP_MAIL, EX_TEMPFAIL, 0, true, EX_PROTOCOL},
    {"read error in DATA", ERROR_STEP_MAIL, EX_TEMPFAIL, 0, false, EX_IOERR},
    {"5xx to the content", ERROR_STEP_CONTENT, EX_UNAVAILABLE, 554, false, EX_UNAVAILABLE},
    {"4xx to the content", ERROR_STEP_CONTENT, EX_TEMPFAIL, 451, false, EX_UNAVAILABLE},
};

static void codes_are_msmtps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {.step = cases[i].step,
                            .code = cases[i].code,
                            .reply_code = cases[i].reply_code,
                            .closed = cases[i].closed};
        print_message("# %s\n", cases[i].name);
        assert_int_equal(msmtpcode_of(&err), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(codes_are_msmtps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
