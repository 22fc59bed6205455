/* Each fence is tried by a child that is inside it: the exit status says what it could do. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "scratch.h"

static int first_free; /* descriptor before the fence */

enum { ALLOWED = 0, REFUSED = 1, OTHERWISE = 2 };

static int make_files(void **state)
{
    static const char *const files[] = {"read/file", "other/file", "write/a/file", "write/b/file",
                                        "below/file"};
    int status = scratch_setup(state);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == 0; i++)
        (void)scratch_write(files[i], 0600, "x", 1);
    return status;
}

static int result_of(bool ok)
{
    return ok ? ALLOWED : errno == EACCES || errno == EPERM || errno == EXDEV ? REFUSED : OTHERWISE;
}

static int read_allowed(void)
{
    return result_of(open(scratch_path("read/file"), O_RDONLY) >= 0);
}

static int write_what_is_to_be_read(void)
{
    return result_of(open(scratch_path("read/file"), O_WRONLY) >= 0);
}

static int read_elsewhere(void)
{
    return result_of(open(scratch_path("other/file"), O_RDONLY) >= 0);
}

static int make_file(void)
{
    return result_of(open(scratch_path("write/new"), O_WRONLY | O_CREAT, 0600) >= 0);
}

static int rename_across(void)
{
    int fd = open(scratch_path("write/a/moved"), O_WRONLY | O_CREAT, 0600);
    return fd < 0 ? OTHERWISE
                  : result_of(
                        rename(scratch_path("write/a/moved"), scratch_path("write/b/moved")) == 0);
}

static int make_file_elsewhere(void)
{
    return result_of(open(scratch_path("other/new"), O_WRONLY | O_CREAT, 0600) >= 0);
}

static int make_file_below(void)
{
    return result_of(open(scratch_path("below/new"), O_WRONLY | O_CREAT, 0600) >= 0);
}

static int leave_no_descriptor(void)
{
    return result_of(open(scratch_path("read/file"), O_RDONLY) == first_free);
}

static int make_ring(void)
{
    return result_of(syscall(SYS_io_uring_setup, 1, NULL) >= 0);
}

static int execute(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return result_of(false);
}

static int open_network(void)
{
    return result_of(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static int open_crypto(void)
{
    return result_of(socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0);
}

static int open_rtnetlink(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
}

static int open_unix(void)
{
    return result_of(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static int make_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return result_of(child >= 0);
}

static void *do_nothing(void *nothing)
{
    return nothing;
}

static int make_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, do_nothing, NULL);
    return result_of(errno == 0 && pthread_join(thread, NULL) == 0);
}

static int trace(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
}

/* What ACT came to in a child that is confined; ALLOWED too where the fence FENCE is not to be had.
 */
static int confined(int (*act)(void), bool execute_too, bool network, unsigned fence, bool *fenced)
{
    struct strlist read = {0}, write = {0};
    strlist_add(&read, scratch_path("read/"));
    strlist_add(&read, scratch_path("missing"));
    if (execute_too)
        strlist_add(&read, "/");
    strlist_add(&write, scratch_path("write/"));
    int below = open(scratch_path("below"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    first_free = dup(below);
    assert_true(below >= 0 && first_free >= 0);
    (void)close(first_free);
    const struct confinement confinement = {.read = &read,
                                            .write = &write,
                                            .write_below = below,
                                            .execute = execute_too,
                                            .network = network};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(confine_process(&confinement) & fence ? act() : 100 + act());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    strlist_clear(&read);
    strlist_clear(&write);
    (void)close(below);
    *fenced = WEXITSTATUS(status) < 100;
    return WEXITSTATUS(status) % 100;
}

static void what_is_not_needed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int (*act)(void);
        unsigned fence;
        bool execute, network;
        int want;
    } cases[] = {
        {"read what is to be read", read_allowed, CONFINE_FILES, false, false, ALLOWED},
        {"write what is to be read", write_what_is_to_be_read, CONFINE_FILES, false, false,
         REFUSED},
        {"read elsewhere", read_elsewhere, CONFINE_FILES, false, false, REFUSED},
        {"make a file", make_file, CONFINE_FILES, false, false, ALLOWED},
        {"rename across directories", rename_across, CONFINE_FILES, false, false, ALLOWED},
        {"make a file elsewhere", make_file_elsewhere, CONFINE_FILES, false, false, REFUSED},
        {"make a file below a descriptor", make_file_below, CONFINE_FILES, false, false, ALLOWED},
        {"leave no descriptor", leave_no_descriptor, CONFINE_FILES, false, false, ALLOWED},
        {"a ring of calls", make_ring, CONFINE_CALLS, true, true, REFUSED},
        {"run a program", execute, CONFINE_CALLS, false, false, REFUSED},
        {"run a program that may be", execute, CONFINE_CALLS, true, false, ALLOWED},
        {"make a process", make_process, CONFINE_CALLS, false, false, REFUSED},
        {"make a process that may be", make_process, CONFINE_CALLS, true, false, ALLOWED},
        {"make a thread", make_thread, CONFINE_CALLS, false, false, ALLOWED},
        {"the network", open_network, CONFINE_CALLS, false, false, REFUSED},
        {"the network that may be", open_network, CONFINE_CALLS, false, true, ALLOWED},
        {"a crypto socket", open_crypto, CONFINE_CALLS, false, true, REFUSED},
        {"rtnetlink", open_rtnetlink, CONFINE_CALLS, false, true, ALLOWED},
        {"a unix socket", open_unix, CONFINE_CALLS, false, false, ALLOWED},
        {"trace", trace, CONFINE_CALLS, true, true, REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool fenced;
        int got =
            confined(cases[i].act, cases[i].execute, cases[i].network, cases[i].fence, &fenced);
        if (!fenced && (confine_available() & cases[i].fence))
            fail_msg("%s: the fence does not stand", cases[i].name);
        if (fenced && got != cases[i].want)
            fail_msg("%s: %d instead of %d", cases[i].name, got, cases[i].want);
    }
}

static void nothing_is_dumped(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {1, 1};
        confine_memory();
        _exit(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0
                  ? ALLOWED
                  : OTHERWISE);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_needed_is_refused),
        cmocka_unit_test(nothing_is_dumped),
    };
    return cmocka_run_group_tests_name("confine", tests, make_files, scratch_teardown);
}
