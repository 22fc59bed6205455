#include "config.h"
#include "delivery/password_helper.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/closefrom.h"

struct question {
    int64_t deadline; /* of the monotonic clock */
    size_t len;       /* octets of the refused token that follow; 0: none was */
};

/* In front of the password, if it was found. Both processes are the same program. */
struct answer {
    bool found;
    size_t len;       /* octets of the password that follow */
    struct error err; /* if it was not found */
};

/* Makes LEN octets from the other process the text of OUT, which is empty if they do not come. */
static bool read_text(int fd, size_t len, struct str *out)
{
    str_reserve(out, len + 1);
    bool ok = channel_read(fd, out->data, len);
    out->len = ok ? len : 0;
    out->data[out->len] = '\0';
    return ok;
}

static _Noreturn void serve(int fd, const struct account *account, struct password_sources sources)
{
    enum { OWN = STDERR_FILENO + 1 };
    if (fd != OWN && dup2(fd, OWN) < 0)
        _exit(EX_OSERR);
    closefrom(OWN + 1); /* locks, and the pipe whose end says that the worker has ended */
    bool ok = true;
    struct question question;
    while (ok && channel_read(OWN, &question, sizeof question) && question.len <= PASSWORD_MAX) {
        struct str refused = {.secret = true};
        struct str password = {.secret = true};
        struct answer answer = {0};
        if (!read_text(OWN, question.len, &refused))
            break;
        sources.deadline = question.deadline;
        sources.refused = question.len > 0 ? refused.data : NULL;
        answer.found = password_find(account, &sources, &password, &answer.err);
        answer.len = answer.found ? password.len : 0;
        ok = channel_write(OWN, &answer, sizeof answer) &&
             channel_write(OWN, str_text(&password), answer.len);
        str_clear(&password);
        str_clear(&refused);
    }
    _exit(EX_OK);
}

void password_helper_start(struct password_helper *helper, const struct account *account,
                           const struct password_sources *sources)
{
    *helper = (struct password_helper){.account = account};
    helper->pid = channel_fork(&helper->fd);
    if (helper->pid == 0)
        serve(helper->fd, account, *sources);
}

bool password_helper_ask(struct password_helper *helper, const struct password_sources *sources,
                         struct str *out, struct error *err)
{
    struct answer answer = {0};
    const char *refused = sources->refused ? sources->refused : "";
    const struct question question = {.deadline = sources->deadline, .len = strlen(refused)};
    bool answered = helper->fd >= 0 && channel_write(helper->fd, &question, sizeof question) &&
                    channel_write(helper->fd, refused, question.len) &&
                    channel_read(helper->fd, &answer, sizeof answer) && answer.len <= PASSWORD_MAX;
    if (answered && !answer.found) {
        *err = answer.err;
        return false;
    }
    return (answered && read_text(helper->fd, answer.len, out)) ||
           error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                     "account %s: the process that asks for the password has ended",
                     helper->account->name);
}

void password_helper_end(struct password_helper *helper)
{
    (void)channel_end(helper->fd, helper->pid); /* it has said what there was to say */
    helper->fd = -1;
    helper->pid = -1;
}
