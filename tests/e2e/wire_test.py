"""The provider misbehaves: what the caller gets to see, and what is never sent."""

import os
import socket

import pytest

from machine import REPORT
from provider import close, drip, endless, in_turn, reset, silence
from spool import closed_port

NOHOST, TEMPFAIL, PROTOCOL, NOPERM = 68, 75, 76, 77
REFUSED = (65, 67, 69)  # for good


def patience(answer):
    """Timeouts for an answer: short where only they end the wait, long where nothing should."""
    parts = answer if type(answer) is tuple else (answer,)
    waits = any(part is silence or type(part).__name__ == "Drip" or
                isinstance(part, bytes) and not part.endswith(b"\n") for part in parts)
    return {"timeout": "1", "timeout_final": "1"} if waits else {}


def refused(result, codes):
    """The mail did not go: the code, something on stderr, nothing on stdout."""
    codes = (codes,) if isinstance(codes, int) else codes
    assert result.code in codes, result.text
    assert result.out == b""
    assert result.lines, "not a word on stderr"
    assert all(line.startswith("sendmail: ") for line in result.lines), result.text
    return result


# -- before the login: account trouble

@pytest.mark.parametrize("answer, codes", [
    (close, TEMPFAIL),
    (reset, TEMPFAIL),
    (silence, TEMPFAIL),
    ("421 4.3.2 shutting down", TEMPFAIL),
    (("421 4.3.2 shutting down", close), TEMPFAIL),
    ("554 5.3.2 not for you", TEMPFAIL),
    (b"hello there\r\n", PROTOCOL),
    (b"22", TEMPFAIL),
    ((b"220-half\r\n", close), TEMPFAIL),
    (b"220-one\r\n250 two\r\n", PROTOCOL),
    (b"2200 too long a code\r\n", PROTOCOL),
    (b"\0\0\0\0\r\n", PROTOCOL),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", PROTOCOL),
    (b"220 ok\r\n220 again\r\n", PROTOCOL),
    (b"220 ok\r\n250", PROTOCOL),
    (endless("220-and"), PROTOCOL),
    (drip("220 " + "slow " * 2000, 0.02), TEMPFAIL),
], ids=["close", "reset", "silence", "421", "421-close", "554", "no-code", "half-code", "half-reply",
        "mixed-codes", "long-code", "zeros", "http", "two-greetings", "greeting-and-a-half",
        "endless", "dripped"])
def test_a_bad_greeting_is_trouble_of_the_account(serve, machine, answer, codes):
    provider = machine.use(serve(greeting=answer), **patience(answer))
    refused(machine.sendmail("you@example.net"), codes)
    assert not any(line.startswith("MAIL") for c in provider.connections for line in c.lines)
    assert len(provider.connections) == (2 if answer == silence else 1)  # whether it waits for TLS


@pytest.mark.parametrize("answer, codes", [
    ("554 5.7.1 go away", TEMPFAIL),
    ("421 4.7.0 too many connections", TEMPFAIL),
    (close, TEMPFAIL),
    (silence, TEMPFAIL),
    (endless("250-MORE"), PROTOCOL),
    (b"250-mail\r\n550 PIPELINING\r\n", PROTOCOL),
])
def test_a_bad_answer_to_ehlo(serve, machine, answer, codes):
    machine.use(serve(ehlo=answer, helo="502 5.5.1 what?"), **patience(answer))
    refused(machine.sendmail("you@example.net"), codes)


def test_a_server_that_knows_helo_only(serve, machine):
    provider = serve(tls="none", mechanisms="", ehlo="502 5.5.1 what?",
                     without=("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING",
                              "ENHANCEDSTATUSCODES"))
    machine.use(provider)
    machine.delivers("you@example.net")
    assert provider.connection.verbs[:2] == ["EHLO", "HELO"]
    assert provider.message.by == "DATA"
    assert provider.message.sender_parameters == []


# -- TLS

@pytest.mark.parametrize("words", [
    {"without": ("STARTTLS",)},
    {"starttls": "454 4.7.0 TLS not available"},
    {"starttls": "554 5.7.0 no TLS for you"},
    {"starttls": close},
    {"starttls": silence},
    {"starttls": ("220 go", close)},
    {"starttls": ("220 go", drip(b"\x16\x03\x03\x40\x00" + bytes(1000), 0.02))},
    {"starttls": (b"220 go\r\n\x15\x03\x03\x00\x02\x02\x28", silence)},
], ids=["missing", "454", "554", "close", "silence", "close-after-220", "dripped-handshake",
        "alert"])
def test_without_tls_nothing_is_said(serve, machine, words):
    provider = machine.use(serve(**words), **patience(words.get("starttls")))
    refused(machine.sendmail("you@example.net"), (TEMPFAIL, PROTOCOL))
    assert not set(provider.connection.verbs) & {"AUTH", "MAIL"}


@pytest.mark.parametrize("tail", [b"250 injected\r\n", b"x", b"220 twice\r\n",
                                  b"250-mail\r\n250 AUTH PLAIN\r\n"])
def test_what_is_injected_behind_starttls_ends_the_session(serve, machine, tail):
    provider = machine.use(serve(starttls=b"220 2.0.0 go ahead\r\n" + tail))
    refused(machine.sendmail("you@example.net"), (TEMPFAIL, PROTOCOL))
    assert provider.connection.verbs == ["EHLO", "STARTTLS"]


def test_what_was_announced_before_tls_is_forgotten(serve, machine):
    provider = serve(auth_before_tls=True, ehlo=in_turn(
        "250 mail.example.com\n250 CHUNKING\n250 PIPELINING\n250 SIZE 1\n250 STARTTLS",
        "250 mail.example.com\n250 AUTH PLAIN"))
    machine.use(provider)
    machine.delivers("you@example.net")
    assert provider.message.by == "DATA"
    assert provider.message.sender_parameters == []


@pytest.mark.parametrize("kind, says", [
    ("wrong-name", "other.example"),
    ("expired", "expired"),
    ("not-yet", "2098"),
    ("self-signed", ""),
    ("client-only", ""),
])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_bad_certificate_gets_no_password(serve, machine, kind, says, tls):
    provider = machine.use(serve(certificate=kind, tls=tls))
    result = refused(machine.sendmail("you@example.net"), TEMPFAIL)
    assert says in result.text
    assert "certificate" in result.text
    assert not set(provider.connection.verbs) & {"AUTH", "MAIL"}


def test_an_authority_nobody_trusts(serve, machine):
    machine.use(serve(), tls_trust_file="system")
    result = refused(machine.sendmail("you@example.net"), TEMPFAIL)
    assert machine.authority.fingerprint().replace(":", "").lower() in \
        result.text.replace(":", "").lower()


def test_a_fingerprint_replaces_trust(serve, machine):
    provider = serve(certificate="self-signed")
    machine.use(provider, tls_trust_file=None,
                tls_fingerprint=machine.authority.fingerprint("self-signed"))
    machine.delivers("you@example.net")
    assert provider.message
    machine.use(provider, tls_trust_file=None,
                tls_fingerprint=machine.authority.fingerprint("good"))
    refused(machine.sendmail("you@example.net"), TEMPFAIL)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_1_1_is_too_old(serve, machine, tls):
    provider = machine.use(serve(tls11=True, tls=tls))
    refused(machine.sendmail("you@example.net"), (TEMPFAIL, PROTOCOL))
    assert not set(provider.connection.verbs) & {"AUTH", "MAIL"}


def test_implicit_tls_with_the_server_name(serve, machine):
    provider = serve(tls="implicit")
    machine.use(provider, host="localhost")
    machine.delivers("you@example.net")
    assert provider.connection.server_name == "localhost"
    assert provider.connection.verbs[0] == "EHLO"


def test_tls_host_override_is_the_name_that_is_checked(serve, machine):
    provider = serve(certificate="wrong-name")
    machine.use(provider, tls_host_override="other.example")
    machine.delivers("you@example.net")
    assert provider.connection.server_name == "other.example"


def test_an_unreadable_trust_file_says_which(serve, machine):
    machine.use(serve(), tls_trust_file="/nowhere/ca.pem")
    result = refused(machine.sendmail("you@example.net"), (66, 75, 78))
    assert "/nowhere/ca.pem" in result.text


# -- the login

@pytest.mark.parametrize("words, codes", [
    ({"mechanisms": "PLAIN", "without": ("AUTH",)}, (TEMPFAIL, NOPERM)),
    ({"mechanisms": "GSSAPI"}, (TEMPFAIL, NOPERM)),
    ({"mechanisms": "XPLAIN PLAINX"}, (TEMPFAIL, NOPERM)),
    ({"auth": "535 5.7.8 wrong password"}, NOPERM),
    ({"auth": "534 5.7.9 use an application password"}, NOPERM),
    ({"auth": "454 4.7.0 try later"}, TEMPFAIL),
    ({"auth": "421 4.7.0 too many"}, TEMPFAIL),
    ({"auth": close}, TEMPFAIL),
    ({"auth": silence}, TEMPFAIL),
    ({"auth": "334 bm8="}, (NOPERM, PROTOCOL, TEMPFAIL)),
    ({"auth": b"235 ok\r\n250 more\r\n"}, PROTOCOL),
], ids=["not-offered", "none-in-common", "look-alikes", "535", "534", "454", "421", "close",
        "silence", "unexpected-334", "two-replies"])
def test_the_login_does_not_work(serve, machine, words, codes):
    provider = serve(**words)
    machine.use(provider, auth="on", user="me@example.com", password="s3cret",
                **patience(words.get("auth")))
    provider.forgive()  # what a client may say to 334 is its own affair
    refused(machine.sendmail("you@example.net"), codes)
    assert "MAIL" not in provider.connection.verbs


def test_a_wrong_password_is_told_with_the_servers_words(serve, machine):
    machine.use(serve(), password="wr0ng")
    result = refused(machine.sendmail("you@example.net"), NOPERM)
    assert "sendmail: server message: 535 5.7.8 wrong user or password" in result.lines
    assert "wr0ng" not in result.text


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
def test_every_mechanism_logs_in(serve, machine, mechanism):
    provider = serve(mechanisms=mechanism)
    automatic = mechanism in ("PLAIN", "LOGIN")
    machine.use(provider, auth="on" if automatic else mechanism.lower())
    machine.delivers("you@example.net")
    connection = provider.connection
    assert connection.logged_in
    assert (connection.mechanism, connection.user, connection.password) == \
        (mechanism, "me@example.com", "s3cret")
    assert connection.turnarounds["auth"] == (3 if mechanism == "LOGIN" else 1)


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_an_expired_token(serve, machine, mechanism):
    machine.use(serve(mechanisms=mechanism), auth=mechanism.lower(), password="old")
    refused(machine.sendmail("you@example.net"), NOPERM)


def test_external_with_a_client_certificate(serve, machine, authority):
    provider = serve(mechanisms="EXTERNAL")
    certificate, key = authority.certificate("client")
    machine.use(provider, auth="external", password=None, tls_cert_file=certificate,
                tls_key_file=key)
    machine.delivers("you@example.net")
    assert provider.connection.mechanism == "EXTERNAL"
    assert provider.connection.logged_in


@pytest.mark.parametrize("key", ["tls_trust_file", "tls_crl_file", "tls_cert_file", "tls_key_file"])
def test_a_tls_file_that_others_can_write_to(serve, machine, authority, key):
    provider = serve()
    certificate, own_key = authority.certificate("client")
    files = {"tls_trust_file": authority.trust, "tls_crl_file": authority.trust,
             "tls_cert_file": certificate, "tls_key_file": own_key}
    pair = {"tls_cert_file", "tls_key_file"} if key in ("tls_cert_file", "tls_key_file") else {key}
    keys = {name: machine.file(name, open(files[name], "rb").read()) for name in pair}
    os.chmod(keys[key], 0o666)
    machine.use(provider, **keys)
    result = machine.sendmail("you@example.net")
    assert result.code == 78
    assert f"{key}: {keys[key]}: others can write to it (mode 0666): chmod go-w it" in result.text
    assert provider.connections == []


def test_plain_comes_before_login(serve, machine):
    provider = machine.use(serve(mechanisms="LOGIN PLAIN"))
    machine.delivers("you@example.net")
    assert provider.connection.mechanism == "PLAIN"


def test_no_password_is_shown_to_the_network(serve, machine):
    provider = serve(tls="none")
    machine.use(provider)
    refused(machine.sendmail("you@example.net"), (TEMPFAIL, 78))
    assert not any("AUTH" in c.verbs for c in provider.connections)
    machine.use(provider, auth_without_tls="on")
    machine.delivers("you@example.net")
    assert provider.connections[-1].logged_in


# -- the transaction

@pytest.mark.parametrize("without", [(), ("CHUNKING",), ("CHUNKING", "PIPELINING")],
                         ids=["bdat", "data", "one-by-one"])
@pytest.mark.parametrize("step, answer, codes", [
    ("mail", "451 4.3.0 later", TEMPFAIL),
    ("mail", "452 4.3.1 disk full", TEMPFAIL),
    ("mail", "421 4.3.0 bye", TEMPFAIL),
    ("mail", "550 5.7.1 not you", TEMPFAIL),      # our own from: trouble of the account
    ("mail", "530 5.7.0 log in", (TEMPFAIL, NOPERM)),
    ("rcpt", "451 4.2.0 greylisted", TEMPFAIL),
    ("rcpt", "421 4.2.0 bye", TEMPFAIL),
    ("rcpt", "550 5.1.1 nobody", REFUSED),
    ("rcpt", "553 5.1.3 what an address", REFUSED),
    ("content", "451 4.3.0 later", TEMPFAIL),
    ("content", "452 4.3.1 full", TEMPFAIL),
    ("content", "554 5.7.1 spam", REFUSED),
    ("content", "552 5.3.4 too big", REFUSED),
    ("content", "550 5.4.5 daily quota exceeded", TEMPFAIL),
    ("content", close, TEMPFAIL),
    ("content", reset, TEMPFAIL),
    ("content", silence, TEMPFAIL),
    ("content", b"250", TEMPFAIL),
    ("content", (b"250-2.0.0 half a reply\r\n", close), TEMPFAIL),
    ("content", b"250-2.0.0 ok\r\n550 5.0.0 or not\r\n", PROTOCOL),
    ("content", b"queued\r\n", PROTOCOL),
    ("content", "354 go on", PROTOCOL),
    ("content", endless("250-more"), PROTOCOL),
    ("content", drip("250 " + "slow " * 2000, 0.02), TEMPFAIL),
    ("mail", drip("250 " + "slow " * 2000, 0.02), TEMPFAIL),
    ("content_begins", close, TEMPFAIL),
])
def test_each_step_refused(serve, machine, step, answer, codes, without):
    provider = machine.use(serve(without=without, **{step: answer}),
                           **patience(answer))
    result = refused(machine.sendmail("you@example.net"), codes)
    assert provider.messages == []
    if isinstance(answer, str) and codes != PROTOCOL:
        assert f"sendmail: server message: {answer}" in result.lines
    assert result.lines[-1] == f"sendmail: could not send mail (account work from " \
                               f"{machine.user_file})"


@pytest.mark.parametrize("answer, codes", [
    ("451 4.3.0 later", TEMPFAIL),
    ("554 5.5.1 no", REFUSED),
    ("250 2.0.0 ok", PROTOCOL),
    (close, TEMPFAIL),
])
@pytest.mark.parametrize("without", [("CHUNKING",), ("CHUNKING", "PIPELINING")],
                         ids=["pipelined", "one-by-one"])
def test_data_refused(serve, machine, answer, codes, without):
    provider = serve(data=answer, without=without)
    provider.forgive()
    machine.use(provider)
    refused(machine.sendmail("you@example.net"), codes)
    assert provider.messages == []
    assert not any("all is well" in line for line in provider.connection.lines)


def test_a_5xx_to_mail_is_final_for_another_sender(serve, machine):
    machine.use(serve(mail="550 5.7.1 not you"), domains="example.com, example.org")
    refused(machine.sendmail("-f", "other@example.org", "you@example.net"), REFUSED)


@pytest.mark.parametrize("early", ["250 2.0.0 ok", "550 5.0.0 no", b"2"])
def test_a_reply_to_content_before_its_end_is_never_success(serve, machine, early):
    provider = serve(without=("CHUNKING",), content_begins=early, content=silence)
    machine.use(provider, **patience(early))
    line = b"more than all buffers on the way can hold, so that the end is still to be written\n"
    refused(machine.sendmail("you@example.net", input=REPORT + line * 400_000),
            (PROTOCOL, TEMPFAIL) if early == b"2" else PROTOCOL)
    assert provider.messages == []


@pytest.mark.parametrize("answers", [
    {"mail": b"250 2.1.0 ok\r\n250 2.1.0 and more\r\n"},
    {"rcpt": b"250 2.1.5 ok\r\n250 2.1.5 again\r\n250 2.0.0 queued\r\n250 2.0.0 again\r\n"},
])
@pytest.mark.parametrize("without", [("CHUNKING",), ("CHUNKING", "PIPELINING")],
                         ids=["pipelined", "one-by-one"])
def test_replies_nobody_asked_for(serve, machine, answers, without):
    provider = serve(without=without, **answers)
    provider.forgive()
    machine.use(provider)
    refused(machine.sendmail("you@example.net"), PROTOCOL)
    assert provider.messages == []


def test_a_421_out_of_turn_is_the_end_and_no_surprise(serve, machine):
    provider = machine.use(serve(auth=(b"235 2.7.0 ok\r\n421 4.3.2 shutting down\r\n", close)))
    refused(machine.sendmail("you@example.net"), (TEMPFAIL, PROTOCOL))
    assert provider.messages == []


def test_one_refused_recipient_does_not_stop_the_others(serve, machine):
    provider = machine.use(serve(rcpt={"b@example.net": "550 5.1.1 nobody here\n550 5.1.1 really"}))
    result = refused(machine.sendmail("a@example.net", "b@example.net", "c@example.net"), REFUSED)
    assert provider.message.recipients == ["a@example.net", "c@example.net"]
    assert "b@example.net" in result.text
    assert "sendmail: server message: 550-5.1.1 nobody here" in result.lines or \
        "sendmail: server message: 550 5.1.1 nobody here" in result.lines
    assert "sendmail: server message: 550 5.1.1 really" in result.lines


def test_a_recipient_put_off_is_a_temporary_failure(serve, machine):
    provider = machine.use(serve(rcpt={"b@example.net": "450 4.2.1 later"}))
    refused(machine.sendmail("a@example.net", "b@example.net"), TEMPFAIL)
    assert provider.message.recipients == ["a@example.net"]


@pytest.mark.parametrize("without", [(), ("CHUNKING",), ("PIPELINING",)])
def test_all_recipients_refused_sends_no_content(serve, machine, without):
    provider = machine.use(serve(without=without, rcpt="550 5.1.1 nobody"))
    refused(machine.sendmail("a@example.net", "b@example.net"), REFUSED)
    assert provider.messages == []


def test_a_refused_chunk_is_not_run_as_commands(serve, machine):
    provider = machine.use(serve(rcpt="550 5.1.1 nobody", runs_refused_chunks=True))
    provider.forgive()  # such a server calls our header lines unknown commands
    refused(machine.sendmail("a@example.net", input=REPORT * 3), REFUSED)
    lines = provider.connection.lines
    after = lines[next(i for i, line in enumerate(lines) if line.startswith("BDAT")) + 1:]
    assert not set(line.split(" ")[0] for line in after) & {"MAIL", "RCPT", "DATA", "RSET", "QUIT"}


def test_a_limit_of_recipients_takes_more_transactions(serve, machine):
    provider = machine.use(serve(max_recipients=3))
    everyone = [f"r{i}@example.net" for i in range(10)]
    machine.delivers(*everyone)
    assert [len(m.recipients) for m in provider.messages] == [3, 3, 3, 1]
    assert sorted(r for m in provider.messages for r in m.recipients) == sorted(everyone)
    assert len({m.content for m in provider.messages}) == 1
    assert len(provider.connections) == 1


@pytest.mark.parametrize("limits, recipients, sessions", [
    ("RCPTMAX=3", [[3, 3, 3, 1]], 1),
    ("MAILMAX=2 RCPTMAX=3", [[3, 3], [3, 1]], 2),
    ("RCPTDOMAINMAX=1", [[4], [3], [3]], 3),
    ("RCPTDOMAINMAX=2 rcptmax=2", [[2, 2, 2, 1], [2, 1]], 2),
    ("RCPTMAX=0 MAILMAX=two RCPTDOMAINMAX= FUTURE RCPTMAX=1000000", [[10]], 1),
])
def test_limits_of_a_server_are_kept(serve, machine, limits, recipients, sessions):
    provider = machine.use(serve(extra=[f"LIMITS {limits}"]))  # the server counts
    everyone = [f"r{i}@example{i % 3}.net" for i in range(10)]
    machine.delivers(*everyone)
    assert [[len(m.recipients) for m in c.messages] for c in provider.connections] == recipients
    assert sorted(r for m in provider.messages for r in m.recipients) == sorted(everyone)
    assert len(provider.connections) == sessions
    assert all(c.lines[-1] == "QUIT" for c in provider.connections)


@pytest.mark.parametrize("answer", [silence, close, reset, "500 5.5.1 never", endless("221-bye"),
                                    b"22"])
def test_quit_cannot_spoil_a_success(serve, machine, answer):
    provider = machine.use(serve(quit=answer))
    machine.delivers("you@example.net")
    assert provider.message


@pytest.mark.parametrize("answer", ["250 2.0.0 " + "ok " * 3000, "250 2.0.0 ok\n" * 50 + "250 end",
                                    b"250 \xff\xfe\r\n", b"250\r\n", b"250 ok\n"])
def test_a_complete_250_is_success_whatever_it_says(serve, machine, answer):
    provider = machine.use(serve(content=(answer, close)))
    machine.delivers("you@example.net")
    assert provider.message


def test_content_over_the_announced_size_is_not_sent(serve, machine):
    provider = machine.use(serve(size=1000))
    refused(machine.sendmail("you@example.net", input=REPORT + b"x" * 60 * 30), REFUSED)
    assert "MAIL" not in provider.connection.verbs


# -- what is announced is used, what is not is not

def test_size_is_told_where_it_is_asked_for(serve, machine):
    provider = machine.use(serve())
    machine.delivers("you@example.net")
    assert f"SIZE={len(provider.message.content)}" in provider.message.sender_parameters
    assert "BODY=8BITMIME" not in provider.message.sender_parameters


def test_8bit_content_says_so(serve, machine):
    provider = machine.use(serve())
    machine.delivers("you@example.net", input=REPORT + "grüße\n".encode())
    assert "BODY=8BITMIME" in provider.message.sender_parameters
    assert "SMTPUTF8" not in provider.message.sender_parameters


def test_a_domain_in_a_foreign_script_becomes_an_a_label(serve, machine):
    provider = machine.use(serve(without=("SMTPUTF8",)))
    machine.delivers("user@bücher.example")
    assert provider.message.recipients == ["user@xn--bcher-kva.example"]


def test_a_foreign_local_part_needs_smtputf8(serve, machine):
    provider = machine.use(serve())
    machine.delivers("jürgen@example.net")
    assert provider.message.recipients == ["jürgen@example.net"]
    assert "SMTPUTF8" in provider.message.sender_parameters
    poor = machine.use(serve(without=("SMTPUTF8",)))
    refused(machine.sendmail("jürgen@example.net"), REFUSED)
    assert "MAIL" not in poor.connection.verbs


def test_status_notifications_travel_where_they_are_offered(serve, machine):
    provider = machine.use(serve())
    machine.delivers("-N", "delay,failure", "-R", "hdrs", "-V", "id=1 2", "you@example.net")
    assert "RET=HDRS" in provider.message.sender_parameters
    assert "ENVID=id+3D1+202" in provider.message.sender_parameters
    notify = provider.message.recipient_parameters["you@example.net"]
    assert any(sorted(p[7:].split(",")) == ["DELAY", "FAILURE"]
               for p in notify if p.startswith("NOTIFY="))


def test_requiretls_is_said_where_it_is_offered(serve, machine):
    provider = machine.use(serve(extra=["REQUIRETLS"]), requiretls="on")
    assert machine.sendmail("you@example.net").code == 0
    assert provider.messages[0].sender_parameters[-1] == "REQUIRETLS"
    assert machine.run("onehopctl", "check").code == 0


def test_mail_that_requires_tls_is_refused_where_that_is_not_offered(serve, machine):
    provider = machine.use(serve(), requiretls="on")
    result = refused(machine.sendmail("you@example.net"), REFUSED)
    assert "REQUIRETLS support required" in result.text
    assert provider.messages == []
    checked = machine.run("onehopctl", "check")
    assert checked.code in REFUSED
    assert "FAIL requiretls" in checked.shown


def test_tls_required_no_is_for_the_servers_behind(serve, machine):
    """RFC 8689, 5: the field leaves as it came, and this connection stays verified."""
    provider = machine.use(serve(certificate="wrong-name"), requiretls="on")
    mail = b"TLS-Required: No\n" + REPORT
    refused(machine.sendmail("you@example.net", input=mail), TEMPFAIL)
    assert provider.messages == []
    provider = machine.use(serve())
    assert machine.sendmail("you@example.net", input=mail).code == 0
    assert provider.messages[0].field("TLS-Required") == "No"


def test_words_of_ehlo_match_as_a_whole(serve, machine):
    provider = machine.use(serve(
        without=("CHUNKING", "PIPELINING", "SIZE"),
        extra=("CHUNKINGX", "XCHUNKING", "PIPELININGX", "X PIPELINING", "XSIZE 1", "SIZEX 1")))
    machine.delivers("you@example.net")
    assert provider.message.by == "DATA"
    assert provider.message.sender_parameters == []
    poor = machine.use(serve(without=("STARTTLS",), extra=("STARTTLSX", "XSTARTTLS", "X STARTTLS")))
    refused(machine.sendmail("you@example.net"), TEMPFAIL)
    assert "STARTTLS" not in poor.connection.verbs


def test_words_of_ehlo_match_in_any_case(serve, machine):
    provider = machine.use(serve(ehlo="250 mail.example.com\n250 starttls\n250 Auth plain\n"
                                      "250 chunking\n250 Pipelining", auth_before_tls=True))
    machine.delivers("you@example.net")
    assert provider.message.by == "BDAT"


@pytest.mark.parametrize("reply", ["500 5.5.2 what?", "502 5.5.1 no", "503 5.5.1 no", "504 no"])
@pytest.mark.parametrize("size", [10, 200_000])
def test_a_filter_that_lets_chunking_through_and_not_bdat(serve, machine, reply, size):
    """What it takes for commands is not the client's fault."""
    provider = machine.use(serve(bdat_unknown=reply))
    provider.forgive()
    machine.delivers("you@example.net", input=REPORT + b"x\n" * size)
    [message] = provider.messages
    assert (message.by, len(provider.connections)) == ("DATA", 2)


def test_a_size_of_zero_is_no_limit(serve, machine):
    provider = machine.use(serve(size=0))
    machine.delivers("you@example.net")
    assert provider.message


def test_reading_never_waits_for_writing(serve, machine):
    words = "as many words as it takes to fill what lies between us " * 18
    provider = serve(tls="none", mechanisms="", small_buffers=True, rcpt="250 2.1.5 " + words)
    machine.use(provider)
    everyone = [f"{i}-{'x' * 350}@{'y' * 40}.example" for i in range(20_000)]
    bcc = ",\n ".join(everyone).encode()
    machine.delivers("-t", input=b"From: me@example.com\nBcc: " + bcc + b"\n\nhello\n")
    assert provider.message.recipients == everyone


# -- ways to the provider

def test_nobody_listens(machine, serve):
    keeper, port = closed_port()
    with keeper:
        machine.use(serve(), port=str(port))
        result = refused(machine.sendmail("you@example.net"), TEMPFAIL)
    assert "refused" in result.text


def test_no_such_host(machine, serve):
    machine.use(serve(), host="no-such-host.invalid")
    result = refused(machine.sendmail("you@example.net"), NOHOST)
    assert "no-such-host.invalid" in result.text


def test_the_next_host_of_the_list_is_tried(machine, serve):
    provider = serve()
    machine.use(provider, host="no-such-host.invalid, 127.0.0.1")
    machine.delivers("you@example.net")
    assert provider.message


def test_lmtp_over_a_unix_socket(machine, serve, socket_path):
    provider = serve(unix=socket_path, lmtp=True, tls="none", mechanisms="")
    machine.use(provider)
    machine.delivers("a@example.net", "b@example.net")
    assert provider.message.recipients == ["a@example.net", "b@example.net"]
    assert provider.connection.verbs[0] == "LHLO"


def test_lmtp_answers_for_each_recipient(machine, serve, socket_path):
    provider = serve(unix=socket_path, lmtp=True, tls="none", mechanisms="",
                     content={"b@example.net": "552 5.2.2 mailbox full"})
    machine.use(provider)
    result = refused(machine.sendmail("a@example.net", "b@example.net"), REFUSED)
    assert "b@example.net" in result.text
    assert "sendmail: server message: 552 5.2.2 mailbox full" in result.lines


def test_a_source_address(machine, serve):
    provider = machine.use(serve(), source_ip="127.0.0.1")
    machine.delivers("you@example.net")
    assert provider.message


def test_ehlo_names_this_host_or_its_address(machine, serve):
    provider = machine.use(serve())
    machine.delivers("you@example.net")
    name = socket.gethostname()
    assert provider.connection.hello == "[127.0.0.1]" or \
        provider.connection.hello.startswith(name.split(".")[0] + ".")
    for localhost in ("localhost", "LocalHost.LocalDomain"):
        unnamed = machine.use(serve(), domain=localhost)
        machine.delivers("you@example.net")
        assert unnamed.connection.hello == provider.connection.hello
    named = machine.use(serve(), domain="client.example.com")
    machine.delivers("you@example.net")
    assert named.connection.hello == "client.example.com"


# -- what would mend it

@pytest.mark.parametrize("program", ["sendmail", "onehopctl"])
@pytest.mark.parametrize("words, keys, line", [
    ({}, {"tls_starttls": "off"}, "set `tls_starttls = on`"),
    ({"tls": "implicit"}, {"tls_starttls": "on", "timeout": "1"}, "set `tls_starttls = off`"),
    ({"tls": "implicit"}, {"tls": "off", "timeout": "1", "auth": "off"},
     "set `tls = on` and `tls_starttls = off`"),
    ({"without": ("STARTTLS",)}, {}, "try `port = 465`"),
    ({"mechanisms": "XOAUTH2"}, {}, "set `auth = xoauth2`"),
    ({"certificate": "expired"}, {}, "this machine's clock says 20"),
    ({"certificate": "not-yet"}, {}, "this machine's clock says 20"),
    ({}, {"tls_trust_file": "/nonexistent"}, "tls_trust_file"),
    ({}, {"password": None, "password_file": "/nonexistent"}, "password_file"),
    ({}, {"host": "nobody.invalid"}, "nobody.invalid not found"),
])
def test_a_failure_is_one_line_that_names_what_would_mend_it(serve, machine, program, words, keys,
                                                           line):
    provider = serve(**words)
    provider.forgive()  # a client that speaks another mode breaks its protocol
    machine.configure(machine.account(provider, **keys))
    result = machine.run(program, *(["check"] if program == "onehopctl" else ["you@example.net"]),
                         input=REPORT)
    assert result.code != 0
    assert [line in shown for shown in (result.shown + result.text).splitlines()].count(True) == 1


@pytest.mark.parametrize("mechanism", ["scram-sha-256-plus", "scram-sha-1-plus"])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_login_binds_to_tls_1_2_if_it_is_named(serve, machine, mechanism, tls):
    provider = serve(mechanisms="SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256", tls12=True, tls=tls)
    machine.use(provider, auth=mechanism)
    machine.delivers("you@example.net")
    assert (provider.connection.mechanism, provider.connection.binding) == (mechanism.upper(), "tls-unique")


def test_a_login_that_is_not_named_binds_to_tls_1_3_alone(serve, machine):
    for tls12, mechanism, binding in ((True, "SCRAM-SHA-256", ""),
                                      (False, "SCRAM-SHA-256-PLUS", "tls-exporter")):
        provider = serve(mechanisms="SCRAM-SHA-256-PLUS SCRAM-SHA-256", tls12=tls12)
        machine.use(provider)
        machine.delivers("you@example.net")
        assert (provider.connection.mechanism, provider.connection.binding) == (mechanism, binding)


def test_tls_1_2_that_is_not_safe_to_bind_to(serve, machine):
    """Without extended master secret (RFC 7627)."""
    provider = serve(mechanisms="SCRAM-SHA-256-PLUS SCRAM-SHA-256", tls12=True)
    machine.use(provider, auth="scram-sha-256-plus", tls_priorities="NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH")
    result = machine.sendmail("you@example.net")
    assert "no extended master secret (RFC 7627)" in result.text, result.text
    assert provider.connection.verbs.count("AUTH") == 0
