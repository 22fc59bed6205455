#include "config.h"
#include "config/key.h"

#include <assert.h>
#include <string.h>

#include "config/nearest.h"

const struct key *key_find(enum key_section section, const char *name)
{
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        if (key->section == section &&
            (strcmp(key->name, name) == 0 || (key->alias && strcmp(key->alias, name) == 0)))
            return key;
    }
    return NULL;
}

const char *key_nearest(enum key_section section, const char *name)
{
    struct nearest nearest = {.word = name};
    for (size_t i = 0; i < key_count; i++) {
        if (key_table[i].section != section)
            continue;
        nearest_offer(&nearest, key_table[i].name);
        if (key_table[i].alias)
            nearest_offer(&nearest, key_table[i].alias);
    }
    return nearest.best;
}

const char *key_bare_value(const struct key *key)
{
    if (key->type == KEY_BOOL || key->type == KEY_METHOD)
        return "on";
    const char *bare = NULL;
    for (const char *const *choice = key->choices; choice && *choice; choice++)
        if (strcmp(*choice, "auto") == 0 || (!bare && strcmp(*choice, "on") == 0))
            bare = *choice;
    return bare;
}

const struct key_renamed *key_renamed(const char *name)
{
    static const struct key_renamed names[] = {
        {"connect_timeout", "timeout", NULL, NULL},
        {"add_missing_from_header", "set_from_header", "auto", "off"},
        {"add_missing_date_header", "set_date_header", "auto", "off"},
        {"undisclosed_recipients", "set_to_header", "undisclosed_recipients", "off"},
        {"keepbcc", "remove_bcc_headers", "off", "on"},
        {"tls_nocertcheck", "tls_certcheck", NULL, "off"},
        {"tls_nostarttls", "tls_starttls", NULL, "off"},
        {"tls_force_sslv3", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0)
            return &names[i];
    return NULL;
}

size_t key_index(const struct key *key)
{
    assert(key >= key_table && key < key_table + key_count);
    return (size_t)(key - key_table);
}

bool key_is_set(const struct key_set *set, const struct key *key)
{
    size_t i = key_index(key);
    return set->bits[i / 64] >> (i % 64) & 1;
}

void key_mark(struct key_set *set, const struct key *key)
{
    size_t i = key_index(key);
    set->bits[i / 64] |= (uint64_t)1 << (i % 64);
}

void key_unset(const struct key *key, void *object, bool as_msmtp)
{
    const char *text = as_msmtp && key->msmtp ? key->msmtp : key->fallback;
    if (*text == '\0' && key->type == KEY_NUMBER) {
        *(long *)((char *)object + key->offset) = 0; /* there is none */
        return;
    }
    struct error err;
    bool parsed = key_parse(key, object, text, "", &err);
    assert(parsed);
    (void)parsed; /* the table is ours, and a test walks it */
}

static void fill(enum key_section section, void *object, bool as_msmtp)
{
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == section)
            key_unset(&key_table[i], object, as_msmtp);
}

void key_fill(enum key_section section, void *object)
{
    fill(section, object, false);
}

void key_fill_msmtp(enum key_section section, void *object)
{
    fill(section, object, true);
}
