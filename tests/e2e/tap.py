"""A pytest plugin: each story is a line of TAP on descriptor 3, its failure on standard error."""

import os

SEEN = []
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ  # those tell the one who reports


def say(line):
    if not IS_WORKER:
        os.write(3, line.encode() + b"\n")


def result(word, report, directive=""):
    SEEN.append(report.nodeid)
    name = report.nodeid.replace("#", "").replace("\\", "/")
    say(f"{word} {len(SEEN)} - {name}{directive}")


def pytest_runtest_logreport(report):
    if report.skipped and hasattr(report, "wasxfail"):
        result("not ok", report, " # TODO " + report.wasxfail)
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        result("ok", report, " # SKIP " + reason.replace("Skipped: ", ""))
    elif report.failed:
        result("not ok", report, "" if report.when == "call" else f" ({report.when})")
    elif report.when == "call":
        result("ok", report)


def pytest_sessionfinish():
    say(f"1..{len(SEEN)}")
