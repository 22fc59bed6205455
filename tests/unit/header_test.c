#include "suite.h"

#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "message/content.h"
#include "message/header.h"

#include "memoryoutput.h"

/* A source that holds LEN octets. */
static struct source make_source(const char *text, size_t len)
{
    char path[] = "/tmp/onehop-header-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return (struct source){.fd = fd};
}

static void rest_of(struct source *src, struct str *out)
{
    struct error err;
    const char *data;
    size_t len;
    do {
        assert_true(source_block(src, &data, &len, &err));
        str_add_n(out, data, len);
    } while (len > 0);
    source_clear(src);
    assert_int_equal(close(src->fd), 0);
}

static void read_text(struct header *header, const char *text, size_t len, struct str *rest)
{
    struct error err;
    struct source src = make_source(text, len);
    assert_true(header_read(header, &src, &err));
    str_add_n(rest, str_text(&header->text), header->text.len);
    rest_of(&src, rest);
}

static char *show_fields(const struct header *header)
{
    struct str out = {0};
    for (size_t i = 0; i < header->n; i++)
        str_addf(&out, "%s:%s;", header->field[i].name, header->field[i].value);
    return str_take(&out);
}

#define TEXT(literal) literal, sizeof literal - 1

static void headers_are_told_from_text(void **state)
{
    (void)state;
    static const struct {
        const char *name, *input;
        size_t len;
        const char *fields; /* NULL: no header */
        const char *rest;   /* of the input, as it came */
    } cases[] = {
        {"empty input", TEXT(""), NULL, ""},
        {"plain", TEXT("To: a\nSubject: b\n\nbody\n"), "To: a;Subject: b;", "body\n"},
        {"CRLF", TEXT("To: a\r\nCc:b\r\n\r\nbody\n"), "To: a;Cc:b;", "body\n"},
        {"mixed", TEXT("To: a\r\nCc: b\n\r\nx"), "To: a;Cc: b;", "x"},
        {"CR CR LF", TEXT("To: a\r\r\n\r\r\nx"), "To: a;", "x"},
        {"no body", TEXT("To: a\n"), "To: a;", ""},
        {"no newline", TEXT("To: a"), "To: a;", ""},
        {"final CR", TEXT("To: a\r"), "To: a;", ""},
        {"folded", TEXT("To: a,\n b,\r\n\tc\n\nx"), "To: a,\n b,\n\tc;", "x"},
        {"blank fold goes", TEXT("To: a,\n \n\t\r\n b\n\nx"), "To: a,\n b;", "x"},
        {"blank line of blanks, then text", TEXT("To: a\n \nbody\n"), "To: a;", "body\n"},
        {"blank before colon", TEXT("Bcc \t: a\n\n"), "Bcc: a;", ""},
        {"From with blank before colon", TEXT("From : a\n\n"), "From: a;", ""},
        {"no value", TEXT("To:\n\n"), "To:;", ""},
        {"stray CR", TEXT("To: a\rBcc: b\n\n"), "To: a Bcc: b;", ""},
        {"NUL", TEXT("T\0o: a\0b\n\n"), "To: ab;", ""},
        {"NUL in the line end", TEXT("To: a\r\0\n\0\r\nx"), "To: a;", "x"},
        {"mbox line", TEXT("From a Mon Nov 23 08:00:00 2026\nTo: a\n\nx"), "To: a;", "x"},
        {"quoted mbox line", TEXT(">From a Mon\nTo: a\n\nx"), "To: a;", "x"},
        {"mbox lines of UUCP hops", TEXT("From a Mon\n>From b Mon\n>From c Mon\nTo: a\n\nx"),
         "To: a;", "x"},
        {"mbox line after a field is text", TEXT("To: a\n>From b Mon\nCc: c\n"), "To: a;",
         ">From b Mon\nCc: c\n"},
        {"byte order mark", TEXT("\xef\xbb\xbfTo: a\r\nCc: b\n\nx"), "To: a;Cc: b;", "x"},
        {"byte order mark and mbox line",
         TEXT("\xef\xbb\xbf"
              "From a Mon\nTo: a\n\nx"),
         "To: a;", "x"},
        {"byte order mark and text",
         TEXT("\xef\xbb\xbf"
              "disk full\n"),
         NULL, "disk full\n"},
        {"byte order mark alone", TEXT("\xef\xbb\xbf"), NULL, ""},
        {"half a byte order mark", TEXT("\xef\xbb"), NULL, "\xef\xbb"},
        {"byte order mark within",
         TEXT("To: a\n\xef\xbb\xbf"
              "Cc: b\n"),
         "To: a;",
         "\xef\xbb\xbf"
         "Cc: b\n"},
        {"mbox line and text", TEXT("From now on\nit is full\n"), NULL,
         "From now on\nit is full\n"},
        {"mbox line and blank", TEXT("From now on\n\nit is full\n"), NULL,
         "From now on\n\nit is full\n"},
        {"text", TEXT("disk full\n"), NULL, "disk full\n"},
        {"text without newline", TEXT("disk full"), NULL, "disk full"},
        {"text like a field", TEXT("error: disk full\n"), NULL, "error: disk full\n"},
        {"text like fields", TEXT("error: disk full\nhost: web1\n\nx\n"), NULL,
         "error: disk full\nhost: web1\n\nx\n"},
        {"text like a field, then text", TEXT("error: x\r\nplease help\r\n"), NULL,
         "error: x\r\nplease help\r\n"},
        {"text like a folded field", TEXT("error: x\n at y\n"), NULL, "error: x\n at y\n"},
        {"unknown, then known", TEXT("foo: x\nSubject: y\n\nz"), "foo: x;Subject: y;", "z"},
        {"X- is known", TEXT("x-foo: x\n\nz"), "x-foo: x;", "z"},
        {"Resent- is known", TEXT("Resent-To: x\n\nz"), "Resent-To: x;", "z"},
        {"indented text", TEXT("  hello\nTo: a\n"), NULL, "  hello\nTo: a\n"},
        {"blank line first", TEXT("\nTo: a\n"), "", "To: a\n"},
        {"text in the midst", TEXT("To: a\nhello\nCc: b\n\nx"), "To: a;", "hello\nCc: b\n\nx"},
        {"JSON", TEXT("{\"a\": 1}\n"), NULL, "{\"a\": 1}\n"},
        {"colon first", TEXT(": x\n"), NULL, ": x\n"},
        {"8 bit name", TEXT("Gr\xc3\xbc: x\n"), NULL, "Gr\xc3\xbc: x\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header header = {0};
        struct str rest = {0};
        read_text(&header, cases[i].input, cases[i].len, &rest);
        char *fields = show_fields(&header);
        if (header.absent != !cases[i].fields ||
            strcmp(fields, cases[i].fields ? cases[i].fields : "") != 0 ||
            rest.len != strlen(cases[i].rest) || strcmp(str_text(&rest), cases[i].rest) != 0)
            fail_msg("%s: absent %d, '%s', '%s'", cases[i].name, header.absent, fields,
                     str_text(&rest));
        free(fields);
        header_clear(&header);
        header_clear(&header);
        str_clear(&rest);
    }
}

static void long_input_is_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        char fill;
        size_t times;
        const char *after;
        bool absent, too_large;
    } cases[] = {
        {"Subject: ", 'x', 1000000, "\nTo: a\n\nbody", false, false},
        {"Unheard-Of: ", 'x', 1000000, "\nTo: a\n\nbody", false, false},
        {"To: a\n\n", 'x', 1000000, "", false, false},
        {"", 'x', 1000000, "", true, false},
        {"", '\0', 200000, "", true, false},
        {"{\"a\":", 'x', 3000000, "}", true, false},
        {"Subject: ", 'x', HEADER_MAX, "\n\n", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = {0}, rest = {0};
        struct header header = {0};
        struct error err;
        str_add(&text, cases[i].before);
        for (size_t k = 0; k < cases[i].times; k++)
            str_add_char(&text, cases[i].fill);
        str_add(&text, cases[i].after);
        struct source src = make_source(text.data, text.len);
        assert_int_equal(header_read(&header, &src, &err), !cases[i].too_large);
        str_add_n(&rest, str_text(&header.text), header.text.len);
        rest_of(&src, &rest);
        if (cases[i].too_large) {
            assert_int_equal(err.code, EX_DATAERR);
        } else {
            assert_int_equal(header.absent, cases[i].absent);
            if (header.absent) {
                assert_int_equal(rest.len, text.len);
                assert_memory_equal(rest.data, text.data, text.len);
            }
        }
        header_clear(&header);
        str_clear(&rest);
        str_clear(&text);
    }
}

static void recipients_come_from_the_right_fields(void **state)
{
    (void)state;
    static const struct {
        const char *name, *input, *recipients;
        bool resent;
    } cases[] = {
        {"none", "Subject: x\n\n", "", false},
        {"all three", "Cc: c\nTo: a, b\nBcc: d\nto: e\n\n", "a,b,e,c,d,", false},
        {"every Bcc", "BCC: a,\n b\nbcc : c\nBcc:\nBcC:d\n\n", "a,b,c,d,", false},
        {"From is none", "From: a\nReply-To: b\n\n", "", false},
        {"resent", "To: a\nResent-To: b\nResent-Cc: c\nResent-Bcc: d\n\n", "b,c,d,", true},
        {"first block", "Resent-To: a\nResent-Date: x\nReceived: y\nResent-To: b\n\n", "a,", true},
        {"first block with recipients", "Resent-From: a\nReceived: y\nResent-To: b\n\n", "b,",
         true},
        {"empty Resent-To", "Resent-To:\nTo: a\n\n", "a,", false},
        {"Resent-From alone", "Resent-From: b\nTo: a\n\n", "a,", false},
        {"group", "To: x: a, b;\nCc: undisclosed-recipients:;\n\n", "a,b,", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header header = {0};
        struct str rest = {0}, text = {0};
        struct address_list list = {0};
        read_text(&header, cases[i].input, strlen(cases[i].input), &rest);
        header_recipients(&header, &list);
        for (size_t k = 0; k < list.n; k++)
            str_addf(&text, "%s,", list.item[k].mailbox);
        if (strcmp(str_text(&text), cases[i].recipients) != 0)
            fail_msg("%s: '%s'", cases[i].name, str_text(&text));
        assert_int_equal(header_is_resent(&header), cases[i].resent);
        address_list_clear(&list);
        header_clear(&header);
        str_clear(&text);
        str_clear(&rest);
    }
}

static void fields_are_found_and_changed(void **state)
{
    (void)state;
    struct header header = {0};
    header_append(&header, "To", "a");
    header_append(&header, "Bcc", "b");
    header_append(&header, "bcc", "c");
    header_prepend(&header, "Subject", "x\nBcc: y\n z\r");
    assert_int_equal(header_find(&header, "BCC", 0), 2);
    assert_int_equal(header_find(&header, "BCC", 3), 3);
    assert_int_equal(header_find(&header, "Cc", 0), 4);
    assert_string_equal(header_value(&header, "subject"), " x Bcc: y\n z ");
    assert_null(header_value(&header, "Cc"));
    assert_int_equal(header_remove(&header, "Bcc"), 2);
    assert_int_equal(header_remove(&header, "Bcc"), 0);
    header_replace(&header, 1, "d");
    char *fields = show_fields(&header);
    assert_string_equal(fields, "Subject: x Bcc: y\n z ;To: d;");
    free(fields);
    header_drop(&header, 0);
    assert_string_equal(header_value(&header, "To"), " d");
    assert_int_equal(header.n, 1);
    header_clear(&header);
}

static void names_are_compared_without_case(void **state)
{
    (void)state;
    static const char *const wanted[] = {"List-", "To", "X-"};
    static const struct {
        const char *name;
        bool is_to, is_one;
    } rows[] = {
        {"To", true, true},        {"tO", true, true},     {"T", false, false},
        {"Too", false, false},     {"4o", false, false},   {"", false, false},
        {"List-Id", false, true},  {"LIST-", false, true}, {"List", false, false},
        {"x-mailer", false, true}, {"X", false, false},    {"Resent-To", false, false},
        {"\x14o", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(header_is_name(rows[i].name, "To"), rows[i].is_to);
        assert_int_equal(header_is_one_of(rows[i].name, wanted, 3), rows[i].is_one);
    }
}

static char *write_header(const struct header *header, bool *has_8bit)
{
    struct memoryoutput out = {.output = {memoryoutput_write}};
    struct error err;
    assert_true(header_write(header, &out.output, has_8bit, &err));
    return str_take(&out.text);
}

static void headers_are_written_with_crlf(void **state)
{
    (void)state;
    struct header header = {0};
    struct str rest = {0};
    bool has_8bit;
    char *text = write_header(&header, &has_8bit);
    assert_string_equal(text, "\r\n");
    free(text);
    read_text(&header, TEXT("To: a,\n b\nX-Empty:\nsubject : x\n\n"), &rest);
    text = write_header(&header, &has_8bit);
    assert_string_equal(text, "To: a,\r\n b\r\nX-Empty:\r\nsubject: x\r\n\r\n");
    assert_false(has_8bit);
    free(text);
    header_append(&header, "X-Name", "Gr\xc3\xbc");
    text = write_header(&header, &has_8bit);
    assert_true(has_8bit);
    free(text);
    header_clear(&header);
    str_clear(&rest);
}

static void long_fields_are_folded(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before, *repeat;
        size_t times;
        const char *after;
        size_t lines; /* without the blank one */
    } cases[] = {
        {"fits", "", "x", 990, "", 1},
        {"endless word", "", "x", 992, "", 2},
        {"words", "", "word ", 1000, "", 6},
        {"blanks", "", " ", 3000, "end", 1},
        {"blanks behind", "start", " ", 3000, "", 1},
        {"blanks inside", "start", " ", 3000, "end", 2},
        {"UTF-8", "x", "\xc3\xbc", 1000, "", 3},
        {"folded already", "a\n b", "x", 3000, "\n c", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header header = {0};
        struct str value = {0};
        bool has_8bit;
        size_t lines = 0;
        str_add(&value, cases[i].before);
        for (size_t k = 0; k < cases[i].times; k++)
            str_add(&value, cases[i].repeat);
        str_add(&value, cases[i].after);
        header_append(&header, "X-Foo", str_text(&value));
        char *text = write_header(&header, &has_8bit);
        for (const char *p = text; *p != '\r'; p = strchr(p, '\n') + 1, lines++) {
            size_t len = strcspn(p, "\r");
            assert_in_range(len, 2, CONTENT_LINE_MAX);
            assert_true(strspn(p, " \t") < len);
            assert_true(lines == 0 || *p == ' ');
            assert_true(((unsigned char)p[strspn(p, " ")] & 0xc0) != 0x80);
        }
        if (lines != cases[i].lines)
            fail_msg("%s: %zu lines", cases[i].name, lines);
        free(text);
        str_clear(&value);
        header_clear(&header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_told_from_text),
        cmocka_unit_test(long_input_is_read_whole),
        cmocka_unit_test(recipients_come_from_the_right_fields),
        cmocka_unit_test(fields_are_found_and_changed),
        cmocka_unit_test(names_are_compared_without_case),
        cmocka_unit_test(headers_are_written_with_crlf),
        cmocka_unit_test(long_fields_are_folded),
    };
    return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
