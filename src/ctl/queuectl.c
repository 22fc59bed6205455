#include "config.h"
#include "ctl/queuectl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "queue/entry_lock.h"
#include "queue/listing.h"
#include "delivery/spoolplace.h"
#include "cli/caller.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/service_client.h"
#include "submit/serviceuser.h"
#include "ctl/mailq.h"

const char *const queuectl_names[QUEUECTL_ACTS] = {
    [QUEUECTL_SHOW] = "SHOW",
    [QUEUECTL_HOLD] = "HOLD",
    [QUEUECTL_RELEASE] = "RELEASE",
    [QUEUECTL_DELETE] = "DELETE",
};

/* The spools of the caller, one after the other. */
struct spools {
    const struct queuectl *want;
    struct caller_storage storage;
    struct caller caller;
    struct configuration own; /* unless it was handed in */
    const struct configuration *config;
    struct spool spool;
};

enum opened { OPENED, NOT_THERE, DENIED };

/* The queue must be seen even while the configuration is broken: then it is looked for where it is
 * by default. */
static void spools_begin(struct spools *s, const struct queuectl *want)
{
    struct error err;
    *s = (struct spools){.want = want, .config = want->config};
    caller_find(&s->caller, &s->storage);
    if (want->config)
        return;
    s->config = &s->own;
    if (!configuration_read(&s->own, want->paths, &s->caller, NULL, &err)) {
        report_line(want->program, "%s", err.text);
        configuration_clear(&s->own);
    }
}

/* Opens the spool of LEVEL; trouble sets *CODE. Root looks at the system's as its owner does. */
static enum opened spools_open(struct spools *s, enum account_level level, int *code)
{
    struct str path = {0};
    struct error err;
    if (s->want->config && level != LEVEL_SYSTEM)
        return NOT_THERE;
    bool ok = level != LEVEL_SYSTEM || serviceuser_become(&err);
    errno = 0;
    ok = ok && spoolplace_path(&path, s->config, s->want->paths, &s->caller, level) &&
         spool_open(&s->spool, str_text(&path), false, &err);
    int why = errno;
    bool denied = level == LEVEL_SYSTEM && (why == EACCES || why == EPERM);
    if (!ok && path.len && why != ENOENT && why != EACCES && !denied) {
        report_line(s->want->program, "%s", err.text);
        *code = err.code;
    }
    str_clear(&path);
    if (ok)
        return OPENED;
    return denied ? DENIED : NOT_THERE;
}

static void spools_end(struct spools *s)
{
    configuration_clear(&s->own);
    caller_clear(&s->storage);
}

static int end_output(const char *program, int code)
{
    int flushed = help_flush();
    if (flushed != EX_OK)
        report_line(program, "cannot write to standard output");
    return code == EX_OK ? flushed : code;
}

struct listing {
    const struct queuectl *want;
    struct mailq mailq;
    bool json;
};

static bool may_see(const struct queuectl *want, const struct entry *entry)
{
    return !want->only_uid || (entry && entry->has_uid && entry->uid == want->uid);
}

static bool list_one(void *context, const struct listing_item *item)
{
    struct listing *l = context;
    if (!may_see(l->want, item->entry))
        return true;
    if (l->json)
        mailq_print_json(item);
    else
        mailq_print(&l->mailq, item);
    return !ferror(stdout);
}

/* The service goes on where we are, and ends the listing. */
static int list_by_service(const struct listing *listing, bool failed)
{
    struct str line = {0};
    str_addf(&line, "LIST requests=%lu octets=%" PRIu64 "%s%s", listing->mailq.requests,
             listing->mailq.octets, listing->json ? " json=1" : "", failed ? " failed=1" : "");
    int code = serviceline_queue(listing->want->program, listing->want->paths, str_text(&line));
    str_clear(&line);
    return code;
}

int queuectl_list(const struct queuectl *want, bool json, bool failed)
{
    static const enum account_level levels[] = {LEVEL_USER, LEVEL_SYSTEM};
    struct spools s;
    struct listing listing = {.want = want, .json = json, .mailq = {want->requests, want->octets}};
    struct error err;
    int code = EX_OK;
    bool ended = false;
    spools_begin(&s, want);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        enum opened opened = spools_open(&s, levels[i], &code);
        if (opened == DENIED && !want->config) {
            code = list_by_service(&listing, failed);
            ended = true;
        }
        if (opened != OPENED)
            continue;
        if (!listing_each(&s.spool, failed, list_one, &listing, &err)) {
            report_error(want->program, &err);
            code = err.code;
        }
        spool_close(&s.spool);
    }
    if (!json && !ended)
        mailq_end(&listing.mailq);
    spools_end(&s);
    return end_output(want->program, code);
}

static void show_progress(const struct claim *claim)
{
    static const char *const fates[] = {
        [FATE_WAITING] = "waiting", [FATE_SENT] = "sent", [FATE_FAILED] = "failed"};
    const struct envelope *env = &claim->entry.envelope;
    for (size_t i = 0; i < env->n && i < claim->journal.n; i++) {
        const struct progress *p = &claim->journal.rcpt[i];
        struct str line = {0};
        str_addf(&line, "recipient: %s (%s)", env->rcpt[i].address, fates[p->fate]);
        if (p->why.text)
            str_addf(&line, " %s", p->why.text);
        if (p->why.reply && *p->why.reply)
            str_addf(&line, ": %s", p->why.reply);
        struct str clean = {0};
        escape_line(&clean, str_text(&line), line.len);
        (void)printf("%s\n", str_text(&clean));
        str_clear(&clean);
        str_clear(&line);
    }
}

static bool show(const struct claim *claim, struct error *err)
{
    char buffer[16384];
    size_t got;
    (void)printf("id: %s\naccount: %s\nsender: <%s>\nattempts: %u\n", claim->entry.id,
                 claim->entry.account, claim->entry.envelope.sender, claim->journal.attempts);
    if (claim->journal.note && *claim->journal.note)
        (void)printf("note: %s\n", claim->journal.note);
    show_progress(claim);
    (void)printf("\n");
    for (uint64_t at = 0; at < claim->content.size; at += got) {
        if (!content_read(&claim->content, at, buffer, sizeof buffer, &got, err))
            return false;
        if (fwrite(buffer, 1, got, stdout) != got)
            return error_system(err, EX_IOERR, "cannot write to standard output");
    }
    return true;
}

static bool act_on(struct claim *claim, enum queuectl_act act, struct error *err)
{
    bool ok = true;
    switch (act) {
    case QUEUECTL_SHOW:
        ok = show(claim, err);
        break;
    case QUEUECTL_HOLD:
        ok = claim->place == SPOOL_HOLD || claim_move(claim, SPOOL_HOLD, NULL, err);
        break;
    case QUEUECTL_RELEASE:
        if (claim->place == SPOOL_QUEUE)
            ok = claim_postpone(claim, 0, err); /* it waits for its time: that is now */
        else
            ok = claim_move(claim, SPOOL_QUEUE, NULL, err);
        break;
    case QUEUECTL_DELETE:
        ok = claim_remove(claim, err);
        break;
    }
    claim_release(claim);
    return ok;
}

/* True if the entry, which somebody else holds, is the caller's. */
static bool is_own(const struct spools *s, enum spool_place place, const char *id)
{
    struct entry head = {0};
    struct error ignored;
    bool own = claim_peek(&s->spool, place, id, &head, NULL, NULL, &ignored) == CLAIM_TAKEN &&
               may_see(s->want, &head);
    entry_clear(&head);
    return own;
}

static int act_by_service(const struct queuectl *want, enum queuectl_act act, const char *id)
{
    struct str line = {0};
    str_addf(&line, "%s %s", queuectl_names[act], id);
    int code = serviceline_queue(want->program, want->paths, str_text(&line));
    str_clear(&line);
    return code;
}

/* Looks in every place of the open spool. Returns whether the entry was there, with *CODE. */
static bool act_in_spool(struct spools *s, enum queuectl_act act, const char *id, int *code)
{
    static const enum spool_place places[] = {SPOOL_QUEUE, SPOOL_HOLD, SPOOL_FAILED};
    struct error err;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct claim claim = {0};
        enum claim_result result = claim_take(&claim, &s->spool, places[i], id, &err);
        if (result == CLAIM_GONE)
            continue;
        if (result == CLAIM_TAKEN && !may_see(s->want, &claim.entry)) {
            claim_release(&claim);
            return false; /* as if it were not there */
        }
        if (result != CLAIM_TAKEN && s->want->only_uid && !is_own(s, places[i], id))
            return false;
        if (result == CLAIM_BUSY) {
            report_line(s->want->program, "%s is being delivered right now; try again", id);
            *code = EX_TEMPFAIL;
        } else if (result != CLAIM_TAKEN) {
            report_error(s->want->program, &err);
            *code = EX_DATAERR;
        } else if (!act_on(&claim, act, &err) || !spool_sync(&s->spool, &err)) {
            report_error(s->want->program, &err);
            *code = err.code;
        }
        return true;
    }
    return false;
}

int queuectl_act(const struct queuectl *want, enum queuectl_act act, const char *id)
{
    static const enum account_level levels[] = {LEVEL_USER, LEVEL_SYSTEM};
    struct spools s;
    int code = EX_OK;
    bool found = false;
    if (!entryid_valid(id)) {
        report_line(want->program, "'%s' is not a queue id; mailq shows them", id);
        return EX_USAGE;
    }
    spools_begin(&s, want);
    for (size_t i = 0; i < sizeof levels / sizeof *levels && !found; i++) {
        enum opened opened = spools_open(&s, levels[i], &code);
        if (opened == DENIED && !want->config) {
            code = act_by_service(want, act, id);
            found = true;
        }
        if (opened != OPENED)
            continue;
        found = act_in_spool(&s, act, id, &code);
        spool_close(&s.spool);
    }
    spools_end(&s);
    if (!found && code == EX_OK) {
        report_line(want->program, "there is no entry %s", id);
        code = EX_NOINPUT;
    }
    return end_output(want->program, code);
}
