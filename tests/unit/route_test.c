#include "suite.h"

#include "base/memory.h"
#include "config/route.h"

/* An account in one line: "NAME KEY=VALUE KEY=VALUE"; a leading '/' puts it on the system's level,
 * a '%' behind that makes it one of an msmtprc,
 * the pseudo-key exact=on says that its provider takes exact senders only. */
static struct account *make(const char *line)
{
    struct error err;
    enum account_scope scope = *line == '/' ? SCOPE_SYSTEM : SCOPE_USER;
    line += *line == '/';
    bool as_msmtp = *line == '%';
    line += as_msmtp;
    size_t len = strcspn(line, " ");
    char *name = memory_copy_n(line, len);
    struct account *account = as_msmtp ? account_new_msmtp(name, scope) : account_new(name, scope);
    free(name);
    for (line += len; *line; line += len) {
        line += strspn(line, " ");
        len = strcspn(line, " ");
        char *pair = memory_copy_n(line, len), *equals = strchr(pair, '=');
        assert_non_null(equals);
        *equals = '\0';
        if (strcmp(pair, "exact") == 0)
            account->senders = SENDERS_EXACT;
        else if (!account_set(account, pair, equals + 1, "", &err))
            fail_msg("%s", err.text);
        free(pair);
    }
    return account;
}

/* A configuration of up to seven such lines; user accounts come first. */
static void set_up(struct configuration *config, const char *const *lines)
{
    *config = (struct configuration){0};
    config->account = memory_resize(NULL, 8, sizeof *config->account);
    config->found[SCOPE_USER].path = memory_copy("/home/me/.config/onehop/onehop.ini");
    config->found[SCOPE_SYSTEM].path = memory_copy("/etc/onehop/onehop.ini");
    for (; *lines; lines++)
        config->account[config->n++] = make(*lines);
}

static struct strlist local_names;

static int setup(void **state)
{
    (void)state;
    strlist_add(&local_names, "web1");
    strlist_add(&local_names, "web1.corp.example");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    strlist_clear(&local_names);
    return 0;
}

#define TWO_FREE                                                                                   \
    {                                                                                              \
        "a user=me@free.example exact=on", "b user=you@free.example exact=on"                      \
    }

struct choice {
    const char *name;
    const char *accounts[8];
    const char *by_name, *envelope, *header; /* envelope NULL: not given */
    const char *chosen;                      /* NULL: an error */
    int reason;
    const char *sender; /* or the complaint */
};

static const struct choice choices[] = {
    {"an account for one caller, who sends as somebody foreign",
     {"own from=rev@x.org domains=me@web1.corp.example allow_from_override=off",
      "default from=d@x.org"},
     "",
     "you@qq.com",
     "",
     "own",
     ROUTE_DOMAINS,
     "me@web1.corp.example"},
    {"likewise, but -f overrides",
     {"own from=rev@x.org domains=me@web1.corp.example", "default from=d@x.org"},
     "",
     "you@qq.com",
     "",
     "default",
     ROUTE_DEFAULT,
     "you@qq.com"},
    {"likewise, for the whole host",
     {"own from=rev@x.org domains=web1.corp.example allow_from_override=off",
      "default from=d@x.org"},
     "",
     "you@qq.com",
     "",
     "default",
     ROUTE_DEFAULT,
     "you@qq.com"},
    {"msmtprc: from",
     {"%a from=me@x.org", "%default from=d@x.org"},
     "",
     "ME@x.org",
     "",
     "a",
     ROUTE_FROM,
     "ME@x.org"},
    {"msmtprc: the header does not choose",
     {"%a from=me@x.org", "%default from=d@x.org"},
     "",
     NULL,
     "me@x.org",
     "default",
     ROUTE_DEFAULT,
     "me@x.org"},
    {"msmtprc: nor does a domain or user",
     {"%a from=me@x.org user=you@x.org", "%default"},
     "",
     "you@x.org",
     "",
     "default",
     ROUTE_DEFAULT,
     "you@x.org"},
    {"msmtprc: a detail",
     {"%a from=me@x.org", "%default"},
     "",
     "me+list@x.org",
     "",
     "a",
     ROUTE_FROM,
     "me+list@x.org"},
    {"msmtprc: a detail that from has",
     {"%a from=me+x@x.org", "%default"},
     "",
     "me+y@x.org",
     "",
     "default",
     ROUTE_DEFAULT,
     "me+y@x.org"},
    {"msmtprc: a glob, in this case",
     {"%a from=*@x.org", "%default"},
     "",
     "any@x.org",
     "",
     "a",
     ROUTE_FROM,
     "any@x.org"},
    {"msmtprc: a glob minds case",
     {"%a from=*@x.org", "%default"},
     "",
     "any@X.org",
     "",
     "default",
     ROUTE_DEFAULT,
     "any@X.org"},
    {"msmtprc: the first that fits",
     {"%a from=*@x.org", "%b from=me@x.org"},
     "",
     "me@x.org",
     "",
     "a",
     ROUTE_FROM,
     "me@x.org"},
    {"msmtprc: a sole account is none",
     {"%a from=me@x.org"},
     "",
     "you@x.org",
     "",
     NULL,
     0,
     "account default not found"},
    {"sendmail: an msmtprc's sole account, a local sender",
     {"%a from=me@x.org"},
     "",
     "root",
     "",
     "a",
     ROUTE_SOLE,
     "root"},
    {"sendmail: but no foreign one",
     {"%a from=me@x.org"},
     "",
     "you@x.org",
     "",
     NULL,
     0,
     "account default not found"},
    {"sendmail: the system's msmtprc, a foreign sender",
     {"/%a from=me@x.org"},
     "",
     "shop@y.example",
     "",
     "a",
     ROUTE_SOLE,
     "shop@y.example"},
    {"msmtprc: the system's sole account is none",
     {"/%a from=me@x.org"},
     "",
     "root",
     "",
     NULL,
     0,
     "account default not found"},
    {"foreign, the system's sole account",
     {"/a user=x@163.com"},
     "",
     "y@qq.com",
     "",
     "a",
     ROUTE_SOLE,
     "y@qq.com"},
    {"foreign, two accounts of the system's",
     {"/a user=x@163.com", "/b user=x@126.com"},
     "",
     "y@qq.com",
     "",
     NULL,
     0,
     "no account serves senders at qq.com"},
    {"msmtprc: the user's default",
     {"%default from=a@x", "/%b from=b@x"},
     "",
     "b@x",
     "",
     "b",
     ROUTE_FROM,
     "b@x"},
    {"the smallest case", {"a user=x@163.com"}, "", "x@163.com", "", "a", ROUTE_FROM, "x@163.com"},
    {"foreign",
     {"a user=x@163.com", "b user=x@126.com"},
     "",
     "y@qq.com",
     "",
     NULL,
     0,
     "no account serves senders at qq.com (served: 163.com, 126.com): add `domains = qq.com`"},
    {"foreign, sole account",
     {"a user=x@163.com"},
     "",
     "y@qq.com",
     "",
     NULL,
     0,
     "no account serves senders at qq.com (served: 163.com)"},
    {"foreign, default",
     {"a user=x@163.com", "default user=x@b.example"},
     "",
     "y@qq.com",
     "",
     "default",
     ROUTE_DEFAULT,
     "y@qq.com"},
    {"neighbour selects",
     {"a user=x@163.com exact=on", "b user=x@126.com exact=on"},
     "",
     "y@126.com",
     "",
     "b",
     ROUTE_OWN_DOMAIN,
     "y@126.com"},
    {"two of one exact domain", TWO_FREE, "", "third@free.example", "", NULL, 0,
     "both account a (me@free.example) and account b (you@free.example) could send for "
     "third@free.example"},
    {"two of one exact domain, an exact match", TWO_FREE, "", "YOU@free.example", "", "b",
     ROUTE_FROM, "YOU@free.example"},
    {"two exact with one address",
     {"a user=me@free.example exact=on", "b from=me@free.example exact=on"},
     "",
     "third@free.example",
     "",
     "a",
     ROUTE_OWN_DOMAIN,
     "third@free.example"},
    {"two exact, one lists the sender",
     {"a user=me@free.example exact=on",
      "b user=you@free.example domains=third@free.example exact=on"},
     "",
     "third@free.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "third@free.example"},
    {"two of one open domain",
     {"a user=me@a.example", "b user=you@a.example"},
     "",
     "it@a.example",
     "",
     "a",
     ROUTE_OWN_DOMAIN,
     "it@a.example"},
    {"domains entry",
     {"a domains=x.example", "b domains=y.example"},
     "",
     "me@Y.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@Y.example"},
    {"domains replace the own domain",
     {"a user=me@x.example domains=y.example"},
     "",
     "you@x.example",
     "",
     NULL,
     0,
     "(served: y.example)"},
    {"address over domain",
     {"a domains=x.example", "b domains=me@x.example"},
     "",
     "me@x.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@x.example"},
    {"domain over wildcard",
     {"a domains=*.x.example", "b domains=y.x.example"},
     "",
     "me@y.x.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@y.x.example"},
    {"own domain over wildcard",
     {"a domains=*.x.example", "b user=u@y.x.example"},
     "",
     "me@y.x.example",
     "",
     "b",
     ROUTE_OWN_DOMAIN,
     "me@y.x.example"},
    {"listed over own domain",
     {"a user=u@x.example", "b domains=x.example"},
     "",
     "me@x.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@x.example"},
    {"longer wildcard",
     {"a domains=*.example", "b domains=*.x.example"},
     "",
     "me@y.x.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@y.x.example"},
    {"wildcard is for what is below",
     {"a domains=*.x.example"},
     "",
     "me@x.example",
     "",
     NULL,
     0,
     "no account serves senders at x.example (served: *.x.example)"},
    {"from over address",
     {"a domains=me@x.example", "b from=me@x.example"},
     "",
     "me@x.example",
     "",
     "b",
     ROUTE_FROM,
     "me@x.example"},
    {"from, first of two",
     {"a from=me@x.example", "b from=me@x.example"},
     "",
     "me@x.example",
     "",
     "a",
     ROUTE_FROM,
     "me@x.example"},
    {"from without detail",
     {"a from=me@x.example domains=z.example"},
     "",
     "me+tag@x.example",
     "",
     "a",
     ROUTE_FROM,
     "me+tag@x.example"},
    {"from with another detail",
     {"a from=me+b@x.example domains=z.example"},
     "",
     "me+a@x.example",
     "",
     NULL,
     0,
     "x.example"},
    {"glob", {"a from=*@[xy].example"}, "", "me@y.example", "", "a", ROUTE_FROM, "me@y.example"},
    {"glob minds letter case",
     {"a from=me@*.example domains=z.example"},
     "",
     "ME@y.example",
     "",
     NULL,
     0,
     "no account serves"},
    {"plain from does not",
     {"a from=me@y.example domains=z.example"},
     "",
     "ME@Y.example",
     "",
     "a",
     ROUTE_FROM,
     "ME@Y.example"},
    {"user level first",
     {"a domains=*.example", "/b from=me@x.example"},
     "",
     "me@x.example",
     "",
     "a",
     ROUTE_DOMAINS,
     "me@x.example"},
    {"then the system",
     {"a domains=y.example", "/b domains=x.example"},
     "",
     "me@x.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@x.example"},
    {"bare name, sole account", {"a user=x@163.com"}, "", "root", "", "a", ROUTE_SOLE, "root"},
    {"local names, sole account",
     {"a user=x@163.com"},
     "",
     "www-data@web1",
     "",
     "a",
     ROUTE_SOLE,
     "www-data@web1"},
    {"localhost, sole account",
     {"a user=x@163.com"},
     "",
     "x@LocalHost",
     "",
     "a",
     ROUTE_SOLE,
     "x@LocalHost"},
    {"sole of the user's file",
     {"a user=x@163.com", "/b user=x@b.example", "/c user=x@c.example"},
     "",
     "root",
     "",
     "a",
     ROUTE_SOLE,
     "root"},
    {"sole of the system's file", {"/b user=x@b.example"}, "", "root", "", "b", ROUTE_SOLE, "root"},
    {"local, own sole account before the system's default",
     {"a user=x@163.com", "/default user=x@b.example"},
     "",
     "root",
     "",
     "a",
     ROUTE_SOLE,
     "root"},
    {"local, default",
     {"a user=x@163.com", "default user=x@b.example"},
     "",
     "root",
     "",
     "default",
     ROUTE_DEFAULT,
     "root"},
    {"local, several",
     {"a user=x@163.com", "b user=x@b.example"},
     "",
     "root",
     "",
     NULL,
     0,
     "no account serves the local sender 'root' (served: 163.com, b.example), and there are "
     "several: add an [account default]"},
    {"local but served",
     {"a user=x@163.com", "b domains=web1.corp.example"},
     "",
     "root@web1.corp.example",
     "",
     "b",
     ROUTE_DOMAINS,
     "root@web1.corp.example"},
    {"nothing given: the caller",
     {"a user=x@163.com", "b domains=*.corp.example"},
     "",
     NULL,
     "",
     "b",
     ROUTE_DOMAINS,
     "me@web1.corp.example"},
    {"bare name: the caller",
     {"a user=x@163.com", "b domains=*.corp.example"},
     "",
     "me",
     "",
     "b",
     ROUTE_DOMAINS,
     "me@web1.corp.example"},
    {"foreign is not taken for the caller",
     {"b domains=*.corp.example"},
     "",
     "y@qq.com",
     "",
     NULL,
     0,
     "no account serves senders at qq.com"},
    {"header where -f is not served",
     {"a user=x@163.com", "b user=x@b.example"},
     "",
     "www-data@web1",
     "y@b.example",
     "b",
     ROUTE_OWN_DOMAIN,
     "y@b.example"},
    {"-f before header",
     {"a user=x@163.com", "b user=x@b.example"},
     "",
     "z@163.com",
     "y@b.example",
     "a",
     ROUTE_OWN_DOMAIN,
     "z@163.com"},
    {"foreign -f, served header",
     {"a user=x@163.com"},
     "",
     "y@qq.com",
     "x@163.com",
     "a",
     ROUTE_FROM,
     "x@163.com"},
    {"local -f, foreign header",
     {"a user=x@163.com"},
     "",
     "root",
     "y@qq.com",
     NULL,
     0,
     "no account serves senders at qq.com"},
    {"foreign -f, local header",
     {"a user=x@163.com"},
     "",
     "y@qq.com",
     "root",
     NULL,
     0,
     "no account serves senders at qq.com"},
    {"null sender: the header",
     {"a user=x@163.com", "b user=x@b.example"},
     "",
     "",
     "y@b.example",
     "b",
     ROUTE_OWN_DOMAIN,
     "y@b.example"},
    {"by name",
     {"a user=x@163.com", "b user=x@b.example"},
     "b",
     "x@163.com",
     "",
     "b",
     ROUTE_NAMED,
     "x@163.com"},
    {"by a wrong name",
     {"work user=x@163.com"},
     "wrok",
     NULL,
     "",
     NULL,
     0,
     "account wrok not found in /home/me/.config/onehop/onehop.ini, /etc/onehop/onehop.ini: did "
     "you mean 'work'?"},
    {"no account at all",
     {NULL},
     "",
     "x@163.com",
     "",
     NULL,
     0,
     "no account is configured in /home/me/.config/onehop/onehop.ini, /etc/onehop/onehop.ini: "
     "type `onehopctl setup ADDRESS`, or add"},
};

static void senders_choose_accounts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const struct choice *c = &choices[i];
        struct configuration config;
        struct route route = {0};
        struct error err = {0};
        struct route_query query = {.account = c->by_name,
                                    .envelope_from = c->envelope,
                                    .header_from = c->header,
                                    .caller = "me@web1.corp.example",
                                    .local_names = &local_names,
                                    .as_sendmail = strncmp(c->name, "sendmail", 8) == 0};
        set_up(&config, c->accounts);
        bool ok = route_choose(&config, &query, &route, &err);
        if (ok != (c->chosen != NULL))
            fail_msg("%s: %s", c->name, ok ? route.account->name : err.text);
        if (ok && (strcmp(route.account->name, c->chosen) != 0 || (int)route.reason != c->reason ||
                   strcmp(route.sender, c->sender) != 0))
            fail_msg("%s: account %s, reason %d, sender %s", c->name, route.account->name,
                     route.reason, route.sender);
        if (!ok && !strstr(err.text, c->sender))
            fail_msg("%s: %s", c->name, err.text);
        if (!ok)
            assert_int_equal(err.code, EX_CONFIG);
        configuration_clear(&config);
    }
}

static void long_lists_of_domains_are_cut(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "a domains=a.x,b.x,c.x,d.x,e.x,f.x,g.x,h.x,i.x,j.x,k.x,l.x,m.x,n.x", NULL};
    struct configuration config;
    struct route route;
    struct error err;
    struct route_query query = {.account = "",
                                .envelope_from = "x@y",
                                .header_from = "",
                                .caller = "me",
                                .local_names = &local_names};
    set_up(&config, lines);
    assert_false(route_choose(&config, &query, &route, &err));
    assert_non_null(strstr(err.text, "k.x, l.x, ...)"));
    configuration_clear(&config);
}

static void foreign_senders_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *account, *mailbox;
        bool may;
    } cases[] = {
        {"a user=me@x.example", "me@x.example", true},
        {"a user=me@x.example", "you@x.example", true},
        {"a user=me@x.example", "you@y.example", false},
        {"a user=me@x.example exact=on", "ME@x.example", true},
        {"a user=me@x.example exact=on", "you@x.example", false},
        {"a user=me@x.example from=us@x.example exact=on", "me@x.example", true},
        {"a user=me@x.example domains=you@y.example exact=on", "you@y.example", true},
        {"a user=me@x.example domains=y.example exact=on", "you@y.example", false},
        {"a from=*@x.example", "you@x.example", true},
        {"a from=*@x.example", "root", false},
        {"a from=*", "root", false},
        {"a from=*", "root@localhost", false},
        {"a from=root@web1", "root@web1", true},
        {"a from=root@web1", "www-data@web1", false},
        {"a domains=web1.corp.example", "root@web1.corp.example", true},
        {"a user=me@x.example", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *account = make(cases[i].account);
        if (route_replaces(account, cases[i].mailbox, &local_names) == cases[i].may)
            fail_msg("%s: %s", cases[i].account, cases[i].mailbox);
        account_free(account);
    }
}

static void other_ways_of_replacing(void **state)
{
    (void)state;
    static const struct {
        const char *rewrite, *mailbox;
        bool replaces;
    } cases[] = {
        {"off", "root", false},           {"local", "root", true},
        {"local", "root@web1", true},     {"local", "shop@y.example", false},
        {"always", "me@x.example", true}, {"foreign", "shop@y.example", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *account = make("a from=me@x.example");
        struct error err;
        assert_true(account_set(account, "rewrite_from", cases[i].rewrite, "", &err));
        if (route_replaces(account, cases[i].mailbox, &local_names) != cases[i].replaces)
            fail_msg("%s: %s", cases[i].rewrite, cases[i].mailbox);
        account_free(account);
    }
}

static void local_senders_are_known(void **state)
{
    (void)state;
    assert_true(route_is_local("root", &local_names));
    assert_true(route_is_local("", &local_names));
    assert_true(route_is_local("root@LOCALHOST", NULL));
    assert_true(route_is_local("root@WEB1.corp.example", &local_names));
    assert_false(route_is_local("root@web2", &local_names));
    assert_false(route_is_local("x@example.com", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senders_choose_accounts),
        cmocka_unit_test(long_lists_of_domains_are_cut),
        cmocka_unit_test(foreign_senders_are_replaced),
        cmocka_unit_test(other_ways_of_replacing),
        cmocka_unit_test(local_senders_are_known),
    };
    return cmocka_run_group_tests_name("route", tests, setup, teardown);
}
