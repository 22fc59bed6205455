#include "config.h"
#include "script.h"
#include "memorystream.h"

#include <string.h>
#include <sysexits.h>

static void speak(struct script *script, const struct script_step *step)
{
    if (step->read)
        str_add(&script->in, step->read);
    script->ended = script->ended || step->end;
}

static void go_on(struct script *script)
{
    while (script->at < script->n && !script->step[script->at].write)
        speak(script, &script->step[script->at++]);
}

static ssize_t script_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct script *script = (struct script *)s;
    size_t left = script->in.len - script->given;
    (void)err;
    if (left == 0)
        return script->ended ? 0 : STREAM_AGAIN;
    if (len > left)
        len = left;
    memcpy(buffer, script->in.data + script->given, len);
    script->given += len;
    script->held = false;
    return (ssize_t)len;
}

static ssize_t complain(struct script *script, const char *data, size_t len, struct error *err)
{
    if (script->complaint.len == 0) {
        str_addf(&script->complaint, "step %zu: ", script->at);
        str_add_n(&script->complaint, data, len);
    }
    error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_SOFTWARE, "not in the script");
    return STREAM_FAILED;
}

static ssize_t script_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    struct script *script = (struct script *)s;
    if (script->held)
        return STREAM_AGAIN; /* until what came early has been read */
    if (script->at == script->n)
        return complain(script, data, len, err);
    const struct script_step *step = &script->step[script->at];
    size_t left = strlen(step->write) - script->written;
    if (script->piece > 0 && len > script->piece)
        len = script->piece;
    bool stop = step->early > script->written && len >= step->early - script->written;
    if (stop)
        len = step->early - script->written;
    bool whole = script->piece > 0 || step->early > 0 || len == left;
    if (len > left || !whole || memcmp(step->write + script->written, data, len) != 0)
        return complain(script, data, len, err);
    script->written += len;
    if (stop) {
        speak(script, step);
        script->held = step->read != NULL;
    }
    if (len < left)
        return (ssize_t)len;
    if (step->early == 0)
        speak(script, step);
    script->written = 0;
    script->at++;
    go_on(script);
    return (ssize_t)len;
}

static int script_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    struct script *script = (struct script *)s;
    (void)deadline, (void)err;
    int ready = script->given < script->in.len || script->ended ? STREAM_READ : 0;
    if (!script->held)
        ready |= STREAM_WRITE;
    return ready & want;
}

static void script_close(struct stream *s)
{
    ((struct script *)s)->closed = true;
}

static const struct stream_ops script_ops = {script_read, script_write, script_wait,
                                             memorystream_descriptor, script_close};

void script_start(struct script *script, const struct script_step *step, size_t n)
{
    *script = (struct script){.stream = {&script_ops}, .step = step, .n = n};
    go_on(script);
}

bool script_played(const struct script *script)
{
    return script->closed && script->complaint.len == 0 && script->at == script->n;
}

void script_clear(struct script *script)
{
    str_clear(&script->in);
    str_clear(&script->complaint);
}
