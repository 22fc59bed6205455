"""The section "The message" of doc/compatibility.md, one test for each row."""

import pytest

ADDRESSES = (b"From: a (comment) <me@example.com>\nTo: A Group: a@x, b@x;, C <c@x>,\n"
             b" D D (x) <d@x>\nCc: e@x, <f@x>\nBcc: g@x\nDate: x\nMessage-ID: <1@x>\n\nx\n")


def test_recipients(both):
    assert both.same("-t", input=ADDRESSES).code == 0
    assert both.same("Some One <c@d.example>, e@f.example", "-t", input=ADDRESSES).code == 0
    resent = ADDRESSES.replace(b"From: ", b"Resent-From: r@x\nResent-To: s@x\nFrom: ", 1)
    assert both.same("-t", input=resent).code == 0


def test_quoted_local_part(both):
    theirs, ours = both('"b b"@x')
    assert theirs.recipients == ["@x"] and ours.recipients == ['"b b"@x']


def test_missing_fields(both):
    for mail in (b"To: a@b\n\nx\n", b"From: x@y\n\nx\n", b"Date: x\nTo: a@b\n\nx\n",
                 b"Subject: x\n\n"):
        assert both.same("a@example.net", input=mail).code == 0
    mail = b"From: other@example.com\nTo: a@b\n\nx\n"
    assert both.same("a@b", rc={"set_from_header": "on"}, input=mail).code == 0


def test_full_name(both):
    assert both.same("-F", "Full Name", "a@b", input=b"To: a@b\n\nx\n").code == 0
    theirs, ours = both("-F", "Doe, John", "a@b", input=b"To: a@b\n\nx\n")
    assert ours.message.field("From") == '"Doe, John" <me@example.com>'


def test_body(both):
    for body in (b"x", b"x\n", b".\n..\n.x\n", b"x\r\ny\r\n", b"", b"\n\n", b"\xc3\xa4\n",
                 b"l" * 900 + b"\n"):
        mail = b"From: me@example.com\nTo: a@b\nDate: x\nMessage-ID: <1@x>\n\n" + body
        theirs, ours = both("-t", input=mail)
        assert theirs.code == ours.code == 0
        assert ours.content.rstrip("\r\n") == theirs.content.rstrip("\r\n")


def test_stray_octets(both):
    mail = b"From: me@example.com\nTo: a@b\n\na\rb\0c\n"
    theirs, ours = both("-t", input=mail)
    assert b"a\rb\0c" in theirs.message.content
    assert b"a bc" in ours.message.content


def test_long_text(both):
    theirs, ours = both("a@b", input=b"From: me@example.com\n\n" + b"x" * 3000 + b"\n")
    assert max(map(len, theirs.message.content.split(b"\r\n"))) == 3000
    assert max(map(len, ours.message.content.split(b"\r\n"))) == 998


def test_no_header(both):
    theirs, ours = both("a@b", input=b"disk full\n")
    assert theirs.message.body == b"" and ours.message.body == b"disk full\r\n"


def test_bcc(both):
    mail = (b"From: me@example.com\nTo: a@b\nBcc: x@y\nDate: x\nMessage-ID: <1@x>\n\nx\n")
    assert both.same("-t", input=mail).message.field("Bcc") is None
    assert both.same("-t", rc={"remove_bcc_headers": "off"}, input=mail).message.field("Bcc")


def test_resent_bcc(both):
    mail = (b"Resent-From: me@example.com\nResent-To: a@b\nResent-Bcc: x@y\nFrom: z@y\n\nx\n")
    theirs, ours = both("-t", input=mail)
    assert theirs.message.field("Resent-Bcc") and ours.message.field("Resent-Bcc") is None
    assert ours.recipients == theirs.recipients


def test_twice(both):
    theirs, ours = both("a@b", "a@b")
    assert theirs.recipients == ["a@b", "a@b"] and ours.recipients == ["a@b"]


def test_bare_names(both):
    assert both.same("root").recipients == ["root"]


def test_no_rewriting(both):
    mail = b"From: root (Cron Daemon)\nTo: root\nDate: x\nMessage-ID: <1@x>\n\nx\n"
    assert both.same("-t", input=mail).message.field("From") == "root (Cron Daemon)"


def test_allow_from_override(both):
    ours = both.same("-f", "x@y", "a@b", rc={"allow_from_override": "off"})
    assert ours.sender == "me@example.com"


def test_null_sender(both):
    assert both.same("-f", "<>", "a@b").sender == ""
    theirs, ours = both("-f", "MAILER-DAEMON", "a@b")
    assert theirs.sender == ours.sender == ""


def test_aliases(both):
    aliases = {"aliases": "root: a@x, b@x\nops: root\n"}
    for words in (["root"], ["ops"], ["me@x", "root"]):
        theirs, ours = both(*words, rc={"aliases": "~/aliases"},
                            files=aliases)
        assert theirs.code == ours.code == 0
        assert sorted(theirs.recipients) == sorted(ours.recipients)
    theirs, ours = both("unknown", rc={"aliases": "~/aliases"}, files=aliases)
    assert theirs.recipients == ours.recipients == ["unknown"]


def test_aliases_skip(both):
    theirs, ours = both("root", "ops", rc={"aliases": "~/aliases"},
                        files={"aliases": "root: a@x\nops: b@x\n"})
    assert "ops" in theirs.recipients and sorted(ours.recipients) == ["a@x", "b@x"]


def test_aliases_syntax(both):
    real = "# comment\nroot: a@x,\n b@x\nweb: \"|/bin/cat\"\nx: :include:/nonexistent\n"
    theirs, ours = both("root", rc={"aliases": "~/aliases"}, files={"aliases": real})
    assert theirs.code == 78 and ours.code == 0
    assert sorted(ours.recipients) == ["a@x", "b@x"]


def test_aliases_case(both):
    theirs, ours = both("Root", rc={"aliases": "~/aliases"}, files={"aliases": "root: a@x\n"})
    assert theirs.recipients == ["Root"] and ours.recipients == ["a@x"]


@pytest.mark.parametrize("notify", ["never", "failure,delay", "success"])
def test_dsn(both, notify):
    theirs, ours = both("a@b", rc={"dsn_notify": notify, "dsn_return": "headers"})
    assert theirs.code == ours.code == 0
    want = "NOTIFY=" + notify.upper()
    for did in (theirs, ours):
        assert sorted(did.message.recipient_parameters["a@b"][0][7:].split(",")) == \
            sorted(want[7:].split(","))
        assert "RET=HDRS" in did.message.sender_parameters
