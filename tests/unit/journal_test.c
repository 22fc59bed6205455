#include "suite.h"

#include "base/str.h"
#include "queue/journal.h"
#include "spooldir.h"

static const char id[] = "0123456789abcde";

static void write_some(struct journal *journal)
{
    struct error full = spooldir_refusal(452, "4.2.2", "mailbox full", "452 4.2.2 full\n452 x");
    struct error gone = spooldir_refusal(550, "5.1.1", "no such user", "550 5.1.1 <x>: no");
    journal_begin(journal, id, 100);
    for (size_t i = 0; i < 100; i++)
        journal_settle(journal, i,
                       i < 42    ? JOURNAL_SENT
                       : i == 42 ? JOURNAL_FAILED
                                 : JOURNAL_WAITING,
                       i < 42    ? NULL
                       : i == 42 ? &gone
                                 : &full);
    journal_attempt(journal, 1763884800, 1763884860);
    journal_bounced(journal, 1);
    journal_settle(journal, 50, JOURNAL_FAILED, &gone);
    journal_warned(journal);
    journal_undecided(journal);
    journal_declined(journal, "account spare is not asked again: no");
    journal_note(journal, "two\nlines");
}

static void check(const struct journal *journal)
{
    assert_int_equal(journal_count(journal, JOURNAL_SENT), 42);
    assert_int_equal(journal_count(journal, JOURNAL_FAILED), 2);
    assert_int_equal(journal_unbounced(journal), 1);
    assert_int_equal(journal->rcpt[42].bounce, 1);
    assert_int_equal(journal->rcpt[42].why->reply_code, 550);
    assert_string_equal(journal->rcpt[42].why->status, "5.1.1");
    assert_string_equal(journal->rcpt[42].why->reply, "550 5.1.1 <x>: no");
    assert_string_equal(journal->rcpt[99].why->reply, "452 4.2.2 full\n452 x");
    assert_string_equal(journal->rcpt[99].why->text, "mailbox full");
    assert_int_equal(journal->rcpt[99].why->scope, ERROR_RECIPIENT);
    assert_int_equal(journal->attempts, 1);
    assert_int_equal(journal->next, 1763884860);
    assert_int_equal(journal->bounces, 1);
    assert_true(journal->warned);
    assert_true(journal->undecided);
    assert_string_equal(journal->declined, "account spare is not asked again: no");
    assert_string_equal(journal->note, "two\nlines");
}

static void facts_come_back_from_the_file_and_from_its_short_form(void **state)
{
    (void)state;
    struct journal journal = {0}, back = {0}, again = {0};
    struct str text = {0}, short_form = {0};
    write_some(&journal);
    assert_true(journal.must_sync);
    str_add(&text, str_text(journal_pending(&journal)));
    check(&journal);
    journal_written(&journal);
    assert_int_equal(journal_pending(&journal)->len, 0);
    assert_false(journal.must_sync);
    journal_begin(&back, id, 100);
    journal_decode(&back, text.data, text.len);
    assert_int_equal(back.damaged, 0);
    check(&back);
    journal_encode(&back, &short_form);
    journal_begin(&again, id, 100);
    journal_decode(&again, short_form.data, short_form.len);
    assert_int_equal(again.damaged, 0);
    check(&again);
    journal_clear(&journal);
    journal_clear(&back);
    journal_clear(&again);
    str_clear(&text);
    str_clear(&short_form);
}

static void equal_neighbours_share_a_line(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct error away = spooldir_refusal(0, "", "no route to host", "");
    journal_begin(&journal, id, 10000);
    for (size_t i = 0; i < 10000; i++)
        journal_settle(&journal, i, JOURNAL_WAITING, &away);
    assert_true(journal_pending(&journal)->len < 200);
    assert_false(journal.must_sync); /* to forget this costs an attempt, not mail */
    journal_written(&journal);
    for (size_t i = 0; i < 10000; i++) /* and the same again is no news */
        journal_settle(&journal, i, JOURNAL_WAITING, &away);
    assert_int_equal(journal_pending(&journal)->len, 0);
    journal_clear(&journal);
}

static void what_was_given_up_waits_again(void **state)
{
    (void)state;
    struct journal journal = {0}, back = {0};
    struct str text = {0};
    write_some(&journal);
    journal_again(&journal);
    str_add(&text, str_text(journal_pending(&journal)));
    journal_begin(&back, id, 100);
    journal_decode(&back, text.data, text.len);
    const struct journal *both[] = {&journal, &back};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(journal_count(both[i], JOURNAL_SENT), 42);
        assert_int_equal(both[i]->rcpt[42].status, JOURNAL_FAILED); /* a bounce has reported it */
        assert_int_equal(both[i]->rcpt[50].status, JOURNAL_WAITING);
        assert_int_equal(both[i]->attempts, 0);
        assert_null(both[i]->note);
        assert_int_equal(both[i]->damaged, 0);
    }
    journal_clear(&journal);
    journal_clear(&back);
    str_clear(&text);
}

static void what_is_settled_stays(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct error gone = spooldir_refusal(550, "", "x", "");
    journal_begin(&journal, id, 2);
    journal_settle(&journal, 0, JOURNAL_SENT, NULL);
    journal_settle(&journal, 0, JOURNAL_FAILED, &gone);
    journal_settle(&journal, 0, JOURNAL_WAITING, &gone);
    journal_settle(&journal, 1, JOURNAL_WAITING, NULL); /* untried: no news */
    assert_int_equal(journal.rcpt[0].status, JOURNAL_SENT);
    assert_null(journal.rcpt[1].why);
    journal_clear(&journal);
}

/* Cut anywhere, the whole lines before the cut count and nothing else does. */
static void a_torn_journal_still_works(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct str text = {0};
    write_some(&journal);
    str_add(&text, str_text(journal_pending(&journal)));
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct journal back = {0};
        char *piece = memory_copy_n(text.data, cut); /* exact, for the sanitizer */
        journal_begin(&back, id, 100);
        journal_decode(&back, piece, cut);
        bool whole = cut == 0 || text.data[cut - 1] == '\n';
        assert_int_equal(back.damaged, !whole);
        /* A new line behind the torn one is read. */
        struct str more = {0};
        str_add_n(&more, piece, cut);
        if (!whole)
            str_add(&more, "\n");
        str_add(&more, text.data);
        journal_clear(&back);
        journal_begin(&back, id, 100);
        journal_decode(&back, more.data, more.len);
        assert_int_equal(journal_count(&back, JOURNAL_SENT), 42);
        str_clear(&more);
        journal_clear(&back);
        free(piece);
    }
    journal_clear(&journal);
    str_clear(&text);
}

static void a_flipped_bit_costs_one_line(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct str text = {0};
    write_some(&journal);
    str_add(&text, str_text(journal_pending(&journal)));
    for (size_t i = 0; i < text.len; i++) {
        struct journal back = {0};
        text.data[i] ^= 16;
        journal_begin(&back, id, 100);
        journal_decode(&back, text.data, text.len);
        assert_in_range(back.damaged, 1, 2);
        assert_true(journal_count(&back, JOURNAL_SENT) == 42 ||
                    journal_count(&back, JOURNAL_SENT) == 0);
        text.data[i] ^= 16;
        journal_clear(&back);
    }
    journal_clear(&journal);
    str_clear(&text);
}

static void the_journal_of_another_entry_is_not_believed(void **state)
{
    (void)state;
    struct journal journal = {0}, other = {0};
    write_some(&journal);
    journal_begin(&other, "0123456789abcdf", 100);
    journal_decode(&other, journal_pending(&journal)->data, journal_pending(&journal)->len);
    assert_int_equal(journal_count(&other, JOURNAL_WAITING), 100);
    assert_true(other.damaged > 3);
    journal_clear(&journal);
    journal_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_come_back_from_the_file_and_from_its_short_form),
        cmocka_unit_test(equal_neighbours_share_a_line),
        cmocka_unit_test(what_was_given_up_waits_again),
        cmocka_unit_test(what_is_settled_stays),
        cmocka_unit_test(a_torn_journal_still_works),
        cmocka_unit_test(a_flipped_bit_costs_one_line),
        cmocka_unit_test(the_journal_of_another_entry_is_not_believed),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
