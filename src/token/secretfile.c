#include "config.h"
#include "token/secretfile.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileread.h"
#include "config/ownership.h"

static bool is_credential(const struct token_request *request, const char *path)
{
    size_t len = strlen(request->credentials);
    return len > 0 && strncmp(path, request->credentials, len) == 0 && path[len] == '/';
}

static bool check(const char *path, const struct stat *facts, struct error *err)
{
    if (ownership_is_read_only(path))
        return true;
    if ((facts->st_mode & 077) != 0)
        return error_config(err, "%s: a secret that others can read (mode %04o): chmod 600 it",
                            path, (unsigned)facts->st_mode & 07777);
    if (ownership_is_trusted(facts->st_uid))
        return true;
    return error_config(err, "%s: a secret of uid %ld, and it must be of uid %ld: chown it", path,
                        (long)facts->st_uid, (long)geteuid());
}

static bool read_file(const char *path, struct str *out, struct stat *facts, struct error *err)
{
    if (fileread_all(path, SECRETFILE_MAX, out, facts, err))
        return true;
    err->class = ERROR_TEMPORARY; /* by this process, now */
    err->code = EX_TEMPFAIL;
    return false;
}

bool secretfile_read(const struct token_request *request, const char *path, struct str *out,
                     struct error *err)
{
    struct stat facts;
    return read_file(path, out, &facts, err) &&
           (is_credential(request, path) || check(path, &facts, err));
}

bool secretfile_read_public(const char *path, struct str *out, struct error *err)
{
    return read_file(path, out, NULL, err);
}

bool secretfile_read_line(const struct token_request *request, const char *path, struct str *out,
                          struct error *err)
{
    if (!secretfile_read(request, path, out, err))
        return false;
    str_truncate(out, strcspn(str_text(out), "\r\n"));
    return out->len > 0 || error_config(err, "%s: the first line is empty", path);
}
