/* What the processes of the service share, and who may use what. */
#include "suite.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "config/listen.h"
#include "delivery/fence.h"
#include "config/permission.h"
#include "submit/rendezvous.h"
#include "service/quota.h"

static void an_hour_has_so_many_messages(void **state)
{
    (void)state;
    struct quota *quota = quota_new();
    struct quota_user *user = quota_of(quota, 1000, 5);
    assert_ptr_equal(quota_of(quota, 1000, 6), user);
    assert_ptr_not_equal(quota_of(quota, 1001, 6), user);
    for (int i = 0; i < 3; i++)
        assert_true(quota_take(user, 3));
    assert_false(quota_take(user, 3));
    assert_false(quota_take(quota_of(quota, 1000, 5 + QUOTA_HOUR - 1), 3));
    assert_true(quota_take(quota_of(quota, 1001, 7), 3));
    assert_true(quota_take(quota_of(quota, 1000, 5 + QUOTA_HOUR), 3));
    (void)munmap(quota, sizeof *quota);
}

static void an_hour_has_so_many_octets(void **state)
{
    (void)state;
    struct quota *quota = quota_new();
    struct quota_user *user = quota_of(quota, 1000, 5);
    assert_true(quota_take_octets(user, 60, 100));
    assert_false(quota_take_octets(user, 41, 100));
    assert_false(quota_take_octets(user, UINT64_MAX, 100));
    assert_true(quota_take_octets(user, 40, 100));
    assert_false(quota_take_octets(user, 1, 100));
    assert_true(quota_take_octets(quota_of(quota, 1001, 7), 100, 100));
    assert_true(quota_take_octets(quota_of(quota, 1000, 5 + QUOTA_HOUR), 100, 100));
    (void)munmap(quota, sizeof *quota);
}

static void a_place_is_given_on_when_nobody_is_connected(void **state)
{
    (void)state;
    struct quota *quota = quota_new();
    for (uid_t uid = 0; uid < QUOTA_USERS_MAX; uid++)
        quota_of(quota, uid, 10 + (int64_t)uid)->connections = uid == 7 ? 0 : 1;
    struct quota_user *user = quota_of(quota, 60000, 5000);
    assert_ptr_equal(user, &quota->user[7]);
    assert_int_equal(user->id, 60000);
    user->connections = 1;
    assert_null(quota_of(quota, 60001, 5000));
    assert_non_null(quota_of(quota, 3, 5000));
    (void)munmap(quota, sizeof *quota);
}

static void children_count_together(void **state)
{
    (void)state;
    struct quota *quota = quota_new();
    struct quota_user *user = quota_of(quota, 1, 0);
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            int taken = 0;
            for (int k = 0; k < 100; k++)
                taken += quota_take(user, 500);
            _exit(taken);
        }
    int taken = 0, status;
    while (wait(&status) > 0)
        taken += WEXITSTATUS(status);
    assert_int_equal(taken, 500);
    (void)munmap(quota, sizeof *quota);
}

static void some_connections_are_kept_back(void **state)
{
    (void)state;
    static const struct {
        uid_t uid;
        long connections, limit, share;
    } cases[] = {{0, 0, 200, 200},    {0, 150, 200, 200}, {1000, 0, 200, 190},
                 {1000, 1, 200, 170}, {1000, 0, 1, 1},    {1000, 1, 19, 18}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct quota_user user = {.id = cases[i].uid, .connections = cases[i].connections};
        assert_int_equal(quota_share(&user, cases[i].limit), cases[i].share);
    }
}

static const char one[ENTRYID_SIZE] = "000000000000001", two[ENTRYID_SIZE] = "000000000000002";

static void an_answer_reaches_who_waits(void **state)
{
    (void)state;
    struct rendezvous *rendezvous = rendezvous_new();
    struct rendezvous_answer answer = {0};
    bool lost;
    int directory = rendezvous_take(rendezvous, one);
    assert_false(rendezvous_is_awaited(rendezvous, two));
    if (fork() == 0) {
        const struct rendezvous_answer given = {.code = 67};
        if (rendezvous_is_awaited(rendezvous, one) && !rendezvous_is_awaited(rendezvous, one))
            rendezvous_report_result(rendezvous, one, &given);
        _exit(0);
    }
    assert_true(rendezvous_wait(rendezvous, directory, -1, &answer, &lost));
    assert_int_equal(answer.code, 67);
    assert_false(lost);
    (void)wait(NULL);
    assert_false(rendezvous_is_awaited(rendezvous, one)); /* the place is free again */
    assert_int_equal(rendezvous_take(rendezvous, two), directory);
    rendezvous_forget(rendezvous, getpid());
    assert_false(rendezvous_is_awaited(rendezvous, two));
}

static void who_hangs_up_is_told_nothing(void **state)
{
    (void)state;
    struct rendezvous *rendezvous = rendezvous_new();
    struct rendezvous_answer answer;
    bool lost;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    int directory = rendezvous_take(rendezvous, one);
    (void)close(ends[1]);
    assert_false(rendezvous_wait(rendezvous, directory, ends[0], &answer, &lost));
    assert_false(lost);
    assert_false(rendezvous_is_awaited(rendezvous, one)); /* so a refusal will make a bounce */
    (void)close(ends[0]);
}

static void places_are_limited(void **state)
{
    (void)state;
    struct rendezvous *rendezvous = rendezvous_new();
    for (int i = 0; i < RENDEZVOUS_PLACES; i++)
        assert_true(rendezvous_take(rendezvous, one) >= 0);
    assert_int_equal(rendezvous_take(rendezvous, one), -1);
}

static void addresses_to_listen_on(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        bool open;
    } cases[] = {
        {"127.0.0.1:25", 1, false},
        {"127.0.0.2:2525", 1, false},
        {"[::1]:25", 1, false},
        {"[::ffff:127.0.0.1]:25", 1, false},
        {"0.0.0.0:587", 1, true},
        {"192.0.2.1:25", 1, true},
        {"[::]:587", 1, true},
        {"[2001:db8::1]:65535", 1, true},
        {":587", 2, true},
        {"127.0.0.1", 0, false},
        {"127.0.0.1:", 0, false},
        {"127.0.0.1:25x", 0, false},
        {"127.0.0.1:65536", 0, false},
        {"127.0.0.1:0", 0, false},
        {"localhost:25", 0, false},
        {"127.evil.example:25", 0, false},
        {"::1:25", 0, false},
        {"[::1:25", 0, false},
        {"", 0, false},
        {":", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        union listen_address address[LISTEN_FAMILIES];
        struct error err;
        size_t n = listen_parse(cases[i].text, address);
        if (n != cases[i].n || listen_check_address(cases[i].text, &err) != (n > 0))
            fail_msg("%s", cases[i].text);
        for (size_t k = 0; k < n; k++)
            if (listen_is_local(&address[k]) == cases[i].open)
                fail_msg("%s", cases[i].text);
    }
}

static void networks_that_are_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        bool ok;
        const char *in, *out; /* "" for none */
    } cases[] = {
        {"192.168.1.0/24", true, "192.168.1.255", "192.168.2.0"},
        {"192.168.1.7", true, "192.168.1.7", "192.168.1.6"},
        {"10.0.0.0/8", true, "10.255.0.1", "11.0.0.0"},
        {"fd00::/8", true, "fd12::1", "fe80::1"},
        {"2001:db8::1", true, "2001:db8::1", "2001:db8::2"},
        {"fd00::/8", true, "fd00::", "192.168.1.1"},
        {"::ffff:192.168.1.0/120", true, "192.168.1.3", "192.168.2.3"},
        {"0.0.0.0/0", false, "", ""},
        {"::/0", false, "", ""},
        {"::/64", false, "", ""}, /* IPv4 is in it, as ::ffff:0:0/96 */
        {"::ffff:0:0/96", false, "", ""},
        {"::ffff:0.0.0.0/96", false, "", ""},
        {"192.168.1.1/24", false, "", ""},
        {"192.168.1.0/33", false, "", ""},
        {"192.168.1/24", false, "", ""},
        {"fd00::/129", false, "", ""},
        {"lan", false, "", ""},
        {"10.0.0.0/", false, "", ""},
        {"/8", false, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strlist list = {0};
        struct error err;
        union listen_address in[LISTEN_FAMILIES], out[LISTEN_FAMILIES];
        char text[64];
        if (listen_check_network(cases[i].network, &err) != cases[i].ok)
            fail_msg("%s", cases[i].network);
        if (!cases[i].ok)
            continue;
        strlist_add(&list, cases[i].network);
        (void)snprintf(text, sizeof text, strchr(cases[i].in, ':') ? "[%s]:1" : "%s:1",
                       cases[i].in);
        assert_int_equal(listen_parse(text, in), 1);
        (void)snprintf(text, sizeof text, strchr(cases[i].out, ':') ? "[%s]:1" : "%s:1",
                       cases[i].out);
        assert_int_equal(listen_parse(text, out), 1);
        const struct in6_addr is_in = listen_mapped(in), is_out = listen_mapped(out);
        if (!listen_allows(&list, &is_in) || listen_allows(&list, &is_out))
            fail_msg("%s", cases[i].network);
        strlist_clear(&list);
    }
}

static void accounts_may_be_for_some(void **state)
{
    (void)state;
    const struct passwd *entry = getpwnam("daemon");
    const struct group *group = entry ? getgrgid(entry->pw_gid) : NULL;
    assert_non_null(group); /* every system has it */
    struct account *account = account_new("work", SCOPE_SYSTEM);
    const struct caller daemon = {.uid = entry->pw_uid, .name = "daemon"};
    const struct caller root = {.uid = 0, .name = "root"};
    const struct caller nameless = {.uid = 61001, .name = "61001"};
    const struct caller unknown = {.uid = (uid_t)-1, .name = "nobody"};
    struct error err;
    assert_true(permission_check(account, &unknown, &err));
    strlist_add(&account->allow_users, "61001");
    assert_true(permission_check(account, &nameless, &err));
    assert_false(permission_check(account, &daemon, &err));
    assert_int_equal(err.code, EX_NOPERM);
    assert_true(permission_check(account, &root, &err));
    strlist_add(&account->allow_users, "nobody");
    assert_false(permission_check(account, &unknown, &err)); /* a name it gave itself */
    strlist_add(&account->allow_groups, group->gr_name);
    assert_true(permission_check(account, &daemon, &err));
    assert_false(permission_check(account, &unknown, &err));
    account_free(account);
}

/* Bits of what a confined process could do; 128: no fence is to be had here. */
static int try_all(const char *spool, const char *secret, const struct site *site)
{
    char inside[4096], ini[4096], list[4096], nested[4096];
    int could = 0;
    (void)snprintf(inside, sizeof inside, "%s/entry", spool);
    (void)snprintf(ini, sizeof ini, "%s/onehop/onehop.ini", site->paths->sysconfdir);
    (void)snprintf(list, sizeof list, "%s/a list", site->paths->sysconfdir);
    (void)snprintf(nested, sizeof nested, "%s/nested", site->paths->sysconfdir);
    if (fence_session(site, spool) != confine_available() || confine_available() != 3)
        return 128;
    could |= open(secret, O_RDONLY) >= 0 ? 1 : 0;
    could |= socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 2 : 0;
    could |= execl("/bin/true", "true", (char *)NULL) == 0 ? 4 : 0;
    could |= open(inside, O_WRONLY | O_CREAT, 0600) >= 0 ? 8 : 0;
    could |= open("/etc/passwd", O_RDONLY) >= 0 ? 16 : 0;
    could |= socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 32 : 0;
    could |= open(ini, O_RDONLY) >= 0 ? 1 : 0;
    could |= open(list, O_RDONLY) >= 0 && open(nested, O_RDONLY) >= 0 ? 64 : 0;
    return could;
}

/* FORMAT has one %s: DIRECTORY. */
static void write_file(const char *directory, const char *name, const char *format)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, format, directory);
    assert_int_equal(fclose(file), 0);
}

static void a_session_reads_no_secret(void **state)
{
    (void)state;
    char directory[] = "/tmp/onehop-fence-XXXXXX", secret[64], spool[64], format[80];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(secret, sizeof secret, "%s/password", directory);
    (void)snprintf(spool, sizeof spool, "%s/spool", directory);
    assert_int_equal(mkdir(spool, 0700), 0);
    int fd = open(secret, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(mkdir(strcat(strcpy(format, directory), "/onehop"), 0700), 0);
    fd = open(strcat(format, "/onehop.ini"), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    write_file(directory, "aliases", "all: \":include:%s/a list\", you\n");
    write_file(directory, "a list", "me, :Include: %s/nested , you\n");
    write_file(directory, "nested", "her\n:include:%s/missing\n");
    const struct paths paths = {
        .sysconfdir = directory, .pkgdatadir = "/nowhere", .statedir = spool, .rundir = directory};
    struct site site = {.paths = &paths};
    configuration_empty(&site.config);
    pid_t child = fork();
    if (child == 0)
        _exit(try_all(spool, secret, &site));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 128)
        assert_int_equal(WEXITSTATUS(status), 8 | 16 | 32 | 64);
    configuration_clear(&site.config);
    (void)snprintf(secret, sizeof secret, "rm -r %s", directory);
    assert_int_equal(system(secret), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_has_so_many_messages),
        cmocka_unit_test(an_hour_has_so_many_octets),
        cmocka_unit_test(a_place_is_given_on_when_nobody_is_connected),
        cmocka_unit_test(children_count_together),
        cmocka_unit_test(some_connections_are_kept_back),
        cmocka_unit_test(a_session_reads_no_secret),
        cmocka_unit_test(an_answer_reaches_who_waits),
        cmocka_unit_test(who_hangs_up_is_told_nothing),
        cmocka_unit_test(places_are_limited),
        cmocka_unit_test(addresses_to_listen_on),
        cmocka_unit_test(networks_that_are_allowed),
        cmocka_unit_test(accounts_may_be_for_some),
    };
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
