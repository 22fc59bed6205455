#include "suite.h"

#include "config/pattern.h"

static void patterns_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text, *from, *expected;
    } cases[] = {
        {"%U@%H", "", "me@web1"},
        {"%U-%U", "", "me-me"},
        {"x.%C", "", "x.web1.example"},
        {"%M", "", "mail.example"},
        {"%F", "a@b", "a@b"},
        {"%F", "", "%F"},
        {"%", "", "%"},
        {"%%U", "", "%me"},
        {"%u%x", "", "%u%x"},
        {"%F", "a\nb\177", "a?b?"},
        {"plain@x", "", "plain@x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pattern_facts facts = {"me", "web1", "web1.example", "mail.example",
                                            cases[i].from};
        struct str out = {0};
        pattern_expand(cases[i].text, &facts, &out);
        assert_string_equal(str_text(&out), cases[i].expected);
        str_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns_are_replaced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
