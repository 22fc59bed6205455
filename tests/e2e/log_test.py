"""The forms of the log that have one line for each recipient."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from spool import Spool, closed_port

TIME = r"[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d "
MESSAGE = b"Subject: x\r\nMessage-ID: <1@example.com>\r\n\r\ntext\r\n"
HOSTILE = b"550-5.0.0 \xff\x01\"\\) status=sent (\r\n550 5.0.0 <b>\r\n"


SENT = "dsn=2.0.0, status=sent (250 2.0.0 queued as 4711), account=work, message-id=1@example.com"


def lines_of(machine):
    return machine.log.read_text(encoding="utf-8").splitlines()


def objects(machine):
    return [json.loads(line) for line in lines_of(machine)]


def without_times(line):
    line = re.sub(TIME + r"\S+ (onehop/\w+)\[\d+\]: ", r"\1: ", line)
    return re.sub(r"delays?=[\d./]+, (delays=[\d./]+, )?", "", line)


def test_a_message_without_queue_in_postfix_form(serve, machine):
    provider = machine.use(serve(), log_format="postfix")
    machine.run("sendmail", "a@example.net", "b@example.net", input=MESSAGE)
    lines = lines_of(machine)
    (queue_id,) = {re.search(r"\]: (\w+): ", line)[1] for line in lines}
    size = len(provider.message.content)
    sent = f"relay=127.0.0.1[127.0.0.1]:{provider.port}, {SENT}"
    assert [without_times(line) for line in lines] == [
        f"onehop/pickup: {queue_id}: uid={os.getuid()} from=<me@example.com>",
        f"onehop/cleanup: {queue_id}: message-id=1@example.com",
        f"onehop/qmgr: {queue_id}: from=<me@example.com>, size={size}, nrcpt=2 (queue active)",
        f"onehop/smtp: {queue_id}: to=<a@example.net>, {sent}",
        f"onehop/smtp: {queue_id}: to=<b@example.net>, {sent}",
        f"onehop/qmgr: {queue_id}: removed"]


REFUSAL = "the server refused the recipient <b@example.net>: 450 4.2.0 later"


def two_attempts(serve, machine, form):
    """A message to a and b of which b is deferred at first. The providers of the attempts."""
    first = machine.use(serve(rcpt={"b@example.net": "450 4.2.0 later"}), queue="on", log_format=form)
    machine.run("sendmail", "a@example.net", "b@example.net", input=MESSAGE)
    second = machine.use(serve(), queue="on", log_format=form)
    machine.run("onehopctl", "flush")
    return first, second


def test_a_queued_message_in_postfix_form(serve, machine):
    first, second = two_attempts(serve, machine, "postfix")
    lines = lines_of(machine)
    (queue_id,) = {re.search(r"\]: (\w+): ", line)[1] for line in lines}
    size = len(second.message.content)
    active = f"onehop/qmgr: {queue_id}: from=<me@example.com>, size={size}, nrcpt=2 (queue active)"
    tail = "account=work, message-id=1@example.com"
    assert [without_times(line) for line in lines[2:]] == [
        active, active,
        f"onehop/smtp: {queue_id}: to=<a@example.net>, relay=127.0.0.1[127.0.0.1]:{first.port}, {SENT}",
        f"onehop/smtp: {queue_id}: to=<b@example.net>, relay=127.0.0.1[127.0.0.1]:{first.port}, "
        f"dsn=4.2.0, status=deferred ({REFUSAL}), {tail}",
        active,
        f"onehop/smtp: {queue_id}: to=<b@example.net>, relay=127.0.0.1[127.0.0.1]:{second.port}, {SENT}",
        f"onehop/qmgr: {queue_id}: removed"]


def pflogsumm_trims(reason):
    """What pflogsumm 1.1.5 keeps of the reason of a deferral."""
    reason = reason.partition(")")[0]
    while len(reason) > 65:
        said, colon = reason.rpartition(" said: ")[2], reason.partition(":")
        if said == reason and not colon[1]:
            return reason[:62] + "..."
        reason = said if said != reason else colon[2].lstrip(" ")
    return re.sub(r"^(\d{3} )?(connect to )?", "", reason)


def test_a_reason_in_postfix_form_survives_pflogsumm(serve, machine):
    """How to mend it stands behind: pflogsumm would show that and nothing else."""
    keeper, port = closed_port()
    with keeper:
        machine.use(serve(), queue="on", log_format="postfix", logfile=str(machine.log), port=port)
        machine.sendmail("you@example.net")
    line, = (line for line in lines_of(machine) if "status=deferred" in line)
    reason, rest = re.search(r"status=deferred \((.*?)\), account=work, (.*)$", line).groups()
    assert reason == f"127.0.0.1:{port}: cannot connect: 127.0.0.1: connection refused"
    assert pflogsumm_trims(reason) == reason
    assert re.fullmatch(r"message-id=\S+, hint=mail is submitted at other ports: try `port = 587` "
                        r"\[`tls_starttls = on`\] or .*", rest)
    far = pflogsumm_trims(f"smtp.a-very-long-name.example.com:{reason.partition(':')[2]}")
    assert far.endswith("connection refused")


def test_a_bounce_and_its_original_in_postfix_form(serve, machine):
    machine.use(serve(rcpt={"b@example.net": "550 5.1.1 who"}), queue="on", log_format="postfix",
                delivery_mode="queue")
    machine.run("sendmail", "b@example.net", input=MESSAGE)
    machine.run("onehopctl", "flush")
    machine.run("onehopctl", "flush")
    text = machine.log.read_text()
    assert re.search(r"to=<b@example.net>.* dsn=5\.1\.1, status=bounced \(", text)
    assert re.search(r"from=<>, size=\d+, nrcpt=1 \(queue active\)\n.*to=<me@example.com>.* status=sent ", text)


def test_nothing_from_outside_breaks_a_line(serve, machine):
    machine.use(serve(content=HOSTILE), log_format="postfix")
    machine.run("sendmail", "x y>@example.net", input=b"Message-ID: <a\x01> b)\xff\r\n\r\nx\r\n")
    lines = lines_of(machine)
    assert len(lines) == 5, lines
    assert lines[1].endswith(": message-id=a?")
    assert re.search(r": to=<x_y@example.net>, relay=\S+, delay=\S+, delays=\S+, dsn=5.0.0, status=bounced \(.*"
                     r": 550-5.0.0 \?\?\"\\\) status=sent \( 550 5.0.0 \?b\?\), account=work, ", lines[3])


def test_the_objects_of_a_queued_message(serve, machine):
    first, second = two_attempts(serve, machine, "json")
    found = objects(machine)
    keys = ["time", "status", "queue_id", "message_id", "account", "from", "to", "relay", "address",
            "port", "size", "delay", "queued", "setup", "transfer", "dsn", "reply_code", "reason"]
    assert [list(o) for o in found] == [keys] * 5
    assert [(o["status"], o["to"], o["port"], o["dsn"], o["reply_code"]) for o in found] == [
        ("queued", "a@example.net", 0, "", 0), ("queued", "b@example.net", 0, "", 0),
        ("sent", "a@example.net", first.port, "2.0.0", 250),
        ("deferred", "b@example.net", first.port, "4.2.0", 450),
        ("sent", "b@example.net", second.port, "2.0.0", 250)]
    assert {o["queue_id"] for o in found} == {found[0]["queue_id"]} != {""}
    assert {(o["message_id"], o["account"], o["from"], o["size"]) for o in found} == {
        ("1@example.com", "work", "me@example.com", len(second.message.content))}
    assert [o["reason"] for o in found[2:]] == [
        "250 2.0.0 queued as 4711", REFUSAL, "250 2.0.0 queued as 4711"]
    for o in found:
        delay, setup, transfer = (round(1000 * o[key]) for key in ("delay", "setup", "transfer"))
        assert delay >= setup + transfer >= 0
        assert time.strptime(o["time"], "%Y-%m-%dT%H:%M:%SZ")


def test_what_outlives_its_lifetime_has_failed(serve, machine):
    spool = Spool(machine)
    spool.use(serve(rcpt="450 4.2.0 later"), "[queue]\nlifetime = 12h\n", log_format="json", delivery_mode="queue")
    spool.run("sendmail", "a@example.net", input=MESSAGE)
    spool.run("onehopctl", "flush")
    spool.wait(24 * 3600)
    spool.run("onehopctl", "flush")
    results = [(o["status"], o["dsn"]) for o in objects(machine) if o["to"] == "a@example.net"]
    assert results == [("queued", ""), ("deferred", "4.2.0"), ("failed", "4.2.0")]


def test_hostile_values_in_json(serve, machine):
    machine.use(serve(content=HOSTILE), log_format="json")
    machine.run("sendmail", "x y\"\\@example.net", input=MESSAGE)
    (found,) = objects(machine)
    assert found["status"] == "failed" and found["dsn"] == "5.0.0"
    assert found["reason"].endswith('550-5.0.0 ??"\\) status=sent ( 550 5.0.0 ?b?')


def test_what_is_not_accepted_is_logged_in_every_form(serve, machine):
    machine.use(serve(), aliases="/nowhere/aliases", log_format="json")
    machine.run("sendmail", "root", input=MESSAGE)
    machine.use(serve(), aliases="/nowhere/aliases", log_format="postfix")
    machine.run("sendmail", "root", input=MESSAGE)
    object_line, warning = lines_of(machine)
    found = json.loads(object_line)
    assert (found["status"], found["message_id"], found["to"]) == ("failed", "1@example.com", "root")
    assert "/nowhere/aliases" in found["reason"]
    assert re.fullmatch(TIME + r"\S+ onehop/pickup\[\d+\]: warning: from=<\S+>: .*/nowhere/aliases.*",
                        warning)


def test_where_the_file_cannot_be_written_all_lines_are_shown(serve, machine):
    machine.use(serve(), logfile="/nowhere/log", log_format="json")
    result = machine.sendmail("a@example.net", "b@example.net")
    shown = [line.removeprefix("sendmail: log info was: ") for line in result.lines if "info" in line]
    assert [json.loads(line)["to"] for line in shown] == ["a@example.net", "b@example.net"]


# -- the journal of systemd

def received(journal):
    """The fields of each entry; those that stand several times, in a list."""
    entries = []
    journal.setblocking(False)
    while True:
        try:
            datagram = journal.recv(65536)
        except BlockingIOError:
            return entries
        assert datagram.endswith(b"\n")
        entry = {}
        for line in datagram.decode()[:-1].split("\n"):
            name, value = line.split("=", 1)
            assert re.fullmatch("[A-Z][A-Z0-9_]*", name)
            entry[name] = entry[name] + [value] if name in entry else [value]
        entries.append(entry)


@pytest.fixture
def journal(socket_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(socket_path)
        yield server


def test_the_journal_gets_fields(serve, machine, journal):
    machine.use(serve(rcpt={"b@example.net": "550 5.1.1 who\r\n"}), syslog="LOG_MAIL", logfile=None)
    machine.run("sendmail", "a@example.net", "b@example.net", input=MESSAGE,
                environment={"ONEHOP_TEST_JOURNAL": journal.getsockname()})
    (entry,) = received(journal)
    assert entry["MESSAGE"][0].startswith("host=127.0.0.1 ") and entry["MESSAGE"][0].endswith("EX_NOUSER")
    assert {name: value for name, value in entry.items() if name != "MESSAGE"} == {
        "PRIORITY": ["3"], "SYSLOG_FACILITY": ["2"], "SYSLOG_IDENTIFIER": ["onehop"],
        "MESSAGE_ID": ["8f8dfca737ff49b597f73c1a31d70ec6"], "ONEHOP_MESSAGE_ID": ["1@example.com"],
        "ONEHOP_ACCOUNT": ["work"], "ONEHOP_RESULT": ["failed"],
        "ONEHOP_RECIPIENT": ["a@example.net", "b@example.net"], "SMTP_CODE": ["550"], "DSN": ["5.1.1"]}


def test_the_journal_gets_an_entry_for_each_recipient(serve, machine, journal):
    """A worker is confined when it logs: flush forks one."""
    machine.use(serve(rcpt={"b@example.net": "450 4.2.0 later"}), queue="on", delivery_mode="queue",
                log_format="postfix", syslog="on", logfile=None)
    for words in (["sendmail", "a@example.net", "b@example.net"], ["onehopctl", "flush"]):
        machine.run(*words, input=MESSAGE, environment={"ONEHOP_TEST_JOURNAL": journal.getsockname()})
    entries = received(journal)
    assert {e.get("ONEHOP_QUEUE_ID")[0] for e in entries} == {entries[0]["ONEHOP_QUEUE_ID"][0]}
    both = ["a@example.net", "b@example.net"]
    assert [(e["SYSLOG_IDENTIFIER"], e.get("ONEHOP_RESULT"), e.get("ONEHOP_RECIPIENT")) for e in entries] == [
        (["onehop/pickup"], ["queued"], both), (["onehop/cleanup"], None, None),
        (["onehop/qmgr"], None, None), (["onehop/qmgr"], None, None),
        (["onehop/smtp"], ["sent"], ["a@example.net"]),
        (["onehop/smtp"], ["deferred"], ["b@example.net"])]


def test_hostile_values_make_no_field(serve, machine, journal):
    machine.use(serve(content=b"550 5.0.0 a\x01\xff <b>\r\n"), syslog="on", logfile=None)
    machine.run("sendmail", "a@example.net", input=b"Message-ID: <1\n ONEHOP_RESULT=sent\x0b>\n\nx\n",
                environment={"ONEHOP_TEST_JOURNAL": journal.getsockname()})
    (entry,) = received(journal)
    assert entry["ONEHOP_RESULT"] == ["failed"]
    assert entry["ONEHOP_MESSAGE_ID"][0].startswith("1 ONEHOP_RESULT=sent")


def test_a_journal_that_is_gone_costs_no_mail(serve, machine, journal):
    provider = machine.use(serve(), syslog="on", logfile=None)
    journal.close()
    result = machine.run("sendmail", "a@example.net", input=MESSAGE,
                         environment={"ONEHOP_TEST_JOURNAL": str(machine.directory / "nowhere")})
    assert (result.code, result.text) == (0, "")
    assert provider.message


# -- logwatch

LOGWATCH = pathlib.Path(__file__).resolve().parents[2] / "etc/logwatch/scripts/services/onehop"
perl = pytest.mark.skipif(subprocess.run(["perl", "-MJSON::PP", "-e", ""], capture_output=True, check=False).returncode
                          if shutil.which("perl") else True, reason="perl WITH JSON::PP IS NOT INSTALLED")


@perl
@pytest.mark.parametrize("form, account, queued", [
    ("msmtp", "me@example.com", ""), ("postfix", "work", ""), ("json", "work", "3 queued, ")])
def test_logwatch_sums_up(serve, machine, form, account, queued):
    keys = {"queue": "on", "log_format": form}
    refusals = {"b@example.net": "450 4.2.0 later", "c@example.net": "450 4.2.0 later"}
    machine.use(serve(rcpt=refusals), **keys)
    for address in ("a@example.net", "b@example.net", "c@example.net"):
        machine.run("sendmail", address, input=MESSAGE)
    machine.use(serve(), queue="off", aliases="/nowhere/aliases", log_format=form)
    machine.run("sendmail", "root", input=MESSAGE)
    done = subprocess.run(["perl", LOGWATCH], stdin=machine.log.open(), capture_output=True, text=True,
                          check=True)
    said = done.stdout.splitlines()
    later = "   2 deferred: the server refused the recipient <address>: 450 4.2.0 later"
    assert done.stderr == "" and later in said
    if form == "postfix":
        assert said[0] == "(no account): 1 failed" and f"{account}: 1 sent, 2 deferred" in said
    else:
        assert said[0] == f"{account}: {queued}1 sent, 2 deferred, 1 failed"
    assert any(re.match("   1 failed: .*/nowhere/aliases", line) for line in said)


@perl
def test_logwatch_keeps_quiet_about_what_is_not_ours():
    lines = b"Nov 26 23:19:07 vm sshd[1]: x\n{\"time\": \nhost= exitcode=\n\xff\0\n{\"time\": [1]}\n"
    done = subprocess.run(["perl", LOGWATCH], input=lines, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
