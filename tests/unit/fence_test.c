/* What a worker can still do: tried by a child inside the fence. */
#include "suite.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/confine.h"
#include "base/memory.h"
#include "delivery/fence.h"
#include "scratch.h"

enum { ALLOWED = 0, REFUSED = 1, OTHERWISE = 2, UNFENCED = 100 };

static struct paths paths;
static const struct caller caller = {.home = "", .credentials = ""};
static const struct password_sources sources = {.paths = &paths, .caller = &caller};

static int make_files(void **state)
{
    static const char *const files[] = {"spool/queue/x", "password", "other/password", "log/x"};
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

/* Opens FILE, or runs a program where that is NULL, inside the fence. */
static int inside(const struct account *account, const char *file, int flags)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct spool spool = {.path = memory_copy(scratch_path("spool"))};
        unsigned fences = fence_worker(account, &spool, &sources);
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
        {"/dev/null", O_RDWR, ALLOWED},
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

static void an_account_that_needs_programs_is_not_fenced(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"password_command", "pass show x"}, {"keyring", "pass"}, {"tls_key_file", "pkcs11:id=1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        struct account *account = new_account(false);
        assert_true(account_set(account, cases[i].key, cases[i].value, "", &err));
        assert_int_equal(inside(account, NULL, 0), ALLOWED); /* true(1) says so */
        account_free(account);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_touches_what_it_needs),
        cmocka_unit_test(an_account_that_needs_programs_is_not_fenced),
    };
    return cmocka_run_group_tests_name("fence", tests, make_files, scratch_teardown);
}
