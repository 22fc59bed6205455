#include "suite.h"

#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "message/complete.h"

/* Fields separated by '|', as "Name: value". */
static void fill(struct header *header, const char *fields)
{
    struct str line = {0};
    while (*fields) {
        size_t len = strcspn(fields, "|");
        str_add_n(&line, fields, len);
        char *colon = strchr(line.data, ':');
        assert_non_null(colon);
        *colon = '\0';
        header_append(header, line.data, colon + 1 + (colon[1] == ' '));
        str_truncate(&line, 0);
        fields += len + (fields[len] == '|');
    }
    str_clear(&line);
}

static char *show(const struct header *header)
{
    struct str out = {0};
    for (size_t i = 0; i < header->n; i++)
        str_addf(&out, "%s%s:%s", i ? "|" : "", header->field[i].name, header->field[i].value);
    return str_take(&out);
}

static bool may_use(void *context, const char *mailbox)
{
    return address_equal(mailbox, context, true) || strcmp(mailbox, "alias@example.com") == 0;
}

static struct completion nothing_wanted(const struct envelope *envelope)
{
    return (struct completion){
        .sender = "me@example.com",
        .from_address = "me@example.com",
        .full_name = "",
        .rewrite_to = "",
        .host = "web1",
        .qualify_domain = "",
        .message_id_domain = "example.com",
        .envelope = envelope,
    };
}

struct sender_case {
    const char *name, *fields, *result;
};

static void check_senders(const struct sender_case *cases, size_t n, const struct completion *want)
{
    for (size_t i = 0; i < n; i++) {
        struct header header = {0};
        fill(&header, cases[i].fields);
        complete_header(&header, want, "");
        char *result = show(&header);
        if (strcmp(result, cases[i].result) != 0)
            fail_msg("%s: '%s'", cases[i].name, result);
        free(result);
        header_clear(&header);
    }
}

static void foreign_senders_are_rewritten(void **state)
{
    (void)state;
    static const struct sender_case cases[] = {
        {"own", "From: Me <me@example.com>", "From: Me <me@example.com>"},
        {"own in capitals", "From: ME@Example.com", "From: ME@Example.com"},
        {"allowed", "From: alias@example.com", "From: alias@example.com"},
        {"cron", "From: root (Cron Daemon)", "From: Cron Daemon <me@example.com>"},
        {"anacron", "From: Anacron <root>", "From: Anacron <me@example.com>"},
        {"bare", "From: root", "From: root on web1 <me@example.com>"},
        {"localhost", "From: root@localhost", "From: root on web1 <me@example.com>"},
        {"this host", "From: root@web1", "From: root on web1 <me@example.com>"},
        {"local domain", "From: root@web1.lan.local",
         "From: \"root on web1.lan.local\" <me@example.com>"},
        {"foreign", "From: Boss <boss@other.org>",
         "From: Boss <me@example.com>|Reply-To: Boss <boss@other.org>"},
        {"foreign with Reply-To", "From: Boss <boss@other.org>|Reply-To: x@y.org",
         "From: Boss <me@example.com>|Reply-To: x@y.org"},
        {"name with comma", "From: \"Boss, The\" <root>", "From: \"Boss, The\" <me@example.com>"},
        {"name with 8 bit", "From: J\xc3\xbc <root>", "From: =?utf-8?B?SsO8?= <me@example.com>"},
        {"several", "From: me@example.com, boss@other.org",
         "From: me@example.com|Reply-To: me@example.com, boss@other.org"},
        {"second From", "From: root|To: x@y|from: boss@other.org",
         "From: root on web1 <me@example.com>|To: x@y|Reply-To: boss@other.org"},
        {"second From behind an own", "From: me@example.com|From: boss@other.org",
         "From: me@example.com|Reply-To: me@example.com, boss@other.org"},
        {"second Sender", "From: alias@example.com|Sender: me@example.com|Sender: boss@other.org",
         "From: alias@example.com|Sender: me@example.com"},
        {"null", "From: <>", "From: me@example.com"},
        {"Sender needless", "From: me@example.com|Sender: root@web1", "From: me@example.com"},
        {"Sender needed", "From: alias@example.com|Sender: root@web1",
         "From: alias@example.com|Sender: root on web1 <me@example.com>"},
        {"Sender allowed", "From: me@example.com|Sender: me@example.com",
         "From: me@example.com|Sender: me@example.com"},
        {"Sender and From", "From: root (Cron Daemon)|Sender: root",
         "From: Cron Daemon <me@example.com>"},
        {"resent", "Resent-From: root|Resent-To: x@y|From: alias@example.com",
         "Resent-From: root on web1 <me@example.com>|Resent-To: x@y|From: alias@example.com"},
    };
    struct envelope envelope = {0};
    char own[] = "me@example.com";
    struct completion want = nothing_wanted(&envelope);
    want.rewrite_to = own;
    want.may_use = may_use;
    want.context = own;
    check_senders(cases, sizeof cases / sizeof *cases, &want);
}

static void all_senders_are_rewritten_where_always_is_wished(void **state)
{
    (void)state;
    static const struct sender_case cases[] = {
        {"own", "From: Me <me@example.com>", "From: Me <me@example.com>"},
        {"other", "From: alias@example.com",
         "From: \"alias on example.com\" <me@example.com>|Reply-To: alias@example.com"},
    };
    struct envelope envelope = {0};
    struct completion want = nothing_wanted(&envelope);
    want.rewrite_to = "me@example.com";
    check_senders(cases, sizeof cases / sizeof *cases, &want);
}

static void addresses_are_qualified_and_text_encoded(void **state)
{
    (void)state;
    static const struct sender_case cases[] = {
        {"bare", "To: root, x@y", "To: root@web1.example, x@y"},
        {"comment", "From: root (Cron Daemon)", "From: Cron Daemon <root@web1.example>"},
        {"untouched", "To: (x) a@b ,  c@d", "To: (x) a@b ,  c@d"},
        {"empty group", "To: undisclosed-recipients:;", "To: undisclosed-recipients:;"},
        {"null", "From: <>", "From: <>"},
        {"all fields", "Sender: a|Reply-To: b|Cc: c|Resent-To: d|Subject: e",
         "Sender: a@web1.example|Reply-To: b@web1.example|Cc: c@web1.example|"
         "Resent-To: d@web1.example|Subject: e"},
        {"8 bit subject",
         "Subject: Gr\xc3\xbc\xc3\x9f"
         "e",
         "Subject: =?utf-8?B?R3LDvMOfZQ==?="},
        {"folded 8 bit",
         "Subject: Gr\xc3\xbc\n \xc3\x9f"
         "e",
         "Subject: =?utf-8?B?R3LDvCDDn2U=?="},
        {"8 bit name", "To: J\xc3\xbc <a@b>", "To: =?utf-8?B?SsO8?= <a@b>"},
        {"8 bit address", "To: j\xc3\xbc@b", "To: j\xc3\xbc@b"},
        {"structured", "Content-Type: text/plain; x=\"\xc3\xbc\"",
         "Content-Type: text/plain; x=\"\xc3\xbc\""},
    };
    struct envelope envelope = {0};
    struct completion want = nothing_wanted(&envelope);
    want.qualify_domain = "web1.example";
    check_senders(cases, sizeof cases / sizeof *cases, &want);
    static const struct sender_case kept[] = {
        {"8 bit kept", "Subject: \xc3\xbc|To: \xc3\xbc <a@b>",
         "Subject: \xc3\xbc|To: \xc3\xbc <a@b>"},
    };
    want.keep_8bit = true;
    check_senders(kept, 1, &want);
}

static void what_must_not_leave_goes(void **state)
{
    (void)state;
    static const char fields[] = "BCC: a@b|Resent-bcc: c@d|bcc: |Return-Path: <x>|Subject: x";
    static const struct sender_case gone[] = {{"gone", fields, "Subject: x"}};
    static const struct sender_case kept[] = {
        {"kept", fields, "BCC: a@b|Resent-bcc: c@d|bcc: |Subject: x"}};
    struct envelope envelope = {0};
    struct completion want = nothing_wanted(&envelope);
    check_senders(gone, 1, &want);
    want.keep_bcc = true;
    check_senders(kept, 1, &want);
}

static void what_is_missing_is_made(void **state)
{
    (void)state;
    static const struct {
        const char *name, *fields;
        bool absent;
        enum complete_mode from, subject;
        enum complete_to to;
        const char *full_name, *line, *result;
    } cases[] = {
        {"nothing", "X: y", false, COMPLETE_OFF, COMPLETE_OFF, COMPLETE_TO_OFF, "", "", "X: y"},
        {"From", "X: y", false, COMPLETE_AUTO, COMPLETE_AUTO, COMPLETE_TO_OFF, "", "z",
         "From: me@example.com|X: y"},
        {"From with name", "", false, COMPLETE_AUTO, COMPLETE_AUTO, COMPLETE_TO_OFF, "Me, Myself",
         "", "From: \"Me, Myself\" <me@example.com>"},
        {"From is there", "From: a@b", false, COMPLETE_AUTO, COMPLETE_AUTO, COMPLETE_TO_OFF, "", "",
         "From: a@b"},
        {"From is empty", "From: |X: y", false, COMPLETE_AUTO, COMPLETE_AUTO, COMPLETE_TO_OFF, "",
         "", "From: me@example.com|X: y"},
        {"From is replaced", "From: a@b|X: y|from: c@d", false, COMPLETE_ON, COMPLETE_AUTO,
         COMPLETE_TO_OFF, "", "", "From: me@example.com|X: y"},
        {"no header", "", true, COMPLETE_AUTO, COMPLETE_AUTO, COMPLETE_TO_OFF, "", "disk full",
         "From: me@example.com|To: a@x, b@y|Subject: disk full"},
        {"no header, no text", "", true, COMPLETE_AUTO, COMPLETE_AUTO, COMPLETE_TO_OFF, "", " \t",
         "From: me@example.com|To: a@x, b@y"},
        {"subject off", "", true, COMPLETE_OFF, COMPLETE_OFF, COMPLETE_TO_OFF, "", "x",
         "To: a@x, b@y"},
        {"subject on", "X: y", false, COMPLETE_OFF, COMPLETE_ON, COMPLETE_TO_OFF, "", "x",
         "Subject: x|X: y"},
        {"subject on, there", "Subject: y", false, COMPLETE_OFF, COMPLETE_ON, COMPLETE_TO_OFF, "",
         "x", "Subject: y"},
        {"20 characters", "", true, COMPLETE_OFF, COMPLETE_AUTO, COMPLETE_TO_OFF, "",
         "12345678901234567890", "To: a@x, b@y|Subject: 12345678901234567890"},
        {"21 characters", "", true, COMPLETE_OFF, COMPLETE_AUTO, COMPLETE_TO_OFF, "",
         "123456789012345678901", "To: a@x, b@y|Subject: 12345678901234567..."},
        {"control characters", "", true, COMPLETE_OFF, COMPLETE_AUTO, COMPLETE_TO_OFF, "",
         "a\tb\rc", "To: a@x, b@y|Subject: a b c"},
        {"characters, not octets", "", true, COMPLETE_OFF, COMPLETE_AUTO, COMPLETE_TO_OFF, "",
         "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
         "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
         "To: a@x, b@y|Subject: =?utf-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvC4uLg==?="},
        {"To", "to: c@z|Cc: d@z|X: y", false, COMPLETE_OFF, COMPLETE_OFF, COMPLETE_TO_ON, "", "",
         "To: a@x, b@y|X: y"},
        {"undisclosed", "To: c@z", false, COMPLETE_OFF, COMPLETE_OFF, COMPLETE_TO_UNDISCLOSED, "",
         "", "To: undisclosed-recipients:;"},
    };
    struct envelope envelope = {0};
    (void)envelope_add(&envelope, "a@x");
    (void)envelope_add(&envelope, "b@y");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header header = {.absent = cases[i].absent};
        struct completion want = nothing_wanted(&envelope);
        want.from = cases[i].from;
        want.subject = cases[i].subject;
        want.to = cases[i].to;
        want.full_name = cases[i].full_name;
        fill(&header, cases[i].fields);
        complete_header(&header, &want, cases[i].line);
        char *result = show(&header);
        if (strcmp(result, cases[i].result) != 0)
            fail_msg("%s: '%s'", cases[i].name, result);
        free(result);
        header_clear(&header);
    }
    envelope_clear(&envelope);
}

static void date_and_message_id_are_made_in_order(void **state)
{
    (void)state;
    struct envelope envelope = {0};
    struct completion want = nothing_wanted(&envelope);
    want.from = want.date = want.message_id = COMPLETE_AUTO;
    struct header header = {0};
    fill(&header, "Message-ID: |X: y|Date:");
    complete_header(&header, &want, "");
    assert_int_equal(header.n, 4);
    assert_string_equal(header.field[0].name, "From");
    assert_string_equal(header.field[1].name, "Date");
    assert_string_equal(header.field[2].name, "Message-ID");
    assert_string_equal(header.field[3].name, "X");
    header_clear(&header);
    fill(&header, "Message-ID: <a@b>|Date: x");
    want.from = COMPLETE_OFF;
    complete_header(&header, &want, "");
    assert_int_equal(header.n, 2);
    header_clear(&header);
}

static void dates_are_written_in_the_local_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        time_t when;
        const char *text;
    } cases[] = {
        {"UTC0", 1795420380, "Mon, 23 Nov 2026 07:53:00 +0000"},
        {"XXX-5:30", 1795420380, "Mon, 23 Nov 2026 13:23:00 +0530"},
        {"XXX3:30", 1795420380, "Mon, 23 Nov 2026 04:23:00 -0330"},
        {"UTC0", 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
        {"UTC0", -1, "Wed, 31 Dec 1969 23:59:59 +0000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
        tzset();
        complete_date(&out, cases[i].when);
        assert_string_equal(str_text(&out), cases[i].text);
        str_clear(&out);
    }
}

static void message_ids_are_unique(void **state)
{
    (void)state;
    struct str one = {0}, other = {0};
    complete_message_id(&one, "example.com", 1);
    complete_message_id(&other, "example.com", 1);
    assert_string_not_equal(one.data, other.data);
    assert_int_equal(one.data[0], '<');
    assert_string_equal(strchr(one.data, '@'), "@example.com>");
    str_clear(&one);
    complete_message_id(&one, "", 1);
    assert_non_null(strstr(one.data, "@localhost>"));
    str_clear(&one);
    str_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_senders_are_rewritten),
        cmocka_unit_test(all_senders_are_rewritten_where_always_is_wished),
        cmocka_unit_test(addresses_are_qualified_and_text_encoded),
        cmocka_unit_test(what_must_not_leave_goes),
        cmocka_unit_test(what_is_missing_is_made),
        cmocka_unit_test(date_and_message_id_are_made_in_order),
        cmocka_unit_test(dates_are_written_in_the_local_zone),
        cmocka_unit_test(message_ids_are_unique),
    };
    return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}
