#include "config.h"
#include "config/oauth_service.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

static struct oauth_service *make(const char *name, const char *file, int line)
{
    struct oauth_service *service = memory_new(sizeof *service);
    service->name = memory_copy(name);
    service->file = memory_copy(file);
    service->line = line;
    service->scope = SCOPE_SYSTEM;
    key_fill(KEY_OAUTH, service);
    return service;
}

struct oauth_service *oauth_service_add(struct oauth_services *list, const char *name,
                                        const char *file, int line, struct error *err)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct oauth_service *other = list->item[i];
        if (strcasecmp(other->name, name) == 0 && strcmp(other->file, file) == 0 &&
            other->line != line) { /* else the file is read for both levels */
            error_config(err, "oauth %s was already described in line %d", name, other->line);
            return NULL;
        }
    }
    list->item = memory_grow(list->item, list->n, &list->size, sizeof(struct oauth_service *));
    list->item[list->n] = make(name, file, line);
    return list->item[list->n++];
}

const struct oauth_service *oauth_service_find(const struct oauth_services *list, const char *name,
                                               enum account_scope scope)
{
    for (size_t i = list->n; i-- > 0;)
        if (list->item[i]->scope >= scope && strcasecmp(list->item[i]->name, name) == 0)
            return list->item[i];
    return NULL;
}

const char *oauth_service_tenant(const struct account *account)
{
    return *account->oauth_tenant ? account->oauth_tenant : account->oauth_service->tenant;
}

const char *oauth_service_scope(const struct account *account)
{
    if (*account->oauth_scope)
        return account->oauth_scope;
    return account->oauth_grant == OAUTH_PERSON ? account->oauth_service->permission
                                                : account->oauth_service->machine_permission;
}

const char *oauth_service_grant(const struct account *account)
{
    return key_find(KEY_ACCOUNT, "oauth_grant")->choices[account->oauth_grant];
}

struct oauth_service *oauth_service_of_issuer(const char *issuer)
{
    struct oauth_service *service = make(issuer, "", 0);
    memory_replace(&service->issuer, issuer);
    return service;
}

struct oauth_service *oauth_service_copy(const struct oauth_service *service)
{
    if (!service)
        return NULL;
    struct oauth_service *copy = make(service->name, service->file, service->line);
    copy->scope = service->scope;
    copy->set = service->set;
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == KEY_OAUTH)
            key_copy(&key_table[i], copy, service);
    return copy;
}

void oauth_service_free(struct oauth_service *service)
{
    if (!service)
        return;
    key_clear(KEY_OAUTH, service);
    free(service->name);
    free(service->file);
    free(service);
}

void oauth_services_clear(struct oauth_services *list)
{
    for (size_t i = 0; i < list->n; i++)
        oauth_service_free(list->item[i]);
    free(list->item);
    *list = (struct oauth_services){0};
}

bool oauth_service_is_issuer(const char *name)
{
    return strncasecmp(name, "https://", 8) == 0;
}
