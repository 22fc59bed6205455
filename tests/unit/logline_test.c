#include "suite.h"

#include "base/memory.h"
#include "delivery/postfixlog.h"

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
                                 .message_id = "",
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
    struct logline queued = {.host = "",
                             .content = &folded,
                             .error = &refused,
                             .queue_id = "1tVd0xAbcDef120",
                             .code = EX_UNAVAILABLE};
    struct str id = {0};
    logline_message_id(&queued, &id);
    queued.message_id = str_text(&id);
    logline_format(&queued, &out);
    str_clear(&id);
    assert_string_equal(out.data, "from= recipients= smtpstatus=550 smtpmsg='550 no' errormsg='no' "
                                  "queue=1tVd0xAbcDef120 message-id=1?2@x.y "
                                  "exitcode=EX_UNAVAILABLE");
    str_clear(&out);
    content_clear(&folded);
    const struct error err = {.text = "'no' one\naccount's"};
    const struct logline none = {
        .host = "", .error = &err, .queue_id = "", .message_id = "", .code = EX_CONFIG};
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
    const struct logline facts = {.account = a,
                                  .host = "",
                                  .envelope = &env,
                                  .queue_id = "",
                                  .message_id = "",
                                  .code = EX_TEMPFAIL};
    logline_format(&facts, &out);
    assert_null(strchr(out.data, '\n'));
    assert_true(out.len < 5000);
    assert_non_null(strstr(out.data, "from=a?b?'x recipients="));
    assert_non_null(strstr(out.data, " more) exitcode=EX_TEMPFAIL"));
    str_clear(&out);
    envelope_clear(&env);
    account_free(a);
}

/* What the form says of one recipient, without the figures that a clock gives. */
static void collect(void *context, const struct log_record *record)
{
    struct str *out = context;
    const char *status = strstr(record->text, ", dsn=");
    const char *relay = strstr(record->text, "relay=");
    if (relay)
        str_addf(out, "%.*s%.*s;", (int)strcspn(relay, ","), relay,
                 (int)(strstr(status, "), account") + 1 - status), status);
}

static void a_recipient_has_a_status_of_its_own(void **state)
{
    (void)state;
    static const struct {
        enum journal_status before;
        enum outcome_result result;
        struct error why; /* of the outcome, or of the attempt that left it untried */
        const char *queue_id, *address, *line;
    } rows[] = {
        {JOURNAL_WAITING,
         OUTCOME_SENT,
         {0},
         "Q",
         "192.0.2.1",
         "relay=mx.x[192.0.2.1]:587, dsn=2.6.0, status=sent (250 2.6.0 ok 250 more);"},
        {JOURNAL_WAITING,
         OUTCOME_UNTRIED,
         {.command = COMMAND_CONNECT, .text = "refused"},
         "Q",
         NULL,
         "relay=none, dsn=4.4.1, status=deferred (refused);"},
        {JOURNAL_WAITING,
         OUTCOME_UNTRIED,
         {.command = COMMAND_CONNECT, .text = "refused"},
         "",
         NULL,
         "relay=none, dsn=4.4.1, status=bounced (refused);"},
        {JOURNAL_WAITING,
         OUTCOME_REFUSED,
         {.scope = ERROR_RECIPIENT, .class = ERROR_PERMANENT, .text = "who"},
         "Q",
         "/run/s",
         "relay=mx.x[/run/s], dsn=5.0.0, status=bounced (who);"},
        {JOURNAL_WAITING,
         OUTCOME_REFUSED,
         {.scope = ERROR_RECIPIENT, .status = "4.2.2", .text = "full"},
         "Q",
         "2001:db8::1",
         "relay=mx.x[2001:db8::1]:587, dsn=4.2.2, status=deferred (full);"},
        {JOURNAL_SENT, OUTCOME_SENT, {0}, "Q", "192.0.2.1", ""},
        {JOURNAL_FAILED, OUTCOME_REFUSED, {0}, "Q", "192.0.2.1", ""},
    };
    struct account *a = some_account();
    struct envelope env = {0};
    a->port = 587;
    envelope_add(&env, "you@y.z");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error why = rows[i].why;
        struct outcome outcome = {rows[i].result, rows[i].result == OUTCOME_REFUSED ? &why : NULL};
        struct attempt attempt = {
            .outcomes = &outcome, .n = 1, .failed = *why.text, .failure = why};
        struct progress progress = {.status = rows[i].before};
        const struct journal journal = {.rcpt = &progress, .n = 1};
        struct str out = {0};
        str_add(&attempt.reply, "250 2.6.0 ok\n250 more");
        const struct logline facts = {.account = a,
                                      .host = "mx.x",
                                      .envelope = &env,
                                      .queue_id = rows[i].queue_id,
                                      .message_id = "",
                                      .attempt = &attempt,
                                      .journal = &journal,
                                      .address = rows[i].address};
        const struct log_sink sink = {collect, &out};
        postfixlog_write(&facts, &sink);
        assert_string_equal(str_text(&out), rows[i].line);
        str_clear(&attempt.reply);
        str_clear(&out);
    }
    envelope_clear(&env);
    account_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_has_msmtps_shape),
        cmocka_unit_test(the_line_is_one_line_and_bounded),
        cmocka_unit_test(a_recipient_has_a_status_of_its_own),
    };
    return cmocka_run_group_tests_name("logline", tests, NULL, NULL);
}
