#include "suite.h"

#include "base/memory.h"
#include "smtp/refusal.h"
#include "smtp/reply.h"

static const struct {
    const char *name, *input;
    int code; /* 0: malformed; -1: incomplete */
    const char *status, *text;
    size_t left; /* octets that are not of this reply */
} cases[] = {
    {"one line", "250 ok\r\n", 250, "", "ok", 0},
    {"bare line feed", "250 ok\n", 250, "", "ok", 0},
    {"code alone", "250\r\n", 250, "", "", 0},
    {"many lines", "250-a\r\n250-b\r\n250 c\r\n", 250, "", "a\nb\nc", 0},
    {"more behind", "250 a\r\n250 b\r\n", 250, "", "a", 7},
    {"status code", "550 5.1.10 no\r\n", 550, "5.1.10", "5.1.10 no", 0},
    {"status code alone", "250 2.0.0\r\n", 250, "2.0.0", "2.0.0", 0},
    {"status of the second line", "550-sorry\r\n550 5.1.1 no\r\n", 550, "5.1.1", "sorry\n5.1.1 no",
     0},
    {"status of another class", "550 4.1.1 no\r\n", 550, "", "4.1.1 no", 0},
    {"an address is no status code", "250 2.0.0.1 hi\r\n", 250, "", "2.0.0.1 hi", 0},
    {"status with four digits", "550 5.1000.1 x\r\n", 550, "", "5.1000.1 x", 0},
    {"controls", "250 a\033[1mb\r\n", 250, "", "a?[1mb", 0},
    {"CR inside", "250 a\rb\r\n", 250, "", "a?b", 0},
    {"half a line", "250 ok", -1, "", "", 0},
    {"half a reply", "250-ok\r\n", -1, "", "", 0},
    {"empty line", "\r\n", 0, "", "", 0},
    {"no code", "hello\r\n", 0, "", "", 0},
    {"two digits", "25 ok\r\n", 0, "", "", 0},
    {"four digits", "2500 ok\r\n", 0, "", "", 0},
    {"code too low", "150 ok\r\n", 0, "", "", 0},
    {"code too high", "650 ok\r\n", 0, "", "", 0},
    {"other separator", "250_ok\r\n", 0, "", "", 0},
    {"mixed codes", "250-a\r\n550 b\r\n", 0, "", "", 0},
    {"mixed to success", "550-a\r\n250 b\r\n", 0, "", "", 0},
    {"blank in front", " 250 ok\r\n", 0, "", "", 0},
};

/* Gives PIECE octets at a time. */
static void check(size_t i, size_t piece)
{
    struct reply reply = {0};
    struct error err = {0};
    size_t at = 0, len = strlen(cases[i].input);
    bool ok = true;
    while (ok && at < len && !reply.complete) {
        size_t used, n = piece < len - at ? piece : len - at;
        ok = reply_add(&reply, cases[i].input + at, n, &used, &err);
        at += used;
    }
    if (cases[i].code == 0) {
        assert_false(ok);
        assert_int_equal(err.code, EX_PROTOCOL);
        assert_int_equal(err.class, ERROR_TEMPORARY);
    } else if (cases[i].code < 0) {
        assert_true(ok && !reply.complete);
    } else {
        assert_true(ok && reply.complete);
        assert_int_equal(reply.code, cases[i].code);
        assert_string_equal(reply.status, cases[i].status);
        assert_string_equal(str_text(&reply.text), cases[i].text);
        assert_int_equal(len - at, cases[i].left);
    }
    reply_clear(&reply);
    reply_clear(&reply);
}

static void replies_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("# %s\n", cases[i].name);
        check(i, 1000);
        check(i, 1);
        check(i, 3);
    }
}

static void long_text_is_cut_and_endless_is_refused(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct error err;
    size_t used, n = 100 * 1024;
    char *line = memory_new(n);
    memset(line, 'x', n);
    memcpy(line, "250 ", 4);
    memcpy(line + n - 2, "\r\n", 2);
    assert_true(reply_add(&reply, line, n, &used, &err));
    assert_true(reply.complete);
    assert_int_equal(reply.code, 250);
    assert_true(reply.text.len <= REPLY_TEXT_MAX);
    reply_clear(&reply);
    memcpy(line, "250-", 4);
    bool ok = true;
    for (int i = 0; ok && i < 10; i++)
        ok = reply_add(&reply, line, n, &used, &err);
    assert_false(ok);
    assert_true(reply.text.len <= REPLY_TEXT_MAX + 1);
    assert_int_equal(err.code, EX_PROTOCOL);
    reply_clear(&reply);
    memset(line, 'x', n);
    for (ok = true; ok;)
        ok = reply_add(&reply, line, n, &used, &err); /* no line end at all */
    assert_true(reply.line.len <= REPLY_TEXT_MAX);
    reply_clear(&reply);
    free(line);
}

static void a_refusal_tells_the_facts(void **state)
{
    (void)state;
    static const struct {
        const char *input, *status;
    } rows[] = {
        {"550 5.1.1 no\r\n", "5.1.1"},
        {"450 later\r\n", ""},
        {"250 2.0.0 what\r\n", "2.0.0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = {0};
        struct error err;
        size_t used;
        assert_true(reply_add(&reply, rows[i].input, strlen(rows[i].input), &used, &err));
        assert_false(refusal_set(&err, COMMAND_RCPT, &reply, "no <%s>", "a@b"));
        assert_int_equal(err.command, COMMAND_RCPT);
        assert_string_equal(err.status, rows[i].status);
        assert_int_equal(err.reply_code, strtol(rows[i].input, NULL, 10));
        assert_string_equal(err.text, "no <a@b>");
        assert_memory_equal(err.reply, rows[i].input, strlen(rows[i].input) - 2);
        reply_clear(&reply);
    }
}

static void one_reply_after_another_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char first[] = "550-5.1.1 a\r\n550 5.1.1 b\r\n", second[] = "250 ok\r\n";
    struct reply reply = {0};
    struct error err;
    size_t used;
    reply_begin(&reply);
    assert_true(reply_add(&reply, first, sizeof first - 1, &used, &err) && reply.complete);
    reply_begin(&reply);
    assert_true(reply_add(&reply, second, sizeof second - 1, &used, &err) && reply.complete);
    assert_int_equal(reply.code, 250);
    assert_string_equal(reply.status, "");
    assert_string_equal(str_text(&reply.text), "ok");
    assert_int_equal(reply.total, sizeof second - 1);
    reply_clear(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read_or_refused),
        cmocka_unit_test(long_text_is_cut_and_endless_is_refused),
        cmocka_unit_test(a_refusal_tells_the_facts),
        cmocka_unit_test(one_reply_after_another_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
