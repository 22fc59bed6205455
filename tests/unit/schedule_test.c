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
        assert_true(high <= SCHEDULE_LONGEST);
    }
}

static void a_clock_that_was_set_makes_nobody_wait(void **state)
{
    (void)state;
    assert_true(schedule_due(NOW, NOW));
    assert_true(schedule_due(0, NOW));
    assert_false(schedule_due(NOW + 1, NOW));
    assert_false(schedule_due(NOW + SCHEDULE_LONGEST, NOW));
    assert_true(schedule_due(NOW + SCHEDULE_LONGEST + 1, NOW));
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

static void a_breaker_opens_probes_and_closes(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    int64_t now = NOW;
    assert_true(breaker_allows(&breaker, now));
    breaker_probe(&breaker, now);
    assert_true(breaker_allows(&breaker, now)); /* a closed one lets all pass */
    breaker_open(&breaker, CAUSE_NETWORK, "no\nroute", now, 7);
    assert_string_equal(breaker.reason, "no?route");
    assert_false(breaker_allows(&breaker, now));
    assert_true(breaker_allows(&breaker, now + 38));
    breaker_probe(&breaker, now + 38);
    assert_false(breaker_allows(&breaker, now + 38));       /* one probe */
    assert_true(breaker_allows(&breaker, now + 38 + 30));   /* a prober that died */
    assert_true(breaker_allows(&breaker, now - 365 * DAY)); /* a clock that was set back */
    breaker_close(&breaker);
    assert_true(breaker_allows(&breaker, now));
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
        for (int failure = 0; failure < 2000; failure++) {
            breaker_open(&breaker, cases[i].cause, "x", NOW, (uint64_t)failure * 977);
            assert_in_range(breaker.until - NOW, middle - middle / 4, middle + middle / 4);
            middle = 2 * middle < cases[i].longest ? 2 * middle : cases[i].longest;
        }
    }
    /* 100,000 entries for a provider that is away: a handful of attempts an hour. */
    struct breaker breaker = {0};
    int attempts = 0;
    for (int64_t now = NOW; now < NOW + 3600; now++)
        if (breaker_allows(&breaker, now)) {
            attempts++;
            breaker_open(&breaker, CAUSE_NETWORK, "x", now, 0);
        }
    assert_in_range(attempts, 4, 10);
    /* Another trouble starts at the beginning of its own intervals. */
    breaker_open(&breaker, CAUSE_LOGIN, "x", NOW, 0);
    assert_int_equal(breaker.failures, 1);
}

static void account_state_survives_its_file_and_damage_starts_it_afresh(void **state)
{
    (void)state;
    struct account_state known = {.null_refused = true}, back;
    breaker_open(&known.breaker, CAUSE_LOGIN, "535 5.7.8 50% wrong", NOW, 3);
    for (int i = 0; i < ACCOUNT_STATE_BOUNCES_PER_HOUR; i++)
        assert_true(account_state_count_bounce(&known, NOW));
    assert_false(account_state_count_bounce(&known, NOW));
    struct str text = {0};
    account_state_encode(&known, &text);
    account_state_decode(&back, text.data, text.len);
    assert_memory_equal(&back, &known, sizeof back);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 4;
        account_state_decode(&back, text.data, text.len);
        assert_true(breaker_allows(&back.breaker, NOW));
        text.data[i] ^= 4;
    }
    assert_true(account_state_count_bounce(&known, NOW + 3600));
    str_clear(&text);
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
        cmocka_unit_test(breaker_intervals_double_up_to_their_longest),
        cmocka_unit_test(account_state_survives_its_file_and_damage_starts_it_afresh),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
