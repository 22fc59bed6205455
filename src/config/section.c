#include "config.h"
#include "config/section.h"

#include <string.h>

#include "config/nearest.h"

void section_begin(struct section *section, enum key_section kind, void *object,
                   struct key_set *set, const char *home)
{
    *section = (struct section){.kind = kind, .object = object, .set = set, .home = home};
}

/* A key that is known elsewhere was put into the wrong section; else it was mistyped. */
static bool unknown(enum key_section kind, const char *name, struct error *err)
{
    static const struct {
        enum key_section kind;
        const char *shown;
    } others[] = {{KEY_ACCOUNT, "[account NAME], [defaults]"},
                  {KEY_QUEUE, "[queue]"},
                  {KEY_SERVICE, "[service]"},
                  {KEY_PROVIDER, "[provider NAME]"},
                  {KEY_OAUTH, "[oauth NAME]"}};
    const struct nearest nearest = {.best = key_nearest(kind, name)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].kind != kind && key_find(others[i].kind, name))
            return error_config(err, "key '%s' belongs into %s", name, others[i].shown);
    (void)error_config(err, "unknown key '%s'", name);
    return nearest_hint(&nearest, err);
}

bool section_take(struct section *section, const struct ini_event *event, struct error *err)
{
    const struct key *key = key_find(section->kind, event->key);
    if (!key)
        return unknown(section->kind, event->key, err);
    int *line = &section->line[key_index(key)];
    if (*line && key->type == KEY_LIST)
        return error_config(err,
                            "key '%s' was already given in line %d: separate its values by "
                            "commas",
                            event->key, *line);
    if (*line)
        return error_config(err, "key '%s' was already given in line %d", event->key, *line);
    if (!key_parse(key, section->object, event->value, section->home, err))
        return false;
    *line = event->line;
    key_mark(section->set, key);
    return true;
}
