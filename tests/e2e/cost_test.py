"""What a call costs, in counts that do not depend on the machine's speed: instructions, system calls,
memory, round trips, and how they grow with the work. bench/budgets has the limits."""

import os
import pwd
import re
import shutil
import subprocess

import pytest

from bench.memory import Memory
from machine import sanitized
from scale import BENCH, Scale, is_reference, judge, slope, weigh
from service import ROOT, become, served, served_machine  # noqa: F401

SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
HEADER = b"From: me@example.com\nTo: you@example.net\nSubject: 2 kB\n"
MESSAGE = HEADER + b"\n" + b"0123456789abcde\n" * 125
FIELD = b"X-Field-%d: The quick brown fox jumps over the lazy dog, and the dog does not bark\n"
LINES = b"The quick brown fox jumps over the lazy dog, and does so again.\n" * 15_625  # a MB
LOGIN = 8  # round trips until then, at most

pytestmark = pytest.mark.skipif(
    sanitized(), reason="NOT MEASURED: sanitizers cost more than what they watch")


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
        machine.become = become(uid) if ROOT else []
        yield machine


def test_mailq(user):
    assert user.call(user.nobody, "sendmail", "-odq", "you@example.net", input=MESSAGE)[0] == 0
    weigh("mailq", user, "mailq", before=user.become)


def test_a_run_with_nothing_due(user):
    weigh("run-nothing-due", user, "sendmail", "-q", before=user.become)


def test_status(user):
    keys = user.user_file.read_text()
    user.file(user.user_file, re.sub("tls_trust_file = .*", "", keys))  # its end is not looked at
    if user.nobody:
        os.chown(user.user_file, user.nobody, user.nobody)
    weigh("status", user, "onehopctl", "status", before=user.become)


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


def test_one_message_through_the_queue(serve, machine):
    machine.use(serve(tls="none"), auth_without_tls="on", queue="on", logfile=None)
    machine.run("sendmail", "you@example.net", input=MESSAGE)  # a user's first message makes the spool
    weigh("message-queue", machine, "sendmail", "you@example.net", input=MESSAGE)


# -- as work grows


def test_recipients_of_the_command_line(serve, machine):
    machine.use(serve(tls="none"), auth_without_tls="on", queue="on")
    scale = Scale(machine)
    judge("recipients", instructions_per_each=slope(lambda n: scale.instructions(
        "sendmail", *[f"someone{i}@example.net" for i in range(n)], input=MESSAGE), 10, 1010))


def test_recipients_of_the_header(serve, machine):
    machine.use(serve(tls="none"), auth_without_tls="on", queue="on")
    scale = Scale(machine)

    def count(n):
        everybody = b",\n ".join(b"Someone %d <someone%d@example.net>" % (i, i) for i in range(n))
        return scale.instructions("sendmail", "-t", input=MESSAGE.replace(b"you@example.net",
                                                                          everybody))

    judge("recipients-of-header", instructions_per_each=slope(count, 10, 1010))


def test_octets_of_the_header(serve, machine):
    machine.use(serve(tls="none"), auth_without_tls="on", queue="on")
    scale = Scale(machine)

    def count(octets):
        fields = b"".join(FIELD % (i + 10_000) for i in range(octets // len(FIELD % 10_000)))
        return scale.instructions("sendmail", "you@example.net",
                                  input=HEADER + fields + b"\n" + b"text\n")

    judge("header", instructions_per_octet=slope(count, 10_000, 510_000))


class Queue:
    """The queue of a machine: N entries, of which one was submitted and the others are copies."""

    def __init__(self, machine):
        self.machine = machine
        self.directory = machine.home / ".local/state/onehop/queue"

    def fill(self, n, due=None):
        if not self.directory.exists() or not any(self.directory.iterdir()):
            self.machine.delivers("-odq", "you@example.net", input=MESSAGE)
        entry = min(self.directory.iterdir())
        octets = entry.read_bytes()
        for i in range(len(list(self.directory.iterdir())), n):
            copy = self.directory / f"{entry.name[:4]}{i:05d}{entry.name[9:]}"
            copy.write_bytes(octets)  # the same again, under an id of another moment
            copy.chmod(0o600)
        for path in self.directory.iterdir() if due else ():
            os.utime(path, (due, due))

    def run(self, *wrapper):
        return subprocess.Popen([*wrapper, str(self.machine.programs / "sendmail"), "-q"],
                                env=self.machine.environment(), cwd=self.machine.directory)


@pytest.fixture
def queue(machine):
    return Queue(machine)


def test_a_listing(serve, machine, queue):
    machine.use(serve(), queue="on", logfile=None)
    scale = Scale(machine)

    def listed(count):
        def of(n):
            queue.fill(n)
            return count("mailq")
        return of

    # Each count has its numbers, which only grow: nothing takes entries away here.
    judge("list", instructions_per_entry=slope(listed(scale.instructions), 10, 410),
          calls_per_entry=slope(listed(scale.system_calls), 410, 810))


def test_a_scan_of_what_is_not_due(serve, machine, queue):
    machine.use(serve(), queue="on", logfile=None)
    scale = Scale(machine)

    def scanned(count):
        def of(n):
            queue.fill(n, due=os.stat(machine.home).st_mtime + 3600)
            return count("sendmail", "-q1m")
        return of

    judge("scan", instructions_per_entry=slope(scanned(scale.instructions), 10, 410),
          calls_per_entry=slope(scanned(scale.system_calls), 410, 810))


def test_system_calls_of_a_drain(serve, machine, queue):
    provider = machine.use(serve(), queue="on", logfile=None, max_connections="1")
    scale = Scale(machine)

    def count(n):
        queue.fill(n)
        return scale.system_calls("sendmail", "-q")

    judge("drain", calls_per_message=slope(count, 20, 220))
    assert len(provider.messages) == 240


@pytest.mark.parametrize("connections", [1, 4])
def test_pipelined_data_costs_one_flight_a_message(serve, machine, queue, connections):
    """The next envelope goes with each content (RFC 2920 3.1)."""
    provider = machine.use(serve(without=("CHUNKING",)), queue="on", logfile=None,
                           max_connections=str(connections))
    queue.fill(200)
    assert queue.run().wait(120) == 0
    assert len(provider.messages) == 200
    assert {m.by for m in provider.messages} == {"DATA"}
    turns = sum(c.round_trips - min(c.round_trips, LOGIN) for c in provider.connections)
    judge(f"drain-data-{connections}", turns_per_message=turns / 200)


def memory_of_a_run(queue):
    process = queue.run()
    memory = Memory(process.pid)
    memory.start()
    assert process.wait(120) == 0
    memory.over.set()
    memory.join()
    return memory


def test_memory_of_four_workers(serve, machine, queue):
    """The least of three runs: the processes are read one after the other, and on a busy machine what
    one of them has handed on meanwhile counts twice."""
    runs = []
    for _ in range(3):
        provider = machine.use(serve(), queue="on", logfile=None, max_connections="4")
        queue.fill(400)
        runs.append(memory_of_a_run(queue))
        assert len(provider.connections) >= 4
    judge("drain-four-workers", own_kB=min(memory.own_peak for memory in runs) // 1024,
          PSS_kB=min(memory.peak for memory in runs) // 1024 if is_reference() else None)


@pytest.fixture
def sink(authority):
    """A server that forgets what it gets (bench/sink.c), as an account."""
    certificate, key = authority.certificate("good")
    process = subprocess.Popen([os.path.join(BENCH, "sink"), "-c", certificate, key],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    class Sink:
        mechanisms, unix, tls, lmtp = ("PLAIN",), None, "starttls", False
        port = int(process.stdout.readline())

    yield Sink
    process.stdin.close()
    assert process.wait(60) == 0


def large(megabytes):
    def write(pipe):
        pipe.write(HEADER + b"\n")
        for _ in range(megabytes):
            pipe.write(LINES)
    return write


@pytest.mark.parametrize("megabytes", [50, 500])
def test_a_large_message(sink, machine, megabytes):
    if shutil.disk_usage(machine.directory).free < 4 * megabytes * 1_000_000:
        pytest.skip(f"NOT MEASURED: no room for {megabytes} MB")
    machine.use(sink, logfile=None)
    scale = Scale(machine)
    calls = scale.system_calls("sendmail", "you@example.net", input=large(megabytes))
    judge(f"message-{megabytes}-MB", calls_per_MB=calls and calls / megabytes,
          kB=scale.kilobytes("sendmail", "you@example.net", input=large(megabytes)))
