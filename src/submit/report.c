#include "config.h"
#include "submit/report.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/translation.h"
#include "submit/logfile.h"

enum { WORKER_SILENCE = 10 * 1000, WORKER_TOTAL = 600 * 1000 }; /* milliseconds */

/* In one write(2). What cannot be written has no reader left. */
static void print_line(FILE *out, const char *program, const char *format, va_list args)
{
    struct str text = {0};
    str_addf(&text, "%s: ", program);
    str_addv(&text, translation_of(format), args);
    str_truncate(&text, escape_text(text.data, text.len));
    str_add_char(&text, '\n');
    if (out == stderr)
        (void)fflush(stdout); /* keeps the order where both go to one place */
    (void)fwrite(text.data, 1, text.len, out);
    (void)fflush(out);
    str_clear(&text);
}

void report_line_to(FILE *out, const char *program, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(out, program, format, args);
    va_end(args);
}

void report_line(const char *program, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(stderr, program, format, args);
    va_end(args);
}

void report_error_to(FILE *out, const char *program, const struct error *err)
{
    report_line_to(out, program, "%s", error_shown(err));
    for (const char *line = err->reply; *line;) {
        size_t len = strcspn(line, "\n");
        report_line_to(out, program, "server message: %.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

void report_error(const char *program, const struct error *err)
{
    report_error_to(stderr, program, err);
}

void report_refusals(const char *program, const struct envelope *env,
                     const struct outcome *outcomes)
{
    size_t reported = 0, more = 0;
    for (size_t i = 0; i < env->n; i++) {
        if (outcomes[i].result != OUTCOME_REFUSED)
            continue;
        if (reported++ >= REPORT_RECIPIENTS_MAX) {
            more++;
            continue;
        }
        report_error(program, outcomes[i].error);
    }
    if (more)
        report_line(program,
                    PLURAL("and %zu more recipient was refused",
                           "and %zu more recipients were refused", more),
                    more);
}

void report_log(const char *program, const struct logline *facts)
{
    struct str line = {0};
    struct error err;
    logline_format(facts, &line);
    if (!logfile_write(program, facts->account, str_text(&line), facts->code == 0, &err)) {
        report_line(program, "%s", error_shown(&err));
        report_line(program, "log info was: %s", str_text(&line));
    }
    str_clear(&line);
}

void report_drain_input(void)
{
    char buffer[8192];
    int64_t end = clock_after(WORKER_TOTAL);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (isatty(STDIN_FILENO))
        return;
    while (clock_now() < end) {
        int ready = poll(&input, 1, WORKER_SILENCE);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || read(STDIN_FILENO, buffer, sizeof buffer) <= 0)
            return;
    }
}
