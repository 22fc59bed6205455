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
    if (site->rejected)
        write_line(out, "rejected", site->rejected, strlen(site->rejected));
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

static bool cannot_say(int code, const char *complaint, struct error *err)
{
    if (code == EX_USAGE)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                         "the running service is of another version: restart it "
                         "(systemctl restart onehop.service)");
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, code, "%.*s",
                     (int)strcspn(complaint, "\n"), complaint);
}

bool service_state_ask(struct service_state *state, const struct site *site, struct error *err)
{
    char *text = NULL, *complaint = NULL;
    size_t text_len, complaint_len;
    FILE *out = open_memstream(&text, &text_len),
         *errors = open_memstream(&complaint, &complaint_len);
    bool ok = out && errors;
    int code = ok ? control_client_run(site, "state", out, errors) : EX_OSERR;
    ok = (!out || fclose(out) == 0) && ok;
    ok = (!errors || fclose(errors) == 0) && ok;
    *state = (struct service_state){0};
    if (!ok)
        (void)error_system(err, EX_OSERR, "cannot ask the service");
    else if (code != EX_OK)
        ok = cannot_say(code, complaint, err);
    else
        take_lines(state, text);
    free(text);
    free(complaint);
    return ok;
}

void service_state_clear(struct service_state *state)
{
    str_clear(&state->files);
    str_clear(&state->rejected);
}
