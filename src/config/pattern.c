#include "config.h"
#include "config/pattern.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static const char *value_of(char letter, const struct pattern_facts *facts)
{
    switch (letter) {
    case 'U':
        return facts->user;
    case 'H':
        return facts->host;
    case 'C':
        return facts->canonical;
    case 'M':
        return facts->mail_name;
    case 'F':
        return *facts->from ? facts->from : NULL;
    default:
        return NULL;
    }
}

void pattern_expand(const char *text, const struct pattern_facts *facts, struct str *out)
{
    while (*text) {
        const char *value = *text == '%' ? value_of(text[1], facts) : NULL;
        if (!value) {
            str_add_char(out, *text++);
            continue;
        }
        for (; *value; value++)
            str_add_char(out, (unsigned char)*value < ' ' || *value == 127 ? '?' : *value);
        text += 2;
    }
}

void pattern_user(struct str *user)
{
    const char *name = getenv("USER");
    if (!name || !*name)
        name = getenv("LOGNAME");
    if (!name || !*name)
        name = getlogin();
    const struct passwd *entry = name && *name ? NULL : getpwuid(getuid());
    if (entry)
        name = entry->pw_name;
    str_add(user, name && *name ? name : "unknown");
}

static void expand(char **slot, const struct pattern_facts *facts)
{
    struct str out = {0};
    if (!strchr(*slot, '%'))
        return;
    pattern_expand(*slot, facts, &out);
    free(*slot);
    *slot = str_take(&out);
}

static void make_from(struct account *account, const char *user)
{
    struct str out = {0};
    str_add(&out, user);
    if (*account->maildomain)
        str_addf(&out, "@%s", account->maildomain);
    free(account->from);
    account->from = str_take(&out);
}

void pattern_apply(struct account *account, const struct this_host *host, const char *from)
{
    if (!account->auto_from && !strchr(account->from, '%') && !strchr(account->domain, '%'))
        return;
    struct str user = {0};
    const char *named = getenv("HOSTNAME");
    const char *name = named && *named ? named : host->name;
    pattern_user(&user);
    const struct pattern_facts facts = {
        .user = str_text(&user),
        .host = name,
        .canonical = *host->full_name ? host->full_name : name,
        .mail_name = host->mail_name,
        .from = from,
    };
    expand(&account->from, &facts);
    expand(&account->domain, &facts);
    if (account->auto_from)
        make_from(account, str_text(&user));
    str_clear(&user);
}
