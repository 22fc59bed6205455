#include "config.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
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

/* What is still to be written to the child's standard input. */
struct feed {
    int fd; /* -1: there is nothing, or the child does not read */
    const char *data;
    size_t len;
};

static _Noreturn void become(const struct process *process, int in, int out)
{
    (void)setpgid(0, 0); /* so that a deadline ends its children too */
    (void)signal(SIGPIPE, SIG_DFL);
    if (in < 0)
        in = open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    closefrom(3);
    for (size_t i = 0; process->variables && i < process->variables->n; i++)
        if (putenv(process->variables->item[i]) != 0)
            _exit(126);
    if (process->command)
        execl("/bin/sh", "sh", "-c", process->command, (char *)NULL);
    else
        execl(process->program, process->program, (char *)NULL);
    _exit(127);
}

static void stop_feeding(struct feed *feed)
{
    if (feed->fd >= 0)
        (void)close(feed->fd); /* the child reads its end of file */
    feed->fd = -1;
}

static void give(struct feed *feed)
{
    ssize_t n = write(feed->fd, feed->data, feed->len);
    if (n > 0) {
        feed->data += n;
        feed->len -= (size_t)n;
    }
    if (feed->len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        stop_feeding(feed);
}

/* Reads until end of file. Returns 0, or the reason to end the child: ETIMEDOUT, EFBIG, errno. */
static int collect(int fd, struct feed *feed, const struct process *process, struct str *out)
{
    size_t start = out->len;
    for (;;) {
        struct pollfd wait[] = {{.fd = fd, .events = POLLIN}, {.fd = feed->fd, .events = POLLOUT}};
        int ready = poll(wait, 2, clock_poll_timeout(process->deadline));
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready == 0 && clock_poll_timeout(process->deadline) == 0)
            return ETIMEDOUT;
        if (ready > 0 && wait[1].revents)
            give(feed);
        if (ready <= 0 || !wait[0].revents)
            continue;
        str_reserve(out, 4096);
        ssize_t n = read(fd, out->data + out->len, 4096);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n == 0)
            return 0;
        if (n < 0)
            continue;
        out->len += process->limit > 0 ? (size_t)n : 0;
        out->data[out->len] = '\0';
        if (out->len - start > process->limit)
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

static void close_both(int pipes[2])
{
    for (int i = 0; i < 2; i++)
        if (pipes[i] >= 0)
            (void)close(pipes[i]); /* nothing is lost with it */
}

/* Starts the child. Afterwards OUT[0] and IN[1], unless that is -1, are this side's. */
static pid_t start(const struct process *process, int in[2], int out[2])
{
    pid_t child = fork();
    if (child == 0)
        become(process, in[0], out[1]);
    (void)close(out[1]);
    if (in[0] >= 0)
        (void)close(in[0]);
    out[1] = in[0] = -1;
    if (child > 0)
        (void)setpgid(child, child); /* both sides do it: the first one counts */
    return child;
}

static bool ended(const char *name, int reason, int status, struct error *err)
{
    if (reason == ETIMEDOUT)
        return failed(err, N_("'%s' took too long and was ended"), name, 0);
    if (reason == EFBIG)
        return failed(err, N_("'%s' printed more than a password can be"), name, 0);
    if (reason) {
        errno = reason;
        return error_system(err, EX_TEMPFAIL, "'%s'", name);
    }
    return failed(err, N_("'%s' was ended by signal %d"), name, WTERMSIG(status));
}

static void forget(struct str *out, size_t start)
{
    if (out->secret && out->data)
        explicit_bzero(out->data + start, out->len - start);
    str_truncate(out, start);
}

bool process_run(const struct process *process, struct str *out, int *status, struct error *err)
{
    const char *name = process->command ? process->command : process->program;
    int in[2] = {-1, -1}, pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return error_system(err, EX_OSERR, "cannot make a pipe");
    if (process->input && pipe2(in, O_CLOEXEC) != 0) {
        close_both(pipes);
        return error_system(err, EX_OSERR, "cannot make a pipe");
    }
    (void)signal(SIGCHLD, SIG_DFL); /* a caller may have us ignore it: the status would be lost */
    pid_t child = start(process, in, pipes);
    if (child < 0) {
        error_system(err, EX_OSERR, "cannot start '%s'", name);
        close_both(in);
        close_both(pipes);
        return false;
    }
    struct feed feed = {.fd = in[1]};
    if (process->input) {
        feed.data = str_text(process->input);
        feed.len = process->input->len;
        (void)fcntl(feed.fd, F_SETFL, O_NONBLOCK);
    }
    size_t before = out->len;
    int reason = collect(pipes[0], &feed, process, out);
    if (reason)
        (void)kill(-child, SIGKILL);
    stop_feeding(&feed);
    int raw = 0, waited = reap(child, reason ? CLOCK_NEVER : process->deadline, &raw);
    (void)close(pipes[0]);
    if (!reason && !waited && WIFEXITED(raw)) {
        *status = WEXITSTATUS(raw);
        return true;
    }
    forget(out, before);
    return ended(name, reason ? reason : waited, raw, err);
}

bool process_output(const char *command, int64_t deadline, size_t limit, struct str *out,
                    struct error *err)
{
    const struct process process = {.command = command, .deadline = deadline, .limit = limit};
    size_t before = out->len;
    int status = 0;
    if (!process_run(&process, out, &status, err))
        return false;
    if (status == 0)
        return true;
    forget(out, before);
    return failed(err, N_("'%s' failed with exit status %d"), command, status);
}

#ifdef __linux__
void process_follow(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* known to every kernel */
    if (getppid() != parent)
        _exit(EX_TEMPFAIL);
}
#else
void process_follow(pid_t parent)
{
    (void)parent;
}
#endif
