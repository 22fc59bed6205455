"""The disk is full, read-only, gone: one clear error, nothing half there, and later it works."""

import contextlib
import resource
import shutil
import subprocess

import pytest

from ledger import GONE


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
    ledger.check("after the disk was full")
    ledger.forget()
    ledger.accepted("-odq")
    ledger.check("with room again")


def test_a_delivery_on_a_full_disk_loses_nobody(ledger, small_disk):
    """Neither the bounce nor the journal finds room; when there is some they are made up for."""
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
    ledger.check("with room again", extra=4)  # what could not be noted is repeated


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
    ledger.call("sendmail", "-q")
    mount("-o", "remount,rw", disk)
    ledger.check("writable again", extra=2)


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
