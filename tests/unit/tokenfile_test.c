#include "suite.h"

#include "config/tokenfile.h"

static void set(struct str *text, const char *value)
{
    str_clear(text);
    str_add(text, value);
}

static void an_access_token_is_renewed_ahead(void **state)
{
    (void)state;
    static const struct {
        const char *access;
        int64_t obtained, expires, now;
        bool fresh;
    } cases[] = {
        {"a", 1000, 4600, 1000, true},  {"a", 1000, 4600, 4299, true},
        {"a", 1000, 4600, 4300, false}, /* five minutes ahead */
        {"a", 1000, 4600, 9999, false}, {"", 1000, 4600, 1000, false},
        {"a", 1000, 1600, 1299, true}, /* short lives: half of them */
        {"a", 1000, 1100, 1049, true},  {"a", 1000, 1100, 1050, false},
        {"a", 1000, 1000, 1000, false}, /* ended when it came */
        {"a", 1000, 4600, 999, false},  /* the clock was set back */
        {"a", 1000, 900, 950, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokens tokens = {.obtained = cases[i].obtained, .expires = cases[i].expires};
        set(&tokens.access, cases[i].access);
        if (tokens_are_fresh(&tokens, cases[i].now) != cases[i].fresh)
            fail_msg("case %zu", i);
        tokens_clear(&tokens);
        tokens_clear(&tokens);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct tokens tokens = {.obtained = 1, .expires = 2, .person = 3}, again;
    struct str text = {.secret = true};
    set(&tokens.login, "user=me@example.com server=x");
    set(&tokens.access, "access");
    set(&tokens.refresh, "refresh");
    set(&tokens.scope, "a b");
    tokenfile_print(&tokens, &text);
    assert_true(tokenfile_parse(str_text(&text), text.len, &again));
    assert_string_equal(str_text(&again.login), str_text(&tokens.login));
    assert_string_equal(str_text(&again.access), "access");
    assert_string_equal(str_text(&again.refresh), "refresh");
    assert_string_equal(str_text(&again.scope), "a b");
    assert_true(again.access.secret && again.refresh.secret);
    assert_int_equal(again.obtained, 1);
    assert_int_equal(again.expires, 2);
    assert_int_equal(again.person, 3);
    tokens_clear(&again);
    for (size_t len = 0; len < text.len; len++) /* a file that was cut anywhere is none */
        assert_false(tokenfile_parse(str_text(&text), len, &again));
    tokens_clear(&tokens);
    str_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_token_is_renewed_ahead),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests_name("tokenfile", tests, NULL, NULL);
}
