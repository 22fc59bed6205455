/* Directories that are opened, or made on demand, on disk with the names that lead to them. On
 * failure errno says why. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <stdbool.h>
#include <sys/types.h>

/* Opens PATH, in which links are allowed: it is the administrator's. -1 on failure. */
int directory_open(const char *path);

/* mkdirat(2) with MODE whatever the umask says: a chmod(2) afterwards would follow a link. */
bool directory_make(int at, const char *path, mode_t mode);

/* Makes PATH and what is missing above it, mode 0700, each synced with its parent. One that is
 * there is no failure, and is not synced. */
bool directory_make_path(const char *path);

/* Syncs the directory that has the name PATH. */
bool directory_sync_parent(const char *path);

#endif
