#include "suite.h"

#include "base/memory.h"
#include "delivery/sender.h"

struct sender_case {
    const char *name;
    enum account_scope scope;
    const char *from, *user;
    int rewrite;
    int override;
    const char *dash_f, *header;
    const char *envelope, *from_address, *full_name;
};

static const struct sender_case cases[] = {
    {"header From of the account", SCOPE_USER, "", "me@163.com", REWRITE_FOREIGN, OVERRIDE_ON, NULL,
     "me@163.com", "me@163.com", "me@163.com", "Al Ice"},
    {"no From at all", SCOPE_USER, "", "me@163.com", REWRITE_FOREIGN, OVERRIDE_ON, NULL, "",
     "me@163.com", "me@163.com", "Al Ice"},
    {"cron: root without domain", SCOPE_SYSTEM, "", "me@163.com", REWRITE_FOREIGN, OVERRIDE_ON,
     NULL, "root", "me@163.com", "me@163.com", "alice on web1"},
    {"PHP: -fwww-data@web1", SCOPE_SYSTEM, "reports@example.com", "login", REWRITE_FOREIGN,
     OVERRIDE_ON, "www-data@web1", "", "reports@example.com", "reports@example.com",
     "alice on web1"},
    {"-f that the account serves", SCOPE_USER, "reports@example.com", "login", REWRITE_FOREIGN,
     OVERRIDE_ON, "other@example.com", "", "other@example.com", "other@example.com", "Al Ice"},
    {"-f with rewriting always", SCOPE_USER, "reports@example.com", "login", REWRITE_ALWAYS,
     OVERRIDE_ON, "other@example.com", "", "reports@example.com", "reports@example.com", "Al Ice"},
    {"-f with rewriting off", SCOPE_USER, "reports@example.com", "login", REWRITE_OFF, OVERRIDE_ON,
     "x@qq.com", "", "x@qq.com", "x@qq.com", "Al Ice"},
    {"-f that is not allowed to override", SCOPE_USER, "reports@example.com", "login", REWRITE_OFF,
     OVERRIDE_OFF, "x@qq.com", "", "reports@example.com", "reports@example.com", "Al Ice"},
    {"the header overrides", SCOPE_USER, "reports@example.com", "login", REWRITE_OFF,
     OVERRIDE_HEADER, "x@qq.com", "you@gmx.de", "you@gmx.de", "you@gmx.de", "Al Ice"},
    {"no header to override", SCOPE_USER, "reports@example.com", "login", REWRITE_OFF,
     OVERRIDE_HEADER, "x@qq.com", "", "reports@example.com", "reports@example.com", "Al Ice"},
    {"a bare header overrides", SCOPE_USER, "reports@example.com", "login", REWRITE_OFF,
     OVERRIDE_HEADER, NULL, "root", "root@mail.web1.example", "root@mail.web1.example", "Al Ice"},
    {"null sender stays", SCOPE_USER, "reports@example.com", "login", REWRITE_FOREIGN, OVERRIDE_ON,
     "", "", "", "reports@example.com", "Al Ice"},
    {"from beats the header", SCOPE_USER, "reports@example.com", "login", REWRITE_FOREIGN,
     OVERRIDE_ON, NULL, "me@example.com", "reports@example.com", "reports@example.com", "Al Ice"},
    {"glob from is no address", SCOPE_USER, "*@example.com", "login", REWRITE_FOREIGN, OVERRIDE_ON,
     NULL, "me@example.com", "me@example.com", "me@example.com", "Al Ice"},
    {"command line, a bare -f", SCOPE_COMMAND_LINE, "me@x", "", REWRITE_OFF, OVERRIDE_ON, "name",
     "", "name", "name", ""},
    {"command line without from", SCOPE_COMMAND_LINE, "", "", REWRITE_OFF, OVERRIDE_ON, NULL, "",
     "alice@mail.web1.example", "alice@mail.web1.example", ""},
};

static void senders_are_chosen(void **state)
{
    (void)state;
    char *names[] = {"localhost", "web1", "mail.web1.example"};
    const struct site site = {.caller = {.uid = 1000, .name = "alice", .full_name = "Al Ice"},
                              .host = {.name = "web1",
                                       .full_name = "",
                                       .mail_name = "mail.web1.example",
                                       .sender_names = {.item = names, .n = 3}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sender_case *c = &cases[i];
        struct account *a = c->scope == SCOPE_COMMAND_LINE ? account_new_msmtp("x", c->scope)
                                                           : account_new("x", c->scope);
        memory_replace(&a->from, c->from);
        memory_replace(&a->user, c->user);
        a->rewrite_from = c->rewrite;
        a->allow_from_override = c->override;
        const struct sender_facts facts = {.account = a,
                                           .envelope_from = c->dash_f,
                                           .header_from = c->header,
                                           .full_name = "",
                                           .site = &site};
        struct sender_choice choice = {0};
        sender_choose(&facts, &choice);
        print_message("# %s\n", c->name);
        assert_string_equal(choice.envelope, c->envelope);
        assert_string_equal(choice.from_address, c->from_address);
        assert_string_equal(choice.full_name, c->full_name);
        sender_choice_clear(&choice);
        account_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(senders_are_chosen)};
    return cmocka_run_group_tests_name("sender", tests, NULL, NULL);
}
