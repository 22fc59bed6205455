#include "config.h"
#include "submit/terminal.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 };

static bool read_line(int fd, struct str *out)
{
    char c;
    while (out->len < ANSWER_MAX && read(fd, &c, 1) == 1) {
        if (c == '\n')
            return true;
        str_add_char(out, c);
    }
    return false;
}

bool terminal_ask(void *context, const char *prompt, struct str *out)
{
    (void)context;
    struct termios normal, silent;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool ok = tcgetattr(fd, &normal) == 0;
    if (ok) {
        silent = normal;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        ok = tcsetattr(fd, TCSAFLUSH, &silent) == 0 &&
             write(fd, prompt, strlen(prompt)) == (ssize_t)strlen(prompt) && read_line(fd, out);
        (void)tcsetattr(fd, TCSAFLUSH, &normal); /* nothing better could be done about it */
        ok = write(fd, "\n", 1) == 1 && ok;
    }
    (void)close(fd);
    return ok;
}
