#include "config.h"
#include "submit/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "base/module.h"
#include "base/passwordhash.h"
#include "config/listen.h"
#include "config/ownership.h"

enum { CERT, KEY, CLIENT_CA, USERS, FILES };
enum { TLS_FILE_MAX = 4 * 1024 * 1024 }; /* octets */

/* The paths of the files that the settings name; "" for none. */
static void find_files(struct str files[FILES], const struct site *site)
{
    const struct service_settings *service = &site->config.service;
    const char *const names[FILES] = {service->tls_cert_file, service->tls_key_file,
                                      service->tls_client_ca_file, service->users_file};
    for (int i = 0; i < FILES; i++)
        caller_secret_path(&files[i], &site->caller, names[i]);
}

/* All that it depends on: another text is another listener. Users name accounts, which are in the
 * site's files. */
static void look(struct str *out, const struct site *site, const struct str files[FILES])
{
    str_add(out, str_text(&site->seen));
    for (int i = 0; i < FILES; i++)
        configuration_look_at(out, str_text(&files[i]));
}

static bool is_private(const char *path, const struct stat *facts, struct error *err)
{
    unsigned mode = facts->st_mode & 07777;
    if ((mode & 007) == 0 || ownership_is_read_only(path))
        return true;
    return error_config(err, "%s: others can read it (mode %04o): chmod 640 it", path, mode);
}

/* A file whose readers could log in, or be taken for this listener. */
static bool read_private(struct str *text, const char *path, size_t limit, struct error *err)
{
    struct stat facts;
    return fileread_all(path, limit, text, &facts, err) &&
           ownership_check(path, &facts, geteuid(), err) && is_private(path, &facts, err);
}

static bool read_users(struct users *users, const char *path, const struct site *site,
                       struct error *err)
{
    struct str text = {.secret = true};
    bool ok = read_private(&text, path, USERS_FILE_MAX, err) &&
              users_parse(users, path, &text, err) &&
              users_check_accounts(users, &site->config, path, err) && passwordhash_prepare(err);
    str_clear(&text);
    return ok;
}

/* A lock of one of the octets of FD. It is this process's, so that it ends with it. */
static void lock_turn(int fd, short type)
{
    enum { TURNS = 4 };
    struct flock turn = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = getpid() % TURNS, .l_len = 1};
    while (fcntl(fd, F_SETLKW, &turn) != 0 && errno == EINTR)
        continue;
}

const struct user *listener_log_in(const struct listener *listener, const char *user,
                                   const char *password)
{
    lock_turn(listener->turns, F_WRLCK);
    const struct user *found = users_log_in(&listener->users, user, password);
    lock_turn(listener->turns, F_UNLCK);
    return found;
}

static bool has_keys(const struct users *users)
{
    for (size_t i = 0; i < users->n; i++)
        if (*users->item[i].key)
            return true;
    return false;
}

/* The library names no file that it cannot read, and takes a key that anybody can. */
static bool check_tls_files(const struct str files[FILES], struct error *err)
{
    const char *client_ca = str_text(&files[CLIENT_CA]);
    struct str text = {.secret = true};
    bool ok = fileread_all(str_text(&files[CERT]), TLS_FILE_MAX, &text, NULL, err) &&
              (!*client_ca || fileread_all(client_ca, TLS_FILE_MAX, &text, NULL, err)) &&
              read_private(&text, str_text(&files[KEY]), TLS_FILE_MAX, err);
    str_clear(&text);
    return ok;
}

static bool load_tls(struct listener *listener, const struct str files[FILES], struct error *err)
{
    if (!check_tls_files(files, err))
        return false;
    const struct module *module = module_get(err);
    const struct tlsserver_params params = {
        .cert_file = str_text(&files[CERT]),
        .key_file = str_text(&files[KEY]),
        .client_ca = str_text(&files[CLIENT_CA]),
        .asks = files[CLIENT_CA].len > 0 || has_keys(&listener->users),
    };
    listener->tls = module ? module->tlsserver_load(&params, err) : NULL;
    return listener->tls != NULL;
}

static bool load(struct listener *listener, const struct site *site, const struct str files[FILES],
                 struct error *err)
{
    const struct service_settings *service = &site->config.service;
    if (!listen_check(service, site->config.found[SCOPE_SYSTEM].path, err))
        return false;
    strlist_copy(&listener->networks, &service->allow_networks);
    listener->names_suffice = files[USERS].len == 0;
    if (files[USERS].len > 0 && !read_users(&listener->users, str_text(&files[USERS]), site, err))
        return false;
    listener->turns = memfd_create("turns", MFD_CLOEXEC);
    if (listener->turns < 0)
        return error_system(err, EX_OSERR, "cannot start");
    return files[CERT].len == 0 || load_tls(listener, files, err);
}

bool listener_refresh(struct listener *listener, const struct site *site, struct error *err)
{
    struct listener fresh = {.ready = true};
    struct str files[FILES] = {0};
    find_files(files, site);
    look(&fresh.seen, site, files);
    bool same =
        listener->seen.len > 0 && strcmp(str_text(&fresh.seen), str_text(&listener->seen)) == 0;
    bool ok = same || load(&fresh, site, files, err);
    for (int i = 0; i < FILES; i++)
        str_clear(&files[i]);
    if (!same && !ok) { /* not again until something changes */
        str_clear(&listener->seen);
        str_add(&listener->seen, str_text(&fresh.seen));
        memory_replace(&listener->rejected, err->text);
    }
    if (same || !ok) {
        listener_clear(&fresh);
        return ok;
    }
    listener_clear(listener);
    *listener = fresh;
    return true;
}

bool listener_trusts(const struct listener *listener, const struct in6_addr *address)
{
    return listen_allows(&listener->networks, address);
}

bool listener_admits(const struct listener *listener, const struct in6_addr *address)
{
    return (listener->tls && (listener->users.n > 0 || listener->names_suffice)) ||
           listener_trusts(listener, address);
}

void listener_clear(struct listener *listener)
{
    struct error ignored; /* what was loaded is there */
    const struct module *module = listener->tls ? module_get(&ignored) : NULL;
    if (module)
        module->tlsserver_free(listener->tls);
    if (listener->turns > 0)
        (void)close(listener->turns);
    free(listener->rejected);
    users_clear(&listener->users);
    strlist_clear(&listener->networks);
    str_clear(&listener->seen);
    *listener = (struct listener){0};
}
