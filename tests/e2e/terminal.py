"""A program at a terminal, and the person there."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios

from machine import PATIENCE


class Terminal:
    """A program whose terminal we are. What it prints goes to the terminal, too, if it has no other
    standard output."""

    def __init__(self, machine, *words, stdin=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                 program="sendmail", before=(), command=None, **environment):
        self.master, slave = pty.openpty()
        self.seen = b""

        def take_terminal():
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a job in the background ignores
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command or [*before, str(machine.programs / program), *words],
            stdin=slave if stdin is None else stdin, stdout=stdout or slave, stderr=stderr or slave,
            preexec_fn=take_terminal, env=machine.environment(**environment), pass_fds=(slave,))
        os.close(slave)

    def type(self, text):
        os.write(self.master, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def wait_for(self, text):
        """Returns what came since the last call, up to and with TEXT."""
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], PATIENCE)
            assert ready, f"waiting for {text}, seen {self.seen}"
            self.seen += os.read(self.master, 1000)
        end = self.seen.index(text) + len(text)
        shown, self.seen = self.seen[:end], self.seen[end:]
        return shown

    def answers(self, question, answer):
        """Types ANSWER when the program asks."""
        shown = self.wait_for(question)
        self.type(answer)
        return shown

    def rest(self):
        """What is printed until nobody can print any more."""
        try:
            while True:
                ready, _, _ = select.select([self.master], [], [], PATIENCE)
                assert ready, f"it waits for an answer, seen {self.seen}"
                self.seen += os.read(self.master, 1000)
        except OSError:  # EIO: the last one left
            pass
        shown, self.seen = self.seen, b""
        return shown

    def end(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        os.close(self.master)
        return self.process.returncode, out, err
