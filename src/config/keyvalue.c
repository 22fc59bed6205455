/* The values of keys: from text, to text, from one object to another, each by its type. */
#include "config.h"
#include "config/key.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t DAY = (int64_t)24 * HOUR;

static void *field(const struct key *key, const void *object)
{
    return (char *)object + key->offset;
}

/* A tab is a blank here. */
static bool has_control(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return true;
    return false;
}

static bool check(const struct key *key, const char *text, struct error *err)
{
    if (!key->check || *text == '\0' || key->check(text, err))
        return true;
    return error_prefix(err, "%s", key->name);
}

/* The number TEXT begins with; *REST is what follows. False if there is none or it is too large. */
static bool number(const char *text, int64_t *value, const char **rest)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 15)
        return false;
    *value = strtoll(text, NULL, 10);
    *rest = text + digits;
    return true;
}

static bool parse_text(const struct key *key, char **slot, const char *text, const char *home,
                       struct error *err)
{
    struct str value = {0};
    bool below_home = text[0] == '~' && (text[1] == '/' || text[1] == '\0') && *home;
    if (key->type == KEY_PATH && below_home)
        str_add(&value, home);
    str_add(&value, value.len ? text + 1 : text);
    if (!check(key, str_text(&value), err)) {
        str_clear(&value);
        return false;
    }
    free(*slot);
    *slot = str_take(&value);
    return true;
}

static bool parse_list(const struct key *key, struct strlist *list, const char *text,
                       struct error *err)
{
    struct strlist new = {0};
    while (*text) {
        text += strspn(text, " \t,");
        size_t len = strcspn(text, ",");
        const char *next = text + len;
        while (len > 0 && strchr(" \t", text[len - 1]))
            len--;
        if (len > 0)
            strlist_take(&new, memory_copy_n(text, len));
        if (len > 0 && !check(key, new.item[new.n - 1], err)) {
            strlist_clear(&new);
            return false;
        }
        text = next;
    }
    strlist_clear(list);
    *list = new;
    return true;
}

/* 0 and 1 for the words that mean off and on, else -1. */
static int switch_value(const char *text)
{
    static const char *const tokens[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    for (int i = 0; i < (int)(sizeof tokens / sizeof *tokens); i++)
        if (strcasecmp(text, tokens[i]) == 0)
            return i % 2;
    return -1;
}

static bool parse_bool(const struct key *key, bool *slot, const char *text, struct error *err)
{
    int value = switch_value(text);
    if (value >= 0) {
        *slot = value;
        return true;
    }
    return error_config(err, "%s must be on or off, not '%s'", key->name, text);
}

static bool parse_number(const struct key *key, long *slot, const char *text, struct error *err)
{
    int64_t value = 0;
    const char *rest = "";
    bool hex = text[0] == '0' && (text[1] | 0x20) == 'x'; /* msmtp takes it, too */
    if (hex)
        value = strtoll(text, (char **)&rest, 16);
    if ((!hex && !number(text, &value, &rest)) || *rest || value < key->min || value > key->max)
        return error_config(err, "%s must be a number from %ld to %ld, not '%s'", key->name,
                            key->min, key->max, text);
    *slot = (long)value;
    return true;
}

static bool parse_duration(const struct key *key, int64_t *slot, const char *text,
                           struct error *err)
{
    static const struct {
        const char *unit;
        int64_t milliseconds;
    } units[] = {{"", SECOND},
                 {"s", SECOND},
                 {"m", MINUTE},
                 {"min", MINUTE},
                 {"h", HOUR},
                 {"d", 24 * (int64_t)HOUR},
                 {"w", 7 * 24 * (int64_t)HOUR}};
    int64_t value = 0;
    const char *rest = "";
    if (strcasecmp(text, "off") == 0) {
        *slot = 0;
        return true;
    }
    bool is_number = number(text, &value, &rest) && value < 1000000000;
    rest += strspn(rest, " ");
    for (size_t i = 0; is_number && i < sizeof units / sizeof *units; i++)
        if (strcmp(rest, units[i].unit) == 0) {
            *slot = value * units[i].milliseconds;
            return true;
        }
    return error_config(err, "%s must be a time like 90, 90s, 5m, 2h, 5d, or off, not '%s'",
                        key->name, text);
}

static const int64_t size_max = (int64_t)1 << 60;

static bool parse_size(const struct key *key, int64_t *slot, const char *text, struct error *err)
{
    static const char units[] = "kmg";
    int64_t value = 0;
    const char *rest = "";
    if (number(text, &value, &rest)) {
        const char *unit = *rest ? strchr(units, *rest | 0x20) : NULL;
        int shift = unit ? 10 * (int)(unit - units + 1) : 0;
        if ((!*rest || (unit && *unit && !rest[1])) && value <= size_max >> shift) {
            *slot = value << shift;
            return true;
        }
    }
    return error_config(err, "%s must be a size like 4096, 64k, 10M, not '%s'", key->name, text);
}

static bool parse_choice(const struct key *key, int *slot, const char *text, struct error *err)
{
    int on = switch_value(text);
    const char *wanted = on < 0 ? text : on ? "on" : "off"; /* as every switch takes them */
    for (int i = 0; key->choices[i]; i++)
        if (strcasecmp(wanted, key->choices[i]) == 0) {
            *slot = i;
            return true;
        }
    struct str all = {0};
    for (int i = 0; key->choices[i]; i++)
        str_addf(&all, "%s%s", i ? ", " : "", key->choices[i]);
    error_config(err, "%s must be one of %s, not '%s'", key->name, str_text(&all), text);
    str_clear(&all);
    return false;
}

bool key_parse(const struct key *key, void *object, const char *text, const char *home,
               struct error *err)
{
    void *slot = field(key, object);
    if (has_control(text))
        return error_config(err, "%s contains a control character", key->name);
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        return parse_text(key, slot, text, home, err);
    case KEY_SECRET: {
        struct str *secret = slot;
        secret->secret = true;
        str_clear(secret);
        str_add(secret, text);
        return true;
    }
    case KEY_LIST:
        return parse_list(key, slot, text, err);
    case KEY_BOOL:
        return parse_bool(key, slot, text, err);
    case KEY_NUMBER:
        return parse_number(key, slot, text, err);
    case KEY_DURATION:
        return parse_duration(key, slot, text, err);
    case KEY_SIZE:
        return parse_size(key, slot, text, err);
    case KEY_CHOICE:
        return parse_choice(key, slot, text, err);
    }
    return error_config(err, "%s has no type", key->name);
}

/* Seconds up to an hour, as msmtp shows them; whole hours and days beyond. */
static void print_duration(int64_t value, struct str *out)
{
    if (value == 0)
        str_add(out, "off");
    else if (value % DAY == 0)
        str_addf(out, "%lldd", (long long)(value / DAY));
    else if (value % HOUR == 0)
        str_addf(out, "%lldh", (long long)(value / HOUR));
    else
        str_addf(out, "%lld", (long long)(value / SECOND));
}

static void print_list(const struct strlist *list, struct str *out)
{
    for (size_t i = 0; i < list->n; i++)
        str_addf(out, "%s%s", i ? ", " : "", list->item[i]);
}

void key_print(const struct key *key, const void *object, struct str *out)
{
    const void *slot = field(key, object);
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH: {
        const char *text = *(char *const *)slot;
        str_add(out, text ? text : "");
        break;
    }
    case KEY_SECRET:
        str_add(out, ((const struct str *)slot)->len ? "*" : "");
        break;
    case KEY_LIST:
        print_list(slot, out);
        break;
    case KEY_BOOL:
        str_add(out, *(const bool *)slot ? "on" : "off");
        break;
    case KEY_NUMBER:
        if (*(const long *)slot)
            str_addf(out, "%ld", *(const long *)slot);
        break;
    case KEY_DURATION:
        print_duration(*(const int64_t *)slot, out);
        break;
    case KEY_SIZE:
        str_addf(out, "%lld", (long long)*(const int64_t *)slot);
        break;
    case KEY_CHOICE:
        str_add(out, key->choices[*(const int *)slot]);
        break;
    }
}

void key_copy(const struct key *key, void *to, const void *from)
{
    void *target = field(key, to);
    const void *source = field(key, from);
    if (target == source)
        return;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        memory_replace(target, *(char *const *)source);
        break;
    case KEY_SECRET: {
        struct str *secret = target;
        const struct str *other = source;
        secret->secret = true;
        str_clear(secret);
        str_add_n(secret, str_text(other), other->len);
        break;
    }
    case KEY_LIST:
        strlist_copy(target, source);
        break;
    case KEY_BOOL:
        *(bool *)target = *(const bool *)source;
        break;
    case KEY_NUMBER:
        *(long *)target = *(const long *)source;
        break;
    case KEY_DURATION:
    case KEY_SIZE:
        *(int64_t *)target = *(const int64_t *)source;
        break;
    case KEY_CHOICE:
        *(int *)target = *(const int *)source;
        break;
    }
}

static void clear_value(const struct key *key, void *object)
{
    void *slot = field(key, object);
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        free(*(char **)slot);
        *(char **)slot = NULL;
        break;
    case KEY_SECRET:
        str_clear(slot);
        break;
    case KEY_LIST:
        strlist_clear(slot);
        break;
    case KEY_BOOL:
        *(bool *)slot = false;
        break;
    case KEY_NUMBER:
        *(long *)slot = 0;
        break;
    case KEY_DURATION:
    case KEY_SIZE:
        *(int64_t *)slot = 0;
        break;
    case KEY_CHOICE:
        *(int *)slot = 0;
        break;
    }
}

void key_clear(enum key_section section, void *object)
{
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == section)
            clear_value(&key_table[i], object);
}
