#include "config.h"
#include "config/tokenfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileread.h"
#include "config/oauth_service.h"
#include "config/ownership.h"

static const char first_line[] = "onehop-token 1\n";

static const struct field {
    const char *name;
    size_t offset;
    bool number; /* int64_t, else struct str */
    bool secret;
} fields[] = {
    {"login", offsetof(struct tokens, login), false, false},
    {"scope", offsetof(struct tokens, scope), false, false},
    {"person", offsetof(struct tokens, person), true, false},
    {"obtained", offsetof(struct tokens, obtained), true, false},
    {"expires", offsetof(struct tokens, expires), true, false},
    {"refresh", offsetof(struct tokens, refresh), false, true},
    {"access", offsetof(struct tokens, access), false, true},
};
enum { FIELDS = sizeof fields / sizeof *fields };
static const char last_line[] = "end\n";

static void *slot(const struct field *field, const struct tokens *tokens)
{
    return (char *)tokens + field->offset;
}

/* The lines of a login are compared as a whole, so the order of its words does not matter. */
void tokenfile_login(struct str *out, const struct account *account)
{
    str_addf(out, "user=%s server=%s tenant=%s client=%s account=%s grant=%s scope=%s",
             account->user, account->oauth_service->name, oauth_service_tenant(account),
             account->oauth_client_id, account->oauth_service_account, oauth_service_grant(account),
             oauth_service_scope(account));
}

bool tokenfile_path(struct str *out, const struct account *account, const struct site *site)
{
    if (account->scope == SCOPE_SYSTEM)
        str_addf(out, "%s/%s.token", site->paths->tokendir, account->name);
    else if (*site->caller.state_home)
        str_addf(out, "%s/onehop-token/%s.token", site->caller.state_home, account->name);
    return out->len > 0;
}

static bool take_number(const char *value, size_t len, int64_t *number)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits != len || digits > 15)
        return false;
    *number = strtoll(value, NULL, 10);
    return true;
}

static bool take_line(const char *line, size_t len, struct tokens *tokens)
{
    for (size_t i = 0; i < FIELDS; i++) {
        size_t name = strlen(fields[i].name);
        if (len <= name || strncmp(line, fields[i].name, name) != 0 || line[name] != ' ')
            continue;
        const char *value = line + name + 1;
        len -= name + 1;
        if (fields[i].number)
            return take_number(value, len, slot(&fields[i], tokens));
        struct str *text = slot(&fields[i], tokens);
        if (text->len > 0 || len > TOKEN_MAX)
            return false;
        text->secret = fields[i].secret;
        str_add_n(text, value, len);
        return true;
    }
    return false;
}

static bool parse(const char *text, size_t len, struct tokens *tokens)
{
    const char *end = text + len;
    if (memchr(text, '\0', len) || len < strlen(first_line) + strlen(last_line) ||
        strncmp(text, first_line, strlen(first_line)) != 0)
        return false;
    for (text += strlen(first_line); text < end;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop)
            return false;
        if (strncmp(text, last_line, strlen(last_line)) == 0)
            return stop + 1 == end;
        if (!take_line(text, (size_t)(stop - text), tokens))
            return false;
        text = stop + 1;
    }
    return false; /* cut */
}

bool tokenfile_parse(const char *text, size_t len, struct tokens *tokens)
{
    *tokens = (struct tokens){0};
    if (parse(text, len, tokens))
        return true;
    tokens_clear(tokens);
    return false;
}

void tokenfile_print(const struct tokens *tokens, struct str *out)
{
    str_add(out, first_line);
    for (size_t i = 0; i < FIELDS; i++) {
        const struct str *text = slot(&fields[i], tokens);
        if (fields[i].number)
            str_addf(out, "%s %lld\n", fields[i].name,
                     (long long)*(const int64_t *)slot(&fields[i], tokens));
        else if (text->len > 0)
            str_addf(out, "%s %s\n", fields[i].name, str_text(text));
    }
    str_add(out, last_line);
}

static bool check(const char *path, const struct stat *facts, struct error *err)
{
    if ((facts->st_mode & 077) != 0)
        return error_config(err, "%s: tokens that others can read (mode %04o): chmod 600 it", path,
                            (unsigned)facts->st_mode & 07777);
    if (ownership_is_trusted(facts->st_uid))
        return true;
    return error_config(err, "%s: tokens of uid %ld, and they must be of uid %ld: chown it", path,
                        (long)facts->st_uid, (long)geteuid());
}

bool tokenfile_read(const char *path, struct tokens *tokens, bool *found, struct error *err)
{
    struct str text = {.secret = true};
    struct stat facts;
    *tokens = (struct tokens){0};
    *found = fileread_all(path, TOKENFILE_MAX, &text, &facts, err);
    bool ok = *found ? check(path, &facts, err) : fileread_is_missing(errno);
    if (*found && ok && !tokenfile_parse(str_text(&text), text.len, tokens))
        ok = error_config(err, "%s: is no file of tokens: remove it", path);
    str_clear(&text);
    return ok;
}

bool tokenfile_find(const struct account *account, const struct site *site, struct tokens *tokens,
                    enum tokenfile_found *whose, struct error *err)
{
    struct str path = {0}, login = {0};
    bool found = false;
    *tokens = (struct tokens){0};
    bool ok = !tokenfile_path(&path, account, site) ||
              tokenfile_read(str_text(&path), tokens, &found, err);
    tokenfile_login(&login, account);
    bool own = strcmp(str_text(&login), str_text(&tokens->login)) == 0;
    *whose = !found ? TOKENFILE_NONE : own ? TOKENFILE_OWN : TOKENFILE_OTHER;
    str_clear(&path);
    str_clear(&login);
    return ok;
}

bool tokens_are_fresh(const struct tokens *tokens, int64_t now)
{
    int64_t life = tokens->expires - tokens->obtained;
    int64_t ahead = life < 2 * TOKEN_AHEAD ? life / 2 : TOKEN_AHEAD;
    return tokens->access.len > 0 && tokens->obtained <= now && life > 0 &&
           now < tokens->expires - ahead;
}

void tokens_clear(struct tokens *tokens)
{
    tokens->access.secret = tokens->refresh.secret = true;
    for (size_t i = 0; i < FIELDS; i++)
        if (!fields[i].number)
            str_clear(slot(&fields[i], tokens));
    *tokens = (struct tokens){0};
}
