#include "suite.h"

#include "base/memory.h"
#include "delivery/logline.h"

static struct account *some_account(void)
{
    struct account *a = account_new("work", SCOPE_USER);
    strlist_add(&a->host, "smtp.example.com");
    memory_replace(&a->user, "me@example.com");
    a->auth = AUTH_ON;
    a->tls = true;
    return a;
}

static void the_line_has_msmtps_shape(void **state)
{
    (void)state;
    struct account *a = some_account();
    struct envelope env = {0};
    struct str out = {0};
    envelope_set_sender(&env, "me@example.com");
    envelope_add(&env, "o'a@b.c");
    envelope_add(&env, "d@e.f");
    struct content content = {.size = 17};
    str_add(&content.memory, "a\r\nb\r\n\r\n12345678\n");
    content.size = content.memory.len;
    const struct logline sent = {.account = a,
                                 .host = "smtp.example.com",
                                 .envelope = &env,
                                 .content = &content,
                                 .accepted = "250-2.0.0 Ok\n250 it's queued",
                                 .queue_id = "",
                                 .code = EX_OK};
    logline_format(&sent, &out);
    assert_string_equal(out.data, "host=smtp.example.com tls=on auth=on user=me@example.com "
                                  "from=me@example.com recipients=o'a@b.c,d@e.f mailsize=13 "
                                  "smtpstatus=250 smtpmsg='250-2.0.0 Ok\\n250 it's queued' "
                                  "exitcode=EX_OK");
    content_clear(&content);
    str_clear(&out);
    struct content folded = {0};
    str_add(&folded.memory, "MESSAGE-ID:\r\n <1 2@x.y>\r\n\r\n");
    folded.size = folded.memory.len;
    const struct error refused = {.reply_code = 550, .reply = "550 no", .text = "no"};
    const struct logline queued = {.host = "",
                                   .content = &folded,
                                   .error = &refused,
                                   .queue_id = "1tVd0xAbcDef120",
                                   .code = EX_UNAVAILABLE};
    logline_format(&queued, &out);
    assert_string_equal(out.data, "from= recipients= smtpstatus=550 smtpmsg='550 no' errormsg='no' "
                                  "queue=1tVd0xAbcDef120 message-id=1?2@x.y "
                                  "exitcode=EX_UNAVAILABLE");
    str_clear(&out);
    content_clear(&folded);
    const struct error err = {.text = "'no' one\naccount's"};
    const struct logline none = {.host = "", .error = &err, .queue_id = "", .code = EX_CONFIG};
    logline_format(&none, &out);
    assert_string_equal(out.data,
                        "from= recipients= errormsg='\"no\" one\\naccount's' exitcode=EX_CONFIG");
    str_clear(&out);
    envelope_clear(&env);
    account_free(a);
}

static void the_line_is_one_line_and_bounded(void **state)
{
    (void)state;
    struct account *a = some_account();
    struct envelope env = {0};
    struct str out = {0};
    envelope_set_sender(&env, "a b\n'x");
    for (int i = 0; i < 1000; i++) {
        char address[32];
        snprintf(address, sizeof address, "user%d@example.com", i);
        envelope_add(&env, address);
    }
    const struct logline facts = {
        .account = a, .host = "", .envelope = &env, .queue_id = "", .code = EX_TEMPFAIL};
    logline_format(&facts, &out);
    assert_null(strchr(out.data, '\n'));
    assert_true(out.len < 5000);
    assert_non_null(strstr(out.data, "from=a?b?'x recipients="));
    assert_non_null(strstr(out.data, " more) exitcode=EX_TEMPFAIL"));
    str_clear(&out);
    envelope_clear(&env);
    account_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_has_msmtps_shape),
        cmocka_unit_test(the_line_is_one_line_and_bounded),
    };
    return cmocka_run_group_tests_name("logline", tests, NULL, NULL);
}
