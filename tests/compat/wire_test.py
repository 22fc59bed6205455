"""The sections "The wire" and "What is reported" of doc/compatibility.md, one test for each row."""

import pytest

from provider import close, in_turn


def both_codes(both, *words, **more):
    theirs, ours = both(*(words or ("you@example.net",)), **more)
    return theirs.code, ours.code


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(both, tls):
    assert both.same("-t", tls=tls).code == 0
    assert both.same("-t", tls=tls, certificate="self-signed").code == 69


def test_trust_file(both):
    assert both.same("-t", tls="starttls", rc={"tls_trust_file": "/nonexistent"}).code == 66
    assert both.same("-t", tls="starttls", rc={"tls_priorities": "nonsense"}).code == 70


def test_certcheck_off(both):
    assert both.same("-t", tls="starttls", certificate="self-signed",
                     rc={"tls_certcheck": "off"}).code == 0


def test_starttls_missing(both):
    assert both.same("-t", tls="starttls", without=("STARTTLS",)).code == 69


def test_ehlo_name(both):
    theirs, ours = both("-t")
    assert theirs.connections[0].hello == "localhost"
    assert "localhost" not in ours.connections[0].hello
    assert both("-t", rc={"domain": "a.example"})[1].connections[0].hello == "a.example"


def test_login(both):
    for mechanisms in ("PLAIN", "LOGIN"):
        rc = {"auth": mechanisms.lower()}
        assert both.same("-t", mechanisms=mechanisms, rc=rc).connections[0].logged_in
    assert both.same("-t", mechanisms="PLAIN LOGIN", tls="starttls", rc={"auth": "on"}).code == 0


def test_login_refused(both):
    assert both.same("-t", mechanisms="PLAIN", rc={"password": "wrong"}).code == 77
    assert both.same("-t", mechanisms="PLAIN", auth="454 later").code == 77


def test_login_missing(both):
    rc = {"auth": "plain", "user": "u", "password": "p"}
    assert both.same("-t", rc=rc).code == 69
    assert both.same("-t", mechanisms="LOGIN", rc={"auth": "plain"}).code == 69


def test_login_in_clear(both):
    assert both.same("-t", mechanisms="PLAIN", rc={"auth": "on"}).code == 69


def test_lmtp(both):
    theirs, ours = both("-t", lmtp=True, rc={"protocol": "lmtp"})
    assert theirs.code == ours.code == 0 and theirs.recipients == ours.recipients


def test_socket(both):
    theirs, ours = both("-t", unix=True)
    assert theirs.code == ours.code == 0
    assert ours.log[0].startswith("socket=") and theirs.log[0].startswith("socket=")


def test_unreachable(both):
    theirs, ours = both("-t", rc={"port": "1"})
    assert theirs.code == ours.code == 75 and theirs.log == ours.log
    assert both_codes(both, rc={"host": "nonexistent.invalid"}) in ((68, 68), (75, 75), (75, 68))


@pytest.mark.parametrize("answers,code", [
    ({"greeting": "554 go away"}, 76), ({"greeting": close}, 76),
    ({"greeting": b"nonsense\r\n"}, 76), ({"ehlo": "550 no", "helo": "550 no"}, 76),
    ({"mail": "550 no"}, 65), ({"mail": "451 later"}, 69), ({"rcpt": "550 no"}, 65),
    ({"rcpt": "450 later"}, 69), ({"data": "554 no"}, 65), ({"data": "451 later"}, 69),
    ({"content": "554 no"}, 69), ({"content": "451 later"}, 69), ({"content": close}, 76),
    ({"mail": close}, 76), ({"rcpt": close}, 76),
])
def test_exit_status(both, answers, code):
    without = ("CHUNKING",) if "data" in answers else ()
    theirs, ours = both("you@example.net", without=without, **answers)
    # A server that hangs up with words of ours unread resets the connection, if it is quick: the
    # end of it is 76, a reset 74.
    codes = {74, 76} if close in answers.values() else {code}
    assert {theirs.code, ours.code} <= codes
    assert not [m for m in ours.messages if m.accepted]


def test_greeting_421(both):
    assert both_codes(both, greeting="421 4.3.2 busy") == (76, 75)


def test_timeout(both):
    from provider import silence
    assert both_codes(both, greeting=silence, rc={"timeout": "1"}) == (74, 74)


def test_partial(both):
    theirs, ours = both("a@x", "b@x", rcpt={"a@x": "550 no"})
    assert not theirs.messages and ours.recipients == ["b@x"]
    assert theirs.code == ours.code == 65


def test_pipelining(both):
    theirs, ours = both("a@x", "b@x")
    turns = [sum(did.connections[0].turnarounds.values()) for did in (theirs, ours)]
    assert turns[1] < turns[0]


def test_extensions(both):
    theirs, ours = both("a@x", input=b"From: me@example.com\nTo: a@x\n\n\xc3\xa4\n")
    assert "BODY=8BITMIME" not in theirs.message.sender_parameters
    assert "BODY=8BITMIME" in ours.message.sender_parameters


def test_early_reply(both):
    script = ("S: 220 x\nC: EHLO\nS: 250 x\nC: MAIL\nS: 250 ok\nC: RCPT\nS: 250 ok\nC: DATA\n"
              "! raw 354 go\\r\\n250 taken\\r\\n\nC: .\nC: QUIT\nS: 221 x")
    theirs, ours = both("a@x", script=script)
    assert (theirs.code, ours.code) == (0, 76)


def test_dsn_missing(both):
    theirs, ours = both("a@x", rc={"dsn_notify": "never"}, without=("DSN",))
    assert (theirs.code, ours.code) == (69, 0)


def test_utf8_domain(both):
    theirs, ours = both("a@b\u00fccher.example", without=("SMTPUTF8",))
    assert ours.code == 0 and theirs.recipients == ["a@b\u00fccher.example"]
    assert ours.recipients == ["a@xn--bcher-kva.example"]


def test_stderr(both):
    theirs, ours = both("you@example.net", rcpt="550 5.1.1 who?")
    for did in (theirs, ours):
        lines = did.err.splitlines()
        assert all(line.startswith("msmtp: ") for line in lines)
        assert "msmtp: server message: 550 5.1.1 who?" in lines
        assert lines[-1].startswith("msmtp: could not send mail (account default from /")
        assert did.out == ""


def test_log(both):
    ours = both.same("-t", mechanisms="PLAIN", tls="starttls")
    assert ours.log == [
        "host=127.0.0.1 tls=on auth=on user=me@example.com from=me@example.com "
        "recipients=you@example.net mailsize=126 smtpstatus=250 "
        "smtpmsg='250 2.0.0 queued as 4711' exitcode=EX_OK"]
    both.same("-t", content="554 no\nnot at all")
    both.same("-t", rc={"logfile_time_format": "x"})


def test_log_configuration(both):
    theirs, ours = both("root", rc={"aliases": "/nonexistent"})
    assert theirs.code == ours.code == 78
    assert not theirs.log and ours.log[0].endswith("exitcode=EX_CONFIG")


def test_no_queue(both):
    theirs, ours = both("-t", mail=in_turn("451 later"))
    assert theirs.code == ours.code == 69
    assert not list(both.directory.glob("ours*/.local/state/onehop"))


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"])
def test_login_proof(both, mechanism):
    rc = {"auth": mechanism.lower()}
    theirs, ours = both("-t", mechanisms=mechanism, rc=rc)
    if "is not built in: it needs GNU SASL" in ours.err:
        assert ours.code == 69
        return
    assert theirs.code == ours.code == 0, ours.err
    assert ours.connections[0].mechanism == mechanism and ours.connections[0].logged_in
    theirs, ours = both("-t", mechanisms=mechanism, rc=dict(rc, password="wrong"))
    assert theirs.code == ours.code == 77


def test_login_best(both):
    theirs, ours = both("-t", mechanisms="LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256", tls="starttls",
                        rc={"auth": "on"})
    assert ours.code == 0
    assert theirs.code in (0, 70)  # Debian 13's takes every server signature for a wrong one
    assert ours.connections[0].mechanism in ("SCRAM-SHA-256", "PLAIN")  # without GNU SASL
