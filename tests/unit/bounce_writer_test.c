#include "suite.h"

#include <dirent.h>

#include "queue/account_state.h"
#include "delivery/bounce_writer.h"
#include "mailworld.h"

#define TEXT "Subject: x\r\n\r\nthe text\r\n"

/* Who is sent the bounce. The account's address is me@example.org. */
static const struct row {
    const char *name, *sender, *from, *aliases, *bounce_to, *admin, *to;
    bool has_uid;
} rows[] = {
    {.name = "the sender", .sender = "you@example.net", .to = "you@example.net"},
    {.name = "the sender, whatever From says",
     .sender = "you@example.net",
     .from = "root@me",
     .aliases = "root: ops@example.com\n",
     .to = "you@example.net"},
    {.name = "a local name's alias",
     .sender = "root",
     .aliases = "root: ops@example.com\n",
     .to = "ops@example.com"},
    {.name = "a name at this host, too",
     .sender = "root@LOCALHOST",
     .aliases = "root: ops@example.com\n",
     .bounce_to = "post@example.com",
     .to = "ops@example.com"},
    {.name = "bounce_to where there is no alias",
     .sender = "cron@me",
     .aliases = "root: ops@example.com\n",
     .bounce_to = "post@example.com",
     .admin = "admin@example.com",
     .to = "post@example.com"},
    {.name = "else admin",
     .sender = "cron@me",
     .admin = "admin@example.com",
     .to = "admin@example.com"},
    {.name = "else the account", .sender = "cron@me", .to = "me@example.org"},
    {.name = "an alias of several is for mail, not for bounces",
     .sender = "root",
     .aliases = "root: a@example.com, b@example.com\n",
     .bounce_to = "post@example.com",
     .to = "post@example.com"},
    {.name = "nor is one that stays here",
     .sender = "root",
     .aliases = "root: someone\n",
     .bounce_to = "post@example.com",
     .to = "post@example.com"},
    {.name = "the local name that the account's address replaced",
     .sender = "me@example.org",
     .from = "root@me",
     .aliases = "root: ops@example.com\n",
     .to = "ops@example.com"},
    {.name = "no local name was replaced",
     .sender = "me@example.org",
     .from = "me@example.org",
     .bounce_to = "post@example.com",
     .to = "me@example.org"},
    {.name = "the submitting user, where From is not known",
     .sender = "me@example.org",
     .has_uid = true,
     .aliases = "root: ops@example.com\n",
     .to = "ops@example.com"},
};

/* Accepts a message for N recipients. */
static void submit(struct mailworld *world, const struct row *row, int n, struct entry_lock *lock)
{
    struct entry entry;
    struct entry_writer writer;
    struct error *err = &world->dir->err;
    spooldir_fill(&entry, n);
    envelope_set_sender(&entry.envelope, row->sender);
    free(entry.from);
    entry.from = memory_copy(row->from ? row->from : "");
    entry.has_uid = row->has_uid; /* 0: root */
    assert_true(entry_writer_begin(&writer, &world->dir->spool, &entry, err));
    assert_true(output_write(&writer.output, TEXT, strlen(TEXT), err));
    assert_true(entry_writer_commit(&writer, lock, err));
    entry_clear(&entry);
}

static void fail_recipient(struct entry_lock *lock, size_t i)
{
    const struct error no = spooldir_refusal(550, "5.1.1", "refused", "550 5.1.1 no");
    journal_settle(&lock->journal, i, JOURNAL_FAILED, &no);
}

static enum bounce_writer_result report_failures(struct mailworld *world, struct entry_lock *lock)
{
    const struct settlement settlement = {
        .delivery = &world->delivery, .account = world->account[0], .provider = "mx"};
    return bounce_writer_report(&settlement, lock, &world->dir->err);
}

static bool read_bounce(struct mailworld *world, const struct entry_lock *lock, unsigned number,
                        struct str *text)
{
    char id[ENTRYID_SIZE];
    assert_true(entryid_derive(id, lock->entry.id, number));
    return mailworld_read(world, "queue", id, text);
}

static size_t count_files(const struct mailworld *world, const char *directory)
{
    size_t n = 0;
    DIR *dir = opendir(spooldir_path(world->dir, directory, "."));
    assert_non_null(dir);
    for (struct dirent *one; (one = readdir(dir)) != NULL;)
        n += *one->d_name != '.';
    closedir(dir);
    return n;
}

static void check_recipient(struct mailworld *world, const struct row *row)
{
    struct entry_lock lock = {0};
    struct str text = {0}, line = {0};
    if (row->aliases)
        spooldir_put(world->dir, ".", "aliases", row->aliases, strlen(row->aliases));
    if (row->admin)
        mailworld_set(world, "admin", row->admin);
    world->paths.sysconfdir = world->dir->path;
    world->delivery.bounce_to = row->bounce_to ? row->bounce_to : "";
    submit(world, row, 1, &lock);
    fail_recipient(&lock, 0);
    assert_int_equal(report_failures(world, &lock), BOUNCE_WRITER_REPORTED);
    assert_true(read_bounce(world, &lock, 1, &text));
    assert_non_null(strstr(text.data, "\nsender -\n"));
    str_addf(&line, "\nbounce %s\nrcpt %s\ncontent\n", lock.entry.id, row->to);
    if (!strstr(text.data, line.data))
        fail_msg("missing: %s\nin: %s", line.data, text.data);
    entry_lock_release(&lock);
    str_clear(&text);
    str_clear(&line);
}

static void a_bounce_goes_to_somebody_with_a_mailbox(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mailworld world;
        print_message("# %s\n", rows[i].name);
        mailworld_begin(&world);
        check_recipient(&world, &rows[i]);
        mailworld_end(&world);
    }
}

static const struct row plain = {.sender = "you@example.net"};

static void each_bounce_reports_what_failed_since_the_last_one(void **state)
{
    (void)state;
    struct mailworld world;
    struct entry_lock lock = {0};
    struct str first = {0}, second = {0};
    mailworld_begin(&world);
    submit(&world, &plain, 3, &lock);
    fail_recipient(&lock, 0);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_REPORTED);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_NOT_WANTED);
    fail_recipient(&lock, 2);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_REPORTED);
    assert_true(read_bounce(&world, &lock, 1, &first) && read_bounce(&world, &lock, 2, &second));
    assert_non_null(strstr(first.data, "rfc822; r0@example.com"));
    assert_null(strstr(first.data, "rfc822; r2@example.com"));
    assert_null(strstr(second.data, "rfc822; r0@example.com"));
    assert_non_null(strstr(second.data, "rfc822; r2@example.com"));
    entry_lock_release(&lock);
    str_clear(&first);
    str_clear(&second);
    mailworld_end(&world);
}

/* The process ends between the bounce and the line of the journal that says so. */
static void a_crash_makes_no_second_bounce(void **state)
{
    (void)state;
    struct mailworld world;
    struct entry_lock lock = {0};
    char id[ENTRYID_SIZE];
    mailworld_begin(&world);
    submit(&world, &plain, 1, &lock);
    memcpy(id, lock.entry.id, sizeof id);
    fail_recipient(&lock, 0);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_REPORTED);
    entry_lock_release(&lock);
    assert_int_equal(unlink(spooldir_path(world.dir, "journal", id)), 0);
    assert_int_equal(spooldir_take(world.dir, id, &lock), SPOOL_FOUND);
    assert_int_equal(lock.journal.bounces, 0);
    fail_recipient(&lock, 0);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_REPORTED);
    assert_int_equal(lock.journal.bounces, 1);
    assert_int_equal(count_files(&world, "queue"), 2); /* the entry and one bounce */
    entry_lock_release(&lock);
    mailworld_end(&world);
}

static void a_full_disk_leaves_no_half_a_bounce(void **state)
{
    (void)state;
    struct mailworld world;
    struct entry_lock lock = {0};
    mailworld_begin(&world);
    submit(&world, &plain, 1, &lock);
    fail_recipient(&lock, 0);
    (void)setenv("ONEHOP_TEST_DISK", "full:1:/dev/null", 1);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_FAILED);
    (void)unsetenv("ONEHOP_TEST_DISK");
    assert_int_equal(count_files(&world, "queue"), 1);
    assert_int_equal(count_files(&world, "tmp"), 0);
    assert_int_equal(journal_unbounced(&lock.journal), 1);
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_REPORTED);
    entry_lock_release(&lock);
    mailworld_end(&world);
}

/* Whether the sender of "me@example.org" hears of a recipient that has waited for AGE hours. */
static const struct delay {
    const char *name, *header;
    int64_t age;
    unsigned notify;
    bool null_sender, is_bounce, account_waits, account_fails, off, before;
    bool sent;
} delays[] = {
    {.name = "after four hours", .age = 4, .sent = true},
    {.name = "not before", .age = 3},
    {.name = "once", .age = 5, .before = true},
    {.name = "switched off", .age = 4, .off = true},
    {.name = "to nobody", .age = 4, .null_sender = true},
    {.name = "not about a bounce", .age = 4, .is_bounce = true},
    {.name = "the account held it", .age = 4, .account_waits = true},
    {.name = "the account fails now", .age = 4, .account_fails = true},
    {.name = "asked for", .age = 4, .notify = DSN_DELAY | DSN_FAILURE, .sent = true},
    {.name = "not asked for", .age = 4, .notify = DSN_FAILURE | DSN_SUCCESS},
    {.name = "silence asked for", .age = 4, .notify = DSN_NEVER},
    {.name = "to many", .age = 4, .header = "precedence:bulk\r\n"},
    {.name = "to a list", .age = 4, .header = "Precedence: List (of many)\r\n"},
    {.name = "to be dropped", .age = 4, .header = "Precedence:\r\n junk\r\n"},
    {.name = "first class", .age = 4, .header = "Precedence: first-class\r\n", .sent = true},
    {.name = "of a program", .age = 4, .header = "Auto-Submitted: auto-generated\r\n"},
    {.name = "a reply of one", .age = 4, .header = "Auto-Submitted: auto-replied; x=y\r\n"},
    {.name = "of a person", .age = 4, .header = "Auto-Submitted: NO; x=y\r\n", .sent = true},
};

static void play_delay(struct mailworld *world, const struct delay *row)
{
    struct entry entry;
    struct entry_writer writer;
    struct entry_lock lock = {0};
    struct error *err = &world->dir->err, later = spooldir_refusal(450, "4.2.0", "later", "450 x");
    struct str text = {0};
    spooldir_fill(&entry, 1);
    entry.envelope.rcpt[0].notify = row->notify;
    if (row->null_sender)
        envelope_set_sender(&entry.envelope, "");
    str_addf(&text, "%sSubject: x\r\n\r\nPrecedence: bulk\r\n", row->header ? row->header : "");
    assert_true(entry_writer_begin(&writer, &world->dir->spool, &entry, err));
    assert_true(output_write(&writer.output, text.data, text.len, err));
    assert_true(entry_writer_commit(&writer, &lock, err));
    str_clear(&text);
    entry_clear(&entry);
    if (row->is_bounce)
        memcpy(lock.entry.bounce_of, lock.entry.id, ENTRYID_SIZE);
    later.scope = row->account_waits ? ERROR_ACCOUNT : ERROR_RECIPIENT;
    journal_settle(&lock.journal, 0, JOURNAL_WAITING, &later);
    if (row->before)
        journal_warned(&lock.journal);
    mailworld_later(lock.entry.id, row->age * 3600);
    world->delivery.delay_warning = row->off ? 0 : 4 * 3600;
    const struct settlement settlement = {.delivery = &world->delivery,
                                          .account = world->account[0],
                                          .account_fails = row->account_fails,
                                          .provider = "mx"};
    assert_true(bounce_writer_warn(&settlement, &lock, err));
    assert_int_equal(read_bounce(world, &lock, ENTRYID_DELAY, &text), row->sent);
    assert_int_equal(lock.journal.warned, row->sent || row->before);
    assert_true(!row->sent || strstr(text.data, "\nrcpt me@example.org\ncontent\n"));
    str_clear(&text);
    entry_lock_release(&lock);
}

static void a_delay_is_reported_to_who_wants_to_know(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        struct mailworld world;
        print_message("# %s\n", delays[i].name);
        mailworld_begin(&world);
        play_delay(&world, &delays[i]);
        mailworld_end(&world);
    }
}

static bool has_notice(struct mailworld *world, const struct entry_lock *lock)
{
    struct str text = {0};
    bool found = read_bounce(world, lock, ENTRYID_DERIVED_MAX, &text);
    str_clear(&text);
    return found;
}

static enum bounce_writer_result report_one(struct mailworld *world, bool *notice)
{
    struct entry_lock lock = {0};
    submit(world, &plain, 1, &lock);
    fail_recipient(&lock, 0);
    enum bounce_writer_result result = report_failures(world, &lock);
    *notice = has_notice(world, &lock);
    entry_lock_release(&lock);
    return result;
}

/* A message whose delay is to be reported now. */
static void warn_of_one(struct mailworld *world)
{
    struct entry_lock lock = {0};
    struct error later = spooldir_refusal(450, "4.2.0", "later", "450 x");
    submit(world, &plain, 1, &lock);
    later.scope = ERROR_RECIPIENT;
    journal_settle(&lock.journal, 0, JOURNAL_WAITING, &later);
    world->delivery.delay_warning = 1;
    const struct settlement settlement = {
        .delivery = &world->delivery, .account = world->account[0], .provider = "mx"};
    assert_true(bounce_writer_warn(&settlement, &lock, &world->dir->err));
    assert_false(lock.journal.warned);
    entry_lock_release(&lock);
}

/* Beyond the hour's number there is one notice to admin, which a warning does not use up. */
static void bounces_of_an_hour_are_limited(void **state)
{
    (void)state;
    struct mailworld world;
    bool notice;
    mailworld_begin(&world);
    mailworld_now = INT64_C(1000000) * 3600;
    for (int i = 0; i < ACCOUNT_STATE_BOUNCES_PER_HOUR; i++) {
        assert_int_equal(report_one(&world, &notice), BOUNCE_WRITER_REPORTED);
        assert_false(notice);
    }
    warn_of_one(&world);
    assert_int_equal(report_one(&world, &notice), BOUNCE_WRITER_NOT_NOW);
    assert_true(notice);
    assert_int_equal(report_one(&world, &notice), BOUNCE_WRITER_NOT_NOW);
    assert_false(notice);
    mailworld_now += 3600;
    assert_int_equal(report_one(&world, &notice), BOUNCE_WRITER_REPORTED);
    mailworld_end(&world);
}

static void the_whole_message_is_returned_only_when_asked_for(void **state)
{
    (void)state;
    struct mailworld world;
    mailworld_begin(&world);
    for (int full = 0; full < 2; full++) {
        struct entry_lock lock = {0};
        struct str text = {0};
        submit(&world, &plain, 1, &lock);
        lock.entry.envelope.dsn_return = full ? DSN_RETURN_FULL : DSN_RETURN_HEADERS;
        fail_recipient(&lock, 0);
        assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_REPORTED);
        assert_true(read_bounce(&world, &lock, 1, &text));
        assert_int_equal(strstr(text.data, "the text") != NULL, full);
        entry_lock_release(&lock);
        str_clear(&text);
    }
    mailworld_end(&world);
}

static void what_cannot_be_reported_says_so(void **state)
{
    (void)state;
    struct mailworld world;
    struct entry_lock lock = {0};
    mailworld_begin(&world);
    submit(&world, &plain, 1, &lock);
    fail_recipient(&lock, 0);
    const struct settlement nobody = {.delivery = &world.delivery, .provider = ""};
    assert_int_equal(bounce_writer_report(&nobody, &lock, &world.dir->err),
                     BOUNCE_WRITER_IMPOSSIBLE);
    mailworld_set(&world, "from", "*@example.org"); /* an account without an address */
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_IMPOSSIBLE);
    lock.entry.envelope.rcpt[0].notify = DSN_NEVER;
    assert_int_equal(report_failures(&world, &lock), BOUNCE_WRITER_NOT_WANTED);
    entry_lock_release(&lock);
    mailworld_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bounce_goes_to_somebody_with_a_mailbox),
        cmocka_unit_test(each_bounce_reports_what_failed_since_the_last_one),
        cmocka_unit_test(a_crash_makes_no_second_bounce),
        cmocka_unit_test(a_full_disk_leaves_no_half_a_bounce),
        cmocka_unit_test(a_delay_is_reported_to_who_wants_to_know),
        cmocka_unit_test(bounces_of_an_hour_are_limited),
        cmocka_unit_test(the_whole_message_is_returned_only_when_asked_for),
        cmocka_unit_test(what_cannot_be_reported_says_so),
    };
    return cmocka_run_group_tests_name("bounce_writer", tests, NULL, NULL);
}
