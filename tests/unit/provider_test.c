#include "suite.h"

#include <unistd.h>

#include "config/provider.h"
#include "scratch.h"

/* The file that is installed. */
static struct provider_table known;

static bool read_table(struct provider_table *table, const char *file, struct error *err)
{
    return provider_open(table, file, err) && provider_load(table, err);
}

static const struct provider *by_name(const struct provider_table *table, const char *name)
{
    for (size_t i = provider_count(table); i-- > 0;)
        if (strcasecmp(provider_at(table, i)->name, name) == 0)
            return provider_at(table, i);
    return NULL;
}

static int setup(void **state)
{
    char path[4096];
    struct error err;
    snprintf(path, sizeof path, "%s/../etc/providers.ini", getenv("srcdir"));
    if (scratch_setup(state) != 0)
        return -1;
    if (read_table(&known, path, &err))
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return -1;
}

static int teardown(void **state)
{
    provider_table_clear(&known);
    provider_table_clear(&known);
    return scratch_teardown(state);
}

static void domains_lead_to_servers(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *host;
        bool exact;
    } cases[] = {
        {"163.com", "smtp.163.com", true},
        {"126.com", "smtp.126.com", true},
        {"yeah.net", "smtp.yeah.net", true},
        {"vip.163.com", "smtp.vip.163.com", true},
        {"qq.com", "smtp.qq.com", true},
        {"foxmail.com", "smtp.qq.com", true},
        {"GMail.com", "smtp.gmail.com", true},
        {"googlemail.com", "smtp.gmail.com", true},
        {"hotmail.com", "smtp-mail.outlook.com", true},
        {"live.com", "smtp-mail.outlook.com", true},
        {"me.com", "smtp.mail.me.com", true},
        {"mac.com", "smtp.mail.me.com", true},
        {"icloud.com", "smtp.mail.me.com", true},
        {"yahoo.co.uk", "smtp.mail.yahoo.com", true},
        {"ymail.com", "smtp.mail.yahoo.com", true},
        {"fastmail.com", "smtp.fastmail.com", false},
        {"gmx.de", "mail.gmx.net", true},
        {"web.de", "smtp.web.de", true},
        {"bk.ru", "smtp.mail.ru", true},
        {"ya.ru", "smtp.yandex.ru", true},
        {"zoho.com", "smtp.zoho.com", true},
        {"aliyun.com", "smtp.aliyun.com", true},
        {"sina.com", "smtp.sina.com", true},
        {"vip.sina.com", "smtp.vip.sina.com", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct provider *provider = provider_for_domain(&known, cases[i].domain);
        if (!provider)
            fail_msg("nobody serves %s", cases[i].domain);
        assert_string_equal(provider->host.item[0], cases[i].host);
        assert_int_equal(provider->senders == SENDERS_EXACT, cases[i].exact);
    }
    assert_null(provider_for_domain(&known, "unknown.example"));
    assert_null(provider_for_domain(&known, "x163.com"));
    assert_null(provider_for_domain(&known, ""));
}

static void relays_are_known_by_name(void **state)
{
    (void)state;
    static const char *const relays[] = {"ses",   "sendgrid", "mailgun", "mailgun-eu",
                                         "brevo", "postmark", "mailjet", "office365"};
    for (size_t i = 0; i < sizeof relays / sizeof *relays; i++)
        assert_non_null(by_name(&known, relays[i]));
}

static void hosts_are_in_small_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < provider_count(&known); i++) {
        const struct provider *provider = provider_at(&known, i);
        for (size_t j = 0; j < provider->host.n; j++)
            assert_null(strpbrk(provider->host.item[j], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    }
}

struct completion {
    const char *keys[8]; /* name, value, ... */
    const char *host;    /* NULL: an error */
    int port;
    bool implicit;
    const char *auth;
    int senders;
    const char *complaint;
};

static const struct completion completions[] = {
    {{"user", "x@163.com"}, "smtp.163.com", 465, true, "on", SENDERS_EXACT, NULL},
    {{"from", "x@qq.com"}, "smtp.qq.com", 465, true, "on", SENDERS_EXACT, NULL},
    {{"user", "login", "from", "x@qq.com"}, "smtp.qq.com", 465, true, "on", SENDERS_EXACT, NULL},
    {{"user", "x@me.com"}, "smtp.mail.me.com", 587, false, "on", SENDERS_EXACT, NULL},
    {{"user", "x@live.com"},
     "smtp-mail.outlook.com",
     587,
     false,
     "xoauth2",
     SENDERS_EXACT,
     NULL},
    {{"user", "x@163.com", "port", "587"},
     "smtp.163.com",
     587,
     false,
     "on",
     SENDERS_EXACT,
     NULL},
    {{"user", "x@163.com", "tls_starttls", "on"},
     "smtp.163.com",
     587,
     false,
     "on",
     SENDERS_EXACT,
     NULL},
    {{"user", "x@163.com", "auth", "login"},
     "smtp.163.com",
     465,
     true,
     "login",
     SENDERS_EXACT,
     NULL},
    {{"user", "x@163.com", "host", "relay.example"},
     "relay.example",
     587,
     false,
     "on",
     SENDERS_ANY,
     NULL},
    {{"user", "x@own.example", "host", "SMTP.gmail.com"},
     "SMTP.gmail.com",
     465,
     true,
     "on",
     SENDERS_EXACT,
     NULL},
    {{"user", "x@own.example", "provider", "gmail"},
     "smtp.gmail.com",
     465,
     true,
     "on",
     SENDERS_EXACT,
     NULL},
    {{"user", "apikey", "provider", "SendGrid"},
     "smtp.sendgrid.net",
     465,
     true,
     "on",
     SENDERS_ANY,
     NULL},
    {{"host", "relay.example"}, "relay.example", 587, false, "off", SENDERS_ANY, NULL},
    {{"user", "x@unknown.example"},
     NULL,
     0,
     false,
     0,
     0,
     "f.ini:7: account a: no host is known for unknown.example: add `host = ...`"},
    {{"user", "x@own.example", "provider", "gmial"},
     NULL,
     0,
     false,
     0,
     0,
     "f.ini:7: account a: unknown provider 'gmial': did you mean 'gmail'?"},
    {{"provider", "nobody-knows"}, NULL, 0, false, 0, 0, "add `host = ...`"},
};

static void accounts_are_completed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof completions / sizeof *completions; i++) {
        const struct completion *c = &completions[i];
        struct account *account = account_new("a", SCOPE_USER);
        struct error err = {0};
        free(account->file);
        account->file = strdup("f.ini");
        account->line = 7;
        for (size_t j = 0; c->keys[j]; j += 2)
            assert_true(account_set(account, c->keys[j], c->keys[j + 1], "", &err));
        for (int again = 0; again < 2; again++) {
            provider_complete(&known, account);
            bool ok = provider_check(&known, account, &err);
            if (ok != (c->host != NULL) || (!ok && !strstr(err.text, c->complaint)))
                fail_msg("case %zu: %s", i, err.text);
            if (!ok) {
                assert_int_equal(err.code, EX_CONFIG);
                continue;
            }
            assert_string_equal(account->host.item[0], c->host);
            assert_int_equal(account_port(account), c->port);
            assert_int_equal(account_implicit_tls(account), c->implicit);
            struct str auth = {0};
            key_print(key_find(KEY_ACCOUNT, "auth"), account, &auth);
            assert_string_equal(str_text(&auth), c->auth);
            str_clear(&auth);
            assert_int_equal(account->senders, c->senders);
        }
        account_free(account);
    }
}

static void msmtp_accounts_get_no_provider(void **state)
{
    (void)state;
    struct account *account = account_new_msmtp("", SCOPE_COMMAND_LINE);
    struct error err;
    assert_true(account_set(account, "host", "smtp.163.com", "", &err));
    assert_true(account_set(account, "user", "x@163.com", "", &err));
    provider_complete(&known, account);
    assert_int_equal(account_port(account), 25);
    assert_int_equal(account->auth, AUTH_OFF);
    account_free(account);
}

static void later_and_closer_providers_win(void **state)
{
    (void)state;
    static const char text[] = "[provider a]\ndomains = *.example, own.example\nhost = a.example\n"
                               "[provider b]\ndomains = x.example\nhost = b.example\nport = 465\n"
                               "[provider c]\ndomains = *.x.example\nhost = c.example\n";
    struct provider_table table = {0};
    struct error err;
    const char *file = scratch_write("p.ini", 0644, text, strlen(text));
    if (!read_table(&table, file, &err))
        fail_msg("%s", err.text);
    assert_string_equal(provider_for_domain(&table, "x.example")->name, "b");
    assert_string_equal(provider_for_domain(&table, "z.example")->name, "a");
    assert_string_equal(provider_for_domain(&table, "y.x.example")->name, "c");
    assert_null(provider_for_domain(&table, "example"));
    struct provider *user = provider_add(&table, "b", "user.ini", 3, &err);
    assert_non_null(user);
    user->scope = SCOPE_USER;
    assert_ptr_equal(by_name(&table, "B"), user);
    assert_null(provider_add(&table, "b", "user.ini", 9, &err));
    assert_non_null(strstr(err.text, "already described in line 3"));

    /* A user's provider is not for the system's accounts. */
    strlist_add(&user->domains, "x.example");
    strlist_add(&user->host, "evil.example");
    struct account *system = account_new("s", SCOPE_SYSTEM), *own = account_new("u", SCOPE_USER);
    assert_true(account_set(system, "user", "me@x.example", "", &err));
    assert_true(account_set(own, "user", "me@x.example", "", &err));
    provider_complete(&table, system);
    provider_complete(&table, own);
    assert_string_equal(system->host.item[0], "b.example");
    assert_true(account_implicit_tls(system)); /* port = 465 alone */
    assert_string_equal(own->host.item[0], "evil.example");
    account_free(system);
    account_free(own);
    provider_table_clear(&table);
}

static void mistakes_in_a_table_are_told(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"domains = x\n", ":1: a section like [provider NAME] must come first"},
        {"[account x]\n", ":1: [account x] does not belong here"},
        {"[provider x]\nsender = any\n", ":2: unknown key 'sender': did you mean 'senders'?"},
        {"[provider x]\ntimeout = 5\n", ":2: key 'timeout' belongs into [account NAME]"},
        {"[provider x]\n[provider X]\n", ":2: provider X was already described in line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct provider_table table = {0};
        struct error err;
        const char *file = scratch_write("p.ini", 0644, cases[i][0], strlen(cases[i][0]));
        assert_false(read_table(&table, file, &err));
        if (!strstr(err.text, cases[i][1]))
            fail_msg("%s", err.text);
        provider_table_clear(&table);
    }
    struct provider_table table = {0};
    struct error err;
    assert_false(read_table(&table, scratch_path("none"), &err));
    provider_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_lead_to_servers),
        cmocka_unit_test(relays_are_known_by_name),
        cmocka_unit_test(hosts_are_in_small_letters),
        cmocka_unit_test(accounts_are_completed),
        cmocka_unit_test(msmtp_accounts_get_no_provider),
        cmocka_unit_test(later_and_closer_providers_win),
        cmocka_unit_test(mistakes_in_a_table_are_told),
    };
    return cmocka_run_group_tests_name("provider", tests, setup, teardown);
}
