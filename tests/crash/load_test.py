"""Fifty submit at once while the provider comes and goes and processes are killed: nothing accepted
is lost, and what comes twice was in flight in a process that was killed."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

import inject
from ledger import PATIENCE, TEXT, all_at_once
from spool import message

SUBMITTERS, EACH = (50, 100) if inject.FULL else (12, 12)
RUNNERS, CONNECTIONS = 3, 4
WINDOW = 32  # transactions in flight on a connection, at most

# What each can answer for a while. None of it leaves a message in doubt, as a lost reply would.
MOODS = ({}, {}, {}, {"greeting": "421 4.3.2 too busy"}, {"ehlo": "421 4.3.2 going down"},
         {"mail": "451 4.3.0 not now"}, {"rcpt": "450 4.2.1 mailbox busy"},
         {"content": "451 4.3.0 disk full"}, {"data": "421 4.3.2 going down"})


class Story:
    def __init__(self, ledger):
        self.ledger = ledger
        self.chance = random.Random(1)
        self.lock, self.done = threading.Lock(), threading.Event()
        self.running, self.codes = {}, {}
        self.kills = Counter()

    def call(self, kind, name, *words, input=b""):
        """The exit status, negative for a signal."""
        machine = self.ledger.machine
        with self.lock:
            process = subprocess.Popen(
                [str(machine.programs / name), *words], stdin=subprocess.PIPE,
                stderr=subprocess.PIPE, env=machine.environment(), cwd=machine.directory,
                start_new_session=True)
            self.running[process] = kind
        try:
            _, err = process.communicate(input, PATIENCE)
        finally:
            with self.lock:
                del self.running[process]
        assert b"Sanitizer" not in err, err
        return process.returncode

    def submit(self, who):
        for i in range(EACH):
            subject = f"number {who * EACH + i + 1}"
            mode = ("-odi", "-odq", "-odb")[i % 3]
            self.codes[subject] = self.call("submission", "sendmail", mode, "you@example.net",
                                            input=message(subject, TEXT))

    def run(self):
        while not self.done.is_set():
            self.call("run", "sendmail", "-q")

    def flap(self):
        while not self.done.wait(self.chance.uniform(0.02, 0.3)):
            answers = self.ledger.provider.answers
            mood = self.chance.choice(MOODS)
            for step in set(answers) - set(mood):
                answers.pop(step, None)
            answers.update(mood)

    def kill(self):
        while not self.done.wait(self.chance.uniform(0.01, 0.1)):
            with self.lock:
                process = self.chance.choice(list(self.running)) if self.running else None
                if process and process.poll() is None:
                    self.kills[self.running[process]] += 1
                    os.killpg(process.pid, signal.SIGKILL)

    def tell(self):
        all_at_once([(self.submit, who) for who in range(SUBMITTERS)],
                    [(self.run,)] * RUNNERS + [(self.flap,), (self.kill,)], self.done)


def test_a_crowd_with_a_provider_that_comes_and_goes(ledger):
    ledger.spool.use(ledger.provider, max_connections=str(CONNECTIONS), logfile=None)
    story, began = Story(ledger), time.monotonic()
    story.tell()
    ledger.provider.answers.clear()
    ledger.spool.use(ledger.provider, max_connections=str(CONNECTIONS), logfile=None)
    for _ in range(20):
        story.call("flush", "onehopctl", "flush")  # clears tmp/ too
        if not ledger.spool.ids():
            break
    got = Counter()
    for (subject, recipient), n in ledger.got().items():
        assert subject in story.codes and recipient == "you@example.net", (subject, recipient)
        got[subject] += n
    codes = Counter("accepted" if code == 0 else "killed" if code == -9 else code
                    for code in story.codes.values())
    lost = [s for s, code in story.codes.items() if code == 0 and not got[s]]
    twice = sum(n - 1 for n in got.values())
    kills = story.kills["run"] + story.kills["submission"]
    print(f"\n{len(story.codes)} submissions of {SUBMITTERS} at once in "
          f"{time.monotonic() - began:.0f} s, {dict(codes)}; {dict(story.kills)} killed; "
          f"{len(got)} messages arrived, {len(lost)} lost, {twice} came twice")
    assert not lost
    assert set(codes) <= {"accepted", "killed"}, codes
    assert not ledger.spool.left()
    assert twice <= story.kills["run"] * CONNECTIONS * WINDOW + story.kills["submission"] * 2
    assert kills > 0
