"""A person at a terminal."""

import fcntl
import os
import pty
import subprocess
import termios

import pytest

MAIL = b"From: me@example.com\nTo: you@example.net\nSubject: x\n\nhello\n"


class Terminal:
    """A program whose terminal we are."""

    def __init__(self, machine, *words, stdin=None):
        self.master, slave = pty.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [machine.programs / "sendmail", *words], stdin=slave if stdin is None else stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=take_terminal,
            env=machine.environment(), pass_fds=(slave,))
        os.close(slave)

    def type(self, text):
        os.write(self.master, text)

    def wait_for(self, text):
        seen = b""
        while text not in seen:
            seen += os.read(self.master, 1000)
        return seen

    def end(self):
        out, err = self.process.communicate(timeout=60)
        os.close(self.master)
        return self.process.returncode, out, err


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


def test_the_terminal_is_asked_for_a_password_last(serve, machine):
    provider = machine.use(serve(), password=None)
    reader, writer = os.pipe()
    os.write(writer, MAIL)
    os.close(writer)
    terminal = Terminal(machine, "you@example.net", stdin=reader)
    os.close(reader)
    prompt = terminal.wait_for(b": ")
    assert b"me@example.com" in prompt or b"127.0.0.1" in prompt
    terminal.type(b"s3cret\n")
    code, out, err = terminal.end()
    assert (code, out, err) == (0, b"", b"")
    assert provider.connection.password == "s3cret"
    assert provider.message.body == b"hello\r\n"
