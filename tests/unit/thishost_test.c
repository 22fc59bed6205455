#include "suite.h"

#include <unistd.h>

#include "base/str.h"
#include "config/thishost.h"

static void write_file(const char *directory, const char *name, const char *text)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", directory, name);
    FILE *out = fopen(str_text(&path), "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    str_clear(&path);
}

static void remove_file(const char *directory, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", directory, name);
    unlink(str_text(&path));
    str_clear(&path);
}

static void names_come_from_hosts_and_mailname(void **state)
{
    (void)state;
    char directory[] = "/tmp/onehop-thishost-XXXXXX", name[256] = "";
    assert_non_null(mkdtemp(directory));
    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    bool has_dot = strchr(name, '.') != NULL;
    static const struct {
        const char *hosts; /* %s is this host's name */
        const char *expected;
        const char *mailname, *mail_name;
    } cases[] = {
        {"127.0.1.1 %s.example.org %s\n", "DOT", "example.net\n", "example.net"},
        {"# %s.no.example %s\n127.0.0.1\tlocalhost\n::1  a.b.example  x\t%s # c\n", "a.b.example",
         "example.net extra\n", "example.net"},
        {"127.0.0.1 %s\n127.0.0.1 second.example %s", "second.example", "", "second.example"},
        {"127.0.0.1 other.example other\n", "", "bad<name>\n", NULL},
        {"", "", "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str hosts = {0}, expected = {0};
        for (const char *c = cases[i].hosts; *c; c++) {
            if (c[0] == '%') {
                str_add(&hosts, name);
                c++;
            } else {
                str_add_char(&hosts, *c);
            }
        }
        if (has_dot)
            str_add(&expected, name);
        else if (strcmp(cases[i].expected, "DOT") == 0)
            str_addf(&expected, "%s.example.org", name);
        else
            str_add(&expected, cases[i].expected);
        write_file(directory, "hosts", str_text(&hosts));
        write_file(directory, "mailname", cases[i].mailname);
        const struct paths paths = {.sysconfdir = directory};
        struct this_host host = {0};
        this_host_read(&host, &paths);
        assert_string_equal(host.full_name, str_text(&expected));
        if (cases[i].mail_name && !has_dot)
            assert_string_equal(host.mail_name, cases[i].mail_name);
        assert_true(strlist_has(&host.names, "localhost"));
        assert_true(strlist_has(&host.names, host.name));
        assert_true(strlist_has(&host.sender_names, host.mail_name));
        this_host_clear(&host);
        str_clear(&hosts);
        str_clear(&expected);
    }
    remove_file(directory, "hosts");
    remove_file(directory, "mailname");
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_come_from_hosts_and_mailname)};
    return cmocka_run_group_tests_name("thishost", tests, NULL, NULL);
}
