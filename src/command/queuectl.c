#include "config.h"
#include "command/queuectl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "queue/claim.h"
#include "queue/listing.h"
#include "delivery/spoolplace.h"
#include "cli/caller.h"
#include "command/help.h"
#include "command/mailq.h"
#include "command/report.h"

static const char program_name[] = "onehopctl";

/* The spools of the caller, one after the other. */
struct spools {
    struct caller_storage storage;
    struct caller caller;
    struct configuration config;
    const struct paths *paths;
    struct spool spool;
};

/* The queue must be seen even while the configuration is broken: then it is looked for where it is
 * by default. */
static void spools_begin(struct spools *s, const char *program, const struct paths *paths)
{
    struct error err;
    s->paths = paths;
    caller_find(&s->caller, &s->storage);
    if (!configuration_read(&s->config, paths, &s->caller, NULL, &err)) {
        report_line(program, "%s", err.text);
        configuration_clear(&s->config);
    }
}

/* Opens the spool of LEVEL. False if there is none, or (*CODE) it is in trouble. */
static bool spools_open(struct spools *s, const char *program, enum account_level level, int *code)
{
    struct str path = {0};
    struct error err;
    errno = 0;
    bool ok = spoolplace_path(&path, &s->config, s->paths, &s->caller, level) &&
              spool_open(&s->spool, str_text(&path), false, &err);
    if (!ok && path.len && errno != ENOENT && errno != EACCES) {
        report_line(program, "%s", err.text);
        *code = err.code;
    }
    str_clear(&path);
    return ok;
}

static void spools_end(struct spools *s)
{
    configuration_clear(&s->config);
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
    struct mailq mailq;
    bool json;
};

static bool list_one(void *context, const struct listing_item *item)
{
    struct listing *l = context;
    if (l->json)
        mailq_print_json(item);
    else
        mailq_print(&l->mailq, item);
    return !ferror(stdout);
}

int queuectl_list(const char *program, const struct paths *paths, bool json, bool failed)
{
    static const enum account_level levels[] = {LEVEL_USER, LEVEL_SYSTEM};
    struct spools s = {0};
    struct listing listing = {.json = json};
    struct error err;
    int code = EX_OK;
    spools_begin(&s, program, paths);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (!spools_open(&s, program, levels[i], &code))
            continue;
        if (!listing_each(&s.spool, failed, list_one, &listing, &err)) {
            report_error(program, &err);
            code = err.code;
        }
        spool_close(&s.spool);
    }
    if (!json)
        mailq_end(&listing.mailq);
    spools_end(&s);
    return end_output(program, code);
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
        if (result == CLAIM_BUSY) {
            report_line(program_name, "%s is being delivered right now; try again", id);
            *code = EX_TEMPFAIL;
        } else if (result != CLAIM_TAKEN) {
            report_error(program_name, &err);
            *code = EX_DATAERR;
        } else if (!act_on(&claim, act, &err) || !spool_sync(&s->spool, &err)) {
            report_error(program_name, &err);
            *code = err.code;
        }
        return true;
    }
    return false;
}

int queuectl_act(const struct paths *paths, enum queuectl_act act, const char *id)
{
    static const enum account_level levels[] = {LEVEL_USER, LEVEL_SYSTEM};
    struct spools s = {0};
    int code = EX_OK;
    bool found = false;
    if (!entryid_valid(id)) {
        report_line(program_name, "'%s' is not a queue id; mailq shows them", id);
        return EX_USAGE;
    }
    spools_begin(&s, program_name, paths);
    for (size_t i = 0; i < sizeof levels / sizeof *levels && !found; i++) {
        if (!spools_open(&s, program_name, levels[i], &code))
            continue;
        found = act_in_spool(&s, act, id, &code);
        spool_close(&s.spool);
    }
    spools_end(&s);
    if (!found && code == EX_OK) {
        report_line(program_name, "there is no entry %s", id);
        code = EX_NOINPUT;
    }
    return end_output(program_name, code);
}
