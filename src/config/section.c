#include "config.h"
#include "config/section.h"

#include "config/nearest.h"

const struct section_kind section_kinds[] = {
    {KEY_ACCOUNT, "account", "[account NAME], [defaults]", true},
    {KEY_QUEUE, "queue", "[queue]", false},
    {KEY_SERVICE, "service", "[service]", false},
    {KEY_PROVIDER, "provider", "[provider NAME]", true},
    {KEY_OAUTH, "oauth", "[oauth NAME]", true},
    {0, NULL, NULL, false},
};

void section_begin(struct section *section, enum key_section kind, void *object,
                   struct key_set *set, const char *home)
{
    *section = (struct section){.kind = kind, .object = object, .set = set, .home = home};
}

/* A key that is known elsewhere was put into the wrong section; else it was mistyped. */
static bool unknown(enum key_section kind, const char *name, struct error *err)
{
    const struct nearest nearest = {.best = key_nearest(kind, name)};
    for (const struct section_kind *other = section_kinds; other->word; other++)
        if (other->kind != kind && key_find(other->kind, name))
            return error_config(err, "key '%s' belongs into %s", name, other->shown);
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
