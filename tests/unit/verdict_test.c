#include "suite.h"

#include "base/error.h"
#include "smtp/refusal.h"
#include "delivery/verdict.h"

/* A(ccount), M(essage) or R(ecipient); T(emporary) or P(ermanent). */
struct reply_case {
    const char *name;
    enum error_command command;
    const char *reply, *sender, *scope_class;
    int code;
    enum error_cause cause;
};

#define OWN "me@example.com"

static const struct reply_case reply_cases[] = {
    {"own sender refused", COMMAND_MAIL, "550 5.1.8 no", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"own sender, other case", COMMAND_MAIL, "550 no", "ME@Example.com", "AT", EX_TEMPFAIL,
     CAUSE_THROTTLE},
    {"own sender, for now", COMMAND_MAIL, "450 4.7.1 no", OWN, "MT", EX_TEMPFAIL, 0},
    {"another sender refused", COMMAND_MAIL, "550 no", "you@example.com", "MP", EX_DATAERR, 0},
    {"too big at MAIL", COMMAND_MAIL, "552 5.3.4 too big", OWN, "MP", EX_UNAVAILABLE, 0},
    {"552 says so, too", COMMAND_MAIL, "552 no", OWN, "MP", EX_UNAVAILABLE, 0},
    {"no conversion at MAIL", COMMAND_MAIL, "550 5.6.7 no UTF-8", OWN, "MP", EX_UNAVAILABLE, 0},
    {"too long at MAIL", COMMAND_MAIL, "554 5.2.3 no", OWN, "MP", EX_UNAVAILABLE, 0},
    {"5.60 is not 5.6", COMMAND_MAIL, "554 5.60.1 no", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"mailbox full", COMMAND_RCPT, "552 5.2.2 full", OWN, "RP", EX_NOUSER, 0},
    {"too big at the content", COMMAND_CONTENT, "552 5.3.4 no", OWN, "MP", EX_UNAVAILABLE, 0},
    {"blocked content", COMMAND_CONTENT, "552 5.7.0 blocked", OWN, "MP", EX_UNAVAILABLE, 0},
    {"content refused", COMMAND_CONTENT, "554 5.7.1 spam", OWN, "MP", EX_UNAVAILABLE, 0},
    {"content for now", COMMAND_CONTENT, "451 4.3.0 no", OWN, "MT", EX_TEMPFAIL, 0},
    {"DATA refused", COMMAND_DATA, "554 no", OWN, "MP", EX_UNAVAILABLE, 0},
    {"recipient unknown", COMMAND_RCPT, "550 5.1.1 no", OWN, "RP", EX_NOUSER, 0},
    {"greylisted", COMMAND_RCPT, "450 4.7.1 later", OWN, "RT", EX_TEMPFAIL, 0},
    {"daily quota", COMMAND_CONTENT, "550 5.4.5 quota", "a@b.c", "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"may not send as", COMMAND_RCPT, "554 5.7.60 no", "a@b.c", "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"no passwords", COMMAND_MAIL, "535 5.7.30 no", "a@b.c", "AP", EX_NOPERM, CAUSE_LOGIN},
    {"no passwords, said late", COMMAND_CONTENT, "550 5.7.30 no", OWN, "AT", EX_TEMPFAIL,
     CAUSE_LOGIN},
    {"the next server is not safe, TLS on", COMMAND_CONTENT, "550 5.7.30 no", OWN, "MP",
     EX_UNAVAILABLE, 0},
    {"not logged in", COMMAND_MAIL, "550 5.7.57 no", "a@b.c", "AT", EX_TEMPFAIL, CAUSE_LOGIN},
    {"provider's pattern", COMMAND_RCPT, "553 Mail from must equal user", "a@b.c", "AT",
     EX_TEMPFAIL, CAUSE_THROTTLE},
    {"pattern before size", COMMAND_MAIL, "552 mail from must equal user", "a@b.c", "AT",
     EX_TEMPFAIL, CAUSE_THROTTLE},
    {"pattern in a temporary reply", COMMAND_RCPT, "450 mail from must equal user", "a@b.c", "RT",
     EX_TEMPFAIL, 0},
    {"login required", COMMAND_MAIL, "530 5.7.0 no", OWN, "AP", EX_NOPERM, CAUSE_LOGIN},
    {"login required, said late", COMMAND_RCPT, "530 no", OWN, "AP", EX_NOPERM, CAUSE_LOGIN},
    {"login too weak", COMMAND_AUTH, "534 5.7.9 no", OWN, "AP", EX_NOPERM, CAUSE_LOGIN},
    {"login wrong", COMMAND_AUTH, "535 5.7.8 no", OWN, "AP", EX_NOPERM, CAUSE_LOGIN},
    {"login wants encryption", COMMAND_AUTH, "538 no", OWN, "AP", EX_NOPERM, CAUSE_LOGIN},
    {"login refused otherwise", COMMAND_AUTH, "504 no", OWN, "AP", EX_NOPERM, CAUSE_LOGIN},
    {"too many logins", COMMAND_AUTH, "454 4.7.0 no", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"no login for now", COMMAND_AUTH, "451 no", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"closing", COMMAND_RCPT, "421 4.7.0 slow down", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"closing at once", COMMAND_GREETING, "421 no", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"threads", COMMAND_CONTENT, "432 4.3.2 limit", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"mail too fast", COMMAND_RCPT, "450 4.2.1 no", OWN, "AT", EX_TEMPFAIL, CAUSE_THROTTLE},
    {"greeted with 554", COMMAND_GREETING, "554 no", OWN, "AT", EX_TEMPFAIL, CAUSE_NETWORK},
    {"EHLO refused", COMMAND_EHLO, "550 no", OWN, "AT", EX_TEMPFAIL, CAUSE_NETWORK},
    {"STARTTLS refused", COMMAND_STARTTLS, "502 no", OWN, "AT", EX_UNAVAILABLE, CAUSE_NETWORK},
    {"no TLS for now", COMMAND_STARTTLS, "451 no", OWN, "AT", EX_TEMPFAIL, CAUSE_NETWORK},
    {"ETRN refused", COMMAND_ETRN, "550 no", OWN, "MP", EX_DATAERR, 0},
    {"no refusal", COMMAND_GREETING, "250 what", OWN, "AT", EX_PROTOCOL, CAUSE_NETWORK},
};

static void each_reply_is_judged_by_the_command_it_answers(void **state)
{
    (void)state;
    char *patterns[] = {"mail from must equal"};
    const struct strlist trouble = {.item = patterns, .n = 1};
    for (size_t i = 0; i < sizeof reply_cases / sizeof *reply_cases; i++) {
        const struct reply_case *c = &reply_cases[i];
        struct reply reply = {0};
        struct error err;
        struct str line = {0};
        size_t used;
        str_addf(&line, "%s\r\n", c->reply);
        assert_true(reply_add(&reply, line.data, line.len, &used, &err));
        (void)refusal_set(&err, c->command, &reply, "%s", c->name);
        const struct verdict_facts facts = {c->sender, OWN, &trouble, strstr(c->name, "TLS on")};
        verdict_judge(&err, &facts);
        print_message("# %s\n", c->name);
        assert_int_equal("AMR"[err.scope], c -> scope_class[0]);
        assert_int_equal("TP"[err.class], c -> scope_class[1]);
        assert_int_equal(err.code, c->code);
        assert_int_equal(err.cause, c->cause);
        reply_clear(&reply);
        str_clear(&line);
    }
}

static void only_a_missing_mailbox_is_everybodys_answer(void **state)
{
    (void)state;
    static const struct {
        enum error_command command;
        int code;
        const char *status;
        bool about_mailbox;
    } rows[] = {
        {COMMAND_RCPT, 550, "5.1.1", true},     {COMMAND_RCPT, 550, "5.1.2", true},
        {COMMAND_RCPT, 556, "5.1.10", true},    {COMMAND_RCPT, 552, "5.2.2", true},
        {COMMAND_CONTENT, 550, "5.1.1", false}, {COMMAND_RCPT, 450, "4.1.1", false},
        {COMMAND_RCPT, 550, "5.1.8", false},    {COMMAND_RCPT, 550, "5.7.1", false},
        {COMMAND_RCPT, 552, "5.2.3", false},    {COMMAND_RCPT, 550, "", false},
        {COMMAND_MAIL, 550, "5.1.1", false},    {COMMAND_RCPT, 550, "5.1.100", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {.command = rows[i].command, .reply_code = rows[i].code};
        (void)snprintf(err.status, sizeof err.status, "%s", rows[i].status);
        verdict_judge(&err, NULL);
        print_message("# %d %s\n", rows[i].code, rows[i].status);
        assert_int_equal(verdict_is_about_mailbox(&err), rows[i].about_mailbox);
    }
}

static void what_is_no_refusal_keeps_what_was_noted(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, "too big for SIZE");
    verdict_judge(&err, NULL);
    assert_int_equal(err.scope, ERROR_MESSAGE);
    assert_int_equal(err.code, EX_UNAVAILABLE);
    error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL, "an early reply");
    err.command = COMMAND_CONTENT;
    err.reply_code = 550;
    verdict_judge(&err, NULL);
    assert_int_equal(err.scope, ERROR_ACCOUNT);
    assert_int_equal(err.cause, CAUSE_NETWORK);
    error_config(&err, "the password command failed");
    err.command = COMMAND_PASSWORD;
    verdict_judge(&err, NULL);
    assert_int_equal(err.code, EX_CONFIG);
    assert_int_equal(err.cause, CAUSE_LOGIN);
}

static void codes_follow_the_table(void **state)
{
    (void)state;
    static const struct {
        enum error_scope scope;
        enum error_class class;
        int code, expected;
    } cases[] = {
        {ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, EX_TEMPFAIL},
        {ERROR_ACCOUNT, ERROR_PERMANENT, EX_UNAVAILABLE, EX_TEMPFAIL}, /* no STARTTLS */
        {ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, EX_NOPERM},
        {ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL, EX_PROTOCOL},
        {ERROR_ACCOUNT, ERROR_TEMPORARY, EX_NOHOST, EX_NOHOST},
        {ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOINPUT, EX_TEMPFAIL},
        {ERROR_ACCOUNT, ERROR_PERMANENT, EX_CONFIG, EX_CONFIG},
        {ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR, EX_DATAERR},
        {ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, EX_UNAVAILABLE},
        {ERROR_MESSAGE, ERROR_TEMPORARY, EX_TEMPFAIL, EX_TEMPFAIL},
        {ERROR_RECIPIENT, ERROR_PERMANENT, EX_NOUSER, EX_NOUSER},
        {ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL, EX_TEMPFAIL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        error_set(&err, cases[i].scope, cases[i].class, cases[i].code, "case %zu", i);
        assert_int_equal(verdict_code(&err), cases[i].expected);
    }
}

/* s: sent, d: refused for now, f: refused for good, u: untried */
static void one_verdict_comes_from_many_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *outcomes;
        bool failure;
        int code;
        size_t sent, deferred, failed, worst;
    } cases[] = {
        {"s", false, EX_OK, 1, 0, 0, 1},        {"ss", false, EX_OK, 2, 0, 0, 2},
        {"sf", false, EX_NOUSER, 1, 0, 1, 1},   {"sd", false, EX_TEMPFAIL, 1, 1, 0, 1},
        {"df", false, EX_NOUSER, 0, 1, 1, 1},   {"fd", false, EX_NOUSER, 0, 1, 1, 0},
        {"su", false, EX_TEMPFAIL, 1, 1, 0, 2}, {"uu", true, EX_PROTOCOL, 0, 2, 0, 2},
        {"du", true, EX_PROTOCOL, 0, 2, 0, 0},  {"fu", true, EX_NOUSER, 0, 1, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o[4] = {{0}};
        struct error err, failure;
        size_t n = strlen(cases[i].outcomes);
        error_set(&failure, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL, "lost");
        for (size_t k = 0; k < n; k++) {
            char what = cases[i].outcomes[k];
            error_set(&err, ERROR_RECIPIENT, what == 'f' ? ERROR_PERMANENT : ERROR_TEMPORARY,
                      what == 'f' ? EX_NOUSER : EX_TEMPFAIL, "refused");
            if (what == 's')
                o[k].result = OUTCOME_SENT;
            else if (what != 'u')
                outcome_refuse(&o[k], &err);
        }
        struct verdict v = verdict_of(o, n, cases[i].failure ? &failure : NULL);
        print_message("# %s\n", cases[i].outcomes);
        assert_int_equal(v.code, cases[i].code);
        assert_int_equal(v.sent, cases[i].sent);
        assert_int_equal(v.deferred, cases[i].deferred);
        assert_int_equal(v.failed, cases[i].failed);
        assert_ptr_equal(v.why, cases[i].worst < n ? o[cases[i].worst].error
                                : cases[i].failure ? &failure
                                                   : NULL);
        assert_int_equal(v.refusal, v.failed == n);
        outcome_clear(o, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reply_is_judged_by_the_command_it_answers),
        cmocka_unit_test(only_a_missing_mailbox_is_everybodys_answer),
        cmocka_unit_test(what_is_no_refusal_keeps_what_was_noted),
        cmocka_unit_test(codes_follow_the_table),
        cmocka_unit_test(one_verdict_comes_from_many_outcomes),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
