#include "suite.h"

#include "base/clock.h"
#include "config/keyring.h"
#include "scratch.h"

static const char show[] = "#!/bin/sh\necho \"${0##*/}:$*\"\necho more\n";
static const char fail[] = "#!/bin/sh\necho half\nexit 1\n";
static const char nothing[] = "#!/bin/sh\nexit 0\n";

static const struct {
    const char *name, *keyring, *user, *tool; /* tool: the script, NULL if there is none */
    enum account_scope scope;
    bool session;
    const char *answer; /* NULL: none */
} cases[] = {
    {"secret-tool", "auto", "me@x", show, SCOPE_USER, true,
     "secret-tool:lookup host h.example service smtp user me@x"},
    {"without a session", "auto", "me@x", show, SCOPE_USER, false, NULL},
    {"asked for by name", "secret-tool", "me@x", show, SCOPE_USER, false,
     "secret-tool:lookup host h.example service smtp user me@x"},
    {"not installed", "auto", "me@x", NULL, SCOPE_USER, true, NULL},
    {"switched off", "off", "me@x", show, SCOPE_USER, true, NULL},
    {"pass", "pass", "me@x", show, SCOPE_USER, false, "pass:show h.example/me@x"},
    {"an account of the system", "auto", "me@x", show, SCOPE_SYSTEM, true, NULL},
    {"no user", "auto", "", show, SCOPE_USER, true, NULL},
    {"it fails", "auto", "me@x", fail, SCOPE_USER, true, NULL},
    {"it has none", "auto", "me@x", nothing, SCOPE_USER, true, NULL},
    {"quotes are text", "pass", "a'b $(id) \"", show, SCOPE_USER, true,
     "pass:show h.example/a'b $(id) \""},
};

static void keyrings_are_asked(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/bin:/usr/bin:/bin", scratch);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *a = account_new("a", cases[i].scope);
        struct error err;
        struct str out = {.secret = true};
        print_message("# %s\n", cases[i].name);
        static const char *const tools[] = {"bin/secret-tool", "bin/pass"};
        for (size_t k = 0; k < 2; k++) {
            (void)unlink(scratch_path(tools[k]));
            if (cases[i].tool)
                scratch_write(tools[k], 0755, cases[i].tool, strlen(cases[i].tool));
        }
        (void)setenv("PATH", path, 1); /* for the shell */
        const struct caller caller = {.path = path, .has_session = cases[i].session};
        assert_true(account_set(a, "user", cases[i].user, "", &err));
        assert_true(account_set(a, "keyring", cases[i].keyring, "", &err));
        bool found = keyring_find(a, &caller, "h.example", clock_after(20000), &out);
        assert_int_equal(found, cases[i].answer != NULL);
        assert_string_equal(str_text(&out), cases[i].answer ? cases[i].answer : "");
        str_clear(&out);
        account_free(a);
    }
}

/* A bus with two accounts, of which the second has what is looked for. */
static const char busctl[] = "#!/bin/sh\n"
                             "case \"$*\" in\n"
                             "*' tree org.gnome.OnlineAccounts')\n"
                             "  for o in /org /org/gnome/OnlineAccounts/Accounts/a1 "
                             "/org/gnome/OnlineAccounts/Accounts/a2; do\n"
                             "  echo $o; done ;;\n"
                             "*a1*EmailAddress) echo 's \"other@x\"' ;;\n"
                             "*a2*'Mail EmailAddress') echo \"s \\\"$WHO\\\"\" ;;\n"
                             "*a2*'OAuth2Based GetAccessToken') printf '%s\\n' \"$SAYS\" ;;\n"
                             "*) exit 1 ;;\n"
                             "esac\n";

static void gnome_is_asked_for_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *who, *says, *token; /* token: NULL: none */
    } rows[] = {
        {"me@x", "si \"ya29.a0_-~+/=\" 3599", "ya29.a0_-~+/="},
        {"Me@X", "si \"ya29\" 3599", "ya29"},
        {"you@x", "si \"ya29\" 3599", NULL},
        {"me@x", "si \"\" 3599", NULL},
        {"me@x", "si \"a\\\"b\" 3599", NULL},
        {"me@x", "si \"a b\" 3599", NULL},
        {"me@x", "si \"ya29", NULL},
        {"me@x", "s \"ya29\"", NULL},
        {"me@x", "", NULL},
    };
    char path[512];
    snprintf(path, sizeof path, "%s/bin:/usr/bin:/bin", scratch);
    (void)setenv("PATH", path, 1);
    scratch_write("bin/busctl", 0755, busctl, strlen(busctl));
    struct account *a = account_new("a", SCOPE_USER);
    struct error err;
    assert_true(account_set(a, "user", "me@x", "", &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str out = {.secret = true};
        (void)setenv("WHO", rows[i].who, 1);
        (void)setenv("SAYS", rows[i].says, 1);
        print_message("# %s\n", rows[i].says);
        assert_int_equal(keyring_token(a, clock_after(20000), &out, &err), rows[i].token != NULL);
        assert_string_equal(str_text(&out), rows[i].token ? rows[i].token : "");
        if (!rows[i].token)
            assert_non_null(strstr(err.text, "GNOME Online Accounts gives no token for me@x"));
        str_clear(&out);
    }
    struct str out = {.secret = true};
    assert_false(keyring_token(a, clock_after(1), &out, &err));
    assert_string_equal(err.text, "GNOME Online Accounts did not answer in time");
    str_clear(&out);
    account_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keyrings_are_asked),
                                       cmocka_unit_test(gnome_is_asked_for_a_token)};
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
