#include "suite.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/configuration.h"
#include "configdir.h"

static const char providers[] = "[provider free]\ndomains = free.example\n"
                                "host = smtp.free.example\nport = 465\nsenders = exact\n"
                                "trouble = over quota, locked\n";

/* As in a build without msmtp. */
static bool refuse(struct configfile *file, const struct str *text, const struct stat *facts,
                   uid_t uid, struct error *err)
{
    (void)file, (void)text, (void)facts, (void)uid;
    (void)error_config(err, "no reader");
    err->code = EX_UNAVAILABLE;
    return false;
}

static struct paths paths = {
    .sysconfdir = sysconfdir, .pkgdatadir = pkgdatadir, .read_msmtprc = refuse};

static int setup(void **state)
{
    if (configdir_setup(state) != 0)
        return -1;
    scratch_write("share/providers.ini", 0644, providers, strlen(providers));
    return 0;
}

static void both_levels_are_read(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    place_both("[account a]\nuser = me@free.example\npassword = x ; y\n"
               "[account b]\nhost = b.example\n[queue]\ndirectory = ~/spool\n",
               "[account b]\nhost = hidden.example\n[account c]\ninherit = b\nport = 26\n"
               "[defaults]\ntimeout = 7\n[queue]\nlifetime = 2d\n");
    if (!configuration_read(&config, &paths, &caller, NULL, &err))
        fail_msg("%s", err.text);
    assert_true(config.found[SCOPE_USER].exists && config.found[SCOPE_SYSTEM].exists);
    assert_int_equal(config.n, 3);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(config.account[i]->name, names[i]);
        assert_int_equal(config.account[i]->scope, i < 2 ? SCOPE_USER : SCOPE_SYSTEM);
    }
    const struct account *a = configuration_account(&config, "a");
    const struct account *c = configuration_account(&config, "c");
    assert_string_equal(str_text(&a->password), "x ; y");
    assert_string_equal(a->host.item[0], "smtp.free.example");
    assert_int_equal(account_port(a), 465);
    assert_int_equal(a->senders, SENDERS_EXACT);
    assert_int_equal(a->trouble.n, 2);
    assert_int_equal(a->line, 1);
    assert_int_equal(a->timeout, 60000); /* the system's defaults are not the user's */
    assert_string_equal(c->host.item[0], "hidden.example");
    assert_int_equal(c->timeout, 7000);
    assert_string_equal(config.queue[SCOPE_USER].directory, "/home/me/spool");
    assert_int_equal(config.queue[SCOPE_SYSTEM].lifetime, 2LL * 86400000);
    assert_int_equal(config.queue[SCOPE_USER].lifetime, 5LL * 86400000);
    struct str files = {0};
    str_addf(&files, "%s/onehop/onehop.ini\n%s/onehop/onehop.ini\n", config_home, sysconfdir);
    assert_string_equal(str_text(&config.files), files.data);
    str_clear(&files);
    assert_null(configuration_account(&config, "d"));
    configuration_clear(&config);
    configuration_clear(&config);
}

static void missing_files_are_no_error_unless_named(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    place_both(NULL, NULL);
    assert_true(configuration_read(&config, &paths, &caller, NULL, &err));
    assert_false(config.found[SCOPE_USER].exists || config.found[SCOPE_SYSTEM].exists);
    assert_int_equal(config.n, 0);
    assert_non_null(strstr(config.found[SCOPE_USER].path, "/home/onehop/onehop.ini"));
    configuration_clear(&config);
    assert_false(configuration_read(&config, &paths, &caller, scratch_path("none.ini"), &err));
    assert_non_null(strstr(err.text, "none.ini: there is no such file"));
    assert_int_equal(err.code, EX_CONFIG);
    configuration_clear(&config);
    struct caller homeless = caller;
    homeless.config_home = homeless.home = "";
    assert_true(configuration_read(&config, &paths, &homeless, NULL, &err));
    assert_string_equal(config.found[SCOPE_USER].path, "");
    configuration_clear(&config);
}

static void a_named_file_stands_for_the_user_level(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    place_both("[account user]\nhost = a.example\n", "[account system]\nhost = b.example\n");
    write_config("named.ini", 0600, "[account named]\nhost = c.example\n");
    assert_true(configuration_read(&config, &paths, &caller, scratch_path("named.ini"), &err));
    assert_null(configuration_account(&config, "user"));
    assert_int_equal(configuration_account(&config, "named")->scope, SCOPE_USER);
    assert_int_equal(configuration_account(&config, "system")->scope, SCOPE_SYSTEM);
    configuration_clear(&config);
}

static void inheritance_comes_before_defaults(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    place_both("[account child]\ninherit = parent\nport = 1\n"
               "[defaults]\ntimeout = 3\nuser = d\ntls = off\n"
               "[account parent]\ninherit = grand\ntimeout = 2\nport = 2\ndomains = p.example\n"
               "[account grand]\nhost = g.example\ntimeout = 1\n",
               NULL);
    assert_true(configuration_read(&config, &paths, &caller, NULL, &err));
    const struct account *child = configuration_account(&config, "child");
    assert_int_equal(child->port, 1);
    assert_int_equal(child->timeout, 2000);
    assert_string_equal(child->host.item[0], "g.example");
    assert_string_equal(child->user, "d");
    assert_false(child->tls);
    assert_int_equal(child->domains.n, 0);
    assert_int_equal(configuration_account(&config, "grand")->timeout, 1000);
    configuration_clear(&config);
}

struct mistake {
    const char *text, *complaint;
};

static const struct mistake mistakes[] = {
    {"[account a]\ntiemout = 5\n", ":2: unknown key 'tiemout': did you mean 'timeout'?"},
    {"[account a]\nqwertzuiop = 5\n", ":2: unknown key 'qwertzuiop'"},
    {"[account a]\nlifetime = 5d\n", ":2: key 'lifetime' belongs into [queue]"},
    {"[queue]\nhost = x\n", ":2: key 'host' belongs into [account NAME], [defaults]"},
    {"[account a]\nport = 5\nport = 6\n", ":3: key 'port' was already given in line 2"},
    {"[account a]\nhost = a\nhost = b\n", "line 2: separate its values by commas"},
    {"[account a]\npassword_command = a\npasswordeval = b\n", "already given in line 2"},
    {"[account a]\n[account b]\n[account a]\n", ":3: account a was already described in line 1"},
    {"[defaults]\n[defaults]\n", ":2: [defaults] is already in line 1"},
    {"[queue]\n\n[queue]\n", ":3: [queue] is already in line 1"},
    {"[provider a]\n[provider a]\n", ":2: provider a was already described in line 1"},
    {"[acount a]\n", ":1: unknown section [acount a]: did you mean [account a]?"},
    {"[Default]\n", ":1: unknown section [Default]: did you mean [defaults]?"},
    {"[work]\n", ":1: unknown section [work]: did you mean [account work]?"},
    {"[account]\n", ":1: [account] needs a name: write [account NAME]"},
    {"[account my work]\n", ":1: 'my work' is no name"},
    {"[account a,b]\n", ":1: 'a,b' is no name"},
    {"[defaults]\ndomains = a.example\n", ":2: key 'domains' belongs into one [account NAME]"},
    {"[account a]\nport = smtp\n", ":2: port must be a number from 1 to 65535, not 'smtp'"},
    {"[account a]\nhost = a.example:25\n", "a line of its own, `port = 25`"},
    {"[account a]\ninherit = wrok\n[account work]\n",
     ":1: account a: inherit = wrok: there is no such account in this file: did you mean 'work'?"},
    {"[account a]\ninherit = b\n[account b]\ninherit = a\n", "inherits from itself"},
    {"[account a]\ninherit = a\n", ":1: account a inherits from itself"},
    {"[account a]\nhost = x\nnonsense\n", ":3: this line is not understood"},
    {"account a\nhost x\n", "is no INI file: it must begin with a section"},
    {"host = x\n[account a]\n", "is no INI file"},
};

static void mistakes_are_told_with_file_and_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        for (int scope = 0; scope < 2; scope++) {
            struct configuration config;
            struct error err;
            const char *text = mistakes[i].text;
            place_both(scope ? NULL : text, scope ? text : NULL);
            if (configuration_read(&config, &paths, &caller, NULL, &err))
                fail_msg("was accepted: %s", text);
            if (!strstr(err.text, mistakes[i].complaint) ||
                strncmp(err.text, scope ? sysconfdir : config_home, strlen(scratch)) != 0)
                fail_msg("%s", err.text);
            assert_int_equal(err.code, EX_CONFIG);
            assert_int_equal(err.scope, ERROR_ACCOUNT);
            configuration_clear(&config);
        }
}

static void secrets_want_a_closed_file(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool user, system;
    } cases[] = {{0600, true, true},   {0400, true, true},   {0640, false, true},
                 {0644, false, false}, {0604, false, false}, {0660, false, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int scope = 0; scope < 2; scope++) {
            struct configuration config;
            struct error err;
            place_both(NULL, NULL);
            write_config(scope ? "etc/onehop/onehop.ini" : "home/onehop/onehop.ini", cases[i].mode,
                         "[account a]\nhost = x\n\npassword = hunter2\n");
            bool ok = configuration_read(&config, &paths, &caller, NULL, &err);
            assert_int_equal(ok, scope ? cases[i].system : cases[i].user);
            if (!ok) {
                char mode[16];
                snprintf(mode, sizeof mode, "mode %04o", (unsigned)cases[i].mode);
                assert_non_null(strstr(err.text, mode));
                assert_non_null(strstr(err.text, "onehop.ini:4: "));
                assert_non_null(strstr(err.text, scope ? "chmod 640" : "chmod 600"));
                assert_null(strstr(err.text, "hunter2"));
            }
            configuration_clear(&config);
        }
    struct configuration config;
    struct error err;
    write_config("etc/onehop/onehop.ini", 0644, "[account a]\nhost = x\npassword =\n");
    write_config("home/onehop/onehop.ini", 0644, "[account b]\npassword_file = /x\n");
    assert_true(configuration_read(&config, &paths, &caller, NULL, &err));
    configuration_clear(&config);
}

static void somebody_elses_file_is_refused(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    struct caller other = caller;
    bool root = geteuid() == 0;
    place_both("[account a]\nhost = x\n", NULL);
    if (root)
        assert_int_equal(chown(scratch_path("home/onehop/onehop.ini"), 65533, (gid_t)-1), 0);
    other.uid = caller.uid + 1;
    assert_false(configuration_read(&config, &paths, &other, NULL, &err));
    assert_non_null(strstr(err.text, "chown it"));
    configuration_clear(&config);
    place_both(NULL, "[account a]\nhost = x\n"); /* the system's file is the administrator's */
    assert_true(configuration_read(&config, &paths, &other, NULL, &err));
    configuration_clear(&config);
}

static void a_file_that_others_can_write_to_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
        mode_t mode;
        bool fine;
    } cases[] = {
        {"home/onehop/onehop.ini", "[account a]\nhost = x\n", 0646, false},
        {"home/onehop/onehop.ini", "[account a]\nhost = x\n", 0644, true},
        {"etc/onehop/onehop.ini", "[account a]\nhost = x\n", 0666, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct configuration config;
        struct error err;
        place_both(NULL, NULL);
        write_config(cases[i].file, cases[i].mode, cases[i].text);
        assert_int_equal(configuration_read(&config, &paths, &caller, NULL, &err), cases[i].fine);
        if (!cases[i].fine)
            assert_non_null(strstr(err.text, "others can write to it (mode 06"));
        configuration_clear(&config);
    }
}

static void variables_describe_an_account_where_no_file_does(void **state)
{
    (void)state;
    char host[] = "ONEHOP_HOST=mx.example", port[] = "ONEHOP_PORT=26", other[] = "HOST=x";
    char version[] = "ONEHOP_VERSION=2", slip[] = "ONEHOP_HSOT=x", bad[] = "ONEHOP_PORT=x";
    char user[600];
    snprintf(user, sizeof user, "ONEHOP_USER_FILE=%s", scratch_write("user", 0644, "me@x\n", 5));
    struct {
        char *variables[5];
        const char *complaint; /* NULL: none */
        size_t n;
    } rows[] = {
        {{host, port, other, user, NULL}, NULL, 1},
        {{other, version, NULL}, NULL, 0},
        {{host, slip, NULL},
         "variable ONEHOP_HSOT: there is no key 'hsot': did you mean 'host'?",
         0},
        {{host, bad, NULL},
         "variable ONEHOP_PORT: port must be a number from 1 to 65535, not 'x'",
         0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct configuration config;
        struct error err;
        struct caller me = caller;
        me.variables = rows[i].variables;
        place_both(NULL, NULL);
        bool ok = configuration_read(&config, &paths, &me, NULL, &err);
        assert_int_equal(ok, !rows[i].complaint);
        if (!ok)
            assert_string_equal(err.text, rows[i].complaint);
        assert_int_equal(config.n, rows[i].n);
        if (config.n) {
            const struct account *a = config.account[0];
            assert_string_equal(a->name, "default");
            assert_string_equal(a->host.item[0], "mx.example");
            assert_string_equal(a->user, "me@x");
            assert_int_equal(a->port, 26);
            assert_int_equal(a->auth, AUTH_ON);
        }
        configuration_clear(&config);
    }
    struct configuration config;
    struct error err;
    struct caller me = caller;
    me.variables = rows[0].variables;
    place_both("[account a]\nhost = h\n", NULL);
    assert_true(configuration_read(&config, &paths, &me, NULL, &err));
    assert_string_equal(config.account[0]->name, "a");
    configuration_clear(&config);
}

static void no_descriptors_is_no_fault_of_the_file(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    struct rlimit before, none = {0};
    place_both("[account a]\nhost = x\n", NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool ok = configuration_read(&config, &paths, &caller, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(ok);
    assert_int_equal(err.class, ERROR_TEMPORARY);
    assert_int_equal(err.code, EX_TEMPFAIL);
    configuration_clear(&config);
}

/* Root can read everything, so a test run by root becomes nobody for a while. */
static void an_unreadable_file_is_an_error_with_uid_and_mode(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    bool root = geteuid() == 0;
    place_both(NULL, "[account a]\nhost = x\n");
    assert_int_equal(chmod(scratch_path("etc/onehop/onehop.ini"), root ? 0600 : 0000), 0);
    if (root)
        assert_int_equal(seteuid(65533), 0);
    char uid[32];
    snprintf(uid, sizeof uid, "for uid %ld", (long)geteuid());
    bool ok = configuration_read(&config, &paths, &caller, NULL, &err);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_false(ok);
    assert_non_null(strstr(err.text, "etc/onehop/onehop.ini: permission denied"));
    assert_non_null(strstr(err.text, uid));
    assert_non_null(strstr(err.text, root ? "mode 0600" : "mode 0000"));
    assert_int_equal(err.code, EX_CONFIG);
    configuration_clear(&config);
}

static void a_host_that_nobody_knows_is_told_when_the_account_is_chosen(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    place_both("[account a]\nuser = x@unknown.example\n", NULL);
    assert_true(configuration_read(&config, &paths, &caller, NULL, &err));
    assert_false(provider_check(&config.providers, config.account[0], &err));
    assert_non_null(strstr(err.text, "onehop.ini:1: account a: no host is known for "
                                     "unknown.example: add `host = ...`"));
    configuration_clear(&config);
}

static void providers_of_the_file_come_first(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    place_both("[account u]\nuser = x@free.example\n[provider free]\n"
               "domains = free.example\nhost = user.example\n",
               "[account s]\nuser = x@free.example\n");
    assert_true(configuration_read(&config, &paths, &caller, NULL, &err));
    assert_string_equal(configuration_account(&config, "u")->host.item[0], "user.example");
    assert_string_equal(configuration_account(&config, "s")->host.item[0], "smtp.free.example");
    configuration_clear(&config);
    assert_int_equal(unlink(scratch_path("share/providers.ini")), 0);
    assert_true(configuration_read(&config, &paths, &caller, NULL, &err)); /* it is not needed */
    configuration_clear(&config);
    scratch_write("share/providers.ini", 0644, providers, strlen(providers));
}

/* Mail through a host that no provider has leaves whatever is in the file. */
static void a_broken_file_of_providers_stops_only_those_who_need_it(void **state)
{
    (void)state;
    static const char broken[] = "[provider free]\nhost = smtp.free.example\nnonsense = 1\n";
    static const struct {
        const char *keys;
        bool needs;
    } rows[] = {
        {"host = mx.example.org", false},   {"socket = /run/x", false},
        {"host = smtp.FREE.example", true}, {"user = x@free.example", true},
        {"provider = free", true},
    };
    scratch_write("share/providers.ini", 0644, broken, strlen(broken));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct configuration config;
        struct error err = {0};
        struct str text = {0};
        str_addf(&text, "[account a]\n%s\n", rows[i].keys);
        place_both(text.data, NULL);
        assert_true(configuration_read(&config, &paths, &caller, NULL, &err));
        assert_int_equal(provider_check(&config.providers, config.account[0], &err),
                         !rows[i].needs);
        if (rows[i].needs)
            assert_non_null(strstr(err.text, "share/providers.ini:3: "));
        configuration_clear(&config);
        str_clear(&text);
    }
    scratch_write("share/providers.ini", 0644, providers, strlen(providers));
}

static void a_byte_order_mark_and_comments_do_no_harm(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xef\xbb\xbf; c\r\n\r\n[account a]\r\nhost = x\r\n",
                                        "# c\n;\n  \n[account a]\nhost = x"};
    for (size_t i = 0; i < 2; i++) {
        struct configuration config;
        struct error err;
        place_both(texts[i], "; nothing in here\n");
        if (!configuration_read(&config, &paths, &caller, NULL, &err))
            fail_msg("%s", err.text);
        assert_string_equal(configuration_account(&config, "a")->host.item[0], "x");
        configuration_clear(&config);
    }
}

static void an_msmtprc_without_a_reader_is_an_error_where_it_counts(void **state)
{
    (void)state;
    static const char ini[] = "[account a]\nhost = x\n", rc[] = "host x\n";
    static const struct {
        const char *user, *system, *user_rc, *system_rc;
        bool ok;
    } rows[] = {
        {NULL, NULL, rc, NULL, false},       {ini, NULL, rc, NULL, true},
        {NULL, ini, rc, NULL, false},        {NULL, NULL, NULL, rc, false},
        {ini, NULL, NULL, rc, true},         {NULL, ini, NULL, rc, true},
        {"; none\n", NULL, NULL, rc, false},
    };
    struct caller me = caller;
    me.home = scratch;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct configuration config;
        struct error err;
        place_both(rows[i].user, rows[i].system);
        write_config(".msmtprc", 0600, rows[i].user_rc);
        write_config("etc/msmtprc", 0644, rows[i].system_rc);
        assert_int_equal(configuration_read(&config, &paths, &me, NULL, &err), rows[i].ok);
        if (!rows[i].ok)
            assert_string_equal(err.text, "no reader");
        if (!rows[i].ok)
            assert_int_equal(err.code, EX_UNAVAILABLE);
        configuration_clear(&config);
    }
    write_config(".msmtprc", 0600, NULL);
    write_config("etc/msmtprc", 0600, NULL);
}

static void the_sample_is_valid(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    char sample[4096], share[4096];
    snprintf(sample, sizeof sample, "%s/../etc/onehop.ini", getenv("srcdir"));
    snprintf(share, sizeof share, "%s/../etc", getenv("srcdir"));
    struct str text = {0};
    FILE *file = fopen(sample, "r");
    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;)
        str_add_char(&text, (char)c);
    fclose(file);
    place_both(str_text(&text), NULL);
    str_clear(&text);
    struct paths real = paths;
    real.pkgdatadir = share;
    if (!configuration_read(&config, &real, &caller, NULL, &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.n, 4);
    for (size_t i = 0; i < config.n; i++)
        if (!provider_check(&config.providers, config.account[i], &err))
            fail_msg("%s", err.text);
    assert_string_equal(configuration_account(&config, "work")->from_full_name, "Reports; nightly");
    assert_string_equal(configuration_account(&config, "private")->host.item[0], "smtp.gmail.com");
    assert_string_equal(configuration_account(&config, "default")->user, "reports@example.com");
    configuration_clear(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_levels_are_read),
        cmocka_unit_test(missing_files_are_no_error_unless_named),
        cmocka_unit_test(a_named_file_stands_for_the_user_level),
        cmocka_unit_test(inheritance_comes_before_defaults),
        cmocka_unit_test(mistakes_are_told_with_file_and_line),
        cmocka_unit_test(secrets_want_a_closed_file),
        cmocka_unit_test(somebody_elses_file_is_refused),
        cmocka_unit_test(a_file_that_others_can_write_to_is_refused),
        cmocka_unit_test(variables_describe_an_account_where_no_file_does),
        cmocka_unit_test(no_descriptors_is_no_fault_of_the_file),
        cmocka_unit_test(an_unreadable_file_is_an_error_with_uid_and_mode),
        cmocka_unit_test(a_host_that_nobody_knows_is_told_when_the_account_is_chosen),
        cmocka_unit_test(providers_of_the_file_come_first),
        cmocka_unit_test(a_broken_file_of_providers_stops_only_those_who_need_it),
        cmocka_unit_test(a_byte_order_mark_and_comments_do_no_harm),
        cmocka_unit_test(an_msmtprc_without_a_reader_is_an_error_where_it_counts),
        cmocka_unit_test(the_sample_is_valid),
    };
    return cmocka_run_group_tests_name("configuration", tests, setup, scratch_teardown);
}
