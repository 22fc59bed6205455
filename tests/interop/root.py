"""A throw-away root: an overlay in memory, by default of the running system, with packages of its
own."""

import os
import pathlib
import socket
import subprocess
import time

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
}

HOSTS = """\
127.0.0.1 localhost
127.0.0.1 mail.test
127.0.0.2 second.test xn--bcher-kva.test
127.0.0.3 third.test
127.0.0.4 fourth.test
127.0.1.1 web1.client.test web1
"""


class Root:
    """Everything written below `path` is gone with the mount namespace of the run."""

    def __init__(self, base, name, lower="/"):
        self.path = pathlib.Path(base) / name / "root"
        upper, work = self.path.parent / "upper", self.path.parent / "work"
        for directory in (self.path, upper, work):
            directory.mkdir(parents=True)
        overlay = f"lowerdir={lower},upperdir={upper},workdir={work}"
        mount("-t", "overlay", "-o", overlay, "overlay", self.path)
        # Read before /run is hidden: the file may be a symbolic link into it.
        resolv = pathlib.Path("/etc/resolv.conf").read_text()
        mount("-t", "proc", "proc", self.path / "proc")
        mount("--rbind", "/dev", self.path / "dev")
        mount("-t", "tmpfs", "tmpfs", self.path / "run")
        mount("-t", "tmpfs", "tmpfs", self.path / "tmp")
        (self.path / "tmp").chmod(0o1777)
        (self.path / "etc/resolv.conf").unlink(missing_ok=True)
        self.write("etc/resolv.conf", resolv)
        self.write("etc/hosts", HOSTS)
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)

    def write(self, name, text, mode=0o644):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def run(self, *argv, user=None, check=True, timeout=120, **kwargs):
        """Runs a command in the root and returns the CompletedProcess, output captured as text."""
        argv = ["chroot", str(self.path), *self._as_user(user), *argv]
        stdin = {} if "input" in kwargs else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(argv, env=self._environment(user), timeout=timeout, text=True,
                              capture_output=True, **stdin, **kwargs)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n"
                               f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def open(self, *argv, user=None, **kwargs):
        """A command in the root to talk to: standard input and output are pipes."""
        return subprocess.Popen(["chroot", str(self.path), *self._as_user(user), *argv],
                                env=self._environment(user), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)

    def start(self, *argv, log="/dev/null"):
        """Starts a server in the foreground of a process of its own."""
        with open(self.path / log.lstrip("/"), "ab") as out:
            return subprocess.Popen(["chroot", str(self.path), *argv], env=ENVIRONMENT,
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def add_user(self, name):
        self.run("useradd", "--create-home", "--shell", "/bin/sh", name)

    def add_hosts(self, line):
        hosts = self.path / "etc/hosts"
        hosts.write_text(hosts.read_text() + line + "\n")

    def install(self, *packages):
        """Installs packages; the machine's package lists are used, unless they lack something."""
        command = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
        if self.run(*command, check=False, timeout=300).returncode != 0:
            self.run("apt-get", "update", "-qq", timeout=300)
            self.run(*command, timeout=300)

    @staticmethod
    def _as_user(user):
        if user is None:
            return []
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]

    @staticmethod
    def _environment(user):
        home = "/root" if user is None else f"/home/{user}"
        return {**ENVIRONMENT, "HOME": home, "USER": user or "root", "LOGNAME": user or "root"}


def mount(*argv):
    subprocess.run(["mount", *map(str, argv)], check=True)


def memory_directory():
    """A tmpfs nobody else sees: what is written there needs no cleaning up."""
    os.makedirs("/mnt", exist_ok=True)
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt")
    return "/mnt"


def until(ready, said=lambda: "", seconds=60):
    """Waits until READY() is true, and returns what it is. SAID() is the complaint where that takes too
    long."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)
    return found


def listens(address):
    """Whether somebody does: (host, port), or the path of a socket."""
    is_path = not isinstance(address, tuple)
    with socket.socket(socket.AF_UNIX if is_path else socket.AF_INET) as line:
        line.settimeout(60)
        return line.connect_ex(str(address) if is_path else address) == 0
