#include "config.h"
#include "ctl/units.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/translation.h"

enum { OUTPUT_MAX = 4096, COMMAND_TIME = 10 * 1000, WORD_MAX = 32 };

struct unit {
    char load[WORD_MAX], active[WORD_MAX], enabled[WORD_MAX];
};

bool units_are_here(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

/* Units are separated by blank lines, in the order in which they were asked for. */
static void take_line(struct unit *unit, const char *line, size_t len)
{
    const struct {
        const char *name;
        char *value;
    } places[] = {{"LoadState=", unit->load},
                  {"ActiveState=", unit->active},
                  {"UnitFileState=", unit->enabled}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t head = strlen(places[i].name);
        if (len < head || len - head >= WORD_MAX || strncmp(line, places[i].name, head) != 0)
            continue;
        memcpy(places[i].value, line + head, len - head);
        places[i].value[len - head] = '\0';
    }
}

static bool ask(struct unit *unit, size_t n)
{
    static const char command[] = "systemctl show --property=LoadState,ActiveState,UnitFileState "
                                  "onehop.socket onehop.service 2>/dev/null";
    struct str text = {0};
    struct error ignored; /* nothing is known then */
    size_t i = 0;
    bool ok = process_output(command, clock_after(COMMAND_TIME), OUTPUT_MAX, &text, &ignored);
    for (const char *line = str_text(&text); ok && *line && i < n;) {
        size_t len = strcspn(line, "\n");
        if (len == 0)
            i++;
        else
            take_line(&unit[i], line, len);
        line += len + (line[len] == '\n');
    }
    str_clear(&text);
    return ok;
}

bool units_show(struct str *out, struct error *err)
{
    enum { SOCKET, SERVICE, UNITS };
    struct unit unit[UNITS] = {0};
    if (!units_are_here() || !ask(unit, UNITS) || strcmp(unit[SOCKET].load, "loaded") != 0)
        return true;
    str_addf(out, _("onehop.socket is %s and %s, onehop.service %s and %s"), unit[SOCKET].active,
             unit[SOCKET].enabled, unit[SERVICE].active, unit[SERVICE].enabled);
    if (strcmp(unit[SOCKET].active, "active") != 0)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                         "onehop.socket is %s: systemctl enable --now onehop.socket",
                         unit[SOCKET].active);
    if (strcmp(unit[SOCKET].enabled, "enabled") != 0)
        str_addf(out, "\n%s",
                 _("after the next start of this machine no service listens: systemctl enable "
                   "onehop.socket"));
    return true;
}
