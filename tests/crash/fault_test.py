"""A call to the file system fails: no space, no quota, a bad disk, no memory, a signal. Whoever was
told yes has mail that arrives, whoever was told no has none, and the next run works."""

import pytest

import inject
from kill_test import KILL, prepare_delivery
from ledger import stop_at
from spool import message

PARTS = 4
RENAMES = ("rename", "renameat", "renameat2", "link", "linkat")


def faults(trace, short, part, parts=PARTS):
    """(point, fault): every error at every file call, once and from then on."""
    points = inject.points(trace, inject.FILE_CALLS)
    assert len(points) > 30
    found = []
    for call, n in points:
        for i, error in enumerate(inject.ERRORS):
            found.append(((call, n), f"error={error}"))
        found.append(((call, f"{n}+"), "error=EIO"))
        found.append(((call, f"{n}+"), "error=ENOSPC"))
    return inject.sample(found, short, part, parts)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("mode", ["-odq", "-odi"])
def test_a_submission_into_trouble(strace, ledger, mode, part):
    ledger.accepted("-odq")
    ledger.accepted(mode, before=inject.command(ledger.trace()))
    found = faults(ledger.trace(), 80, part)
    ledger.check()
    faults_met = 0
    for point, fault in found:
        ledger.forget()
        if mode == "-odi":
            ledger.accepted("-odq")  # overdue mail, that it takes along
        where = f"{mode} with {fault} at {point}"
        code, err = ledger.submit(mode, before=stop_at(ledger.trace(), point, fault))
        assert code in (0, 64, 71, 74, 75, 76, 77, 78), f"{where}: {code} {err}"
        faults_met += inject.failed(ledger.trace()) > 0
        ledger.check(where, extra=0 if mode == "-odq" else 1)
    assert faults_met > 0.9 * len(found)


@pytest.mark.parametrize("part", range(PARTS // 2))
@pytest.mark.parametrize("streaming", [False, True], ids=["one by one", "streaming"])
def test_a_delivery_into_trouble(strace, ledger, part, streaming):
    _, extra = prepare_delivery(ledger, streaming)
    found, faults_met = faults(ledger.trace(), 40, part, PARTS // 2), 0
    for point, fault in found:
        ledger.restore()
        ledger.call("sendmail", "-q", before=stop_at(ledger.trace(), point, fault))
        faults_met += inject.failed(ledger.trace()) > 0
        ledger.check(f"delivery with {fault} at {point}", extra)
    assert faults_met > 0.8 * len(found)  # the second run of a spool may need fewer calls


def test_a_run_ends_where_it_cannot_note_what_it_did(strace, ledger):
    """Every worker of the run finds the journal full: one of them tries, not one after the other."""
    prepare_delivery(ledger, streaming=False)
    ledger.restore()
    code, _, err = ledger.call("sendmail", "-q", before=stop_at(
        ledger.trace(), ("write", 2), "error=ENOSPC"))  # the first one says that it works
    assert code == 74 and err
    ledger.check("the journal is full", extra=1)


def trace_of_calls(trace):
    """The calls, where they ended: strace cuts one in two when another process comes between."""
    calls, begun = [], {}
    for line in open(trace, errors="replace"):
        pid, call = line.rstrip("\n").split(None, 1)
        if call.endswith("<unfinished ...>"):
            begun[pid] = call.removesuffix("<unfinished ...>")
            continue
        if call.startswith("<... ") and " resumed>" in call:
            call = begun.pop(pid, "") + call.split(" resumed>", 1)[1]
        calls.append(call)
    return calls


def places(lines, *wanted):
    """Where the lines stand that contain all words of one of WANTED; each must be there."""
    found = []
    for words in wanted:
        at = [i for i, line in enumerate(lines) if all(w in line for w in words)]
        assert at, f"no call with {words}"
        found.append(at)
    return found


def traced(ledger, *words, input=b""):
    before = ["strace", "-f", "-y", "-qq", "-e", "signal=none", "-s", "3000",
              "-o", str(ledger.trace())]
    code, _, err = ledger.call("sendmail", *words, before=before, input=input)
    assert (code, err) == (0, "")
    return trace_of_calls(ledger.trace())


def test_success_is_said_after_data_name_and_directory_are_on_disk(strace, ledger):
    ledger.accepted("-odq")
    before = set(ledger.spool.ids())
    lines = traced(ledger, "-odq", "you@example.net", input=message("number 2", "x"))
    id = (set(ledger.spool.ids()) - before).pop()
    created, data, flushed, renamed, directory, ended = places(
        lines, ("openat", id, "O_CREAT"), ("write(", f"tmp/{id}>", "onehop-end"),
        ("fsync(", f"tmp/{id}>", "= 0"), ("rename", id, "queue>"), ("fsync(", "/queue>", "= 0"),
        ("exit_group(0)",))
    assert created[0] < data[-1] < flushed[0] < renamed[0] < directory[0] < ended[-1]
    assert not any(f"tmp/{id}>" in line and "write" in line for line in lines[flushed[0]:])


def test_a_new_spool_is_on_disk_before_anybody_is_told(strace, ledger):
    lines = traced(ledger, "-odq", "you@example.net")
    made = [i for i, line in enumerate(lines) if line.startswith("mkdir") and "= 0" in line]
    top, parent, renamed = places(lines, ("fsync(", "/onehop>", "= 0"),
                                  ("fsync(", "/state>", "= 0"), ("rename", "queue>"))
    assert len(made) >= 7
    assert max(made) < top[-1] < renamed[0]
    assert made[0] < parent[0] < renamed[0]


def test_what_became_of_mail_is_on_disk_before_the_entry_goes(strace, ledger):
    ledger.accepted("-odq", to=("you@example.net", "gone@example.net"))
    id, = ledger.spool.ids()
    lines = traced(ledger, "-q")
    accepted, journal, bounce_data, bounce_name, directory, removed = places(
        lines, ("queued as 4711",), ("fsync(", f"journal/{id}", "= 0"),
        ("fsync(", "/onehop/tmp/", "= 0"), ("rename", "queue>"), ("fsync(", "/queue>", "= 0"),
        ("unlinkat(", "queue>", id))
    assert accepted[0] < journal[0] < bounce_data[0] < bounce_name[0] < directory[0] < removed[0]
    synced = [i for i in directory if i > removed[0]]
    assert synced, "the removal itself never reaches the disk"


def killed_after_a_bounce(ledger):
    """A run of the spool that was kept, whose worker dies before it syncs the directory with a bounce's
    name."""
    traced(ledger, "-q")
    syncs = [line for line in open(ledger.trace()) if " fsync(" in line]
    found = next(line for line in syncs if "/queue>" in line)
    worker = [line for line in syncs if line.split()[0] == found.split()[0]]
    ledger.restore()
    ledger.call("sendmail", "-q", before=stop_at(ledger.trace(), ("fsync", worker.index(found) + 1), KILL))


def test_a_bounce_that_was_not_noted_is_sent_once(strace, ledger):
    """The process that made it was killed before it could note that, and the bounce is due before
    its original is tried again."""
    ledger.accepted("-odq", to=("gone@example.net", "you@example.net"))
    original, = ledger.spool.ids()
    ledger.provider.answers["rcpt"]["you@example.net"] = "450 4.2.0 later"
    ledger.keep()
    killed_after_a_bounce(ledger)
    assert len(ledger.spool.ids()) == 2 and original in ledger.spool.ids()
    assert ledger.call("sendmail", "-q5m")[0] == 0
    assert ledger.spool.ids() == [original] and len(ledger.provider.messages) == 1
    del ledger.provider.answers["rcpt"]["you@example.net"]
    ledger.check("afterwards", extra=0)


def test_a_bounce_that_is_there_already_is_on_disk_before_the_original_goes(strace, ledger):
    """Killed between the bounce's name and the sync of it, the run is repeated: it finds the bounce
    and must not take it for durable."""
    ledger.accepted("-odq", to=("gone@example.net",))
    original, = ledger.spool.ids()
    ledger.keep()
    ledger.provider.answers["mail"] = {"": "450 4.2.0 later"}  # the bounce itself waits
    killed_after_a_bounce(ledger)
    assert len(ledger.spool.ids()) == 2 and original in ledger.spool.ids()
    lines = traced(ledger, "-q")
    directory, removed = places(lines, ("fsync(", "/queue>", "= 0"),
                                ("unlinkat(", "queue>", original))
    assert directory[0] < removed[0]
    del ledger.provider.answers["mail"]
    ledger.check("afterwards", extra=0)
