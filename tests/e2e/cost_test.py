"""What a call costs, in counts that do not depend on the machine's speed: instructions, system calls,
memory. bench/budgets has the limits."""

import os
import pwd
import re
import shutil
import subprocess
import threading

import pytest

from machine import SOURCE, binary, sanitized
from service import ROOT, become, served, served_machine  # noqa: F401

BUDGETS = os.path.join(SOURCE, "tests", "bench", "budgets")
MEASURE = os.path.join(os.path.dirname(os.path.realpath(binary())), "bench/measure")
SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
TOLERANCE = 1.1
DRAINED = 400
MESSAGE = b"From: me@example.com\nTo: you@example.net\nSubject: 2 kB\n\n" + b"0123456789abcde\n" * 125

pytestmark = pytest.mark.skipif(
    sanitized(), reason="NOT MEASURED: sanitizers cost more than what they watch")


def budgets():
    with open(BUDGETS) as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {row[0]: [None if cell == "-" else float(cell) for cell in row[1:]] for row in rows}


class Scale:
    """Runs a program of a machine, as UID, under what counts."""

    def __init__(self, machine, uid=None):
        self.machine = machine
        self.before = become(uid) if uid else []
        self.report = machine.directory / "counted"
        self.report.touch()
        self.report.chmod(0o666)

    def run(self, wrapper, name, *words, input=b""):
        done = subprocess.run([*self.before, *wrapper, str(self.machine.programs / name), *words],
                              input=input, capture_output=True, cwd=self.machine.directory,
                              timeout=120, env=self.machine.environment())
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return self.report.read_text()

    def million_instructions(self, *call, **more):
        if not shutil.which("valgrind"):
            return None
        said = self.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                         f"--log-file={self.report}"], *call, **more)
        return int(re.search(r"Collected : (\d+)", said)[1]) / 1e6

    def system_calls(self, *call, **more):
        if not shutil.which("strace"):
            return None
        said = self.run(["strace", "-f", "-c", "-o", str(self.report)], *call, **more)
        return int(re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s.*total$", said, re.M)[1])

    def kilobytes(self, *call, **more):
        return int(self.run([MEASURE, str(self.report)], *call, **more).split()[1])


def judge(scenario, figures):
    """Each figure, in the order of the budgets' columns; None: it could not be counted here."""
    names = ("million instructions", "system calls", "kB")
    said = [f"{name}: {figure:g} of {limit:g}" for name, figure, limit
            in zip(names, figures, budgets()[scenario]) if None not in (figure, limit)]
    print(scenario, *said, sep="\n")
    for figure, limit in zip(figures, budgets()[scenario]):
        assert None in (figure, limit) or figure <= limit * TOLERANCE, said
    missing = [name for name, figure, limit in zip(names, figures, budgets()[scenario])
               if figure is None and limit is not None]
    if missing:
        pytest.skip(f"NOT MEASURED for want of valgrind or strace: {', '.join(missing)}")


def weigh(scenario, machine, *call, uid=None, **more):
    scale = Scale(machine, uid)
    counts = (scale.million_instructions, scale.system_calls, scale.kilobytes)
    judge(scenario, [None if limit is None else count(*call, **more)
                     for count, limit in zip(counts, budgets()[scenario])])


def test_version(machine):
    weigh("version", machine, "onehop", "--version")


@pytest.fixture
def user(serve, authority):
    """A machine, and a user with a queue there that has been used: with a passwd entry, since looking
    for one in vain costs more than all the rest, and not root, who is looked for in two queues."""
    with served_machine(authority, several=ROOT) as machine:
        (machine.root / "spool").rmdir()
        uid = pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid()
        provider = machine.use(serve(), queue="on", logfile=None,
                               tls_trust_file=str(machine.directory / "trust.pem"))
        for directory, _, files in os.walk(machine.home) if ROOT else ():
            for name in ("", *files):
                os.chown(os.path.join(directory, name), uid, uid)
        assert machine.call(uid, "sendmail", "you@example.net", input=MESSAGE) == (0, "", "")
        assert len(provider.messages) == 1
        machine.nobody = uid if ROOT else None
        yield machine


def test_mailq(user):
    assert user.call(user.nobody, "sendmail", "-odq", "you@example.net", input=MESSAGE)[0] == 0
    weigh("mailq", user, "mailq", uid=user.nobody)


def test_a_run_with_nothing_due(user):
    weigh("run-nothing-due", user, "sendmail", "-q", uid=user.nobody)


def test_a_submission_through_the_socket(served, serve):  # noqa: F811
    served.serve(serve())
    weigh("submit-through-socket", served, "sendmail", "-t", input=MESSAGE)


def test_one_message_with_the_systems_trust(serve, machine, authority):
    if not os.path.exists(SYSTEM_TRUST):
        pytest.skip(f"NOT MEASURED: no {SYSTEM_TRUST}")
    # A certificate that is trusted itself: how many signatures a chain has is the provider's affair.
    with open(SYSTEM_TRUST) as system, open(authority.certificate("self-signed")[0]) as own:
        trust = machine.file("trust.pem", system.read() + own.read())
    machine.use(serve(certificate="self-signed"), tls_trust_file=trust, auth="plain",
                logfile=None)
    weigh("message-system-trust", machine, "sendmail", "you@example.net", input=MESSAGE)


def test_50_mb(serve, machine):
    machine.use(serve(size=200_000_000), logfile=str(machine.log))
    weigh("message-50-MB", machine, "sendmail", "you@example.net",
          input=MESSAGE + b"The quick brown fox jumps over the lazy dog, and does so again.\n" * 781_250)


class Memory(threading.Thread):
    """Watches what a process and its children hold of their own, pages that they share counted once:
    how much of a library is in memory depends on who else uses it."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            self.peak = max(self.peak, sum(map(self.held_by, self.family(self.pid))))

    def family(self, pid):
        yield pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                for child in children.read().split():
                    yield from self.family(int(child))
        except OSError:
            pass

    @staticmethod
    def held_by(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as facts:
                return int(re.search(r"^Pss_Anon:\s+(\d+)", facts.read(), re.M)[1])
        except (OSError, TypeError):
            return 0


def test_a_drain_of_four_workers(serve, machine):
    provider = machine.use(serve(), queue="on", max_connections="4")
    machine.delivers("-odq", "you@example.net", input=MESSAGE)
    directory = machine.home / ".local/state/onehop/queue"
    (entry,) = directory.iterdir()
    octets = entry.read_bytes()
    for i in range(1, DRAINED):  # the same again, under ids of other moments
        (directory / f"{entry.name[:4]}{i:05d}{entry.name[9:]}").write_bytes(octets)
    process = subprocess.Popen([str(machine.programs / "sendmail"), "-q"],
                               env=machine.environment(), cwd=machine.directory)
    memory = Memory(process.pid)
    memory.start()
    assert process.wait(120) == 0
    memory.over.set()
    memory.join()
    assert len(provider.connections) >= 4
    judge("drain-four-workers", [None, None, memory.peak])
