#include "config.h"
#include "submit/report.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/translation.h"
#include "delivery/jsonlog.h"
#include "delivery/postfixlog.h"
#include "submit/logfile.h"
#include "submit/systemlog.h"

enum { DRAIN_SILENCE = 10 * 1000, DRAIN_TOTAL = 600 * 1000 }; /* milliseconds */

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
    size_t refused = 0;
    for (size_t i = 0; i < env->n; i++)
        if (outcomes[i].result == OUTCOME_REFUSED && refused++ < REPORT_RECIPIENTS_MAX)
            report_error(program, outcomes[i].error);
    size_t more = refused > REPORT_RECIPIENTS_MAX ? refused - REPORT_RECIPIENTS_MAX : 0;
    if (more)
        report_line(program,
                    PLURAL("and %zu more recipient was refused",
                           "and %zu more recipients were refused", more),
                    more);
}

/* One line for all recipients. */
static void write_msmtp(const struct logline *facts, const struct log_sink *sink)
{
    struct str text = {0};
    const struct logresult result = logresult_of_all(facts);
    logline_format(facts, &text);
    const struct log_record record = {.facts = facts,
                                      .result = &result,
                                      .n = facts->envelope ? facts->envelope->n : 0,
                                      .program = "",
                                      .text = str_text(&text)};
    sink->put(sink->context, &record);
    str_clear(&text);
}

struct report_log {
    const char *program;
    struct str lines; /* of the file */
    struct str texts; /* the same without what the file has in front */
};

static void put_record(void *context, const struct log_record *record)
{
    struct report_log *log = context;
    const struct account *account = record->facts->account;
    int facility = account ? account_syslog_facility(account) : LOG_MAIL;
    if (facility >= 0)
        systemlog_send(log->program, facility, record);
    if (!account || !*account->logfile)
        return;
    logfile_add_line(record, &log->lines);
    str_addf(&log->texts, "%s\n", record->text);
}

void report_log(const char *program, const struct logline *given)
{
    static void (*const forms[])(const struct logline *, const struct log_sink *) = {
        [LOG_FORMAT_MSMTP] = write_msmtp,
        [LOG_FORMAT_POSTFIX] = postfixlog_write,
        [LOG_FORMAT_JSON] = jsonlog_write,
    };
    struct report_log log = {.program = program};
    const struct log_sink sink = {put_record, &log};
    struct logline facts = *given;
    struct str message_id = {0};
    struct error err;
    logline_message_id(&facts, &message_id);
    facts.message_id = str_text(&message_id);
    forms[facts.account ? facts.account->log_format : LOG_FORMAT_MSMTP](&facts, &sink);
    if (log.lines.len > 0 && !logfile_append(facts.account->logfile, &log.lines, &err)) {
        report_line(program, "%s", error_shown(&err));
        for (const char *line = log.texts.data; *line; line = strchr(line, '\n') + 1)
            report_line(program, "log info was: %.*s", (int)strcspn(line, "\n"), line);
    }
    str_clear(&message_id);
    str_clear(&log.lines);
    str_clear(&log.texts);
}

void report_drain_input(void)
{
    char buffer[8192];
    int64_t end = clock_after(DRAIN_TOTAL);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (isatty(STDIN_FILENO))
        return;
    while (clock_now() < end) {
        int ready = poll(&input, 1, DRAIN_SILENCE);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || read(STDIN_FILENO, buffer, sizeof buffer) <= 0)
            return;
    }
}
