#!/usr/bin/python3
"""Measures the queue: how fast mail is put into the spool, listed and delivered, over connections
of no length and of 20 ms, and what an unreachable provider costs; beside nullmailer and dma where
their programs are given.

    queues.py --onehop PROGRAM --sink PROGRAM [--entries N,N] [--peers DIRECTORY]

Prints tables with the budgets beside the figures. Judges nothing: the exit status is 0 if
everything could be measured, and 1 if not.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import link
import peers
from memory import Memory
from programs import PASSWORD, RECIPIENT, SENDER, USER
from setting import LINE, enter_namespace, make_trust

SIZE = 4 * 1024
RTT = 0.020
CONNECTIONS = (1, 4)
SUBMISSIONS = 50
PATIENCE = 1200
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def message(i):
    header = (
        f"From: Bench <{SENDER}>\nTo: {RECIPIENT}\nSubject: message {i}\n"
        f"Date: Mon, 23 Nov 2026 08:00:00 +0000\nMessage-ID: <bench.{i}@example.com>\n\n"
    )
    return (header + LINE * -(-(SIZE - len(header)) // len(LINE))).encode()


def later_id(entry, i):
    """The id that a message gets which arrives I microseconds after that entry."""
    number = 0
    for c in entry[:9]:
        number = number * 62 + DIGITS.index(c)
    number += i
    text = ""
    for _ in range(9):
        text = DIGITS[number % 62] + text
        number //= 62
    return text + entry[9:]


class Unreachable:
    """A port that hangs up on whoever connects, and counts them."""

    def __init__(self):
        self.count = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            self.count += 1
            peer.close()


class Spool:
    """One queue of onehop's with an account for it."""

    def __init__(self, bench, name, port, connections, chunking=True, host="127.0.0.1"):
        self.bench = bench
        self.directory = os.path.join(bench.directory, name)
        os.mkdir(self.directory)
        self.file = os.path.join(self.directory, "onehop.ini")
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(
                f"[account bench]\nhost = {host}\nport = {port}\nfrom = {SENDER}\n"
                f"auth = plain\nuser = {USER}\npassword = {PASSWORD}\nmax_connections = "
                f"{connections}\ntls_trust_file = {bench.trust}\nsyslog = off\n"
                f"logfile = {self.directory}/log\nchunking = {'auto' if chunking else 'off'}\n"
            )
        self.queue = os.path.join(self.directory, "onehop", "queue")

    def call(self, *words):
        return subprocess.Popen(
            [self.bench.arguments.onehop, *words],
            executable=self.bench.arguments.onehop,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": self.directory,
                "XDG_STATE_HOME": self.directory,
                "ONEHOP_TEST_ROOT": self.bench.directory,
            },
            preexec_fn=os.getpid,  # as with the peers: how we start programs shall cost the same
        )

    def run(self, *words, input=b""):
        process = self.call(*words)
        out, err = process.communicate(input, timeout=PATIENCE)
        if process.returncode != 0:
            raise RuntimeError(f"onehop {' '.join(words)}: {err.decode(errors='replace')}")
        return out

    def submit(self, n):
        begin = time.monotonic()
        for i in range(n):
            self.run("-odq", "-C", self.file, "-f", SENDER, RECIPIENT, input=message(i))
        return n / (time.monotonic() - begin)

    def fill(self, n):
        """N entries: one is submitted, the others are that file again under later ids."""
        if not os.path.isdir(self.queue) or not os.listdir(self.queue):
            self.submit(1)
        (entry,) = os.listdir(self.queue)
        with open(os.path.join(self.queue, entry), "rb") as file:
            octets = file.read()
        for i in range(1, n):
            path = os.path.join(self.queue, later_id(entry, i))
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                out.write(octets)

    def left(self):
        return len(os.listdir(self.queue))

    def drain(self):
        """(seconds, peak memory of all processes, processor seconds)"""
        before = os.times()
        begin = time.monotonic()
        process = self.call("-q", "-C", self.file)
        memory = Memory(process.pid)
        memory.start()
        _, err = process.communicate(timeout=PATIENCE)
        seconds = time.monotonic() - begin
        memory.over.set()
        memory.join()
        after = os.times()
        if process.returncode != 0:
            raise RuntimeError(f"onehop -q: {err.decode(errors='replace')}")
        used = after.children_user + after.children_system
        return seconds, memory.peak, used - before.children_user - before.children_system

    def remove(self):
        shutil.rmtree(self.directory)


class Bench:
    def __init__(self, arguments, directory):
        self.arguments, self.directory = arguments, directory
        self.link = link.StreamLink()
        self.link.set_rtt(RTT)
        self.missing = []
        self.trust = make_trust(directory, self.missing)
        self.sinks = {}

    def port(self, *options, far=False):
        if options not in self.sinks:
            sink = subprocess.Popen(
                [self.arguments.sink, *options]
                + [os.path.join(self.directory, f) for f in ("certificate.pem", "key.pem")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self.sinks[options] = (sink, int(sink.stdout.readline()))
        port = self.sinks[options][1]
        return self.link.reach(port)[1] if far else port

    def drained(self, n, connections, far, chunking):
        options = ["-c"] if chunking else []
        spool = Spool(self, "drain", self.port(*options, far=far), connections, chunking)
        try:
            spool.fill(n)
            seconds, memory, processor = spool.drain()
            if spool.left():
                raise RuntimeError(f"{spool.left()} of {n} entries were left")
            return n / seconds, memory, processor / n
        finally:
            spool.remove()

    def close(self):
        for sink, _ in self.sinks.values():
            sink.stdin.close()
            sink.wait()


def table(*cells):
    print(f"{cells[0]:<44}" + "".join(f"{c:>16}" for c in cells[1:]))


def report_drain(bench, sizes):
    table("drain, 4 KB messages, STARTTLS, AUTH", "messages/s", "memory", "CPU/message", "budget")
    for n in sizes:
        for far in (False, True):
            for connections in CONNECTIONS:
                for chunking in (True, False):
                    if n > min(sizes) and not chunking:
                        continue
                    rate, memory, processor = bench.drained(n, connections, far, chunking)
                    budget = "-"
                    if chunking and connections == 4:
                        budget = ">= 1,000/s" if far else ">= 2,000/s"
                    table(
                        f"{n:,} over {connections}, {RTT * 1000 if far else 0:.0f} ms"
                        + ("" if chunking else ", without CHUNKING"),
                        f"{rate:,.0f}",
                        f"{memory / 1e6:.1f} MB",
                        f"{processor * 1e6:.0f} us",
                        budget,
                    )


def report_listing(bench, sizes):
    table("\nlisting and what is down", "mailq", "a run", "connections", "per entry")
    for n in sizes:
        down = Unreachable()
        spool = Spool(bench, "listing", down.port, 4)
        spool.fill(n)
        begin = time.monotonic()
        lines = spool.run("-bp", "-C", spool.file).count(b"\n")
        listed = time.monotonic() - begin
        seconds, _, _ = spool.drain()
        assert spool.left() == n and lines > n
        table(f"{n:,} entries", f"{listed * 1000:.0f} ms", f"{seconds * 1000:.0f} ms", down.count,
              f"{(listed + seconds) / n * 1e6:.0f} us")
        spool.remove()


def report_submission(bench):
    table("\none call for each message, queue only", "messages/s", "to onehop")
    spool = Spool(bench, "submission", bench.port("-c"), 1)
    ours = spool.submit(SUBMISSIONS)
    table("onehop -odq (durable)", f"{ours:,.0f}", "1.00")
    if bench.arguments.peers:
        for peer in peers.found(bench.arguments.peers, bench.directory):
            try:
                rate = peer.submit(message, SUBMISSIONS, SENDER, RECIPIENT)
                assert peer.queued() >= SUBMISSIONS
                table(peer.name, f"{rate:,.0f}", f"{rate / ours:.2f}")
            except (RuntimeError, OSError, AssertionError) as trouble:
                bench.missing.append(f"{peer.name}: {trouble}")
        peers.leave(bench.directory)
    spool.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("onehop", "sink"):
        parser.add_argument(f"--{name}", required=True, metavar="PROGRAM")
    parser.add_argument("--entries", default="1000,10000", metavar="N,N")
    parser.add_argument("--peers", metavar="DIRECTORY", help="unpacked packages, see peers.py")
    arguments = parser.parse_args()
    arguments.onehop = os.path.abspath(arguments.onehop)
    enter_namespace()
    sizes = [int(n) for n in arguments.entries.split(",")]
    with tempfile.TemporaryDirectory(prefix="onehop-bench-") as directory:
        bench = Bench(arguments, directory)
        try:
            report_drain(bench, sizes)
            report_listing(bench, sizes)
            report_submission(bench)
        finally:
            bench.close()
    print(f"\nThe line: {bench.link.kind}. Memory: of all processes, shared pages once.")
    for trouble in bench.missing:
        print(f"not measured: {trouble}")
    return 1 if bench.missing else 0


if __name__ == "__main__":
    sys.exit(main())
