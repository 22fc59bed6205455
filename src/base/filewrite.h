/* Writing to descriptors until it is done. */
#ifndef FILEWRITE_H
#define FILEWRITE_H

#include <stdbool.h>
#include <stddef.h>

/* All of LEN octets to FD, which blocks; EINTR is no end. False: errno says why. */
bool filewrite_all(int fd, const void *data, size_t len);

/* fsync(2) of a directory. Some file systems have none, and say so with EINVAL: their names are
 * safe, or not, without us. False: errno says why. */
bool filewrite_sync_directory(int fd);

#endif
