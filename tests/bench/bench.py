#!/usr/bin/python3
"""Measures what one message costs, sent by onehop, msmtp and curl on the same work in one run:
round trips, instructions, system calls, peak memory, and the speed of a large message.

    bench.py --onehop PROGRAM --sink PROGRAM --measure PROGRAM

Prints one table, with ratios to msmtp and our budget. Judges nothing: the exit status is 0 if
everything could be measured, and 1 if not.
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
from programs import Curl, Msmtp, Onehop, Server

SMALL = 2 * 1024
LARGE = 50 * 1000 * 1000
RTTS = (0.050, 0.150)
RUNS_FAR = 3
RUNS_LARGE = 3
PATIENCE = 120
SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
LINE = "The quick brown fox jumps over the lazy dog, and the dog does not even bark.\n"


class Unmeasured(Exception):
    pass


def enter_namespace():
    """Starts over in a network namespace, where a link can be built and nothing leaves."""
    if os.environ.get("ONEHOP_BENCH_NAMESPACE"):
        link.loopback_up()
        return
    unshare = ["unshare", "-nm"] if os.geteuid() == 0 else ["unshare", "-Urnm"]
    try:
        possible = subprocess.run(unshare + ["true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        possible = False
    if possible:
        os.environ["ONEHOP_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", unshare + [sys.executable] + sys.argv)


def make_trust(directory, missing):
    """A key, a certificate that signs itself, and a file of all the CAs that a system trusts and
    that one: loading them is work that every program has to do."""

    def path(name):
        return os.path.join(directory, name)

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", "/CN=sink.example"]
        + ["-addext", f"subjectAltName=IP:127.0.0.1,IP:{link.PEER}"]
        + ["-keyout", path("key.pem"), "-out", path("certificate.pem")],
        check=True,
        capture_output=True,
    )
    with open(path("trust.pem"), "w") as trust:
        for name in (path("certificate.pem"), SYSTEM_TRUST):
            try:
                trust.write(open(name).read())
            except FileNotFoundError:
                missing.append(f"{name}: no system trust; only the test's is loaded")
    return path("trust.pem")


class Bench:
    def __init__(self, arguments, directory):
        self.arguments = arguments
        self.directory = directory
        self.link = link.best_link()
        self.missing = []
        self.trust = make_trust(directory, self.missing)
        self.small = self.make_message("small", SMALL)
        self.large = self.make_message("large", LARGE)
        self.servers = {}
        self.programs = []
        for kind, path in ((Onehop, arguments.onehop), (Msmtp, "msmtp"), (Curl, "curl")):
            found = shutil.which(path)
            if found is None:
                self.missing.append(f"{path}: not found")
            elif b"__asan_init" in open(found, "rb").read():
                self.missing.append(f"{path}: built with sanitizers, which cost more than it does")
            else:
                self.programs.append(kind(os.path.abspath(found), directory))

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
        seconds, kilobytes = open(self.path("measured")).read().split()
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
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        done = self.run(program, self.server("-c"), self.small, valgrind)
        counted = re.search(rb"Collected : (\d+)", done.stderr)
        if counted is None:
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

    def each(self, measurement, *options):
        """The figures by program name, without what could not be measured."""
        figures = {}
        for program in self.programs:
            try:
                figures[program.name] = measurement(program, *options)
            except (Unmeasured, OSError, subprocess.TimeoutExpired) as trouble:
                self.missing.append(f"{measurement.__name__}: {trouble}")
        return figures

    def close(self):
        for sink, _ in self.servers.values():
            sink.stdin.close()
            sink.wait()


def row(label, figures, scale, unit, budget):
    names = ("onehop", "msmtp", "curl")
    cells = [f"{figures[n] / scale:.1f}{unit}" if n in figures else "-" for n in names]
    ratio = "-"
    if "onehop" in figures and "msmtp" in figures:
        ratio = f"{figures['onehop'] / figures['msmtp']:.2f}"
    print(f"{label:<38}" + "".join(f"{c:>12}" for c in cells + [ratio, budget]))


def report(bench):
    heads = ("onehop", "msmtp", "curl", "to msmtp", "budget")
    print(f"{'one 2 KB message, AUTH PLAIN':<38}" + "".join(f"{h:>12}" for h in heads))
    for label, options, budget in (
        ("round trips, STARTTLS, CHUNKING", ["-c"], "8"),
        ("round trips, STARTTLS, DATA", [], "9"),
        ("round trips, implicit TLS, CHUNKING", ["-c", "-i"], "6"),
        ("round trips, implicit TLS, DATA", ["-i"], "7"),
    ):
        row(label, bench.each(bench.round_trips, *options), 1, "", budget)
    row("instructions, system trust", bench.each(bench.instructions), 1e6, " M", "15 M")
    row("system calls", bench.each(bench.system_calls), 1, "", "250")
    row("peak memory", bench.each(bench.memory), 1e6, " MB", "6.5 MB")
    print("\none 50 MB message")
    large = bench.each(bench.large_message)
    row("speed", {n: f[0] for n, f in large.items()}, 1e6, " MB/s", "curl's")
    row("peak memory", {n: f[1] for n, f in large.items()}, 1e6, " MB", "8 MB")
    print(f"\nRound trips: {bench.link.kind}, {RTTS[0] * 1000:.0f} and {RTTS[1] * 1000:.0f} ms,")
    print("the TCP connection included. Trust: the system's CAs. STARTTLS where nothing is said.")
    for trouble in bench.missing:
        print(f"not measured: {trouble}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("onehop", "sink", "measure"):
        parser.add_argument(f"--{name}", required=True, metavar="PROGRAM")
    arguments = parser.parse_args()
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix="onehop-bench-") as directory:
        bench = Bench(arguments, directory)
        try:
            report(bench)
        finally:
            bench.close()
    return 1 if bench.missing else 0


if __name__ == "__main__":
    sys.exit(main())
