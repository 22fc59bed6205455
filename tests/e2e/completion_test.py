"""What shells offer when a word is completed: the real ones, at a terminal."""

import os
import shutil
import subprocess

import pytest

from machine import PATIENCE, SOURCE
from terminal import Terminal

SCRIPTS = os.path.join(SOURCE, "etc", "completion")
ACCOUNTS = """\
[account work]
from = me@example.com
host = smtp.example.com
user = me@example.com

[account me@163.com]
user = me@163.com
"""


@pytest.fixture(autouse=True)
def configured(machine):
    machine.configure(ACCOUNTS)


def environment(machine):
    return {"PATH": f"{machine.programs}:/usr/bin:/bin", "TERM": "dumb", "INPUTRC": "/dev/null"}


class Shell:
    """An interactive shell. A line is typed, completed, and printed by the shell itself."""

    def __init__(self, machine, command, *setup):
        self.terminal = Terminal(machine, command=command, stdout=None, stderr=None,
                                 **environment(machine))
        for line in setup:
            self.terminal.type(line.encode() + b"\n")

    def completes(self, typed, keys=b"\t"):
        """The words that TYPED and the KEYS make."""
        self.terminal.type(typed.encode() + keys + b"\x01printf '<%s>' \x05 end; echo\n")
        shown = self.terminal.wait_for(b"<end>").decode()
        line = shown[shown.rindex("<" + typed.split()[0] + ">"):]
        return [word for word in line.strip("<>").split("><") if word][:-1]

    def end(self):
        self.terminal.type(b"\x03\nexit\n")
        self.terminal.rest()
        self.terminal.end()


@pytest.fixture
def bash(machine):
    shell = Shell(machine, ["/bin/bash", "--norc", "--noprofile", "-i"], "PS1='> '",
                  "bind 'set bell-style none'", "bind 'set enable-bracketed-paste off'",
                  "bind '\"\\C-t\": insert-completions'", f". {SCRIPTS}/onehop.bash")
    yield shell
    shell.end()


CASES = [
    ("onehopctl che", "onehopctl check"),
    ("onehopctl check w", "onehopctl check work"),
    ("onehopctl check me@1", "onehopctl check me@163.com"),
    ("onehopctl providers gmai", "onehopctl providers gmail.com"),
    ("onehopctl queue --j", "onehopctl queue --json"),
    ("onehopctl flush --account w", "onehopctl flush --account work"),
    ("onehopctl help k", "onehopctl help keys"),
    ("onehopctl setup --adm", "onehopctl setup --admin"),
    ("onehopctl setup --host smtp.gmai", "onehopctl setup --host smtp.gmail.com"),
    ("onehop --read-env", "onehop --read-envelope-from"),
    ("onehop -a w", "onehop -a work"),
    ("onehop --account=w", "onehop --account=work"),
    ("onehop --tls-starttls=of", "onehop --tls-starttls=off"),
    ("onehop --auth=exter", "onehop --auth=external"),
]


def test_words_in_bash(bash):
    for typed, completed in CASES:
        assert bash.completes(typed) == completed.split(), typed


def test_other_names_of_the_program_in_bash(bash):
    assert bash.completes("sendmail --read-env") == ["sendmail", "--read-envelope-from"]
    assert bash.completes("mailq --versi") == ["mailq", "--version"]


def test_many_words_in_bash(bash):
    assert bash.completes("onehopctl c", b"\x14") == ["onehopctl", "check", "convert"]
    assert bash.completes("onehopctl queue ", b"\x14") == ["onehopctl", "queue", "--failed", "--json"]


def test_files_in_bash(bash, machine):
    place = machine.file("old/msmtprc", "")
    assert bash.completes(f"onehopctl convert {place[:-3]}") == ["onehopctl", "convert", place]
    assert bash.completes(f"onehop -C {place[:-3]}") == ["onehop", "-C", place]
    assert bash.completes(f"onehop --tls-trust-file={place[:-3]}") == [
        "onehop", f"--tls-trust-file={place}"]


def test_queue_ids_in_bash(bash, machine):
    machine.delivers("-odq", "-a", "work", "you@example.net")
    (entry,) = (machine.home / ".local/state/onehop/queue").iterdir()
    assert bash.completes("onehopctl show ") == ["onehopctl", "show", entry.name]


def test_words_in_zsh(machine):
    if not shutil.which("zsh", path="/usr/bin:/bin"):
        pytest.skip("NOT TESTED: no zsh")
    shell = Shell(machine, ["zsh", "-f", "-i"], "PS1='> '", "unsetopt beep zle_bracketed_paste",
                  "bindkey -e", f"fpath=({SCRIPTS} $fpath)",
                  "autoload -U compinit && compinit -u -D")
    try:
        for typed, completed in CASES:
            assert shell.completes(typed) == completed.split(), typed
    finally:
        shell.end()


def test_words_in_fish(machine):
    if not shutil.which("fish", path="/usr/bin:/bin"):
        pytest.skip("NOT TESTED: no fish")
    for typed, completed in CASES:
        done = subprocess.run(["fish", "--no-config", "-c",
                               f"source {SCRIPTS}/onehop.fish; complete -C '{typed}'"],
                              capture_output=True, text=True, timeout=PATIENCE,
                              env=machine.environment(**environment(machine)))
        words = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert words == [completed.split()[-1]], (typed, done.stderr)


def test_every_verb_and_option_is_offered(machine):
    """The tables are asked, here as there."""
    def offered(*words):
        shown = machine.run("onehopctl", "complete", *words).shown
        return {line.split("\t")[0].rstrip("=") for line in shown.splitlines()}

    options = set(machine.run("onehopctl", "help", "options").shown.split())
    assert {word for word in options if word.startswith("--")} <= offered("onehop", "-")
    verbs = {line.split()[0] for line in machine.run("onehopctl", "help").shown.splitlines()[2:]}
    assert offered("onehopctl", "") == verbs
    listed = machine.run("onehopctl", "setup", "--help").shown.split()
    assert {word for word in listed if word.startswith("--")} <= offered("onehopctl", "setup", "-")
