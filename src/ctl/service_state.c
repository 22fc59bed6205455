#include "config.h"
#include "ctl/service_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "submit/control_client.h"

static void write_line(FILE *out, const char *name, const char *text, size_t len)
{
    struct str clean = {0};
    escape_line(&clean, text, len);
    (void)fprintf(out, "%s %s\n", name, str_text(&clean));
    str_clear(&clean);
}

void service_state_write(const struct site *site, FILE *out)
{
    (void)fprintf(out, "read %" PRId64 "\n", site->read_at);
    for (const char *line = str_text(&site->config.files); *line;) {
        size_t len = strcspn(line, "\n");
        write_line(out, "file", line, len);
        line += len + (line[len] == '\n');
    }
    const char *rejected = site_rejected(site);
    if (rejected)
        write_line(out, "rejected", rejected, strlen(rejected));
}

static bool begins(const char **line, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(*line, name, len) != 0)
        return false;
    *line += len;
    return true;
}

static void take_line(struct service_state *state, const char *line)
{
    if (begins(&line, "read "))
        state->read_at = strtoll(line, NULL, 10);
    else if (begins(&line, "file "))
        str_addf(&state->files, "%s%s", state->files.len > 0 ? "\n" : "", line);
    else if (begins(&line, "rejected "))
        str_add(&state->rejected, line);
}

static void take_lines(struct service_state *state, char *text)
{
    for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        *end = '\0';
        take_line(state, text);
    }
}

bool service_state_ask(struct service_state *state, const struct site *site, struct error *err)
{
    struct str text = {0};
    *state = (struct service_state){0};
    bool ok = control_client_ask(site, "state", &text, err);
    if (ok && text.len > 0)
        take_lines(state, text.data);
    str_clear(&text);
    return ok;
}

void service_state_clear(struct service_state *state)
{
    str_clear(&state->files);
    str_clear(&state->rejected);
}
