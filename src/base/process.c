#include "config.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/closefrom.h"
#include "base/translation.h"

static bool failed(struct error *err, const char *format, const char *command, int number)
{
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, format, command, number);
}

static _Noreturn void become(const char *command, int out)
{
    (void)setpgid(0, 0); /* so that a deadline ends its children too */
    (void)signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    closefrom(3);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Reads until end of file. Returns 0, or the reason to end the child: ETIMEDOUT, EFBIG, errno. */
static int collect(int fd, int64_t deadline, size_t limit, struct str *out)
{
    size_t start = out->len;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, clock_poll_timeout(deadline));
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready == 0 && clock_poll_timeout(deadline) == 0)
            return ETIMEDOUT;
        if (ready <= 0)
            continue;
        str_reserve(out, 4096);
        ssize_t n = read(fd, out->data + out->len, 4096);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n == 0)
            return 0;
        if (n < 0)
            continue;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if (out->len - start > limit)
            return EFBIG;
    }
}

/* Waits for the child to exit, which it should do soon after closing its output. A blocking
 * waitpid() would have no deadline, so the group is killed when that has passed. */
static int reap(pid_t child, int64_t deadline, int *status)
{
    for (;;) {
        pid_t done = waitpid(child, status, deadline == CLOCK_NEVER ? 0 : WNOHANG);
        if (done == child)
            return 0;
        if (done < 0 && errno != EINTR)
            return errno;
        if (done == 0 && clock_poll_timeout(deadline) == 0) {
            (void)kill(-child, SIGKILL);
            (void)waitpid(child, status, 0);
            return ETIMEDOUT;
        }
        if (done == 0)
            (void)poll(NULL, 0, 2); /* SIGCHLD may be ignored or blocked: look again */
    }
}

bool process_output(const char *command, int64_t deadline, size_t limit, struct str *out,
                    struct error *err)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return error_system(err, EX_OSERR, "cannot make a pipe");
    (void)signal(SIGCHLD, SIG_DFL); /* a caller may have us ignore it: the status would be lost */
    pid_t child = fork();
    if (child == 0)
        become(command, pipes[1]);
    (void)close(pipes[1]);
    if (child < 0) {
        error_system(err, EX_OSERR, "cannot start '%s'", command);
        (void)close(pipes[0]);
        return false;
    }
    (void)setpgid(child, child); /* both sides do it: whoever comes first */
    int status = 0;
    size_t start = out->len;
    int reason = collect(pipes[0], deadline, limit, out);
    if (reason)
        (void)kill(-child, SIGKILL);
    int waited = reap(child, reason ? CLOCK_NEVER : deadline, &status);
    if (!reason)
        reason = waited;
    (void)close(pipes[0]);
    if (!reason && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (out->secret && out->data)
        explicit_bzero(out->data + start, out->len - start);
    str_truncate(out, start);
    if (reason == ETIMEDOUT)
        return failed(err, N_("'%s' took too long and was ended"), command, 0);
    if (reason == EFBIG)
        return failed(err, N_("'%s' printed more than a password can be"), command, 0);
    if (reason) {
        errno = reason;
        return error_system(err, EX_TEMPFAIL, "'%s'", command);
    }
    if (WIFSIGNALED(status))
        return failed(err, N_("'%s' was ended by signal %d"), command, WTERMSIG(status));
    return failed(err, N_("'%s' failed with exit status %d"), command, WEXITSTATUS(status));
}
