"""What onehop needs as work grows: recipients, octets, entries in the queue. A curve is linear or flat, or
it is a fault: the table shows what each further item costs."""

import os
import re
import subprocess

RECIPIENTS = (1, 10, 100, 1000, 10_000)
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 500_000_000)
ENTRIES = (10, 100, 1000, 10_000, 100_000)
COUNTED_OCTETS = 10_000_000  # above that valgrind takes too long
COUNTED_ENTRIES = 1000
TRACED_ENTRIES = 10_000
LINE = b"The quick brown fox jumps over the lazy dog, and the dog does not even bark.\n"


def write_message(path, size):
    with open(path, "wb") as out:
        out.write(b"From: Bench <me@example.com>\nTo: you@example.net\nSubject: growth\n\n")
        block = LINE * 1000
        left = size
        while left > 0:
            out.write(block[:left])
            left -= len(block)
    return path


class Growth:
    def __init__(self, bench, figures):
        self.bench, self.figures = bench, figures
        self.home = bench.directory

    def counts(self, what, n, argv, message=os.devnull, counted=True, traced=True):
        """Runs the same call up to three times: for memory and time, system calls, instructions."""
        found = {}
        report = self.bench.path("growth")
        self.call([self.bench.arguments.measure, report, *argv], message)
        _, kilobytes, processor = open(report).read().split()
        found["kB"] = int(kilobytes)
        found["us"] = float(processor) * 1e6
        if traced:
            self.call(["strace", "-f", "-c", "-o", report, *argv], message)
            total = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+.*total$",
                              open(report).read(), re.M)
            found["calls"] = int(total[1])
        if counted:
            said = self.call(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *argv],
                             message)
            found["instructions"] = sum(int(c) for c in re.findall(rb"Collected : (\d+)", said))
        for unit, value in found.items():
            self.figures.add(f"{what}: {unit}", unit, "onehop", value, n)
        cells = [f"{found['kB']:,} kB", f"{found['us'] / 1000:,.1f} ms"]
        cells += [f"{found[u]:,}" if u in found else "-" for u in ("calls", "instructions")]
        cells += [self.further(what, n, unit) for unit in ("us", "calls", "instructions")]
        print(f"{what + ' ' + format(n, ','):<26}" + "".join(f"{c:>16}" for c in cells))

    def further(self, what, n, unit):
        """What each item more costs, beyond the row before."""
        points = [(f.n, f.value) for f in self.figures.all if f.what == f"{what}: {unit}"]
        if len(points) < 2 or points[-1][0] != n:
            return "-"
        (fewer, before), (_, after) = points[-2:]
        return f"{(after - before) / (n - fewer):,.3f}"

    def call(self, argv, message):
        with open(message, "rb") as content:
            done = subprocess.run(argv, stdin=content, capture_output=True, timeout=300,
                                  env={"PATH": os.environ["PATH"], "HOME": self.home,
                                       "XDG_STATE_HOME": self.home,
                                       "ONEHOP_TEST_ROOT": self.bench.directory})
        if done.returncode != 0:
            raise RuntimeError(f"{argv[-1]}: {done.stderr.decode(errors='replace')[-300:]}")
        return done.stderr

    @staticmethod
    def head(title):
        cells = ("memory", "processor", "calls", "instructions", "us/further", "calls/further",
                 "instr/further")
        print(f"\n{title:<26}" + "".join(f"{c:>16}" for c in cells))

    def recipients(self, program):
        self.head("as recipients grow")
        for n in RECIPIENTS:
            argv, _ = program.command(self.bench.server("-c"), self.bench.small)
            argv = argv[:-1] + [f"someone{i}@example.net" for i in range(n)]
            self.counts("recipients", n, argv, self.bench.small)

    def sizes(self, program):
        self.head("as octets grow")
        for n in SIZES:
            message = write_message(self.bench.path("growing"), n)
            argv, _ = program.command(self.bench.server("-c"), message)
            self.counts("octets", n, argv, message, counted=n <= COUNTED_OCTETS)
            os.unlink(message)

    def queue(self, make_spool, unreachable):
        """Listing, a run whose provider is away, and delivering all of it."""
        self.head("as the queue grows")
        for n in ENTRIES:
            down = unreachable()
            spool = make_spool("growing-queue", down.port)
            spool.fill(n)
            self.home = spool.directory
            more = dict(counted=n <= COUNTED_ENTRIES, traced=n <= TRACED_ENTRIES)
            self.counts("list", n, [self.bench.arguments.onehop, "-bp", "-C", spool.file], **more)
            self.counts("scan", n, [self.bench.arguments.onehop, "-q", "-C", spool.file], counted=False,
                        traced=False)
            spool.remove()
        for n in ENTRIES:
            spool = make_spool("growing-drain", self.bench.server("-c").port)
            spool.fill(n)
            self.home = spool.directory
            self.counts("drain", n, [self.bench.arguments.onehop, "-q", "-C", spool.file],
                        counted=False, traced=False)
            if spool.left():
                raise RuntimeError(f"drain: {spool.left()} of {n} entries were left")
            spool.remove()

    def run(self, program, make_spool, unreachable):
        try:
            self.recipients(program)
            self.sizes(program)
            self.queue(make_spool, unreachable)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as failure:
            self.bench.missing.append(f"growth: {failure}")
        for what in ("recipients", "octets"):
            yield self.figures.draw_curves(
                f"bench-{what}.svg", f"onehop as {what} grow", what,
                [f"{what}: {unit}" for unit in ("kB", "us", "calls", "instructions")])
        yield self.figures.draw_curves(
            "bench-queue.svg", "onehop as the queue grows", "entries",
            [f"{what}: {unit}" for what in ("list", "scan", "drain") for unit in ("kB", "us")])
