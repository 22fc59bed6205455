#include "suite.h"

#include "base/memory.h"
#include "delivery/remedy.h"

static void the_line_to_change_is_named(void **state)
{
    (void)state;
    static const struct {
        enum error_finding finding;
        int port;
        bool tls, starttls, as_msmtp;
        const char *text;
    } rows[] = {
        {FINDING_NONE, 25, true, true, false, "x"},
        {FINDING_UNREACHABLE, 25, true, true, false,
         "x; many networks block port 25: try `port = 587` (`tls_starttls = on`) or `port = 465` "
         "(`tls_starttls = off`)"},
        {FINDING_UNREACHABLE, 2525, true, true, true,
         "x; mail is submitted at other ports: try `port 587` (`tls_starttls on`) or `port 465` "
         "(`tls_starttls off`)"},
        {FINDING_UNREACHABLE, 587, true, true, false, "x"},
        {FINDING_UNREACHABLE, 465, true, false, false, "x"},
        {FINDING_NO_TLS, 587, true, false, false,
         "x; port 587 begins without TLS: set `tls_starttls = on`"},
        {FINDING_NO_TLS, 587, true, false, true,
         "x; port 587 begins without TLS: set `tls_starttls on`"},
        {FINDING_NO_TLS, 587, true, true, false, "x"}, /* after STARTTLS */
        {FINDING_TLS_FIRST, 465, true, true, false,
         "x; port 465 speaks TLS from the start: set `tls_starttls = off`"},
        {FINDING_TLS_FIRST, 465, false, true, true,
         "x; port 465 speaks TLS from the start: set `tls on` and `tls_starttls off`"},
        {FINDING_NO_STARTTLS, 587, true, true, false,
         "x; port 587 speaks without TLS: try `port = 465` (`tls_starttls = off`), and trust `tls "
         "= "
         "off` only on a network of your own"},
        {FINDING_TOKENS_ONLY, 587, true, true, false,
         "x; it takes tokens, not passwords: set `auth = xoauth2` and a `password_command` that "
         "prints "
         "an access token"},
        {FINDING_TOKENS_ONLY, 587, true, true, true,
         "x; it takes tokens, not passwords: set `auth xoauth2` and a `passwordeval` that prints "
         "an "
         "access token"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account *a = account_new("work", SCOPE_USER);
        struct error err;
        a->port = rows[i].port;
        a->tls = rows[i].tls;
        a->tls_starttls = rows[i].starttls;
        a->as_msmtp = rows[i].as_msmtp;
        (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "x");
        err.finding = rows[i].finding;
        remedy_append(&err, a);
        assert_string_equal(err.text, rows[i].text);
        account_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_line_to_change_is_named)};
    return cmocka_run_group_tests_name("remedy", tests, NULL, NULL);
}
