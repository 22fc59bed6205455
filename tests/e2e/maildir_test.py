"""Mail that is kept on this machine: an account with a Maildir, and copies of what was sent."""

import mailbox
import os
import resource

import pytest

from machine import REPORT, sanitized
from service import ALICE, needs_root, served, shared  # noqa: F401
from spool import Spool, message

LARGE = 30 << 20  # octets
LIMIT = LARGE - (5 << 20)  # of address space: less than the message


def account(path, name="cron", **keys):
    keys = {"protocol": "maildir", "maildir": path, "syslog": "off", **keys}
    return "\n".join([f"[account {name}]"] +
                     [f"{key} = {value}" for key, value in keys.items() if value is not None]) + "\n\n"


def kept(path):
    """What a reader of the Maildir finds, by Python's own."""
    box = mailbox.Maildir(path, create=False)
    return [box[key] for key in sorted(box.keys())]


@pytest.fixture
def maildir(machine):
    path = machine.home / "mail" / "root"
    machine.configure(account("~/mail/root/"))
    return path


# -- an account that keeps its mail

@pytest.mark.parametrize("queue", ["on", "off"])
def test_what_cron_sends_is_kept(machine, maildir, queue):
    machine.configure(account("~/mail/root/", queue=queue, logfile=str(machine.log)))
    machine.delivers("-i", "-FCronDaemon", "-odi", "-oem", "root", "you@example.net",
                     input=b"From: root (Cron Daemon)\r\nTo: root\nBcc: x@example.net\n"
                           b"Subject: Cron\n\n.\nl\xc3\xa4uft\n")
    box = mailbox.Maildir(maildir, create=False)
    mail, = box
    octets = mail.as_bytes()
    assert octets.startswith(b"Return-Path: <") and b"\r" not in octets
    assert mail.get_all("Delivered-To") == ["root", "you@example.net"]
    assert mail["Bcc"] is None and "Cron" in mail["Subject"] and mail["Message-ID"]
    assert octets.endswith(b"\n\n.\nl\xc3\xa4uft\n") and mail.get_subdir() == "new"
    assert (maildir / "new").stat().st_mode & 0o7777 == 0o700
    assert not os.listdir(maildir / "tmp") and not Spool(machine).ids()
    line = machine.log.read_text()
    assert f"maildir={machine.home}/mail/root/" in line and "exitcode=EX_OK" in line
    assert f"kept as {maildir}/new/" in line


def test_an_alias_and_admin_are_as_for_other_accounts(machine, maildir):
    (machine.root / "etc/aliases").write_text("www: web@example.org\n")
    machine.delivers("www", "root")
    assert kept(maildir)[0].get_all("Delivered-To") == ["web@example.org", "root"]
    machine.configure(account(str(maildir), admin="ops@example.org"))
    machine.delivers("root")
    assert kept(maildir)[1].get_all("Delivered-To") == ["ops@example.org"]


def test_each_message_is_kept_once_whatever_the_disk_does(machine, maildir):
    """The file system of the spool turns read-only at each of its changes in turn: what was kept and
    could not be noted is found again, also where its reader has been."""
    spool, n = Spool(machine), 0
    hit = spool.path / "broken"  # a worker can make files in the spool only
    spool.queues("root", input=REPORT)
    while True:
        n += 1
        id, = spool.ids()
        spool.run("sendmail", "-q", environment={"ONEHOP_TEST_DISK": f"ro:{n}:{hit}"})
        box = mailbox.Maildir(maildir, create=True)
        for name in os.listdir(maildir / "new"):
            os.rename(maildir / "new" / name, maildir / "cur" / (name + ":2,S"))
        spool.run("onehopctl", "flush")
        assert not spool.ids() and len(box) == 1, (n, id)
        box.clear()
        if not hit.exists():
            break
        hit.unlink()
        spool.queues("root", input=REPORT)
    assert n > 2


@pytest.mark.skipif(sanitized(), reason="sanitizers need memory without end")
def test_a_large_message_takes_no_memory(machine, maildir):
    block = b"0123456789abcdef" * 4 + b"\n"
    path = machine.directory / "large"
    with open(path, "wb") as file:
        file.write(b"To: root\nSubject: large\n\n" + block * (LARGE // len(block)))
    with open(path, "rb") as file:
        machine.delivers("-t", input=file, before=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)))
    file, = (maildir / "new").iterdir()
    assert file.read_bytes().split(b"\n\n", 1)[1] == block * (LARGE // len(block))


def test_what_cannot_be_kept_waits_and_is_reported_at_once(machine):
    spool = Spool(machine)
    place = machine.file("home/mail", "in the way")
    machine.configure(account("~/mail/root"))
    result = spool.tries("root", input=REPORT)
    assert result.lines == [f"sendmail: cannot open {place}/root: Not a directory; uid {os.geteuid()} must "
                            f"be able to write there (the message is queued as {spool.ids()[0]})"]
    os.unlink(place)
    spool.delivers()  # the obstacle is gone: it is not left alone
    assert len(kept(f"{place}/root")) == 1 and not spool.ids()


def test_check_makes_it_and_nothing_else(machine, maildir):
    result = machine.run("onehopctl", "check")
    assert result.code == 0 and "ok   maildir" in result.shown and str(maildir) in result.shown
    assert kept(maildir) == []


# -- its keys

@pytest.mark.parametrize("key, value", [
    ("host", "smtp.example.com"), ("user", "me@example.com"), ("tls", "on"), ("port", "25"),
    ("password_file", "/etc/x"), ("socket", "/run/x"), ("sent_copy", "/var/mail/sent"),
    ("oauth", "google"), ("timeout", "5"), ("host_order", "random")])
def test_a_key_about_a_server_is_an_error(machine, key, value):
    machine.configure(account("/var/mail/root", **{key: value}))
    result = machine.sendmail("root")
    assert result.code == 78 and f"{key} is about a server" in result.text
    assert "onehop.ini:1: account cron: " in result.text


def test_defaults_about_a_server_are_for_the_others(machine, maildir):
    machine.configure(account("~/mail/root/") + "[defaults]\nhost = smtp.example.com\ntls = on\n"
                      "user = me@example.com\ntimeout = 5\nfrom = me@example.com\n")
    machine.delivers("root")
    assert kept(maildir)[0]["Return-Path"] == "<me@example.com>"


@pytest.mark.parametrize("keys, says", [
    (dict(maildir=None), "add `maildir = /var/mail/root`"),
    (dict(protocol=None, host="mx"), "add `protocol = maildir`"),
    (dict(maildir="mail"), "is no full path")])
def test_half_of_it_is_an_error(machine, keys, says):
    machine.configure(account("/var/mail/root", **keys))
    result = machine.sendmail("root")
    assert result.code == 78 and says in result.text


def test_there_is_no_server_to_ask(machine, maildir):
    for option in ("--serverinfo", "--rmqs=x"):
        result = machine.run("onehop", option)
        assert result.code == 64 and "has no server" in result.text


# -- the service

def serve_maildir(machine, path, **keys):
    machine.prepare()
    machine.configure_system(account(path, **keys), mode=0o644)
    machine.start()


def test_the_service_keeps_mail_behind_its_fence(served):
    path = served.directory / "var" / "mail"
    serve_maildir(served, path)
    assert served.call(0, "sendmail", "root", input=REPORT) == (0, "", "")
    assert len(kept(path)) == 1 and served.queued() == []


@needs_root
def test_the_services_user_writes_there(shared):
    path = shared.directory / "mail"
    path.mkdir()
    shared.own(path)
    path.chmod(0o2750)
    serve_maildir(shared, path)
    assert shared.call(ALICE, "sendmail", "root", input=REPORT) == (0, "", "")
    file, = (path / "new").iterdir()
    assert file.stat().st_uid == shared.uid and file.stat().st_mode & 0o777 == 0o640
    shared.stop()
    code, out, err = shared.call(ALICE, "sendmail", "root", input=REPORT)
    assert code == 75 and f"{path} is not for {ALICE} to write" in err and out == ""


# -- copies of what was sent

@pytest.mark.parametrize("queue", ["on", "off"])
def test_a_copy_is_what_left(machine, serve, queue):
    provider = serve()
    machine.use(provider, queue=queue, sent_copy="~/Mail/Sent")
    machine.delivers("-t", input=REPORT.replace(b"Subject", b"Bcc: x@example.net\nSubject"))
    box = mailbox.Maildir(machine.home / "Mail/Sent", create=False)
    mail, = box
    assert mail.as_bytes().replace(b"\n", b"\r\n") == provider.message.content
    assert mail.get_subdir() == "cur" and mail.get_flags() == "S" and mail["Bcc"] is None


def test_a_copy_is_made_once_for_a_message_that_leaves_in_parts(machine, serve):
    answers = {"b@example.net": "450 4.2.0 later"}
    spool = Spool(machine)
    provider = spool.use(serve(rcpt=answers), sent_copy="~/Sent")
    spool.tries("a@example.net", "b@example.net")
    answers.clear()
    spool.run("onehopctl", "flush")
    assert len(provider.messages) == 2 and not spool.ids()
    assert len(kept(machine.home / "Sent")) == 1


def test_nothing_is_copied_that_was_not_sent(machine, serve):
    spool = Spool(machine)
    provider = spool.use(serve(rcpt={"b@example.net": "550 5.1.1 who?"}), sent_copy="~/Sent")
    assert machine.sendmail("b@example.net", input=message("refused")).code == 67
    assert machine.sendmail("b@example.net", "-odq", input=message("refused")).code == 0
    spool.run("onehopctl", "flush")  # its bounce is no mail of this user's
    assert [m.recipients for m in provider.messages] == [["me@example.com"]]
    assert kept(machine.home / "Sent") == []


@pytest.mark.parametrize("queue", ["on", "off"])
def test_mail_is_sent_once_and_is_no_failure_where_its_copy_fails(machine, serve, queue):
    provider = serve()
    machine.use(provider, queue=queue, sent_copy="~/Sent")
    machine.file("home/Sent", "in the way")
    result = machine.sendmail("-t")
    assert result.code == 0 and "sent_copy: cannot open" in result.text and len(result.lines) == 1
    machine.run("onehopctl", "flush")
    assert len(provider.messages) == 1 and not Spool(machine).ids()


def test_the_service_makes_copies_behind_its_fence(served, serve):
    provider = serve()
    path = served.directory / "sent"
    served.serve(provider, sent_copy=str(path))
    assert served.call(0, "sendmail", "-t", input=REPORT) == (0, "", "")
    served.until(lambda: kept(path), "no copy is made")  # after the caller has its answer
    assert len(kept(path)) == 1 and provider.message
