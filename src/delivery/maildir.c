#include "config.h"
#include "delivery/maildir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fileread.h"
#include "base/filewrite.h"
#include "base/memory.h"
#include "base/translation.h"
#include "queue/entryid.h"
#include "queue/spool.h"

enum { BLOCK = 64 * 1024 };

enum part { PART_TMP, PART_NEW, PART_CUR, PARTS };
static const char *const part_names[PARTS] = {"tmp", "new", "cur"};

struct maildir {
    char *path;  /* without the slash that may end it */
    mode_t mode; /* of the directory */
    int top, part[PARTS];
};

static bool failure(const struct maildir *dir, const char *format, const char *name,
                    struct error *err)
{
    bool is_about_path = fileread_is_about_file(errno) && !spool_is_full(errno);
    (void)spool_failure(err, format, dir->path, name);
    if (is_about_path) {
        err->class = ERROR_PERMANENT;
        (void)error_add(err, "; ", "uid %ld must be able to write there", (long)geteuid());
    }
    return false;
}

static bool open_part(struct maildir *dir, enum part part, bool *made, struct error *err)
{
    const char *name = part_names[part];
    int *fd = &dir->part[part];
    *fd = spool_open_at(dir->top, name, O_RDONLY | O_DIRECTORY);
    if (*fd >= 0)
        return true;
    if (errno != ENOENT)
        return failure(dir, N_("cannot open %s"), name, err);
    if (!directory_make(dir->top, name, dir->mode) && errno != EEXIST)
        return failure(dir, N_("cannot make %s"), name, err);
    *made = true;
    *fd = spool_open_at(dir->top, name, O_RDONLY | O_DIRECTORY);
    return *fd >= 0 || failure(dir, N_("cannot open %s"), name, err);
}

static void close_maildir(struct maildir *dir)
{
    for (int i = 0; i < PARTS; i++)
        if (dir->part[i] >= 0)
            (void)close(dir->part[i]); /* only read, or synced */
    if (dir->top >= 0)
        (void)close(dir->top);
    free(dir->path);
}

static bool open_maildir(struct maildir *dir, const char *path, struct error *err)
{
    struct stat facts;
    bool made = false;
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    *dir = (struct maildir){.path = memory_copy_n(path, len), .part = {-1, -1, -1}};
    dir->top = directory_open(dir->path);
    if (dir->top < 0 && errno == ENOENT) {
        if (!directory_make_path(dir->path))
            return failure(dir, N_("cannot make %s"), "", err);
        dir->top = directory_open(dir->path);
    }
    if (dir->top < 0 || fstat(dir->top, &facts) != 0)
        return failure(dir, N_("cannot open %s"), "", err);
    dir->mode = facts.st_mode & 0775; /* only its owner and its group may change mail */
    for (int i = 0; i < PARTS; i++)
        if (!open_part(dir, (enum part)i, &made, err))
            return false;
    return !made || filewrite_sync_directory(dir->top) ||
           failure(dir, N_("cannot sync %s"), "", err);
}

bool maildir_make(const char *path, struct error *err)
{
    struct maildir dir;
    bool ok = open_maildir(&dir, path, err);
    close_maildir(&dir);
    return ok;
}

/* "SECONDS.ID." and then the host, whose name must bring neither a slash nor the colon of flags. */
static void make_name(const struct maildir_mail *mail, struct str *out, size_t *unique)
{
    str_addf(out, "%" PRId64 ".%s.", entryid_arrival(mail->id) / 1000000, mail->id);
    *unique = out->len;
    for (const char *c = mail->host; *c; c++)
        str_add_char(out, isalnum((unsigned char)*c) || strchr("-.", *c) ? *c : '_');
}

/* True if a name in PART begins like NAME: what was kept there, whatever its reader did to its
 * flags. */
static bool find(const struct maildir *dir, enum part part, const char *name, size_t unique,
                 struct str *found)
{
    int fd = spool_open_at(dir->part[part], ".", O_RDONLY | O_DIRECTORY);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry = NULL;
    while (list && (entry = readdir(list)) && strncmp(entry->d_name, name, unique) != 0)
        ;
    if (entry)
        str_addf(found, "%s/%s/%s", dir->path, part_names[part], entry->d_name);
    if (list)
        (void)closedir(list); /* only read */
    else if (fd >= 0)
        (void)close(fd);
    return entry != NULL;
}

/* A content has no CR but those of its line ends. */
static bool copy_content(const struct content *content, int fd, bool *is_read, struct error *err)
{
    struct content_cursor cursor = {.content = content};
    char *block = memory_resize(NULL, 1, BLOCK);
    size_t got = 0;
    bool ok = true;
    while (ok && cursor.at < content->size) {
        *is_read = content_read(&cursor, block, BLOCK, &got, err);
        size_t kept = 0;
        for (size_t i = 0; *is_read && i < got; i++)
            if (block[i] != '\r')
                block[kept++] = block[i];
        ok = *is_read && filewrite_all(fd, block, kept);
    }
    free(block);
    return ok;
}

static bool write_file(const struct maildir *dir, const char *name, const struct maildir_mail *mail,
                       struct error *err)
{
    int tmp = dir->part[PART_TMP];
    bool is_read = true;
    (void)unlinkat(tmp, name, 0); /* what an attempt that was killed left */
    int fd = spool_open_at(tmp, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return failure(dir, N_("cannot write to %s"), part_names[PART_TMP], err);
    bool ok = fchmod(fd, dir->mode & 0666) == 0 &&
              filewrite_all(fd, mail->head, strlen(mail->head)) &&
              copy_content(mail->content, fd, &is_read, err) && fsync(fd) == 0;
    if (!ok && is_read)
        (void)failure(dir, N_("cannot write to %s"), part_names[PART_TMP], err);
    if (close(fd) != 0 && ok)
        ok = failure(dir, N_("cannot write to %s"), part_names[PART_TMP], err);
    if (!ok)
        (void)unlinkat(tmp, name, 0); /* if this fails, readers remove it when it is old */
    return ok;
}

static bool sync_part(const struct maildir *dir, enum part part, struct error *err)
{
    return filewrite_sync_directory(dir->part[part]) ||
           failure(dir, N_("cannot sync %s"), part_names[part], err);
}

static bool write_mail(const struct maildir *dir, const char *name, const struct maildir_mail *mail,
                       struct str *file, struct error *err)
{
    enum part part = mail->seen ? PART_CUR : PART_NEW;
    struct str final = {0};
    str_addf(&final, "%s%s", name, mail->seen ? ":2,S" : "");
    bool ok = write_file(dir, name, mail, err);
    /* A file of this name would be the same message. */
    if (ok && renameat(dir->part[PART_TMP], name, dir->part[part], str_text(&final)) != 0)
        ok = failure(dir, N_("cannot write to %s"), part_names[part], err);
    str_addf(file, "%s/%s/%s", dir->path, part_names[part], str_text(&final));
    str_clear(&final);
    return ok && sync_part(dir, part, err);
}

bool maildir_keep(const char *path, const struct maildir_mail *mail, struct str *file,
                  struct error *err)
{
    struct maildir dir;
    struct str name = {0};
    size_t unique;
    make_name(mail, &name, &unique);
    bool ok = open_maildir(&dir, path, err);
    /* In this order: readers move what is new. */
    if (ok && mail->again &&
        (find(&dir, PART_NEW, str_text(&name), unique, file) ||
         find(&dir, PART_CUR, str_text(&name), unique, file)))
        ok = sync_part(&dir, PART_CUR, err) && sync_part(&dir, PART_NEW, err);
    else
        ok = ok && write_mail(&dir, str_text(&name), mail, file, err);
    close_maildir(&dir);
    str_clear(&name);
    return ok;
}
