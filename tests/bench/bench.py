#!/usr/bin/python3
"""Measures what one message costs, sent by onehop, msmtp, nullmailer, dma and curl on the same work in
one run: round trips, instructions, system calls, peak memory, and the speed of a large message; what
onehop needs as work grows; and beside Postfix what its queue does in a second.

    bench.py --onehop PROGRAM --sink PROGRAM --measure PROGRAM [--peers DIRECTORY]

DIRECTORY has unpacked Debian packages of those that are not installed (apt-get download; dpkg -x).
Prints tables, with ratios to msmtp and our budget, and leaves bench.tsv and bench-*.svg in the present
directory. Judges nothing: the exit status is 0 if everything could be measured, and 1 if not.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import link
import peers
import queues
from figures import Figures
from growth import Growth
from programs import (PASSWORD, RECIPIENT, SENDER, USER, Curl, Dma, Msmtp, Nullmailer, Onehop,
                      Server)
from setting import LINE, enter_namespace, make_trust

SMALL = 2 * 1024
LARGE = 50 * 1000 * 1000
RTTS = (0.050, 0.150)
RUNS_FAR = 3
RUNS_LARGE = 3
PATIENCE = 120
QUEUED, CONNECTIONS, QUEUE_RTT = 400, (1, 4), 0.020


class Unmeasured(Exception):
    pass


def place(streams):
    """Opens each file as its descriptor."""
    for fd, path in streams.items():
        opened = os.open(path, os.O_RDONLY)
        os.dup2(opened, fd)


class Bench:
    def __init__(self, arguments, directory):
        self.arguments = arguments
        self.directory = directory
        self.link = link.best_link()
        self.missing = []
        self.figures = Figures("bench.tsv")
        self.trust = make_trust(directory, self.missing)
        self.small = self.make_message("small", SMALL)
        self.large = self.make_message("large", LARGE)
        self.servers = {}
        self.root = self.postfix = None
        self.programs = []
        for kind, path in (
            (Onehop, arguments.onehop),
            (Msmtp, "msmtp"),
            (Nullmailer, self.peer("usr/lib/nullmailer/smtp")),
            (Dma, self.peer("usr/sbin/dma")),
            (Curl, "curl"),
        ):
            found = shutil.which(path)
            if found is None:
                self.missing.append(f"{path}: not found")
            elif b"__asan_init" in open(found, "rb").read():
                self.missing.append(f"{path}: built with sanitizers, which cost more than it does")
            else:
                self.programs.append(kind(os.path.abspath(found), directory))

    def peer(self, path):
        """Where a peer's program is: installed, or among the unpacked packages."""
        unpacked = os.path.join(self.arguments.peers or "/", path)
        return unpacked if os.path.exists(unpacked) else "/" + path

    def lay_out_peers(self):
        """A root for those that read /etc."""
        mine = [p for p in self.programs if isinstance(p, Dma)]
        try:
            peers.found(self.arguments.peers, self.directory)
            self.root = os.path.join(self.directory, "root")
        except (OSError, TypeError, subprocess.CalledProcessError) as failure:
            self.missing.append(f"dma, Postfix: no root of their own could be made: {failure}")
            self.programs = [p for p in self.programs if p not in mine]
        for program in mine if self.root else ():
            program.root = self.root
            os.chmod(os.path.join(self.root, "usr/sbin/dma"), 0o755)  # we are root anyhow

    def path(self, name):
        return os.path.join(self.directory, name)

    def make_message(self, name, size):
        header = (
            "From: Bench <me@example.com>\nTo: you@example.net\nSubject: one message\n"
            "Date: Mon, 23 Nov 2026 08:00:00 +0000\nMessage-ID: <bench.1@example.com>\n\n"
        )
        lines = -(-(size - len(header)) // len(LINE))
        with open(self.path(name), "w") as out:
            out.write(header)
            out.write(LINE * lines)
        return self.path(name)

    def port(self, *options):
        """The port of a sink with these options; it lives until our end of its input closes."""
        if options not in self.servers:
            sink = subprocess.Popen(
                [self.arguments.sink, *options]
                + [self.path("certificate.pem"), self.path("key.pem")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self.servers[options] = (sink, int(sink.stdout.readline()))
        return self.servers[options][1]

    def server(self, *options, far=False):
        port = self.port(*options)
        host, port = self.link.reach(port) if far else ("127.0.0.1", port)
        return Server(host, port, "-i" in options, self.trust)

    def run(self, program, server, message, wrapper=()):
        argv, env = program.command(server, message)
        with open(message, "rb") as content:
            done = subprocess.run(
                [*wrapper, *argv],
                stdin=content,
                close_fds=False,  # ours are closed by exec(2) anyhow
                preexec_fn=lambda: place(program.streams),
                env={"PATH": os.environ["PATH"], "HOME": self.directory, **env},
                capture_output=True,
                timeout=PATIENCE,
            )
        if done.returncode != 0:
            text = done.stderr.decode(errors="replace").strip()
            raise Unmeasured(f"{program.name}: exit status {done.returncode}: {text}")
        return done

    def timed(self, program, server, message):
        """Seconds and peak memory in bytes."""
        self.run(program, server, message, [self.arguments.measure, self.path("measured")])
        seconds, kilobytes, _ = open(self.path("measured")).read().split()
        return float(seconds), int(kilobytes) * 1024

    def round_trips(self, program, *options):
        """The difference of two distances leaves only what depends on the distance. The shortest
        of several runs is the one that was disturbed least."""
        server = self.server(*options, far=True)
        seconds = {rtt: [] for rtt in RTTS}
        for _ in range(RUNS_FAR):
            for rtt in RTTS:
                self.link.set_rtt(rtt)
                seconds[rtt].append(self.timed(program, server, self.small)[0])
        near, far = RTTS
        return (min(seconds[far]) - min(seconds[near])) / (far - near)

    def instructions(self, program):
        valgrind = ["valgrind", "--trace-children=yes", "--tool=callgrind",
                    "--callgrind-out-file=/dev/null"]
        done = self.run(program, self.server("-c"), self.small, valgrind)
        counted = [int(n) for n in re.findall(rb"Collected : (\d+)", done.stderr)]
        if not counted:
            raise Unmeasured(f"{program.name}: callgrind counted nothing")
        return sum(counted)

    def version(self, program):
        """Instructions of a call that does nothing."""
        argv, env = program.command(self.server("-c"), self.small)
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", argv[0], "--version"],
            env={"PATH": os.environ["PATH"], "HOME": self.directory, **env}, capture_output=True)
        counted = re.search(rb"Collected : (\d+)", done.stderr)
        if not counted:
            raise Unmeasured(f"{program.name}: callgrind counted nothing")
        return int(counted[1])

    def system_calls(self, program):
        strace = ["strace", "-f", "-c", "-o", self.path("calls")]
        self.run(program, self.server("-c"), self.small, strace)
        total = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+.*total$",
                          open(self.path("calls")).read(), re.M)
        if total is None:
            raise Unmeasured(f"{program.name}: strace counted nothing")
        return int(total[1])

    def memory(self, program):
        return self.timed(program, self.server("-c"), self.small)[1]

    def large_message(self, program):
        """Octets per second of the median run, and the largest memory."""
        runs = [self.timed(program, self.server("-c"), self.large) for _ in range(RUNS_LARGE)]
        size = os.path.getsize(self.large)
        return size / statistics.median(r[0] for r in runs), max(r[1] for r in runs)

    def each(self, measurement, *options, programs=None):
        """The figures by program name, without what could not be measured."""
        figures = {}
        for program in self.programs if programs is None else programs:
            try:
                figures[program.name] = measurement(program, *options)
            except (Unmeasured, OSError, subprocess.TimeoutExpired) as trouble:
                self.missing.append(f"{measurement.__name__}: {trouble}")
        return figures

    def close(self):
        if self.root:
            peers.leave(self.directory)
        for sink, _ in self.servers.values():
            sink.stdin.close()
            sink.wait()


NAMES = ("onehop", "msmtp", "nullmailer", "dma", "curl")


def row(bench, label, figures, scale, unit, budget):
    names = NAMES
    for name, value in figures.items():
        bench.figures.add(label, unit.strip(), name, value / scale)
    cells = [f"{figures[n] / scale:.1f}{unit}" if n in figures else "-" for n in names]
    ratio = "-"
    if "onehop" in figures and "msmtp" in figures:
        ratio = f"{figures['onehop'] / figures['msmtp']:.2f}"
    print(f"{label:<38}" + "".join(f"{c:>12}" for c in cells + [ratio, budget]))


def report(bench):
    heads = (*NAMES, "to msmtp", "budget")
    print(f"{'one 2 KB message, AUTH PLAIN':<38}" + "".join(f"{h:>12}" for h in heads))
    for label, options, budget in (
        ("round trips, STARTTLS, CHUNKING", ["-c"], "8"),
        ("round trips, STARTTLS, DATA", [], "9"),
        ("round trips, implicit TLS, CHUNKING", ["-c", "-i"], "6"),
        ("round trips, implicit TLS, DATA", ["-i"], "7"),
    ):
        row(bench, label, bench.each(bench.round_trips, *options), 1, "", budget)
    row(bench, "instructions, system trust", bench.each(bench.instructions), 1e6, " M", "15 M")
    with_version = [p for p in bench.programs if p.has_version]
    row(bench, "instructions, --version", bench.each(bench.version, programs=with_version), 1e6, " M", "0.5 M")
    row(bench, "system calls", bench.each(bench.system_calls), 1, "", "250")
    row(bench, "peak memory", bench.each(bench.memory), 1e6, " MB", "6.5 MB")
    print("\none 50 MB message")
    large = bench.each(bench.large_message)
    row(bench, "speed, 50 MB", {n: f[0] for n, f in large.items()}, 1e6, " MB/s", "curl's")
    row(bench, "peak memory, 50 MB", {n: f[1] for n, f in large.items()}, 1e6, " MB", "8 MB")
    print(f"\nRound trips: {bench.link.kind}, {RTTS[0] * 1000:.0f} and {RTTS[1] * 1000:.0f} ms,")
    print("the TCP connection included. Trust: the system's CAs. STARTTLS where nothing is said.")
    bench.missing.append(bench.figures.draw_ratios(
        "bench-message.svg", "One 2 KB message over TLS with a login",
        ["round trips, STARTTLS, CHUNKING", "instructions, system trust", "system calls",
         "peak memory"]))


def drained_by_onehop(bench, server, connections):
    spool = queues.Spool(bench, "drained", server.port, connections, host=server.host)
    spool.fill(QUEUED)
    seconds, memory, _ = spool.drain()
    if spool.left():
        raise RuntimeError(f"{spool.left()} of {QUEUED} messages were left")
    spool.remove()
    return QUEUED / seconds, memory


def drained_by_others(kind):
    def drained(bench, server, connections):
        if not bench.root or not os.path.exists(bench.peer(kind.program)):
            raise RuntimeError("not found")
        if connections not in kind.connections:
            return None
        return kind(bench.directory, bench.root).drain(
            queues.message, QUEUED // kind.slower, SENDER, RECIPIENT, queues.Memory, host=server.host,
            port=server.port, user=USER, password=PASSWORD, trust=bench.trust)
    return drained


def drained_by_postfix(bench, server, connections):
    if not bench.root or not os.path.exists(bench.peer(peers.Postfix.program)):
        raise RuntimeError("not found")
    if not bench.postfix:
        bench.postfix = peers.Postfix(bench.arguments.peers, bench.root)
    return bench.postfix.drain(queues.message, QUEUED, SENDER, RECIPIENT, queues.Memory, host=server.host,
                         port=server.port, user=USER, password=PASSWORD, connections=connections)


DRAINS = (("onehop", drained_by_onehop), ("Postfix", drained_by_postfix),
          ("nullmailer", drained_by_others(peers.Nullmailer)), ("dma", drained_by_others(peers.Dma)))


def report_queue(bench):
    print(f"\n{f'{QUEUED} queued 4 KB messages':<38}" + "".join(f"{c:>16}" for c in (
        "messages/s", "to onehop", "memory (PSS)", "to onehop")))
    bench.link.set_rtt(QUEUE_RTT)
    for options, label in ((("-c",), "CHUNKING"), ((), "DATA")):
        for connections in CONNECTIONS:
            what = f"queue, {label}, {connections} connection{'s' if connections > 1 else ''}"
            ours = None
            for name, measurement in DRAINS:
                try:
                    found = measurement(bench, bench.server(*options, far=True), connections)
                except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
                    bench.missing.append(f"{what}: {name}: {failure}")
                    continue
                if found is None:
                    continue
                ours = ours or found
                bench.figures.add(what, "messages/s", name, found[0])
                cells = [f"{found[0]:,.1f}", f"{found[0] / ours[0]:.3f}"]
                if found[1]:
                    bench.figures.add(f"{what}, memory", "MB", name, found[1] / 1e6)
                    cells += [f"{found[1] / 1e6:.1f} MB", f"{found[1] / ours[1]:.1f}"]
                print(f"{f'{name}, {what[7:]}':<38}" + "".join(f"{c:>16}" for c in cells))
    print(f"{QUEUE_RTT * 1000:.0f} ms, STARTTLS, AUTH PLAIN. nullmailer has one connection at a time,")
    print("dma one for each message, and some of the messages only: they are too slow for all.")


def report_growth(bench):
    ours = [p for p in bench.programs if isinstance(p, Onehop)]
    if not ours:
        return

    def spool(name, port):
        return queues.Spool(bench, name, port, 4)

    bench.missing += Growth(bench, bench.figures).run(ours[0], spool, queues.Unreachable)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("onehop", "sink", "measure"):
        parser.add_argument(f"--{name}", required=True, metavar="PROGRAM")
    parser.add_argument("--peers", metavar="DIRECTORY", help="unpacked packages, see peers.py")
    arguments = parser.parse_args()
    arguments.peers = arguments.peers and os.path.abspath(arguments.peers)
    for name in ("onehop", "sink", "measure"):
        setattr(arguments, name, os.path.abspath(getattr(arguments, name)))
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix="onehop-bench-") as directory:
        bench = Bench(arguments, directory)
        try:
            bench.lay_out_peers()
            report(bench)
            report_queue(bench)
            report_growth(bench)
        finally:
            bench.figures.write()
            bench.close()
    missing = [trouble for trouble in bench.missing if trouble]
    for trouble in missing:
        print(f"not measured: {trouble}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
