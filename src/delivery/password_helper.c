#include "config.h"
#include "delivery/password_helper.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/closefrom.h"

/* In front of the password, if it was found. Both processes are the same program. */
struct answer {
    bool found;
    size_t len;       /* octets of the password that follow */
    struct error err; /* if it was not found */
};

static bool read_all(int fd, void *data, size_t len)
{
    for (char *at = data; len > 0;) {
        ssize_t n = read(fd, at, len);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool send_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static _Noreturn void serve(int fd, const struct account *account, struct password_sources sources)
{
    enum { OWN = STDERR_FILENO + 1 };
    if (fd != OWN && dup2(fd, OWN) < 0)
        _exit(EX_OSERR);
    closefrom(OWN + 1); /* locks, and the pipe whose end tells that the worker has ended */
    bool ok = true;
    while (ok && read_all(OWN, &sources.deadline, sizeof sources.deadline)) {
        struct str password = {.secret = true};
        struct answer answer = {0};
        answer.found = password_find(account, &sources, &password, &answer.err);
        answer.len = answer.found ? password.len : 0;
        ok =
            send_all(OWN, &answer, sizeof answer) && send_all(OWN, str_text(&password), answer.len);
        str_clear(&password);
    }
    _exit(EX_OK);
}

void password_helper_start(struct password_helper *helper, const struct account *account,
                           const struct password_sources *sources)
{
    int ends[2];
    *helper = (struct password_helper){.account = account, .fd = -1, .pid = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    helper->pid = fork();
    if (helper->pid == 0)
        serve(ends[1], account, *sources);
    (void)close(ends[1]);
    helper->fd = ends[0];
    if (helper->pid < 0)
        password_helper_end(helper);
}

bool password_helper_ask(struct password_helper *helper, int64_t deadline, struct str *out,
                         struct error *err)
{
    struct answer answer = {0};
    bool answered = helper->fd >= 0 && send_all(helper->fd, &deadline, sizeof deadline) &&
                    read_all(helper->fd, &answer, sizeof answer) && answer.len <= PASSWORD_MAX;
    if (answered && !answer.found) {
        *err = answer.err;
        return false;
    }
    if (answered) {
        str_reserve(out, answer.len + 1);
        answered = read_all(helper->fd, out->data, answer.len);
        out->len = answered ? answer.len : 0;
        out->data[out->len] = '\0';
    }
    return answered || error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                                 "account %s: the process that asks for the password has ended",
                                 helper->account->name);
}

void password_helper_end(struct password_helper *helper)
{
    if (helper->fd >= 0)
        (void)close(helper->fd);
    while (helper->pid > 0 && waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    helper->fd = -1;
    helper->pid = -1;
}
