#include "config.h"
#include "ctl/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/memory.h"
#include "submit/help.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };
enum {
    FAILURE_PATIENCE = HOUR,      /* seconds that an account may fail before it is critical */
    CERTIFICATE_AHEAD = 14 * DAY, /* seconds before its end that a certificate is a warning */
};

static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/* What was found, by how bad it is. */
struct judgement {
    struct str text[STATUS_CRITICAL + 1];
    int64_t now;
};

static struct str *found(struct judgement *j, int status)
{
    struct str *out = &j->text[status];
    if (out->len > 0)
        str_add(out, "; ");
    return out;
}

enum { SPAN_SIZE = 32 };

static const char *span(char text[SPAN_SIZE], int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{DAY, "d"}, {HOUR, "h"}, {MINUTE, "min"}, {1, "s"}};
    size_t i = 0;
    while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
        i++;
    (void)snprintf(text, SPAN_SIZE, "%" PRId64 " %s", seconds / units[i].seconds, units[i].unit);
    return text;
}

static void judge_queue(struct judgement *j, const struct observation *seen,
                        const struct status_limits *limits)
{
    uint64_t waiting = seen->queue[OBSERVATION_WAITING].messages;
    uint64_t failed = seen->queue[OBSERVATION_FAILED].messages;
    int64_t age = observation_age(seen, OBSERVATION_WAITING, j->now);
    int status = STATUS_OK;
    char text[SPAN_SIZE];
    for (int i = STATUS_WARNING; i <= STATUS_CRITICAL; i++)
        if (waiting > limits->of[i].messages || age > limits->of[i].age / 1000)
            status = i;
    if (waiting > 0)
        str_addf(found(j, status),
                 waiting == 1 ? "%" PRIu64 " message waits, for %s"
                              : "%" PRIu64 " messages wait, the oldest for %s",
                 waiting, span(text, age));
    else
        str_add(found(j, status), "no message waits");
    if (failed > 0)
        str_addf(found(j, STATUS_WARNING),
                 failed == 1 ? "%" PRIu64 " failed message is kept"
                             : "%" PRIu64 " failed messages are kept",
                 failed);
}

static void judge_account(struct judgement *j, const struct observed_account *account)
{
    const char *name = account->name;
    char text[SPAN_SIZE];
    if (account->failing_since != 0) {
        int64_t since = account->failing_since < j->now ? j->now - account->failing_since : 0;
        struct str *out = found(j, since > FAILURE_PATIENCE ? STATUS_CRITICAL : STATUS_WARNING);
        str_addf(out, "account %s fails (%s) for %s", name, observation_causes[account->cause],
                 span(text, since));
        if (*account->reason)
            str_addf(out, ": %s", account->reason);
    }
    if (account->person_by != 0 && account->person_by <= j->now)
        str_addf(found(j, STATUS_CRITICAL), "account %s needs a login: onehopctl login %s", name,
                 name);
    else if (account->person_by != 0)
        str_addf(found(j, STATUS_WARNING), "account %s needs a login in %s", name,
                 span(text, account->person_by - j->now));
    int64_t left = account->certificate_expires - j->now;
    if (account->certificate_expires != 0 && left <= 0)
        str_addf(found(j, STATUS_CRITICAL), "a certificate of account %s has expired", name);
    else if (account->certificate_expires != 0 && left < CERTIFICATE_AHEAD)
        str_addf(found(j, STATUS_WARNING), "a certificate of account %s expires in %s", name,
                 span(text, left));
}

/* A limit that is never reached is none. */
static void add_age_limit(struct str *out, int64_t age)
{
    if (age < INT64_MAX)
        str_addf(out, "%" PRId64, age / 1000);
    str_add_char(out, ';');
}

static void add_figures(struct str *out, const struct observation *seen,
                        const struct status_limits *limits, int64_t now)
{
    size_t failing = 0;
    for (size_t i = 0; i < seen->n; i++)
        failing += seen->account[i].failing_since != 0;
    str_addf(out, " | waiting=%" PRIu64 ";%" PRIu64 ";%" PRIu64 ";0 oldest=%" PRId64 "s;",
             seen->queue[OBSERVATION_WAITING].messages, limits->of[STATUS_WARNING].messages,
             limits->of[STATUS_CRITICAL].messages, observation_age(seen, OBSERVATION_WAITING, now));
    add_age_limit(out, limits->of[STATUS_WARNING].age);
    add_age_limit(out, limits->of[STATUS_CRITICAL].age);
    str_addf(out, "0 held=%" PRIu64 ";;;0 failed=%" PRIu64 ";0;;0 failing_accounts=%zu;0;;0",
             seen->queue[OBSERVATION_HELD].messages, seen->queue[OBSERVATION_FAILED].messages,
             failing);
}

/* "ONEHOP STATUS - TEXT": one line, and no bar, which begins the figures. */
static void add_line(struct str *out, int status, const char *text)
{
    struct str clean = {0};
    escape_line(&clean, text, strlen(text));
    for (size_t i = 0; i < clean.len; i++)
        if (clean.data[i] == '|')
            clean.data[i] = '/';
    str_addf(out, "ONEHOP %s - %s", names[status], str_text(&clean));
    str_clear(&clean);
}

int status_judge(const struct observation *seen, const struct status_limits *limits, int64_t now,
                 struct str *out)
{
    struct judgement j = {.now = now};
    struct str text = {0};
    if (seen->configuration)
        str_addf(found(&j, seen->n > 0 ? STATUS_WARNING : STATUS_CRITICAL),
                 "the configuration is not used: %s", seen->configuration);
    for (size_t i = 0; i < seen->n; i++)
        judge_account(&j, &seen->account[i]);
    judge_queue(&j, seen, limits);
    int status = j.text[STATUS_CRITICAL].len > 0  ? STATUS_CRITICAL
                 : j.text[STATUS_WARNING].len > 0 ? STATUS_WARNING
                 : seen->n == 0                   ? STATUS_UNKNOWN
                                                  : STATUS_OK;
    for (int i = STATUS_CRITICAL; i >= STATUS_OK; i--) {
        if (j.text[i].len > 0)
            str_addf(&text, "%s%s", text.len > 0 ? "; " : "", str_text(&j.text[i]));
        str_clear(&j.text[i]);
    }
    if (status == STATUS_UNKNOWN)
        str_add(&text, "; no account is configured");
    add_line(out, status, str_text(&text));
    add_figures(out, seen, limits, now);
    str_clear(&text);
    return status;
}

/* COUNT,AGE, of which either may be missing. */
static bool read_limit(struct status_limits *limits, int status, const char *text,
                       struct error *err)
{
    size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits;
    if (digits > 15 || (*rest && *rest != ',') || !*text)
        return error_usage(err, "'%s' is not a number of messages and an age, like 10,1h", text);
    if (digits > 0)
        limits->of[status].messages = strtoull(text, NULL, 10);
    return !*rest ||
           observation_read_age("the age behind the comma", rest + 1, &limits->of[status].age, err);
}

static bool read_limits(struct status_limits *limits, int argc, char **argv, struct error *err)
{
    for (int i = 0; i < argc; i += 2) {
        bool warning = strcmp(argv[i], "-w") == 0;
        if ((!warning && strcmp(argv[i], "-c") != 0) || i + 1 == argc)
            return error_usage(err, "status takes -w COUNT,AGE and -c COUNT,AGE");
        if (!read_limit(limits, warning ? STATUS_WARNING : STATUS_CRITICAL, argv[i + 1], err))
            return false;
    }
    return true;
}

int status_run(int argc, char **argv, struct site *site)
{
    struct status_limits limits = {
        .of = {[STATUS_WARNING] = {10, HOUR * 1000}, [STATUS_CRITICAL] = {100, 6 * HOUR * 1000}}};
    struct observation seen = {0};
    struct str line = {0};
    struct error err;
    int status = STATUS_UNKNOWN;
    bool ok = read_limits(&limits, argc, argv, &err);
    if (ok) {
        observation_configure(&seen, site);
        ok = observation_make(&seen, site, &err);
    }
    if (ok)
        status = status_judge(&seen, &limits, clock_wall(), &line);
    else
        add_line(&line, status, err.text);
    (void)printf("%s\n", str_text(&line));
    observation_clear(&seen);
    str_clear(&line);
    return help_flush() == 0 ? status : STATUS_UNKNOWN;
}
