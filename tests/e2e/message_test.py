"""The message as it arrives, to the octet."""

import email.policy
import re
from email.utils import parseaddr

import pytest

FIXED = (b"From: me@example.com\nTo: you@example.net\nSubject: x\n"
         b"Date: Mon, 23 Nov 2026 07:53:00 +0000\nMessage-ID: <1@example.com>\n")
ARRIVED = FIXED.replace(b"\n", b"\r\n")


@pytest.fixture
def relay(serve, machine):
    """relay(input, words...) -> the message as it arrived."""
    provider = machine.use(serve())

    def send(input, *words, **more):
        machine.delivers(*words or ("you@example.net",), input=input, **more)
        return provider.messages[-1]

    return send


# -- line ends and octets

@pytest.mark.parametrize("input, content", [
    (FIXED + b"\nhello\n", ARRIVED + b"\r\nhello\r\n"),
    (ARRIVED + b"\r\nhello\r\n", ARRIVED + b"\r\nhello\r\n"),
    (ARRIVED + b"\r\nline1\nline2\n\r\n", ARRIVED + b"\r\nline1\r\nline2\r\n\r\n"),
    (FIXED + b"\na\r\r\nb\r\r\r\n", ARRIVED + b"\r\na\r\nb\r\n"),
    (FIXED + b"\nno newline", ARRIVED + b"\r\nno newline\r\n"),
    (FIXED + b"\nends in cr\r", ARRIVED + b"\r\nends in cr\r\n"),
    (FIXED + b"\n", ARRIVED + b"\r\n"),
    (FIXED, ARRIVED + b"\r\n"),
    (FIXED[:-1], ARRIVED + b"\r\n"),
    (FIXED + b"\n\n\n\n", ARRIVED + b"\r\n\r\n\r\n\r\n"),
    (FIXED + b"\na\rb\rc\n", ARRIVED + b"\r\na b c\r\n"),
    (FIXED + b"\na\0b\0\n\0", ARRIVED + b"\r\nab\r\n"),
    (FIXED + b"\n.\n..\n.a\nb\n", ARRIVED + b"\r\n.\r\n..\r\n.a\r\nb\r\n"),
    (FIXED + b"\nx\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
     ARRIVED + b"\r\nx\r\n.\r\nMAIL FROM:<evil@example.com>\r\n"),
    (FIXED + b"\nx\n.\r\nMAIL FROM:<evil@example.com>\r\n",
     ARRIVED + b"\r\nx\r\n.\r\nMAIL FROM:<evil@example.com>\r\n"),
    (FIXED + b"\nx\r.\rMAIL\n", ARRIVED + b"\r\nx . MAIL\r\n"),
    (FIXED + b"\n\xff\xfe\x80 8 bit\n", ARRIVED + b"\r\n\xff\xfe\x80 8 bit\r\n"),
    (FIXED + b"X-Folded: a\n b\n\tc\n\nx\n", ARRIVED + b"X-Folded: a\r\n b\r\n\tc\r\n\r\nx\r\n"),
    (b"From me@example.com Mon Nov 23 07:53:00 2026\n" + FIXED + b"\nx\n", ARRIVED + b"\r\nx\r\n"),
    (b">From me@example.com Mon Nov 23 07:53:00 2026\n" + FIXED + b"\nx\n", ARRIVED + b"\r\nx\r\n"),
    (b"From me Mon Nov 23 07:53:00 2026\n>From web1 Mon Nov 23 07:53:00 2026\n" + FIXED + b"\nx\n",
     ARRIVED + b"\r\nx\r\n"),
    (b"\xef\xbb\xbf" + FIXED + b"\nx\n", ARRIVED + b"\r\nx\r\n"),
    (FIXED + b"\nFrom here on\n>From there\n", ARRIVED + b"\r\nFrom here on\r\n>From there\r\n"),
    (FIXED + b"Return-Path: <old@example.com>\n\nx\n", ARRIVED + b"\r\nx\r\n"),
], ids=["lf", "crlf", "php-mixed", "many-crs", "no-final-newline", "final-cr", "no-body",
        "no-blank-line", "header-only-no-newline", "blank-lines", "stray-cr", "nul", "dots",
        "smuggled-crlf", "smuggled-lf-dot", "smuggled-cr-dot", "8bit", "folded", "mbox",
        "quoted-mbox", "mbox-hops", "byte-order-mark", "from-in-body", "return-path"])
@pytest.mark.parametrize("without", [(), ("CHUNKING",)], ids=["bdat", "data"])
def test_content_to_the_octet(serve, machine, input, content, without):
    provider = machine.use(serve(without=without))
    machine.delivers("you@example.net", input=input)
    assert provider.message.content == content
    assert len(provider.connection.messages) == 1


def test_a_line_of_a_megabyte_is_broken_at_998(relay):
    line = bytes(97 + i % 26 for i in range(1_000_000))
    body = relay(FIXED + b"\n" + line + b"\nend\n").body
    lines = body.split(b"\r\n")
    assert [len(part) for part in lines[:1002]] == [998] * 1002
    assert b"".join(lines[:1003]) == line
    assert lines[1003:] == [b"end", b""]


@pytest.mark.parametrize("length, lines", [(997, 1), (998, 1), (999, 2), (1996, 2), (1997, 3)])
def test_lines_about_the_limit(relay, length, lines):
    body = relay(FIXED + b"\n" + b"x" * length + b"\n").body
    assert body.count(b"\r\n") == lines
    assert body.replace(b"\r\n", b"") == b"x" * length


def test_a_long_header_line_is_folded(relay):
    words = b" ".join([b"word%d" % i for i in range(500)])
    message = relay(FIXED + b"X-Long: " + words + b"\n\nx\n")
    assert all(len(line) <= 998 for line in message.content.split(b"\r\n"))
    assert message.field("X-Long") == words.decode()


def test_a_large_message_arrives_whole(relay):
    body = b"".join(b"%07d\n" % i for i in range(400_000))
    assert relay(FIXED + b"\n" + body).body == body.replace(b"\n", b"\r\n")


# -- no header

@pytest.mark.parametrize("text, subject", [
    ("disk full", "disk full"),
    ("exactly twenty chars", "exactly twenty chars"),
    ("this is more than twenty characters", "this is more than..."),
    ("error: disk full", "error: disk full"),
    ("grüße", "=?utf-8?"),
])
def test_text_without_header(relay, text, subject):
    message = relay(text.encode() + b"\nsecond line\n", "you@example.net")
    assert message.body == text.encode() + b"\r\nsecond line\r\n"
    if subject.startswith("=?"):
        assert message.field("Subject").startswith(subject)
    else:
        assert message.field("Subject") == subject
    assert message.field("To") == "you@example.net"
    assert message.field_names == ["From", "To", "Subject", "Date", "Message-ID"]


def test_a_subject_is_never_cut_inside_a_character(relay):
    message = relay(("é" * 40 + "\n").encode())
    assert message.field("Subject").isascii()
    assert message.body == ("é" * 40 + "\r\n").encode()


def test_a_blank_line_first_is_an_empty_header(relay):
    message = relay(b"\nFrom: not a header\n")
    assert message.body == b"From: not a header\r\n"
    assert message.field("From").endswith("me@example.com") or "<me@example.com>" in \
        message.field("From")


def test_empty_input(relay):
    message = relay(b"")
    assert message.body == b""
    for name in ("From", "Date", "Message-ID"):
        assert message.field(name)


def test_a_line_that_is_no_field_ends_the_header(relay):
    message = relay(FIXED + b"oops this is text\nmore\n")
    assert message.body == b"oops this is text\r\nmore\r\n"
    assert message.field("Subject") == "x"


@pytest.mark.parametrize("value, subject", [("off", None), ("auto", None), ("on", "hello")])
def test_a_missing_subject(serve, machine, value, subject):
    provider = machine.use(serve(), set_subject_header=value)
    machine.delivers("you@example.net", input=b"From: me@example.com\nTo: a@b.example\n\nhello\n")
    assert provider.message.field("Subject") == subject


# -- missing fields

def test_missing_fields_are_added_in_front(relay):
    message = relay(b"To: you@example.net\nSubject: x\n\nhello\n", "-f", "me@example.com", "-F",
                    "Full Name", "you@example.net")
    assert message.field_names == ["From", "Date", "Message-ID", "To", "Subject"]
    assert message.field("From") == "Full Name <me@example.com>"
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? [A-Z][a-z][a-z] \d{4} "
                        r"\d\d:\d\d:\d\d \+0000", message.field("Date"))
    assert re.fullmatch(r"<[^<>@\s]+@example\.com>", message.field("Message-ID"))


def test_what_is_there_is_left_alone(relay):
    assert relay(FIXED + b"\nx\n").content == ARRIVED + b"\r\nx\r\n"


def test_message_ids_differ(relay):
    first = relay(b"To: a@b.example\n\nx\n").field("Message-ID")
    assert relay(b"To: a@b.example\n\nx\n").field("Message-ID") != first


@pytest.mark.parametrize("name, field", [
    ("Full Name", "Full Name <me@example.com>"),
    ("Doe, John", '"Doe, John" <me@example.com>'),
    ('a "b" \\c', r'"a \"b\" \\c" <me@example.com>'),
    ("x@y", '"x@y" <me@example.com>'),
    ("", None),
])
def test_a_full_name_is_quoted_as_it_needs(relay, name, field):
    message = relay(b"To: you@example.net\n\nx\n", "-F", name, "you@example.net")
    if field:
        assert message.field("From") == field
    assert parseaddr(message.field("From"))[1] == "me@example.com"


@pytest.mark.parametrize("name", ["Jürgen Groß", "山田太郎" * 20])
def test_a_full_name_beyond_ascii_is_encoded(relay, name):
    from email.header import decode_header, make_header
    message = relay(b"To: you@example.net\n\nx\n", "-F", name, "you@example.net")
    value = message.field("From")
    assert value.isascii()
    assert str(make_header(decode_header(value.rpartition(" <")[0]))) == name
    assert all(len(word) <= 75 for word in value.split())


def test_bare_addresses_are_qualified(relay):
    message = relay(b"From: me@example.com\nTo: bob, Carol <carol>, x@example.net\nCc: dave\n"
                    b"Reply-To: me\n\nx\n")
    assert message.field("To") == \
        "bob@web1.example.org, Carol <carol@web1.example.org>, x@example.net"
    assert message.field("Cc") == "dave@web1.example.org"
    assert message.field("Reply-To") == "me@web1.example.org"


# -- recipients

def recipients(relay, header, *words):
    return relay(b"From: me@example.com\n" + header + b"\nx\n", *words).recipients


@pytest.mark.parametrize("header, words, expected", [
    (b"To: a@x.example\nCc: b@x.example\nBcc: c@x.example\n", [], "a b c"),
    (b"To: a@x.example\n", ["b@x.example"], "b a"),
    (b"To: a@x.example, a@X.EXAMPLE, a@x.example\n", ["a@x.example"], "a"),
    (b"To: A Name <a@x.example>, \"Q, R\" <b@x.example>\n", [], "a b"),
    (b"To: (comment (nested)) a@x.example (after)\n", [], "a"),
    (b"To: Friends: a@x.example, b@x.example;, c@x.example\n", [], "a b c"),
    (b"To: undisclosed-recipients:;\nBcc: a@x.example\n", [], "a"),
    (b"To: a@x.example,\n b@x.example,\n\tc@x.example\n", [], "a b c"),
    (b"To: <@relay.example:a@x.example>\n", [], "a"),
    (b"To: a@x.example\nTo: b@x.example\n", [], "a b"),
    (b"to: a@x.example\nCC: b@x.example\nbCc: c@x.example\n", [], "a b c"),
    (b"To : a@x.example\nBcc\t: b@x.example\n", [], "a b"),
    (b"Resent-To: a@x.example\nResent-Bcc: b@x.example\nTo: c@x.example\n", [], "a b"),
    (b"To: c@x.example\nResent-From: me@example.com\nResent-Cc: a@x.example\n", [], "a"),
    (b"To:\n a@x.example\n", [], "a"),
    (b"To: a@x.example b@x.example\n", [], None),
    (b"To: ,, a@x.example ,\n", [], "a"),
    (b"X-To: b@x.example\nTo: a@x.example\n", [], "a"),
])
def test_recipients_of_the_header(relay, header, words, expected):
    got = recipients(relay, header, "-t", *words)
    if expected is not None:
        assert sorted(got) == sorted(f"{name}@x.example" for name in expected.split())
    assert len(set(got)) == len(got)


def test_without_t_the_header_names_nobody(relay):
    assert recipients(relay, b"To: a@x.example\nBcc: b@x.example\n", "c@x.example") == \
        ["c@x.example"]


def test_an_argument_may_be_a_list(relay):
    assert recipients(relay, b"", "a@x.example, Some One <b@x.example>", "c@x.example") == \
        ["a@x.example", "b@x.example", "c@x.example"]


def test_quoted_local_parts(relay):
    assert recipients(relay, b'To: "a b"@x.example, "ab"@x.example\n', "-t") == \
        ['"a b"@x.example', "ab@x.example"]


@pytest.mark.parametrize("bcc", [
    b"Bcc: secret@x.example\n",
    b"bcc: secret@x.example\n",
    b"BCC : secret@x.example\n",
    b"Bcc\t:secret@x.example\n",
    b"Bcc: a@x.example,\n secret@x.example\n",
    b"Bcc:\n secret@x.example\n",
    b"Bcc:\n",
    b"Bcc: secret@x.example\nBcc: secret@x.example\n",
    b"Resent-Bcc: secret@x.example\n",
    b"resent-BCC : secret@x.example,\n\tb@x.example\n",
    b"Bcc: secret@x.example\r\n",
])
@pytest.mark.parametrize("words", [["-t", "you@example.net"], ["you@example.net"]])
def test_bcc_never_leaves(relay, bcc, words):
    message = relay(FIXED + bcc + b"X-After: y\n\nx\n", *words)
    assert b"secret" not in message.content
    assert b"bcc" not in message.content.lower()
    assert message.field("X-After") == "y"


@pytest.mark.parametrize("words", [["-t"], []])
def test_ten_thousand_recipients(serve, machine, words):
    provider = machine.use(serve())
    everyone = [f"r{i}@example.net" for i in range(10_000)]
    if words:
        header = b"Bcc: " + b",\n ".join(r.encode() for r in everyone) + b"\n"
        machine.delivers("-t", input=FIXED.replace(b"To: you@example.net\n", b"") + header +
                         b"\nx\n")
    else:
        machine.delivers(*everyone, input=FIXED + b"\nx\n")
    assert provider.message.recipients == everyone


# -- the end of the input

@pytest.mark.parametrize("words", [[], ["-i"], ["-oi"]])
def test_a_lone_dot_ends_nothing(relay, words):
    assert relay(FIXED + b"\na\n.\nb\n", *words, "you@example.net").body == b"a\r\n.\r\nb\r\n"


def test_input_that_comes_in_drops(serve, machine):
    import os
    import threading
    provider = machine.use(serve())
    reader, writer = os.pipe()

    def drip():
        for octet in FIXED + b"\nhello\n":
            os.write(writer, bytes([octet]))
        os.close(writer)

    thread = threading.Thread(target=drip)
    thread.start()
    with open(reader, "rb") as source:
        machine.delivers("you@example.net", input=source)
    thread.join()
    assert provider.message.content == ARRIVED + b"\r\nhello\r\n"


# -- a server without 8BITMIME (RFC 6152)

MIXED = b"""From: me@example.com
To: you@example.net
Subject: x
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b
Content-Transfer-Encoding: 8bit

--b
Content-Type: text/plain; charset=utf-8

gr\xc3\xbcn, and a line of text
--b
Content-Type: application/x-y
Content-Transfer-Encoding: 8bit

\xff\xfe
--b--
"""


def parse(message):
    return email.message_from_bytes(message.content, policy=email.policy.default)


def text_of(part):
    return part.get_content().replace("\r\n", "\n").rstrip("\n") + "\n"


@pytest.mark.parametrize("without", [(), ("CHUNKING",), ("CHUNKING", "PIPELINING")], ids=str)
def test_8_bit_content_is_converted_for_a_server_that_takes_none(serve, machine, without):
    provider = machine.use(serve(without=("8BITMIME", *without)), queue="on")
    machine.delivers("-t", input=MIXED)
    message = provider.message
    assert message.content.isascii()
    assert message.sender_parameters == [f"SIZE={len(message.content)}"]
    text, data = parse(message).iter_parts()
    assert text_of(text) == "grün, and a line of text\n"
    assert data.get_content() == b"\xff\xfe"


def test_8_bit_text_without_mime_is_converted(serve, machine):
    provider = machine.use(serve(without=("8BITMIME",)))
    machine.delivers("you@example.net", input="From: me@example.com\nSubject: x\n\ngrüne Wiese\n".encode())
    assert provider.message.content.isascii()
    assert text_of(parse(provider.message)) == "grüne Wiese\n"


def test_8_bit_content_that_is_signed_is_refused_before_it_is_sent(serve, machine):
    provider = machine.use(serve(without=("8BITMIME",)))
    result = machine.sendmail("-t", input=MIXED.replace(b"multipart/mixed", b"multipart/signed"))
    assert result.code == 69 and "8BITMIME" in result.text and "signature" in result.text
    assert not provider.messages
    assert not [line for line in provider.connection.lines if line.startswith("MAIL")]


def test_large_8_bit_content_is_converted(serve, machine):
    provider = machine.use(serve(without=("8BITMIME",)))
    lines = "".join(f"{i} grüne Wiesen und viel Text dahinter\n" for i in range(60_000))
    machine.delivers("you@example.net", input=f"From: me@example.com\n\n{lines}".encode())
    arrived = text_of(parse(provider.message))
    assert provider.message.content.isascii() and len(arrived) == len(lines)
    assert (arrived == lines) is True  # without a difference of megabytes
