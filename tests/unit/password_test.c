#include "suite.h"

#include "base/clock.h"
#include "config/netrc.h"
#include "config/password.h"
#include "scratch.h"

static const char *asked;

static bool ask(void *context, const char *prompt, struct str *out)
{
    assert_string_equal(prompt, "password for me at h.example: ");
    asked = context;
    str_add(out, context);
    return *asked != '\0';
}

static struct paths paths;
static struct site site = {.paths = &paths,
                           .caller = {.uid = 0, .name = "me", .credentials = "", .path = ""}};
static struct password_sources sources = {.site = &site};

static int setup(void **state)
{
    static char home[128], sysconfdir[128];
    if (scratch_setup(state) != 0)
        return -1;
    snprintf(home, sizeof home, "%s/home", scratch);
    snprintf(sysconfdir, sizeof sysconfdir, "%s/etc", scratch);
    site.caller.home = home;
    site.caller.uid = getuid();
    paths.sysconfdir = sysconfdir;
    sources.deadline = clock_after(600000);
    return 0;
}

static struct account *account_with(const char *key, const char *value)
{
    struct error err;
    struct account *account = account_new("a", SCOPE_USER);
    assert_true(account_set(account, "host", "h.example, i.example", "", &err));
    assert_true(account_set(account, "user", "me", "", &err));
    if (!account_set(account, key, value, "", &err))
        fail_msg("%s", err.text);
    return account;
}

/* Expects PASSWORD, or, if that is NULL, a failure with class, code and COMPLAINT. */
static void expect(struct account *account, const char *password, enum error_class class, int code,
                   const char *complaint)
{
    struct str out = {0};
    struct error err = {0};
    bool ok = password_find(account, &sources, &out, &err);
    if (ok != (password != NULL))
        fail_msg("%s", ok ? str_text(&out) : err.text);
    assert_true(out.secret);
    if (ok) {
        assert_string_equal(str_text(&out), password);
    } else {
        assert_int_equal(out.len, 0);
        assert_int_equal(err.scope, ERROR_ACCOUNT);
        assert_int_equal(err.class, class);
        assert_int_equal(err.code, code);
        if (!strstr(err.text, complaint))
            fail_msg("%s", err.text);
        assert_null(strstr(err.text, "hunter2"));
    }
    str_clear(&out);
    account_free(account);
}

static void expect_found(const char *key, const char *value, const char *password)
{
    expect(account_with(key, value), password, 0, 0, NULL);
}

static void expect_wrong(const char *key, const char *value, const char *complaint)
{
    expect(account_with(key, value), NULL, ERROR_PERMANENT, EX_CONFIG, complaint);
}

/* Password trouble defers, so that nothing bounces while a file is away. */
static void expect_unreadable(const char *value, const char *complaint)
{
    expect(account_with("password_file", value), NULL, ERROR_TEMPORARY, EX_TEMPFAIL, complaint);
}

static void the_password_itself_comes_first(void **state)
{
    (void)state;
    struct error err;
    struct account *account = account_with("password", "a ; \"b\"");
    assert_true(account_set(account, "password_command", "echo other", "", &err));
    expect(account, "a ; \"b\"", 0, 0, NULL);
}

static void files_hold_it_in_their_first_line(void **state)
{
    (void)state;
    expect_found("password_file", scratch_write("p", 0600, "one\ntwo\n", 8), "one");
    expect_found("password_file", scratch_write("p", 0400, "one", 3), "one");
    expect_found("password_file", scratch_write("p", 0600, " a b \r\n", 7), " a b ");
    expect_wrong("password_file", scratch_write("p", 0600, "\nhunter2\n", 9), "is empty");
    expect_wrong("password_file", scratch_write("p", 0600, "", 0), "is empty");
    expect_wrong("password_file", scratch_write("p", 0600, "hunter2\0x\n", 10), "NUL byte");
    expect_wrong("password_file", scratch_write("p", 0640, "hunter2\n", 8),
                 "others can read (mode 0640): chmod 600");
    expect_wrong("password_file", scratch_write("p", 0604, "hunter2\n", 8), "mode 0604");
    expect_unreadable(scratch_path("none"), "No such file");
    expect_unreadable(scratch, "not a regular file");
}

static void give_away(const char *name, uid_t uid)
{
    assert_int_equal(chown(scratch_path(name), uid, (gid_t)-1), 0);
}

/* Root alone can make the files of others. */
static void files_of_others_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return;
    const char *path = scratch_write("p", 0600, "hunter2\n", 8);
    give_away("p", 65533);
    expect_wrong("password_file", path, "of uid 65533, and it must be of uid 0: chown it");
    site.caller.uid = 65533;
    expect_found("password_file", path, "hunter2");
    site.caller.uid = 65532;
    give_away("p", 0);
    expect_found("password_file", path, "hunter2");
    static const char netrc[] = "machine h.example login me password hunter2\n";
    scratch_write("home/.netrc", 0600, netrc, strlen(netrc));
    give_away("home/.netrc", 65533);
    expect(account_with("aliases", ""), NULL, ERROR_PERMANENT, EX_CONFIG,
           ".netrc: is owned by uid");
    site.caller.uid = 0;
    (void)unlink(scratch_path("home/.netrc"));
}

static void a_name_alone_is_a_credential(void **state)
{
    (void)state;
    scratch_write("credentials/token", 0440, "secret\n", 7); /* as systemd's ACLs look */
    char directory[128];
    snprintf(directory, sizeof directory, "%s/credentials", scratch);
    site.caller.credentials = directory;
    expect_found("password_file", "token", "secret");
    expect_unreadable("missing", "credentials/missing: No such file");
    expect_unreadable("missing", "LoadCredential=missing:PATH");
    site.caller.credentials = "";
}

static void commands_print_it(void **state)
{
    (void)state;
    expect_found("password_command", "echo secret; echo more", "secret");
    expect_found("passwordeval", "printf secret", "secret");
    expect_found("password_command", "cat; printf \"a b\"", "a b"); /* stdin is empty */
    static const char *const failing[][2] = {
        {"echo hunter2; exit 3", "exit status 3"},
        {"exec true", "the first line is empty"},
        {"yes hunter2", "printed more than"},
        {"kill -9 $$", "signal 9"},
    };
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        struct account *account = account_with("password_command", failing[i][0]);
        struct str out = {0};
        struct error err = {0};
        assert_false(password_find(account, &sources, &out, &err));
        if (!strstr(err.text, failing[i][1]) || !strstr(err.text, "account a: password_command: "))
            fail_msg("%s", err.text);
        assert_int_equal(err.class, ERROR_TEMPORARY);
        assert_int_equal(err.code, EX_TEMPFAIL);
        assert_int_equal(out.len, 0);
        str_clear(&out);
        account_free(account);
    }
    sources.deadline = clock_after(30);
    expect(account_with("password_command", "exec sleep 1000"), NULL, ERROR_TEMPORARY, EX_TEMPFAIL,
           "took too long");
    sources.deadline = clock_after(600000);
}

static void long_tokens_are_whole(void **state)
{
    (void)state;
    static char token[20001];
    memset(token, 't', sizeof token - 1);
    expect_found("password_file", scratch_write("p", 0600, token, sizeof token - 1), token);
    expect_found("password", token, token);
    char command[256];
    snprintf(command, sizeof command, "cat %s", scratch_path("p"));
    expect_found("password_command", command, token);
}

static void netrc_files_are_asked_next(void **state)
{
    (void)state;
    static const char own[] = "machine i.example login me password from-home\n";
    static const char system[] = "machine h.example password from-etc\n";
    scratch_write("etc/netrc", 0600, system, strlen(system));
    expect_found("timeout", "5", "from-etc");
    scratch_write("home/.netrc", 0600, own, strlen(own));
    expect_found("timeout", "5", "from-home");
    scratch_write("home/.netrc", 0644, own, strlen(own));
    expect_wrong("timeout", "5", ".netrc: a password that others can read (mode 0644)");
    struct error err;
    struct account *msmtp = account_new_msmtp("", SCOPE_COMMAND_LINE);
    assert_true(account_set(msmtp, "host", "i.example", "", &err));
    assert_true(account_set(msmtp, "user", "me", "", &err));
    expect(msmtp, "from-home", 0, 0, NULL); /* msmtp never looked at the mode */
    struct account *socket = account_with("socket", "/run/s");
    static const char named[] = "machine /run/s login me password by-socket\n";
    scratch_write("home/.netrc", 0600, named, strlen(named));
    expect(socket, "by-socket", 0, 0, NULL);
    unlink(scratch_path("home/.netrc"));
    unlink(scratch_path("etc/netrc"));
}

static void the_terminal_comes_last(void **state)
{
    (void)state;
    static char typed[] = "typed", nothing[] = "";
    expect_wrong("timeout", "5",
                 "no password for 'me' at h.example: add `password_file = PATH` or "
                 "`password_command = COMMAND`");
    sources.ask = ask;
    sources.context = typed;
    expect_found("timeout", "5", "typed");
    asked = NULL;
    expect_found("password", "x", "x");
    assert_null(asked);
    sources.context = nothing;
    expect_wrong("timeout", "5", "no password for");
    sources.ask = NULL;
}

static void netrc_entries_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *password; /* of me at h.example; NULL: none */
    } cases[] = {
        {"", NULL},
        {"machine h.example login me password p", "p"},
        {"machine H.Example\n\tpassword p\n\tlogin me\n", "p"},
        {"machine h.example password p", "p"},
        {"machine h.example login you password p", NULL},
        {"machine h.example login you password p\nmachine h.example login me password q", "q"},
        {"machine i.example login me password p\n", NULL},
        {"default login me password p\n", NULL},
        {"machine h.example login me\ndefault password p\n", NULL},
        {"machine h.example login me account x password p\n", "p"},
        {"machine h.example login me password \"a b\\\"c\\\\\"\n", "a b\"c\\"},
        {"machine h.example login me password a\\b\n", "a\\b"},
        {"machine h.example login me password #p\n", "#p"},
        {"# machine h.example login me password p\n", NULL},
        {"macdef m\nmachine h.example login me password p\n\nmachine h.example password q", "q"},
        {"machine h.example login me password machine\n", "machine"},
        {"machine h.example login me password", NULL},
        {"machine", NULL},
        {"machine h.example login me password \"open", "open"},
        {"nonsense machine h.example login me password p", "p"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {.secret = true};
        bool found = netrc_find(cases[i].text, strlen(cases[i].text), "h.example", "me", &out);
        if (found != (cases[i].password != NULL) ||
            (found && strcmp(str_text(&out), cases[i].password) != 0))
            fail_msg("%s: %s", cases[i].text, str_text(&out));
        str_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_itself_comes_first),
        cmocka_unit_test(files_hold_it_in_their_first_line),
        cmocka_unit_test(files_of_others_are_refused),
        cmocka_unit_test(a_name_alone_is_a_credential),
        cmocka_unit_test(commands_print_it),
        cmocka_unit_test(long_tokens_are_whole),
        cmocka_unit_test(netrc_files_are_asked_next),
        cmocka_unit_test(the_terminal_comes_last),
        cmocka_unit_test(netrc_entries_are_found),
    };
    return cmocka_run_group_tests_name("password", tests, setup, scratch_teardown);
}
