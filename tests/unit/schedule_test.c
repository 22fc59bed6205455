#include "suite.h"

#include "base/str.h"
#include "queue/account_state.h"
#include "queue/breaker.h"
#include "queue/schedule.h"
#include "queue/spool_time.h"

enum { MINUTE = 60, DAY = 86400, NOW = 1763884800 };

static void retries_are_spread_around_the_table(void **state)
{
    (void)state;
    static const struct {
        unsigned attempts;
        int64_t minutes;
    } cases[] = {{1, 1},   {2, 5},   {3, 15},  {4, 30},     {5, 60},
                 {6, 120}, {7, 240}, {8, 240}, {9999, 240}, {0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t middle = cases[i].minutes * MINUTE, low = INT64_MAX, high = 0;
        for (uint64_t chance = 0; chance < 20000; chance++) {
            int64_t got = schedule_interval(cases[i].attempts, chance);
            low = got < low ? got : low;
            high = got > high ? got : high;
        }
        assert_int_equal(low, middle * 3 / 4);
        assert_int_equal(high, middle * 5 / 4);
        assert_true(high <= schedule_longest());
    }
}

static void a_clock_that_was_set_makes_nobody_wait(void **state)
{
    (void)state;
    assert_true(schedule_due(NOW, NOW));
    assert_true(schedule_due(0, NOW));
    assert_false(schedule_due(NOW + 1, NOW));
    assert_false(schedule_due(NOW + schedule_longest(), NOW));
    assert_true(schedule_due(NOW + schedule_longest() + 1, NOW));
    assert_true(schedule_due(NOW + 365 * DAY, NOW));
}

static void spool_time_counts_time_that_was_lived(void **state)
{
    (void)state;
    struct spool_time spool_time = {0};
    assert_int_equal(spool_time_of(&spool_time, NOW, NOW + 100), 100); /* never run: what else */
    for (int hour = 0; hour <= 48; hour++)
        spool_time_note_run(&spool_time, NOW + hour * 3600);
    int64_t now = NOW + 2 * DAY;
    assert_int_equal(spool_time_of(&spool_time, NOW, now), 2 * DAY);
    /* The clock jumps by a year before the next run notices, and after it did. */
    assert_int_equal(spool_time_of(&spool_time, NOW, now + 365 * DAY), 3 * DAY);
    spool_time_note_run(&spool_time, now + 365 * DAY);
    assert_int_equal(spool_time_of(&spool_time, NOW, now + 365 * DAY + 60), 3 * DAY + 60);
    /* What came after the jump knows nothing of it. */
    assert_int_equal(spool_time_of(&spool_time, now + 365 * DAY, now + 366 * DAY), DAY);
    /* The clock goes back: younger, but never negative. */
    spool_time_note_run(&spool_time, now);
    assert_int_equal(spool_time_of(&spool_time, now + 100, now), 0);
    assert_int_equal(spool_time_of(&spool_time, NOW, now), 2 * DAY);
}

static void a_board_without_a_clock_keeps_its_mail(void **state)
{
    (void)state;
    struct spool_time spool_time = {0};
    spool_time_note_run(&spool_time, 100);
    spool_time_note_run(&spool_time, NOW); /* the network came up, and with it the date */
    assert_int_equal(spool_time_of(&spool_time, 50, NOW), 50 + DAY);
}

static void spool_time_survives_its_file_and_damage_starts_it_afresh(void **state)
{
    (void)state;
    struct spool_time spool_time = {0}, back;
    for (int i = 1; i < SPOOL_TIME_GAPS + 10; i++)
        spool_time_note_run(&spool_time, NOW + (int64_t)i * 30 * DAY);
    struct str text = {0};
    spool_time_encode(&spool_time, &text);
    assert_true(text.len < SPOOL_STAMP_MAX);
    spool_time_decode(&back, text.data, text.len);
    assert_memory_equal(&back, &spool_time, sizeof spool_time);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 1;
        spool_time_decode(&back, text.data, text.len);
        assert_int_equal(back.last_run, 0);
        text.data[i] ^= 1;
        spool_time_decode(&back, text.data, i);
        assert_int_equal(back.n, 0);
    }
    str_clear(&text);
}

enum { SETTINGS = 7, OTHER_SETTINGS = 8 };

static struct breaker_failure failure(enum error_cause cause, const char *reason, int64_t began,
                                      int64_t ended)
{
    return (struct breaker_failure){
        .cause = cause, .reason = reason, .began = began, .ended = ended, .depends = SETTINGS};
}

static void a_breaker_opens_probes_and_closes(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    int64_t now = NOW;
    const struct breaker_failure no_route = failure(CAUSE_NETWORK, "no\nroute", now, now);
    assert_true(breaker_allows(&breaker, now, SETTINGS));
    breaker_probe(&breaker, now, SETTINGS);
    assert_true(breaker_allows(&breaker, now, SETTINGS)); /* a closed one lets all pass */
    breaker_open(&breaker, &no_route, 7);
    assert_string_equal(breaker.reason, "no?route");
    assert_false(breaker_allows(&breaker, now, SETTINGS));
    assert_true(breaker_allows(&breaker, now + 38, SETTINGS));
    breaker_probe(&breaker, now + 38, SETTINGS);
    assert_false(breaker_allows(&breaker, now + 38, SETTINGS));     /* one probe */
    assert_true(breaker_allows(&breaker, now + 38 + 30, SETTINGS)); /* a prober that died */
    assert_true(
        breaker_allows(&breaker, now - 365 * DAY, SETTINGS)); /* a clock that was set back */
    breaker_close(&breaker);
    assert_true(breaker_allows(&breaker, now, SETTINGS));
}

static void a_server_that_asks_for_time_gets_it(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    struct breaker_failure busy = failure(CAUSE_NETWORK, "429", NOW, NOW);
    busy.wait = 700;
    breaker_open(&breaker, &busy, 0);
    assert_false(breaker_allows(&breaker, NOW + 699, SETTINGS));
    assert_true(breaker_allows(&breaker, NOW + 700, SETTINGS));
    breaker_close(&breaker);
    busy.wait = 1; /* less than it is left alone anyway */
    breaker_open(&breaker, &busy, 0);
    assert_false(breaker_allows(&breaker, NOW + 2, SETTINGS));
    breaker_close(&breaker);
    busy.wait = 365 * DAY; /* more than anybody may ask for */
    breaker_open(&breaker, &busy, 0);
    assert_true(breaker_allows(&breaker, NOW + BREAKER_LONGEST, SETTINGS));
}

static void other_settings_are_tried_at_once_and_by_one(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    const struct breaker_failure wrong = failure(CAUSE_LOGIN, "535", NOW, NOW);
    breaker_open(&breaker, &wrong, 0);
    assert_false(breaker_allows(&breaker, NOW + 1, SETTINGS));
    assert_true(breaker_allows(&breaker, NOW + 1, OTHER_SETTINGS));
    breaker_probe(&breaker, NOW + 1, OTHER_SETTINGS);
    assert_false(breaker_allows(&breaker, NOW + 1, OTHER_SETTINGS));
    breaker_half_open(&breaker, NOW + 2); /* a person asks */
    assert_true(breaker_allows(&breaker, NOW + 2, OTHER_SETTINGS));
}

/* Four connections that time out together are one failure, and the next moment's is another. */
static void failures_of_one_moment_count_once(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    for (int connection = 0; connection < 4; connection++) {
        const struct breaker_failure away =
            failure(CAUSE_NETWORK, "away", NOW, NOW + 10 + connection);
        breaker_open(&breaker, &away, 0);
    }
    assert_int_equal(breaker.failures, 1);
    const struct breaker_failure again = failure(CAUSE_NETWORK, "away", NOW + 40, NOW + 41);
    breaker_open(&breaker, &again, 0);
    assert_int_equal(breaker.failures, 2);
    const struct breaker_failure wrong = failure(CAUSE_LOGIN, "535", NOW + 40, NOW + 41);
    breaker_open(&breaker, &wrong, 0); /* what is worse is not hidden by it */
    assert_int_equal(breaker.cause, CAUSE_LOGIN);
}

static void breaker_intervals_double_up_to_their_longest(void **state)
{
    (void)state;
    static const struct {
        enum error_cause cause;
        int64_t first, longest;
    } cases[] = {
        {CAUSE_NETWORK, 30, 1800}, {CAUSE_THROTTLE, 300, 3600}, {CAUSE_LOGIN, 1800, 8 * 3600}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct breaker breaker = {0};
        int64_t middle = cases[i].first;
        for (int n = 0; n < 2000; n++) {
            const struct breaker_failure x = failure(cases[i].cause, "x", NOW + n, NOW + n);
            breaker_open(&breaker, &x, (uint64_t)n * 977);
            assert_in_range(breaker.until - NOW - n, middle - middle / 4, middle + middle / 4);
            middle = 2 * middle < cases[i].longest ? 2 * middle : cases[i].longest;
            breaker.last = 0;
        }
    }
    /* 100,000 entries for a provider that is away: a handful of attempts an hour. */
    struct breaker breaker = {0};
    int attempts = 0;
    for (int64_t now = NOW; now < NOW + 3600; now++)
        if (breaker_allows(&breaker, now, SETTINGS)) {
            const struct breaker_failure x = failure(CAUSE_NETWORK, "x", now, now);
            attempts++;
            breaker_open(&breaker, &x, 0);
        }
    assert_in_range(attempts, 4, 10);
    /* Another cause starts at the beginning of its own intervals. */
    const struct breaker_failure wrong = failure(CAUSE_LOGIN, "x", NOW, NOW);
    breaker_open(&breaker, &wrong, 0);
    assert_int_equal(breaker.failures, 1);
}

/* Steps of two entries: 'a' and 'b' meet a failure of the account, 'A' and 'B' go through. */
static void a_failure_that_one_message_meets_is_not_the_accounts(void **state)
{
    (void)state;
    static const struct {
        const char *steps;
        unsigned failures;
        bool own; /* of the last step's entry */
    } rows[] = {
        {"a", 0, false},                        /* suspect */
        {"aa", 0, false},                       /* there is no other */
        {"ab", 1, false},                       /* proven */
        {"abb", 2, false},                      /* by the probe as well */
        {"aB", 0, false},                       /* a had it */
        {"aBa", 0, true},                       /* and has it by itself */
        {"aBab", 0, false},                     /* which proves nothing of b */
        {"aBabA", 0, false}, {"abB", 0, false}, /* over */
        {"aAb", 0, false},
    };
    static const char *const ids[] = {"an-entry", "another"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account_state known = {0};
        int64_t last[2] = {0, 0}, now = NOW;
        bool own = false;
        print_message("# %s\n", rows[i].steps);
        for (const char *step = rows[i].steps; *step; step++, now += 10) {
            bool met = *step == 'a' || *step == 'b';
            int who = *step == 'b' || *step == 'B';
            const struct breaker_failure no = failure(CAUSE_THROTTLE, "no", now, now);
            own = met && account_state_suspect(&known, ids[who], last[who], &no, 0);
            last[who] = met ? now : 0;
            if (!met)
                account_state_clear(&known, now);
        }
        assert_int_equal(known.breaker.failures, rows[i].failures);
        assert_int_equal(own, rows[i].own);
    }
}

static void connections_that_are_refused_come_back_slowly(void **state)
{
    (void)state;
    struct account_state known = {0};
    assert_int_equal(account_state_connections(&known, 4, NOW), 4);
    account_state_refuse_connection(&known, 1, NOW);
    assert_int_equal(account_state_connections(&known, 4, NOW), 1);
    assert_int_equal(account_state_connections(&known, 4, NOW + ACCOUNT_STATE_GROW), 2);
    assert_int_equal(account_state_connections(&known, 4, NOW + DAY), 4);
    assert_int_equal(account_state_connections(&known, 4, NOW - DAY), 4); /* the clock was set */
    account_state_refuse_connection(&known, 0, NOW);
    assert_int_equal(account_state_connections(&known, 4, NOW), 1);
}

/* However a provider counts, it never sees more than the limit in a span of that length. */
static void a_rate_is_never_exceeded(void **state)
{
    (void)state;
    enum { MOST = 30, SPAN = 60, LONG = 40 * SPAN };
    static unsigned sent[LONG];
    struct account_state known = {0};
    const uint32_t most[ACCOUNT_STATE_SPANS] = {MOST, 0, 500};
    unsigned total = 0;
    for (int now = 0; now < LONG; now++) {
        for (int i = 0; i < 3; i++)
            if (account_state_count_message(&known, most, NOW + now)) {
                sent[now]++;
                total++;
            } else {
                assert_true(known.rate_until > NOW + now);
                assert_true(known.rate_until <= NOW + now + 26 * 3600);
            }
        unsigned seen = 0;
        for (int past = now; past > now - SPAN && past >= 0; past--)
            seen += sent[past];
        assert_in_range(seen, 0, MOST);
    }
    assert_int_equal(total, 500); /* of the day; 30 a minute would be more */
    assert_true(account_state_count_message(&known, most, NOW + 26 * 3600));
    assert_true(account_state_count_message(&known, most, NOW - 26 * 3600)); /* the clock was set */
}

static void account_state_survives_its_file_and_damage_starts_it_afresh(void **state)
{
    (void)state;
    struct account_state known = {.null_refused = NOW, .bdat_refused = NOW - 1, .streaming_refused = NOW - 2}, back;
    const struct breaker_failure wrong = failure(CAUSE_LOGIN, "535 5.7.8 50% wrong", NOW, NOW);
    breaker_open(&known.breaker, &wrong, 3);
    known.breaker.after_login = true;
    account_state_refuse_connection(&known, 3, NOW);
    known.sent[2].slice = 7;
    known.sent[2].count[12] = 9;
    memcpy(known.suspect, "entry", 6);
    for (int i = 0; i < ACCOUNT_STATE_BOUNCES_PER_HOUR; i++)
        assert_true(account_state_count_bounce(&known, ACCOUNT_STATE_BOUNCES_PER_HOUR, NOW));
    assert_false(account_state_count_bounce(&known, ACCOUNT_STATE_BOUNCES_PER_HOUR, NOW));
    struct str text = {0};
    account_state_encode(&known, &text);
    account_state_decode(&back, text.data, text.len);
    assert_memory_equal(&back, &known, sizeof back);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 4;
        account_state_decode(&back, text.data, text.len);
        assert_true(breaker_allows(&back.breaker, NOW, SETTINGS));
        text.data[i] ^= 4;
    }
    assert_true(account_state_count_bounce(&known, ACCOUNT_STATE_BOUNCES_PER_HOUR, NOW + 3600));
    str_clear(&text);
}

static void what_a_server_did_not_know_is_asked_again(void **state)
{
    (void)state;
    assert_true(account_state_remembers(NOW, NOW));
    assert_true(account_state_remembers(NOW, NOW + ACCOUNT_STATE_MEMORY - 1));
    assert_false(account_state_remembers(NOW, NOW + ACCOUNT_STATE_MEMORY));
    assert_false(account_state_remembers(NOW, NOW - 1)); /* the clock was set */
    assert_false(account_state_remembers(0, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries_are_spread_around_the_table),
        cmocka_unit_test(a_clock_that_was_set_makes_nobody_wait),
        cmocka_unit_test(spool_time_counts_time_that_was_lived),
        cmocka_unit_test(a_board_without_a_clock_keeps_its_mail),
        cmocka_unit_test(spool_time_survives_its_file_and_damage_starts_it_afresh),
        cmocka_unit_test(a_breaker_opens_probes_and_closes),
        cmocka_unit_test(a_server_that_asks_for_time_gets_it),
        cmocka_unit_test(other_settings_are_tried_at_once_and_by_one),
        cmocka_unit_test(failures_of_one_moment_count_once),
        cmocka_unit_test(breaker_intervals_double_up_to_their_longest),
        cmocka_unit_test(a_failure_that_one_message_meets_is_not_the_accounts),
        cmocka_unit_test(connections_that_are_refused_come_back_slowly),
        cmocka_unit_test(a_rate_is_never_exceeded),
        cmocka_unit_test(account_state_survives_its_file_and_damage_starts_it_afresh),
        cmocka_unit_test(what_a_server_did_not_know_is_asked_again),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
