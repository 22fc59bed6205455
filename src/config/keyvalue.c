/* The values of keys: from text, to text, from one object to another, each by its type. */
#include "config.h"
#include "config/key.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/sasl.h"
#include "config/account.h"

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

static bool parse_text(const struct key *key, void *slot, const char *text, const char *home,
                       struct error *err)
{
    char **target = slot;
    struct str value = {0};
    bool below_home = text[0] == '~' && (text[1] == '/' || text[1] == '\0') && *home;
    if (key->type == KEY_PATH && below_home)
        str_add(&value, home);
    str_add(&value, value.len ? text + 1 : text);
    if (!check(key, str_text(&value), err)) {
        str_clear(&value);
        return false;
    }
    free(*target);
    *target = str_take(&value);
    return true;
}

static bool parse_secret(const struct key *key, void *slot, const char *text, const char *home,
                         struct error *err)
{
    struct str *secret = slot;
    (void)key, (void)home, (void)err;
    secret->secret = true;
    str_clear(secret);
    str_add(secret, text);
    return true;
}

static bool parse_list(const struct key *key, void *slot, const char *text, const char *home,
                       struct error *err)
{
    struct strlist *list = slot;
    (void)home;
    struct strlist new = {0};
    if (*text && !text[strspn(text, " \t,")])
        return error_config(err,
                            "%s: '%s' is a list of nothing: write one item, or several with commas",
                            key->name, text);
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
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return i % 2;
    return -1;
}

static bool parse_bool(const struct key *key, void *slot, const char *text, const char *home,
                       struct error *err)
{
    bool *target = slot;
    (void)home;
    int value = switch_value(text);
    if (value >= 0) {
        *target = value;
        return true;
    }
    return error_config(err, "%s must be on or off, not '%s'", key->name, text);
}

static bool parse_number(const struct key *key, void *slot, const char *text, const char *home,
                         struct error *err)
{
    long *target = slot;
    (void)home;
    int64_t value = 0;
    const char *rest = "";
    bool hex = text[0] == '0' && (text[1] | 0x20) == 'x'; /* msmtp takes it, too */
    if (hex)
        value = strtoll(text, (char **)&rest, 16);
    if ((!hex && !number(text, &value, &rest)) || *rest || value < key->min || value > key->max)
        return error_config(err, "%s must be a number from %ld to %ld, not '%s'", key->name,
                            key->min, key->max, text);
    *target = (long)value;
    return true;
}

static bool parse_duration(const struct key *key, void *slot, const char *text, const char *home,
                           struct error *err)
{
    int64_t *target = slot;
    (void)home;
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
        *target = 0;
        return true;
    }
    bool is_number = number(text, &value, &rest) && value < 1000000000;
    rest += strspn(rest, " ");
    for (size_t i = 0; is_number && i < sizeof units / sizeof *units; i++)
        if (strcmp(rest, units[i].unit) == 0) {
            *target = value * units[i].milliseconds;
            return true;
        }
    return error_config(err, "%s must be a time like 90, 90s, 5m, 2h, 5d, or off, not '%s'",
                        key->name, text);
}

static const int64_t size_max = (int64_t)1 << 60;

static bool parse_size(const struct key *key, void *slot, const char *text, const char *home,
                       struct error *err)
{
    int64_t *target = slot;
    (void)home;
    static const char units[] = "kmg";
    int64_t value = 0;
    const char *rest = "";
    if (number(text, &value, &rest)) {
        const char *unit = *rest ? strchr(units, *rest | 0x20) : NULL;
        int shift = unit ? 10 * (int)(unit - units + 1) : 0;
        if ((!*rest || (unit && *unit && !rest[1])) && value <= size_max >> shift) {
            *target = value << shift;
            return true;
        }
    }
    return error_config(err, "%s must be a size like 4096, 64k, 10M, not '%s'", key->name, text);
}

/* Configuration files have the names of mechanisms in small letters. */
static void add_method(struct str *out, int auth)
{
    const struct sasl *sasl = account_sasl(auth);
    const char *name = auth == AUTH_OFF ? "off" : sasl ? sasl->name : "on";
    for (; *name; name++)
        str_add_char(out, (char)tolower((unsigned char)*name));
}

bool key_choice(const struct key *key, size_t i, struct str *out)
{
    bool is_there = true;
    if (key->type == KEY_METHOD && (i < AUTH_MECHANISM || account_sasl((int)i)))
        add_method(out, (int)i);
    else if (key->type == KEY_BOOL && i < 2)
        str_add(out, i == 0 ? "on" : "off");
    else if (key->type == KEY_CHOICE && key->choices[i])
        str_add(out, key->choices[i]);
    else
        is_there = false;
    return is_there;
}

static bool no_choice(const struct key *key, const char *text, struct error *err)
{
    struct str all = {0}, choice = {0};
    for (size_t i = 0; key_choice(key, i, &choice); i++) {
        str_addf(&all, "%s%s", i ? ", " : "", str_text(&choice));
        str_truncate(&choice, 0);
    }
    error_config(err, "%s must be one of %s, not '%s'", key->name, str_text(&all), text);
    str_clear(&all);
    str_clear(&choice);
    return false;
}

static bool parse_choice(const struct key *key, void *slot, const char *text, const char *home,
                         struct error *err)
{
    int *target = slot;
    (void)home;
    int on = switch_value(text);
    const char *wanted = on < 0 ? text : on ? "on" : "off"; /* as every switch takes them */
    for (int i = 0; key->choices[i]; i++)
        if (strcasecmp(wanted, key->choices[i]) == 0) {
            *target = i;
            return true;
        }
    return no_choice(key, text, err);
}

static bool parse_method(const struct key *key, void *slot, const char *text, const char *home,
                         struct error *err)
{
    int *target = slot, on = switch_value(text), row = AUTH_MECHANISM;
    const struct sasl *wanted = sasl_find(text);
    (void)home;
    if (on >= 0 || wanted) {
        while (wanted && account_sasl(row) != wanted)
            row++;
        *target = on < 0 ? row : on ? AUTH_ON : AUTH_OFF;
        return true;
    }
    return no_choice(key, text, err);
}

static void print_text(const struct key *key, const void *slot, struct str *out)
{
    const char *text = *(char *const *)slot;
    (void)key;
    str_add(out, text ? text : "");
}

static void print_secret(const struct key *key, const void *slot, struct str *out)
{
    (void)key;
    str_add(out, ((const struct str *)slot)->len ? "*" : "");
}

static void print_list(const struct key *key, const void *slot, struct str *out)
{
    const struct strlist *list = slot;
    (void)key;
    for (size_t i = 0; i < list->n; i++)
        str_addf(out, "%s%s", i ? ", " : "", list->item[i]);
}

static void print_bool(const struct key *key, const void *slot, struct str *out)
{
    (void)key;
    str_add(out, *(const bool *)slot ? "on" : "off");
}

static void print_number(const struct key *key, const void *slot, struct str *out)
{
    (void)key;
    if (*(const long *)slot)
        str_addf(out, "%ld", *(const long *)slot);
}

/* Seconds up to an hour, as msmtp shows them; whole hours and days beyond. */
static void print_duration(const struct key *key, const void *slot, struct str *out)
{
    int64_t value = *(const int64_t *)slot;
    (void)key;
    if (value == 0)
        str_add(out, "off");
    else if (value % DAY == 0)
        str_addf(out, "%lldd", (long long)(value / DAY));
    else if (value % HOUR == 0)
        str_addf(out, "%lldh", (long long)(value / HOUR));
    else
        str_addf(out, "%lld", (long long)(value / SECOND));
}

static void print_size(const struct key *key, const void *slot, struct str *out)
{
    (void)key;
    str_addf(out, "%lld", (long long)*(const int64_t *)slot);
}

static void print_choice(const struct key *key, const void *slot, struct str *out)
{
    str_add(out, key->choices[*(const int *)slot]);
}

static void print_method(const struct key *key, const void *slot, struct str *out)
{
    (void)key;
    add_method(out, *(const int *)slot);
}

static void copy_text(void *to, const void *from)
{
    memory_replace(to, *(char *const *)from);
}

static void clear_text(void *slot)
{
    free(*(char **)slot);
    *(char **)slot = NULL;
}

static void copy_secret(void *to, const void *from)
{
    struct str *secret = to;
    const struct str *other = from;
    secret->secret = true;
    str_clear(secret);
    str_add_n(secret, str_text(other), other->len);
}

static void clear_secret(void *slot)
{
    str_clear(slot);
}

static void copy_list(void *to, const void *from)
{
    strlist_copy(to, from);
}

static void clear_list(void *slot)
{
    strlist_clear(slot);
}

/* A type is a row. Without copy and clear a value is its octets, and all zero when it is empty. */
static const struct type {
    size_t size;
    bool (*parse)(const struct key *key, void *slot, const char *text, const char *home,
                  struct error *err);
    void (*print)(const struct key *key, const void *slot, struct str *out);
    void (*copy)(void *to, const void *from);
    void (*clear)(void *slot);
} types[] = {
    [KEY_TEXT] = {sizeof(char *), parse_text, print_text, copy_text, clear_text},
    [KEY_PATH] = {sizeof(char *), parse_text, print_text, copy_text, clear_text},
    [KEY_SECRET] = {sizeof(struct str), parse_secret, print_secret, copy_secret, clear_secret},
    [KEY_LIST] = {sizeof(struct strlist), parse_list, print_list, copy_list, clear_list},
    [KEY_BOOL] = {sizeof(bool), parse_bool, print_bool, NULL, NULL},
    [KEY_NUMBER] = {sizeof(long), parse_number, print_number, NULL, NULL},
    [KEY_DURATION] = {sizeof(int64_t), parse_duration, print_duration, NULL, NULL},
    [KEY_SIZE] = {sizeof(int64_t), parse_size, print_size, NULL, NULL},
    [KEY_CHOICE] = {sizeof(int), parse_choice, print_choice, NULL, NULL},
    [KEY_METHOD] = {sizeof(int), parse_method, print_method, NULL, NULL},
};

bool key_parse(const struct key *key, void *object, const char *text, const char *home,
               struct error *err)
{
    if (has_control(text))
        return error_config(err, "%s contains a control character", key->name);
    return types[key->type].parse(key, field(key, object), text, home, err);
}

void key_print(const struct key *key, const void *object, struct str *out)
{
    types[key->type].print(key, field(key, object), out);
}

void key_show(const struct key *key, const void *object, struct str *out)
{
    size_t before = out->len;
    key_print(key, object, out);
    const char *pin = key->type == KEY_PATH ? strstr(str_text(out) + before, "pin-value=") : NULL;
    if (pin) {
        str_truncate(out, (size_t)(pin - str_text(out)) + strlen("pin-value="));
        str_add(out, "*");
    }
}

void key_copy(const struct key *key, void *to, const void *from)
{
    const struct type *type = &types[key->type];
    void *target = field(key, to);
    const void *source = field(key, from);
    if (target == source)
        return;
    if (type->copy)
        type->copy(target, source);
    else
        memcpy(target, source, type->size);
}

void key_clear(enum key_section section, void *object)
{
    for (size_t i = 0; i < key_count; i++) {
        const struct type *type = &types[key_table[i].type];
        void *slot = field(&key_table[i], object);
        if (key_table[i].section != section)
            continue;
        if (type->clear)
            type->clear(slot);
        else
            memset(slot, 0, type->size);
    }
}
