#include "suite.h"

#include <syslog.h>

#include "message/envelope.h"
#include "config/account.h"

/* Sets "KEY VALUE", several of them separated by newlines. */
static struct account *with(struct account *account, const char *keys)
{
    struct error err;
    while (*keys) {
        char key[64], value[256];
        size_t name = strcspn(keys, " "), line = strcspn(keys, "\n");
        assert_true(name < line && name < sizeof key && line - name < sizeof value);
        memcpy(key, keys, name);
        key[name] = '\0';
        memcpy(value, keys + name + 1, line - name - 1);
        value[line - name - 1] = '\0';
        if (!account_set(account, key, value, "", &err))
            fail_msg("%s", err.text);
        keys += line + (keys[line] == '\n');
    }
    return account;
}

static void the_port_follows_the_tls_mode(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int port;
        bool implicit;
        int msmtp_port;
        bool msmtp_implicit;
    } cases[] = {
        {"user x", 587, false, 25, false},
        {"tls on", 587, false, 25, false},
        {"tls off", 25, false, 25, false},
        {"tls on\ntls_starttls off", 465, true, 465, true},
        {"tls off\ntls_starttls off", 25, false, 25, false},
        {"tls on\nport 465", 465, true, 465, false},
        {"port 465\ntls off", 465, false, 465, false},
        {"tls on\nport 465\ntls_starttls on", 465, false, 465, false},
        {"port 2525", 2525, false, 2525, false},
        {"protocol lmtp", 24, false, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *ini = with(account_new("a", SCOPE_USER), cases[i].keys);
        struct account *msmtp = with(account_new_msmtp("", SCOPE_COMMAND_LINE), cases[i].keys);
        assert_int_equal(account_port(ini), cases[i].port);
        assert_int_equal(account_implicit_tls(ini), cases[i].implicit);
        assert_int_equal(account_port(msmtp), cases[i].msmtp_port);
        assert_int_equal(account_implicit_tls(msmtp), cases[i].msmtp_implicit);
        account_free(ini);
        account_free(msmtp);
    }
}

static void the_address_is_from_or_user(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *address;
    } cases[] = {
        {"timeout 5", ""},
        {"user me@a.example", "me@a.example"},
        {"user apikey", ""},
        {"user me@a.example\nfrom you@b.example", "you@b.example"},
        {"user me@a.example\nfrom *@a.example", "me@a.example"},
        {"user apikey\nfrom *@a.example", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *account = with(account_new("a", SCOPE_USER), cases[i].keys);
        assert_string_equal(account_address(account), cases[i].address);
        account_free(account);
    }
    struct account *account =
        with(account_new("a", SCOPE_USER), "user me@a.example\nfrom you@b.example");
    assert_true(account_owns(account, "me@a.example"));
    assert_true(account_owns(account, "YOU@B.EXAMPLE"));
    assert_false(account_owns(account, "us@a.example"));
    assert_false(account_owns(account, ""));
    account_free(account);
}

static void parents_give_what_children_lack(void **state)
{
    (void)state;
    struct account *parent = with(account_new("p", SCOPE_USER),
                                  "host h.example\ntimeout 5\npassword secret\ndomains a.example");
    struct account *child = with(account_new("c", SCOPE_USER), "timeout 7");
    account_inherit(child, parent);
    assert_string_equal(child->host.item[0], "h.example");
    assert_int_equal(child->timeout, 7000);
    assert_string_equal(str_text(&child->password), "secret");
    assert_true(child->password.secret);
    assert_int_equal(child->domains.n, 0); /* about the parent only */
    assert_false(account_has(child, "port"));
    account_free(parent);
    account_free(child);
}

static void contradictions_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *complaint; /* NULL: nothing is wrong */
    } cases[] = {
        {"host h.example", NULL},
        {"socket /run/x", NULL},
        {"user me@a.example", "no host is known for a.example: add `host = ...`"},
        {"from me@a.example", "no host is known for a.example: add `host = ...`"},
        {"user apikey", "no host is set: add `host = ...`"},
        {"host h.example\ntls_key_file /k", "add `tls_cert_file = ...`"},
        {"host h.example\ntls_cert_file /k", "add `tls_key_file = ...`"},
        {"host h.example\ndsn_notify never,delay", "exclude other words"},
        {"host h.example\nrequiretls on\ntls off", "requiretls needs verified TLS"},
        {"host h.example\nrequiretls on\ntls_certcheck off", "requiretls needs verified TLS"},
        {"host h.example\nrequiretls on", NULL},
        {"host h.example\nkeyring goa\nauth on",
         "`keyring = goa` needs the mailbox to log in to: add `user = name@example.com`"},
        {"host h.example\nkeyring goa\nuser me@x\nauth plain",
         "`keyring = goa` is for a login with tokens: leave `auth` out"},
        {"host h.example\nkeyring goa\nuser me@x\nauth xoauth2", NULL},
        {"host h.example\nkeyring goa\nuser me@x\nauth on\noauth google", "remove one of them"},
        {"host h.example\ntls_trust_file ", "add `tls_trust_file = system`"},
        {"host h.example\ntls_trust_file \ntls_certcheck off", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *account = with(account_new("a", SCOPE_USER), cases[i].keys);
        struct error err = {0};
        bool ok = account_check(account, &err);
        if (ok != !cases[i].complaint || (!ok && !strstr(err.text, cases[i].complaint)))
            fail_msg("%s: %s", cases[i].keys, err.text);
        if (!ok) {
            assert_int_equal(err.code, EX_CONFIG);
            assert_int_equal(err.scope, ERROR_ACCOUNT);
        }
        account_free(account);
    }
}

static void small_questions_are_answered(void **state)
{
    (void)state;
    struct account *account = account_new("a", SCOPE_USER);
    assert_int_equal(account_dsn_notify(account), 0);
    assert_int_equal(account_syslog_facility(account), LOG_MAIL);
    with(account, "dsn_notify Failure, delay\nsyslog LOG_LOCAL3");
    assert_int_equal(account_dsn_notify(account), DSN_FAILURE | DSN_DELAY);
    assert_int_equal(account_syslog_facility(account), LOG_LOCAL3);
    with(account, "dsn_notify off\nsyslog off");
    assert_int_equal(account_dsn_notify(account), 0);
    assert_int_equal(account_syslog_facility(account), -1);
    account_free(account);

    struct account *msmtp = account_new_msmtp("", SCOPE_COMMAND_LINE);
    assert_false(msmtp->tls);
    assert_false(msmtp->queue);
    assert_int_equal(msmtp->timeout, 0);
    assert_int_equal(msmtp->rewrite_from, REWRITE_OFF);
    assert_string_equal(msmtp->domain, "localhost");
    assert_int_equal(account_syslog_facility(msmtp), -1);
    with(msmtp, "syslog on");
    assert_int_equal(account_syslog_facility(msmtp), LOG_USER);
    struct error err;
    assert_false(account_set(msmtp, "colour", "red", "", &err));
    account_free(msmtp);
}

static void a_printed_account_hides_its_password(void **state)
{
    (void)state;
    struct account *account =
        with(account_new("a", SCOPE_USER), "password hunter2\nhost a.example,b.example");
    struct str out = {0};
    account_print(account, &out);
    assert_null(strstr(out.data, "hunter2"));
    assert_non_null(strstr(out.data, "\npassword = *\n"));
    assert_non_null(strstr(out.data, "\nhost = a.example, b.example\n"));
    assert_non_null(strstr(out.data, "\nrewrite_from = foreign\n"));
    assert_non_null(strstr(out.data, "\ntimeout_final = 600\n"));
    str_clear(&out);
    account_free(account);
}

static void the_password_is_the_pin_of_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        bool has;
    } cases[] = {
        {"tls_key_file pkcs11:token=a\npassword 1234", true},
        {"tls_key_file pkcs11:token=a\npassword_file /p", true},
        {"tls_key_file pkcs11:token=a\npassword_command pass", true},
        {"tls_key_file pkcs11:token=a", false},
        {"tls_key_file /k.pem\npassword 1234", false},
        {"password 1234", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *account = with(account_new("a", SCOPE_USER), cases[i].keys);
        assert_int_equal(account_has_pin(account), cases[i].has);
        account_free(account);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_port_follows_the_tls_mode),
        cmocka_unit_test(the_address_is_from_or_user),
        cmocka_unit_test(parents_give_what_children_lack),
        cmocka_unit_test(contradictions_are_told),
        cmocka_unit_test(small_questions_are_answered),
        cmocka_unit_test(a_printed_account_hides_its_password),
        cmocka_unit_test(the_password_is_the_pin_of_a_token),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
