#include "suite.h"

#include "base/base64.h"
#include "base/memory.h"
#include "base/sasl.h"
#include "base/str.h"
#include "script.h"
#include "config/account.h"
#include "smtp/session.h"
#include "delivery/verdict.h"

#define OK "235 2.7.0 ok\r\n"
#define NO "535 5.7.8 no\r\n"

enum { PASS = -1, STEPS_MAX = 4 };

static const struct {
    const char *name;
    const char *mechanism;
    const char *offer;
    const char *user, *password;
    bool clear; /* no TLS */
    bool without_tls;
    struct script_step step[STEPS_MAX];
    int code;
    enum error_class class;
    const char *text;
} rows[] = {
    /* clang-format off */
    {"PLAIN", "", "AUTH LOGIN PLAIN", "tim", "tanstaaftanstaaf", false, false,
     {{"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", OK, 0, false}}, PASS, 0, NULL},
    {"the old spelling", "", "AUTH=PLAIN", "tim", "tanstaaftanstaaf", false, false,
     {{"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", OK, 0, false}}, PASS, 0, NULL},
    {"LOGIN gives nothing away unasked", "", "AUTH XPLAIN PLAIN-X LOGIN", "u", "p", false,
     false,
     {{"AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", 0, false}, {"dQ==\r\n", "334 x\r\n", 0, false},
      {"cA==\r\n", OK, 0, false}}, PASS, 0, NULL},
    {"LOGIN, user refused", "login", "AUTH LOGIN", "u", "p", false, false,
     {{"AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", 0, false}, {"dQ==\r\n", NO, 0, false}},
     EX_NOPERM, ERROR_PERMANENT, "LOGIN"},
    {"EXTERNAL", "external", "AUTH EXTERNAL", "", "", true, false,
     {{"AUTH EXTERNAL =\r\n", OK, 0, false}}, PASS, 0, NULL},
    {"EXTERNAL as somebody", "external", "AUTH EXTERNAL", "u", "", false, false,
     {{"AUTH EXTERNAL dQ==\r\n", OK, 0, false}}, PASS, 0, NULL},
    {"OAUTHBEARER", "oauthbearer", "AUTH OAUTHBEARER", "a,b=c", "t0k", false, false,
     /* n,a=a=2Cb=3Dc,^Ahost=mx^Aport=587^Aauth=Bearer t0k^A^A */
     {{"AUTH OAUTHBEARER bixhPWE9MkNiPTNEYywBaG9zdD1teAFwb3J0PTU4NwFhdXRoPUJlYXJlciB0MGsBAQ==\r\n",
       OK, 0, false}}, PASS, 0, NULL},
    {"OAUTHBEARER, token too old", "oauthbearer", "AUTH OAUTHBEARER", "u", "t", false, false,
     {{"AUTH OAUTHBEARER bixhPXUsAWhvc3Q9bXgBcG9ydD01ODcBYXV0aD1CZWFyZXIgdAEB\r\n",
       "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n", 0, false}, {"AQ==\r\n", NO, 0, false}},
     EX_NOPERM, ERROR_PERMANENT, "{\"status\":\"401\"}"},
    {"XOAUTH2, token too old", "xoauth2", "AUTH XOAUTH2", "u", "t", false, false,
     {{"AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==\r\n",
       "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n", 0, false}, {"\r\n", NO, 0, false}},
     EX_NOPERM, ERROR_PERMANENT, "{\"status\":\"401\"}"},
    {"XOAUTH2, success after it was given up", "xoauth2", "AUTH XOAUTH2", "u", "t", false, false,
     {{"AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==\r\n", "334 e30=\r\n", 0, false},
      {"\r\n", OK, 0, false}}, EX_PROTOCOL, ERROR_TEMPORARY, "no sense"},
    {"endless challenges", "plain", "AUTH PLAIN", "u", "p", false, false,
     {{"AUTH PLAIN AHUAcA==\r\n", "334 \r\n", 0, false}, {"*\r\n", "334 \r\n", 0, false}},
     EX_PROTOCOL, ERROR_TEMPORARY, "no sense"},
    {"wrong password", "", "AUTH PLAIN", "u", "p", false, false,
     {{"AUTH PLAIN AHUAcA==\r\n", NO, 0, false}}, EX_NOPERM, ERROR_PERMANENT, "PLAIN"},
    {"refused for now", "", "AUTH PLAIN", "u", "p", false, false,
     {{"AUTH PLAIN AHUAcA==\r\n", "454 4.7.0 later\r\n", 0, false}},
     EX_TEMPFAIL, ERROR_TEMPORARY, "PLAIN"},
    {"250 is no success", "", "AUTH PLAIN", "u", "p", false, false,
     {{"AUTH PLAIN AHUAcA==\r\n", "250 ok\r\n", 0, false}}, EX_PROTOCOL, ERROR_TEMPORARY, NULL},
    {"no AUTH", "", "HELP", "u", "p", false, false, {{0}},
     EX_UNAVAILABLE, ERROR_PERMANENT, "does not offer a login"},
    {"nothing in common", "", "AUTH GSSAPI SCRAM-SHA-256X", "u", "p", false, false, {{0}},
     EX_UNAVAILABLE, ERROR_PERMANENT, "PLAIN, LOGIN"},
    {"EXTERNAL only when asked for", "", "AUTH EXTERNAL", "u", "p", false, false, {{0}},
     EX_UNAVAILABLE, ERROR_PERMANENT, NULL},
    {"not without TLS", "", "AUTH PLAIN", "u", "p", true, false, {{0}},
     EX_UNAVAILABLE, ERROR_PERMANENT, "use TLS"},
    {"not without TLS, tokens neither", "xoauth2", "AUTH XOAUTH2", "u", "p", true, false, {{0}},
     EX_UNAVAILABLE, ERROR_PERMANENT, "use TLS"},
    {"without TLS if it is wished", "", "AUTH PLAIN", "u", "p", true, true,
     {{"AUTH PLAIN AHUAcA==\r\n", OK, 0, false}}, PASS, 0, NULL},
    /* clang-format on */
};

/* Keeps the dialogue as -v would show it. */
static void keep(void *context, enum trace_kind kind, const char *line, size_t len)
{
    str_add(context, kind == TRACE_SENT ? ">" : "<");
    str_add_n(context, line, len);
    str_add(context, "\n");
}

static void check_trace(const struct str *trace, const struct script_step *step)
{
    for (; step->write; step++) {
        const char *secret = strrchr(step->write, ' ');
        secret = secret ? secret + 1 : step->write;
        if (strlen(secret) > 4 && strncmp(secret, "LOGIN", 5) != 0)
            assert_null(strstr(trace->data, secret));
    }
}

static void logins_end_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str ehlo = {0}, trace = {0}, password = {.secret = true};
        str_addf(&ehlo, "250-mx\r\n250 %s\r\n", rows[i].offer);
        str_add(&password, rows[i].password);
        struct script_step steps[STEPS_MAX + 3] = {
            {NULL, "220 mx\r\n", 0, false},
            {"EHLO me\r\n", ehlo.data, 0, false},
        };
        size_t n = 2;
        for (size_t k = 0; k < STEPS_MAX && rows[i].step[k].write; k++)
            steps[n++] = rows[i].step[k];
        if (!rows[i].text || strcmp(rows[i].text, "no sense") != 0) /* nonsense ends the session */
            steps[n++] = (struct script_step){"QUIT\r\n", NULL, 0, false};
        struct script script;
        script_start(&script, steps, n);
        struct sasl_login login = {.mechanism = rows[i].mechanism,
                                      .user = rows[i].user,
                                      .password = &password,
                                      .host = "mx",
                                      .port = 587,
                                      .without_tls = rows[i].without_tls};
        struct session_params params = {.hello = "me",
                                        .secure = !rows[i].clear,
                                        .login = &login,
                                        .timeout = 1000,
                                        .trace = keep,
                                        .context = &trace};
        struct session *session = session_new(&script.stream, &params);
        struct error err = {0};
        assert_true(session_hello(session, &err));
        bool ok = session_login(session, &err);
        if (!ok)
            verdict_judge(&err, NULL);
        print_message("# %s: %s\n", rows[i].name, ok ? "passed" : err.text);
        session_end(session);
        if (script.complaint.len)
            print_message("# wrote %s\n", script.complaint.data);
        assert_int_equal(ok, rows[i].code == PASS);
        assert_true(script_played(&script));
        if (!ok) {
            assert_int_equal(err.code, rows[i].code);
            assert_int_equal(err.class, rows[i].class);
            assert_int_equal(err.scope, ERROR_ACCOUNT);
        }
        if (rows[i].text)
            assert_non_null(strstr(err.text, rows[i].text));
        check_trace(&trace, rows[i].step);
        script_clear(&script);
        str_clear(&ehlo);
        str_clear(&trace);
        str_clear(&password);
    }
}

/* What does not fit into 512 octets with CRLF waits for the server to ask (RFC 4954, 4). */
static void log_in_with_token(size_t len, bool fits)
{
    struct str token = {.secret = true}, plain = {0}, coded = {0}, line = {0};
    while (token.len < len)
        str_add_char(&token, 't');
    str_addf(&plain, "user=u\001auth=Bearer %s\001\001", token.data);
    base64_encode(&coded, plain.data, plain.len);
    str_add(&coded, "\r\n");
    str_addf(&line, "AUTH XOAUTH2 %s", coded.data);
    assert_int_equal(line.len <= 512, fits);
    const struct script_step at_once[] = {
        {NULL, "220 mx\r\n", 0, false},
        {"EHLO me\r\n", "250-mx\r\n250 AUTH XOAUTH2\r\n", 0, false},
        {line.data, OK, 0, false},
        {"QUIT\r\n", NULL, 0, false},
    };
    const struct script_step later[] = {
        {NULL, "220 mx\r\n", 0, false},
        {"EHLO me\r\n", "250-mx\r\n250 AUTH XOAUTH2\r\n", 0, false},
        {"AUTH XOAUTH2\r\n", "334 \r\n", 0, false},
        {coded.data, OK, 0, false},
        {"QUIT\r\n", NULL, 0, false},
    };
    struct script script;
    script_start(&script, fits ? at_once : later, fits ? 4 : 5);
    struct sasl_login login = {
        .mechanism = "xoauth2", .user = "u", .password = &token, .host = "mx"};
    struct session_params params = {.hello = "me", .secure = true, .login = &login, .timeout = 9};
    struct session *session = session_new(&script.stream, &params);
    struct error err = {0};
    assert_true(session_hello(session, &err));
    assert_true(session_login(session, &err));
    session_end(session);
    assert_true(script_played(&script));
    script_clear(&script);
    str_clear(&token);
    str_clear(&plain);
    str_clear(&coded);
    str_clear(&line);
}

static void a_long_token_is_not_on_the_auth_line(void **state)
{
    (void)state;
    log_in_with_token(1, true);
    log_in_with_token(351, true);
    log_in_with_token(352, false);
    log_in_with_token(2500, false);
    log_in_with_token(6000, false);
    log_in_with_token(20000, false);
}

/* What is known here is what the key `auth` can name, in small letters. */
static void every_mechanism_is_a_method_of_accounts(void **state)
{
    (void)state;
    const struct key *key = key_find(KEY_ACCOUNT, "auth");
    struct account *account = account_new("a", SCOPE_USER);
    struct error err;
    for (size_t i = 0; sasl_at(i); i++) {
        struct str shown = {0};
        assert_true(account_set(account, "auth", sasl_at(i)->name, "", &err));
        assert_ptr_equal(account_sasl(account->auth), sasl_at(i));
        key_print(key, account, &shown);
        assert_true(strcasecmp(str_text(&shown), sasl_at(i)->name) == 0);
        assert_null(strpbrk(str_text(&shown), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        str_clear(&shown);
    }
    assert_true(account_set(account, "auth", "yes", "", &err));
    assert_null(account_sasl(account->auth));
    assert_int_equal(account->auth, AUTH_ON);
    assert_false(account_set(account, "auth", "nonsense", "", &err));
    assert_non_null(strstr(err.text, "auth must be one of off, on, scram-sha-256-plus, "));
    account_free(account);
    assert_true(sasl_find("external")->needs_no_secret && sasl_find("gssapi")->needs_no_secret);
    assert_true(sasl_find("xoauth2")->takes_token);
    assert_null(sasl_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_end_as_told),
        cmocka_unit_test(a_long_token_is_not_on_the_auth_line),
        cmocka_unit_test(every_mechanism_is_a_method_of_accounts),
    };
    return cmocka_run_group_tests_name("sasl", tests, NULL, NULL);
}
