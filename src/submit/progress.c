#include "config.h"
#include "submit/progress.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/translation.h"

enum { STEP = 200, REFUSAL_MAX = 100 }; /* milliseconds; octets of a line that has to fit */

struct progress {
    size_t total;
    int64_t began; /* clock_now() */
    atomic_size_t done;
    atomic_llong shown;            /* clock_now() when the line was last written */
    char refusal[REFUSAL_MAX + 1]; /* two processes can mix theirs: it is looked at, not parsed */
};

struct progress *progress_begin(size_t total)
{
    struct progress *p = memory_shared(sizeof *p);
    if (!p)
        return NULL;
    p->total = total;
    p->began = clock_now();
    return p;
}

static void show(const struct progress *p, size_t done, int64_t now)
{
    double seconds = (double)(now - p->began) / 1000;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    (void)fprintf(stderr, "\r");
    if (*p->refusal)
        (void)fprintf(stderr, _("%zu of %zu, %.1f/s, last refusal: %.*s"), done, p->total, rate,
                      REFUSAL_MAX, p->refusal);
    else
        (void)fprintf(stderr, _("%zu of %zu, %.1f/s"), done, p->total, rate);
    (void)fprintf(stderr, "\033[K");
    (void)fflush(stderr);
}

void progress_note(struct progress *p, const struct error *why)
{
    if (!p)
        return;
    if (why) {
        struct str text = {0}, clean = {0};
        error_explain_shown(why, &text);
        escape_line(&clean, str_text(&text), text.len);
        (void)snprintf(p->refusal, sizeof p->refusal, "%s", str_text(&clean)); /* may be cut */
        str_clear(&clean);
        str_clear(&text);
    }
    size_t done = atomic_fetch_add(&p->done, 1) + 1;
    long long now = clock_now(), shown = atomic_load(&p->shown);
    if (now - shown >= STEP && atomic_compare_exchange_strong(&p->shown, &shown, now))
        show(p, done, now);
}

void progress_end(struct progress *p)
{
    if (!p)
        return;
    if (atomic_load(&p->shown) != 0)
        (void)fprintf(stderr, "\r\033[K");
    (void)munmap(p, sizeof *p);
}
