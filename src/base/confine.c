#include "config.h"
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#endif

#if defined(__linux__) && defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>

enum {
    ABI_RENAMES = 2,  /* the first one with LANDLOCK_ACCESS_FS_REFER */
    ABI_TRUNCATE = 3, /* and with LANDLOCK_ACCESS_FS_TRUNCATE */
};

/* Headers may be older than the kernel. */
#define ACCESS_TRUNCATE (1ULL << 14)

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_ALL (ACCESS_TRUNCATE | (ACCESS_TRUNCATE - 1))
#define ACCESS_OF_FILES                                                                            \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |   \
     ACCESS_TRUNCATE)

static long landlock_abi(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Its own descriptor, and those behind it that are still open: one call closes them all. */
struct ruleset {
    int fd, last;
};

/* A rule that is not taken allows less, not more. */
static void allow(const struct ruleset *ruleset, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    (void)syscall(SYS_landlock_add_rule, ruleset->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void allow_paths(struct ruleset *ruleset, const struct strlist *paths, uint64_t access)
{
    for (size_t i = 0; paths && i < paths->n; i++) {
        const char *path = paths->item[i];
        bool directory = *path && path[strlen(path) - 1] == '/';
        int fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue;
        allow(ruleset, fd, directory ? access : access & ACCESS_OF_FILES);
        if (fd == ruleset->last + 1)
            ruleset->last = fd;
        else
            (void)close(fd);
    }
}

static bool fence_files(const struct confinement *c)
{
    long abi = landlock_abi();
    if (abi < ABI_RENAMES)
        return false;
    uint64_t all = abi < ABI_TRUNCATE ? ACCESS_ALL & ~ACCESS_TRUNCATE : ACCESS_ALL;
    struct landlock_ruleset_attr attr = {.handled_access_fs = all};
    uint64_t write = all & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                       LANDLOCK_ACCESS_FS_MAKE_BLOCK);
    struct ruleset ruleset;
    ruleset.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
    if (ruleset.fd < 0)
        return false;
    ruleset.last = ruleset.fd;
    allow_paths(&ruleset, c->read, ACCESS_READ | (c->execute ? LANDLOCK_ACCESS_FS_EXECUTE : 0));
    allow_paths(&ruleset, c->write, write);
    if (c->write_below > 0)
        allow(&ruleset, c->write_below, write);
    bool ok = syscall(SYS_landlock_restrict_self, ruleset.fd, 0) == 0;
    (void)syscall(SYS_close_range, ruleset.fd, ruleset.last, 0); /* older than Landlock */
    return ok;
}

static bool has_file_fence(void)
{
    return landlock_abi() >= ABI_RENAMES;
}
#else
static bool fence_files(const struct confinement *c)
{
    (void)c;
    return false;
}

static bool has_file_fence(void)
{
    return false;
}
#endif

#if defined(__x86_64__) && !defined(__ILP32__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#if defined(__linux__) && defined(THIS_ARCHITECTURE)
#ifdef __x86_64__
#define CALLS_OF_X32 0x40000000u
#else
#define CALLS_OF_X32 0xffffffffu
#endif
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */)
#define PASS BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
/* Goes on with the next instruction if the word that was loaded is VALUE, else with the one after.
 */
#define UNLESS_SKIP(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define REFUSE_CALL(name) UNLESS_SKIP(SYS_##name), REFUSE
/* Passes over the next N instructions if the word is VALUE, else if it is not. */
#define IF_SKIP(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, n, 0)
#define IF_NOT_SKIP(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)

/* The parts follow each other in one filter, which is put together from those that apply: what no
 * part refuses passes. The first argument of socket(2) is an int: its low half, which comes first
 * on what is listed above. */
static const struct sock_filter always[] = {
    LOAD(arch), IF_SKIP(THIS_ARCHITECTURE, 1), REFUSE, LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CALLS_OF_X32, 0, 1), REFUSE,
    /* what no part of this program ever does */
    REFUSE_CALL(ptrace), REFUSE_CALL(process_vm_readv), REFUSE_CALL(process_vm_writev),
    REFUSE_CALL(mount), REFUSE_CALL(umount2), REFUSE_CALL(pivot_root), REFUSE_CALL(chroot),
    REFUSE_CALL(setns), REFUSE_CALL(unshare), REFUSE_CALL(bpf), REFUSE_CALL(perf_event_open),
    REFUSE_CALL(add_key), REFUSE_CALL(keyctl), REFUSE_CALL(request_key),
    REFUSE_CALL(open_by_handle_at), REFUSE_CALL(init_module), REFUSE_CALL(finit_module),
    REFUSE_CALL(kexec_load), REFUSE_CALL(reboot),
#ifdef SYS_io_uring_setup
    REFUSE_CALL(io_uring_setup), /* its calls are seen by no filter */
#endif
};

/* Threads may be had, processes not. The flags of clone3(2) are in memory, where no filter looks:
 * the C library takes ENOSYS for an old kernel and calls clone(2), whose first argument they are.
 */
static const struct sock_filter no_programs[] = {
    LOAD(nr),
    REFUSE_CALL(execve),
    REFUSE_CALL(execveat),
#ifdef SYS_fork
    REFUSE_CALL(fork),
    REFUSE_CALL(vfork),
#endif
    UNLESS_SKIP(SYS_clone3),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    IF_NOT_SKIP(SYS_clone, 3),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
    REFUSE,
};

static const struct sock_filter no_network[] = {
    LOAD(nr), IF_NOT_SKIP(SYS_socket, 3), LOAD(args[0]), IF_SKIP(AF_UNIX, 1), REFUSE,
};

/* getaddrinfo(3) asks rtnetlink(7) which addresses this machine has. */
static const struct sock_filter ordinary_network[] = {
    LOAD(nr),
    IF_NOT_SKIP(SYS_socket, 6),
    LOAD(args[0]),
    IF_SKIP(AF_UNIX, 4),
    IF_SKIP(AF_INET, 3),
    IF_SKIP(AF_INET6, 2),
    IF_SKIP(AF_NETLINK, 1),
    REFUSE,
};

static const struct sock_filter end[] = {PASS};

#define LENGTH(part) (sizeof(part) / sizeof *(part))

enum {
    FILTER_MAX = LENGTH(always) + LENGTH(no_programs) + LENGTH(ordinary_network) + LENGTH(end),
};

static void append(struct sock_fprog *program, const struct sock_filter *part, size_t n)
{
    memcpy(program->filter + program->len, part, n * sizeof *part);
    program->len = (unsigned short)(program->len + n);
}

static bool fence_calls(const struct confinement *c)
{
    struct sock_filter filter[FILTER_MAX];
    struct sock_fprog program = {.filter = filter};
    append(&program, always, LENGTH(always));
    if (!c->execute)
        append(&program, no_programs, LENGTH(no_programs));
    if (c->network)
        append(&program, ordinary_network, LENGTH(ordinary_network));
    else
        append(&program, no_network, LENGTH(no_network));
    append(&program, end, LENGTH(end));
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* A kernel that knows filters looks at the one that is not there. */
static bool has_call_fence(void)
{
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
}
#else
static bool fence_calls(const struct confinement *c)
{
    (void)c;
    return false;
}

static bool has_call_fence(void)
{
    return false;
}
#endif

#ifdef __SANITIZE_ADDRESS__
enum { IS_DEBUGGED = true };
#else
enum { IS_DEBUGGED = false };
#endif

bool confine_is_debugged(void)
{
    return IS_DEBUGGED;
}

#ifdef __linux__
static void forbid_debuggers(void)
{
    if (!IS_DEBUGGED)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* known to every kernel */
}
#else
static void forbid_debuggers(void)
{
}
#endif

#ifdef __linux__
static bool forbid_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
#else
static bool forbid_new_privileges(void)
{
    return false;
}
#endif

void confine_memory(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* lowering a limit is always allowed */
    forbid_debuggers();
}

unsigned confine_process(const struct confinement *confinement)
{
    if (!forbid_new_privileges()) /* both fences need it */
        return 0;
    unsigned fences = fence_files(confinement) ? CONFINE_FILES : 0;
    return fences | (fence_calls(confinement) ? CONFINE_CALLS : 0);
}

unsigned confine_available(void)
{
    return (has_file_fence() ? CONFINE_FILES : 0) | (has_call_fence() ? CONFINE_CALLS : 0);
}
