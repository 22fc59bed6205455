"""The provider itself, driven by clients that are not ours: Python's smtplib, and raw sockets."""

import smtplib
import socket
import ssl

import pytest

from provider import close, drip, in_turn, silence

MESSAGE = b"From: me@example.com\r\nTo: you@example.net\r\n\r\nhello\r\n.dot\r\n"


def trusting(authority):
    return ssl.create_default_context(cafile=authority.trust)


def client(provider, authority):
    smtp = smtplib.SMTP("127.0.0.1", provider.port, "client.example.com", timeout=20)
    smtp.starttls(context=trusting(authority))
    smtp.login("me@example.com", "s3cret")
    return smtp


def talk(provider, *writes):
    """Sends each of WRITES after something came; returns all that came."""
    got = b""
    with socket.create_connection(("127.0.0.1", provider.port), 20) as sock:
        for write in writes:
            got += sock.recv(65536)
            sock.sendall(write)
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the provider was faster
        while data := sock.recv(65536):
            got += data
    return got


def test_a_message_over_starttls_is_recorded_octet_by_octet(serve, authority):
    provider = serve()
    with client(provider, authority) as smtp:
        smtp.sendmail("me@example.com", ["you@example.net"], MESSAGE, ["BODY=8BITMIME"])
    assert provider.message.content == MESSAGE
    assert provider.message.sender == "me@example.com"
    assert provider.message.sender_parameters == [f"size={len(MESSAGE)}", "BODY=8BITMIME"]
    assert provider.message.by == "DATA"
    assert provider.connection.tls == "TLSv1.3"
    assert provider.connection.logged_in
    assert provider.connection.password == "s3cret"


def test_turns_of_the_dialogue_are_counted_by_phase(serve, authority):
    provider = serve(watch_quit=True)
    with client(provider, authority) as smtp:
        smtp.sendmail("me@example.com", ["a@example.net", "b@example.net"], MESSAGE)
    turns = provider.connection.turnarounds
    assert turns == {"connect": 1, "greeting": 1, "ehlo": 2, "starttls": 1, "tls": 1, "auth": 1,
                     "mail": 1, "rcpt": 2, "data": 1, "content": 1}
    assert provider.connection.round_trips == 12
    assert provider.connection.waited_for_221 is True


def test_pipelined_commands_are_one_turn(serve):
    provider = serve(tls="none", mechanisms="")
    talk(provider, b"EHLO x\r\n",
         b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 4 LAST\r\nhi\r\n", b"QUIT\r\n")
    assert provider.connection.round_trips == 1 + 1 + 1 + 1
    assert provider.message.content == b"hi\r\n"
    assert provider.message.chunks == [4]
    assert provider.connection.segments("mail") == [49]


def test_tls_records_are_seen_as_segments(serve, authority):
    provider = serve(tls="implicit", mechanisms="")
    with socket.create_connection(("127.0.0.1", provider.port), 20) as plain:
        with trusting(authority).wrap_socket(plain, server_hostname="localhost") as sock:
            sock.recv(1000)
            sock.sendall(b"EHLO")
            sock.sendall(b" x\r\n")
            sock.recv(1000)
    assert provider.connection.segments("ehlo") == [4, 4]
    assert provider.connection.server_name == "localhost"


@pytest.mark.parametrize("kind, complaint", [
    ("wrong-name", "IP address mismatch"),
    ("expired", "certificate has expired"),
    ("not-yet", "not yet valid"),
    ("self-signed", "self-signed certificate"),
    ("client-only", "unsuitable certificate purpose"),
])
def test_bad_certificates_are_bad_to_openssl_too(serve, authority, kind, complaint):
    provider = serve(certificate=kind)
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
        client(provider, authority)
    assert provider.connection.verbs == ["EHLO", "STARTTLS"]
    assert not provider.connection.logged_in


def test_tls_1_1_is_all_there_is(serve, authority):
    provider = serve(tls11=True)
    with pytest.raises(ssl.SSLError):
        client(provider, authority)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(authority.trust)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with smtplib.SMTP("127.0.0.1", provider.port, timeout=20) as smtp:
        smtp.starttls(context=old)
    assert provider.connections[1].tls == "TLSv1.1"


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "content"])
@pytest.mark.parametrize("code", [451, 550])
def test_each_step_can_be_refused(serve, authority, step, code):
    provider = serve(**{step: f"{code} 4.0.0 no"})
    smtp = client(provider, authority)
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)) as caught:
        smtp.sendmail("me@example.com", ["you@example.net"], MESSAGE)
    assert str(code) in str(caught.value)
    smtp.close()
    assert provider.messages == []


def test_answers_by_address_by_turn_and_a_limit_of_recipients(serve):
    provider = serve(tls="none", mechanisms="", max_recipients=1, mail=in_turn("451 later", None),
                     rcpt={"b@x": "550 5.1.1 who?\n550 5.1.1 really"})
    said = talk(provider, b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"MAIL FROM:<>\r\n",
                b"RCPT TO:<b@x>\r\nRCPT TO:<a@x>\r\nRCPT TO:<c@x>\r\n", b"QUIT\r\n")
    assert b"451 later\r\n250 2.1.0 ok\r\n550-5.1.1 who?\r\n550 5.1.1 really\r\n250 2.1.5 ok\r\n" \
           b"452 4.5.3 too many recipients\r\n" in said


def test_faults(serve):
    assert talk(serve(greeting=close), b"EHLO x\r\n") == b""
    assert talk(serve(greeting="554 5.3.2 no"), b"QUIT\r\n")[:10] == b"554 5.3.2 "
    assert talk(serve(ehlo=("421 bye", close)), b"EHLO x\r\n").endswith(b"\r\n421 bye\r\n")
    assert talk(serve(ehlo=drip("250 x", 0)), b"EHLO x\r\n").endswith(b"250 x\r\n")
    assert talk(serve(ehlo=silence), b"EHLO x\r\n").count(b"\n") == 1
    assert talk(serve(ehlo=b"2"), b"EHLO x\r\n").endswith(b"\n2")


def test_a_written_dialogue_is_played(serve):
    provider = serve(script="""
        S: 220 first
        S: 220 second
        C: EHLO
        S: 250-half
        ! raw 250
        C: MAIL
        ! raw \\x20end\\r\\n
        ! close
    """)
    assert talk(provider, b"EHLO x\r\n", b"MAIL FROM:<>\r\n") == \
        b"220 first\r\n220 second\r\n250-half\r\n250 end\r\n"
    assert provider.connection.lines == ["EHLO x", "MAIL FROM:<>"]
    with pytest.raises(ValueError):
        serve(script="X: what")


def test_violations_are_noticed(serve):
    provider = serve(tls="none", mechanisms="", without=("PIPELINING", "8BITMIME"))
    talk(provider, b"EHLO x\n", b"MAIL FROM:<a> BODY=8BITMIME\r\nRCPT TO:<a>\r\n", b"DATA\r\n",
         b"bare\nlf\r\n" + b"x" * 999 + b"\r\n.\r\n")
    found = "\n".join(provider.violations)
    provider.forgive()
    for what in ("stray octets", "pipelining", "BODY=8BITMIME was not", "stray CR", "998"):
        assert what in found


def test_a_unix_socket_speaks_lmtp(serve, socket_path):
    provider = serve(unix=socket_path, lmtp=True, tls="none", mechanisms="",
                     content={"b@x": "452 4.2.2 full"})
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(socket_path)
        reader = sock.makefile("rb", buffering=0)
        reader.readline()
        sock.sendall(b"LHLO x\r\n")
        while reader.readline()[3:4] == b"-":
            pass
        sock.sendall(b"MAIL FROM:<>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nBDAT 0 LAST\r\n")
        replies = [reader.readline()[:3] for _ in range(5)]
        reader.close()
    assert replies == [b"250", b"250", b"250", b"250", b"452"]
    assert provider.message.recipients == ["a@x", "b@x"]
