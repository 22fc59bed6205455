"""The whole way of a token: npm's oidc-provider issues it to onehop, onehop logs in with it at Dovecot's
submission server and at Postfix with Dovecot's logins, and Dovecot asks oidc-provider about it (RFC 7662)."""

import json
import os
import pathlib
import re

import pytest

from browser import PATIENCE, Browser, read_until
from server import DOVECOT, POSTFIX_SUBMISSION

EX_TEMPFAIL, EX_NOPERM = 75, 77
URL = "https://localhost:8443"
POSTFIX_PORT, DOVECOT_PORT = 589, 1588

# A Dovecot beside the other one, so that neither needs to be reconfigured.
ASKING_DOVECOT = "base_dir = /run/dovecot-oidc\n" + DOVECOT
for usual, ours in (("1587", str(DOVECOT_PORT)), ("private/auth", "private/oidc"),
                    ("oauth2.conf", "oidc.conf"), ("dovecot.log", "dovecot-oidc.log")):
    ASKING_DOVECOT = ASKING_DOVECOT.replace(usual, ours)

# The client is one of oidc.mjs.
DOVECOT_OIDC = f"""\
introspection_mode = post
introspection_url = {URL.replace("//", "//dovecot:asks@")}/token/introspection
tls_ca_cert_file = /etc/tls/ca.pem
active_attribute = active
active_value = true
username_attribute = username
scope = smtp
"""

INI = f"""\
[account {{name}}]
queue = {{queue}}
from = reports@mail.test
host = mail.test
port = {{port}}
user = reports
auth = {{mechanism}}
oauth = {URL}
"""

MACHINE = """\
oauth_grant = client_credentials
oauth_scope = smtp
oauth_client_id = {client_id}
oauth_client_secret_file = /etc/onehop/client.secret
"""

PERSON = """\
oauth_scope = openid smtp
oauth_client_id = person
"""

WAYS = pytest.mark.parametrize("port, mechanism", [
    (port, mechanism) for port in (POSTFIX_PORT, DOVECOT_PORT) for mechanism in ("oauthbearer", "xoauth2")])


class Issuer:
    """The authorization server, in the callers' root."""

    def __init__(self, root):
        self.root = root
        root.write("srv/node/oidc.mjs", (pathlib.Path(__file__).parent / "oidc.mjs").read_text())

    def start(self):
        self.process = self.root.start("node", "/srv/node/oidc.mjs", "/etc/tls/localhost.pem",
                                       "/etc/tls/localhost.key", URL.rpartition(":")[2], log="/tmp/oidc.log")
        self.root.run("curl", "-fsS", "--retry", "60", "--retry-connrefused", "--retry-delay", "1",
                      URL + "/.well-known/openid-configuration")

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def ask(self, path, *words):
        return self.root.run("curl", "-fsS", *words, path if "://" in path else URL + path).stdout

    def register(self):
        """A client that may send as reports."""
        wanted = {"client_name": "reports", "grant_types": ["client_credentials"], "redirect_uris": [],
                  "response_types": [], "scope": "smtp"}
        return json.loads(self.ask("/reg", "-H", "Content-Type: application/json", "-d", json.dumps(wanted)))

    def remove(self, client):
        self.ask(client["registration_client_uri"], "-X", "DELETE",
                 "-H", f"Authorization: Bearer {client['registration_access_token']}")

    def revoke(self, token, *who):
        self.ask("/token/revocation", "--data-urlencode", f"token={token}", *who)


class Account:
    """The only account of a root with a home of its own, and its file of tokens."""

    def __init__(self, root, name, more, port=DOVECOT_PORT, mechanism="oauthbearer", queue="off"):
        self.root, self.name = root, name
        self.environment = "env", f"HOME=/srv/{name}"
        self.file = root.path / f"srv/{name}/.local/state/onehop-token/{name}.token"
        self.text = INI.format(name=name, port=port, mechanism=mechanism, queue=queue)
        self.configure(more)

    def configure(self, more):
        self.root.write(f"srv/{self.name}/.config/onehop/onehop.ini", self.text + more, 0o600)

    def run(self, *argv, **kwargs):
        return self.root.run(*self.environment, *argv, **kwargs)

    def send(self, what, **kwargs):
        return self.run("onehop", "bob@mail.test", **kwargs,
                        input=f"From: reports@mail.test\nSubject: {what} {self.name}.\n\ntext\n")

    def delivers(self, mail, what):
        self.send(what)
        mail.wait(f"{what} {self.name}.")

    def token(self):
        return re.search(r"^access (.*)$", self.file.read_text(), re.M)[1]

    def spoil_token(self):
        self.file.write_text(self.file.read_text().replace(self.token(), "spoiled"))


@pytest.fixture(scope="module")
def issuer(rig):
    if not rig.node:
        pytest.skip("NOT TESTED: oidc-provider cannot be installed")
    if not os.access(os.path.join(os.environ["BUILDDIR"], "src/onehop-token"), os.X_OK):
        pytest.skip("NOT TESTED: built without libcurl and jansson")
    server = Issuer(rig.callers)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mail(postfix, issuer):
    root = postfix.root
    root.write("etc/dovecot/oidc.conf", DOVECOT_OIDC)
    root.write("etc/dovecot/dovecot-oidc.conf", ASKING_DOVECOT)
    dovecot = root.start("dovecot", "-F", "-c", "/etc/dovecot/dovecot-oidc.conf", log="/var/log/dovecot.start")
    line = POSTFIX_SUBMISSION.replace("587", str(POSTFIX_PORT)) + " -o smtpd_sasl_path=private/oidc"
    root.run("postconf", "-M", f"127.0.0.1:{POSTFIX_PORT}/inet={line}")
    root.run("postfix", "reload")
    for port in (POSTFIX_PORT, DOVECOT_PORT):
        postfix.wait_listening(port)
    yield postfix
    dovecot.terminate()
    dovecot.wait(PATIENCE)


def new_client(root, issuer):
    """With its secret where the account expects it."""
    client = issuer.register()
    root.write("etc/onehop/client.secret", client["client_secret"] + "\n", 0o600)
    return client


@pytest.fixture
def client(callers, issuer):
    return new_client(callers, issuer)


def revoke(issuer, account, client):
    issuer.revoke(account.token(), "-u", f"{client['client_id']}:{client['client_secret']}")


@WAYS
def test_a_token_serves_until_it_is_revoked(callers, mail, issuer, client, port, mechanism):
    account = Account(callers, f"machine-{mechanism}-{port}", MACHINE.format(**client), port, mechanism)
    account.delivers(mail, "given")
    first = account.token()
    account.delivers(mail, "kept")
    assert account.token() == first
    revoke(issuer, account, client)
    account.delivers(mail, "revoked")
    assert account.token() != first


def test_mail_of_a_client_that_is_removed_waits(callers, mail, issuer, client):
    account = Account(callers, "removed", MACHINE.format(**client), queue="on")
    account.delivers(mail, "before")
    revoke(issuer, account, client)
    issuer.remove(client)
    account.send("after")
    waiting = account.run("onehop", "-bp").stdout
    assert "(invalid_client)" in waiting and "run `onehopctl check removed`" in waiting
    account.configure(MACHINE.format(**new_client(callers, issuer)))
    assert "everything works" in account.run("onehopctl", "check", "removed").stdout
    account.run("onehop", "-q")
    mail.wait("after removed.")


def test_a_person_logs_in(callers, mail, issuer, rig):
    account = Account(callers, "person", PERSON)
    done = account.send("nobody", check=False)
    assert done.returncode == EX_NOPERM and "run `onehopctl login person`" in done.stderr, done.stderr
    login = callers.open(*account.environment, "onehopctl", "login", "person", text=True)
    Browser(rig.authority.directory / "ca.pem").consent(read_until(login, r"^https://\S+$"), login="reports")
    out = login.stdout.read()
    assert login.wait(PATIENCE) == 0, out
    account.delivers(mail, "allowed")
    account.spoil_token()
    account.delivers(mail, "renewed")
    issuer.revoke(account.token(), "-d", "client_id=person")  # and what it was renewed with
    done = account.send("withdrawn", check=False)
    assert done.returncode == EX_NOPERM and "(invalid_grant)" in done.stderr, done.stderr
    assert "run `onehopctl login person`" in done.stderr


@pytest.mark.parametrize("port", [POSTFIX_PORT, DOVECOT_PORT])
def test_an_authorization_server_that_is_away(callers, mail, issuer, client, port):
    """Dovecot cannot ask about the token, which behind Postfix is a 535; onehop cannot get another."""
    account = Account(callers, f"away-{port}", MACHINE.format(**client), port)
    account.delivers(mail, "before")
    first = account.token()
    issuer.stop()
    try:
        done = account.send("away", check=False)
    finally:
        issuer.start()
    assert done.returncode == EX_TEMPFAIL, done.stderr
    assert "454" in done.stderr or "535" in done.stderr and URL in done.stderr, done.stderr
    assert account.token() == first
