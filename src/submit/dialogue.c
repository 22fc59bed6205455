#include "config.h"
#include "submit/dialogue.h"

#include "base/escape.h"

void dialogue_show(FILE *out, enum trace_kind kind, const char *line, size_t len)
{
    static const char *const marks[] = {
        [TRACE_SENT] = "-->", [TRACE_RECEIVED] = "<--", [TRACE_NOTE] = "   "};
    struct str clean = {0};
    escape_line(&clean, line, len);
    (void)fprintf(out, "%s %s\n", marks[kind], str_text(&clean));
    (void)fflush(out);
    str_clear(&clean);
}
