#include "config.h"
#include "delivery/fence.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fileread.h"
#include "base/module.h"
#include "base/sasl.h"
#include "base/str.h"
#include "base/translation.h"
#include "message/aliases.h"
#include "delivery/log_path.h"
#include "delivery/maildir.h"

enum { INCLUDED_MAX = 1000 }; /* files that aliases include */

/* Programs and libraries, the local time. Directories of other things are not in these lists: /etc
 * as a whole has other accounts' passwords. */
static const char *const everywhere[] = {
    "/usr/",
    "/etc/ld.so.cache",
#ifndef __GLIBC__
    "/etc/ld-musl-x86_64.path",
#endif
    "/etc/localtime",
#ifdef __SANITIZE_ADDRESS__
    "/proc/self/",
#endif
};

/* Systems that have nothing in /usr. */
static const char *const stores[] = {"/nix/store/", "/gnu/store/"};

/* Where /lib is no link into /usr. */
static const char *const libraries[] = {"/lib/", "/lib64/", "/lib32/"};

static const char *const resolver[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
};

static const char *const trust[] = {"/etc/ssl/", "/etc/pki/", "/etc/ca-certificates/"};

static const char *const users[] = {"/etc/passwd", "/run/systemd/userdb/"};
static const char *const groups[] = {"/etc/group", "/etc/nsswitch.conf"};

#define ADD_ALL(list, table) add_all(list, table, sizeof(table) / sizeof *(table))

bool fence_needs_programs(const struct account *account)
{
    if (account_has_token(account))
        return true;
    return account->auth != AUTH_OFF && account->password.len == 0 && !*account->password_file &&
           (*account->password_command || account->keyring != KEYRING_OFF);
}

const char *fence_hindrance(const struct account *account)
{
    const struct sasl *sasl = account_sasl(account->auth);
    if (sasl && sasl->reads_files)
        return N_("the login method reads files of its own");
    if (account_is_token_uri(account->tls_trust_file) ||
        account_is_token_uri(account->tls_key_file))
        return N_("a PKCS#11 token needs libraries of its own");
    return NULL;
}

static void add(struct strlist *list, const char *path)
{
    if (*path && !strlist_has(list, path))
        strlist_add(list, path);
}

static void add_all(struct strlist *list, const char *const *path, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(list, path[i]);
}

static void add_beneath(struct strlist *list, const char *directory, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", directory, name);
    add(list, str_text(&path));
    str_clear(&path);
}

/* With all that is below. */
static void add_directory(struct strlist *list, const char *path)
{
    add_beneath(list, path, "");
}

static void add_programs(struct strlist *list)
{
    char first;
    const char *module = module_file ? module_file() : "";
    ADD_ALL(list, everywhere);
    if (strncmp(module, everywhere[0], strlen(everywhere[0])) != 0)
        add(list, module);
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
        if (strncmp(module, stores[i], strlen(stores[i])) == 0)
            add(list, stores[i]);
    if (readlink("/lib", &first, sizeof first) < 0)
        ADD_ALL(list, libraries);
}

/* What the resolver's file is a link to is replaced when the network changes. */
static void add_resolver(struct strlist *list)
{
    char target[PATH_MAX];
    struct str path = {0};
    ssize_t len = readlink(resolver[0], target, sizeof target);
    ADD_ALL(list, resolver);
    for (; len > 0 && target[len - 1] != '/'; len--)
        continue;
    if (len > 1) {
        str_add(&path, target[0] == '/' ? "" : "/etc/");
        str_add_n(&path, target, (size_t)len);
        add(list, str_text(&path));
    }
    str_clear(&path);
}

static bool is_literal(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static bool needs_resolver(const struct account *account)
{
    bool needs = *account->proxy_host && !is_literal(account->proxy_host);
    for (size_t i = 0; i < account->host.n && !needs; i++)
        needs = !is_literal(account->host.item[i]);
    return needs;
}

/* The system's store, as net/trust.c finds it, or the account's. It can be a directory of links. */
static void add_trust(struct strlist *list, const struct account *account)
{
    struct stat facts;
    const bool system = strcmp(account->tls_trust_file, "system") == 0;
    const char *store = system ? SYSTEM_TRUST_FILE : account->tls_trust_file;
    const bool several = *store ? stat(store, &facts) == 0 && S_ISDIR(facts.st_mode) : system;
    if (several)
        ADD_ALL(list, trust);
    if (several && *store)
        add_directory(list, store);
    else
        add(list, store);
    add(list, account->tls_crl_file);
    add(list, account->tls_cert_file);
    add(list, account->tls_key_file);
}

static void add_password_files(struct strlist *list, const struct account *account,
                               const struct site *site)
{
    const struct caller *caller = &site->caller;
    struct str path = {0};
    caller_secret_path(&path, caller, account->password_file);
    if (*account->password_file)
        add(list, str_text(&path));
    str_clear(&path);
    add_beneath(list, caller->home, ".netrc");
    add_beneath(list, site->paths->sysconfdir, "netrc");
    ADD_ALL(list, users); /* whose file it may be */
}

/* Where the bounces for local senders go. */
static void add_alias_files(struct strlist *list, const struct account *account,
                            const struct site *site)
{
    add(list, account->aliases);
    add_beneath(list, site->paths->sysconfdir, "aliases");
}

/* The log alone: what may write to its directory may write to other programs' logs. */
static void add_log(struct strlist *list, const char *log)
{
    if (strcmp(log, "-") == 0) /* standard output, which is open */
        return;
    log_path_make(log);
    add(list, log);
}

/* Behind the fence nothing is made above it. */
static void add_maildir(struct strlist *list, const char *path)
{
    struct error later; /* the delivery meets it, too */
    if (*path && maildir_make(path, &later))
        add_directory(list, path);
}

/* Confines this process to programs and to READ and WRITE, whose items end here. */
static unsigned confine(struct strlist *read, struct strlist *write, int spool, bool network)
{
    add_programs(read);
    const struct confinement confinement = {
        .read = read, .write = write, .write_below = spool, .network = network};
    unsigned fences = confine_process(&confinement);
    strlist_clear(read);
    strlist_clear(write);
    return fences;
}

unsigned fence_delivery(const struct fence_delivery *delivery)
{
    const struct account *account = delivery->account;
    struct strlist read = {0}, write = {0};
    if (fence_hindrance(account))
        return 0;
    if (needs_resolver(account))
        add_resolver(&read);
    if (account->tls)
        add_trust(&read, account);
    if (delivery->reads_passwords && account->password.len == 0)
        add_password_files(&read, account, delivery->site);
    if (delivery->spool) /* whose entries are sent */
        ADD_ALL(&read, users);
    add_alias_files(&read, account, delivery->site);
    add_log(&write, account->logfile);
    if (delivery->other)
        add_log(&write, delivery->other->logfile);
    add_maildir(&write, account->maildir);
    add_maildir(&write, account->sent_copy);
    return confine(&read, &write, delivery->spool ? delivery->spool->dir : 0, true);
}

static void add_included(struct strlist *files, const struct str *text)
{
    static const char include[] = ":include:";
    const char *at = str_text(text);
    while (files->n < INCLUDED_MAX && (at = strcasestr(at, include)) != NULL) {
        struct str path = {0};
        at += strlen(include);
        at += strspn(at, " \t");
        str_add_n(&path, at, strcspn(at, ",\"\r\n"));
        while (path.len > 0 && strchr(" \t", path.data[path.len - 1]))
            str_truncate(&path, path.len - 1);
        if (*str_text(&path) == '/')
            add(files, str_text(&path));
        str_clear(&path);
    }
}

/* Each of FILES can include others, which can, too (`:include:`). */
static void add_all_included(struct strlist *files)
{
    for (size_t i = 0; i < files->n; i++) {
        struct str text = {0};
        struct error ignored; /* what cannot be read now cannot be read later */
        if (fileread_all(files->item[i], ALIASES_FILE_MAX, &text, NULL, &ignored))
            add_included(files, &text);
        str_clear(&text);
    }
}

unsigned fence_session(const struct site *site, const char *spool)
{
    const struct configuration *config = &site->config;
    struct strlist read = {0}, write = {0};
    add_beneath(&read, site->paths->sysconfdir, "aliases");
    for (size_t i = 0; i < config->n; i++) {
        add(&read, config->account[i]->aliases);
        add_log(&write, config->account[i]->logfile);
    }
    add_all_included(&read); /* there is nothing else in the list yet */
    add_directory(&read, site->paths->pkgdatadir);
    ADD_ALL(&read, users);
    ADD_ALL(&read, groups);
    add_directory(&write, spool);
    return confine(&read, &write, 0, false);
}

unsigned fence_control(const char *spool)
{
    struct strlist read = {0}, write = {0};
    add_directory(&write, spool);
    ADD_ALL(&read, users);
    return confine(&read, &write, 0, false);
}
