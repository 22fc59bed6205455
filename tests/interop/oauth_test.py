"""Logins with tokens of the sizes that providers give, at Postfix and at Dovecot's submission."""

import pytest

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


@pytest.mark.parametrize("size", [300, 700, 2500, 6000])
@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("port", [587, DOVECOT_SUBMISSION])
def test_a_token_logs_in(callers, postfix, port, mechanism, size):
    subject = f"{mechanism} {size} at {port}."
    callers.write("etc/onehop/token", token("reports", size) + "\n", 0o600)
    callers.write("etc/onehop/token.ini", INI.format(port=port, mechanism=mechanism))
    callers.run("onehop", "-C", "/etc/onehop/token.ini", "bob@mail.test",
                input=f"From: reports@mail.test\nTo: bob@mail.test\nSubject: {subject}\n\ntext\n")
    postfix.wait(subject)


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("port", [587, DOVECOT_SUBMISSION])
def test_a_token_that_nobody_signed_is_refused(callers, postfix, port, mechanism):
    callers.write("etc/onehop/token", token("reports", 2500)[:-5] + "wrong\n", 0o600)
    callers.write("etc/onehop/token.ini", INI.format(port=port, mechanism=mechanism))
    done = callers.run("onehop", "-C", "/etc/onehop/token.ini", "bob@mail.test", input="Subject: no\n\n",
                       check=False)
    assert done.returncode == 77, done.stderr
    assert "535" in done.stderr
