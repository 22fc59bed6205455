/* A process that is taken over: with ONEHOP_TEST_TAKEOVER="PATH:PATH..." the first octets that one
 * of the test program's processes receives from a peer make it try what an intruder would, and say
 * on standard error what worked, in one line:
 *
 *     taken over by inet: read PATH, write PATH, make DIRECTORY, process, program, trace, socket
 *
 * PATH/ is a directory: to make a file there. "end" instead of paths ends the process. Only the
 * kernel is in its way. The linker puts this in the place of recv(2). */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
    char text[4096];
    const char *separator;
};

static void note(struct report *report, const char *what, const char *path)
{
    size_t used = strlen(report->text);
    (void)snprintf(report->text + used, sizeof report->text - used, "%s%s%s", report->separator,
                   what, path);
    report->separator = ", ";
}

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static void try_file(struct report *report, const char *path)
{
    char name[512];
    bool directory = *path && path[strlen(path) - 1] == '/';
    (void)snprintf(name, sizeof name, "%s%s", path, directory ? "taken-over" : "");
    if (directory) {
        if (opens(name, O_WRONLY | O_CREAT)) {
            note(report, "make ", path);
            (void)unlink(name);
        }
        return;
    }
    if (opens(name, O_RDONLY))
        note(report, "read ", name);
    if (opens(name, O_WRONLY | O_APPEND))
        note(report, "write ", name);
}

static void try_programs(struct report *report)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    if (child < 0)
        return;
    (void)waitpid(child, &status, 0);
    note(report, status == 0 ? "process, program" : "process", "");
}

static void try_neighbours(struct report *report)
{
    if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0) {
        (void)ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
        note(report, "trace", "");
    }
    int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        note(report, "socket", "");
        (void)close(fd);
    }
}

static const char *family(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
        return NULL;
    return peer.ss_family == AF_UNIX ? "unix" : "inet";
}

static void take_over(int fd, const char *paths)
{
    static bool done;
    const char *by = family(fd);
    struct report report = {.separator = ""};
    char copy[4096];
    if (done || !by)
        return;
    done = true;
    if (strcmp(paths, "end") == 0)
        (void)raise(SIGKILL);
    (void)snprintf(copy, sizeof copy, "%s", paths);
    for (char *rest = copy, *path; (path = strsep(&rest, ":"));)
        try_file(&report, path);
    try_programs(&report);
    try_neighbours(&report);
    (void)dprintf(STDERR_FILENO, "taken over by %s: %s\n", by, report.text);
}

ssize_t __real_recv(int fd, void *data, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t len, int flags);

ssize_t __wrap_recv(int fd, void *data, size_t len, int flags)
{
    ssize_t n = __real_recv(fd, data, len, flags);
    const char *paths = n > 0 ? getenv("ONEHOP_TEST_TAKEOVER") : NULL;
    if (paths)
        take_over(fd, paths);
    return n;
}
