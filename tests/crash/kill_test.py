"""SIGKILL before every system call, and at random moments: nothing accepted is lost, and what was
not finished is not half there."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

import inject
from ledger import PATIENCE, stop_at
from spool import message

PARTS = 4
KILL = "signal=SIGKILL"


def points_of_submission(ledger, *words):
    ledger.accepted("-odq")  # the spool is there already, as nearly always
    ledger.accepted(*words, before=inject.command(ledger.trace()))
    points = inject.points(ledger.trace())
    assert len(points) > 40
    ledger.check()
    ledger.forget()
    return points


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("mode", ["-odq", "-odi"])
def test_a_submission_killed_at_any_point(strace, ledger, mode, part):
    points = inject.sample(points_of_submission(ledger, mode), 60, part, PARTS)
    kills = 0
    for point in points:
        if mode == "-odi":
            ledger.accepted("-odq")  # overdue mail, that it takes along
        code, _ = ledger.submit(mode, before=stop_at(ledger.trace(), point, KILL))
        assert code in (0, -9, 137), f"{point}: {code}"
        kills += inject.killed(ledger.trace()) > 0
        ledger.check(f"{mode} killed at {point}", extra=0 if mode == "-odq" else 1)
        ledger.forget()
    assert kills > 0.9 * len(points)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_first_submission_ever_killed_at_any_point(strace, ledger, part):
    ledger.accepted("-odq", before=inject.command(ledger.trace()))
    points, kills = inject.sample(inject.points(ledger.trace()), 30, part, PARTS), 0
    for point in points:
        shutil.rmtree(ledger.spool.path)
        ledger.forget()
        ledger.submit("-odq", before=stop_at(ledger.trace(), point, KILL))
        kills += inject.killed(ledger.trace()) > 0
        ledger.accepted("-odq")
        ledger.check(f"first, killed at {point}")
    assert kills > 0.9 * len(points)


def prepare_delivery(ledger, streaming):
    """Mail for everybody, for some, for nobody; and the system calls of a run over it. How many
    messages a crash may repeat: one, or with several in flight as many as those."""
    if not streaming:
        ledger.provider.without = ("PIPELINING", "CHUNKING")
    ledger.accepted("-odq")
    ledger.accepted("-odq", to=("you@example.net", "gone@example.net"))
    ledger.accepted("-odq", to=("gone@example.net",))
    ledger.accepted("-odq", to=("you@example.net", "them@example.net"))
    ledger.keep()
    code, _, err = ledger.call("sendmail", "-q", before=inject.command(ledger.trace()))
    assert (code, err) == (0, "")
    ledger.check()
    points = inject.points(ledger.trace())
    assert len(points) > 100
    return points, 4 if streaming else 1


@pytest.mark.parametrize("part", range(PARTS // 2))
@pytest.mark.parametrize("streaming", [False, True], ids=["one by one", "streaming"])
def test_a_delivery_killed_at_any_point(strace, ledger, part, streaming):
    points, extra = prepare_delivery(ledger, streaming)
    points = inject.sample(points, 40, part, PARTS // 2)
    kills = 0
    for point in points:
        ledger.restore()
        ledger.call("sendmail", "-q", before=stop_at(ledger.trace(), point, KILL))
        killed = inject.killed(ledger.trace())
        kills += killed > 0
        ledger.check(f"delivery killed at {point}", extra * max(killed, 1))
    assert kills > 0.8 * len(points)  # the second run of a spool may need fewer calls


@pytest.mark.parametrize("part", range(PARTS))
def test_deliveries_killed_at_random(ledger, part):
    """Needs no strace. Submissions and runs die at a random moment."""
    chance = random.Random(part)
    rounds = (500 if inject.FULL else 24) // PARTS
    for i in range(rounds):
        subject = ledger.subject()
        ledger.people[subject] = {"you@example.net"}
        words = ["-q"] if i % 3 == 2 else [chance.choice(["-odi", "-odq"]), "you@example.net"]
        process = subprocess.Popen([str(ledger.machine.programs / "sendmail"), *words],
                                   stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   cwd=ledger.machine.directory, start_new_session=True,
                                   env=ledger.machine.environment())
        try:
            process.stdin.write(message(subject, "line one\n..two\n" + "x" * 300 + "\n"))
            process.stdin.close()
        except BrokenPipeError:
            pass
        time.sleep(chance.uniform(0, 0.03))
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        code = process.wait(PATIENCE)
        if words[0] != "-q":
            ledger.codes[subject] = code
        if i % 5 == 4:
            ledger.check(f"round {i}", extra=5)
    ledger.check("at the end", extra=rounds)
