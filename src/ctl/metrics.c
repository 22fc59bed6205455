#include "config.h"
#include "ctl/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "submit/help.h"
#include "submit/report.h"

static void begin(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The value of a label: the format has line ends of its own, what else is hostile becomes '?'. */
static void print_value(FILE *out, const char *text)
{
    for (size_t len; *text; text += len) {
        struct str clean = {0};
        len = strcspn(text, "\n");
        escape_line(&clean, text, len);
        for (const char *c = str_text(&clean); *c; c++)
            (void)fprintf(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        str_clear(&clean);
        if (text[len] == '\n') {
            (void)fputs("\\n", out);
            len++;
        }
    }
}

/* NAME{account="..."; labels of its own may follow, and then print_number(). */
static void print_account(FILE *out, const char *name, const struct observed_account *account)
{
    (void)fprintf(out, "%s{account=\"", name);
    print_value(out, account->name);
    (void)fputc('"', out);
}

static void print_number(FILE *out, uint64_t number)
{
    (void)fprintf(out, "} %" PRIu64 "\n", number);
}

static void print_queue(const struct observation *seen, int64_t now, FILE *out)
{
    begin(out, "onehop_queue_messages", "gauge", "Messages in the queue.");
    for (int i = 0; i < OBSERVATION_STATES; i++)
        (void)fprintf(out, "onehop_queue_messages{state=\"%s\"} %" PRIu64 "\n",
                      observation_states[i], seen->queue[i].messages);
    begin(out, "onehop_queue_oldest_seconds", "gauge", "Age of the oldest message that waits.");
    (void)fprintf(out, "onehop_queue_oldest_seconds %" PRId64 "\n",
                  observation_age(seen, OBSERVATION_WAITING, now));
    begin(out, "onehop_configuration_rejected", "gauge",
          "1 while the configuration's files have errors and are not used.");
    (void)fprintf(out, "onehop_configuration_rejected %d\n", seen->configuration != NULL);
}

static void print_trouble(const struct observation *seen, FILE *out)
{
    begin(out, "onehop_account_trouble", "gauge", "1 while the account cannot send, by reason.");
    for (size_t i = 0; i < seen->n; i++)
        for (int k = 0; k <= CAUSE_LOGIN; k++) {
            const struct observed_account *account = &seen->account[i];
            print_account(out, "onehop_account_trouble", account);
            (void)fprintf(out, ",reason=\"%s\"", observation_causes[k]);
            print_number(out, account->failing_since != 0 && (int)account->cause == k);
        }
}

static void print_counters(const struct observation *seen, FILE *out)
{
    static const char *const results[COUNTERS_RESULTS] = {
        [COUNTERS_SENT] = "sent", [COUNTERS_FAILED] = "failed", [COUNTERS_DEFERRED] = "deferred"};
    begin(out, "onehop_messages_total", "counter",
          "Messages that were sent or failed, and attempts that left one waiting.");
    for (size_t i = 0; i < seen->n; i++)
        for (int k = 0; k < COUNTERS_RESULTS; k++) {
            print_account(out, "onehop_messages_total", &seen->account[i]);
            (void)fprintf(out, ",result=\"%s\"", results[k]);
            print_number(out, seen->account[i].counters.messages[k]);
        }
    begin(out, "onehop_bytes_total", "counter", "Size of the messages that were sent.");
    for (size_t i = 0; i < seen->n; i++) {
        print_account(out, "onehop_bytes_total", &seen->account[i]);
        print_number(out, seen->account[i].counters.octets);
    }
}

static void print_histogram(const struct observed_account *account, FILE *out)
{
    const struct counters *counters = &account->counters;
    uint64_t sum = 0;
    for (int k = 0; k <= COUNTERS_BOUNDS; k++) {
        sum += counters->delivered[k];
        print_account(out, "onehop_delivery_seconds_bucket", account);
        if (k < COUNTERS_BOUNDS)
            (void)fprintf(out, ",le=\"%g\"", counters_bounds[k] / 1000.0);
        else
            (void)fputs(",le=\"+Inf\"", out);
        print_number(out, sum);
    }
    print_account(out, "onehop_delivery_seconds_sum", account);
    (void)fprintf(out, "} %" PRIu64 ".%03u\n", counters->milliseconds / 1000,
                  (unsigned)(counters->milliseconds % 1000));
    print_account(out, "onehop_delivery_seconds_count", account);
    print_number(out, sum);
}

static void print_moments(const struct observation *seen, FILE *out)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } moments[] = {
        {"onehop_token_expiry_timestamp_seconds", "When the account's access token ends.",
         offsetof(struct observed_account, token_expires)},
        {"onehop_login_required_timestamp_seconds",
         "When a person must run onehopctl login for the account.",
         offsetof(struct observed_account, person_by)},
        {"onehop_certificate_expiry_timestamp_seconds",
         "When the first of tls_cert_file and tls_trust_file ends.",
         offsetof(struct observed_account, certificate_expires)},
    };
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        begin(out, moments[i].name, "gauge", moments[i].help);
        for (size_t k = 0; k < seen->n; k++) {
            const char *account = (const char *)&seen->account[k];
            int64_t moment = *(const int64_t *)(const void *)(account + moments[i].offset);
            if (moment == 0)
                continue;
            print_account(out, moments[i].name, &seen->account[k]);
            print_number(out, (uint64_t)moment);
        }
    }
}

void metrics_print(const struct observation *seen, int64_t now, FILE *out)
{
    print_queue(seen, now, out);
    print_trouble(seen, out);
    print_counters(seen, out);
    begin(out, "onehop_delivery_seconds", "histogram",
          "Time from the acceptance of a message to the provider's.");
    for (size_t i = 0; i < seen->n; i++)
        print_histogram(&seen->account[i], out);
    print_moments(seen, out);
}

int metrics_run(int argc, char **argv, struct site *site)
{
    struct observation seen = {0};
    struct error err;
    (void)argc, (void)argv;
    observation_configure(&seen, site);
    bool ok = observation_make(&seen, site, &err);
    if (ok)
        metrics_print(&seen, clock_wall(), stdout);
    else
        report_error(site->program, &err);
    observation_clear(&seen);
    return ok ? help_flush() : err.code;
}

/* A file that is new, whatever others put in its place in a directory that they share. */
static FILE *open_new(const char *path)
{
    (void)unlink(path); /* left by a crash, or not there */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (fd >= 0 && !file)
        (void)close(fd); /* empty */
    return file;
}

static bool replace(const char *path, const struct observation *seen, struct error *err)
{
    struct str temporary = {0};
    str_addf(&temporary, "%s.tmp", path); /* node_exporter reads *.prom alone */
    FILE *out = open_new(str_text(&temporary));
    bool ok = out != NULL;
    if (out) {
        metrics_print(seen, clock_wall(), out);
        ok = fflush(out) == 0 && fchmod(fileno(out), 0644) == 0; /* whatever the umask */
        ok = fclose(out) == 0 && ok && rename(str_text(&temporary), path) == 0;
    }
    if (!ok)
        (void)error_system(err, EX_CANTCREAT, "metrics_file: cannot write %s", path);
    if (!ok && out)
        (void)unlink(str_text(&temporary)); /* nothing more can be done about it */
    str_clear(&temporary);
    return ok;
}

bool metrics_write(const char *path, const struct site *site, struct error *err)
{
    struct observation seen = {0};
    bool ok = observation_look(&seen, site, SCOPE_SYSTEM, false, err) && replace(path, &seen, err);
    observation_clear(&seen);
    return ok;
}
