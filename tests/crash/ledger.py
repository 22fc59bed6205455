"""Keeps account of what was submitted, what was accepted, and what the provider got."""

import shutil
import subprocess
import threading
from collections import Counter

import inject
from spool import Spool, message

PATIENCE = 60  # seconds after which a program hangs
GONE = {"gone@example.net": "550 5.1.1 who?"}
TEXT = "line one\n..two\n" + "x" * 300 + "\n"


class Ledger:
    def __init__(self, serve, machine, **words):
        self.machine = machine
        self.spool = Spool(machine)
        self.provider = serve(tls="none", mechanisms="", rcpt=GONE, **words)
        self.spool.use(self.provider, max_connections="1", logfile=None)
        self.n = 0
        self.codes = {}      # subject: exit status of its submission
        self.people = {}     # subject: recipients that exist
        self.refused = set() # subjects with a recipient that does not

    # -- calls

    def call(self, name, *words, input=b"", before=(), environment=None, **popen):
        """(exit status, negative for a signal, stdout, stderr)"""
        options = "detect_leaks=0"  # it cannot look while it is traced
        process = subprocess.Popen(
            [*before, str(self.machine.programs / name), *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.machine.directory,
            env=self.machine.environment(ASAN_OPTIONS=options, **(environment or {})), **popen)
        out, err = process.communicate(input, PATIENCE)
        text = err.decode("utf-8", "replace")
        assert "Sanitizer" not in text and "runtime error:" not in text, text
        assert name == "mailq" or out == b"", out
        return process.returncode, out, text

    def subject(self):
        self.n += 1
        return f"number {self.n}"

    def submit(self, *words, to=("you@example.net",), before=(), text=TEXT, **more):
        """Submits a new message; what became of it goes into the books."""
        subject = self.subject()
        self.people[subject] = {a for a in to if a not in GONE}
        if set(to) & set(GONE):
            self.refused.add(subject)
        code, _, err = self.call("sendmail", *words, *to, input=message(subject, text),
                                 before=before, **more)
        self.codes[subject] = code
        mute = any(word.startswith("--inject=write:error") and word.endswith("+") for word in before)
        assert code <= 0 or err or mute, f"{code} without a word"
        return code, err

    def accepted(self, *words, **more):
        code, err = self.submit(*words, **more)
        assert (code, err) == (0, "")

    def trace(self):
        return self.machine.directory / "trace"

    # -- a spool to start from again and again

    def keep(self):
        shutil.copytree(self.spool.path, self.machine.directory / "kept", symlinks=True)

    def restore(self):
        shutil.rmtree(self.spool.path, ignore_errors=True)
        shutil.copytree(self.machine.directory / "kept", self.spool.path, symlinks=True)
        self.provider.settle()
        self.provider._records.clear()

    # -- what must hold

    def run_clean(self, where=""):
        """The next run works: in silence, and nothing is left."""
        code, _, err = self.call("sendmail", "-q")
        assert (code, err) == (0, ""), f"{where}: the next run: {code} {err}"
        assert not self.spool.left(), f"{where}: left behind {self.spool.left()}"

    def got(self):
        """Counter of (subject, recipient); bounces stand under "bounce of ..."."""
        found = Counter()
        for sent in self.provider.messages:
            subject = sent.field("Subject")
            if sent.sender == "":
                original = next(l for l in sent.content.decode().split("\r\n")
                                if l.startswith("Subject: number"))
                subject = "bounce of" + original.removeprefix("Subject:")
            else:
                body = sent.body.replace(b"\r\n", b"\n")
                assert body == TEXT.encode() + b"\n" or len(body) > 2000, f"{subject}: {body}"
            for recipient in sent.recipients:
                found[subject, recipient] += 1
        return found

    def check(self, where="", extra=0):
        """Accepted mail arrived, refused mail did not, and at most EXTRA messages came twice."""
        self.run_clean(where)
        got, repeated = self.got(), Counter()
        for subject, code in self.codes.items():
            for person in self.people[subject]:
                n = got[subject, person]
                assert n >= 1 or code != 0, f"{where}: {subject} to {person} is lost"
                assert n == 0 or code <= 0, f"{where}: {subject} was not accepted, and arrived"
                if n > 1:
                    repeated[subject] = max(repeated[subject], n - 1)
            if subject in self.refused:
                n = got["bounce of " + subject, "me@example.com"]
                assert n >= 1 or code != 0, f"{where}: nobody was told of {subject}"
                if n > 1:
                    repeated["bounce of " + subject] = n - 1
        assert sum(repeated.values()) <= extra, f"{where}: repeated {repeated}"

    def forget(self):
        self.codes.clear()
        self.people.clear()
        self.refused.clear()
        self.provider.settle()
        self.provider._records.clear()


def stop_at(trace, point, fault):
    call, n = point
    return inject.command(trace, call, fault, n)


def all_at_once(works, others, done):
    """Calls each of WORKS and OTHERS, tuples of a function and its arguments, in a thread of its own. DONE,
    an event that the others look at, is set when the works have ended."""
    failures = []

    def guarded(work, *words):
        try:
            work(*words)
        except BaseException as problem:  # of a thread: reported at the end
            failures.append(problem)

    works, others = ([threading.Thread(target=guarded, args=call) for call in calls] for calls in (works, others))
    for thread in works + others:
        thread.start()
    for thread in works:
        thread.join()
    done.set()
    for thread in others:
        thread.join()
    assert not failures, failures[0]
