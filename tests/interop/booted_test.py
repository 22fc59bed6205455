"""The units under systemd itself: socket activation, the sandbox, a password that is root's."""

import json

import pytest

from installation import AS_NOBODY, AS_WWW_DATA
from server import PASSWORD

CONFIGURATION = """\
[service]
idle = 2

[account machine]
from = reports@mail.test
host = mail.test
user = reports
password_file = work
admin = alice@mail.test
"""


@pytest.fixture(scope="session")
def booted(installation):
    machine = installation.booted
    machine.root.write("etc/onehop/onehop.ini", CONFIGURATION)
    machine.root.write("root/work.password", PASSWORD + "\n", 0o600)
    if not machine.start():
        pytest.skip("no container can be booted here (Debian: systemd-container)\n" + machine.console())
    return machine


def test_service_ends_when_idle_and_leaves_the_socket(booted):
    booted.wait_state("onehop.service", "inactive")
    assert booted.show("onehop.service", "Result") == "success", booted.journal()
    assert booted.show("onehop.socket", "ActiveState") == "active"


def send(booted, prefix, subject):
    done = booted.run(*prefix, "sendmail", "bob@mail.test", input=f"Subject: {subject}\n\ntext\n")
    assert done.returncode == 0, done.stderr + booted.journal()


def test_mail_wakes_the_service_and_goes_out_from_its_sandbox(booted, installation):
    send(booted, AS_WWW_DATA, "woken")
    message = installation.postfix.wait("woken")
    assert message.address("From") == "reports@mail.test"
    assert booted.show("onehop.service", "ActiveState") == "active"
    assert booted.show("onehop.service", "User") == "onehop"
    status = booted.run("cat", f"/proc/{booted.show('onehop.service', 'MainPID')}/status").stdout
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    assert "CapBnd:\t0000000000000000" in status


def test_reload_and_next_message(booted, installation):
    send(booted, AS_NOBODY, "before reload")
    assert booted.run("systemctl", "reload", "onehop.service").returncode == 0, booted.journal()
    send(booted, AS_NOBODY, "after reload")
    installation.postfix.wait("before reload")
    installation.postfix.wait("after reload")


def test_the_journal_has_the_fields_of_what_was_sent(booted, installation):
    """The service's worker logs from behind its fences."""
    send(booted, AS_NOBODY, "for the journal")
    message = installation.postfix.wait("for the journal")
    message_id = message["Message-ID"].strip("<>")
    said = booted.run("journalctl", "--no-pager", "-o", "json", f"ONEHOP_MESSAGE_ID={message_id}").stdout
    queued, sent = [json.loads(line) for line in said.splitlines()]
    assert (queued["ONEHOP_RESULT"], sent["ONEHOP_RESULT"]) == ("queued", "sent")
    for entry in (queued, sent):
        assert entry["ONEHOP_QUEUE_ID"] == sent["ONEHOP_QUEUE_ID"]
        assert entry["ONEHOP_ACCOUNT"] == "machine"
        assert entry["ONEHOP_RECIPIENT"] == "bob@mail.test"
        assert (entry["SYSLOG_IDENTIFIER"], entry["PRIORITY"], entry["SYSLOG_FACILITY"]) == ("onehop", "6", "2")
    assert (sent["SMTP_CODE"], sent["DSN"][:2]) == ("250", "2.")
    assert sent["MESSAGE"].endswith(f"message-id={message_id} exitcode=EX_OK")


def test_network_hook_flushes_the_queue(booted):
    hook = "/usr/lib/NetworkManager/dispatcher.d/90-onehop"
    done = booted.run(hook, "eth0", "up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert booted.run("stat", "-c", "%U", "/var/spool/onehop/format").stdout == "onehop\n"


def test_service_never_failed(booted):
    booted.wait_state("onehop.service", "inactive")
    assert booted.show("onehop.service", "Result") == "success", booted.journal()
    assert booted.show("onehop.service", "NRestarts") == "0", booted.journal()
    assert PASSWORD not in booted.journal()
