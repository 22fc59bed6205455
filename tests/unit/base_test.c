#include "suite.h"

#include <unistd.h>

#include <errno.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/fileread.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strlist.h"

static void str_grows_and_empties(void **state)
{
    (void)state;
    struct str s = {0};
    assert_string_equal(str_text(&s), "");
    for (int i = 0; i < 100; i++)
        str_addf(&s, "%d,", i);
    assert_int_equal(s.len, 290);
    str_consume(&s, 2);
    assert_memory_equal(s.data, "1,2,", 4);
    char *taken = str_take(&s);
    assert_int_equal(strlen(taken), 288);
    free(taken);
    assert_int_equal(s.len, 0);
    str_clear(&s);
    str_clear(&s);
}

static void secret_keeps_its_text_when_it_moves(void **state)
{
    (void)state;
    struct str s = {.secret = true};
    for (int i = 0; i < 1000; i++)
        str_add_char(&s, 'x');
    assert_int_equal(strlen(str_text(&s)), 1000);
    str_clear(&s);
    assert_true(s.secret);
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *coded;
    } cases[] = {{"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
                 {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "//4="}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0}, back = {0};
        base64_encode(&out, cases[i].plain, strlen(cases[i].plain));
        assert_string_equal(str_text(&out), cases[i].coded);
        assert_true(base64_decode(&back, str_text(&out), out.len));
        assert_string_equal(str_text(&back), cases[i].plain);
        str_clear(&out);
        str_clear(&back);
    }
    struct str out = {0};
    assert_false(base64_decode(&out, "Zg=", 3));
    assert_false(base64_decode(&out, "Z===", 4));
    assert_false(base64_decode(&out, "Zg==Zg==", 8));
    assert_false(base64_decode(&out, "Zm9v\nYmFy", 9));
    assert_false(base64_decode(&out, "Zg=\n=", 5));
    assert_false(base64_decode_lines(&out, "Zm9v\nYm Fy\n-", 12));
    assert_false(base64_decode_lines(&out, "Zm9v\nYmF\n", 9));
    str_clear(&out);
    assert_true(base64_decode_lines(&out, "\n Zm9v\r\nY\nmFyZg\t=\n=\n", 20));
    assert_string_equal(str_text(&out), "foobarf");
    str_clear(&out);
}

static void utf8_is_told_from_other_octets(void **state)
{
    (void)state;
    assert_true(escape_is_utf8("gr\xc3\xbc\xc3\x9f", 6));
    assert_true(escape_is_utf8("\xf0\x9f\x98\x80", 4));
    assert_false(escape_is_utf8("\xc0\x80", 2));         /* overlong */
    assert_false(escape_is_utf8("\xed\xa0\x80", 3));     /* surrogate */
    assert_false(escape_is_utf8("\xf4\x90\x80\x80", 4)); /* beyond U+10FFFF */
    assert_false(escape_is_utf8("gr\xfc", 3));
    struct str out = {0};
    escape_line(&out, "a\r\nb\x7f\xfc\xc3\xbc", 8);
    assert_string_equal(out.data, "a??b??\xc3\xbc");
    str_clear(&out);
    assert_true(escape_has_control("a\nb"));
    assert_false(escape_has_control("a b"));
}

static void one_octet_is_found_wherever_it_is(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++)
        for (size_t at = 0; at <= len; at++) { /* at the end: none */
            char text[41] = "";
            memset(text, 'x', len);
            assert_true(escape_is_ascii(text));
            text[at] = at < len ? '\x80' : '\0';
            assert_int_equal(escape_is_ascii(text), at == len);
            assert_false(escape_has_control(text));
            text[at] = at < len ? '\x1f' : '\0';
            assert_int_equal(escape_has_control(text), at < len);
            text[at] = at < len ? '\x7f' : '\0';
            assert_int_equal(escape_has_control(text), at < len);
        }
}

static void text_is_printed_behind_any_length(void **state)
{
    (void)state;
    for (size_t len = 0; len < 100; len++) {
        struct str s = {0};
        str_fill(&s, 'x', len);
        str_addf(&s, "%s-%d", "some words", 12345);
        assert_int_equal(s.len, len + 16);
        assert_int_equal(strlen(s.data), s.len);
        assert_string_equal(s.data + len, "some words-12345");
        str_clear(&s);
    }
}

static void what_is_shown_is_not_obeyed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"550 5.1.1 <a.b+c-d_e@x.example>: no", "550 5.1.1 <a.b+c-d_e@x.example>: no"},
        {"MAIL FROM:<>", "MAIL FROM:<>"},
        {"end with <CR><LF>.<CRLF>", "end with <CR><LF>.<CRLF>"},
        {"<?php system($_GET[0]) ?>", "??php system($_GET[0]) ??"},
        {"<script>alert(1)</script>", "?script?alert(1)?/script?"},
        {"<a@b@c> <@b> <a@> <a@b", "?a@b@c? ?@b? ?a@? ?a@b"},
        {"<svg/onload=x@y>", "?svg/onload=x@y?"},
        {"a -> b", "a -? b"},
        {"\xc2\x9b"
         "31m\xc2\x85x\xc2\xa0\xc2\xbf",
         "?31m?x\xc2\xa0\xc2\xbf"},
        {"\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf", "????\xe2\x80\xaf"},
        {"\xe2\x80\x8e\xe2\x80\x8f\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c", "?????"},
        {"\x1b[2J\x9b\x7f\xe2\x80", "?[2J????"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str once = {0}, twice = {0};
        escape_line(&once, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(str_text(&once), cases[i][1]);
        escape_line(&twice, str_text(&once), once.len);
        assert_string_equal(str_text(&twice), cases[i][1]);
        str_clear(&once);
        str_clear(&twice);
        struct error err;
        (void)error_usage(&err, "%s", cases[i][0]);
        assert_string_equal(err.text, cases[i][1]);
    }
}

static void errors_are_one_printable_line(void **state)
{
    (void)state;
    struct error err;
    assert_false(error_set(&err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR, "bad\nline %d", 7));
    assert_string_equal(err.text, "bad?line 7");
    assert_false(error_prefix(&err, "file:%d", 3));
    assert_string_equal(err.text, "file:3: bad?line 7");
    assert_int_equal(err.code, EX_DATAERR);
    char longer[2 * ERROR_TEXT_MAX];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    error_config(&err, "%s", longer);
    error_prefix(&err, "front");
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_string_equal(error_code_name(EX_TEMPFAIL), "EX_TEMPFAIL");
    assert_string_equal(error_code_name(1), "EX_???");
}

static void process_output_is_read_and_its_failures_are_told(void **state)
{
    (void)state;
    struct error err;
    struct str out = {.secret = true};
    assert_true(process_output("echo secret; cat", clock_after(20000), 100, &out, &err));
    assert_string_equal(out.data, "secret\n"); /* cat saw an empty /dev/null */
    str_clear(&out);
    assert_false(process_output("echo x; exit 3", clock_after(20000), 100, &out, &err));
    assert_int_equal(out.len, 0);
    assert_non_null(strstr(err.text, "exit status 3"));
    assert_false(process_output("kill -9 $$", clock_after(20000), 100, &out, &err));
    assert_non_null(strstr(err.text, "signal 9"));
    assert_false(process_output("yes", clock_after(20000), 100, &out, &err));
    assert_non_null(strstr(err.text, "more than"));
    assert_false(process_output("sleep 1000 & sleep 1000", clock_after(50), 100, &out, &err));
    assert_non_null(strstr(err.text, "too long"));
    assert_false(process_output("exec >&-; sleep 1000", clock_after(50), 100, &out, &err));
    assert_non_null(strstr(err.text, "too long"));
    str_clear(&out);
}

static void files_are_read_whole_or_refused(void **state)
{
    (void)state;
    struct error err;
    struct str out = {0};
    assert_false(fileread_all("/nonexistent/x", 10, &out, NULL, &err));
    assert_int_equal(err.code, EX_CONFIG);
    assert_false(fileread_all("/", 10, &out, NULL, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    char path[] = "/tmp/onehop-base-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "0123456789A", 11), 11);
    assert_false(fileread_all(path, 10, &out, NULL, &err));
    assert_non_null(strstr(err.text, "larger than 10"));
    str_clear(&out);
    assert_true(fileread_all(path, 11, &out, NULL, &err));
    assert_string_equal(out.data, "0123456789A");
    str_clear(&out);
    close(fd);
    unlink(path);
}

static void lists_own_their_strings(void **state)
{
    (void)state;
    struct strlist a = {0}, b = {0};
    for (int i = 0; i < 9; i++)
        strlist_add(&a, "Item");
    strlist_copy(&b, &a);
    strlist_clear(&a);
    assert_int_equal(b.n, 9);
    assert_true(strlist_has(&b, "iTEM"));
    assert_false(strlist_has(&b, "ite"));
    strlist_clear(&b);
    strlist_clear(&b);
}

static void some_failures_say_nothing_of_the_file(void **state)
{
    (void)state;
    static const int passing[] = {EIO, EMFILE, ENFILE, ENOMEM, EAGAIN, ESTALE, ETIMEDOUT};
    static const int lasting[] = {ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EISDIR};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        assert_false(fileread_is_about_file(passing[i]));
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        assert_true(fileread_is_about_file(lasting[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_failures_say_nothing_of_the_file),
        cmocka_unit_test(str_grows_and_empties),
        cmocka_unit_test(secret_keeps_its_text_when_it_moves),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(utf8_is_told_from_other_octets),
        cmocka_unit_test(one_octet_is_found_wherever_it_is),
        cmocka_unit_test(text_is_printed_behind_any_length),
        cmocka_unit_test(what_is_shown_is_not_obeyed),
        cmocka_unit_test(errors_are_one_printable_line),
        cmocka_unit_test(process_output_is_read_and_its_failures_are_told),
        cmocka_unit_test(files_are_read_whole_or_refused),
        cmocka_unit_test(lists_own_their_strings),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
