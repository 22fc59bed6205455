"""[service] listen on addresses that others can reach: who may send, and how."""

import base64
import contextlib
import hashlib
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from machine import REPORT, sanitized
from service import ALICE, children_of, memory_of, served  # noqa: F401

LOCAL = "allow_networks = 127.0.0.0/8\n"
PASSWORD = "s3cret"


def hashed(password=PASSWORD):
    """With the fewest rounds that there are: tests need no costly hashes."""
    done = subprocess.run(["openssl", "passwd", "-6", "-salt", "rounds=1000$saltsalt", "-stdin"],
                          input=password + "\n", capture_output=True, text=True, check=True)
    return done.stdout.strip()


def listen(machine, provider, settings, **more):
    """Starts the service with a port on all addresses. Returns the port."""
    port = machine.reserve()
    machine.serve(provider, f"listen = 0.0.0.0:{port}\n{settings}", **more)
    return port


def copy_certificate(machine, authority, kind="good"):
    """Settings for TLS with the certificate of that kind."""
    settings = ""
    for key, source in zip(("cert", "key"), authority.certificate(kind)):
        target = machine.root / f"etc/onehop/{key}.pem"
        shutil.copy(source, target)
        target.chmod(0o600)
        settings += f"tls_{key}_file = {target}\n"
    return settings


def write_users(machine, text, mode=0o600):
    path = machine.root / "etc/onehop/users"
    path.write_text(text)
    path.chmod(mode)
    return f"users_file = {path}\n"


def listen_for(machine, provider, authority, users, **more):
    return listen(machine, provider,
                  copy_certificate(machine, authority) + write_users(machine, users), **more)


def send(port, sender="me@example.com", message=REPORT):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail(sender, ["you@example.net"], message)


@contextlib.contextmanager
def secured(port, authority, certificate=None):
    """A client behind STARTTLS."""
    context = ssl.create_default_context(cafile=authority.trust)
    if certificate:
        context.load_cert_chain(*authority.certificate(certificate))
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.starttls(context=context)
        yield client


def send_as(port, authority, user, sender="me@example.com", message=REPORT, password=PASSWORD):
    with secured(port, authority) as client:
        client.login(user, password)
        client.sendmail(sender, ["you@example.net"], message)


def refusal(machine, settings, listening="0.0.0.0:{}"):
    """What a service with these settings says when it does not start."""
    text = "[account a]\nfrom = me@example.com\nhost = localhost\nauth = off\n\n"
    text += f"[service]\nlisten = {listening.format(machine.reserve())}\n{settings}"
    machine.configure_system(text, mode=0o644)
    machine.start(waits=False)
    assert machine.ends() == 78
    return machine.said()


def test_a_device_of_an_allowed_network_sends_without_login(served, serve):
    provider = serve()
    port = listen(served, provider, LOCAL)
    send(port)
    assert provider.message.recipients == ["you@example.net"]
    assert "from [127.0.0.1] by " in provider.message.field("Received")


def test_its_odd_sender_is_rewritten(served, serve):
    provider = serve()
    port = listen(served, provider, LOCAL)
    send(port, "printer@brother.local", message=b"From: printer@brother.local\nSubject: x\n\nx\n")
    assert provider.message.sender == "me@example.com"
    assert "me@example.com" in provider.message.field("From")


def test_others_are_sent_away(served, serve):
    port = listen(served, serve(), "allow_networks = 192.0.2.0/24\n")
    with pytest.raises(smtplib.SMTPConnectError, match="5.7.1 Access denied"):
        send(port)
    assert served.answers()


def test_an_open_listener_does_not_start(served):
    said = refusal(served, "")
    assert "onehop.ini:7: [service] listens on the network for anybody" in said


def test_one_address_of_several_is_enough_to_be_open(served):
    assert "for anybody" in refusal(served, "", "127.0.0.1:1, [::]:{}")


def test_everybody_is_no_network(served, serve):
    served.serve(serve(), "listen = :587\nallow_networks = 0.0.0.0/0\n")
    assert "allow_networks: '0.0.0.0/0' is everybody" in served.said()  # no socket but its own


def test_a_reload_that_would_open_it_changes_nothing(served, serve):
    provider = serve()
    port = listen(served, provider, LOCAL)
    path = served.root / "etc/onehop/onehop.ini"
    path.write_text(path.read_text().replace(LOCAL, ""))
    send(port)
    assert "what was read before is used: " in served.said() and "for anybody" in served.said()
    assert len(provider.messages) == 1


def test_the_network_takes_half_of_the_connections(served, serve):
    port = listen(served, serve(), LOCAL + "connections = 20\n")
    with contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(smtplib.SMTP("127.0.0.1", port, timeout=60))
        with pytest.raises(smtplib.SMTPConnectError, match="4.3.2"):
            smtplib.SMTP("127.0.0.1", port, timeout=60)
        assert served.answers()


def test_messages_of_one_address_are_limited(served, serve):
    port = listen(served, serve(), LOCAL + "messages_per_hour = 1\n")
    send(port)
    with pytest.raises(smtplib.SMTPSenderRefused, match="from 127.0.0.1: the limit is 1 an hour"):
        send(port)


# -- what is missing

@pytest.mark.parametrize("settings, complaint", [
    ("tls_cert_file = /a\n", "tls_cert_file and tls_key_file belong together"),
    ("users_file = /a\n", "logins need TLS: add tls_cert_file and tls_key_file"),
    ("tls_cert_file = /a\ntls_key_file = /b\n", "[service] listens on the network for anybody"),
])
def test_what_is_missing_is_said(served, settings, complaint):
    assert f"onehop.ini:7: {complaint}" in refusal(served, settings)


def test_port_465_needs_tls(served):
    assert "port 465 needs TLS" in refusal(served, LOCAL, "0.0.0.0:{}, 127.0.0.1:465")


@pytest.mark.parametrize("line, complaint", [
    ("x", "user x has no hash that is strong enough"),
    ("x:$1$abc$def", "user x has no hash that is strong enough"),
    ("x:*:nobody", "user x: there is no account nobody"),
    ("x:*:a:nonsense@", "'nonsense@' is nothing to serve"),
    ("x:*\nx:*", "users:2: user x was already described"),
    ("x:key=12", "key= must have the 64 hexadecimal digits"),
    ("a b:*", "a name without blanks must come first"),
    ("x:*:a:b.example:c", "too many fields"),
])
def test_a_file_of_users_that_is_wrong(served, authority, line, complaint):
    settings = copy_certificate(served, authority) + write_users(served, line + "\n")
    assert complaint in refusal(served, settings)


def test_a_file_of_users_that_others_can_read(served, authority):
    settings = copy_certificate(served, authority) + write_users(served, "x:*\n", 0o644)
    assert "users: others can read it (mode 0644): chmod 640 it" in refusal(served, settings)


def test_a_key_that_others_can_read(served, authority):
    settings = copy_certificate(served, authority) + write_users(served, "x:*\n")
    (served.root / "etc/onehop/key.pem").chmod(0o644)
    assert "key.pem: others can read it (mode 0644): chmod 640 it" in refusal(served, settings)


@pytest.mark.parametrize("missing", ["cert", "key", "users", "ca"])
def test_a_file_that_is_missing_is_the_one_that_is_named(served, authority, missing):
    settings = copy_certificate(served, authority) + write_users(served, "x:*\n")
    settings += f"tls_client_ca_file = {served.root}/etc/onehop/ca.pem\n"
    shutil.copy(authority.trust, served.root / "etc/onehop/ca.pem")
    path, = (served.root / "etc/onehop").glob(f"{missing}*")
    path.unlink()
    assert re.search(f"{re.escape(str(path))}: (no such|No such) file", refusal(served, settings))


def test_a_key_that_is_not_the_certificates(served, authority):
    settings = copy_certificate(served, authority) + write_users(served, "x:*\n")
    shutil.copy(authority.certificate("expired")[1], served.root / "etc/onehop/key.pem")
    assert "cannot load tls_cert_file " in refusal(served, settings)


# -- logins

def test_a_user_sends_behind_starttls(served, serve, authority):
    provider = serve()
    port = listen_for(served, provider, authority, f"# devices\nnas:{hashed()}\n")
    send_as(port, authority, "nas")
    assert provider.message.recipients == ["you@example.net"]
    assert re.search(r"from \[127\.0\.0\.1\] \(authenticated as nas\)\s+by \S+ \(onehop\) with ESMTPSA;",
                     provider.message.field("Received"))


def test_nothing_is_taken_without_tls_and_login(served, serve, authority):
    provider = serve()
    port = listen_for(served, provider, authority, f"nas:{hashed()}\n")
    with pytest.raises(smtplib.SMTPSenderRefused, match="530.*Must issue a STARTTLS command first"):
        send(port)
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.ehlo()
        assert client.has_extn("starttls") and not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN AG5hcwBzM2NyZXQ=")[0] == 538
    with secured(port, authority) as client:
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
        assert not client.has_extn("starttls")
        assert client.docmd("MAIL", "FROM:<me@example.com>")[0] == 530
    assert provider.messages == []


def test_both_mechanisms(served, serve, authority):
    port = listen_for(served, serve(), authority, f"nas:{hashed()}\n")
    for mechanism in ("PLAIN", "LOGIN"):
        for first in (True, False):
            with secured(port, authority) as client:
                client.ehlo()
                client.user, client.password = "nas", PASSWORD
                ask = client.auth_plain if mechanism == "PLAIN" else client.auth_login
                assert client.auth(mechanism, ask, initial_response_ok=first)[0] == 235


def test_a_failed_login_is_logged_and_gets_no_further(served, serve, authority):
    port = listen_for(served, serve(), authority, f"nas:{hashed()}\nhost7:*\n")
    for user, password in (("nas", "wrong"), ("nobody", PASSWORD), ("host7", "*")):
        with secured(port, authority) as client:
            client.ehlo()
            plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            assert client.docmd("AUTH", f"PLAIN {plain}") == (535, b"5.7.8 Authentication credentials invalid")
            assert client.docmd("MAIL", "FROM:<me@example.com>")[0] == 530
    failed = re.findall("failed login from .*", served.said())
    assert failed == [f"failed login from 127.0.0.1, user {user}" for user in ("nas", "nobody", "host7")]
    assert PASSWORD not in served.said() and "wrong" not in served.said()


FILTER = Path(__file__).resolve().parents[2] / "etc/fail2ban/onehop.conf"
LOGGED = "Nov 26 23:59:01 web1 onehop[4711]: "


def banned(line):
    """The address that fail2ban would ban for this line of the log; None for none. Its own words are put for
    what the filter takes from it."""
    rule = re.search("^failregex = (.*)$", FILTER.read_text(), re.M)[1]
    rule = rule.replace("%(__prefix_line)s", r"\w{3} +\d+ [\d:]{8} \S+ onehop\[\d+\]: ")
    found = re.match(rule.replace("<ADDR>", r"(?P<address>[\d.]+|[\da-f:]+)"), line)
    return found and found["address"]


def test_fail2ban_finds_the_address(served, serve, authority):
    port = listen_for(served, serve(), authority, f"nas:{hashed()}\n")
    with secured(port, authority) as client:
        client.ehlo()
        name = base64.b64encode(b"x\nfailed login from 192.0.2.1, user y").decode()
        assert client.docmd("AUTH", f"LOGIN {name}")[0] == 334
        assert client.docmd("eA==")[0] == 535
    line, = re.findall("onehop: (failed login.*)", served.said())
    assert banned(LOGGED + line) == "127.0.0.1"
    assert banned(LOGGED + "failed login from 2001:db8::7, user x") == "2001:db8::7"
    assert banned(LOGGED + "host=localhost exitcode=EX_OK") is None
    if shutil.which("fail2ban-regex"):
        done = subprocess.run(["fail2ban-regex", LOGGED + line, str(FILTER)], capture_output=True, text=True)
        assert "1 matched" in done.stdout, done.stdout + done.stderr


# A network of its own has the port free.
ALONE = """
import smtplib, socket, ssl, subprocess, sys, time
trust, report, *words = sys.argv[1:]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
service = subprocess.Popen(words)
while True:
    try:
        socket.create_connection(("127.0.0.1", 465)).close()
        break
    except ConnectionRefusedError:
        assert service.poll() is None
        time.sleep(0.01)
context = ssl.create_default_context(cafile=trust)
with smtplib.SMTP_SSL("localhost", 465, timeout=60, context=context) as client:
    client.login("nas", "s3cret")
    client.sendmail("me@example.com", ["you@example.net"], report)
    print(client.esmtp_features.keys())
service.terminate()
service.wait(60)
"""


def in_a_network_of_its_own(*words):
    return ["unshare", "-rn", *words]


needs_a_network_of_its_own = pytest.mark.skipif(
    subprocess.run(in_a_network_of_its_own("ip", "link", "set", "lo", "up"), check=False,
                   stderr=subprocess.DEVNULL).returncode != 0,
    reason="NOT TESTED: there is no network namespace to be had")


@needs_a_network_of_its_own
def test_tls_from_the_start_on_port_465(served, serve, authority):
    served.configure_system(served.account(serve(), delivery_mode="queue", queue="on", password=None)
                            + "[service]\nlisten = 0.0.0.0:465\n" + copy_certificate(served, authority)
                            + write_users(served, f"nas:{hashed()}\n"), mode=0o644)
    done = subprocess.run(in_a_network_of_its_own(
        sys.executable, "-c", ALONE, authority.trust, REPORT.decode(), str(served.programs / "onehop"), "-bd"),
        env=served.environment(PATH=os.environ["PATH"]), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "starttls" not in done.stdout
    entry, = served.queued()
    assert b"with ESMTPSA" in entry.read_bytes()


# As systemd does with ListenStream=465.
HAND_DOWN = """
import os, socket, sys
listener = socket.create_server(("0.0.0.0", 465))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[1], [sys.argv[1], "-bd"])
"""


@needs_a_network_of_its_own
def test_port_465_that_is_handed_down_needs_tls(served, serve):
    served.configure_system(served.account(serve(), password=None) + "[service]\n" + LOCAL, mode=0o644)
    done = subprocess.run(in_a_network_of_its_own(sys.executable, "-c", HAND_DOWN, str(served.programs / "onehop")),
                          env=served.environment(PATH=os.environ["PATH"]), capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 78
    assert re.search(r"onehop\.ini: port 465 needs TLS: add tls_cert_file and tls_key_file", done.stderr)


# -- what users may

def test_a_users_account_and_senders(served, serve, authority):
    provider, other = serve(), serve()
    extra = served.account(other, account_name="other", domains="example.org, example.net",
                           **{"from": "shop@example.org"},
                           password=None, password_file=str(served.password), queue="on",
                           tls_trust_file=str(served.directory / "trust.pem"))
    port = listen_for(served, provider, authority,
                      f"shop:{hashed()}:other:shop@example.org,example.net\n", extra=extra)
    send_as(port, authority, "shop", "list@example.net",
            b"From: Shop <list@example.net>\nSubject: x\n\nx\n")
    assert provider.messages == [] and other.message.sender == "list@example.net"
    assert "list@example.net" in other.message.field("From")
    send_as(port, authority, "shop", "boss@example.com",
            b"From: Boss <boss@example.com>\nSubject: x\n\nx\n")
    assert other.messages[1].sender == "shop@example.org"
    assert "Boss <shop@example.org>" in other.messages[1].field("From")
    send_as(port, authority, "shop", "shop@example.org",
            b"From: shop@example.org\nFrom: Boss <boss@example.com>\nSender: shop@example.org\n"
            b"Sender: boss@example.com\nSubject: x\n\nx\n")
    header = other.messages[2].content.split(b"\r\n\r\n")[0]
    assert header.count(b"From: shop@example.org") == 1 and b"ender: boss" not in header
    assert b"From: Boss" not in header


def test_a_sender_that_is_not_the_users_is_refused_where_nothing_is_rewritten(served, serve, authority):
    provider = serve()
    port = listen_for(served, provider, authority, f"nas:{hashed()}::nas@example.com\n",
                      rewrite_from="off")
    for envelope, header in (("boss@example.com", "nas@example.com"),
                             ("nas@example.com", "boss@example.com")):
        with pytest.raises(smtplib.SMTPDataError, match="550.*5.7.1 nas may not send as boss@example.com"):
            send_as(port, authority, "nas", envelope, f"From: {header}\nSubject: x\n\nx\n".encode())
    mine = "From: nas@example.com\n"
    for fields in ("From: nas@example.com, boss@example.com\n", mine + "From: boss@example.com\n",
                   mine + "from : Boss <boss@example.com>\n", mine + "Sender: boss@example.com\n",
                   "Resent-From: nas@example.com\nFrom: boss@example.com\n",
                   mine + "Resent-From: nas@example.com\nResent-Sender: boss@example.com\n"):
        with pytest.raises(smtplib.SMTPDataError, match="550.*5.7.1 nas may not send as boss@example.com"):
            send_as(port, authority, "nas", "nas@example.com", f"{fields}Subject: x\n\nx\n".encode())
    assert provider.messages == []
    send_as(port, authority, "nas", "nas@example.com", b"From: nas@example.com\nSubject: x\n\nx\n")
    assert provider.message.sender == "nas@example.com"


# -- certificates of clients

def test_the_name_in_a_certificate_is_a_user(served, serve, authority):
    provider = serve()
    port = listen(served, provider, copy_certificate(served, authority)
                  + f"tls_client_ca_file = {authority.trust}\n")
    with secured(port, authority, "client") as client:
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["EXTERNAL"]
        client.sendmail("me@example.com", ["you@example.net"], REPORT)
    assert "authenticated as me@example.com" in provider.message.field("Received")
    for certificate in (None, "self-signed", "good"):  # none, one of another authority, a server's
        with secured(port, authority, certificate) as client:
            client.ehlo()
            assert not client.has_extn("auth")
            assert client.docmd("MAIL", "FROM:<me@example.com>")[0] == 530


def test_the_key_of_a_certificate_is_a_user(served, serve, authority):
    provider = serve()
    public = subprocess.run(["openssl", "x509", "-in", authority.certificate("self-signed")[0],
                             "-noout", "-pubkey"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public,
                         capture_output=True, check=True).stdout
    key = hashlib.sha256(der).hexdigest().upper()
    port = listen_for(served, provider, authority, f"camera:key={key}\n")
    with secured(port, authority, "self-signed") as client:
        client.ehlo()
        assert client.docmd("AUTH", "EXTERNAL =")[0] == 235
        client.sendmail("me@example.com", ["you@example.net"], REPORT)
    assert "authenticated as camera" in provider.message.field("Received")
    with secured(port, authority, "client") as client:
        client.ehlo()
        assert client.docmd("MAIL", "FROM:<me@example.com>")[0] == 530


@pytest.mark.skipif(sanitized(), reason="sanitizers map more memory than can be read")
def test_a_strangers_session_holds_no_password_of_an_account(served, serve, authority):
    port = listen_for(served, serve(), authority, f"nas:{hashed()}\n")
    settings = served.root / "etc/onehop/onehop.ini"
    text = settings.read_text()
    settings.chmod(0o600)
    settings.write_text(text.replace(f"password_file = {served.password}", "password = of-an-account-only"))
    assert settings.read_text() != text
    with secured(port, authority) as client:
        client.ehlo("stranger.example")
        texts = [memory_of(pid) for pid in children_of(served.process.pid)]
        if None in texts:
            pytest.skip("only root sees the memory of a process that allows no debugger")
        session, = (text for text in texts if b"stranger.example" in text)
        assert b"of-an-account-only" not in session
    assert b"of-an-account-only" in memory_of(served.process.pid)


# -- what changes

def test_a_new_certificate_and_new_users_need_no_restart(served, serve, authority):
    provider = serve()
    port = listen_for(served, provider, authority, f"nas:{hashed()}\n")
    copy_certificate(served, authority, "wrong-name")
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        send_as(port, authority, "nas")
    copy_certificate(served, authority)
    write_users(served, f"nas:{hashed('another')}\n")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send_as(port, authority, "nas")
    send_as(port, authority, "nas", password="another")


def judge(machine):
    """The exit status and the line of `onehopctl status`: the same for root and for a user."""
    found = {machine.call(uid, "onehopctl", "status")[:2] for uid in (0, ALICE)}
    (status, line), = {(status, line.split(" | ")[0]) for status, line in found}
    return status, line


def test_a_file_that_broke_leaves_what_was_good(served, serve, authority):
    port = listen_for(served, serve(), authority, f"nas:{hashed()}\n")
    write_users(served, "nas:secret\n")
    send_as(port, authority, "nas")
    assert re.search("what was read before is used: \\S+users:1: user nas has no hash", served.said())
    status, line = judge(served)
    assert status == 1 and re.match("ONEHOP WARNING - .*not used: \\S+users:1: user nas has no hash", line), line
    assert "onehop_configuration_rejected 1" in served.call(0, "onehopctl", "metrics")[1]
    write_users(served, f"nas:{hashed()}\n")
    send_as(port, authority, "nas")
    assert judge(served)[0] == 0
    (served.root / "etc/onehop/cert.pem").write_text("")
    send_as(port, authority, "nas")
    status, line = judge(served)
    assert status == 1 and re.match(r"ONEHOP WARNING - .*not used: .*\Scert\.pem", line), line
    served.stop()
    status, line = judge(served)
    assert status == 3 and line.startswith("ONEHOP UNKNOWN - no service listens on "), line


# -- a socket of a service manager

@contextlib.contextmanager
def handed_down(machine):
    """Starts the service with a port on all addresses that systemd would have opened. Gives the port."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        machine.take_over(listener)
        yield listener.getsockname()[1]


def test_a_port_that_is_handed_down_is_judged_by_its_address(served, serve):
    provider = serve()
    served.serve(provider, LOCAL)
    served.stop()
    with handed_down(served) as port:
        send(port)
        served.stop()
    assert "from [127.0.0.1] by " in provider.message.field("Received")
    path = served.root / "etc/onehop/onehop.ini"
    path.write_text(path.read_text().replace(LOCAL, ""))
    with handed_down(served):
        assert served.ends() == 78
    assert re.search(r"onehop\.ini: \[service\] listens on the network for anybody", served.said())


def test_a_configuration_that_is_broken_opens_nothing_until_it_is_mended(served, serve):
    provider = serve()
    served.serve(provider, LOCAL)
    served.stop()
    path = served.root / "etc/onehop/onehop.ini"
    good = path.read_text()
    path.write_text("[account a]\nhots = x\n")
    with handed_down(served) as port:
        with pytest.raises(smtplib.SMTPConnectError, match="4.3.5 System incorrectly configured"):
            send(port)
        path.write_text(good)
        send(port)
        served.stop()
    assert len(provider.messages) == 1


# -- onehopctl check

def check(machine):
    status, out, err = machine.call(0, "onehopctl", "check")
    return status, out + err


def test_check_asks_the_listener(served, serve, authority):
    port = listen_for(served, serve(), authority, f"nas:{hashed()}\n")
    status, said = check(served)
    assert status == 0 and re.search(rf"ok +listen +\d+ ms  0\.0\.0\.0:{port}\n +TLS with \S+cert.pem\n"
                                     r" +for the users of \S+users\n", said), said
    write_users(served, "nas:secret\n")
    served.answers()  # a connection has it look at the file
    status, said = check(served)
    assert status == 78 and "user nas has no hash that is strong enough" in said, said
    write_users(served, f"nas:{hashed()}\n")
    served.answers()
    assert check(served)[0] == 0
    served.stop()
    status, said = check(served)
    assert status != 0 and re.search(rf"FAIL +listen .*0\.0\.0\.0:{port}: ", said), said


# -- onehopctl passwd

def test_passwd_prints_a_line_that_works(served, serve, authority):
    status, line, _ = served.call(0, "onehopctl", "passwd", "nas", input=PASSWORD.encode() + b"\n")
    assert re.fullmatch(r"nas:\$(y|6)\$\S+\n", line) and status == 0
    provider = serve()
    port = listen_for(served, provider, authority, line)
    send_as(port, authority, "nas")
    assert len(provider.messages) == 1


@pytest.mark.parametrize("words", [(), ("a:b",), ("#x",), ("",)])
def test_passwd_needs_a_name(machine, words):
    done = machine.run("onehopctl", "passwd", *words, input=b"x\n")
    assert done.code == 64 and "onehopctl passwd USER" in done.text

