#include "config.h"
#include "config/configfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/inifile.h"
#include "config/keycheck.h"
#include "config/nearest.h"
#include "config/section.h"

struct configfile_reading {
    struct configfile *file;
    struct section section;
    struct account *defaults; /* of the whole file, also of what precedes them */
    int defaults_line, queue_line, service_line;
};

struct account *configfile_find(const struct configfile *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->account[i]->name, name) == 0)
            return file->account[i];
    return NULL;
}

struct account *configfile_add(struct configfile *file, struct account *account, int line)
{
    file->account = memory_grow(file->account, file->n, &file->size, sizeof(struct account *));
    memory_replace(&account->file, file->path);
    account->line = line;
    file->account[file->n++] = account;
    return account;
}

static bool check_name(const char *name, struct error *err)
{
    for (const char *p = name; *p; p++)
        if (!keycheck_is_of_name(*p))
            return error_config(err, "'%s' is no name: use letters, digits, and - _ . @ +", name);
    return true;
}

static bool begin_account(struct configfile_reading *r, const struct ini_event *event,
                          struct error *err)
{
    struct configfile *file = r->file;
    const char *name = event->section + strlen("account ");
    if (!check_name(name, err))
        return false;
    const struct account *other = configfile_find(file, name);
    if (other)
        return error_config(err, "account %s was already described in line %d", name, other->line);
    struct account *account = configfile_add(file, account_new(name, file->scope), event->line);
    section_begin(&r->section, KEY_ACCOUNT, account, &account->set, file->home);
    return true;
}

/* [provider NAME] or [oauth NAME] */
static bool begin_provider(struct configfile_reading *r, const struct ini_event *event,
                           struct error *err)
{
    const struct configfile *file = r->file;
    const struct provider_origin origin = {file->path, file->scope, file->home};
    return check_name(strchr(event->section, ' ') + 1, err) &&
           provider_begin(file->providers, &origin, event, &r->section, err);
}

static bool begin_once(int *line, const struct ini_event *event, struct error *err)
{
    if (*line)
        return error_config(err, "[%s] is already in line %d: put its keys there", event->section,
                            *line);
    *line = event->line;
    return true;
}

static bool unknown_section(const char *name, struct error *err)
{
    size_t len = strcspn(name, " ");
    char *word = memory_copy_n(name, len);
    struct nearest nearest = {.word = word};
    bool lacks_name = false;
    nearest_offer(&nearest, "defaults");
    for (const struct section_kind *kind = section_kinds; kind->word; kind++) {
        nearest_offer(&nearest, kind->word);
        lacks_name = lacks_name || (kind->is_named && strcmp(word, kind->word) == 0);
    }
    if (lacks_name)
        error_config(err, "[%s] needs a name: write [%s NAME]", name, word);
    else if (nearest.best)
        error_config(err, "unknown section [%s]: did you mean [%s%s]?", name, nearest.best,
                     name + len);
    else
        error_config(err, "unknown section [%s]: did you mean [account %s]?", name, word);
    free(word);
    return false;
}

static bool begin_service(struct configfile_reading *r, const struct ini_event *event,
                          struct error *err)
{
    struct service_settings *service = r->file->service;
    if (!service)
        return error_config(err, "[service] belongs into the system's configuration");
    section_begin(&r->section, KEY_SERVICE, service, &service->set, r->file->home);
    return begin_once(&r->service_line, event, err);
}

static bool begin(struct configfile_reading *r, const struct ini_event *event, struct error *err)
{
    struct queue_settings *queue = r->file->queue;
    if (strncmp(event->section, "account ", 8) == 0)
        return begin_account(r, event, err);
    if (provider_has_section(event->section))
        return begin_provider(r, event, err);
    if (strcmp(event->section, "defaults") == 0) {
        section_begin(&r->section, KEY_ACCOUNT, r->defaults, &r->defaults->set, r->file->home);
        return begin_once(&r->defaults_line, event, err);
    }
    if (strcmp(event->section, "queue") == 0) {
        section_begin(&r->section, KEY_QUEUE, queue, &queue->set, r->file->home);
        return begin_once(&r->queue_line, event, err);
    }
    if (strcmp(event->section, "service") == 0)
        return begin_service(r, event, err);
    return unknown_section(event->section, err);
}

static bool take(void *context, const struct ini_event *event, struct error *err)
{
    struct configfile_reading *r = context;
    if (!event->key)
        return begin(r, event, err);
    if (!*event->section)
        return error_config(err, "a section like [account NAME] must come first");
    const struct key *key = key_find(KEY_ACCOUNT, event->key);
    if (r->section.object == r->defaults && key && (key->flags & KEY_OF_ONE))
        return error_config(err, "key '%s' belongs into one [account NAME]", event->key);
    if (!section_take(&r->section, event, err))
        return false;
    if (key && key->type == KEY_SECRET && *event->value && !r->file->secret_line)
        r->file->secret_line = event->line;
    if (r->section.object == r->file->service && strcmp(event->key, "listen") == 0)
        r->file->service->listen_line = event->line;
    return true;
}

static bool is_raw(void *context, const char *section, const char *name)
{
    const struct configfile_reading *r = context;
    (void)section;
    const struct key *key = r->section.object ? key_find(r->section.kind, name) : NULL;
    return key && (key->flags & KEY_RAW);
}

static bool complain(const struct configfile *file, const struct account *account,
                     struct error *err)
{
    return error_prefix(err, "%s:%d: account %s", file->path, account->line, account->name);
}

/* The account NAME of the file, which KEY of ACCOUNT names; NULL: ERR. */
static const struct account *find_named(const struct configfile *file,
                                        const struct account *account, const char *key,
                                        const char *name, struct error *err)
{
    const struct account *found = configfile_find(file, name);
    struct nearest nearest = {.word = name};
    if (found)
        return found;
    for (size_t i = 0; i < file->n; i++)
        nearest_offer(&nearest, file->account[i]->name);
    error_config(err, "%s = %s: there is no such account in this file", key, name);
    (void)nearest_hint(&nearest, err);
    (void)complain(file, account, err);
    return NULL;
}

/* Two accounts may be each other's fallback: mail takes one step. */
static bool check_fallback(const struct configfile *file, const struct account *account,
                           struct error *err)
{
    if (!*account->fallback)
        return true;
    const struct account *other = find_named(file, account, "fallback", account->fallback, err);
    if (!other)
        return false;
    if (other == account)
        error_config(err, "fallback names the account itself: name another one");
    else if (other->protocol == PROTOCOL_MAILDIR)
        error_config(err, "fallback = %s: that account keeps mail here and relays none",
                     other->name);
    else if (account->requiretls && !other->requiretls)
        error_config(err, "fallback = %s: that account lacks `requiretls = on`, which this one has",
                     other->name);
    else
        return true;
    return complain(file, account, err);
}

static bool inherit(const struct configfile *file, struct account *account, struct error *err)
{
    size_t steps = 0;
    for (const struct account *heir = account; *heir->inherit;) {
        const struct account *parent = find_named(file, heir, "inherit", heir->inherit, err);
        if (!parent)
            return false;
        if (++steps > file->n)
            return error_config(err, "%s:%d: account %s inherits from itself", file->path,
                                account->line, account->name);
        account_inherit(account, parent);
        heir = parent;
    }
    return true;
}

bool configfile_read(struct configfile *file, const struct str *text, struct error *err)
{
    struct configfile_reading r = {.file = file, .defaults = account_new("defaults", file->scope)};
    struct ini_reader reader = {.event = take, .is_raw = is_raw, .context = &r};
    bool ok = inifile_parse(file->path, text, &reader, err);
    for (size_t i = 0; ok && i < file->n; i++)
        ok = inherit(file, file->account[i], err);
    for (size_t i = 0; ok && i < file->n; i++)
        account_inherit(file->account[i], r.defaults);
    for (size_t i = 0; ok && i < file->n; i++)
        ok = check_fallback(file, file->account[i], err);
    account_free(r.defaults);
    return ok;
}

void configfile_clear(struct configfile *file)
{
    for (size_t i = 0; i < file->n; i++)
        account_free(file->account[i]);
    free(file->account);
    file->account = NULL;
    file->n = file->size = 0;
}
