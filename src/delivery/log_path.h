/* The file of an account's log, as a path that others may have a hand in. */
#ifndef LOG_PATH_H
#define LOG_PATH_H

/* Opens PATH to append to it, made with mode 0600 if there is none. Never waits for the reader of a
 * FIFO. A link is followed only where none but root or the caller can have put it. Returns the
 * descriptor; -1: errno says why. */
int log_path_open(const char *path);

/* Makes the file PATH if there is none: before a process loses the right to make
 * files next to it. A failure shows when something is to be logged. */
void log_path_make(const char *path);

#endif
