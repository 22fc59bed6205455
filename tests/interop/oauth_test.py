"""Logins with tokens of the sizes that providers give, at Postfix and at Dovecot's submission: from a
command, and from an authorization server that onehop asks itself."""

import os
import pathlib

import pytest

from provider import Answer, Authority, TokenServer
from server import DOVECOT_SUBMISSION, token

INI = """\
[account token]
queue = off
from = reports@mail.test
host = mail.test
port = {port}
user = reports
auth = {mechanism}
password_command = cat /etc/onehop/token
"""


SIZES = pytest.mark.parametrize("size", [200, 700, 2500, 6000])
MECHANISMS = pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
PORTS = pytest.mark.parametrize("port", [587, DOVECOT_SUBMISSION])


@SIZES
@MECHANISMS
@PORTS
def test_a_token_logs_in(callers, postfix, port, mechanism, size):
    subject = f"{mechanism} {size} at {port}."
    callers.write("etc/onehop/token", token("reports", size) + "\n", 0o600)
    callers.write("etc/onehop/token.ini", INI.format(port=port, mechanism=mechanism))
    callers.run("onehop", "-C", "/etc/onehop/token.ini", "bob@mail.test",
                input=f"From: reports@mail.test\nTo: bob@mail.test\nSubject: {subject}\n\ntext\n")
    postfix.wait(subject)


@MECHANISMS
@PORTS
def test_a_token_that_nobody_signed_is_refused(callers, postfix, port, mechanism):
    callers.write("etc/onehop/token", token("reports", 2500)[:-5] + "wrong\n", 0o600)
    callers.write("etc/onehop/token.ini", INI.format(port=port, mechanism=mechanism))
    done = callers.run("onehop", "-C", "/etc/onehop/token.ini", "bob@mail.test", input="Subject: no\n\n",
                       check=False)
    assert done.returncode == 77, done.stderr
    assert "535" in done.stderr


# -- asked for by onehop

OAUTH_INI = """\
[oauth test]
token = {url}/token
machine_scope = smtp
trust_file = /etc/onehop/authority.pem

[account {name}]
queue = off
from = reports@mail.test
host = mail.test
port = {port}
user = reports
auth = {mechanism}
oauth = test
oauth_grant = client_credentials
oauth_client_id = cid
oauth_client_secret_file = /etc/onehop/client.secret
"""

needs_program = pytest.mark.skipif(
    not os.access(os.path.join(os.environ["BUILDDIR"], "src/onehop-token"), os.X_OK),
    reason="NOT TESTED: built without libcurl and jansson")


@pytest.fixture(scope="module")
def tokens(callers, tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("tokens"))
    callers.write("etc/onehop/authority.pem", pathlib.Path(authority.trust).read_text())
    callers.write("etc/onehop/client.secret", "hidden\n", 0o600)
    with TokenServer(authority) as server:
        server.clients["cid"] = "hidden"
        yield server


def gives(server, *given):
    server.script("token", *(Answer(200, {"access_token": one, "token_type": "Bearer", "expires_in": 3600})
                             for one in given))


def send(callers, server, name, subject, **keys):
    """By an account that has no token yet, the first time."""
    callers.write("etc/onehop/oauth.ini", OAUTH_INI.format(url=server.url, name=name, **keys))
    callers.run("onehop", "-C", "/etc/onehop/oauth.ini", "bob@mail.test",
                input=f"From: reports@mail.test\nTo: bob@mail.test\nSubject: {subject}\n\ntext\n")


@needs_program
@SIZES
@MECHANISMS
@PORTS
def test_a_token_of_an_authorization_server_logs_in(callers, postfix, tokens, port, mechanism, size):
    name, before = f"{mechanism}-{size}-{port}", len(tokens.forms("token"))
    gives(tokens, token("reports", size))
    for n in range(2):
        send(callers, tokens, name, f"oauth {name} {n}.", port=port, mechanism=mechanism)
        postfix.wait(f"oauth {name} {n}.")
    assert len(tokens.forms("token")) == before + 1


@needs_program
@MECHANISMS
@PORTS
def test_a_token_that_the_server_refuses_is_replaced(callers, postfix, tokens, port, mechanism):
    name = f"refused-{mechanism}-{port}"
    gives(tokens, token("reports", 700)[:-5] + "wrong", token("reports", 700))
    send(callers, tokens, name, f"oauth {name}.", port=port, mechanism=mechanism)
    postfix.wait(f"oauth {name}.")
