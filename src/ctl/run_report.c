#include "config.h"
#include "ctl/run_report.h"

#include <string.h>

#include "base/escape.h"
#include "base/translation.h"
#include "queue/entry_lock.h"
#include "queue/spoolfile.h"
#include "ctl/mailq.h"

static bool takes_all(const struct runner_filter *f)
{
    return !*f->account && !*f->recipient && !*f->sender && !f->has_uid;
}

static bool is_wanted(const struct spool *spool, const struct runner_filter *f, const char *id)
{
    struct entry head = {0};
    struct error ignored; /* the run reports it */
    if (*f->id && strcmp(f->id, id) != 0)
        return false;
    bool wanted =
        takes_all(f) || (entry_lock_peek(spool, SPOOL_QUEUE, id, &head, &ignored) == SPOOL_FOUND &&
                         runner_wants(f, &head));
    entry_clear(&head);
    return wanted;
}

bool run_report_before(struct scan *wanted, const struct spool *spool,
                       const struct runner_filter *filter, struct error *err)
{
    size_t kept = 0;
    if (!scan_read(wanted, spool, SPOOL_QUEUE, err))
        return false;
    for (size_t i = 0; i < wanted->n; i++)
        if (is_wanted(spool, filter, wanted->item[i].id))
            wanted->item[kept++] = wanted->item[i];
    wanted->n = kept;
    return true;
}

static bool take_reason(void *context, const struct listing_item *item)
{
    struct str *why = context;
    mailq_add_reason(why, item);
    if (why->len > 0)
        mailq_add_next(why, item);
    return true;
}

void run_report_after(struct run_report *report, const struct spool *spool,
                      const struct scan *wanted)
{
    struct spoolfile file;
    for (size_t i = 0; i < wanted->n; i++) {
        const char *id = wanted->item[i].id;
        if (spoolfile_facts(spool, SPOOL_QUEUE, id, &file) == SPOOL_FOUND) {
            report->waiting++;
            if (report->why.len == 0)
                listing_one(spool, id, take_reason, &report->why);
        } else if (spoolfile_facts(spool, SPOOL_FAILED, id, &file) == SPOOL_FOUND) {
            report->kept++;
        } else {
            report->left++;
        }
    }
}

void run_report_print(const struct run_report *report, FILE *out)
{
    struct str line = {0};
    if (report->left + report->kept + report->waiting == 0) {
        str_add(&line, _("nothing waits"));
    } else {
        str_addf(&line, PLURAL("%zu message has left", "%zu messages have left", report->left),
                 report->left);
        str_add(&line, ", ");
        str_addf(&line, PLURAL("%zu waits", "%zu wait", report->waiting), report->waiting);
    }
    if (report->kept > 0) {
        str_add(&line, ", ");
        str_addf(&line,
                 PLURAL("%zu given up (onehopctl queue --failed)",
                        "%zu given up (onehopctl queue --failed)", report->kept),
                 report->kept);
    }
    if (report->why.len > 0)
        str_addf(&line, ": %s", str_text(&report->why));
    (void)escape_text(line.data, line.len);
    (void)fprintf(out, "%s\n", line.data);
    str_clear(&line);
}

void run_report_clear(struct run_report *report)
{
    str_clear(&report->why);
}
