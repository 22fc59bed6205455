"""The disk is full, read-only, gone: one clear error, nothing half there, and later it works."""

import contextlib
import os
import resource
import shutil
import subprocess

import pytest

import inject
from ledger import GONE

LATER = "them@example.net"


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def umount(path):
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def small_disk(mounts, ledger):
    """small_disk("size=1m") puts the spool's parent on a file system of its own."""
    home = ledger.machine.home / ".local/state"
    mounted = []

    def put(options, kind="tmpfs"):
        mount("-t", kind, "-o", options, "none", home)
        mounted.append(home)
        return home

    yield put
    for path in mounted:
        umount(path)


def refused_cleanly(code, err):
    lines = err.splitlines()
    assert code == 75, f"{code} {err}"
    assert 1 <= len(lines) <= 2 and lines[0].startswith("sendmail: ") and "spool" in lines[0], err


@pytest.mark.parametrize("options, text", [
    ("size=1m", "x" * 70 * 1024), ("size=1m", "x" * 3000), ("size=1m,nr_inodes=30", "x" * 300)])
def test_a_full_disk(ledger, small_disk, options, text):
    small_disk(options)
    text = "\n".join(text[i:i + 70] for i in range(0, len(text), 70))
    codes = []
    while len(codes) < 1000 and codes[-3:] != [75, 75, 75]:
        code, err = ledger.submit("-odq", text=text + "\n" + "y" * 2000)
        assert code in (0, 75)
        if code:
            refused_cleanly(code, err)
        codes.append(code)
    assert 0 in codes and codes[-1] == 75
    assert ledger.spool.ids("tmp") == []
    assert len(ledger.spool.ids()) == codes.count(0)
    free = os.statvfs(ledger.spool.path)
    assert free.f_bavail > 0 and free.f_favail > 0, "nothing is left for notes and bounces"
    dialogue = subprocess.run(
        [ledger.machine.programs / "sendmail", "-bs"], capture_output=True,
        env=ledger.machine.environment(), input=b"EHLO x\nMAIL FROM:<me@example.com>\n"
        b"RCPT TO:<you@example.net>\nDATA\nSubject: x\n\n" + text.encode() + b"\n.\nQUIT\n")
    assert b"452 4.3.1 spool: " in dialogue.stdout, dialogue
    ledger.check("after the disk was full")
    ledger.forget()
    ledger.accepted("-odq")
    ledger.check("with room again")


def test_a_delivery_on_a_full_disk_loses_nobody(ledger, small_disk):
    """Neither the bounce nor the journal finds room; when there is some they are made up for, and
    whoever got the mail does not get it again."""
    disk = small_disk("size=1m")
    for to in (("gone@example.net",), ("you@example.net", "gone@example.net"),
               ("you@example.net",)):
        ledger.accepted("-odq", to=to)
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as out, contextlib.suppress(OSError):
        while out.write(bytes(4096)):
            pass
    for _ in range(2):
        ledger.call("sendmail", "-q")
    filler.unlink()
    ledger.check("with room again", extra=0)


@pytest.mark.parametrize("limit", [0, 100, 512, 4096])
def test_a_limit_on_the_size_of_files(ledger, limit):
    ledger.accepted("-odq")
    code, err = ledger.submit(
        "-odq", text="x" * 70 + "\n" + "y" * 5000,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    refused_cleanly(code, err)
    assert ledger.spool.ids("tmp") == []
    ledger.check("without the limit")


def test_a_read_only_spool(ledger, small_disk):
    disk = small_disk("size=4m")
    ledger.accepted("-odq", to=("you@example.net", "gone@example.net"))
    mount("-o", "remount,ro", disk)
    code, err = ledger.submit("-odq")
    refused_cleanly(code, err)
    code, _, err = ledger.call("sendmail", "-q")
    assert code == 74 and "Read-only file system" in err
    assert not ledger.got()
    mount("-o", "remount,rw", disk)
    ledger.check("writable again", extra=0)


def prepare_mixes(ledger, streaming):
    """Mail of which recipients are sent to, refused, deferred, in every mix."""
    if not streaming:
        ledger.provider.without = ("PIPELINING", "CHUNKING")
    ledger.provider.answers["rcpt"] = {**GONE, LATER: "450 4.2.0 greylisted"}
    people = ("you@example.net", "gone@example.net", LATER)
    for mix in range(1, 8):
        ledger.accepted("-odq", to=[p for i, p in enumerate(people) if mix >> i & 1])
    ledger.keep()


@pytest.mark.parametrize("streaming", [False, True], ids=["one by one", "streaming"])
@pytest.mark.parametrize("kind", ["ro", "full"])
def test_a_disk_that_breaks_at_any_moment_of_a_run(ledger, kind, streaming):
    """Then it stays broken for two more runs, and is mended: whatever was noted or not, only what
    was in flight as it broke comes twice."""
    prepare_mixes(ledger, streaming)
    hit = ledger.spool.path / "broken"  # a worker can make files in the spool only

    def broken_from(call):
        hit.unlink(missing_ok=True)
        ledger.call("sendmail", "-q", environment={"ONEHOP_TEST_DISK": f"{kind}:{call}:{hit}"})
        return hit.exists()

    tried, n, struck = 0, 1, True
    while struck:
        ledger.restore()
        ledger.provider.answers["rcpt"] = {**GONE, LATER: "450 4.2.0 greylisted"}
        struck = broken_from(n)
        for _ in range(2):
            broken_from(1)
        got = ledger.got()
        assert sum(got.values()) == len(got), f"{kind} from call {n} on: {got}"
        ledger.provider.answers["rcpt"] = GONE
        ledger.check(f"{kind} from call {n} on", extra=4 if streaming else 1)
        tried, n = tried + 1, n + (1 if inject.FULL else 5)
    assert tried > (40 if inject.FULL else 8)


@pytest.mark.parametrize("kind", ["ro", "full"])
def test_a_disk_that_breaks_at_any_moment_of_a_first_try(ledger, kind):
    """The submission is accepted or refused, and at most what was in flight comes twice."""
    ledger.accepted("-odq")
    ledger.check()
    hit = ledger.spool.path / "broken"  # a caller that delivers can make files in the spool only
    tried, n, struck = 0, 1, True
    while struck:
        ledger.forget()
        for path in (ledger.spool.path / "account").iterdir():
            path.unlink()  # the bounces of this hour are counted there
        ledger.provider.answers["rcpt"] = {**GONE, LATER: "450 4.2.0 greylisted"}
        hit.unlink(missing_ok=True)
        code, _ = ledger.submit("-odi", to=("you@example.net", "gone@example.net", LATER),
                                environment={"ONEHOP_TEST_DISK": f"{kind}:{n}:{hit}"})
        assert code in (0, 75), f"{kind} from call {n} on: {code}"
        struck = hit.exists()
        for _ in range(2):
            ledger.call("sendmail", "-q", environment={"ONEHOP_TEST_DISK": f"{kind}:1:{hit}"})
        got = ledger.got()
        assert sum(got.values()) == len(got), f"{kind} from call {n} on: {got}"
        ledger.provider.answers["rcpt"] = GONE
        ledger.check(f"{kind} from call {n} on", extra=1)
        tried, n = tried + 1, n + (1 if inject.FULL else 3)
    assert tried > (10 if inject.FULL else 4)


def submit_slowly(ledger, meanwhile):
    """Half of the message, then something happens, then the rest."""
    subject = ledger.subject()
    ledger.people[subject] = {"you@example.net"}
    process = subprocess.Popen(
        [str(ledger.machine.programs / "sendmail"), "-odq", "you@example.net"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ledger.machine.directory,
        env=ledger.machine.environment())
    process.stdin.write(f"Subject: {subject}\n\n".encode() + (b"x" * 70 + b"\n") * 3000)
    process.stdin.flush()
    tmp = ledger.spool.path / "tmp"
    while not any(path.stat().st_size for path in tmp.iterdir()):
        pass  # it reads in blocks: soon some of it is there
    meanwhile()
    _, err = process.communicate(b"the end\n", 60)
    ledger.codes[subject] = process.returncode
    return process.returncode, err.decode()


def test_a_spool_removed_while_the_message_is_read(ledger):
    ledger.accepted("-odq")
    code, err = submit_slowly(ledger, lambda: shutil.rmtree(ledger.spool.path))
    refused_cleanly(code, err)
    ledger.codes.pop("number 1")  # somebody removed it, and said so
    ledger.accepted("-odq")
    ledger.check("made anew")


def test_a_spool_removed_during_a_delivery(ledger):
    for _ in range(3):
        ledger.accepted("-odq")

    def remove(_address):
        shutil.rmtree(ledger.spool.path, ignore_errors=True)

    ledger.provider.answers["rcpt"] = remove
    ledger.call("sendmail", "-q")
    ledger.provider.answers["rcpt"] = GONE
    assert sum(ledger.got().values()) <= 1
    ledger.forget()
    ledger.accepted("-odq")
    ledger.check("made anew")


def test_no_descriptors_left(ledger):
    ledger.accepted("-odq")
    for limit in range(3, 14):
        code, err = ledger.submit("-odq", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (limit, limit)))
        assert code >= 0
        assert code == 0 or limit < 6 or err
    ledger.check("with descriptors again")
