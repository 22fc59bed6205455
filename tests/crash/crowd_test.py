"""Many at once: nothing is lost, nothing comes twice, and nobody waits for who sleeps."""

import os
import signal
import subprocess
import threading
import time

import inject
from ledger import PATIENCE, TEXT, all_at_once
from spool import message

SUBMITTERS, RUNNERS = 8, 3
EACH = 40 if inject.FULL else 6


def test_submitters_and_runners_at_once(ledger):
    lock, done = threading.Lock(), threading.Event()

    def submit():
        for i in range(EACH):
            with lock:
                number = ledger.n = ledger.n + 1
            subject = f"number {number}"
            ledger.people[subject] = {"you@example.net"}
            code, _, err = ledger.call("sendmail", ("-odi", "-odq", "-odb")[i % 3],
                                       "you@example.net", input=message(subject, TEXT))
            assert (code, err) == (0, "")
            ledger.codes[subject] = code

    def run():
        while not done.is_set():
            code, _, err = ledger.call("sendmail", "-q")
            assert (code, err) == (0, "")

    all_at_once([(submit,)] * SUBMITTERS, [(run,)] * RUNNERS, done)
    assert len(ledger.codes) == SUBMITTERS * EACH
    ledger.check("after the crowd", extra=0)


def start_run(ledger):
    return subprocess.Popen([str(ledger.machine.programs / "sendmail"), "-q"],
                            stderr=subprocess.DEVNULL, cwd=ledger.machine.directory,
                            env=ledger.machine.environment(), start_new_session=True)


def test_a_stopped_runner_keeps_nobody_waiting(ledger):
    """It holds the entry it works on and its connection; the rest goes, and it goes on later."""
    for _ in range(6):
        ledger.accepted("-odq")
    ledger.spool.use(ledger.provider, max_connections="2", logfile=None)
    reached, go_on = threading.Event(), threading.Event()

    def wait_once(_address):
        if not reached.is_set():
            reached.set()
            go_on.wait(PATIENCE)

    ledger.provider.answers["content"] = wait_once
    sleeper = start_run(ledger)
    assert reached.wait(PATIENCE)
    os.killpg(sleeper.pid, signal.SIGSTOP)
    go_on.set()
    limit = time.monotonic() + PATIENCE
    while len(ledger.spool.ids()) > 2:  # its two workers hold one each at most
        code, _, err = ledger.call("sendmail", "-q")
        assert (code, err) == (0, "")
        assert time.monotonic() < limit, "the others wait for it"
        if len(ledger.spool.ids()) > 2:
            ledger.spool.use(ledger.provider, max_connections="4", logfile=None)
    ledger.accepted("-odi")
    os.killpg(sleeper.pid, signal.SIGCONT)
    sleeper.wait(PATIENCE)
    ledger.check("awake again", extra=0)


def test_mail_that_arrives_during_a_run_goes_with_it(ledger):
    ledger.accepted("-odq")
    once = threading.Event()

    def submit_another(_address):
        if not once.is_set():
            once.set()
            ledger.accepted("-odq")

    ledger.provider.answers["content"] = submit_another
    ledger.call("sendmail", "-q")
    assert sum(ledger.got().values()) == 2
    ledger.check()
