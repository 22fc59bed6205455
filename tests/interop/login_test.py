"""Every way of proving who is who, to real servers: Dovecot 2.3 behind Postfix and by itself, Cyrus SASL
behind Postfix, Dovecot 2.4, a KDC of MIT Kerberos, a token of SoftHSM; and what else is seldom tried:
revoked and stapled certificates, names that are not ASCII, a proxy."""

import os
import pathlib
import subprocess

import pytest

from server import DOVECOT_SUBMISSION

EX_TEMPFAIL, EX_NOPERM = 75, 77
CYRUS = 588
STAPLED, BARE, IDN = 588, 589, 590  # Exim's ports

KRB5 = """\
[libdefaults]
default_realm = MAIL.TEST
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
[realms]
MAIL.TEST = {
  kdc = 127.0.0.1:88
}
[domain_realm]
mail.test = MAIL.TEST
"""

KDC = """
kdb5_util create -s -r MAIL.TEST -P master
kadmin.local addprinc -pw secret reports
kadmin.local addprinc -randkey smtp/mail.test
kadmin.local ktadd -k /etc/dovecot/krb5.keytab smtp/mail.test
chown dovecot /etc/dovecot/krb5.keytab
"""

# The reply of OCSP for the certificate that must be stapled, and a list in which second.test is revoked.
STATUS = """
listed() {
    serial=$(openssl x509 -noout -serial -in $3.pem)
    printf '%s\\t491231235959Z\\t%s\\t%s\\tunknown\\t/CN=%s\\n' "$1" "$2" "${serial#serial=}" "$3" >>index
}
listed V '' stapled
listed R 200101000000Z second.test
openssl ocsp -index index -issuer ca.pem -CA ca.pem -cert stapled.pem -rsigner ca.pem -rkey ca.key \\
    -ndays 2 -respout stapled.ocsp
printf '[ca]\\ndefault_ca = x\\n[x]\\ndatabase = index\\ndefault_md = sha256\\n' >crl.conf
openssl ca -gencrl -config crl.conf -cert ca.pem -keyfile ca.key -crldays 2 -out crl.pem
"""

# SHA-256 of a certificate and of its public key.
FINGERPRINTS = """
openssl x509 -in $1.pem -outform der | openssl dgst -sha256 -r | cut -c-64
openssl x509 -in $1.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -r | cut -c-64
"""

SOFTHSM = """
softhsm2-util --init-token --free --label onehop --pin 1234 --so-pin 1234
softhsm2-util --import /etc/tls/reports.key --token onehop --label reports --id 01 --pin 1234
"""

INI = """\
[account login]
queue = off
from = reports@{sender}
host = {domain}
port = {port}
user = reports
{more}
"""

BY_PASSWORD = "auth = {}\npassword_file = /etc/onehop/reports.password"
BY_CERTIFICATE = "auth = external\ntls_cert_file = /etc/tls/reports.pem\ntls_key_file = {}"


def has_gsasl():
    return "#define HAVE_GSASL 1" in (pathlib.Path(os.environ["BUILDDIR"]) / "config.h").read_text()


needs_gsasl = pytest.mark.skipif(not has_gsasl(), reason="NOT TESTED: built without GNU SASL")


@pytest.fixture(scope="module")
def certificates(rig):
    """Where they are."""
    authority, directory = rig.authority, rig.authority.directory
    authority.issue("reports", "extendedKeyUsage=clientAuth")
    authority.issue("xn--bcher-kva.test", "subjectAltName=DNS:xn--bcher-kva.test", "extendedKeyUsage=serverAuth")
    authority.issue("stapled", "subjectAltName=DNS:second.test", "extendedKeyUsage=serverAuth",
                    "tlsfeature=status_request")
    subprocess.run(["sh", "-ec", STATUS], cwd=directory, check=True, capture_output=True)
    for name in ("reports.key", "reports.pem", "crl.pem"):
        rig.callers.write(f"etc/tls/{name}", (directory / name).read_text(), 0o600)
    return directory


def send(callers, subject, more, domain="mail.test", port=587, to=None, sender=None, check=True):
    """From reports to bob, of the server's DOMAIN if nothing else is said."""
    sender = sender or domain
    callers.write("etc/onehop/login.ini", INI.format(domain=domain, port=port, sender=sender, more=more))
    return callers.run("onehop", "-C", "/etc/onehop/login.ini", to or f"bob@{sender}", check=check,
                       input=f"From: reports@{sender}\nSubject: {subject}\n\ntext\n")


# -- passwords

@pytest.mark.parametrize("port", [587, DOVECOT_SUBMISSION, CYRUS],
                         ids=["dovecot-behind-postfix", "dovecot-submission", "cyrus"])
@pytest.mark.parametrize("mechanism", [
    "plain", "login", *(pytest.param(name, marks=needs_gsasl) for name in (
        "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256"))])
def test_a_password(callers, postfix, mechanism, port):
    subject = f"{mechanism} at {port}."
    send(callers, subject, BY_PASSWORD.format(mechanism), port=port)
    postfix.wait(subject)


@needs_gsasl
def test_ntlm(callers, postfix):
    send(callers, "by ntlm", BY_PASSWORD.format("ntlm"), port=CYRUS)
    postfix.wait("by ntlm")


@needs_gsasl
@pytest.mark.parametrize("port", [DOVECOT_SUBMISSION, CYRUS])
@pytest.mark.parametrize("mechanism", ["cram-md5", "scram-sha-256"])
def test_a_wrong_password(callers, postfix, mechanism, port):
    more = BY_PASSWORD.format(mechanism).replace("reports.password", "wrong.password")
    done = send(callers, "wrong", more, port=port, check=False)
    assert done.returncode == EX_NOPERM and "535" in done.stderr, done.stderr


@needs_gsasl
@pytest.mark.parametrize("tls", ["", "tls_priorities = NORMAL:-VERS-TLS1.3"], ids=["1.3", "1.2"])
@pytest.mark.parametrize("mechanism", ["scram-sha-1-plus", "scram-sha-256-plus"])
def test_a_login_bound_to_its_channel(callers, opensmtpd, mechanism, tls):
    subject = f"{mechanism} with {len(tls)}."
    send(callers, subject, BY_PASSWORD.format(mechanism) + "\n" + tls, "third.test", DOVECOT_SUBMISSION)
    opensmtpd.wait(subject)
    assert f"method={mechanism.upper()}," in (opensmtpd.root.path / "var/log/dovecot.log").read_text()


@needs_gsasl
def test_the_best_way_is_bound(callers, opensmtpd):
    log = opensmtpd.root.path / "var/log/dovecot.log"
    before = log.read_text().count("method=SCRAM-SHA-256-PLUS,")
    send(callers, "by the best", BY_PASSWORD.format("on"), "third.test", DOVECOT_SUBMISSION)
    opensmtpd.wait("by the best")
    assert log.read_text().count("method=SCRAM-SHA-256-PLUS,") == before + 1


# -- tickets and keys

@pytest.fixture(scope="module")
def kdc(callers, postfix):
    for root in (callers, postfix.root):
        root.write("etc/krb5.conf", KRB5)
    postfix.root.run("sh", "-ec", KDC)
    process = postfix.root.start("krb5kdc", "-n", log="/tmp/kdc.log")
    yield
    callers.run("kdestroy")
    process.terminate()
    process.wait(30)


@needs_gsasl
def test_a_ticket(callers, postfix, kdc):
    done = send(callers, "no ticket", "auth = gssapi", check=False)
    assert done.returncode == EX_TEMPFAIL and "kinit" in done.stderr, done.stderr
    callers.run("sh", "-ec", "until echo secret | kinit reports; do sleep 0.1; done")
    for port in (587, DOVECOT_SUBMISSION):
        send(callers, f"by ticket at {port}.", "auth = gssapi", port=port)
        postfix.wait(f"by ticket at {port}.")


def test_a_certificate(callers, postfix, certificates):
    send(callers, "by certificate", BY_CERTIFICATE.format("/etc/tls/reports.key"), port=DOVECOT_SUBMISSION)
    postfix.wait("by certificate")


def test_a_key_that_does_not_leave_its_token(callers, postfix, certificates):
    callers.run("sh", "-ec", SOFTHSM)
    uri = "pkcs11:token=onehop;object=reports"
    callers.write("etc/onehop/pin", "1234\n", 0o600)
    for way in ("?pin-value=1234", "\npassword_file = /etc/onehop/pin"):
        send(callers, f"by token {len(way)}.", BY_CERTIFICATE.format(uri + way), port=DOVECOT_SUBMISSION)
        postfix.wait(f"by token {len(way)}.")
    done = send(callers, "wrong pin", BY_CERTIFICATE.format(uri + "?pin-value=4321"), port=DOVECOT_SUBMISSION,
                check=False)
    assert done.returncode == EX_TEMPFAIL and uri in done.stderr and "4321" not in done.stderr, done.stderr


# -- certificates of servers

PLAIN = BY_PASSWORD.format("plain") + "\n"


def test_a_revoked_certificate(callers, postfix, exim, certificates):
    more = PLAIN + "tls_crl_file = /etc/tls/crl.pem"
    send(callers, "not revoked", more)
    postfix.wait("not revoked")
    done = send(callers, "revoked", more, "second.test", check=False)
    assert done.returncode == EX_TEMPFAIL and "revoked" in done.stderr, done.stderr


def test_a_certificate_that_is_named(callers, postfix, exim, rig):
    for domain, server in (("mail.test", postfix), ("second.test", exim)):
        done = subprocess.run(["sh", "-ec", FINGERPRINTS, "sh", domain], cwd=rig.authority.directory,
                              check=True, capture_output=True, text=True)
        certificate, key = done.stdout.split()
        for name in (certificate, "spki:" + key):
            more = PLAIN + "tls_trust_file = /etc/tls/localhost.pem\ntls_fingerprint = " + "0" * 64 + ", " + name
            send(callers, f"named {name} of {domain}.", more, domain)
            server.wait(f"named {name} of {domain}.")
        done = send(callers, "not named", PLAIN + f"tls_fingerprint = spki:{certificate}", domain, check=False)
        assert done.returncode == EX_TEMPFAIL and "fingerprint" in done.stderr, done.stderr


def test_a_certificate_that_must_be_stapled(callers, exim, certificates):
    files = certificates / "stapled.pem", certificates / "stapled.key"
    exim.show(STAPLED, *files, certificates / "stapled.ocsp")
    exim.show(BARE, *files)
    send(callers, "stapled", PLAIN, "second.test", STAPLED)
    exim.wait("stapled")
    done = send(callers, "bare", PLAIN, "second.test", BARE, check=False)
    assert done.returncode == EX_TEMPFAIL and "OCSP" in done.stderr, done.stderr


# -- names

def test_a_server_with_a_name_that_is_not_ascii(callers, exim, certificates):
    exim.show(IDN, certificates / "xn--bcher-kva.test.pem", certificates / "xn--bcher-kva.test.key")
    send(callers, "to an IDN", PLAIN, "bücher.test", IDN, sender="second.test")
    exim.wait("to an IDN")


def test_addresses_that_are_not_ascii(callers, postfix, opensmtpd):
    send(callers, "bób", PLAIN, to="bób@bücher.test")
    assert "X-Original-To: bób@bücher.test\n" in postfix.wait("bób").head
    send(callers, "ascii bob", PLAIN, "third.test", to="bob@bücher.test")
    assert opensmtpd.wait("ascii bob")["Delivered-To"] == "bob@xn--bcher-kva.test"
    done = send(callers, "no smtputf8", PLAIN, "third.test", to="bób@third.test", check=False)
    assert done.returncode != 0 and "SMTPUTF8" in done.stderr, done.stderr


# -- the way there

def test_a_proxy_that_alone_knows_the_name(callers, postfix, opensmtpd):
    opensmtpd.root.add_hosts("127.0.0.1 hidden.test")
    proxy = opensmtpd.root.start("microsocks", "-i", "127.0.0.1", "-p", "1080", log="/tmp/proxy.log")
    try:
        postfix.wait_listening(1080)
        send(callers, "by proxy", PLAIN + "tls_host_override = mail.test\nproxy_host = 127.0.0.1",
             "hidden.test", sender="mail.test")
        postfix.wait("by proxy")
    finally:
        proxy.terminate()
        proxy.wait(30)
