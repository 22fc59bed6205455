/* renameat2(2) where the C library has none (musl). */
#ifndef RENAMEAT2_H
#define RENAMEAT2_H

#include <linux/fs.h>

/* As rename(2), and with RENAME_NOREPLACE it fails with EEXIST where NEW is there. */
int renameat2(int old_directory, const char *old, int new_directory, const char *new,
              unsigned flags);

#endif
