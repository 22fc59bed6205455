/* What monitoring sees, as values: counters, an observation as text and back, the line of status,
 * the metrics. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#include "base/memory.h"
#include "queue/counters.h"
#include "ctl/health.h"
#include "ctl/metrics.h"
#include "ctl/observation.h"
#include "ctl/status.h"

enum { NOW = 1764000000, HOUR = 3600, DAY = 24 * HOUR };

static const struct status_limits limits = {
    .of = {[STATUS_WARNING] = {10, HOUR * 1000}, [STATUS_CRITICAL] = {100, 6 * HOUR * 1000}}};

static void counters_are_what_was_noted(void **state)
{
    (void)state;
    static const struct {
        int64_t took; /* milliseconds */
        size_t bound;
    } rows[] = {{0, 0},
                {250, 0},
                {251, 1},
                {1000, 2},
                {60 * 1000, 6},
                {24 * 3600000, 11},
                {24 * 3600000 + 1, 12},
                {INT64_MAX / 4, 12}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct counters counters = {0};
        counters_note(&counters, COUNTERS_SENT, 1000, rows[i].took);
        assert_int_equal(counters.delivered[rows[i].bound], 1);
        assert_int_equal(counters.messages[COUNTERS_SENT], 1);
        assert_int_equal(counters.octets, 1000);
        assert_int_equal(counters.milliseconds, (uint64_t)rows[i].took);
    }
    struct counters counters = {0}, none = {0};
    counters_note(&counters, COUNTERS_DEFERRED, 1000, 5);
    counters_note(&counters, COUNTERS_FAILED, 1000, 5);
    assert_int_equal(counters.messages[COUNTERS_DEFERRED], 1);
    assert_int_equal(counters.messages[COUNTERS_FAILED], 1);
    assert_int_equal(counters.octets + counters.milliseconds, 0);
    assert_memory_equal(counters.delivered, none.delivered, sizeof none.delivered);
    counters_note(&counters, COUNTERS_SENT, 1, -1); /* a bounce: its id has the original's time */
    assert_memory_equal(counters.delivered, none.delivered, sizeof none.delivered);
}

static void counters_survive_their_file_and_nothing_else_does(void **state)
{
    (void)state;
    struct counters counters = {.messages = {1, 2, UINT64_MAX}, .octets = 5, .delivered = {7}},
                    back;
    struct str text = {0};
    counters_encode(&counters, &text);
    assert_true(counters_decode(&back, text.data, text.len));
    assert_memory_equal(&back, &counters, sizeof back);
    str_add(&text, "9 sum 12\n"); /* of a longer line that was there before */
    assert_true(counters_decode(&back, text.data, text.len));
    assert_memory_equal(&back, &counters, sizeof back);
    counters = (struct counters){0};
    for (size_t i = 0; i < text.len && text.data[i] != '\n'; i++) {
        assert_false(counters_decode(&back, text.data, i));
        text.data[i] ^= 1;
        assert_false(counters_decode(&back, text.data, text.len));
        assert_memory_equal(&back, &counters, sizeof back);
        text.data[i] ^= 1;
    }
    str_clear(&text);
}

static struct observed_account *add_account(struct observation *seen, const char *name)
{
    seen->account = memory_grow(seen->account, seen->n, &seen->size, sizeof *seen->account);
    seen->account[seen->n] =
        (struct observed_account){.name = memory_copy(name), .reason = memory_copy("")};
    return &seen->account[seen->n++];
}

/* One that has everything. */
static void fill(struct observation *seen)
{
    for (int i = 0; i < OBSERVATION_STATES; i++) {
        seen->queue[i].messages = (uint64_t)i + 3;
        seen->queue[i].oldest = NOW - 100;
    }
    seen->configuration = memory_copy("onehop.ini:3: no key 'a b'\nsecond line");
    struct observed_account *account = add_account(seen, "we \"ird\\ %\n");
    account->failing_since = NOW - 2 * HOUR;
    account->cause = CAUSE_LOGIN;
    free(account->reason);
    account->reason = memory_copy("535 5.7.8 no | entry\nhere");
    account->token_expires = NOW + 5;
    account->person_by = NOW + 6;
    account->certificate_expires = NOW + 7;
    counters_note(&account->counters, COUNTERS_SENT, 4096, 700);
    counters_note(&account->counters, COUNTERS_SENT, 4096, 70000);
    (void)add_account(seen, "plain");
}

static void an_observation_survives_the_control_socket(void **state)
{
    (void)state;
    struct observation seen = {0}, back = {0};
    struct str text = {0}, again = {0};
    fill(&seen);
    observation_encode(&seen, &text);
    assert_true(observation_decode(&back, text.data, text.len));
    observation_encode(&back, &again);
    assert_string_equal(text.data, again.data);
    assert_string_equal(back.account[0].reason, seen.account[0].reason);
    assert_string_equal(back.configuration, seen.configuration);
    /* Two spools are one machine: counts together, the older moment, accounts by name. */
    assert_true(observation_decode(&back, text.data, text.len));
    assert_int_equal(back.n, 2);
    assert_int_equal(back.queue[OBSERVATION_WAITING].messages, 6);
    assert_int_equal(back.account[0].counters.messages[COUNTERS_SENT], 4);
    for (size_t i = 0; i < text.len; i++) { /* cut, and altered: an answer or none, no crash */
        struct observation cut = {0};
        bool whole = text.data[i - (i > 0)] == '\n';
        assert_true(observation_decode(&cut, text.data, i) == (i > 0 && whole));
        observation_clear(&cut);
        char kept = text.data[i];
        text.data[i] = '\n';
        (void)observation_decode(&cut, text.data, text.len);
        text.data[i] = kept;
        observation_clear(&cut);
    }
    observation_clear(&seen);
    observation_clear(&back);
    observation_clear(&back);
    str_clear(&text);
    str_clear(&again);
}

static void status_is_the_worst_that_was_found(void **state)
{
    (void)state;
    static const struct {
        uint64_t waiting, failed;
        int64_t age, failing, person, certificate; /* seconds; ago, the last two ahead */
        int expected;
        const char *text;
    } rows[] = {
        {.expected = STATUS_OK, .text = "OK - no message waits |"},
        {.waiting = 1, .age = 119, .expected = STATUS_OK, .text = "- 1 message waits, for 119 s |"},
        {.waiting = 10,
         .age = HOUR,
         .expected = STATUS_OK,
         .text = "10 messages wait, the oldest for 60 min |"},
        {.waiting = 11, .expected = STATUS_WARNING, .text = "WARNING - 11 messages"},
        {.waiting = 1, .age = HOUR + 1, .expected = STATUS_WARNING, .text = "for 60 min"},
        {.waiting = 101, .expected = STATUS_CRITICAL, .text = "CRITICAL - 101"},
        {.waiting = 1, .age = 6 * HOUR + 1, .expected = STATUS_CRITICAL, .text = "for 6 h"},
        {.failed = 1, .expected = STATUS_WARNING, .text = "- 1 failed message is kept; no message"},
        {.failed = 2, .expected = STATUS_WARNING, .text = "- 2 failed messages are kept;"},
        {.failing = 1, .expected = STATUS_WARNING, .text = "account a fails (network) for 1 s;"},
        {.failing = HOUR, .expected = STATUS_WARNING, .text = "for 60 min;"},
        {.failing = HOUR + 1, .expected = STATUS_CRITICAL, .text = "CRITICAL - account a fails"},
        {.failing = -5, .expected = STATUS_WARNING, .text = "for 0 s"}, /* the clock was set back */
        {.person = HOUR, .expected = STATUS_WARNING, .text = "account a needs a login in 60 min;"},
        {.person = -1,
         .expected = STATUS_CRITICAL,
         .text = "account a needs a login: onehopctl login a;"},
        {.certificate = 14 * DAY, .expected = STATUS_OK, .text = "OK"},
        {.certificate = 14 * DAY - 1, .expected = STATUS_WARNING, .text = "expires in 13 d"},
        {.certificate = -1, .expected = STATUS_CRITICAL, .text = "has expired"},
        {.failed = 1,
         .failing = 2 * HOUR,
         .waiting = 1,
         .expected = STATUS_CRITICAL,
         .text = "CRITICAL - account a fails (network) for 2 h; 1 failed message is kept; 1 "
                 "message waits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct observation seen = {0};
        struct str line = {0};
        struct observed_account *account = add_account(&seen, "a");
        seen.queue[OBSERVATION_WAITING].messages = rows[i].waiting;
        seen.queue[OBSERVATION_WAITING].oldest = rows[i].waiting ? NOW - rows[i].age : 0;
        seen.queue[OBSERVATION_FAILED].messages = rows[i].failed;
        account->failing_since = rows[i].failing ? NOW - rows[i].failing : 0;
        account->person_by = rows[i].person ? NOW + rows[i].person : 0;
        account->certificate_expires = rows[i].certificate ? NOW + rows[i].certificate : 0;
        int status = status_judge(&seen, &limits, NOW, &line);
        if (status != rows[i].expected || !strstr(line.data, rows[i].text))
            fail_msg("row %zu: %d, %s", i, status, line.data);
        str_clear(&line);
        observation_clear(&seen);
    }
}

static void a_status_is_one_line_with_one_bar(void **state)
{
    (void)state;
    struct observation seen = {0};
    struct str line = {0};
    fill(&seen);
    assert_int_equal(status_judge(&seen, &limits, NOW, &line), STATUS_CRITICAL);
    assert_null(strchr(line.data, '\n'));
    assert_ptr_equal(strchr(line.data, '|'), strrchr(line.data, '|'));
    str_truncate(&line, 0);
    observation_clear(&seen);
    assert_int_equal(status_judge(&seen, &limits, NOW, &line), STATUS_UNKNOWN);
    str_clear(&line);
}

static void metrics_are_escaped_and_cumulative(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "onehop_queue_messages{state=\"waiting\"} 3\n",
        "onehop_queue_oldest_seconds 100\n",
        "onehop_account_trouble{account=\"we \\\"ird\\\\ %\\n\",reason=\"login\"} 1\n",
        "onehop_account_trouble{account=\"we \\\"ird\\\\ %\\n\",reason=\"network\"} 0\n",
        "onehop_account_trouble{account=\"plain\",reason=\"login\"} 0\n",
        "onehop_bytes_total{account=\"we \\\"ird\\\\ %\\n\"} 8192\n",
        "onehop_delivery_seconds_bucket{account=\"we \\\"ird\\\\ %\\n\",le=\"0.5\"} 0\n",
        "onehop_delivery_seconds_bucket{account=\"we \\\"ird\\\\ %\\n\",le=\"1\"} 1\n",
        "onehop_delivery_seconds_bucket{account=\"we \\\"ird\\\\ %\\n\",le=\"300\"} 2\n",
        "onehop_delivery_seconds_bucket{account=\"we \\\"ird\\\\ %\\n\",le=\"+Inf\"} 2\n",
        "onehop_delivery_seconds_sum{account=\"we \\\"ird\\\\ %\\n\"} 70.700\n",
        "onehop_delivery_seconds_count{account=\"we \\\"ird\\\\ %\\n\"} 2\n",
        "onehop_certificate_expiry_timestamp_seconds{account=\"we \\\"ird\\\\ %\\n\"} 1764000007\n",
    };
    struct observation seen = {0};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    fill(&seen);
    metrics_print(&seen, NOW, out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(text, lines[i]))
            fail_msg("not there: %s in %s", lines[i], text);
    assert_null(strstr(text, "expiry_timestamp_seconds{account=\"plain\"")); /* it has none */
    free(text);
    observation_clear(&seen);
}

static void health_says_what_is_unattended(void **state)
{
    (void)state;
    static const struct {
        int64_t unattended, failing;
        char *configuration;
        const char *line; /* NULL: healthy */
    } rows[] = {
        {0, 0, NULL, NULL},
        {NOW - HOUR, NOW - HOUR, NULL, NULL},
        {NOW + DAY, NOW + DAY, NULL, NULL}, /* the clock was set back */
        {NOW - HOUR - 1, 0, NULL, "nothing has run the queue for 60 minutes"},
        {0, NOW - 2 * HOUR, NULL, "account plain fails (login) for 120 minutes"},
        {0, 0, (char *)"FILE:1: no", "the configuration is not used: FILE:1: no"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct observed_account account = {
            .name = (char *)"plain", .failing_since = rows[i].failing, .cause = CAUSE_LOGIN};
        const struct observation seen = {.unattended_since = rows[i].unattended,
                                         .configuration = rows[i].configuration,
                                         .account = &account,
                                         .n = 1};
        struct str line = {0};
        assert_int_equal(health_judge(&seen, HOUR, NOW, &line), rows[i].line == NULL);
        assert_non_null(strstr(str_text(&line), rows[i].line ? rows[i].line : "waiting: 0"));
        str_clear(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_what_was_noted),
        cmocka_unit_test(counters_survive_their_file_and_nothing_else_does),
        cmocka_unit_test(an_observation_survives_the_control_socket),
        cmocka_unit_test(status_is_the_worst_that_was_found),
        cmocka_unit_test(a_status_is_one_line_with_one_bar),
        cmocka_unit_test(metrics_are_escaped_and_cumulative),
        cmocka_unit_test(health_says_what_is_unattended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
