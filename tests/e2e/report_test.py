"""What the caller reads: stderr, the dialogue of -v, the log."""

import base64
import fcntl
import json
import os
import re
import resource
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from machine import REPORT, sanitized
from service import ALICE, needs_root
from spool import Spool

SECRET = "s3cret"
ENCODED = [base64.b64encode(text).decode().rstrip("=")[:-1] for text in (
    b"\0me@example.com\0s3cret", b"s3cret")]


def test_the_shape_of_stderr(serve, machine):
    machine.use(serve(rcpt="550 5.1.1 nobody here\n550 5.1.1 really"))
    result = machine.sendmail("you@example.net")
    assert len(result.lines) == 4, result.text
    assert result.lines[0].startswith("sendmail: ")
    assert result.lines[1:] == [
        "sendmail: server message: 550-5.1.1 nobody here",
        "sendmail: server message: 550 5.1.1 really",
        f"sendmail: could not send mail (account work from {machine.user_file})"]


@pytest.mark.parametrize("name", ["sendmail", "msmtp", "onehop"])
def test_the_program_is_called_by_its_name(machine, name):
    result = machine.run(name, "you@example.net", input=REPORT)
    assert result.lines and all(line.startswith(f"{name}: ") for line in result.lines)


def test_control_characters_of_the_server_are_not_obeyed(serve, machine):
    machine.use(serve(content=b"550 5.0.0 \x1b[2Jgone\x07\r\n"))
    result = machine.sendmail("you@example.net")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", result.err)
    assert "sendmail: server message: 550 5.0.0 ?[2Jgone?" in result.lines


HOSTILE = "<?php x() ?> <b>\u202e\u2028\u0085\u009b2J <you@example.net>"
HARMLESS = "??php x() ?? ?b?????2J <you@example.net>"


def test_what_is_hostile_to_a_viewer_is_shown_nowhere(serve, machine):
    machine.use(serve(rcpt=f"450 4.2.0 {HOSTILE}"), queue="on")
    result = machine.sendmail("-v", "<?php@example.net", "you@example.net")
    queue = machine.run("onehopctl", "queue", "--json").shown
    shown = [result.err.decode(), machine.log.read_text(), machine.run("mailq").shown, queue,
             machine.run("onehopctl", "show", json.loads(queue)["queue_id"]).shown]
    for text in shown:
        assert HARMLESS in text, text
        for bad in ("<?", "<b", "\u202e", "\u2028", "\u0085", "\u009b"):
            assert bad not in text, text


# -- -v

@pytest.mark.parametrize("name, stream", [("sendmail", "err"), ("onehop", "out"),
                                          ("msmtp", "out")])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
def test_the_dialogue_shows_no_credential(serve, machine, name, stream, mechanism):
    provider = machine.use(serve(mechanisms=mechanism), auth=mechanism.lower())
    result = machine.run(name, "-v", "you@example.net", input=REPORT)
    assert result.code == 0
    assert provider.message
    dialogue = (result.err if stream == "err" else result.out).decode()
    other = result.out if stream == "err" else result.err
    assert other == b""
    for line in ("<-- 220 mail.example.com ESMTP", "--> STARTTLS",
                 "--> RCPT TO:<you@example.net>", "<-- 250 2.0.0 queued as 4711"):
        assert any(shown.startswith(line) for shown in dialogue.splitlines()), dialogue
    assert f"--> AUTH {mechanism}" in dialogue
    assert SECRET not in dialogue
    for encoded in ENCODED:
        assert encoded not in dialogue
    assert base64.b64encode(b"user=me@example.com").decode()[:20] not in dialogue
    assert "all is well" not in dialogue


def test_the_dialogue_of_a_failed_login(serve, machine):
    machine.use(serve())
    machine.configure(machine.user_file.read_text().replace(SECRET, "wr0ng"))
    result = machine.run("sendmail", "-v", "you@example.net", input=REPORT)
    assert result.code == 77
    assert "<-- 535 5.7.8 wrong user or password" in result.lines
    assert "wr0ng" not in result.text
    assert base64.b64encode(b"\0me@example.com\0wr0ng").decode()[:-4] not in result.text


# -- the log

def logged(machine):
    lines = machine.log.read_text().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


TIME = r"[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d "


def test_a_success_is_logged_as_msmtp_does(serve, machine):
    machine.use(serve())
    machine.delivers("a@example.net", "b@example.net")
    assert re.fullmatch(
        TIME + r"host=127\.0\.0\.1 tls=on auth=on user=me@example\.com from=me@example\.com "
        r"recipients=a@example\.net,b@example\.net mailsize=\d+ smtpstatus=250 "
        r"smtpmsg='250 2\.0\.0 queued as 4711' message-id=[\w.]+@example\.com exitcode=EX_OK", logged(machine))


def test_every_line_of_a_queued_message_has_its_ids(serve, machine):
    machine.use(serve(rcpt="450 4.2.0 later"), queue="on")
    machine.run("sendmail", "you@example.net", input=b"Message-ID:\r\n <a@b>\r\n\r\nx\r\n")
    machine.use(serve(), queue="on")
    assert machine.run("onehopctl", "flush").code == 0
    lines = machine.log.read_text().splitlines()
    queue_id = re.search(r" queue=(\w{15}) ", lines[0])[1]
    assert [line[line.index(" queue="):] for line in lines] == [
        f" queue={queue_id} message-id=a@b exitcode={code}" for code in ("EX_TEMPFAIL", "EX_OK")]


def test_the_logged_size_counts_a_line_end_as_one_like_msmtps(serve, machine):
    provider = machine.use(serve())
    machine.delivers("you@example.net")
    size = len(provider.message.content.replace(b"\r\n", b"\n"))
    assert f" mailsize={size} " in logged(machine)


def test_a_failure_is_logged_with_the_servers_words(serve, machine):
    machine.use(serve(rcpt="550 5.1.1 it's\n550 5.1.1 nobody"))
    code = machine.sendmail("you@example.net").code
    line = logged(machine)
    assert re.match(TIME + "host=127", line)
    assert r"smtpstatus=550 smtpmsg='550-5.1.1 it's\n550 5.1.1 nobody'" in line
    assert "mailsize" not in line
    assert "errormsg='" in line
    name = {65: "EX_DATAERR", 67: "EX_NOUSER", 69: "EX_UNAVAILABLE"}[code]
    assert line.endswith(f"exitcode={name}")


@pytest.mark.parametrize("words, keys, ending", [
    ({"greeting": "421 later"}, {}, "exitcode=EX_TEMPFAIL"),
    ({"auth": "535 5.7.8 no"}, {}, "exitcode=EX_NOPERM"),
    ({}, {"password_command": "false", "password": None}, "exitcode=EX_TEMPFAIL"),
    ({}, {"aliases": "/nowhere/aliases"}, "exitcode=EX_CONFIG"),
])
def test_every_outcome_is_logged(serve, machine, words, keys, ending):
    machine.use(serve(**words), **keys)
    machine.sendmail("root")
    assert logged(machine).endswith(ending)


def test_nothing_from_outside_breaks_a_log_line(serve, machine):
    machine.use(serve(content=b"550 5.0.0 a\x01b' exitcode=EX_OK\r\n"))
    machine.sendmail("you@example.net", "x y' exitcode=EX_OK @example.net")
    line = logged(machine)
    assert "\x01" not in line
    assert line.count("' exitcode=EX_OK") == 0


def test_a_log_that_cannot_be_written_spoils_no_mail(serve, machine):
    provider = machine.use(serve(), logfile="/nowhere/log")
    result = machine.sendmail("you@example.net")
    assert result.code == 0
    assert provider.message
    assert "/nowhere/log" in result.text
    assert any(line.startswith("sendmail: log info was: host=127.0.0.1 ")
               for line in result.lines)


def test_the_time_format_of_the_log(serve, machine):
    machine.use(serve(), logfile_time_format="%Y-%m-%d")
    machine.delivers("you@example.net")
    assert re.match(r"\d{4}-\d\d-\d\d host=", logged(machine))


def test_calls_at_once_do_not_mix(serve, machine):
    provider = machine.use(serve())

    def call(n):
        return subprocess.run(
            [machine.programs / "sendmail", f"r{n}@example.net"], input=REPORT,
            capture_output=True, env=machine.environment(), timeout=60)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, range(16)))
    assert [(r.returncode, r.stdout, r.stderr) for r in results] == [(0, b"", b"")] * 16
    assert sorted(m.recipients[0] for m in provider.messages) == \
        sorted(f"r{n}@example.net" for n in range(16))
    lines = machine.log.read_text().splitlines()
    assert len(lines) == 16
    assert all(re.match(TIME, line) and line.endswith("exitcode=EX_OK") for line in lines)


def test_the_log_grows(serve, machine):
    machine.use(serve())
    for _ in range(3):
        machine.delivers("you@example.net")
    assert len(machine.log.read_text().splitlines()) == 3


def test_a_reader_of_the_log_holds_up_nothing(serve, machine):
    provider = machine.use(serve())
    machine.log.write_text("")
    with open(machine.log, encoding="ascii") as log:
        fcntl.lockf(log, fcntl.LOCK_SH)
        machine.delivers("you@example.net")
        assert log.read().endswith(" exitcode=EX_OK\n")
    assert len(provider.messages) == 1


@needs_root
def test_root_follows_no_link_of_others_to_a_log(machine, serve):
    others = machine.directory / "others"
    others.mkdir()
    victim = machine.directory / "victim"
    victim.write_text("precious\n")
    (others / "log").symlink_to(victim)
    machine.use(serve(), logfile=str(others / "log"))
    assert machine.sendmail("-t", input=REPORT).text == ""
    assert victim.read_text() != "precious\n"  # its own link
    victim.write_text("precious\n")
    os.chown(others, ALICE, ALICE)
    result = machine.sendmail("-t", input=REPORT)
    assert result.code == 0 and "cannot log to" in result.text
    assert victim.read_text() == "precious\n"


def limited(limit, octets):
    return lambda: resource.setrlimit(limit, (octets, octets))


@pytest.mark.skipif(sanitized(), reason="sanitizers need memory without end")
def test_no_memory_is_temporary(serve, machine):
    """The message is as good as before: the caller tries again."""
    machine.use(serve())
    result = machine.run("sendmail", "you@example.net",
                         input=b"Subject: " + b"x" * 60000000 + b"\n\nx\n",
                         before=limited(resource.RLIMIT_AS, 64 << 20))
    assert result.code == 75
    assert result.lines == ["onehop: out of memory"]


@pytest.mark.skipif(sanitized(), reason="sanitizers need a large stack")
def test_a_small_stack_is_enough(serve, machine):
    spool = Spool(machine)
    provider = spool.use(serve(tls="none", mechanisms=""))
    small = {"before": limited(resource.RLIMIT_STACK, 64 << 10)}
    spool.submits("you@example.net", **small)
    id = spool.queues("you@example.net", input=b"Subject: x\n\n" + b"line\n" * 50000, **small)
    for words in (("mailq",), ("onehopctl", "show", id), ("sendmail", "-q")):
        assert spool.run(*words, **small).code == 0
    assert len(provider.messages) == 2
