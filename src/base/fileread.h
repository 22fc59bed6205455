/* Small files, whole. */
#ifndef FILEREAD_H
#define FILEREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"

/* Appends the file PATH to OUT, at most LIMIT octets. FACTS, if not NULL, is what fstat(2) says of
 * the very file that was read. Not found, not readable (the error names file, uid and mode), not a
 * regular file, or larger than LIMIT: false, code EX_CONFIG. What says nothing about the file (EIO,
 * EMFILE, ENFILE, ENOMEM ...) is temporary, EX_TEMPFAIL. errno is left as open(2) set it, so that
 * ENOENT can be told apart. A FIFO is not waited for. */
bool fileread_all(const char *path, size_t limit, struct str *out, struct stat *facts,
                  struct error *err);

/* True if the errno NUMBER says something about the file; false if another attempt may succeed: no
 * descriptors, no memory, a disk that fails. */
bool fileread_is_about_file(int number);

/* True if NUMBER says that there is no such file. */
bool fileread_is_missing(int number);

#endif
