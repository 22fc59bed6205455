"""tls_dane: the server's certificate is what its domain says of it in DNS."""

import os
import shutil
import struct
import subprocess
import sys

import pytest

from machine import PATIENCE
from spool import Spool

TEMPFAIL = 75


def labels(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def answer(name, *records, secure=True):
    """A name server's: records are (usage, selector, matching type, data)."""
    octets = struct.pack(">6H", 1, 0x81A0 if secure else 0x8180, 1, len(records), 0, 0)
    octets += labels(name) + struct.pack(">2H", 52, 1)
    for usage, selector, matching, data in records:
        octets += b"\xc0\x0c" + struct.pack(">2HIH3B", 52, 1, 60, 3 + len(data), usage, selector, matching)
        octets += data
    return octets


def hash_of(machine, kind):
    return bytes.fromhex(machine.authority.fingerprint(kind).replace(":", ""))


def sends(machine, provider, *records, **words):
    name = f"_{provider.port}._tcp.127.0.0.1"
    told = f"{name}={answer(name, *records, **words).hex()}"
    return machine.sendmail("you@example.net", environment={"ONEHOP_TEST_DNS": told})


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("kind", ["good", "self-signed", "expired", "wrong-name"])
def test_a_record_of_the_certificate_is_all_that_counts(serve, machine, kind, tls):
    provider = machine.use(serve(certificate=kind, tls=tls), tls_dane="on", tls_trust_file=None)
    result = sends(machine, provider, (3, 0, 1, hash_of(machine, kind)))
    assert (result.code, result.text) == (0, "")
    assert provider.connection.logged_in


def test_a_record_of_another_certificate(serve, machine):
    """It is refused, whatever the authorities say of it."""
    provider = machine.use(serve(), tls_dane="on")
    result = sends(machine, provider, (3, 0, 1, hash_of(machine, "expired")))
    assert result.code == TEMPFAIL
    assert "it fits no TLSA record of 127.0.0.1" in result.text
    assert "AUTH" not in provider.connection.verbs


@pytest.mark.parametrize("secure, usages, says", [
    (False, [3], "DNSSEC does not prove the TLSA records"),
    (True, [], "has no TLSA record that mail can use"),
    (True, [0, 1], "has no TLSA record that mail can use"),
], ids=["not-proven", "none", "PKIX"])
def test_without_a_proven_record_nobody_is_connected_to(serve, machine, secure, usages, says):
    provider = machine.use(serve(), tls_dane="on")
    records = [(usage, 0, 1, hash_of(machine, "good")) for usage in usages]
    result = sends(machine, provider, *records, secure=secure)
    assert result.code == TEMPFAIL and says in result.text
    assert provider.connections == []


def test_no_answer_and_the_mail_waits(serve, machine):
    spool = Spool(machine)
    provider = spool.use(serve(), tls_dane="on")
    result = spool.tries("you@example.net")
    assert f"no TLSA record was found for _{provider.port}._tcp.127.0.0.1" in result.text
    assert provider.connections == [] and len(spool.ids()) == 1


def test_check_shows_the_records(serve, machine):
    provider = machine.use(serve(), tls_dane="on")
    name = f"_{provider.port}._tcp.127.0.0.1"
    told = f"{name}={answer(name, (3, 0, 1, hash_of(machine, 'good'))).hex()}"
    result = machine.run("onehopctl", "check", environment={"ONEHOP_TEST_DNS": told})
    assert result.code == 0 and f"{name}: 1" in result.shown


# Inside namespaces of its own: a name server that says of everything that it is proven, and the
# program with libc's own resolver.
INSIDE = """
import fcntl, socket, struct, subprocess, sys, threading

mood, options, *command = sys.argv[1:]
with open("resolv.conf", "w") as file:
    file.write("nameserver 127.0.0.1\\n" + options + "\\n")
with open("hosts", "w") as file:
    file.write("127.0.0.1 mail.test\\n")
for name in "resolv.conf", "hosts":
    subprocess.run(["mount", "--bind", name, "/etc/" + name], check=True)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(server, 0x8914, struct.pack("16sH14s", b"lo", 0x49, b""))  # SIOCSIFFLAGS: up
server.bind(("127.0.0.1", 53))


def serve():
    while True:
        query, peer = server.recvfrom(4096)
        end = query.index(b"\\0", 12) + 5
        record = b"\\xc0\\x0c" + struct.pack(">2HIH3B", 52, 1, 60, 35, 3, 1, 1) + b"h" * 32
        server.sendto(query[:2] + struct.pack(">5H", 0x81A0, 1, 1, 0, 0) + query[12:end] + record, peer)


if mood != "silent":
    threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run(command).returncode)
"""


@pytest.fixture
def apart(machine):
    """apart(OPTIONS, COMMAND) runs it in namespaces of its own, with OPTIONS in /etc/resolv.conf. A name
    server whose mood is "silent" answers nothing."""
    words = ["unshare", "-r", "-m", "-n"]
    if not shutil.which("unshare") or not os.path.exists("/etc/resolv.conf") or subprocess.run(
            [*words, "mount", "--bind", "/etc/hosts", "/etc/hosts"], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("NOT TESTED: no namespaces here, or no /etc/resolv.conf to replace")

    def run(options, command, mood="kind"):
        return subprocess.run([*words, sys.executable, "-c", INSIDE, mood, options, "sh", "-c", command],
                              input=b"Subject: x\n\nx\n", capture_output=True, cwd=machine.directory,
                              timeout=PATIENCE, env=machine.environment(ONEHOP_TEST_DNS="ask"))
    return run


# Nobody listens at port 1, so that the answer is all that differs.
@pytest.mark.parametrize("options, says", [
    ("options trust-ad", "refused"),
    ("", "DNSSEC does not prove the TLSA records of _1._tcp.mail.test"),
], ids=["trust-ad", "no-trust"])
def test_libc_says_whether_the_resolver_is_trusted(serve, machine, apart, options, says):
    machine.use(serve(), host="mail.test", port="1", tls_dane="on")
    done = apart(options, f"{machine.programs}/sendmail you@example.net")
    assert done.returncode == TEMPFAIL and says in done.stderr.decode(), done.stderr


def test_a_resolver_that_is_silent_has_the_time_of_the_account(serve, machine, apart):
    """libc would wait for more than two minutes."""
    machine.use(serve(), host="mail.test", port="1", tls_dane="on", timeout="1")
    done = apart("options trust-ad timeout:30 attempts:5", f"{machine.programs}/sendmail you@example.net",
                 "silent")
    assert done.returncode == TEMPFAIL
    assert b"the resolver did not answer in time for _1._tcp.mail.test" in done.stderr, done.stderr


def test_a_worker_may_ask_from_inside_its_fence(serve, machine, apart):
    Spool(machine).use(serve(), host="mail.test", port="1", tls_dane="on")
    done = apart("options trust-ad", "{0}/sendmail -odq you@example.net && {0}/sendmail -q; {0}/mailq"
                 .format(machine.programs))
    assert b"refused" in done.stdout, done
