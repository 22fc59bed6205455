"""A person at a terminal."""

import signal
import tempfile

import pytest

from spool import message
from terminal import Terminal

MAIL = message("x", "hello")


@pytest.mark.parametrize("words, text, body", [
    ([], MAIL + b".\nnot read\n", b"hello\r\n"),
    (["-i"], MAIL + b".\nread\n\x04", b"hello\r\n.\r\nread\r\n"),
    ([], MAIL + b"\x04", b"hello\r\n"),
], ids=["dot", "dot-with-i", "end-of-file"])
def test_a_message_that_is_typed(serve, machine, words, text, body):
    provider = machine.use(serve())
    terminal = Terminal(machine, *words, "you@example.net")
    terminal.type(text)
    code, out, err = terminal.end()
    assert (code, out, err) == (0, b"", b"")
    assert provider.message.body == body


def with_mail_from_a_file(machine):
    with tempfile.TemporaryFile() as mail:
        mail.write(MAIL)
        mail.seek(0)
        return Terminal(machine, "you@example.net", stdin=mail)


def test_the_terminal_is_asked_for_a_password_last(serve, machine):
    provider = machine.use(serve(), password=None)
    terminal = with_mail_from_a_file(machine)
    prompt = terminal.wait_for(b": ")
    assert b"me@example.com" in prompt or b"127.0.0.1" in prompt
    terminal.type(b"s3cret\n")
    code, out, err = terminal.end()
    assert (code, out, err) == (0, b"", b"")
    assert provider.connection.password == "s3cret"
    assert provider.message.body == b"hello\r\n"


def test_the_interrupt_key_at_a_password_leaves_a_terminal_that_echoes(serve, machine):
    machine.use(serve(), password=None)
    terminal = with_mail_from_a_file(machine)
    terminal.wait_for(b": ")
    assert not terminal.echoes()
    terminal.type(b"half a pass\x03")
    assert terminal.process.wait(60) == -signal.SIGINT
    assert terminal.echoes()
    terminal.end()
