"""What counts the cost of a call: instructions, system calls, memory; and what it may cost: bench/budgets."""

import os
import re
import shutil
import subprocess

import pytest

from machine import SOURCE, built

BUDGETS = os.path.join(SOURCE, "tests", "bench", "budgets")
BENCH = built("tests", "bench")
TOLERANCE = 1.1


def budgets():
    """The limit of each scenario's figures."""
    limits = {}
    with open(BUDGETS) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                scenario, figure, limit = line.split()
                limits.setdefault(scenario, {})[figure] = float(limit)
    return limits


def judge(scenario, **figures):
    """Fails if one of the figures, of which the names have _per_ for the slash, is beyond its budget, or
    if the scenario has others. None: it could not be counted here."""
    limits = budgets()[scenario]
    found = {name.replace("_per_", "/").replace("_kB", "-kB"): n for name, n in figures.items()}
    said = [f"{scenario}: {name} {found[name]:g} of {limits[name]:g}" for name in found
            if found[name] is not None]
    print(*said, sep="\n")
    assert set(found) == set(limits)
    assert all(n is None or n <= limits[name] * TOLERANCE for name, n in found.items()), said
    missing = [name for name, n in found.items() if n is None]
    if missing:
        pytest.skip(f"NOT MEASURED (no valgrind, no strace, not Debian 12): {', '.join(missing)}")


def is_reference():
    """Whether the libraries are those of Debian 12, whose size in memory the limits of PSS contain."""
    try:
        with open("/etc/debian_version") as version:
            return version.read().startswith("12.")
    except OSError:
        return False


def slope(count, fewer, more):
    """What each further item costs: COUNT, of a number of items, may be None."""
    few, many = count(fewer), count(more)
    return None if None in (few, many) else (many - few) / (more - fewer)


class Scale:
    """Runs a program of a machine, behind words that become another user, under what counts."""

    def __init__(self, machine, before=()):
        self.machine, self.before = machine, before
        self.report = machine.directory / "counted"
        self.report.touch()
        self.report.chmod(0o666)

    def run(self, wrapper, name, *words, input=b""):
        """INPUT: octets, or a function that writes to a pipe."""
        command = [*self.before, *wrapper, str(self.machine.programs / name), *words]
        written = callable(input)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.machine.directory,
                              env=self.machine.environment()) as process:
            if written:
                input(process.stdin)
            _, err = process.communicate(None if written else input, timeout=300)
        assert process.returncode == 0, err.decode(errors="replace")
        return self.report.read_text()

    def instructions(self, *call, **more):
        if not shutil.which("valgrind"):
            return None
        said = self.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                         f"--log-file={self.report}"], *call, **more)
        return int(re.search(r"Collected : (\d+)", said)[1])

    def million_instructions(self, *call, **more):
        n = self.instructions(*call, **more)
        return None if n is None else n / 1e6

    def system_calls(self, *call, **more):
        if not shutil.which("strace"):
            return None
        said = self.run(["strace", "-f", "-c", "-o", str(self.report)], *call, **more)
        return int(re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s.*total$", said, re.M)[1])

    def kilobytes(self, *call, **more):
        return int(self.run([os.path.join(BENCH, "measure"), str(self.report)], *call,
                            **more).split()[1])


def weigh(scenario, machine, *call, before=(), **more):
    """Judges the three figures of one call."""
    scale = Scale(machine, before)
    judge(scenario, Minstr=scale.million_instructions(*call, **more),
          calls=scale.system_calls(*call, **more), kB=scale.kilobytes(*call, **more))
