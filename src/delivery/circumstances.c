#include "config.h"
#include "delivery/circumstances.h"

#include <string.h>
#include <sys/stat.h>

#include "queue/checksum.h"

static void add_file(struct checksum *sum, const char *path)
{
    struct stat facts;
    uint64_t seen[5] = {0};
    if (*path && strcmp(path, "system") != 0 && stat(path, &facts) == 0) {
        seen[0] = (uint64_t)facts.st_dev;
        seen[1] = (uint64_t)facts.st_ino;
        seen[2] = (uint64_t)facts.st_size;
        seen[3] = (uint64_t)facts.st_ctim.tv_sec;
        seen[4] = (uint64_t)facts.st_ctim.tv_nsec;
    }
    checksum_add(sum, path, strlen(path));
    checksum_add(sum, seen, sizeof seen);
}

static void add_below(struct checksum *sum, const char *directory, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", directory, name);
    add_file(sum, str_text(&path));
    str_clear(&path);
}

/* The file NAME, or the credential. */
static void add_secret(struct checksum *sum, const char *name, const struct caller *caller)
{
    struct str path = {0};
    caller_secret_path(&path, caller, name);
    if (path.len > 0)
        add_file(sum, str_text(&path));
    str_clear(&path);
}

uint64_t circumstances_of(const struct site *site, const struct account *account)
{
    const char *const files[] = {account->tls_trust_file, account->tls_crl_file,
                                 account->tls_cert_file, account->tls_key_file, account->maildir};
    struct checksum sum;
    struct str path = {0};
    checksum_begin(&sum, 0);
    for (const char *line = str_text(&site->config.files); *line; line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        str_truncate(&path, 0);
        str_add_n(&path, line, len);
        add_file(&sum, str_text(&path));
        line += len;
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_file(&sum, files[i] ? files[i] : "");
    add_secret(&sum, account->password_file, &site->caller);
    if (account_has_oauth(account)) { /* not the tokens: each refusal of one brings another */
        add_secret(&sum, account->oauth_client_secret_file, &site->caller);
        add_secret(&sum, account->oauth_key_file, &site->caller);
        add_secret(&sum, account->oauth_cert_file, &site->caller);
    } else if (account->password.len == 0 && !*account->password_file &&
               !*account->password_command) {
        add_below(&sum, site->caller.home, ".netrc");
        add_below(&sum, site->paths->sysconfdir, "netrc");
    }
    str_clear(&path);
    return checksum_end(&sum);
}
