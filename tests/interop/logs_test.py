"""The forms of the log, read by the programs that administrators have for them."""

import re

import pytest

from server import PASSWORD

LOG = "/root/onehop.log"
ACCOUNT = f"""\
[account logged]
from = reports@mail.test
host = mail.test
port = %s
user = reports
password = {PASSWORD}
syslog = off
logfile = {LOG}
log_format = %s
"""
CLOSED = "1"


@pytest.fixture(scope="module")
def machine(installation):
    """Root has an account meanwhile: what is left of the machine is looked at when the packages are gone."""
    yield installation.machine
    installation.machine.run("rm", "-rf", "/root/.config/onehop", "/root/.local/state/onehop", LOG)


def configure(machine, port, form, more=""):
    machine.write("root/.config/onehop/onehop.ini", ACCOUNT % (port, form) + more, 0o600)


def send(machine, *recipients):
    machine.run("sendmail", "-a", "logged", *recipients, input="Subject: logged\n\ntext\n")


def a_day(machine, form, more=""):
    """Four recipients get mail, one of them late, one is refused; the refusal is bounced."""
    log = machine.path / LOG.lstrip("/")
    log.unlink(missing_ok=True)
    configure(machine, "587", form, more)
    send(machine, "alice@mail.test", "bob@mail.test")
    send(machine, "alice@mail.test", "no-such-user@mail.test")
    machine.run("onehopctl", "flush")  # the bounce
    configure(machine, CLOSED, form, more)
    send(machine, "bob@mail.test")
    configure(machine, "587", form, more)
    machine.run("onehopctl", "flush")
    return log.read_text()


def test_pflogsumm_counts_right(machine):
    text = a_day(machine, "postfix")
    size = {found[1]: int(found[2]) for found in re.finditer(r"\]: (\w+): from=<.*>, size=(\d+),", text)}
    came = set(re.findall(r"/pickup\[\d+\]: (\w+): ", text))
    sent = re.findall(r"\]: (\w+): to=<.* status=sent ", text)
    assert (len(came), len(size), len(sent)) == (3, 4, 5), text
    said = machine.run("pflogsumm", "--syslog-name=onehop", LOG).stdout
    totals = {name: int(number) for number, name in re.findall(r"^ *(\d+) +([a-z/ ]+?)(?:  ?\(.*)?$", said, re.M)}
    wanted = {"received": 3, "delivered": 5, "deferred": 1, "bounced": 1, "rejected": 0, "senders": 1,
              "recipients": 3, "recipient hosts/domains": 1,
              "bytes received": sum(size[id] for id in came), "bytes delivered": sum(size[id] for id in sent)}
    assert {name: totals.get(name) for name in wanted} == wanted, said
    assert re.search(r"\n +5 +\d+ +1 .* mail\.test\n", said), said  # by domain: sent, bytes, deferrals
    assert "no size data" not in said
    assert re.search(r"message deferral detail.*connection refused\n", said, re.S), said
    assert re.search(r"message bounce detail.*mail\.test\[127\.0\.0\.1\]:587.*User unknown", said, re.S), said


@pytest.mark.parametrize("form, account, counts", [
    ("msmtp", "reports", "4 sent, 1 deferred, 2 failed"), ("postfix", "logged", "5 sent, 1 deferred, 1 failed"),
    ("json", "logged", "5 queued, 5 sent, 1 deferred, 1 failed")])
def test_logwatch_sums_up(machine, form, account, counts):
    text = a_day(machine, form, "logfile_time_format = %b %d %H:%M:%S web1 onehop:\n" if form == "msmtp" else "")
    if form == "json":
        stamp = machine.run("date", "+%b %d %H:%M:%S").stdout.strip()
        text = "".join(f"{stamp} web1 onehop: {line}\n" for line in text.splitlines())
    machine.write("var/log/mail.log", text)
    machine.run("mkdir", "-p", "/var/cache/logwatch")
    said = machine.run("logwatch", "--service", "onehop", "--range", "all", "--output", "stdout").stdout
    assert "onehop Begin" in said, said
    assert f"{account}: {counts}\n" in said, said + text
    assert re.search(r"failed: .*refused the recipient <address>: 550 ", said), said
    assert re.search(r"deferred: mail\.test:1: ", said), said
