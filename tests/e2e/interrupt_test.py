"""Somebody presses control-C, or the unit is stopped: before the mail is accepted, and after."""

import os
import signal
import subprocess
import threading

import pytest

from machine import PATIENCE
from spool import Spool, message

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def spool(machine):
    return Spool(machine)


def start(machine, *words):
    return subprocess.Popen([str(machine.programs / "sendmail"), *words], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=machine.directory,
                            env=machine.environment())


@pytest.mark.parametrize("number", SIGNALS)
def test_interrupted_before_the_end_of_the_message_nothing_stays(serve, machine, spool, number):
    provider = spool.use(serve())
    process = start(machine, "you@example.net")
    process.stdin.write(message("half", "x" * 70 + "\n" + "y" * 200000))
    process.stdin.flush()
    while not spool.ids("tmp"):
        assert process.poll() is None
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == -number and out == b""
    assert spool.is_empty()
    assert provider.connections == []


@pytest.mark.parametrize("number", SIGNALS)
def test_interrupted_while_it_tries_the_mail_is_queued(serve, machine, spool, number):
    reached = threading.Event()

    def hang(_address):
        reached.set()
        gone.wait(PATIENCE)

    gone = threading.Event()
    provider = spool.use(serve(mail=hang), timeout="60")
    process = start(machine, "you@example.net")
    process.stdin.write(message("report"))
    process.stdin.close()
    assert reached.wait(PATIENCE)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    assert (process.stdout.read(), process.stderr.read()) == (b"", b"")
    gone.set()
    assert len(spool.ids()) == 1
    provider.answers.clear()
    spool.delivers("-q")
    assert len(provider.messages) == 1
    assert spool.is_empty()


def test_a_password_that_cannot_be_found_defers(serve, spool):
    provider = spool.use(serve(), password=None, password_command="false")
    spool.tries("you@example.net")
    assert spool.entry()["attempts"] == 1
    assert provider.messages == []
    spool.use(provider)
    spool.delivers("-q")
    assert len(provider.messages) == 1


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_descriptors_do_no_harm(serve, spool, closed):
    provider = spool.use(serve())
    spool.queues("you@example.net", input=message("waits"))

    def close():
        for fd in closed:
            os.close(fd)

    result = spool.run("sendmail", "-q", before=close)
    assert result.code == 0
    assert provider.message.field("Subject") == "waits"
    assert spool.is_empty()
