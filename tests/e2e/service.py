"""The submission service on a machine of its own, and callers of several uids."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from machine import NAMES, Machine, binary, module, until

if os.environ.get("ONEHOP_SERVICE") == "no":
    pytest.skip("NOT TESTED: configured with --disable-service", allow_module_level=True)

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(
    not ROOT, reason="NOT TESTED: callers of several uids can be had by root alone")
SERVICE, ALICE, BOB = 61001, 61002, 61003  # uids without passwd entries


def become(uid, *more):
    """What goes before a command to run it as that uid."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *more]


def children_of(pid):
    """Without any where there is no such process any more."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(word) for word in listed.read().split()]
    return []


def memory_of(pid):
    """What that process could write to; None where this one may not look."""
    found = b""
    try:
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as octets:
            for line in maps:
                start, end, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
                if mode.startswith("rw"):
                    octets.seek(int(start, 16))
                    with contextlib.suppress(OSError):  # what the kernel shows to nobody
                        found += octets.read(int(end, 16) - int(start, 16))
    except PermissionError:
        return None
    return found


class ServedMachine(Machine):
    """A machine whose accounts are the system's. With SEVERAL uids the service has one of its own,
    which alone can read the password."""

    def __init__(self, directory, authority, several):
        self.several = several
        directory.chmod(0o755)
        programs = directory / "bin"
        programs.mkdir()
        shutil.copy(binary(), programs / "program")
        (programs / "program").chmod(0o755)
        for name in NAMES:
            os.symlink("program", programs / name)
        super().__init__(directory, programs, authority)
        (self.root / "lib").mkdir()
        shutil.copy(module(), self.root / "lib/tls.so")
        shutil.copy(authority.trust, directory / "trust.pem")
        (directory / "trust.pem").chmod(0o644)
        for place in ("root", "root/etc", "root/etc/onehop", "root/share", "root/run", "root/lib",
                      "root/lib/tls.so"):
            (directory / place).chmod(0o755)
        (directory / "tmp").chmod(0o1777)
        self.password = self.root / "etc/onehop/password"
        self.uid = SERVICE if several else os.geteuid()
        self.process = None

    def own(self, path):
        if self.several:
            os.chown(path, SERVICE, SERVICE)

    def prepare(self):
        """The directories as the package makes them, and a password."""
        self.password.write_text("s3cret\n")
        self.password.chmod(0o600)
        (self.root / "spool").chmod(0o700)
        for path in (self.password, self.root / "spool", self.root / "run"):
            self.own(path)

    def serve(self, provider, service="", extra="", **keys):
        """Configures that provider's account for everybody and starts the service."""
        self.prepare()
        keys = dict(password=None, password_file=str(self.password), queue="on", logfile=None,
                    tls_trust_file=str(self.directory / "trust.pem")) | keys
        self.configure_system(self.account(provider, **keys) + extra + "[service]\n" + service,
                              mode=0o644)
        self.start()

    def start(self, command=None, environment=None, waits=True, **more):
        """Starts the service as its user, or by another COMMAND, and WAITS until it answers."""
        assert self.process is None, "the service runs already"
        self.process = subprocess.Popen(
            command or [*(become(SERVICE) if self.several else []), str(self.programs / "onehop"), "-bd"],
            stdin=subprocess.DEVNULL, stdout=open(self.directory / "service.out", "ab"),
            stderr=open(self.directory / "service.err", "ab"), cwd="/",
            env=self.environment(ONEHOP_TEST_CONFINED="yes", **(environment or {})), **more)
        if waits:
            self.until(self.answers, "the service does not answer")

    def take_over(self, listener):
        """Starts the service with a socket that its manager has opened (sd_listen_fds(3))."""
        self.start(["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -bd', str(self.programs / "onehop")],
                   waits=False, preexec_fn=lambda: os.dup2(listener.fileno(), 3), pass_fds=(3,))

    def answers(self):
        with contextlib.suppress(OSError), self.connect() as line:
            return line.recv(4) == b"220 "
        return False

    def until(self, ready, complaint):
        return until(ready, lambda: f"{complaint}: {self.said()}")

    def reserve(self, address="0.0.0.0"):
        """A port that nobody but the service gets: as long as the socket lives, others are not given it,
        and one more that sets SO_REUSEADDR may listen."""
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind((address, 0))
        return self.reserved.getsockname()[1]

    def connect(self, name="submit"):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(60)
        line.connect(str(self.root / "run" / name))
        return line

    def said(self):
        return (self.directory / "service.err").read_text(errors="replace")

    def stop(self, signal=15):
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal)
        return self.ends()

    def ends(self):
        """The exit status of a service that ends."""
        code, self.process = self.process.wait(60), None
        said = self.said()
        assert "Sanitizer" not in said and "runtime error:" not in said, said
        return code

    def call(self, uid, name, *words, input=b"", environment=None, privileged=(), before=None):
        """Calls a program as UID (0: as we are). Returns (status, stdout, stderr)."""
        command = [str(self.programs / name), *words]
        if uid and self.several:
            command = become(uid, *privileged) + command
        done = subprocess.run(command, input=input, capture_output=True, timeout=120,
                              cwd="/", preexec_fn=before,
                              env=self.environment(**(environment or {})))
        out, err = done.stdout.decode(), done.stderr.decode("utf-8", "replace")
        assert "Sanitizer" not in err and "runtime error:" not in err, err
        return done.returncode, out, err

    def queued(self, place="queue"):
        directory = self.root / "spool" / place
        return sorted(directory.iterdir()) if directory.exists() else []


@contextlib.contextmanager
def served_machine(authority, several):
    with tempfile.TemporaryDirectory(prefix="onehop-", dir="/tmp") as directory:
        machine = ServedMachine(Path(directory), authority, several)
        try:
            yield machine
        finally:
            machine.stop()


@pytest.fixture
def served(authority):
    """A machine with the service and one uid for all."""
    with served_machine(authority, several=False) as machine:
        yield machine


@pytest.fixture
def shared(authority):
    """A machine with the service and several uids."""
    with served_machine(authority, several=True) as machine:
        yield machine
