#include "config.h"
#include "token/tokenreply.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "token/wiping.h"

enum kind { TEXT, SECRET, LINES, NUMBER };

#define ROW(name, member, kind)                                                                    \
    {                                                                                              \
        name, offsetof(struct token_reply, member), kind                                           \
    }

static const struct row {
    const char *name;
    size_t offset;
    enum kind kind;
} rows[] = {
    ROW("access_token", access, SECRET),
    ROW("refresh_token", refresh, SECRET),
    ROW("scope", scope, TEXT),
    ROW("token_type", type, TEXT),
    ROW("expires_in", expires_in, NUMBER),
    ROW("error", error, TEXT),
    ROW("error_description", description, TEXT),
    ROW("device_code", device_code, SECRET),
    ROW("user_code", user_code, TEXT),
    ROW("verification_uri", verification_uri, TEXT),
    ROW("interval", interval, NUMBER),
    ROW("issuer", issuer, TEXT),
    ROW("authorization_endpoint", authorization_endpoint, TEXT),
    ROW("token_endpoint", token_endpoint, TEXT),
    ROW("device_authorization_endpoint", device_endpoint, TEXT),
    ROW("client_email", client_email, TEXT),
    ROW("private_key_id", key_id, TEXT),
    ROW("private_key", private_key, LINES),
};
enum { ROWS = sizeof rows / sizeof *rows };

void tokenreply_begin(void)
{
    json_set_alloc_funcs(wiping_malloc, wiping_free);
}

static void *slot(const struct row *row, struct token_reply *reply)
{
    return (char *)reply + row->offset;
}

static void take_text(const json_t *value, enum kind kind, struct str *out)
{
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value))
        return;
    if (kind == LINES || kind == SECRET) {
        if (kind == LINES || !escape_has_control(text))
            str_add(out, text);
        return;
    }
    escape_line(out, text, strcspn(text, "\r\n")); /* Microsoft's descriptions have more lines */
}

/* Seconds, which may be counted in milliseconds. */
static const int64_t NUMBER_END = 1000000000000;

/* Some servers write numbers as texts. */
static int64_t number(const json_t *value)
{
    if (json_is_integer(value))
        return json_integer_value(value) < 0 || json_integer_value(value) >= NUMBER_END
                   ? -1
                   : (int64_t)json_integer_value(value);
    if (json_is_real(value)) {
        double real = json_real_value(value);
        return real >= 0 && real < (double)NUMBER_END ? (int64_t)real : -1;
    }
    const char *text = json_string_value(value);
    size_t digits = text ? strspn(text, "0123456789") : 0;
    return digits > 0 && digits < 12 && !text[digits] ? strtoll(text, NULL, 10) : -1;
}

/* True if the list has NAME. */
static bool has(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && strcmp(item, name) == 0)
            return true;
    }
    return false;
}

static void take_lists(const json_t *object, struct token_reply *reply)
{
    const json_t *methods = json_object_get(object, "token_endpoint_auth_methods_supported");
    const json_t *algorithms =
        json_object_get(object, "token_endpoint_auth_signing_alg_values_supported");
    reply->lists_auth_methods = json_is_array(methods);
    reply->takes_post = has(methods, "client_secret_post");
    reply->lists_algorithms = json_is_array(algorithms);
    reply->takes_rs256 = has(algorithms, "RS256");
}

/* Older servers call it so. */
static void take_old_names(const json_t *object, struct token_reply *reply)
{
    if (reply->verification_uri.len == 0)
        take_text(json_object_get(object, "verification_url"), TEXT, &reply->verification_uri);
}

bool tokenreply_parse(const char *text, size_t len, struct token_reply *reply)
{
    *reply = (struct token_reply){.expires_in = -1, .interval = -1};
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(object);
    for (size_t i = 0; ok && i < ROWS; i++) {
        const json_t *value = json_object_get(object, rows[i].name);
        if (!value)
            continue;
        if (rows[i].kind == NUMBER) {
            *(int64_t *)slot(&rows[i], reply) = number(value);
            continue;
        }
        struct str *out = slot(&rows[i], reply);
        out->secret = rows[i].kind != TEXT;
        take_text(value, rows[i].kind, out);
    }
    if (ok) {
        take_lists(object, reply);
        take_old_names(object, reply);
    }
    json_decref(object);
    return ok;
}

void tokenreply_clear(struct token_reply *reply)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].kind != NUMBER)
            str_clear(slot(&rows[i], reply));
    *reply = (struct token_reply){0};
}
