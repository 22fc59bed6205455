#include "suite.h"

#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strlist.h"
#include "message/aliases.h"

static char *make_file(const char *text)
{
    char *path = strdup("/tmp/onehop-aliases-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    return path;
}

static struct aliases *read_text(const char *text, struct strlist *warnings)
{
    struct aliases *aliases;
    struct error err;
    char *path = make_file(text);
    assert_true(aliases_read(&aliases, path, false, warnings, &err));
    assert_int_equal(unlink(path), 0);
    free(path);
    return aliases;
}

static char *join(const struct strlist *list)
{
    struct str out = {0};
    for (size_t i = 0; i < list->n; i++)
        str_addf(&out, "%s%s", i ? "; " : "", list->item[i]);
    return str_take(&out);
}

static void names_are_expanded(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file, *expand;
        const char *result; /* NULL: no alias fits */
        size_t warnings;
    } cases[] = {
        {"empty file", "", "root", NULL, 0},
        {"one", "root: me@x\n", "root", "me@x", 0},
        {"no final newline", "root: me@x", "root", "me@x", 0},
        {"CRLF", "root: me@x\r\nops: a@b\r\n", "root", "me@x", 0},
        {"other name", "root: me@x\n", "ops", NULL, 0},
        {"any case", "ROOT: me@x\n", "rOOt", "me@x", 0},
        {"several", "root: a@x, b@x,c@x\n", "root", "a@x; b@x; c@x", 0},
        {"blanks", "  # x\n\nroot \t:\ta@x , b@x \n", "root", "a@x; b@x", 0},
        {"continued", "root: a@x,\n  b@x\n\tc@x\n", "root", "a@x; b@x_c@x", 0},
        {"continued with comment", "root: a@x,\n# no\n b@x\n", "root", "a@x; b@x", 0},
        {"continued behind colon", "root:\n a@x\n", "root", "a@x", 0},
        {"comment behind", "root: a@x # me\n", "root", "a@x", 0},
        {"hash in an address", "root: a#b@x\n", "root", "a#b@x", 0},
        {"quoted name", "\"my root\": a@x\n", "my root", "a@x", 0},
        {"colon in quoted name", "\"a:b\": a@x\n", "a:b", "a@x", 0},
        {"quoted local part", "root: \"a, b\"@x\n", "root", "\"a, b\"@x", 0},
        {"display name", "root: Joe <a@x>\n", "root", "a@x", 0},
        {"alias of alias", "root: ops\nops: a@x\n", "root", "a@x", 0},
        {"bare result", "root: joe\n", "root", "joe", 0},
        {"backslash", "root: \\ops, b@x\nops: a@x\n", "root", "ops; b@x", 0},
        {"backslash self", "joe: \\joe, a@x\n", "joe", "joe; a@x", 0},
        {"self", "root: root, a@x\n", "root", "root; a@x", 0},
        {"only self", "root: root\n", "root", "root", 0},
        {"loop", "a: b\nb: c\nc: a, d@x\n", "a", "a; d@x", 0},
        {"twice", "a: b, b, c\nb: x@y\nc: b, z@y\n", "a", "x@y; z@y", 0},
        {"pipe", "root: \"|/bin/prog a, b\", a@x\n", "root", "a@x", 1},
        {"only pipe", "root: |/bin/prog\n", "root", "root", 1},
        {"pipe with quotes inside", "root: \"|prog \\\"a\\\"\"\n", "root", "root", 1},
        {"file", "root: /dev/null\n", "root", "root", 1},
        {"pipe behind alias", "root: ops\nops: |x\n", "root", "ops", 1},
        {"special", "root: :fail: no such user\n", "root", "root", 1},
        {"missing include", "root: :include:/nonexistent/x\n", "root", "root", 1},
        {"relative include", "root: :include:x, a@x\n", "root", "a@x", 1},
        {"nothing", "root:\n", "root", "root", 0},
        {"bad line", "what is this\nroot: a@x\n", "root", "a@x", 1},
        {"no name", ": x\nroot: a@x\n", "root", "a@x", 1},
        {"open quote", "\"root: x\nroot: a@x\n", "root", "a@x", 1},
        {"continues nothing", "  x\nroot: a@x\n", "root", "a@x", 1},
        {"duplicate", "root: a@x\nRoot: b@x\n", "root", "a@x", 1},
        {"default", "root: a@x\ndefault: d@x\n", "joe", "d@x", 0},
        {"default is not for others", "root: a@x\ndefault: d@x\n", "root", "a@x", 0},
        {"default of a result", "root: joe\ndefault: d@x\n", "root", "d@x", 0},
        {"default of itself", "default: root\n", "joe", "root", 0},
        {"byte order mark", "\xef\xbb\xbfroot: a@x\n", "root", "a@x", 0},
        {"address as name", "root@host: a@x\n", "root@host", "a@x", 0},
        {"Debian", "# /etc/aliases\nmailer-daemon: postmaster\npostmaster: root\nroot: joe\n",
         "mailer-daemon", "joe", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strlist out = {0}, warnings = {0};
        struct aliases *aliases = read_text(cases[i].file, &warnings);
        bool fits = aliases_expand(aliases, cases[i].expand, &out, &warnings);
        char *result = join(&out), *told = join(&warnings);
        if (fits != (cases[i].result != NULL) ||
            strcmp(result, cases[i].result ? cases[i].result : "") != 0 ||
            warnings.n != cases[i].warnings)
            fail_msg("%s: '%s', warnings '%s'", cases[i].name, result, told);
        free(result);
        free(told);
        aliases_free(aliases);
        strlist_clear(&out);
        strlist_clear(&warnings);
    }
}

static void files_are_included(void **state)
{
    (void)state;
    struct strlist out = {0}, warnings = {0};
    struct str text = {0};
    char *list = make_file("# staff\na@x\n\nb@x, ops\r\n\"c@x\nd@x # last");
    str_addf(&text, "staff: :include:%s, \":include:%s\", e@x\nops: f@x\n", list, list);
    struct aliases *aliases = read_text(text.data, &warnings);
    assert_true(aliases_expand(aliases, "staff", &out, &warnings));
    char *result = join(&out);
    assert_string_equal(result, "a@x; b@x; f@x; c@x; d@x; e@x");
    assert_int_equal(warnings.n, 0);
    free(result);
    aliases_free(aliases);
    strlist_clear(&out);
    str_clear(&text);
    assert_int_equal(unlink(list), 0);
    free(list);
}

static void warnings_say_where(void **state)
{
    (void)state;
    struct strlist out = {0}, warnings = {0};
    struct aliases *aliases = read_text("\nno colon\nroot: |/bin/x\n", &warnings);
    assert_true(aliases_expand(aliases, "root", &out, &warnings));
    assert_true(aliases_expand(aliases, "root", &out, &warnings));
    assert_int_equal(warnings.n, 2);
    assert_non_null(strstr(warnings.item[0], ":2: no colon: "));
    assert_non_null(strstr(warnings.item[1], ":3: |/bin/x: "));
    aliases_free(aliases);
    strlist_clear(&out);
    strlist_clear(&warnings);
}

static void files_that_cannot_be_read_are_errors(void **state)
{
    (void)state;
    struct aliases *aliases = NULL;
    struct strlist warnings = {0};
    struct error err;
    assert_false(aliases_read(&aliases, "/nonexistent/x", false, &warnings, &err));
    assert_int_equal(err.code, EX_CONFIG);
    assert_false(aliases_read(&aliases, "/tmp", true, &warnings, &err));
    assert_true(aliases_read(&aliases, "/nonexistent/x", true, &warnings, &err));
    aliases_free(aliases);
    aliases_free(NULL);
}

static void expansion_is_bounded(void **state)
{
    (void)state;
    struct strlist out = {0}, warnings = {0};
    struct str text = {0};
    for (int i = 0; i < 40; i++) /* 2 to the 40th without the rule "each alias once" */
        str_addf(&text, "a%d: a%d, a%d\n", i, i + 1, i + 1);
    for (int i = 0; i < 100000; i++) /* a chain as deep as this would end the stack */
        str_addf(&text, "b%d: b%d\n", i, i + 1);
    struct aliases *aliases = read_text(text.data, &warnings);
    assert_true(aliases_expand(aliases, "a0", &out, &warnings));
    assert_int_equal(out.n, 1);
    assert_string_equal(out.item[0], "a40");
    assert_true(aliases_expand(aliases, "b0", &out, &warnings));
    assert_int_equal(out.n, 2);
    aliases_free(aliases);
    strlist_clear(&out);
    str_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_expanded),
        cmocka_unit_test(files_are_included),
        cmocka_unit_test(warnings_say_where),
        cmocka_unit_test(files_that_cannot_be_read_are_errors),
        cmocka_unit_test(expansion_is_bounded),
    };
    return cmocka_run_group_tests_name("aliases", tests, NULL, NULL);
}
