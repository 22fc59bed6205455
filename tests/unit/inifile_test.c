#include "suite.h"

#include "config/inifile.h"

/* Events as text: "[section]" and "LINE:key=value", one a line. */
static bool note(void *context, const struct ini_event *event, struct error *err)
{
    struct str *out = context;
    if (event->key && strcmp(event->key, "refused") == 0)
        return error_config(err, "no such thing");
    if (!event->key)
        str_addf(out, "%d:[%s]\n", event->line, event->section);
    else
        str_addf(out, "%d:%s=%s\n", event->line, event->key, event->value);
    return true;
}

static bool is_password(void *context, const char *section, const char *key)
{
    (void)context;
    (void)section;
    return strcmp(key, "password") == 0;
}

static bool parse(const char *text, size_t len, struct str *out, struct error *err)
{
    struct ini_reader reader = {.event = note, .is_raw = is_password, .context = out};
    struct str input = {0};
    str_add_n(&input, text, len);
    bool ok = inifile_parse("t.ini", &input, &reader, err);
    str_clear(&input);
    return ok;
}

struct accepted {
    const char *name, *input, *events;
};

static const struct accepted accepted[] = {
    {"nothing", "", ""},
    {"only comments", "; a\n# b\n\n  ; c\n", ""},
    {"section and key", "[a]\nk = v\n", "1:[a]\n2:k=v\n"},
    {"section without keys", "[a]\n[b]\n", "1:[a]\n2:[b]\n"},
    {"missing final newline", "[a]\nk = v", "1:[a]\n2:k=v\n"},
    {"section at the very end", "[a]", "1:[a]\n"},
    {"CRLF", "[a]\r\nk = v\r\n\r\nl = w\r\n", "1:[a]\n2:k=v\n4:l=w\n"},
    {"byte order mark", "\xef\xbb\xbf[a]\nk = v\n", "1:[a]\n2:k=v\n"},
    {"blanks folded in section", "[  account \t me ]\n", "1:[account me]\n"},
    {"indented section and key", "  [a]\n\tk = v\n", "1:[a]\n2:k=v\n"},
    {"indented key is no continuation", "[a]\nk = v\n  l = w\n\tm = x\n",
     "1:[a]\n2:k=v\n3:l=w\n4:m=x\n"},
    {"no blanks", "[a]\nk=v\n", "1:[a]\n2:k=v\n"},
    {"empty value", "[a]\nk =\n", "1:[a]\n2:k=\n"},
    {"comment behind a value", "[a]\nk = v ; why\n", "1:[a]\n2:k=v\n"},
    {"comment behind a tab", "[a]\nk = v\t; why\n", "1:[a]\n2:k=v\n"},
    {"comment instead of a value", "[a]\nk = ; why\n", "1:[a]\n2:k=\n"},
    {"comment behind a section", "[a] ; why\n[b] # why\n", "1:[a]\n2:[b]\n"},
    {"semicolon without a blank", "[a]\nk = v;w\n", "1:[a]\n2:k=v;w\n"},
    {"hash is no comment behind a value", "[a]\nk = v # w\n", "1:[a]\n2:k=v # w\n"},
    {"password keeps a semicolon", "[a]\npassword = a ; b\n", "1:[a]\n2:password=a ; b\n"},
    {"password keeps quotes", "[a]\npassword = \"a\n", "1:[a]\n2:password=\"a\n"},
    {"password may begin with a semicolon", "[a]\npassword = ; b\n", "1:[a]\n2:password=; b\n"},
    {"password with equals and colon", "[a]\npassword = a=b:c\n", "1:[a]\n2:password=a=b:c\n"},
    {"quotes are removed", "[a]\nk = \" v \" ; why\n", "1:[a]\n2:k= v \n"},
    {"semicolon between quotes", "[a]\nk = \"a ; b\"\n", "1:[a]\n2:k=a ; b\n"},
    {"only one pair", "[a]\nk = \"a\", \"b\"\n", "1:[a]\n2:k=\"a\", \"b\"\n"},
    {"quotes inside", "[a]\nk = Peter \"Pit\" S.\n", "1:[a]\n2:k=Peter \"Pit\" S.\n"},
    {"empty quotes", "[a]\nk = \"\"\n", "1:[a]\n2:k=\n"},
    {"value with colon", "[a]\nk = http://x\n", "1:[a]\n2:k=http://x\n"},
    {"value with bracket", "[a]\nk = [x]\n", "1:[a]\n2:k=[x]\n"},
    {"duplicates are the reader's affair", "[a]\nk=1\nk=2\n[a]\n", "1:[a]\n2:k=1\n3:k=2\n4:[a]\n"},
    {"key before a section", "k = v\n", "1:k=v\n"},
    {"octets above 127", "[a]\nk = gr\xc3\xbc\xc3\x9f\n", "1:[a]\n2:k=gr\xc3\xbc\xc3\x9f\n"},
};

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const struct accepted *c = &accepted[i];
        struct error err;
        struct str out = {0};
        if (!parse(c->input, strlen(c->input), &out, &err))
            fail_msg("%s: %s", c->name, err.text);
        if (strcmp(str_text(&out), c->events) != 0)
            fail_msg("%s: got %s", c->name, str_text(&out));
        str_clear(&out);
    }
}

#define TEXT(literal) literal, sizeof(literal) - 1

struct refused {
    const char *name, *input;
    size_t len;
    const char *complaint;
};

static const struct refused refused[] = {
    {"no assignment", TEXT("[a]\nk v\n"), "t.ini:2: this line is not understood: write KEY"},
    {"colon", TEXT("[a]\n\nk: v\n"), "t.ini:3: this line is not understood: write KEY = VALUE (wi"},
    {"colon, then equals", TEXT("[a]\nk: v=w\n"), "t.ini:2: this line is not understood"},
    {"no key", TEXT("[a]\n= v\n"), "t.ini:2: this line"},
    {"blank in key", TEXT("[a]\nk l = v\n"), "t.ini:2: this line"},
    {"comment in key", TEXT("[a]\nk ; l = v\n"), "t.ini:2: this line"},
    {"at the very end", TEXT("[a]\nnonsense"), "t.ini:2: this line"},
    {"the first of two", TEXT("[a]\nnonsense\nmore\n"), "t.ini:2: this line"},
    {"open section", TEXT("[a\nk = v\n"), "t.ini:1: the section name is not closed"},
    {"empty section", TEXT("[ ]\n"), "t.ini:1: the section has no name"},
    {"text behind section", TEXT("[a] k = v\n"), "t.ini:1: 'k = v' follows the section name"},
    {"open quote", TEXT("[a]\nk = \"v\n"), "t.ini:2: a double quote is not closed"},
    {"NUL", TEXT("[a]\nk = v\0w\n"), "t.ini:2: a NUL byte"},
    {"NUL alone", TEXT("\0"), "t.ini:1: a NUL byte"},
    {"UTF-16", TEXT("\xff\xfe[\0a\0]\0"), "t.ini:1: the file is in UTF-16"},
    {"control character", TEXT("[a]\nk = v\x1b[1m\n"), "t.ini:2: a control character (0x1b)"},
    {"CR inside", TEXT("[a]\nk = v\rw\n"), "t.ini:2: a control character (0x0d)"},
    {"the reader's own error", TEXT("[a]\n\nrefused = x\nk v\n"), "t.ini:3: no such thing"},
};

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *c = &refused[i];
        struct error err;
        struct str out = {0};
        if (parse(c->input, c->len, &out, &err))
            fail_msg("%s: was accepted: %s", c->name, str_text(&out));
        if (strncmp(err.text, c->complaint, strlen(c->complaint)) != 0)
            fail_msg("%s: said %s", c->name, err.text);
        assert_int_equal(err.code, EX_CONFIG);
        str_clear(&out);
    }
}

static void nothing_is_shown_of_a_line_that_may_be_a_password(void **state)
{
    (void)state;
    static const char *const lines[] = {"[a]\npassword hunter2\n", "[a]\nhunter2\n",
                                        "[a]\npassword : hunter2\n"};
    for (size_t i = 0; i < 3; i++) {
        struct error err;
        struct str out = {0};
        assert_false(parse(lines[i], strlen(lines[i]), &out, &err));
        assert_null(strstr(err.text, "hunter2"));
        str_clear(&out);
    }
}

/* libinih cuts lines at 200 octets, or at whatever it was built with. */
static void values_of_any_length_arrive_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {150, 190, 191, 192, 193, 194, 195, 196, 197,  198,
                                     199, 200, 201, 202, 300, 398, 400, 597, 5000, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct str input = {0}, want = {0}, out = {0};
        struct error err;
        str_add(&input, "[a]\n  password = ");
        str_add(&want, "1:[a]\n2:password=");
        for (size_t j = 0; j < lengths[i]; j++) {
            char c = j % 7 == 3 && j + 1 < lengths[i] ? ' '
                     : j % 7 == 4                     ? ';'
                                                      : (char)('a' + j % 26);
            str_add_char(&input, c);
            str_add_char(&want, c);
        }
        str_add(&input, "\nk = v\n");
        str_add(&want, "\n3:k=v\n");
        if (!parse(input.data, input.len, &out, &err))
            fail_msg("%zu: %s", lengths[i], err.text);
        assert_string_equal(out.data, want.data);
        str_clear(&input);
        str_clear(&want);
        str_clear(&out);
    }
}

static void long_names_arrive_whole_or_are_refused(void **state)
{
    (void)state;
    struct error err;
    for (size_t len = 40; len <= 300; len += 10) {
        struct str input = {0}, want = {0}, out = {0};
        str_add_char(&input, '[');
        for (size_t i = 0; i < len; i++)
            str_add_char(&input, (char)('a' + i % 26));
        str_addf(&want, "1:%s]\n2:k=v\n", input.data);
        str_add(&input, "]\nk = v\n");
        bool ok = parse(input.data, input.len, &out, &err);
        assert_int_equal(ok, len <= INIFILE_NAME_MAX);
        if (ok)
            assert_string_equal(out.data, want.data);
        str_clear(&input);
        str_clear(&want);
        str_clear(&out);
    }
    char key[400];
    struct str out = {0};
    memset(key, 'k', sizeof key);
    memcpy(key + 390, " = v\n", 5);
    assert_false(parse(key, 395, &out, &err));
    str_clear(&out);
}

static void lines_are_counted(void **state)
{
    (void)state;
    struct str input = {0}, out = {0};
    struct error err;
    for (int i = 0; i < 5000; i++)
        str_add(&input, i % 3 ? "; c\n" : "\n");
    str_add(&input, "broken\n");
    assert_false(parse(input.data, input.len, &out, &err));
    assert_memory_equal(err.text, "t.ini:5001: ", 12);
    str_clear(&input);
    str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        cmocka_unit_test(nothing_is_shown_of_a_line_that_may_be_a_password),
        cmocka_unit_test(values_of_any_length_arrive_whole),
        cmocka_unit_test(long_names_arrive_whole_or_are_refused),
        cmocka_unit_test(lines_are_counted),
    };
    return cmocka_run_group_tests_name("inifile", tests, NULL, NULL);
}
