#include "suite.h"

#include "config/account.h"
#include "config/configuration.h"
#include "config/key.h"

/* Room for the object of any section. */
union object {
    struct account account;
    struct queue_settings queue;
    struct provider provider;
    struct oauth_service oauth;
};

static void every_row_is_whole(void **state)
{
    (void)state;
    assert_in_range(key_count, 1, KEY_MAX);
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        assert_non_null(key->name);
        assert_non_null(key->fallback);
        if (!key->help || !*key->help || strchr(key->help, '\n'))
            fail_msg("%s: no help", key->name);
        assert_int_equal(key->type == KEY_CHOICE, key->choices != NULL);
        assert_int_equal(key->type == KEY_NUMBER, key->max > key->min);
        assert_ptr_equal(key_find(key->section, key->name), key);
        assert_int_equal(key_index(key), i);
        if (key->alias)
            assert_ptr_equal(key_find(key->section, key->alias), key);
        assert_string_equal(key_nearest(key->section, key->name), key->name);
    }
}

/* The fallback parses, and what is printed of it parses to the same. */
static void every_fallback_goes_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        const char *texts[] = {key->fallback, key->msmtp ? key->msmtp : key->fallback};
        for (size_t j = 0; j < 2; j++) {
            union object one = {0}, two = {0}, three = {0};
            struct error err = {0};
            struct str printed = {0}, again = {0};
            if (key->type == KEY_NUMBER && !*texts[j])
                continue;
            if (!key_parse(key, &one, texts[j], "", &err))
                fail_msg("%s: %s", key->name, err.text);
            key_print(key, &one, &printed);
            assert_true(key_parse(key, &two, str_text(&printed), "", &err));
            key_print(key, &two, &again);
            assert_string_equal(str_text(&printed), str_text(&again));
            key_copy(key, &three, &two);
            key_copy(key, &three, &three);
            str_truncate(&again, 0);
            key_print(key, &three, &again);
            assert_string_equal(str_text(&printed), str_text(&again));
            str_clear(&printed);
            str_clear(&again);
            key_clear(key->section, &one);
            key_clear(key->section, &two);
            key_clear(key->section, &three);
            key_clear(key->section, &three);
        }
    }
}

/* Every key of an account survives being set, inherited and printed. */
static void every_account_key_is_inherited(void **state)
{
    (void)state;
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        if (key->section != KEY_ACCOUNT)
            continue;
        const char *text = key->type == KEY_CHOICE   ? key->choices[1]
                           : key->type == KEY_BOOL   ? (strcmp(key->fallback, "on") ? "on" : "off")
                           : key->type == KEY_NUMBER ? "600"
                           : key->type == KEY_DURATION    ? "7"
                           : strstr(key->name, "_ip")     ? "192.0.2.1"
                           : strstr(key->name, "_notify") ? "failure"
                           : strstr(key->name, "print")
                               ? "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
                           : strcmp(key->name, "domains") == 0 ? "a.example"
                           : strstr(key->name, "host")         ? "a.example"
                           : key->check                        ? "a@b.example"
                                                               : "value";
        if (key->type == KEY_METHOD)
            text = "gssapi";
        if (strcmp(key->name, "password_file") == 0 || strcmp(key->name, "maildir") == 0 ||
            strcmp(key->name, "sent_copy") == 0)
            text = "/x";
        if (strcmp(key->name, "rate") == 0)
            text = "30/m, 500/d";
        if (strcmp(key->name, "oauth_tenant") == 0)
            text = "example.com";
        if (strcmp(key->name, "oauth") == 0)
            text = "https://login.example.com";
        if (strncmp(key->name, "oauth_", 6) == 0 && strstr(key->name, "_file"))
            text = "/x";
        if (strcmp(key->name, "max_connections") == 0)
            text = "9";
        struct account *parent = account_new("p", SCOPE_USER);
        struct account *child = account_new("c", SCOPE_USER);
        struct error err;
        struct str printed = {0};
        if (!account_set(parent, key->name, text, "", &err))
            fail_msg("%s: %s", key->name, err.text);
        account_inherit(child, parent);
        bool own = strcmp(key->name, "domains") == 0 || strcmp(key->name, "inherit") == 0 ||
                   strcmp(key->name, "fallback") == 0;
        assert_int_equal(account_has(child, key->name), !own);
        key_print(key, child, &printed);
        if (!own)
            assert_string_equal(str_text(&printed), key->type == KEY_SECRET ? "*" : text);
        str_clear(&printed);
        account_free(parent);
        account_free(child);
    }
}

struct value {
    const char *key, *text;
    const char *printed; /* NULL: refused */
};

static const struct value values[] = {
    {"port", "587", "587"},
    {"port", "0", NULL},
    {"port", "65536", NULL},
    {"port", "-1", NULL},
    {"port", "25x", NULL},
    {"port", "", NULL},
    {"port", "99999999999999999999", NULL},
    {"timeout", "90", "90"},
    {"timeout", "90s", "90"},
    {"timeout", "5m", "300"},
    {"timeout", "2 h", "2h"},
    {"timeout", "5d", "5d"},
    {"timeout", "1w", "7d"},
    {"timeout", "off", "off"},
    {"timeout", "5 parsecs", NULL},
    {"timeout", "", NULL},
    {"timeout", "-5", NULL},
    {"tls", "YES", "on"},
    {"tls", "false", "off"},
    {"tls", "maybe", NULL},
    {"tls", "", NULL},
    {"auth", "Plain", "plain"},
    {"auth", "cram-md4", NULL},
    {"syslog", "log_mail", "LOG_MAIL"},
    {"host", " , ,", NULL},
    {"host", "a.example , b.example,", "a.example, b.example"},
    {"host", "2001:db8::1", "2001:db8::1"},
    {"host", "", ""},
    {"host", "smtp.example.com:587", NULL},
    {"host", "smtps://x", NULL},
    {"host", "a b", NULL},
    {"oauth", "microsoft", "microsoft"},
    {"oauth", "https://login.example.com/realms/a", "https://login.example.com/realms/a"},
    {"oauth", "http://login.example.com", NULL},
    {"oauth", "https://", NULL},
    {"oauth", "https:///realms/a", NULL},
    {"oauth", "https://me:secret@login.example.com", NULL},
    {"oauth", "https://login.example.com:8443/@a", "https://login.example.com:8443/@a"},
    {"oauth", "a/b", NULL},
    {"oauth_tenant", "contoso.example", "contoso.example"},
    {"oauth_tenant", "a/../b", NULL},
    {"oauth_grant", "Client_Credentials", "client_credentials"},
    {"oauth_grant", "password", NULL},
    {"oauth_key_file", "key", "key"},
    {"oauth_key_file", "a/key", NULL},
    {"domains", "example.com, *.example.org, me@example.net",
     "example.com, *.example.org, "
     "me@example.net"},
    {"domains", "@example.com", NULL},
    {"domains", "*example.com", NULL},
    {"domains", "*", NULL},
    {"domains", "a..b", NULL},
    {"from", "*@example.com", "*@example.com"},
    {"from", "Me <me@example.com>", NULL},
    {"from", "root", "root"},
    {"admin", "root", NULL},
    {"source_ip", "localhost", NULL},
    {"source_ip", "::1", "::1"},
    {"password_file", "relative/file", NULL},
    {"password_file", "..", NULL},
    {"password_file", "credential", "credential"},
    {"password_file", "~/x", "/home/me/x"},
    {"logfile", "~", "/home/me"},
    {"logfile", "~other/x", "~other/x"},
    {"tls_fingerprint", "00:11", NULL},
    {"tls_fingerprint",
     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff, "
     "spki:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff, "
     "spki:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
    {"tls_fingerprint", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff, 00:11",
     NULL},
    {"dsn_notify", "failure,delay", "failure, delay"},
    {"dsn_notify", "sometimes", NULL},
    {"user", "a\nb", NULL},
    {"user", "a\x01", NULL},
    {"password", "a ; \"b", "*"},
    {"password", "", ""},
};

static void values_are_read_by_their_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value *v = &values[i];
        const struct key *key = key_find(KEY_ACCOUNT, v->key);
        struct account *account = account_new("a", SCOPE_USER);
        struct error err;
        struct str before = {0}, after = {0};
        key_print(key, account, &before);
        bool ok = key_parse(key, account, v->text, "/home/me", &err);
        key_print(key, account, &after);
        if (ok != (v->printed != NULL))
            fail_msg("%s = %s: %s", v->key, v->text, ok ? "was accepted" : err.text);
        if (!ok) {
            assert_int_equal(err.code, EX_CONFIG);
            assert_non_null(strstr(err.text, v->key));
        }
        assert_string_equal(str_text(&after), ok ? v->printed : str_text(&before));
        str_clear(&before);
        str_clear(&after);
        account_free(account);
    }
}

static void sizes_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value; /* -1: refused */
    } cases[] = {{"4096", 4096},
                 {"64k", 65536},
                 {"10M", 10485760},
                 {"1G", 1073741824},
                 {"10Mb", -1},
                 {"", -1},
                 {"x", -1},
                 {"1152921504606846977", -1},
                 {"1000000000", 1000000000},
                 {"2000000000G", -1},
                 {"9999999999999999999", -1},
                 {"5 k", -1}};
    const struct key key = {.name = "limit", .type = KEY_SIZE};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = -1;
        struct error err;
        assert_int_equal(key_parse(&key, &value, cases[i].text, "", &err), cases[i].value >= 0);
        assert_int_equal(value, cases[i].value);
    }
}

static void mistyped_names_are_recognised(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"tiemout", "timeout"},
        {"hots", "host"},
        {"passwd", NULL},
        {"pasword", "password"},
        {"tls-starttls", "tls_starttls"},
        {"Host", "host"},
        {"domian", "domain"},
        {"password_cmd", NULL},
        {"zzzzzzzz", NULL},
        {"usr", "user"},
        {"", NULL},
        {"passwordevl", "passwordeval"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = key_nearest(KEY_ACCOUNT, cases[i][0]);
        if (!cases[i][1])
            continue;
        if (!nearest || strcmp(nearest, cases[i][1]) != 0)
            fail_msg("%s: %s", cases[i][0], nearest ? nearest : "nothing");
    }
    assert_null(key_nearest(KEY_ACCOUNT, "zzzzzzzz"));
    assert_null(key_nearest(KEY_ACCOUNT, ""));
    char longer[500];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_null(key_nearest(KEY_ACCOUNT, longer));
}

static void names_of_msmtp_lead_to_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name, *key;
    } cases[] = {{"connect_timeout", "timeout"},
                 {"add_missing_from_header", "set_from_header"},
                 {"keepbcc", "remove_bcc_headers"},
                 {"tls_nostarttls", "tls_starttls"},
                 {"undisclosed_recipients", "set_to_header"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct key_renamed *old = key_renamed(cases[i].name);
        assert_non_null(old);
        assert_string_equal(old->key, cases[i].key);
        const struct key *key = key_find(KEY_ACCOUNT, old->key);
        assert_non_null(key);
        assert_non_null(key->command);
        struct account *scratch = account_new("", SCOPE_USER);
        struct error err;
        const char *both[] = {old->on, old->off};
        for (size_t k = 0; k < 2; k++)
            assert_true(!both[k] || key_parse(key, scratch, both[k], "", &err));
        account_free(scratch);
    }
    assert_null(key_renamed("timeout"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(every_fallback_goes_both_ways),
        cmocka_unit_test(every_account_key_is_inherited),
        cmocka_unit_test(values_are_read_by_their_type),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(mistyped_names_are_recognised),
        cmocka_unit_test(names_of_msmtp_lead_to_keys),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
