"""What a process could do that a provider, or a client, has taken over (tests/takeover.c): tried by that
process itself, inside its fence."""

import os
import pwd
import re
import shutil
import socket
import subprocess

import pytest

from bs_test import CODES, SYMFONY, Dialogue
from machine import sanitized
from service import children_of, memory_of, served, until  # noqa: F401

MAIL = b"From: me@example.com\nTo: you@example.net\n\ntext\n"

pytestmark = pytest.mark.skipif(sanitized(), reason="NOT TESTED: the leak checker is a debugger")


def fences(machine):
    """Whether this kernel has both."""
    said = machine.run("onehopctl", "check").shown
    return "  ok   processes are confined by Landlock and seccomp" in said


@pytest.fixture
def fenced(machine, serve):
    machine.use(serve())
    if not fences(machine):
        pytest.skip("NOT TESTED: a kernel without Landlock or seccomp")
    return machine


def places(machine):
    """What is tried: a file of the user's own that no delivery needs, its directory, the spool, the log."""
    return {"key": machine.file("home/.ssh/id", "key\n"), "home": f"{machine.home}/",
            "spool": f"{machine.home}/.local/state/onehop/queue/", "log": str(machine.directory / "log"),
            "settings": str(machine.user_file), "program": "/usr/bin/env"}


def taken_over(said):
    """What worked, of each process that was taken over."""
    return [(by, [word for word in what.split(", ") if word])
            for by, what in re.findall(r"^taken over by (\w+): (.*)$", said, re.M)]


def environment(machine):
    return {"ONEHOP_TEST_TAKEOVER": ":".join(places(machine).values())}


def allowed(machine, spool=True):
    place = places(machine)
    make = ["make " + place["spool"]] if spool else []
    return make + [f"read {place['log']}", f"write {place['log']}", "read /usr/bin/env"]


@pytest.mark.parametrize("tls", ["starttls", "none"])
@pytest.mark.parametrize("queue", ["on", "off"])
def test_a_first_try_does_what_it_needs_and_no_more(fenced, serve, tls, queue):
    log = places(fenced)["log"]
    provider = fenced.use(serve(tls=tls), queue=queue, logfile=log, auth_without_tls="on")
    fenced.delivers("-odq", "you@example.net", input=MAIL)  # makes the spool
    result = fenced.run("sendmail", "you@example.net", input=MAIL, environment=environment(fenced))
    assert result.code == 0, result.text
    (by, what), = taken_over(result.text)
    assert (by, what) == ("inet", allowed(fenced, spool=queue == "on"))
    assert len(provider.messages) >= 1
    assert "exitcode=EX_OK" in open(log).read()


def test_a_worker_does_what_it_needs_and_no_more(fenced, serve):
    provider = fenced.use(serve(), queue="on", logfile=places(fenced)["log"])
    fenced.delivers("-odq", "you@example.net", input=MAIL)
    result = fenced.run("sendmail", "-q", environment=environment(fenced))
    assert taken_over(result.text) == [("inet", allowed(fenced))]
    assert len(provider.messages) == 1


def test_a_password_command_runs_before(fenced, serve):
    provider = fenced.use(serve(), queue="on", password=None, password_command="echo s3cret")
    result = fenced.run("sendmail", "you@example.net", input=MAIL, environment=environment(fenced))
    (_, what), = taken_over(result.text)
    assert "process" not in what
    assert provider.connection.logged_in


@pytest.mark.parametrize("queue", ["on", "off"])
def test_each_message_of_a_dialogue_has_a_process_of_its_own(fenced, serve, queue):
    """What the first message gave up the next one needs: other programs, another log."""
    one, two = (str(fenced.directory / name) for name in ("one.log", "two.log"))
    first, second = serve(), serve()
    keys = {"queue": queue, "password": None, "password_command": "echo s3cret"}
    fenced.configure(fenced.account(first, account_name="one", logfile=one, **keys)
                     + fenced.account(second, account_name="two", logfile=two,
                                      **{**keys, "from": "shop@example.com"}))
    talk = Dialogue(fenced, environment=environment(fenced))
    for sender in ("me@example.com", "shop@example.com", "me@example.com"):
        words = [word.replace("shop@example.com", sender) for word in SYMFONY]
        assert tuple(talk.say(text) for text in words) == CODES
    status, _, err = talk.end()
    assert status == 0
    assert [what for _, what in taken_over(err) if "process" in what or any("/.ssh/" in word for word in what)] == []
    assert len(taken_over(err)) == 3
    assert (len(first.messages), len(second.messages)) == (2, 1)
    assert (open(one).read().count("EX_OK"), open(two).read().count("EX_OK")) == (2, 1)


def test_a_process_that_ends_ends_no_dialogue(fenced, serve):
    fenced.use(serve(), queue="on")
    talk = Dialogue(fenced, environment={"ONEHOP_TEST_TAKEOVER": "end"})
    for words in (SYMFONY, SYMFONY[1:]):
        for text in words:
            assert talk.say(text) in (250, 354)
    assert "Queued as" in talk.last
    assert len(list((fenced.home / ".local/state/onehop/queue").iterdir())) == 2
    assert talk.end()[0] == 0


def test_without_a_queue_such_a_message_is_not_accepted(fenced, serve):
    fenced.use(serve(), queue="off")
    talk = Dialogue(fenced, environment={"ONEHOP_TEST_TAKEOVER": "end"})
    assert [talk.say(text) for text in SYMFONY][-1] == 451
    assert "the delivery process has ended" in talk.last
    assert talk.end()[0] == 0


@pytest.mark.parametrize("lacks", ["landlock_create_ruleset", "landlock_restrict_self", "prctl"])
@pytest.mark.parametrize("queue", ["on", "off"])
def test_a_kernel_without_fences_delivers_too(machine, serve, lacks, queue):
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("NOT TESTED: no strace")
    provider = machine.use(serve(), queue=queue)
    subprocess.run([strace, "-f", "-o", machine.directory / "trace", "-e", f"inject={lacks}:error=ENOSYS",
                    machine.programs / "sendmail", "you@example.net"], input=MAIL, check=True,
                   env=machine.environment(), cwd=machine.directory)
    assert len(provider.messages) == 1


def test_files_that_are_named_from_here(fenced, serve, authority):
    """A path without a slash in front is one of the directory that the caller is in."""
    shutil.copy(authority.trust, fenced.directory / "ca.pem")
    provider = fenced.use(serve(), queue="on", tls_trust_file="ca.pem", logfile="here.log")
    fenced.delivers("you@example.net", input=MAIL)
    assert len(provider.messages) == 1
    assert "EX_OK" in open(fenced.directory / "here.log").read()


def test_who_submitted_an_entry_is_looked_up_behind_the_fence(fenced, serve):
    name = pwd.getpwuid(os.geteuid()).pw_name
    provider = fenced.use(serve(), queue="on", **{"from": "%U@example.com"})
    fenced.delivers("-odq", "you@example.net", input=MAIL.replace(b"me@", name.encode() + b"@"))
    fenced.delivers("-q")
    assert provider.message.sender == f"{name}@example.com"


# -- sessions of the service

def memory_or_none_left(pid):
    """The same of a process that may have ended meanwhile."""
    try:
        return memory_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return b""


def talkers(service, marker):
    """The memories of the processes below the service's that have read MARKER."""
    below = children_of(service)
    texts = [memory_or_none_left(pid) for pid in below + [child for pid in below for child in children_of(pid)]]
    if None in texts:
        pytest.skip("NOT TESTED: only root sees the memory of a process that allows no debugger")
    return [text for text in texts if marker in text]


def dial(served, kind, port):
    return socket.create_connection(("127.0.0.1", port), 60) if kind == "port" else served.connect(kind)


@pytest.mark.parametrize("origin", ["file", "variable"])
@pytest.mark.parametrize("kind", ["submit", "port", "control"])
def test_a_session_holds_no_password_of_an_account(served, serve, kind, origin):  # noqa: F811
    port, marker = served.reserve(), b"here-i-am.example"
    keys = {"password_file": None, "password": "of-an-account-only"} if origin == "file" else {}
    served.serve(serve(), f"listen = 127.0.0.1:{port}\n", **keys)
    served.stop()
    environment = {}
    if origin == "file":
        served.system_file.chmod(0o600)
    else:
        served.configure_system(f"[service]\nlisten = 127.0.0.1:{port}\n", 0o644)
        environment = {"ONEHOP_HOST": "127.0.0.1", "ONEHOP_USER": "me@example.com",
                       "ONEHOP_PASSWORD": "of-an-account-only", "ONEHOP_SYSLOG": "off"}
    served.start(environment=environment)
    with dial(served, kind, port) as line:
        if kind == "control":
            line.sendall(b"show " + marker)
        else:
            assert line.makefile("rb", 0).readline().startswith(b"220 ")
            line.sendall(b"EHLO " + marker + b"\r\n")
        found = []
        served.until(lambda: found.extend(talkers(served.process.pid, marker)) or found, "no session")
        assert [text for text in found if b"of-an-account-only" in text] == []
    assert b"of-an-account-only" in memory_of(served.process.pid)


def test_a_session_opens_no_file_with_a_password(fenced, served, serve):  # noqa: F811
    provider = serve()
    served.serve(provider, password_file=None, password="s3cret")
    served.stop()
    served.system_file.chmod(0o600)
    spool = f"{served.root}/spool/queue/"
    paths = [str(served.system_file), str(served.password), spool, "/usr/bin/env"]
    served.start(environment={"ONEHOP_TEST_TAKEOVER": ":".join(paths)})
    assert served.call(0, "sendmail", "you@example.net", input=MAIL)[:2] == (0, "")
    with served.connect("control") as line:
        line.sendall(b"list\n")
        assert line.makefile("rb").read().endswith(b"status 0\n")
    served.until(lambda: len(taken_over(served.said())) >= 3, "not three processes")
    assert {what for _, words in taken_over(served.said()) for what in words} == {
        "make " + spool, "read /usr/bin/env"}
    assert provider.message.recipients == ["you@example.net"]
