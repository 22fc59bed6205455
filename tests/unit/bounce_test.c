#include "suite.h"

#include "message/content.h"
#include "queue/bounce.h"
#include "memoryoutput.h"
#include "spooldir.h"

static const char message[] = "From: me@example.org\r\n"
                              "Subject: the original\r\n"
                              "\r\n"
                              "secret text\r\n";

struct story {
    struct entry original;
    struct journal journal;
    struct content content;
    struct bounce bounce;
    struct memoryoutput out;
    bool has_8bit, has_8bit_header;
    struct error err;
};

/* Of four recipients the second and the fourth failed. */
static void begin(struct story *story)
{
    *story = (struct story){.out.output = {memoryoutput_write}};
    struct error gone = spooldir_refusal(550, "5.1.1", "recipient refused",
                                         "550 5.1.1 <r1>: no\nsecond line \x01\xff");
    struct error local = spooldir_refusal(0, "", "given up after 5 days", "");
    spooldir_fill(&story->original, 4);
    memcpy(story->original.id, "1tVd0xAbcDef120", ENTRYID_SIZE);
    story->original.envelope.envid = memory_copy("QQ1");
    journal_begin(&story->journal, story->original.id, 4);
    journal_settle(&story->journal, 0, JOURNAL_SENT, NULL);
    journal_settle(&story->journal, 1, JOURNAL_FAILED, &gone);
    journal_settle(&story->journal, 3, JOURNAL_FAILED, &local);
    str_add(&story->content.memory, message);
    story->content.size = story->content.memory.len;
    story->bounce = (struct bounce){.original = &story->original,
                                    .journal = &story->journal,
                                    .content = &story->content,
                                    .id = "1tVd0xAbcDef121",
                                    .from = "reports@example.com",
                                    .to = "me@example.org",
                                    .host = "web1.example.org",
                                    .provider = "smtp.example.com",
                                    .date = "Mon, 23 Nov 2026 07:53:00 +0000",
                                    .arrival = "Mon, 23 Nov 2026 07:00:00 +0000"};
}

static const char *written(struct story *story)
{
    assert_true(bounce_write(&story->bounce, &story->out.output, &story->has_8bit,
                             &story->has_8bit_header, &story->err));
    return str_text(&story->out.text);
}

static void end(struct story *story)
{
    entry_clear(&story->original);
    journal_clear(&story->journal);
    content_clear(&story->content);
    str_clear(&story->out.text);
}

static void assert_lines_are_well_formed(const struct str *text)
{
    size_t column = 0;
    for (size_t i = 0; i < text->len; i++, column++) {
        assert_true(text->data[i] != '\0');
        if (text->data[i] == '\n') {
            assert_true(i > 0 && text->data[i - 1] == '\r');
            assert_true(column <= 999);
            column = (size_t)-1;
        } else if (text->data[i] == '\r') {
            assert_int_equal(text->data[i + 1], '\n');
        }
    }
    assert_int_equal(column, 0);
}

static void a_bounce_tells_people_and_programs(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    const char *text = written(&story);
    static const char *const parts[] = {
        "From: Mail Delivery System <reports@example.com>\r\n",
        "To: <me@example.org>\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "MIME-Version: 1.0\r\n",
        "Content-Type: multipart/report; report-type=delivery-status;\r\n "
        "boundary=\"=_1tVd0xAbcDef121\"\r\n",
        "Message-ID: <1tVd0xAbcDef121@web1.example.org>\r\n",
        "\r\n--=_1tVd0xAbcDef121\r\nContent-Type: text/plain; charset=us-ascii\r\n",
        "<r1@example.com>:\r\n 550 5.1.1 <r1>: no\r\n second line ??\r\n",
        "<r3@example.com>:\r\n given up after 5 days\r\n",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; web1.example.org\r\n",
        "Original-Envelope-Id: QQ1\r\n",
        "\r\n\r\nFinal-Recipient: rfc822; r1@example.com\r\nAction: failed\r\nStatus: "
        "5.1.1\r\nRemote-MTA: dns; smtp.example.com\r\nDiagnostic-Code: smtp; 550 5.1.1 <r1>: "
        "no\r\n second line ??\r\n",
        "\r\n\r\nFinal-Recipient: rfc822; r3@example.com\r\nAction: failed\r\nStatus: "
        "5.0.0\r\nDiagnostic-Code: X-onehop; given up",
        "Content-Type: text/rfc822-headers\r\n\r\nFrom: me@example.org\r\nSubject: the "
        "original\r\n\r\n",
        "\r\n--=_1tVd0xAbcDef121--\r\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *found = strstr(text, parts[i]);
        if (!found)
            fail_msg("missing: %s\nin: %s", parts[i], text);
    }
    assert_null(strstr(text, "secret text"));
    assert_null(strstr(text, "r0@example.com"));
    assert_null(strstr(text, "r2@example.com"));
    assert_false(story.has_8bit || story.has_8bit_header);
    assert_lines_are_well_formed(&story.out.text);
    end(&story);
}

/* The third recipient waits for what it met, the first for the account. */
static void a_delay_is_reported_with_its_end(void **state)
{
    (void)state;
    struct error full = spooldir_refusal(452, "4.2.2", "mailbox full", "452 4.2.2 full");
    struct error away = {.scope = ERROR_ACCOUNT, .class = ERROR_TEMPORARY, .text = "no route"};
    static const char *const parts[] = {
        "Subject: Mail is delayed, and is tried again\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "\r\nYour message of Mon, 23 Nov 2026 07:00:00 +0000\r\n"
        "has not been delivered to the recipients below yet. It is tried again\r\n"
        "until Sat, 28 Nov 2026 07:00:00 +0000.\r\n",
        "You need not send it again.",
        "<r2@example.com>:\r\n 452 4.2.2 full\r\n",
        "\r\n\r\nFinal-Recipient: rfc822; r2@example.com\r\nAction: delayed\r\nStatus: 4.2.2\r\n"
        "Remote-MTA: dns; smtp.example.com\r\nDiagnostic-Code: smtp; 452 4.2.2 full\r\n"
        "Will-Retry-Until: Sat, 28 Nov 2026 07:00:00 +0000\r\n"};
    struct story story;
    struct entry entry = {0};
    begin(&story);
    journal_clear(&story.journal);
    journal_begin(&story.journal, story.original.id, 4);
    journal_settle(&story.journal, 0, JOURNAL_WAITING, &away);
    journal_settle(&story.journal, 2, JOURNAL_WAITING, &full);
    journal_settle(&story.journal, 3, JOURNAL_WAITING, &full);
    story.original.envelope.rcpt[3].notify = DSN_FAILURE | DSN_SUCCESS;
    story.bounce.until = "Sat, 28 Nov 2026 07:00:00 +0000";
    const char *text = written(&story);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("missing: %s\nin: %s", parts[i], text);
    assert_null(strstr(text, "r0@example.com"));
    assert_null(strstr(text, "r1@example.com"));
    assert_null(strstr(text, "r3@example.com"));
    assert_lines_are_well_formed(&story.out.text);
    journal_bounced(&story.journal, 7);
    assert_true(bounce_entry(&story.bounce, &entry, &story.err));
    assert_string_equal(entry.id, "1tVd0xAbcDef12x"); /* whatever was bounced */
    entry_clear(&entry);
    end(&story);
}

static void dsn_parameters_of_a_recipient_count(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    story.original.envelope.rcpt[1].notify = DSN_FAILURE;
    story.original.envelope.rcpt[1].orcpt = memory_copy("rfc822;old+2Bone@example.net");
    story.original.envelope.rcpt[3].notify = DSN_NEVER;
    const char *text = written(&story);
    assert_non_null(strstr(text, "\r\n\r\nOriginal-Recipient: rfc822;old+one@example.net\r\n"
                                 "Final-Recipient: rfc822; r1@example.com\r\n"));
    assert_null(strstr(text, "r3@example.com"));
    end(&story);
}

static void the_whole_original_comes_back_when_asked_for(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    story.bounce.full = true;
    story.content.has_8bit = true;
    const char *text = written(&story);
    assert_non_null(
        strstr(text, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: "
                     "me@example.org\r\nSubject: the original\r\n\r\nsecret text\r\n\r\n--="));
    assert_true(story.has_8bit);
    end(&story);
}

static void recipients_told_of_before_are_not_told_again(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    journal_bounced(&story.journal, 1);
    struct error late = spooldir_refusal(551, "", "moved", "moved away");
    journal_settle(&story.journal, 2, JOURNAL_FAILED, &late);
    const char *text = written(&story);
    assert_null(strstr(text, "r1@example.com"));
    assert_non_null(strstr(text, "Diagnostic-Code: smtp; 551 moved away\r\n"));
    end(&story);
}

static void addresses_beyond_ascii_are_shown(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    memory_replace(&story.original.envelope.rcpt[1].address, "j\xc3\xb6rg@example.com");
    const char *text = written(&story);
    assert_non_null(
        strstr(text, "message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"));
    assert_non_null(strstr(text, "Final-Recipient: utf-8; j\xc3\xb6rg@example.com\r\n"));
    assert_true(story.has_8bit);
    assert_false(story.has_8bit_header);
    end(&story);
}

static void long_replies_are_folded(void **state)
{
    (void)state;
    struct story story;
    begin(&story);
    memset(story.journal.rcpt[1].why->reply, 'x', ERROR_REPLY_MAX - 1);
    (void)written(&story);
    assert_lines_are_well_formed(&story.out.text);
    end(&story);
}

static void headers_of_any_length_end_at_the_blank_line(void **state)
{
    (void)state;
    static const size_t lengths[] = {
        0, 1, 32 * 1024 - 4, 32 * 1024 - 3, 32 * 1024 - 2, 32 * 1024 - 1, 32 * 1024, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct story story;
        begin(&story);
        str_truncate(&story.content.memory, 0);
        for (size_t n = 0; n < lengths[i]; n++)
            str_add_char(&story.content.memory, 'h');
        str_add(&story.content.memory, "\r\n\r\nsecret text\r\n");
        story.content.size = story.content.memory.len;
        const char *text = written(&story);
        assert_null(strstr(text, "secret"));
        const char *tail = strstr(text, "text/rfc822-headers\r\n\r\n") + 23;
        assert_int_equal(strspn(tail, "h"), lengths[i]);
        end(&story);
    }
}

static void a_bounce_is_an_entry_that_is_never_bounced(void **state)
{
    (void)state;
    struct story story;
    struct entry entry = {0}, again = {0};
    begin(&story);
    assert_true(bounce_entry(&story.bounce, &entry, &story.err));
    assert_string_equal(entry.id, "1tVd0xAbcDef121");
    assert_string_equal(entry.bounce_of, story.original.id);
    assert_string_equal(entry.account, "work");
    assert_string_equal(entry.envelope.sender, "");
    assert_int_equal(entry.envelope.n, 1);
    assert_string_equal(entry.envelope.rcpt[0].address, "me@example.org");
    story.bounce.original = &entry;
    assert_false(bounce_entry(&story.bounce, &again, &story.err));
    story.bounce.original = &story.original;
    journal_bounced(&story.journal, ENTRYID_DERIVED_MAX);
    assert_false(bounce_entry(&story.bounce, &again, &story.err));
    entry_clear(&entry);
    entry_clear(&again);
    end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bounce_tells_people_and_programs),
        cmocka_unit_test(a_delay_is_reported_with_its_end),
        cmocka_unit_test(dsn_parameters_of_a_recipient_count),
        cmocka_unit_test(the_whole_original_comes_back_when_asked_for),
        cmocka_unit_test(recipients_told_of_before_are_not_told_again),
        cmocka_unit_test(addresses_beyond_ascii_are_shown),
        cmocka_unit_test(long_replies_are_folded),
        cmocka_unit_test(headers_of_any_length_end_at_the_blank_line),
        cmocka_unit_test(a_bounce_is_an_entry_that_is_never_bounced),
    };
    return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
