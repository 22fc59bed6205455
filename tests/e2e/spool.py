"""The queue of a machine, as its user and as a curious administrator see it."""

import json
import os
import signal
import socket

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


def message(subject, text="all is well"):
    return f"From: me@example.com\nTo: you@example.net\nSubject: {subject}\n\n{text}\n".encode()


def closed_port():
    """A port where nobody listens: as long as the socket lives nobody else gets it."""
    keeper = socket.socket()
    keeper.bind(("127.0.0.1", 0))
    return keeper, keeper.getsockname()[1]


class Spool:
    def __init__(self, machine, directory=None):
        self.machine = machine
        self.path = directory or machine.home / ".local/state/onehop"
        self.later = 0  # seconds by which the clock is ahead

    # -- the world

    def use(self, provider, more="", **keys):
        """The provider's account is the only one, with the queue on."""
        keys = {"queue": None, "timeout": "5", **keys}
        self.machine.configure(self.machine.account(provider, **keys) + more)
        return provider

    def use_nobody(self, provider, more="", **keys):
        """The same account while the provider is away: connections are refused."""
        self.keeper, port = closed_port()
        return self.use(provider, more, **{"port": str(port), **keys})

    def run(self, name, *words, **more):
        environment = {**more.pop("environment", {})}
        if self.later:
            environment["ONEHOP_TEST_CLOCK"] = str(self.later)
        return self.machine.run(name, *words, environment=environment, **more)

    def wait(self, seconds):
        """Time goes by, for every call from now on."""
        self.later += seconds

    # -- calls

    def submits(self, *words, input=None, **more):
        """A submission that must succeed without a word."""
        result = self.run("sendmail", *words, input=message("report") if input is None else input,
                          **more)
        assert (result.code, result.out, result.text) == (0, b"", "")
        return result

    def tries(self, *words, input=None, **more):
        """A submission that must be accepted, whatever it says of the first try."""
        result = self.run("sendmail", *words, input=message("report") if input is None else input,
                          **more)
        assert (result.code, result.out) == (0, b"")
        return result

    def queue_many(self, messages):
        """Queues all MESSAGES, (recipient, text), in one dialogue: a call for each takes its time."""
        said = b"EHLO x\r\n"
        for to, text in messages:
            said += b"MAIL FROM:<me@example.com>\r\nRCPT TO:<%s>\r\nDATA\r\n" % to.encode()
            said += text.replace(b"\n", b"\r\n").replace(b"\n.", b"\n..") + b".\r\n"
        before = len(self.ids())
        result = self.run("sendmail", "-bs", "-odq", input=said + b"QUIT\r\n")
        assert (result.code, result.text) == (0, ""), result.shown
        assert len(self.ids()) == before + len(messages), result.shown

    def queues(self, *words, **more):
        """The same without an attempt; returns the new entry's id."""
        before = set(self.ids())
        self.submits("-odq", *words, **more)
        new = set(self.ids()) - before
        assert len(new) == 1
        return new.pop()

    def delivers(self, *words, name="sendmail"):
        """A run that must succeed without a word."""
        result = self.run(name, *(words or ("-q",)))
        assert (result.code, result.out, result.text) == (0, b"", "")

    def ctl(self, *words, code=0):
        result = self.run("onehopctl", *words)
        assert result.code == code, result.text
        return result

    def kill_deliverer(self):
        """A crash: SIGABRT for the child of the run that is going on."""
        parent = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/stat") as stat:
                    if b"HOME=%s\0" % os.fsencode(self.machine.home) in environ.read():
                        parent[pid] = stat.read().rpartition(")")[2].split()[1]
            except OSError:
                pass
        child, = [pid for pid in parent if parent[pid] in parent]
        os.kill(int(child), signal.SIGABRT)

    # -- what is there

    def ids(self, place="queue"):
        try:
            return sorted(os.listdir(self.path / place))
        except FileNotFoundError:
            return []

    def listed(self, *words):
        """`onehopctl queue --json`: one object for each entry."""
        return [json.loads(line) for line in self.ctl("queue", "--json", *words).out.splitlines()]

    def entry(self):
        listed = self.listed()
        assert len(listed) == 1, listed
        return listed[0]

    def left(self):
        """What is there, by its place."""
        found = {place: self.ids(place) for place in ("tmp", "queue", "hold", "failed", "journal")}
        return {place: ids for place, ids in found.items() if ids}

    def is_empty(self):
        """Nothing waits, and nothing is left behind."""
        assert not self.left(), self.left()
        assert self.run("mailq").shown == "Mail queue is empty\n"
        return True


def notice_of_a_failing_login(machine, good, text):
    """The system's account `work`, which TEXT describes, fails for hours: the one notice about it, which
    comes after an hour, by the account at the provider GOOD. The mail waits."""
    spool = Spool(machine, machine.directory / "system-spool")
    spool.path.mkdir(mode=0o700)
    machine.configure_system(text + machine.account(good, "good", queue=None, **{"from": "other@example.com"})
                             + f"[queue]\ndirectory = {spool.path}\n")
    spool.tries("-a", "work", "you@example.net")
    spool.wait(45 * MINUTE)
    spool.delivers("-q5m")
    assert good.messages == []
    for _ in range(12):
        spool.wait(30 * MINUTE)
        spool.delivers("-q5m")
    notice, = good.messages
    assert notice.recipients == ["boss@example.net"] and len(spool.ids()) == 1
    return notice
