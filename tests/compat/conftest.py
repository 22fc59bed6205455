"""Both programs, msmtp and ours under its name, do the same work against the same server."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e"), os.path.dirname(HERE)]

from fixtures import (authority, machine, programs, pytest_make_parametrize_id,  # noqa: E402, F401
                      socket_path)
from provider import Provider  # noqa: E402

MSMTP = os.environ.get("MSMTP", "/usr/bin/msmtp")
MAIL = (b"From: me@example.com\nTo: you@example.net\nSubject: hi\nMessage-ID: <1@example.com>\n"
        b"Date: Mon, 23 Nov 2026 07:53:00 +0000\n\nhello\n")


@dataclass
class Did:
    """What a program did."""
    code: int
    out: str
    err: str
    log: list            # lines without time, port and error text
    messages: list       # that arrived
    connections: list
    port: int

    @property
    def message(self):
        assert len(self.messages) == 1, f"{len(self.messages)} messages; {self.err}"
        return self.messages[0]

    @property
    def sender(self):
        return self.message.sender

    @property
    def recipients(self):
        return [r for m in self.messages for r in m.recipients]

    @property
    def content(self):
        """What arrived, with what no two runs have in common taken out."""
        text = self.message.content.decode("utf-8", "surrogateescape")
        return re.sub(r"(?mi)^(Date|Message-ID): .*(\r\n[ \t].*)*\r$", r"\1: *\r", text)

    def facts(self):
        mail = [(m.sender, m.recipients) for m in self.messages]
        return self.code, mail, [self.content] if self.messages else [], self.log

    @property
    def settings(self):
        return [line for line in self.out.splitlines() if " = " in line]


def clean_log(path, whole):
    """Unless the message was WHOLE before, its size depends on what was added."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [re.sub(r" message-id=\S+", "", line.rstrip("\n")) for line in file]  # only ours
    lines = [re.sub(r" errormsg='.*'(?= exitcode=|$)", "", line) for line in lines]
    if not whole:
        lines = [re.sub(r" mailsize=\d+", "", line) for line in lines]
    return [re.sub(r"^\w{3} [ \d]\d \d\d:\d\d:\d\d ", "", line) for line in lines]


class Both:
    """both(...) calls the two in turn; each has a home, a server and a log of its own."""

    def __init__(self, directory, authority, ours, socket_path):
        self.directory, self.authority, self.ours = directory, authority, ours
        self.msmtp = MSMTP
        self.socket_path = socket_path
        self.running = []

    def __call__(self, *words, rc=None, input=MAIL, environment=None, files=None,
                 before=None, **provider):
        return [self.call(name, words, rc, input, environment or {}, files or {}, provider,
                          before)
                for name in ("theirs", "ours")]

    def same(self, *words, **more):
        """Both do the same. Returns what ours did."""
        theirs, ours = self(*words, **more)
        assert ours.facts() == theirs.facts(), ours.err
        return ours

    def rc(self, server, home, rc, logfile):
        """The text of an msmtprc: its account default at the server, with the settings of RC (None
        leaves one out) or, if RC is a text, that with {port}, {home} and {trust} filled in."""
        if isinstance(rc, str):
            for name, value in (("port", server.port), ("home", home), ("log", logfile),
                                ("trust", self.authority.trust)):
                rc = rc.replace("{%s}" % name, str(value))
            return rc
        values = {"host": "127.0.0.1", "port": server.port, "from": "me@example.com",
                  "logfile": logfile}
        if server.unix:
            values.update(socket=server.unix)
            del values["host"], values["port"]
        if server.tls != "none":
            values.update(tls="on", tls_trust_file=self.authority.trust)
        if server.tls == "implicit":
            values.update(tls_starttls="off")
        if server.mechanisms:
            values.update(auth="plain", user="me@example.com", password="s3cret")
        values.update(rc or {})
        return "account default\n" + "".join(
            f"{key} {value}\n" for key, value in values.items() if value is not None)

    def call(self, name, words, rc, input, environment, files, provider, before):
        home = self.directory / f"{name}{len(self.running)}"
        home.mkdir()
        root = home / "root"
        for place in ("etc", "share", "spool", "run"):
            (root / place).mkdir(parents=True)
        if provider.get("unix"):
            provider = dict(provider, unix=self.socket_path + name[0])
        provider = {"tls": "none", "mechanisms": "", "auth_required": False, **provider}
        server = Provider(self.authority, **provider).__enter__()
        self.running.append(server)
        logfile = home / "log"
        for place, text in files.items():
            (home / place).write_text(text.replace("{home}", str(home)))
        if rc is not False:
            (home / ".msmtprc").write_text(self.rc(server, home, rc, logfile))
            (home / ".msmtprc").chmod(0o600)
        program = MSMTP if name == "theirs" else str(self.ours / "msmtp")
        words = [w.replace("{port}", str(server.port)).replace("{home}", str(home))
                 .replace("{log}", str(logfile)).replace("{trust}", str(self.authority.trust))
                 for w in words]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8",
                       "TZ": "UTC", "USER": "caller", "TMPDIR": "/tmp",
                       "ONEHOP_TEST_ROOT": str(root), **environment}
        for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if variable in os.environ:
                environment[variable] = os.environ[variable]
        done = subprocess.run([program, *words], input=input, env=environment, cwd=home,
                              capture_output=True, timeout=120, preexec_fn=before)
        err = done.stderr.decode("utf-8", "replace")
        assert "Sanitizer" not in err and "runtime error:" not in err, err
        return Did(done.returncode, done.stdout.decode("utf-8", "replace"), err,
                   clean_log(logfile, b"Message-ID" in input), server.messages, server.connections, server.port)

    def stop(self):
        for server in self.running:
            server.stop()


@pytest.fixture
def both(tmp_path, authority, programs, socket_path):
    pair = Both(tmp_path, authority, programs, socket_path)
    yield pair
    pair.stop()
