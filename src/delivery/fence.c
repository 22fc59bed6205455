#include "config.h"
#include "delivery/fence.h"

#include <string.h>
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

/* Programs and libraries, the resolver's files, trust, the local time. Directories of other things
 * are not among them: /etc as a whole has other accounts' passwords. */
static const char *const system_files[] = {
    "/usr",
    "/lib",
    "/lib64",
    "/lib32",
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld-musl-x86_64.path",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/gnutls",
    "/etc/crypto-policies",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/nscd",
    "/var/run/nscd",
    "/dev/urandom",
    "/dev/random",
    "/proc/sys",
    "/proc/self",
    "/sys/devices",
};

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
    if (*path == '/')
        strlist_add(list, path);
}

static void add_beneath(struct strlist *list, const char *directory, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", directory, name);
    add(list, str_text(&path));
    str_clear(&path);
}

static void add_password_files(struct strlist *list, const struct account *account,
                               const struct site *site)
{
    const struct caller *caller = &site->caller;
    add(list, account->password_file);
    if (*account->password_file && *account->password_file != '/')
        add_beneath(list, caller->credentials, account->password_file);
    add_beneath(list, caller->home, ".netrc");
    add_beneath(list, site->paths->sysconfdir, "netrc");
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
    log_path_make(log);
    add(list, log);
}

/* Behind the fence nothing is made above it. */
static void add_maildir(struct strlist *list, const char *path)
{
    struct error later; /* the delivery meets it, too */
    if (*path && maildir_make(path, &later))
        add(list, path);
}

/* Confines this process to what every one needs, and to READ and WRITE, whose items end here. */
static unsigned confine(struct strlist *read, struct strlist *write, const char *spool,
                        bool network)
{
    for (size_t i = 0; i < sizeof system_files / sizeof *system_files; i++)
        add(read, system_files[i]);
    add(write, spool);
    add(write, "/dev/null");
    const struct confinement confinement = {.read = read, .write = write, .network = network};
    unsigned fences = confine_process(&confinement);
    strlist_clear(read);
    strlist_clear(write);
    return fences;
}

unsigned fence_worker(const struct account *account, const struct spool *spool,
                      const struct password_sources *sources)
{
    struct strlist read = {0}, write = {0};
    if (fence_hindrance(account) || *spool->path != '/')
        return 0;
    if (module_file)
        add(&read, module_file());
    add(&read, account->tls_trust_file);
    add(&read, account->tls_crl_file);
    add(&read, account->tls_cert_file);
    add(&read, account->tls_key_file);
    if (!sources->elsewhere)
        add_password_files(&read, account, sources->site);
    add_alias_files(&read, account, sources->site);
    add_log(&write, account->logfile);
    add_maildir(&write, account->maildir);
    add_maildir(&write, account->sent_copy);
    return confine(&read, &write, spool->path, true);
}

static bool includes_others(const char *aliases)
{
    struct str text = {0};
    struct error ignored; /* what cannot be read now cannot be read later */
    bool found = *aliases && fileread_all(aliases, ALIASES_FILE_MAX, &text, NULL, &ignored) &&
                 strstr(str_text(&text), ":include:");
    str_clear(&text);
    return found;
}

unsigned fence_session(const struct site *site, const char *spool, bool remote)
{
    const struct configuration *config = &site->config;
    const struct paths *paths = site->paths;
    struct strlist read = {0}, write = {0};
    struct str aliases = {0}, format = {0};
    str_addf(&aliases, "%s/aliases", paths->sysconfdir);
    str_addf(&format, "%s/format",
             spool); /* what spool_open() makes last, for which it looks above */
    bool known = *spool == '/' && access(str_text(&format), F_OK) == 0 &&
                 !includes_others(str_text(&aliases));
    add(&read, str_text(&aliases));
    add(&read, paths->pkgdatadir);
    if (!remote) { /* they may hold passwords */
        add_beneath(&read, paths->sysconfdir, "onehop/onehop.ini");
        add_beneath(&read, paths->sysconfdir, "msmtprc");
    }
    add(&read, "/run/systemd/userdb");
    for (size_t i = 0; i < config->n; i++) {
        const struct account *account = config->account[i];
        known = known && !includes_others(account->aliases);
        add(&read, account->aliases);
        add_log(&write, account->logfile);
    }
    unsigned fences = known || remote ? confine(&read, &write, spool, false) : 0;
    strlist_clear(&read);
    strlist_clear(&write);
    str_clear(&aliases);
    str_clear(&format);
    return fences;
}

unsigned fence_control(const char *spool)
{
    struct strlist read = {0}, write = {0};
    return confine(&read, &write, spool, false);
}
