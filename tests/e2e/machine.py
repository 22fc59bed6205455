"""A machine of its own for each test: system places, a home, and the programs by their names."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
NAMES = ("sendmail", "msmtp", "onehop", "onehopctl", "mailq", "newaliases")
HAS_MSMTP = os.environ.get("ONEHOP_MSMTP") != "no"
needs_msmtp = pytest.mark.skipif(not HAS_MSMTP,
                                 reason="NOT TESTED: configured with --disable-msmtp")
PATIENCE = 120  # seconds after which a program hangs

# Some users' is 002, and a spool that a group can write to is refused.
os.umask(0o022)

REPORT = b"""From: root
To: you@example.net
Subject: report

all is well
"""


def binary():
    """The test build: the same library, a main() that takes its places from ONEHOP_TEST_ROOT."""
    path = os.environ.get("ONEHOP_BINARY", os.path.join(SOURCE, "tests", "onehop"))
    assert os.access(path, os.X_OK), f"ONEHOP_BINARY names no program: {path}"
    return path


def built(*names):
    """The path of what was built: beside the test build, unless that is a wrapper's."""
    build = os.environ.get("ONEHOP_BUILD") or os.path.dirname(os.path.dirname(os.path.realpath(binary())))
    return os.path.join(build, *names)


def module():
    """What the program loads for TLS."""
    return built("src", "tls.so")


def sanitized():
    with open(binary(), "rb") as file:
        return b"__asan_init" in file.read()


def program_links(directory):
    for name in NAMES:
        os.symlink(os.path.abspath(binary()), directory / name)
    return directory


@dataclass
class Result:
    code: int
    out: bytes
    err: bytes
    pipe_broke: bool  # standard input was not read to its end

    @property
    def text(self):
        return self.err.decode("utf-8", "replace")

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def shown(self):
        return self.out.decode("utf-8", "replace")


class Machine:
    def __init__(self, directory, programs, authority):
        self.directory, self.programs, self.authority = directory, programs, authority
        self.root = directory / "root"
        self.home = directory / "home"
        for place in ("etc/onehop", "share", "spool", "run"):
            (self.root / place).mkdir(parents=True)
        for place in (".config/onehop", ".local/state"):
            (self.home / place).mkdir(parents=True)
        (directory / "tmp").mkdir()
        (self.root / "etc/mailname").write_text("web1.example.org\n")
        self.log = directory / "log"
        self.system_file = self.root / "etc/onehop/onehop.ini"
        self.user_file = self.home / ".config/onehop/onehop.ini"
        shutil.copy(os.path.join(SOURCE, "etc", "providers.ini"), self.root / "share")
        (self.root / "share/providers.ini").chmod(0o644)

    # -- configuration

    def file(self, place, text, mode=0o600):
        path = self.directory / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return str(path)

    def configure(self, text, mode=0o600):
        """Writes the user's configuration."""
        self.file(self.user_file, text, mode)

    def configure_system(self, text, mode=0o600):
        self.file(self.system_file, text, mode)

    def account(self, provider, account_name="work", **keys):
        """The text of an account at that provider. A key of None is left out."""
        values = {"from": "me@example.com", "user": "me@example.com", "password": "s3cret",
                  "tls_trust_file": self.authority.trust, "timeout": "10", "queue": "off",
                  "syslog": "off", "logfile": str(self.log)}
        if not provider.mechanisms:
            values.update(auth="off", user=None, password=None)
        if provider.unix:
            values.update(socket=provider.unix)
        else:
            values.update(host="127.0.0.1", port=str(provider.port))
        if provider.tls == "implicit":
            values.update(tls_starttls="off")
        if provider.tls == "none":
            values.update(tls="off", tls_trust_file=None)
        if provider.lmtp:
            values.update(protocol="lmtp")
        values.update(keys)
        lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
        return "\n".join([f"[account {account_name}]"] + lines) + "\n\n"

    def use(self, provider, **keys):
        """Makes that provider's account the only one. Returns the provider."""
        self.configure(self.account(provider, **keys))
        return provider

    # -- calls

    def environment(self, **more):
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(self.home), "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "TMPDIR": str(self.directory / "tmp"), "ONEHOP_TEST_ROOT": str(self.root),
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        # The leak checker follows wild pointers in the thread's storage of what was loaded late; without
        # that storage it says so, unless told not to.
        environment["LSAN_OPTIONS"] = environment.get("LSAN_OPTIONS", "") + ":use_tls=0:print_suppressions=0"
        environment.update(more)
        return {name: value for name, value in environment.items() if value is not None}

    def run(self, name, *words, input=b"", environment=None, before=None):
        """Calls one of NAMES with INPUT, octets or an open file, as standard input."""
        piped = isinstance(input, bytes)
        with open(self.directory / "stdout", "w+b") as out, \
                open(self.directory / "stderr", "w+b") as err:
            process = subprocess.Popen(
                [str(self.programs / name), *words], stdin=subprocess.PIPE if piped else input,
                stdout=out, stderr=err, cwd=self.directory, preexec_fn=before,
                env=self.environment(**(environment or {})))
            self.process = process
            pipe_broke = piped and not feed(process.stdin, input)
            code = process.wait(PATIENCE)
            out.seek(0)
            err.seek(0)
            result = Result(code, out.read(), err.read(), pipe_broke)
        assert b"Sanitizer" not in result.err and b"runtime error:" not in result.err, result.text
        assert result.code >= 0, f"killed by signal {-result.code}: {result.text}"
        return result

    def peak_memory(self):
        """Octets the running program has had at most: not what wait4(2) says, which counts what was
        there before exec(2), too."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def sendmail(self, *words, input=REPORT, **more):
        return self.run("sendmail", *words, input=input, **more)

    def delivers(self, *words, input=REPORT, name="sendmail", **more):
        """As run(), and it must succeed without a word."""
        result = self.run(name, *words, input=input, **more)
        assert (result.code, result.out, result.text) == (0, b"", "")
        return result


def until(ready, complaint=lambda: "it does not come to that"):
    """Waits until READY() is true, and returns what it is."""
    limit = time.monotonic() + PATIENCE
    while not (found := ready()):
        assert time.monotonic() < limit, complaint()
        time.sleep(0.01)
    return found


def feed(pipe, octets):
    """Writes all of it. False if nobody read it."""
    try:
        pipe.write(octets)
        pipe.close()
        return True
    except BrokenPipeError:
        try:
            pipe.close()
        except BrokenPipeError:
            pass
        return False
