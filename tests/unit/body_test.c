#include "suite.h"

#include <unistd.h>

#include "base/str.h"
#include "message/body.h"
#include "message/content.h"

#include "memoryoutput.h"

static void convert(struct memoryoutput *out, const char *data, size_t len, unsigned seed)
{
    struct body body = {0};
    struct error err;
    out->output.write = memoryoutput_write;
    for (size_t at = 0; at < len;) {
        size_t n = seed ? (size_t)rand_r(&seed) % 7 + 1 : len;
        n = n < len - at ? n : len - at;
        assert_true(body_add(&body, data + at, n, &out->output, &err));
        at += n;
    }
    assert_true(body_end(&body, &out->output, &err));
    assert_true(body.written == out->text.len);
}

#define TEXT(literal) literal, sizeof literal - 1

static void line_ends_are_settled_line_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *input;
        size_t len;
        const char *output;
    } cases[] = {
        {"empty", TEXT(""), ""},
        {"LF", TEXT("a\nb\n"), "a\r\nb\r\n"},
        {"CRLF", TEXT("a\r\nb\r\n"), "a\r\nb\r\n"},
        {"mixed", TEXT("a\r\nb\nc\r\n"), "a\r\nb\r\nc\r\n"},
        {"CR CR LF", TEXT("a\r\r\nb\n"), "a\r\nb\r\n"},
        {"no final newline", TEXT("a\nb"), "a\r\nb\r\n"},
        {"final CR", TEXT("a\r"), "a\r\n"},
        {"only CR", TEXT("\r"), ""},
        {"only LF", TEXT("\n"), "\r\n"},
        {"empty lines", TEXT("\n\r\n\n"), "\r\n\r\n\r\n"},
        {"stray CR", TEXT("a\rb\n"), "a b\r\n"},
        {"stray CR first", TEXT("\ra\n"), " a\r\n"},
        {"stray CRs", TEXT("a\r\r\rb\n"), "a b\r\n"},
        {"smuggled end", TEXT("a\r\n.\rb\n.\n"), "a\r\n. b\r\n.\r\n"},
        {"NUL", TEXT("a\0b\0\0\nc\0"), "ab\r\nc\r\n"},
        {"NUL between CR and LF", TEXT("a\r\0\nb\n"), "a\r\nb\r\n"},
        {"only NUL", TEXT("\0\0"), ""},
        {"dots stay", TEXT(".\n..\n"), ".\r\n..\r\n"},
        {"8 bit", TEXT("\xff\xc3\xbc\n"), "\xff\xc3\xbc\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned seed = 0; seed < 50; seed++) {
            struct memoryoutput out = {0};
            convert(&out, cases[i].input, cases[i].len, seed);
            if (strcmp(str_text(&out.text), cases[i].output) != 0)
                fail_msg("%s: %s", cases[i].name, str_text(&out.text));
            str_clear(&out.text);
        }
}

static void long_lines_are_broken(void **state)
{
    (void)state;
    static const struct {
        size_t ascii;       /* octets before */
        const char *repeat; /* then this, */
        size_t times;
        size_t first; /* the length of the first line */
        size_t lines;
    } cases[] = {
        {998, "", 0, 998, 1},
        {999, "", 0, 998, 2},
        {1996, "", 0, 998, 2},
        {1000000, "", 0, 998, 1003},
        {997, "\xc3\xbc", 1, 997, 2},
        {996, "\xc3\xbc", 1, 998, 1},
        {995, "\xf0\x9f\x98\x80", 1, 995, 2},
        {994, "\xf0\x9f\x98\x80", 2, 998, 2},
        {0, "\xe9\x82\xae", 400, 996, 2},
        {0, "\xbf", 2000, 998, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = {0};
        for (size_t k = 0; k < cases[i].ascii; k++)
            str_add_char(&text, 'x');
        for (size_t k = 0; k < cases[i].times; k++)
            str_add(&text, cases[i].repeat);
        for (unsigned seed = 0; seed < 4; seed++) {
            struct memoryoutput out = {0};
            convert(&out, str_text(&text), text.len, seed);
            size_t lines = 0;
            assert_int_equal(strcspn(out.text.data, "\r"), cases[i].first);
            for (const char *p = out.text.data; *p; p += strcspn(p, "\n") + 1, lines++)
                assert_in_range(strcspn(p, "\r"), 1, CONTENT_LINE_MAX);
            assert_int_equal(lines, cases[i].lines);
            assert_int_equal(out.text.len, text.len + 2 * lines);
            str_clear(&out.text);
        }
        str_clear(&text);
    }
}

static void pieces_change_nothing(void **state)
{
    (void)state;
    static const char octets[] = "aaaaab\r\r\n\n\0\xc3\xbc\xe9";
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        struct str text = {0};
        struct memoryoutput whole = {0}, cut = {0};
        bool endless = round % 2; /* every other text has long lines */
        for (int i = 0; i < 3000; i++) {
            char c = octets[(size_t)rand_r(&seed) % (sizeof octets - 1)];
            str_add_char(&text, endless && c == '\n' ? 'n' : c);
        }
        convert(&whole, text.data, text.len, 0);
        convert(&cut, text.data, text.len, (unsigned)round + 1);
        assert_int_equal(whole.text.len, cut.text.len);
        assert_memory_equal(whole.text.data, cut.text.data, whole.text.len);
        str_clear(&whole.text);
        str_clear(&cut.text);
        str_clear(&text);
    }
}

static void eight_bits_are_noticed_wherever_they_are(void **state)
{
    (void)state;
    char text[40];
    for (size_t i = 0; i <= sizeof text; i++) {
        struct memoryoutput out = {.output = {memoryoutput_write}};
        struct body body = {0};
        struct error err;
        memset(text, 'x', sizeof text);
        if (i < sizeof text)
            text[i] = '\x80';
        assert_true(body_add(&body, text, sizeof text, &out.output, &err));
        assert_int_equal(body.has_8bit, i < sizeof text);
        str_clear(&out.text);
    }
}

static void output_comes_in_large_blocks_and_its_failure_is_told(void **state)
{
    (void)state;
    enum { SIZE = 400000 };
    struct error err;
    struct body body = {0};
    struct memoryoutput out = {.output = {memoryoutput_write}};
    char *text = malloc(SIZE);
    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 40 == 39 ? '\n' : 'x';
    assert_true(body_add(&body, text, SIZE, &out.output, &err));
    assert_in_range(out.writes, 1, 20);
    out.fail_at = out.writes + 3;
    assert_false(body_add(&body, text, SIZE, &out.output, &err));
    assert_int_equal(out.writes, out.fail_at);
    assert_int_equal(err.code, EX_IOERR);
    str_clear(&out.text);
    free(text);
}

static int make_pipe(const char *text, size_t len)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, len), len);
    assert_int_equal(close(fds[1]), 0);
    return fds[0];
}

static void source_ends_at_a_lone_dot_only_where_told(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        bool dot_ends;
        const char *output;
    } cases[] = {
        {"a\n.\nb\n", false, "a\r\n.\r\nb\r\n"},
        {"a\n.\nb\n", true, "a\r\n"},
        {"a\n.\r\nb\n", true, "a\r\n"},
        {".\nb\n", true, ""},
        {"a\n..\nb.\n.b\n", true, "a\r\n..\r\nb.\r\n.b\r\n"},
        {"a\n.", true, "a\r\n"},
        {"", true, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct memoryoutput out = {.output = {memoryoutput_write}};
        struct body body = {0};
        struct error err;
        struct source src = {.fd = make_pipe(cases[i].input, strlen(cases[i].input)),
                             .lone_dot_ends = cases[i].dot_ends};
        assert_true(body_copy(&body, &src, &out.output, &err));
        assert_string_equal(str_text(&out.text), cases[i].output);
        source_clear(&src);
        assert_int_equal(close(src.fd), 0);
        str_clear(&out.text);
    }
}

static void source_gives_lines_and_pieces_of_lines(void **state)
{
    (void)state;
    struct error err;
    const char *data;
    size_t len, total = 0;
    char path[] = "/tmp/onehop-source-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(unlink(path), 0);
    struct str text = {0};
    str_add(&text, "first\n");
    for (int i = 0; i < 200000; i++)
        str_add_char(&text, 'x');
    str_add(&text, "\nlast");
    assert_int_equal(write(fd, text.data, text.len), text.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct source src = {.fd = fd};
    assert_true(source_piece(&src, &data, &len, &err));
    assert_memory_equal(data, "first\n", 6);
    source_unread(&src, len);
    assert_true(source_piece(&src, &data, &len, &err));
    assert_int_equal(len, 6);
    do {
        assert_true(source_piece(&src, &data, &len, &err));
        assert_in_range(len, 1, SOURCE_BUFFER);
        total += len;
    } while (data[len - 1] != '\n');
    assert_int_equal(total, 200001);
    assert_true(source_block(&src, &data, &len, &err));
    assert_int_equal(len, 4);
    assert_true(source_piece(&src, &data, &len, &err));
    assert_int_equal(len, 0);
    source_clear(&src);
    assert_int_equal(close(fd), 0);
    str_clear(&text);
    src = (struct source){.fd = -1};
    assert_false(source_piece(&src, &data, &len, &err));
    assert_int_equal(err.code, EX_IOERR);
    source_clear(&src);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends_are_settled_line_by_line),
        cmocka_unit_test(long_lines_are_broken),
        cmocka_unit_test(pieces_change_nothing),
        cmocka_unit_test(eight_bits_are_noticed_wherever_they_are),
        cmocka_unit_test(output_comes_in_large_blocks_and_its_failure_is_told),
        cmocka_unit_test(source_ends_at_a_lone_dot_only_where_told),
        cmocka_unit_test(source_gives_lines_and_pieces_of_lines),
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
