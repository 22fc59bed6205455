"""The section "Command line" of doc/compatibility.md, one test for each row."""

import pytest


def test_options_anywhere(both):
    ours = both.same("a@example.net", "-f", "other@example.com", "--read-r")
    assert ours.sender == "other@example.com"
    assert ours.recipients == ["a@example.net", "you@example.net"]
    assert both.same("-f", "me@example.com", "--", "-a@example.net").recipients == [
        "-a@example.net"]


@pytest.mark.parametrize("words", [
    ["-oi", "-oem", "-odi", "-i", "-t"], ["-o", "i", "-O", "x=y", "-A", "c", "-B", "8BITMIME", "-t"],
    ["-L", "tag", "-h", "3", "-G", "-m", "-n", "-bm", "-t"], ["-F", "Full Name", "-t"],
    ["--tls-force-sslv3", "-t"], ["--timeout=30", "-t"], ["--connect-timeout=off", "-t"],
    ["--domain=x.example", "-t"], ["--set-date-header", "--set-msgid-header=auto", "-t"],
    ["--from=other@example.com", "-t"], ["--port={port}", "-t"], ["-R", "hdrs", "-N", "never", "-t"],
    ["--dsn-return=full", "--dsn-notify=failure,delay", "-t"], ["--keepbcc", "-t"],
    ["--remove-bcc-headers=off", "-t"], ["--set-from-header=on", "-t"],
    ["--undisclosed-recipients", "-t"], ["--auto-from", "--maildomain=x.org", "-t"],
    ["--add-missing-from-header=off", "--add-missing-date-header=off", "-t"],
    ["--read-envelope-from", "-t"], ["-a", "default", "-t"], ["--logfile-time-format=%b %d %T", "-t"],
    ["-C", "{home}/.msmtprc", "-t"], ["-X", "{log}", "-t"], ["--aliases=", "-t"],
    ["--proxy-host=", "--proxy-port=", "--source-ip=", "-t"], ["--source-ip=127.0.0.1", "-t"],
])
def test_options_accepted(both, words):
    assert both.same(*words).code == 0


@pytest.mark.parametrize("words", [
    ["--port=0"], ["--port=65536"], ["--port=x"], ["--timeout=x"], ["--auth=foo"], ["--tls=maybe"],
    ["--nope"], ["-Z"], ["-N", "sometimes"], ["-R", "all"], ["--host=h", "-a", "b"],
    ["-f", "a@b", "--read-envelope-from"], ["--read-envelope-from", "-f", "a@b"], ["-S"],
    ["-S", "--rmqs=x"], ["--protocol=x"], ["--set-date-header=on"], ["--syslog=foo"],
    ["--tls-fingerprint=aa"], ["--set-from-header=maybe"], ["-f"],
])
def test_options_wrong(both, words):
    ours = both.same(*words, "a@example.net")
    assert ours.code == 64 and ours.err.startswith("msmtp: ")


def test_no_recipients(both):
    assert both.same().code == 64
    assert both.same("-t", input=b"Subject: x\n\nx\n").code == 64


def test_no_envelope_from(both):
    theirs, ours = both("--read-envelope-from", "a@example.net", input=b"Subject: x\n\nx\n")
    assert theirs.code in (64, 78) and ours.code == 64  # 1.8.23 says 78, later ones 64


def test_host(both):
    words = ("--host=127.0.0.1", "--port={port}", "-f", "other@example.com", "--logfile={log}",
             "a@example.net")
    ours = both.same(*words, rc="nonsense\n")
    assert ours.code == 0 and ours.connections[0].hello == "[127.0.0.1]"


def test_missing_from(both):
    assert both.same("--host=127.0.0.1", "--port={port}", "a@example.net", rc=False).code == 78
    theirs, ours = both("a@example.net", rc={"from": None})
    assert theirs.code == ours.code == 78


def test_sendmail_options(both):
    for words in (["-r", "me@example.com"], ["-V", "id"]):
        theirs, ours = both(*words, "-t")
        assert (theirs.code, ours.code) == (64, 0)
    for words in (["-q"], ["-bp"], ["-bi"], ["-bV"], ["-I"], ["-bs"],
                  ["-bv", "you@example.net"]):
        theirs, ours = both(*words)
        assert (theirs.code, ours.code) == (64, 0), words


def test_web_server(both):
    for variable in ("GATEWAY_INTERFACE", "REQUEST_METHOD", "SERVER_SOFTWARE"):
        theirs, ours = both("-t", "-f", "x@y", "--passwordeval=echo x", "--host=localhost",
                            environment={variable: "x"})
        assert ours.code == 64 and theirs.code != 64
        ours = both.same("-f", "x@y", "a@b", environment={variable: "x"})
        assert ours.code == 0


def test_version(both):
    for words in (["--version"], ["-d0.1"]):
        theirs, ours = both(*words)
        assert theirs.out.startswith("msmtp version 1.8.") and theirs.code == ours.code == 0
        assert ours.out.startswith("msmtp version 1.8.33 (onehop ")


def test_pretend(both):
    for words in (["-P"], ["-P", "-f", "me@example.com"], ["-P", "-f", "any@wild.example"],
                  ["-P", "-a", "other", "x"], ["-P", "-a", "other", "-f", "you@example.com"],
                  ["-P", "--host=h", "-t"]):
        theirs, ours = both(*words, rc=RC)
        new = ("from_full_name", "set_msgid_header", "set_to_header")
        known = {line.split(" = ")[0] for line in theirs.settings}
        show = [line for line in ours.out.splitlines()
                if line.split(" = ")[0] in known or line.split(" = ")[0] not in new]
        assert mask(show, ours) == mask(theirs.out.splitlines(), theirs)
        assert theirs.code == ours.code == 0 and "s3cret" not in ours.out


RC = """defaults
tls on
tls_fingerprint 00:11:22:33:44:55:66:77:88:99:aa:BB:CC:DD:EE:FF:00:11:22:33
account other
host h.example
from me@example.com
auth on
user u
password s3cret
timeout 30
dsn_notify failure,delay
dsn_return headers
account default : other
host d.example
from
proxy_host p
syslog LOG_MAIL
undisclosed_recipients on
auto_from on
maildomain x.org
set_from_header on
"""


def mask(lines, did):
    """The homes differ, and so does the name of the system's file."""
    import re
    return [re.sub(r"/\S*/(theirs|ours)\d+/(root/etc/)?|/etc/(?=msmtprc)", "", line)
            for line in lines]


def test_debug(both):
    theirs, ours = both("-d", "-t")
    assert theirs.code == ours.code == 0
    for did in (theirs, ours):
        assert "--> MAIL FROM:<me@example.com>" in did.out
        assert "<-- 220 mail.example.com ESMTP" in did.out
    assert "hello" in theirs.out and "hello" not in ours.out


def test_debug_masks(both):
    import base64
    coded = base64.b64encode(b"\0me@example.com\0s3cret").decode()
    theirs, ours = both("-d", "-t", mechanisms="PLAIN")
    assert coded in theirs.out and coded not in ours.out and "AUTH PLAIN ***" in ours.out


def test_control_characters(both):
    theirs, ours = both("-F", "x\nBcc: victim@example.net", "-t", input=b"To: a@example.net\n\nx\n")
    assert ours.code == 64 and not ours.messages
    assert theirs.code == 0


def test_serverinfo(both):
    for tls in ("none", "starttls", "implicit"):
        words = ["-S"] if tls == "none" else ["-S", "--tls=on", "--tls-trust-file={trust}"]
        words += ["--tls-starttls=off"] if tls == "implicit" else []
        theirs, ours = both(*words, rc="account default\nhost 127.0.0.1\nport {port}\n", tls=tls,
                            mechanisms="PLAIN LOGIN")
        assert theirs.code == ours.code == 0
        new = ("CHUNKING", "8BITMIME", "SMTPUTF8")
        for line in theirs.out.splitlines()[1:]:
            known = line.strip().startswith(("SHA1", "Fingerprints", "Activation", "Expiration",
                                             "Support for Internationalized Email"))  # 1.8.28
            assert known or line.rstrip() in [x.rstrip() for x in ours.out.splitlines()], line
        assert f"SMTP server at 127.0.0.1 ([127.0.0.1]), port {ours.port}:" in ours.out
        assert all(word in ours.out for word in new)
    assert "SHA256 of the key: spki:" in ours.out


def test_rmqs(both):
    theirs, ours = both("--rmqs=@example.net", input=b"")
    assert theirs.code == ours.code == 69
    script = "S: 220 x\nC: EHLO\nS: 250-x\nS: 250 ETRN\nC: ETRN @example.net\nS: %s\nC: QUIT\nS: 221 x"
    for reply, code in (("253 5 pending", 0), ("458 no", 69), ("500 no", 65)):
        theirs, ours = both("--rmqs=@example.net", input=b"", script=script % reply)
        assert (theirs.code, ours.code) == (code, code)


def test_configure(both):
    theirs, ours = both("--configure=nonsense", input=b"", rc=False)
    assert theirs.code == ours.code == 65
