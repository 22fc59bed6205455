#include "config.h"
#include "submit/stdio_session.h"

#include <sysexits.h>
#include <unistd.h>

#include "net/pair.h"
#include "submit/send_context.h"
#include "submit/smtp_frontend.h"

/* The caller's own mail: programs keep this open as long as they live, so that nothing here takes
 * too long. */
static int serve_here(struct send_context *s)
{
    struct smtp_frontend frontend = {
        .s = s,
        .extension = "",
        .size_max = STDIO_SESSION_SIZE_MAX,
        .lenient = true,
    };
    struct stream *stream = pair_stream(STDIN_FILENO, STDOUT_FILENO);
    bool ok = smtp_frontend_run(&frontend, &stream);
    stream_close(stream);
    return ok ? EX_OK : EX_IOERR;
}

int stdio_session_run(const struct invocation *call, struct site *site)
{
    struct send_context s = {0};
    send_context_begin(&s, call, site);
    s.several = true;
    s.dialogue = stderr; /* standard output is the caller's dialogue with us */
    int code = serve_here(&s);
    send_context_clear(&s);
    return code;
}
