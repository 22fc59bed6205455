#include "config.h"
#include "token/tokenrequest.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum kind { TEXT, SECRET, NUMBER };

#define ROW(name, member, kind)                                                                    \
    {                                                                                              \
        name, offsetof(struct token_request, member), kind                                         \
    }

static const struct row {
    const char *name;
    size_t offset;
    enum kind kind;
} rows[] = {
    ROW("mode", mode, TEXT),
    ROW("account", account, TEXT),
    ROW("user", user, TEXT),
    ROW("grant", grant, TEXT),
    ROW("client", client, TEXT),
    ROW("secret-file", secret_file, TEXT),
    ROW("key-file", key_file, TEXT),
    ROW("cert-file", cert_file, TEXT),
    ROW("service-account", service_account, TEXT),
    ROW("server", server, TEXT),
    ROW("scope", scope, TEXT),
    ROW("issuer", issuer, TEXT),
    ROW("authorize", authorize, TEXT),
    ROW("token", token, TEXT),
    ROW("device", device, TEXT),
    ROW("device-grant", device_grant, TEXT),
    ROW("redirect", redirect, TEXT),
    ROW("parameters", parameters, TEXT),
    ROW("trust-file", trust_file, TEXT),
    ROW("login", login, TEXT),
    ROW("file", file, TEXT),
    ROW("credentials", credentials, TEXT),
    ROW("seed-file", seed_file, TEXT),
    ROW("refused", refused, SECRET),
    ROW("timeout", timeout, NUMBER),
    ROW("answers", answers, NUMBER),
};
enum { ROWS = sizeof rows / sizeof *rows };

static void *slot(const struct row *row, struct token_request *request)
{
    return (char *)request + row->offset;
}

static bool take(struct token_request *request, const char *line, size_t len, struct error *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        size_t name = strlen(rows[i].name);
        if (len <= name || line[name] != ' ' || strncmp(line, rows[i].name, name) != 0)
            continue;
        const char *value = line + name + 1;
        len -= name + 1;
        void *target = slot(&rows[i], request);
        if (rows[i].kind == NUMBER) {
            *(int64_t *)target = strtoll(value, NULL, 10);
        } else if (rows[i].kind == SECRET) {
            str_clear(target);
            str_add_n(target, value, len);
        } else {
            free(*(char **)target);
            *(char **)target = memory_copy_n(value, len);
        }
        return true;
    }
    return error_usage(err, "a request with a line that is not known: %.*s",
                       (int)strcspn(line, " \n"), line);
}

bool tokenrequest_parse(const char *text, size_t len, struct token_request *request,
                        struct error *err)
{
    const char *end = text + len;
    *request = (struct token_request){.refused = {.secret = true}};
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].kind == TEXT)
            *(char **)slot(&rows[i], request) = memory_copy("");
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop)
            break;
        size_t length = (size_t)(stop - text);
        if (length == 3 && strncmp(text, "end", 3) == 0 && *request->mode) {
            request->deadline = clock_after(request->timeout);
            return true;
        }
        if (!take(request, text, length, err))
            return false;
        text = stop + 1;
    }
    return error_usage(err, "this program is run by onehop and onehopctl, with a request on "
                            "standard input");
}

void tokenrequest_clear(struct token_request *request)
{
    for (size_t i = 0; i < ROWS; i++) {
        void *target = slot(&rows[i], request);
        if (rows[i].kind == TEXT) {
            free(*(char **)target);
            *(char **)target = NULL;
        } else if (rows[i].kind == SECRET) {
            str_clear(target);
        }
    }
}

bool tokenrequest_has_person(const struct token_request *request)
{
    return strcmp(request->grant, "person") == 0;
}
