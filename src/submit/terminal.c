#include "config.h"
#include "submit/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 };

static bool read_line(int fd, struct str *out, char interrupt, bool *interrupted)
{
    char c;
    while (out->len < ANSWER_MAX && read(fd, &c, 1) == 1) {
        if (c == '\n')
            return true;
        if (c == interrupt && interrupt != _POSIX_VDISABLE) {
            *interrupted = true;
            return false;
        }
        str_add_char(out, c);
    }
    return false;
}

static bool write_text(int fd, const char *text)
{
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* The signal would leave the terminal without echo: its key ends the line instead. */
static struct termios silent_of(const struct termios *normal)
{
    struct termios silent = *normal;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_cc[VEOL] = normal->c_cc[VINTR];
    return silent;
}

bool terminal_ask(void *context, const char *prompt, struct str *out)
{
    (void)context;
    struct termios normal;
    bool interrupted = false;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool ok = tcgetattr(fd, &normal) == 0;
    if (ok) {
        const struct termios silent = silent_of(&normal);
        ok = tcsetattr(fd, TCSAFLUSH, &silent) == 0 && write_text(fd, prompt) &&
             read_line(fd, out, (char)normal.c_cc[VINTR], &interrupted);
        (void)tcsetattr(fd, TCSAFLUSH, &normal); /* nothing better could be done about it */
        ok = write_text(fd, "\n") && ok;
    }
    (void)close(fd);
    if (interrupted)
        (void)raise(SIGINT);
    return ok;
}

bool terminal_ask_openly(const char *prompt, struct str *out)
{
    bool ignored = false;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool ok = write_text(fd, prompt) && (read_line(fd, out, (char)_POSIX_VDISABLE, &ignored) ||
                                         (write_text(fd, "\n") && false)); /* at its end */
    (void)close(fd);
    return ok;
}

void terminal_read_input(struct str *out, size_t limit)
{
    int c;
    while (out->len < limit && (c = getchar()) != EOF && c != '\n')
        str_add_char(out, (char)c);
}
