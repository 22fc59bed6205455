#include "config.h"
#include "delivery/runner.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/module.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "delivery/fence.h"
#include "delivery/worker.h"

/* What the workers of a share have in common. */
struct tally {
    atomic_size_t next;    /* the first place nobody took */
    atomic_size_t handled; /* entries that were sent, put off or moved */
};

/* One account's share of a scan: the places of its entries, in order of arrival. */
struct share {
    char *account;
    uint32_t *item;
    size_t n;
    size_t size;
    struct tally *tally; /* shared with the workers */
    unsigned crashes;    /* workers that were ended by a signal */
};

struct run {
    const struct delivery_context *delivery;
    const struct runner_filter *filter;
    struct scan scan;
    struct share *share;
    size_t shares;
    struct {
        pid_t pid;
        struct share *share;
    } worker[RUNNER_WORKERS_MAX]; /* running now */
    size_t workers;
    bool everything; /* in this pass: not only what is due, and whatever the breaker says */
};

static struct share *share_of(struct run *run, const char *account)
{
    for (size_t i = 0; i < run->shares; i++)
        if (strcmp(run->share[i].account, account) == 0)
            return &run->share[i];
    run->share = memory_resize(run->share, run->shares + 1, sizeof *run->share);
    run->share[run->shares] = (struct share){.account = memory_copy(account)};
    return &run->share[run->shares++];
}

static void share_add(struct share *share, size_t directory)
{
    if (share->n == share->size) {
        share->size = share->size ? 2 * share->size : 16;
        share->item = memory_resize(share->item, share->size, sizeof *share->item);
    }
    share->item[share->n++] = (uint32_t)directory;
}

/* What stays and is no mail of ours is told to who runs the queue by hand; mailq shows it always. A
 * crontab would send mail about it every few minutes. */
static void tell(const struct run *run, const struct error *err)
{
    if (run->everything && run->delivery->trouble)
        run->delivery->trouble(run->delivery->context, err);
}

static void tell_foreign(const struct run *run)
{
    struct error err;
    if (run->scan.foreign == 0)
        return;
    (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_DATAERR,
                    "%zu files in queue/ are no mail and are left alone, %s among them",
                    run->scan.foreign, run->scan.example);
    tell(run, &err);
}

static bool contains(const char *text, const char *part)
{
    return !*part || strcasestr(text, part) != NULL;
}

bool runner_wants(const struct runner_filter *f, const struct entry *entry)
{
    bool some_recipient = !*f->recipient;
    for (size_t i = 0; i < entry->envelope.n && !some_recipient; i++)
        some_recipient = contains(entry->envelope.rcpt[i].address, f->recipient);
    return some_recipient && contains(entry->envelope.sender, f->sender) &&
           (!*f->account || strcmp(entry->account, f->account) == 0) &&
           (!f->has_uid || (entry->has_uid && entry->uid == f->uid));
}

/* Reads the heads of what is due and deals it out by account. What cannot be read is dealt out
 * under no account: the worker that locks it puts it where it belongs. */
static void deal(struct run *run)
{
    for (size_t i = 0; i < run->scan.n; i++) {
        struct entry entry = {0};
        struct error err = {0};
        const char *id = run->scan.item[i].id;
        if (*run->filter->id && strcmp(run->filter->id, id) != 0)
            continue;
        enum entry_lock_result result =
            entry_lock_peek(run->delivery->spool, SPOOL_QUEUE, id, &entry, &err);
        if (result == ENTRY_LOCK_LEFT) {
            (void)error_prefix(&err, "%s", id);
            tell(run, &err);
        } else if (result == ENTRY_LOCK_DAMAGED) {
            share_add(share_of(run, ""), i);
        } else if (result == ENTRY_LOCK_TAKEN && runner_wants(run->filter, &entry)) {
            share_add(share_of(run, entry.account), i);
        }
        entry_clear(&entry);
    }
}

static void clear_shares(struct run *run)
{
    for (size_t i = 0; i < run->shares; i++) {
        free(run->share[i].account);
        free(run->share[i].item);
    }
    free(run->share);
    run->share = NULL;
    run->shares = 0;
}

static const char *next_of_share(void *context)
{
    struct share *share = ((struct run *)context)->share;
    size_t directory = atomic_fetch_add(&share->tally->next, 1);
    return directory < share->n ? ((struct run *)context)->scan.item[share->item[directory]].id
                                : NULL;
}

static _Noreturn void work(const struct run *run, const struct share *share)
{
    struct run own = *run; /* this process sees one share */
    struct share mine = *share;
    own.share = &mine;
    const struct worker_job job = {
        .delivery = run->delivery,
        .account_name = mine.account,
        .next = next_of_share,
        .context = &own,
        .ignore_breaker = run->everything && !run->filter->has_uid,
        .per_connection = RUNNER_PER_CONNECTION,
    };
    const struct account *account = configuration_account(run->delivery->config, mine.account);
    if (account) /* else what serves its mail now is found for each entry */
        (void)fence_worker(account, run->delivery->spool, run->delivery->options->passwords);
    size_t handled = 0;
    int code = worker_run(&job, &handled);
    atomic_fetch_add(&mine.tally->handled, handled);
    _exit(code);
}

static size_t workers_for(const struct run *run, const struct share *share)
{
    const struct account *account = configuration_account(run->delivery->config, share->account);
    size_t most = account && account->max_connections > 0 ? (size_t)account->max_connections : 1;
    size_t useful = (share->n + RUNNER_ENTRIES_PER_WORKER - 1) / RUNNER_ENTRIES_PER_WORKER;
    return useful < most ? useful : most;
}

static bool start_worker(struct run *run, struct share *share)
{
    pid_t child = fork();
    if (child == 0)
        work(run, share);
    if (child < 0)
        return false;
    run->worker[run->workers].pid = child;
    run->worker[run->workers++].share = share;
    return true;
}

static void report_crash(const struct run *run, const struct share *share, int number)
{
    struct error err;
    (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_SOFTWARE,
                    "account %s: the delivery process was ended by signal %d (%s)", share->account,
                    number, strsignal(number));
    if (run->delivery->trouble)
        run->delivery->trouble(run->delivery->context, &err);
}

static void wait_for_one(struct run *run, struct runner_result *result)
{
    int status = 0;
    size_t i = 0;
    pid_t child = waitpid(-1, &status, 0);
    if (child < 0 && errno == EINTR)
        return;
    while (child >= 0 && i < run->workers && run->worker[i].pid != child)
        i++;
    if (child < 0)
        run->workers = 0; /* somebody has us ignore SIGCHLD: they are gone */
    if (i >= run->workers)
        return;
    struct share *share = run->worker[i].share;
    run->worker[i] = run->worker[--run->workers];
    if (!WIFEXITED(status) || WEXITSTATUS(status) == EX_IOERR)
        result->trouble = true;
    if (!WIFSIGNALED(status))
        return;
    report_crash(run, share, WTERMSIG(status));
    if (share->tally->next < share->n && share->crashes++ < RUNNER_CRASHES_MAX)
        (void)start_worker(run, share); /* else the next run has it */
}

/* What several workers will load is loaded before they part, so that they share the memory. */
static void preload(const struct run *run, const struct share *share)
{
    const struct account *account = configuration_account(run->delivery->config, share->account);
    struct error later; /* each worker will meet it */
    if (account && account->tls)
        (void)module_get(&later);
}

static void start_workers(struct run *run, struct share *share, struct runner_result *result)
{
    size_t wanted = workers_for(run, share);
    if (wanted > 1)
        preload(run, share);
    for (size_t i = 0; i < wanted; i++) {
        while (run->workers >= RUNNER_WORKERS_MAX)
            wait_for_one(run, result);
        if (!start_worker(run, share) && i == 0)
            result->trouble = true;
    }
}

static struct tally *share_tallies(size_t n)
{
    void *memory = mmap(NULL, n * sizeof(struct tally), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* One scan, dealt out and worked off. *HANDLED tells how many entries changed by it. */
static bool pass(struct run *run, struct runner_result *result, size_t *handled, struct error *err)
{
    *handled = 0;
    if (!scan_read(&run->scan, run->delivery->spool, SPOOL_QUEUE, err))
        return false;
    tell_foreign(run);
    if (!run->everything)
        scan_keep_due(&run->scan, run->delivery->now());
    deal(run);
    if (run->shares == 0)
        return true;
    size_t n = run->shares;
    struct tally *tallies = share_tallies(n);
    if (!tallies)
        return error_system(err, EX_OSERR, "cannot share memory with workers");
    for (size_t i = 0; i < n; i++) {
        run->share[i].tally = &tallies[i];
        start_workers(run, &run->share[i], result);
    }
    while (run->workers > 0)
        wait_for_one(run, result);
    for (size_t i = 0; i < n; i++)
        *handled += tallies[i].handled;
    (void)munmap(tallies, n * sizeof *tallies);
    clear_shares(run);
    return true;
}

bool runner_run(const struct delivery_context *delivery, const struct runner_filter *filter,
                struct runner_result *result, struct error *err)
{
    struct run run = {.delivery = delivery, .filter = filter};
    size_t handled = 0;
    *result = (struct runner_result){0};
    bool ok = recovery_run(delivery->spool, NULL, err);
    run.everything = filter->ignore_times;
    do {
        ok = ok && pass(&run, result, &handled, err);
        result->entries += handled;
        run.everything = false; /* what arrives meanwhile is due; what was just tried is not, and
                                   an account that just failed is left alone */
    } while (ok && handled > 0 && !result->trouble); /* what can't be noted would be sent again */
    scan_clear(&run.scan);
    return ok;
}
