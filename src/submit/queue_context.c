#include "config.h"
#include "submit/queue_context.h"

#include <errno.h>

#include "base/clock.h"
#include "base/random.h"
#include "delivery/spoolpath.h"
#include "delivery/verdict.h"
#include "submit/report.h"

/* Milliseconds since the entry came: the id of a bounce has the time of its original. */
static int64_t delay_of(const char *id)
{
    return entryid_number(id) > 0 ? 0 : (clock_wall_microseconds() - entryid_arrival(id)) / 1000;
}

static void log_attempt(void *context, const struct account *account,
                        const struct connection *connection, const struct entry_lock *lock,
                        const struct attempt *attempt)
{
    const struct queue_context *queue = context;
    const struct verdict v = delivery_verdict(attempt);
    const struct error none = {0}, *why = v.why ? v.why : &none;
    const bool sent = v.code == 0;
    const struct logline facts = {
        .account = account,
        .host = connection ? connection_host(connection) : "",
        .envelope = &lock->entry.envelope,
        .content = &lock->content,
        .accepted = sent ? str_text(&attempt->reply) : NULL,
        .error = sent ? NULL : why,
        .queue_id = lock->entry.id,
        .code = v.code,
        .attempt = attempt,
        .journal = &lock->journal,
        .expired = delivery_is_expired(&queue->delivery, lock->entry.id),
        .address = connection ? connection_address(connection) : NULL,
        .delay = delay_of(lock->entry.id),
    };
    report_log(queue->site->program, &facts);
    progress_note(queue->progress, sent ? NULL : why);
}

static void report_failure(void *context, const struct error *err)
{
    const struct queue_context *queue = context;
    report_line(queue->site->program, "%s: %s", queue->spool.path, error_shown(err));
}

static bool is_awaited(void *context, const char *id)
{
    const struct queue_context *queue = context;
    return rendezvous_is_awaited(queue->rendezvous, id);
}

/* What a caller of the command line would get for exit status, and would read. */
static void report_result(void *context, const char *id, const struct attempt *attempt)
{
    const struct queue_context *queue = context;
    struct rendezvous_answer answer = {0};
    if (attempt) {
        const struct verdict v = delivery_verdict(attempt);
        if (v.refusal) {
            answer.code = v.code;
            answer.error = *v.why;
        } else if (v.deferred > 0 && attempt->failed && verdict_needs_person(&attempt->failure)) {
            answer.error = attempt->failure;
        }
    } else if (!rendezvous_is_awaited(queue->rendezvous, id)) {
        return;
    }
    rendezvous_report_result(queue->rendezvous, id, &answer);
}

static bool may_not(int number)
{
    return number == EACCES || number == EPERM || number == EROFS || number == ENOENT ||
           number == ENOTDIR;
}

enum queue_context_result queue_context_open(struct queue_context *queue, bool create,
                                             struct error *err)
{
    const struct site *site = queue->site;
    struct str path = {0};
    bool found = spoolpath_find(&path, site, queue->scope);
    errno = 0;
    bool open = found && spool_open(&queue->spool, str_text(&path), create, err);
    int number = errno;
    str_clear(&path);
    errno = number; /* for the caller, too */
    if (!open)
        return found && !may_not(number) ? QUEUE_CONTEXT_FAILED : QUEUE_CONTEXT_NONE;
    spool_time_read(&queue->spool_time, &queue->spool);
    const struct queue_settings *settings = &site->config.queue[queue->scope];
    queue->delivery = (struct delivery_context){
        .spool = &queue->spool,
        .site = site,
        .options = queue->options,
        .spool_time = &queue->spool_time,
        .lifetime = settings->lifetime / 1000,
        .delay_warning = settings->delay_warning / 1000,
        .bounce_to = settings->bounce_to ? settings->bounce_to : "",
        .now = clock_wall,
        .random = random_number,
        .log = log_attempt,
        .report_failure = report_failure,
        .is_awaited = queue->rendezvous ? is_awaited : NULL,
        .report_result = queue->rendezvous ? report_result : NULL,
        .context = queue,
    };
    return QUEUE_CONTEXT_OPEN;
}

void queue_context_note_run(struct queue_context *queue)
{
    struct str stamp = {0};
    struct error ignored; /* a spool that can't be written to is noticed by the run itself */
    spool_time_note_run(&queue->spool_time, clock_wall());
    spool_time_encode(&queue->spool_time, &stamp);
    (void)spool_write_stamp(&queue->spool, &stamp, &ignored);
    str_clear(&stamp);
}

void queue_context_warn_if_silent(const struct queue_context *queue)
{
    int64_t silent = clock_wall() - queue->spool_time.last_run;
    if (silent <= QUEUE_CONTEXT_SILENCE && silent >= -QUEUE_CONTEXT_SILENCE)
        return;
    report_line(queue->site->program,
                "mail is waiting in %s and nothing delivers it; this crontab line would: "
                "*/5 * * * * %s/onehop -q5m",
                queue->spool.path, queue->site->paths->bindir);
}

void queue_context_close(struct queue_context *queue)
{
    spool_close(&queue->spool);
}
