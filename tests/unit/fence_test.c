/* What a worker can still do: tried by a child inside the fence. */
#include "suite.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/confine.h"
#include "delivery/fence.h"
#include "delivery/password_helper.h"
#include "scratch.h"

enum { ALLOWED = 0, REFUSED = 1, OTHERWISE = 2, UNFENCED = 100 };

static struct paths paths;
static const struct site site = {.paths = &paths, .caller = {.home = "", .credentials = ""}};
static const struct password_sources sources = {.site = &site};

static int make_files(void **state)
{
    static const char *const files[] = {"spool/queue/x", "password", "other/password", "log/x",
                                        "trust"};
    int status = scratch_setup(state);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == 0; i++)
        (void)scratch_write(files[i], 0600, "x", 1);
    paths.sysconfdir = scratch;
    return status;
}

static int opened(const char *name, int flags)
{
    int fd = open(*name == '/' ? name : scratch_path(name), flags, 0600);
    return fd >= 0 ? ALLOWED : errno == EACCES || errno == EPERM ? REFUSED : OTHERWISE;
}

static int run_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return errno == EPERM || errno == EACCES ? REFUSED : OTHERWISE;
}

/* As much of it as the fence looks at. */
static struct spool open_spool(void)
{
    struct spool spool = {.dir = open(scratch_path("spool"), O_RDONLY | O_DIRECTORY)};
    assert_true(spool.dir >= 0);
    return spool;
}

/* Opens FILE, or runs a program where that is NULL, inside the fence. */
static int inside(const struct account *account, const char *file, int flags)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct spool spool = open_spool();
        unsigned fences = fence_delivery(&(const struct fence_delivery){
            .account = account, .site = &site, .spool = &spool, .reads_passwords = true});
        unsigned wanted = file ? CONFINE_FILES : CONFINE_CALLS;
        int result = file ? opened(file, flags) : run_program();
        _exit(fences & wanted ? result : UNFENCED);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct account *new_account(bool with_file)
{
    struct error err;
    struct account *account = account_new("work", SCOPE_SYSTEM);
    assert_true(!with_file ||
                account_set(account, "password_file", scratch_path("password"), "", &err));
    assert_true(account_set(account, "auth", "on", "", &err));
    assert_true(account_set(account, "host", "mail.example.com", "", &err));
    assert_true(account_set(account, "tls", "on", "", &err));
    assert_true(account_set(account, "tls_trust_file", scratch_path("trust"), "", &err));
    assert_true(account_set(account, "logfile", scratch_path("log/new"), "", &err));
    return account;
}

static void a_worker_touches_what_it_needs(void **state)
{
    (void)state;
    static const struct {
        const char *file; /* NULL: a program */
        int flags, want;
    } cases[] = {
        {"spool/queue/x", O_RDWR, ALLOWED},
        {"spool/queue/new", O_WRONLY | O_CREAT, ALLOWED},
        {"password", O_RDONLY, ALLOWED},
        {"password", O_WRONLY, REFUSED},
        {"log/new", O_WRONLY | O_CREAT, ALLOWED},
        {"/etc/hosts", O_RDONLY, ALLOWED},
        {"/usr/bin/env", O_RDONLY, ALLOWED},
        {"trust", O_RDONLY, ALLOWED},
        {"/dev/null", O_RDWR, REFUSED},
        {"other/password", O_RDONLY, REFUSED},
        {"other/new", O_WRONLY | O_CREAT, REFUSED},
        {"/etc/shadow", O_RDONLY, REFUSED},
        {NULL, 0, REFUSED},
    };
    struct account *account = new_account(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *what = cases[i].file ? cases[i].file : "a program";
        unsigned fence = cases[i].file ? CONFINE_FILES : CONFINE_CALLS;
        int got = inside(account, cases[i].file, cases[i].flags);
        if (got == UNFENCED && (confine_available() & fence))
            fail_msg("%s: no fence", what);
        if (got != UNFENCED && got != cases[i].want)
            fail_msg("%s: %d instead of %d", what, got, cases[i].want);
    }
    account_free(account);
}

static void an_account_that_needs_unknown_files_is_not_fenced(void **state)
{
    (void)state;
    struct error err;
    struct account *account = new_account(true);
    assert_null(fence_hindrance(account));
    assert_true(account_set(account, "tls_key_file", "pkcs11:id=1", "", &err));
    assert_non_null(fence_hindrance(account));
    assert_int_equal(inside(account, NULL, 0), ALLOWED); /* true(1) says so */
    account_free(account);
}

/* Asks the helper twice inside the fence; the exit status says what went wrong. */
static int ask_inside(const struct account *account, const char *want)
{
    const struct spool spool = open_spool();
    struct password_sources own = sources;
    struct password_helper helper;
    struct str password = {0};
    struct error err = {0};
    password_helper_start(&helper, account, &own);
    own.elsewhere = &helper;
    own.ask_elsewhere = password_helper_ask;
    own.deadline = CLOCK_NEVER;
    (void)fence_delivery(
        &(const struct fence_delivery){.account = account, .site = &site, .spool = &spool});
    for (int i = 0; i < 2; i++) {
        bool found = password_find(account, &own, &password, &err);
        if (found != (want != NULL) || (found && strcmp(str_text(&password), want) != 0))
            return 1;
        if (!found && (err.code != EX_TEMPFAIL || !strstr(err.text, "account work: ")))
            return 2;
    }
    if (opened("password", O_RDONLY) == ALLOWED && (confine_available() & CONFINE_FILES))
        return 3;
    str_clear(&password);
    password_helper_end(&helper);
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 4;
}

static void a_program_is_asked_from_inside_the_fence(void **state)
{
    (void)state;
    static const struct {
        const char *command, *password;
    } cases[] = {{"echo hunter2", "hunter2"}, {"exit 3", NULL}, {"kill -9 $PPID", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        struct account *account = new_account(false);
        int status = 0;
        assert_true(account_set(account, "password_command", cases[i].command, "", &err));
        assert_true(fence_needs_programs(account));
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(ask_inside(account, cases[i].password));
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
            fail_msg("%s: %d", cases[i].command, status);
        account_free(account);
    }
}

static void the_directory_of_the_log_is_not_given_away(void **state)
{
    (void)state;
    struct account *account = new_account(true);
    struct stat facts;
    (void)unlink(scratch_path("log/new"));
    int got = inside(account, "log/other", O_WRONLY | O_CREAT);
    if (got != UNFENCED)
        assert_int_equal(got, REFUSED);
    assert_int_equal(stat(scratch_path("log/new"), &facts), 0); /* the log itself is there */
    assert_int_equal(facts.st_mode & 07777, 0600);
    account_free(account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_touches_what_it_needs),
        cmocka_unit_test(an_account_that_needs_unknown_files_is_not_fenced),
        cmocka_unit_test(a_program_is_asked_from_inside_the_fence),
        cmocka_unit_test(the_directory_of_the_log_is_not_given_away),
    };
    return cmocka_run_group_tests_name("fence", tests, make_files, scratch_teardown);
}
