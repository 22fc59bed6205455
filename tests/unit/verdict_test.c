#include "suite.h"

#include "base/error.h"
#include "delivery/verdict.h"

struct reply_case {
    const char *name;
    enum error_scope scope;
    int code, reply_code;
    const char *status, *reply, *sender;
    enum error_scope expected;
};

static void account_trouble_is_told_from_trouble_with_the_mail(void **state)
{
    (void)state;
    static const struct reply_case cases[] = {
        {"own sender refused", ERROR_MESSAGE, EX_DATAERR, 550, "5.1.8", "550 no", "me@example.com",
         ERROR_ACCOUNT},
        {"own sender, other case", ERROR_MESSAGE, EX_DATAERR, 550, "", "550 no", "ME@Example.com",
         ERROR_ACCOUNT},
        {"other sender refused", ERROR_MESSAGE, EX_DATAERR, 550, "", "550 no", "you@example.com",
         ERROR_MESSAGE},
        {"content refused", ERROR_MESSAGE, EX_UNAVAILABLE, 554, "5.7.1", "554 spam",
         "me@example.com", ERROR_MESSAGE},
        {"recipient unknown", ERROR_RECIPIENT, EX_NOUSER, 550, "5.1.1", "550 unknown",
         "me@example.com", ERROR_RECIPIENT},
        {"daily quota", ERROR_MESSAGE, EX_UNAVAILABLE, 550, "5.4.5", "550 5.4.5 quota", "a@b.c",
         ERROR_ACCOUNT},
        {"may not send as", ERROR_RECIPIENT, EX_NOUSER, 554, "5.7.60", "554 5.7.60 no", "a@b.c",
         ERROR_ACCOUNT},
        {"provider's pattern", ERROR_RECIPIENT, EX_NOUSER, 553, "", "553 Mail from must equal user",
         "a@b.c", ERROR_ACCOUNT},
        {"pattern in a temporary reply", ERROR_RECIPIENT, EX_TEMPFAIL, 450, "",
         "450 mail from must equal user", "a@b.c", ERROR_RECIPIENT},
    };
    char *patterns[] = {"mail from must equal"};
    const struct strlist trouble = {.item = patterns, .n = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply_case *c = &cases[i];
        struct error err;
        error_set(&err, c->scope, c->reply_code < 500 ? ERROR_TEMPORARY : ERROR_PERMANENT, c->code,
                  "%s", c->name);
        err.reply_code = c->reply_code;
        strncat(err.status, c->status, sizeof err.status - 1);
        strncat(err.reply, c->reply, sizeof err.reply - 1);
        const struct verdict_rules rules = {c->sender, "me@example.com", &trouble};
        verdict_classify(&err, &rules);
        print_message("# %s\n", c->name);
        assert_int_equal(err.scope, c->expected);
        if (c->expected == ERROR_ACCOUNT) {
            assert_int_equal(err.class, ERROR_TEMPORARY);
            assert_int_equal(verdict_code(&err), EX_TEMPFAIL);
        }
    }
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
        assert_int_equal(v.worst, cases[i].worst);
        outcome_clear(o, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_trouble_is_told_from_trouble_with_the_mail),
        cmocka_unit_test(codes_follow_the_table),
        cmocka_unit_test(one_verdict_comes_from_many_outcomes),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
