"""Programs of the system send as root or www-data; the provider takes one address."""

import socket

import pytest

from machine import needs_msmtp

HOST = socket.gethostname().split(".")[0]

CRON = b"""From: root (Cron Daemon)
To: root
Subject: Cron <root@web1> /usr/local/bin/backup
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>
X-Cron-Env: <HOME=/root>

backup: done
"""

LOGWATCH = b"""To: root
From: root
Subject: Logwatch for web1 (Linux)
Auto-Submitted: auto-generated
Precedence: bulk
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Type: text/plain; charset="iso-8859-1"

 ################### Logwatch 7.7 (07/22/22) ####################
"""

PHP = (b"To: you@example.net\r\nSubject: hello\r\nX-Mailer: shop\r\n\r\n"
       b"line1\nline2\n\r\n")


@pytest.fixture
def account(serve, machine):
    return machine.use(serve())


def test_a_mail_of_cron(account, machine):
    machine.delivers("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", input=CRON)
    message = account.message
    assert message.sender == "me@example.com"
    assert message.recipients == ["me@example.com"]
    assert message.field("From") == "Cron Daemon <me@example.com>"
    assert message.field("To") == "root@web1.example.org"
    assert message.fields("X-Cron-Env") == ["<SHELL=/bin/sh>", "<HOME=/root>"]
    assert message.field("Reply-To") is None
    assert message.body == b"backup: done\r\n"


def test_a_mail_of_cronie(account, machine):
    machine.delivers("-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root", input=CRON)
    assert account.message.sender == "me@example.com"
    assert account.message.recipients == ["me@example.com"]


def test_a_report_of_logwatch(account, machine):
    machine.delivers("-t", input=LOGWATCH)
    message = account.message
    assert message.sender == "me@example.com"
    assert message.recipients == ["me@example.com"]
    assert message.field("From") == f"root on {HOST} <me@example.com>"
    assert message.field("Date") and message.field("Message-ID")
    assert message.field("Auto-Submitted") == "auto-generated"


def test_a_mail_of_php(account, machine):
    machine.delivers("-t", "-i", input=PHP)
    message = account.message
    assert message.sender == "me@example.com"
    assert message.recipients == ["you@example.net"]
    assert "<me@example.com>" in message.field("From") or \
        message.field("From") == "me@example.com"
    assert message.body == b"line1\r\nline2\r\n\r\n"


@pytest.mark.parametrize("sender", ["www-data", "www-data@localhost", f"www-data@{HOST}",
                                    "www-data@web1.example.org"])
def test_a_local_envelope_sender_becomes_the_accounts(account, machine, sender):
    machine.delivers("-t", "-i", "-f", sender, input=PHP)
    assert account.message.sender == "me@example.com"


def test_the_null_sender_stays(account, machine):
    machine.delivers("-f", "<>", "you@example.net", input=LOGWATCH)
    machine.delivers("-f", "", "you@example.net", input=LOGWATCH)
    assert [m.sender for m in account.messages] == ["", ""]


@pytest.fixture
def default(serve, machine):
    provider = serve()
    machine.configure(machine.account(provider, "default"))
    return provider


def test_a_usable_original_goes_to_reply_to(default, machine):
    machine.delivers("-t", input=b"From: Shop <shop@other.example>\n" + PHP)
    assert default.message.sender == "me@example.com"
    assert default.message.field("From") == "Shop <me@example.com>"
    assert default.message.field("Reply-To") == "Shop <shop@other.example>"


def test_a_reply_to_that_is_there_stays(default, machine):
    machine.delivers("-t", input=b"From: shop@other.example\nReply-To: a@b.example\n" + PHP)
    assert default.message.field("Reply-To") == "a@b.example"


def test_sender_is_rewritten_too(default, machine):
    machine.delivers("-t", input=b"From: me@example.com\nSender: www-data\n" + PHP)
    assert default.message.field("From") == "me@example.com"
    assert "www-data@" not in (default.message.field("Sender") or "")


def test_the_accounts_own_addresses_stay(serve, machine):
    provider = machine.use(serve(), domains="example.com")
    machine.delivers("-t", "-f", "shop@example.com", input=b"From: Shop <shop@example.com>\n" + PHP)
    assert provider.message.sender == "shop@example.com"
    assert provider.message.field("From") == "Shop <shop@example.com>"
    assert provider.message.field("Reply-To") is None


def test_rewriting_always(serve, machine):
    provider = machine.use(serve(), domains="example.com", rewrite_from="always")
    machine.delivers("-t", "-f", "shop@example.com", input=b"From: Shop <shop@example.com>\n" + PHP)
    assert provider.message.sender == "me@example.com"
    assert provider.message.field("From") == "Shop <me@example.com>"
    assert provider.message.field("Reply-To") == "Shop <shop@example.com>"


def test_rewriting_off(serve, machine):
    provider = serve()
    machine.configure(machine.account(provider, "default", rewrite_from="off"))
    machine.delivers("-t", "-f", "shop@other.example",
                     input=b"From: Shop <shop@other.example>\n" + PHP)
    assert provider.message.sender == "shop@other.example"
    assert provider.message.field("From") == "Shop <shop@other.example>"


def test_a_name_that_needs_encoding_is_kept(account, machine):
    machine.delivers("-t", input=b"From: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= <root>\n" + PHP)
    assert account.message.field("From").lower().startswith("=?utf-8?")
    assert account.message.field("From").endswith("<me@example.com>")


def test_from_override_can_be_forbidden(serve, machine):
    provider = machine.use(serve(), domains="example.com", allow_from_override="off")
    machine.delivers("-t", "-f", "shop@example.com", input=PHP)
    assert provider.message.sender == "me@example.com"


MSMTPRC = "account {name}\nhost 127.0.0.1\nport {port}\nfrom me@example.com\nset_from_header on\n"


@needs_msmtp
@pytest.mark.parametrize("sender", ["www-data", "root@web1.example.org", "www-data@localhost"])
def test_sendmail_with_an_msmtprc_replaces_a_local_sender(serve, machine, sender):
    provider = serve(tls="none", mechanisms="")
    machine.file(machine.home / ".msmtprc", MSMTPRC.format(name="default", port=provider.port))
    machine.delivers("-t", "-i", "-f", sender, input=f"From: {sender}\n".encode() + PHP)
    assert provider.message.sender == "me@example.com"
    assert "me@example.com" in provider.message.field("From")


@needs_msmtp
def test_sendmail_with_an_msmtprc_keeps_another_sender(serve, machine):
    provider = serve(tls="none", mechanisms="")
    machine.file(machine.home / ".msmtprc", MSMTPRC.format(name="default", port=provider.port))
    machine.delivers("-t", "-i", "-f", "shop@other.example", input=PHP)
    assert provider.message.sender == "shop@other.example"


@pytest.mark.parametrize("form", [pytest.param("msmtprc", marks=needs_msmtp), "ini"])
def test_the_systems_only_account_serves_every_sender(serve, machine, form):
    provider = serve(tls="none", mechanisms="")
    if form == "ini":
        machine.configure_system(machine.account(provider, "relay", queue="on"), 0o644)
    else:
        rc = MSMTPRC.replace("set_from_header on\n", "")
        machine.file(machine.root / "etc/msmtprc", rc.format(name="relay", port=provider.port),
                     0o644)
    machine.delivers("-t", "-i", "-f", "wordpress@shop.example",
                     input=b"From: Shop <wordpress@shop.example>\n" + PHP)
    assert provider.message.sender == "me@example.com"
    assert provider.message.field("From").endswith("<me@example.com>")


def test_a_users_only_account_serves_no_foreign_sender(serve, machine):
    provider = machine.use(serve(), queue="on")
    result = machine.sendmail("-t", "-i", "-f", "wordpress@shop.example", input=PHP)
    assert result.code == 78 and "no account serves senders at shop.example" in result.text
    assert provider.connections == []
