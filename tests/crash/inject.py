"""Faults in system calls, with strace(1): what a call sequence is, and what stops it where."""

import functools
import os
import re
import shutil
import subprocess

FULL = os.environ.get("CRASH") == "full"
BEGIN = "umask(077"  # the first call of our own; before it the loader works
FILE_CALLS = ("open openat creat read pread64 write pwrite64 writev lseek fsync fdatasync ftruncate "
              "rename renameat renameat2 link linkat unlink unlinkat mkdir mkdirat flock fcntl stat "
              "fstat lstat newfstatat statx getdents64 chmod fchmod fchmodat utimensat close "
              "getrandom").split()
ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENOMEM", "EINTR")


@functools.lru_cache(None)
def works():
    if not shutil.which("strace"):
        return False
    probe = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "--inject=write:error=ENOSPC",
                            "/bin/echo"], capture_output=True)
    return probe.returncode == 1


def command(trace, call="all", fault=None, when=None):
    """The words in front of a program that let it run into FAULT at CALL."""
    words = ["strace", "-f", "-q", "-e", "signal=KILL", "-o", str(trace), "-e", f"trace={call}"]
    if fault and fault.startswith("error="):
        words.append("--seccomp-bpf")  # quicker, but strace 6.1 forgets signals with it
    if fault:
        words.append(f"--inject={call}:{fault}:when={when}")
    return words


def points(trace, calls=None):
    """[(call, occurrence)] in order, counted for each process by itself, as strace does."""
    counts, seen, found, begun = {}, set(), [], set()
    first = None
    for line in open(trace, errors="replace"):
        match = re.match(r"(\d+) +(\w+)\(", line)
        if not match:
            continue
        pid, name = match.groups()
        first = first or pid
        counts[pid, name] = n = counts.get((pid, name), 0) + 1
        if BEGIN in line or pid != first:
            begun.add(pid)
        if pid not in begun or name in ("exit_group", "exit", "execve", "rt_sigreturn"):
            continue
        if (calls is None or name in calls) and (name, n) not in seen:
            seen.add((name, n))
            found.append((name, n))
    return found


def killed(trace):
    """How many processes were killed in the trace of a call with signal=SIGKILL. Calls are counted for each
    process: a worker that takes the place of a killed one is killed at the same call."""
    with open(trace, errors="replace") as lines:
        return sum("+++ killed by SIGKILL" in line for line in lines)


def failed(trace):
    """How many calls were made to fail in the trace of a call with error=..."""
    with open(trace, errors="replace") as lines:
        return sum("(INJECTED)" in line for line in lines)


def sample(items, short, part=0, parts=1):
    """Everything in full; otherwise about SHORT of them, spread evenly. PART of PARTS of that."""
    items = list(items)
    if not FULL and len(items) > short:
        step = len(items) / short
        items = [items[int(i * step + step / 2)] for i in range(short)]
    return items[part::parts]
