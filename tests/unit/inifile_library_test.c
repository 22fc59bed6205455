/* Other builds of libinih than the one at hand: its one function is replaced by ours. */
#include "suite.h"

#include <ini.h>

#include "config/inifile.h"

static struct build {
    int buffer;         /* octets of a line */
    bool sections;      /* the handler is called for a section, without a name */
    bool values_absent; /* a key without '=' comes without a value */
    bool stops;         /* nothing is read behind an error */
    bool everything_twice;
} build;

int ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user)
{
    char line[4096];
    int error = 0, number = 0;
    while (!(error && build.stops) && reader(line, build.buffer, stream)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        char *equals = strchr(line, '=');
        if (equals)
            *equals = '\0';
        int taken = 1;
        if (line[0] == '[')
            taken = build.sections ? handler(user, "s", NULL, NULL) : 1;
        else if (equals)
            taken = handler(user, "s", line, equals + 1);
        else
            taken = build.values_absent ? handler(user, "s", line, NULL) : 0;
        if (taken && equals && build.everything_twice)
            (void)handler(user, "s", line, equals + 1);
        if (!taken && !error)
            error = number;
    }
    return error;
}

static bool note(void *context, const struct ini_event *event, struct error *err)
{
    (void)err;
    str_addf(context, "%d:%s:%s=%s\n", event->line, event->section, event->key ? event->key : "-",
             event->value ? event->value : "-");
    return true;
}

static bool parse(const char *text, struct str *out, struct error *err)
{
    struct ini_reader reader = {.event = note, .context = out};
    struct str input = {0};
    str_add(&input, text);
    bool ok = inifile_parse("t.ini", &input, &reader, err);
    str_clear(&input);
    return ok;
}

static const struct build builds[] = {
    {.buffer = 200},
    {.buffer = 200, .sections = true},
    {.buffer = 200, .values_absent = true},
    {.buffer = 200, .stops = true},
    {.buffer = INIFILE_BUFFER_MIN, .sections = true, .values_absent = true, .stops = true},
    {.buffer = 4096, .everything_twice = true},
};

static void every_build_reads_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        struct str out = {0};
        struct error err;
        build = builds[i];
        assert_true(parse("[a]\n[b]\n\n  k = v ; c\n"
                          "l = 0123456789012345678901234567890123456789012345678901234567890123\n",
                          &out, &err));
        assert_string_equal(
            out.data, "1:a:-=-\n2:b:-=-\n4:b:k=v\n"
                      "5:b:l=0123456789012345678901234567890123456789012345678901234567890123\n");
        str_clear(&out);
    }
}

static void every_build_refuses_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        struct str out = {0};
        struct error err;
        build = builds[i];
        assert_false(parse("[a]\nk = v\nnonsense\nl = w\nmore\n", &out, &err));
        assert_non_null(strstr(err.text, "t.ini:3: this line is not understood"));
        assert_string_equal(out.data, "1:a:-=-\n2:a:k=v\n");
        str_clear(&out);
    }
}

static void a_build_too_small_to_use_is_no_empty_file(void **state)
{
    (void)state;
    struct str out = {0};
    struct error err;
    build = (struct build){.buffer = INIFILE_BUFFER_MIN - 1};
    assert_false(parse("[a]\nk = v\n", &out, &err));
    assert_non_null(strstr(err.text, "stopped reading"));
    str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_build_reads_the_same),
        cmocka_unit_test(every_build_refuses_the_same),
        cmocka_unit_test(a_build_too_small_to_use_is_no_empty_file),
    };
    return cmocka_run_group_tests_name("inifile and the library", tests, NULL, NULL);
}
