#include "config.h"
#include "submit/stdio_session.h"

#include <sysexits.h>
#include <unistd.h>

#include "net/pair.h"
#include "submit/send_context.h"
#include "submit/smtp_frontend.h"

/* The caller's own mail: programs keep this open as long as they live, so that nothing here takes
 * too long. */
static int serve_here(struct sending *s)
{
    struct serving serving = {
        .s = s,
        .extension = "",
        .size_max = TALK_SIZE_MAX,
        .lenient = true,
    };
    struct stream *stream = pair_stream(STDIN_FILENO, STDOUT_FILENO);
    bool ok = serving_run(&serving, stream);
    stream_close(stream);
    return ok ? EX_OK : EX_IOERR;
}

int talk_run(const struct invocation *call, const struct paths *paths)
{
    struct sending s = {0};
    sending_begin(&s, call, paths);
    s.dialogue = stderr; /* standard output is the caller's dialogue with us */
    int code = serve_here(&s);
    sending_clear(&s);
    return code;
}
