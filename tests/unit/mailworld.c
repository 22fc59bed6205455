#include "config.h"
#include "mailworld.h"

int64_t mailworld_now;

static int64_t now(void)
{
    return mailworld_now;
}

static uint64_t number(void)
{
    return 7;
}

static struct account *make_account(const char *name, const char *from, const char *host)
{
    const char *const keys[][2] = {
        {"from", from}, {"host", host}, {"tls", "off"}, {"auth", "off"}, {"max_connections", "4"}};
    struct account *account = account_new(name, SCOPE_USER);
    struct error err;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!account_set(account, keys[i][0], keys[i][1], "", &err))
            abort();
    return account;
}

void mailworld_set(struct mailworld *world, const char *key, const char *value)
{
    struct error err;
    if (!account_set(world->own[0], key, value, "", &err))
        abort();
}

void mailworld_begin(struct mailworld *world)
{
    static char me[] = "me", none[] = "";
    void *dir = NULL;
    *world = (struct mailworld){
        .paths = {.sysconfdir = "/nonexistent"},
        .site = {.paths = &world->paths,
                 .host = {.name = me, .full_name = me, .mail_name = me},
                 .caller = {.home = none, .credentials = none, .user = me, .host = none}},
    };
    if (spooldir_begin(&dir) != 0)
        abort();
    world->dir = dir;
    world->account[0] = world->own[0] = make_account("work", "me@example.org", "mx");
    world->account[1] = world->own[1] = make_account("home", "me@example.net", "mx2");
    world->site.config = (struct configuration){.account = world->account, .n = 2};
    strlist_add(&world->site.host.names, "localhost");
    strlist_add(&world->site.host.names, me);
    world->passwords = (struct password_sources){.site = &world->site};
    world->options = (struct connection_options){.passwords = &world->passwords};
    world->delivery = (struct delivery_context){
        .spool = &world->dir->spool,
        .site = &world->site,
        .options = &world->options,
        .spool_time = &world->spool_time,
        .lifetime = 5 * 24 * 3600,
        .bounce_to = "",
        .now = now,
        .random = number,
    };
    mailworld_now = 2000000000;
}

void mailworld_later(const char *id, int64_t seconds)
{
    mailworld_now = entryid_arrival(id) / 1000000 + seconds;
}

bool mailworld_read(const struct mailworld *world, const char *directory, const char *id,
                    struct str *out)
{
    char block[4096];
    size_t n;
    FILE *file = fopen(spooldir_path(world->dir, directory, id), "re");
    if (!file)
        return false;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        str_add_n(out, block, n);
    (void)fclose(file);
    return true;
}

void mailworld_end(struct mailworld *world)
{
    strlist_clear(&world->site.host.names);
    account_free(world->own[0]);
    account_free(world->own[1]);
    (void)spooldir_end((void **)&world->dir);
}
