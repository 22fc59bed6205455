#include "config.h"
#include "delivery/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/module.h"
#include "queue/account_state.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "delivery/circumstances.h"
#include "delivery/fallback.h"
#include "delivery/fence.h"
#include "delivery/password_helper.h"
#include "delivery/worker.h"

enum { REAP_INTERVAL = 1000 }; /* milliseconds */

/* What the workers of a share have in common. */
struct tally {
    atomic_size_t next;    /* the first place that no worker took */
    atomic_size_t handled; /* entries that were sent, deferred or moved */
    atomic_bool stopped;   /* the account is left alone */
};

/* One account's share of a scan: the places of its entries, in order of arrival. */
struct share {
    char *account;
    const struct account *stand_in; /* carries its mail now; NULL: the account itself does */
    uint32_t *item;
    size_t n;
    size_t size;
    struct tally *tally;    /* shared with the workers */
    size_t started, wanted; /* workers; at first one */
    bool ready;             /* a message went through */
    unsigned crashes;       /* workers that were ended by a signal */
};

/* A worker that runs. What it writes into its pipe says that it is ready for mail, the end of the
 * pipe that it has ended. */
struct running {
    pid_t process;
    int ready;
    struct share *share;
};

struct run {
    const struct delivery_context *delivery;
    const struct runner_filter *filter;
    struct scan scan;
    struct share *share;
    size_t shares;
    struct running running[RUNNER_WORKERS_MAX];
    size_t workers;  /* running now */
    bool everything; /* in this pass: not only what is due */
    int ready;       /* in a worker: where it says that it is ready */
};

static enum delivery_urgency urgency_of(const struct run *run)
{
    if (!run->everything)
        return DELIVERY_DUE;
    if (!run->filter->by_person)
        return DELIVERY_ASKED;
    return run->filter->has_uid ? DELIVERY_BY_USER : DELIVERY_BY_PERSON;
}

static struct share *share_of(struct run *run, const char *account)
{
    for (size_t i = 0; i < run->shares; i++)
        if (strcmp(run->share[i].account, account) == 0)
            return &run->share[i];
    run->share = memory_resize(run->share, run->shares + 1, sizeof *run->share);
    const struct account *own = configuration_account(&run->delivery->site->config, account);
    run->share[run->shares] = (struct share){
        .account = memory_copy(account),
        .stand_in = own ? fallback_choose(run->delivery, own, urgency_of(run)) : NULL,
    };
    return &run->share[run->shares++];
}

static void share_add(struct share *share, size_t index)
{
    share->item = memory_grow(share->item, share->n, &share->size, sizeof *share->item);
    share->item[share->n++] = (uint32_t)index;
}

/* A person who runs the queue gets reports of what stays and is no mail; mailq shows it always. A
 * crontab would send mail about it every few minutes. */
static void report_failure(const struct run *run, const struct error *err)
{
    if (run->everything)
        delivery_report_failure(run->delivery, err);
}

static void report_foreign(const struct run *run)
{
    struct error err;
    if (run->scan.foreign == 0)
        return;
    (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_DATAERR,
                    "%zu files in queue/ are no mail and are left alone, %s among them",
                    run->scan.foreign, run->scan.example);
    report_failure(run, &err);
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

/* To the account that the entry names, or to that one's fallback while that stands in. */
static void deal_entry(struct run *run, const struct entry *entry, size_t index)
{
    struct share *share = share_of(run, entry->account);
    if (share->stand_in && fallback_may_carry(share->stand_in, entry))
        share = share_of(run, share->stand_in->name);
    share_add(share, index);
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
        enum spool_found result =
            entry_lock_peek(run->delivery->spool, SPOOL_QUEUE, id, &entry, &err);
        if (result == SPOOL_FOREIGN) {
            (void)error_prefix(&err, "%s", id);
            report_failure(run, &err);
        } else if (result == SPOOL_DAMAGED) {
            share_add(share_of(run, ""), i);
        } else if (result == SPOOL_FOUND && runner_wants(run->filter, &entry)) {
            deal_entry(run, &entry, i);
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
    const struct run *run = context;
    const struct share *share = run->share;
    size_t index = atomic_fetch_add(&share->tally->next, 1);
    return index < share->n ? run->scan.item[share->item[index]].id : NULL;
}

static void say_ready(void *context)
{
    const struct run *run = context;
    if (write(run->ready, "", 1) < 0)
        return; /* the parent has ended: there will be no more workers */
}

/* What a worker of an account needs of its own: with it the worker drops what it does not need.
 */
struct confined {
    struct delivery_context delivery;
    struct connection_options options;
    struct password_sources passwords;
    struct password_helper helper;
};

/* Confines this process to the deliveries of ACCOUNT; NULL: what serves the mail of an account that
 * is gone is found for each entry. */
static void confine(struct confined *c, const struct delivery_context *delivery,
                    const struct account *account)
{
    c->delivery = *delivery;
    c->options = *delivery->options;
    c->passwords = *c->options.passwords;
    c->delivery.options = &c->options;
    c->options.passwords = &c->passwords;
    c->helper = (struct password_helper){.fd = -1, .pid = -1};
    if (!account || fence_hindrance(account))
        return;
    if (fence_needs_programs(account)) {
        password_helper_start(&c->helper, account, &c->passwords);
        c->passwords.elsewhere = &c->helper;
        c->passwords.ask_elsewhere = password_helper_ask;
    }
    const struct fence_delivery fence = {
        .account = account,
        .site = delivery->site,
        .spool = delivery->spool,
        .reads_passwords = !c->passwords.elsewhere,
    };
    (void)fence_delivery(&fence);
}

static _Noreturn void work(const struct run *run, const struct share *share, int ready)
{
    struct run own = *run; /* this process sees one share */
    struct share mine = *share;
    struct confined confined;
    own.share = &mine;
    own.ready = ready;
    confine(&confined, run->delivery,
            configuration_account(&run->delivery->site->config, mine.account));
    const struct worker_job job = {
        .delivery = &confined.delivery,
        .account_name = mine.account,
        .next = next_of_share,
        .context = &own,
        .urgency = urgency_of(run),
        .per_connection = RUNNER_PER_CONNECTION,
        .additional = mine.ready,
        .ready = say_ready,
        .stopped = &mine.tally->stopped,
    };
    size_t handled = 0;
    int code = worker_run(&job, &handled);
    atomic_fetch_add(&mine.tally->handled, handled);
    password_helper_end(&confined.helper);
    _exit(code);
}

/* As many workers as the provider allows, and as are worth a handshake. One user's run leaves the
 * other connections to everybody's mail. */
static size_t workers_for(const struct run *run, const struct share *share)
{
    const struct delivery_context *delivery = run->delivery;
    const struct account *account = configuration_account(&delivery->site->config, share->account);
    struct account_state state;
    if (!account || run->filter->has_uid)
        return 1;
    account_state_read(&state, delivery->spool, account->name);
    size_t most =
        account_state_connections(&state, (unsigned)account->max_connections, delivery->now());
    size_t taken = atomic_load(&share->tally->next);
    size_t left = taken < share->n ? share->n - taken : 0;
    size_t useful = 1 + left / RUNNER_ENTRIES_PER_WORKER;
    return useful < most ? useful : most;
}

/* What workers will load is loaded before they part, so that they share the memory, and before the
 * fence, behind which a library that is installed in an unusual place cannot be opened. */
static void preload(const struct run *run, const struct share *share)
{
    const struct account *account =
        configuration_account(&run->delivery->site->config, share->account);
    struct error later; /* each worker will meet it */
    if (account && account->tls)
        (void)module_get(&later);
}

static void start_worker(struct run *run, struct share *share, struct runner_result *result)
{
    int ends[2];
    pid_t child = -1;
    preload(run, share);
    if (pipe2(ends, O_CLOEXEC) == 0) {
        child = fork();
        if (child == 0)
            work(run, share, ends[1]);
        (void)close(ends[1]);
        if (child < 0)
            (void)close(ends[0]);
    }
    if (child > 0)
        run->running[run->workers++] = (struct running){child, ends[0], share};
    else if (share->started == 0)
        result->failed = true;
    share->started++;
}

static void report_crash(const struct run *run, const struct share *share, int number)
{
    struct error err;
    (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_SOFTWARE,
                    "account %s: the delivery process was ended by signal %d (%s)", share->account,
                    number, strsignal(number));
    delivery_report_failure(run->delivery, &err);
}

/* Sees whether a worker has ended, or waits for it if it is ENDING. */
static void reap_worker(struct run *run, size_t i, bool ending, struct runner_result *result)
{
    int status = 0;
    struct share *share = run->running[i].share;
    pid_t child = waitpid(run->running[i].process, &status, ending ? 0 : WNOHANG);
    if (child == 0 || (child < 0 && errno == EINTR))
        return;
    (void)close(run->running[i].ready);
    run->running[i] = run->running[--run->workers];
    if (child < 0)
        return; /* the caller has us ignore SIGCHLD: nothing can be learnt */
    if (!WIFEXITED(status) || WEXITSTATUS(status) == EX_IOERR)
        result->failed = true;
    if (!WIFSIGNALED(status))
        return;
    report_crash(run, share, WTERMSIG(status));
    if (atomic_load(&share->tally->next) < share->n && share->crashes++ < RUNNER_CRASHES_MAX)
        start_worker(run, share, result); /* else the next run has it */
}

/* Waits until a worker is ready or ends, which closes its pipe. A worker whose end goes unnoticed,
 * since its pipe is still open here, is seen a moment later. */
static void wait_for_some(struct run *run, struct runner_result *result)
{
    struct pollfd ready[RUNNER_WORKERS_MAX];
    size_t n = run->workers;
    for (size_t i = 0; i < n; i++)
        ready[i] = (struct pollfd){.fd = run->running[i].ready, .events = POLLIN};
    if (poll(ready, n, REAP_INTERVAL) < 0)
        return;       /* EINTR */
    while (n-- > 0) { /* backwards: the last takes the place of one that ends */
        char byte;
        struct share *share = run->running[n].share;
        bool spoke = ready[n].revents != 0;
        if (!spoke || read(ready[n].fd, &byte, 1) != 1) {
            reap_worker(run, n, spoke, result);
            continue;
        }
        share->ready = true;
        share->wanted = workers_for(run, share);
    }
}

/* Runs the workers of all shares: first one of each. */
static void run_workers(struct run *run, struct runner_result *result)
{
    size_t at = 0;
    do {
        for (; at < run->shares && run->workers < RUNNER_WORKERS_MAX; at++)
            if (run->share[at].n > 0)
                start_worker(run, &run->share[at], result);
        for (size_t i = 0; i < at; i++)
            while (run->share[i].started < run->share[i].wanted &&
                   run->workers < RUNNER_WORKERS_MAX)
                start_worker(run, &run->share[i], result);
        if (run->workers > 0)
            wait_for_some(run, result);
    } while (run->workers > 0 || at < run->shares);
}

/* An entry that met a failure that no other has met waits for its own interval, since the breaker
 * is closed; a change of what the failure depended on ends that, as it ends the breaker's pause. */
static void free_suspects(struct run *run)
{
    const struct configuration *config = &run->delivery->site->config;
    for (size_t i = 0; run->scan.n > 0 && i < config->n; i++) {
        const struct account *account = config->account[i];
        struct account_state state;
        account_state_read(&state, run->delivery->spool, account->name);
        if (*state.suspect &&
            state.suspect_depends != circumstances_of(run->delivery->site, account))
            scan_make_due(&run->scan, state.suspect, run->delivery->now());
    }
}

/* One scan, dealt out and worked off. *HANDLED is the number of entries that it changed. */
static bool pass(struct run *run, struct runner_result *result, size_t *handled, struct error *err)
{
    *handled = 0;
    if (!scan_read(&run->scan, run->delivery->spool, SPOOL_QUEUE, err))
        return false;
    report_foreign(run);
    free_suspects(run);
    if (!run->everything)
        scan_keep_due(&run->scan, run->delivery->now());
    scan_sort_by_time(&run->scan);
    deal(run);
    if (run->shares == 0)
        return true;
    size_t n = run->shares;
    struct tally *tallies = memory_shared(n * sizeof *tallies);
    if (!tallies)
        return error_system(err, EX_OSERR, "cannot share memory with workers");
    for (size_t i = 0; i < n; i++)
        run->share[i].tally = &tallies[i];
    run_workers(run, result);
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
    } while (ok && handled > 0 && !result->failed); /* what can't be noted would be sent again */
    scan_clear(&run.scan);
    return ok;
}
