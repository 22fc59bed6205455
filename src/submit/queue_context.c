#include "config.h"
#include "submit/queue_context.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "delivery/spoolplace.h"
#include "delivery/verdict.h"
#include "submit/report.h"

static int64_t seconds_now(void)
{
    return (int64_t)time(NULL);
}

static uint64_t random_number(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
        number = (uint64_t)clock(); /* it only spreads retries */
    return number;
}

static void log_attempt(void *context, const struct account *account, const struct claim *claim,
                        const struct outcome *outcomes, const struct error *failure,
                        const char *reply)
{
    const struct spooling *spooling = context;
    struct verdict v = verdict_of(outcomes, claim->journal.n, failure);
    struct error err = {0};
    if (v.worst < claim->journal.n)
        outcome_to_error(&outcomes[v.worst], &err);
    else if (failure)
        err = *failure;
    const bool sent = v.code == 0;
    const struct logline facts = {
        .account = account,
        .host = "",
        .envelope = &claim->entry.envelope,
        .content = sent ? &claim->content : NULL,
        .reply_code = sent ? 250 : err.reply_code,
        .reply = sent ? reply : err.reply,
        .error = err.text,
        .queue_id = claim->entry.id,
        .code = v.code,
    };
    report_log(spooling->program, &facts);
}

static void tell_trouble(void *context, const struct error *err)
{
    const struct spooling *spooling = context;
    report_line(spooling->program, "%s: %s", spooling->path, err->text);
}

static bool caller_listens(void *context, const char *id)
{
    const struct spooling *spooling = context;
    return waiting_listens(spooling->waiting, id);
}

/* What a caller of the command line would get for exit status, and would read. */
static void caller_hears(void *context, const char *id, const struct attempt *attempt)
{
    const struct spooling *spooling = context;
    struct waiting_answer answer = {0};
    if (attempt) {
        const struct error *failure = attempt->failed ? &attempt->failure : NULL;
        struct verdict v = verdict_of(attempt->outcomes, attempt->n, failure);
        if (verdict_is_refusal(&v, failure)) {
            answer.code = v.code;
            if (v.worst < attempt->n)
                outcome_to_error(&attempt->outcomes[v.worst], &answer.error);
            else if (failure)
                answer.error = *failure;
        }
    } else if (!waiting_listens(spooling->waiting, id)) {
        return;
    }
    waiting_tell(spooling->waiting, id, &answer);
}

static bool may_not(int number)
{
    return number == EACCES || number == EPERM || number == EROFS || number == ENOENT ||
           number == ENOTDIR;
}

static void read_stamp(struct spooling *spooling)
{
    struct str stamp = {0};
    int64_t written;
    struct error ignored; /* without it every entry has the age its id says */
    if (spool_read_stamp(&spooling->spool, &stamp, &written, &ignored))
        age_decode(&spooling->age, str_text(&stamp), stamp.len);
    spooling->last_run = spooling->age.last_run;
    str_clear(&stamp);
}

enum spooling_result spooling_open(struct spooling *spooling, const struct spooling_facts *facts,
                                   enum account_level level, bool create, struct error *err)
{
    struct str path = {0};
    *spooling =
        (struct spooling){.program = facts->program, .level = level, .waiting = facts->waiting};
    if (!spoolplace_path(&path, facts->config, facts->paths, facts->caller, level)) {
        str_clear(&path);
        return SPOOLING_NONE;
    }
    spooling->path = str_take(&path);
    errno = 0;
    if (!spool_open(&spooling->spool, spooling->path, create, err))
        return may_not(errno) ? SPOOLING_NONE : SPOOLING_TROUBLE;
    read_stamp(spooling);
    const struct queue_settings *queue = &facts->config->queue[level];
    spooling->relay = (struct relay){
        .spool = &spooling->spool,
        .config = facts->config,
        .options = facts->options,
        .host = facts->host,
        .age = &spooling->age,
        .lifetime = queue->lifetime / 1000,
        .bounce_to = queue->bounce_to ? queue->bounce_to : "",
        .now = seconds_now,
        .random = random_number,
        .log = log_attempt,
        .trouble = tell_trouble,
        .listens = facts->waiting ? caller_listens : NULL,
        .hears = facts->waiting ? caller_hears : NULL,
        .context = spooling,
    };
    return SPOOLING_OPEN;
}

void spooling_note_run(struct spooling *spooling)
{
    struct str stamp = {0};
    struct error ignored; /* a spool that can't be written to is noticed by the run itself */
    spooling->last_run = seconds_now();
    age_note_run(&spooling->age, spooling->last_run);
    age_encode(&spooling->age, &stamp);
    (void)spool_write_stamp(&spooling->spool, &stamp, &ignored);
    str_clear(&stamp);
}

void spooling_warn_if_silent(const struct spooling *spooling)
{
    int64_t silent = seconds_now() - spooling->last_run;
    if (silent <= SPOOLING_SILENCE && silent >= -SPOOLING_SILENCE)
        return;
    report_line(spooling->program,
                "mail is waiting in %s and nothing delivers it; this crontab line would: "
                "*/5 * * * * onehop -q5m",
                spooling->path);
}

void spooling_close(struct spooling *spooling)
{
    spool_close(&spooling->spool);
    free(spooling->path);
    spooling->path = NULL;
}
