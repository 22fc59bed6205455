"""The power goes: what is on the disk at that moment, and nothing else, is what the next boot sees.
The spool is on an image; the program is stopped half-way, and the image copied as it is. What the
kernel has not written yet is not in the copy."""

import shutil
import subprocess

import pytest

import inject
from kill_test import KILL, prepare_delivery
from ledger import stop_at

PARTS = 2
CALLS = inject.FILE_CALLS + ["sendto", "sendmsg", "recvfrom", "recvmsg"]


class Image:
    def __init__(self, directory, place):
        self.file, self.copy = directory / "disk", directory / "copy"
        self.place, self.afterwards = place, directory / "afterwards"
        self.afterwards.mkdir()
        with open(self.file, "wb") as out:
            out.truncate(12 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "1024", "-J", "size=1", self.file],
                       check=True)
        self.mount(self.file, self.place)

    @staticmethod
    def mount(file, place):
        """Nothing is written but what is synced: the next commit is five minutes away."""
        subprocess.run(["mount", "-o", "loop,commit=300", file, place], check=True)

    def sync(self):
        subprocess.run(["sync", "-f", self.place], check=True)

    def cut_power(self):
        """Mounts what the disk holds now at `afterwards`."""
        shutil.copy(self.file, self.copy)
        self.mount(self.copy, self.afterwards)

    def umount(self, place):
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def image(mounts, strace, machine, tmp_path):
    directory = tmp_path / "image"
    directory.mkdir()
    try:
        made = Image(directory, machine.home / ".local/state")
    except (OSError, subprocess.CalledProcessError) as problem:
        pytest.skip(f"NO LOOP DEVICE OR MKFS.EXT4: no power was cut here: {problem}")
    yield made
    made.umount(made.place)


def check_afterwards(ledger, image, where, extra):
    """What the ledger says, of the machine after the power came back."""
    image.cut_power()
    here, usual = ledger.spool.path, ledger.machine.environment
    ledger.spool.path = image.afterwards / "onehop"
    ledger.machine.environment = lambda **more: usual(
        XDG_STATE_HOME=str(image.afterwards), **more)
    try:
        ledger.check(where, extra)
    finally:
        ledger.spool.path, ledger.machine.environment = here, usual
        image.umount(image.afterwards)


def empty(ledger):
    shutil.rmtree(ledger.spool.path)
    ledger.forget()


@pytest.mark.parametrize("part", range(PARTS))
def test_power_goes_during_a_submission(ledger, image, part):
    ledger.accepted("-odq", before=inject.command(ledger.trace()))
    first = inject.points(ledger.trace(), CALLS)
    ledger.accepted("-odq", before=inject.command(ledger.trace()))
    later = inject.points(ledger.trace(), CALLS)
    check_afterwards(ledger, image, "right after success", 0)
    first, later = (inject.sample(points, 10, part, PARTS) for points in (first, later))
    kills = 0
    for point in first:
        empty(ledger)
        ledger.submit("-odq", before=stop_at(ledger.trace(), point, KILL))
        kills += inject.killed(ledger.trace()) > 0
        ledger.accepted("-odq")
        check_afterwards(ledger, image, f"power cut at {point} of the first", 0)
    for point in later:
        empty(ledger)
        ledger.accepted("-odq")
        ledger.submit("-odq", before=stop_at(ledger.trace(), point, KILL))
        kills += inject.killed(ledger.trace()) > 0
        check_afterwards(ledger, image, f"power cut at {point}", 0)
    assert kills >= 0.9 * len(first + later)


@pytest.mark.parametrize("part", range(PARTS))
def test_power_goes_during_a_delivery(ledger, image, part):
    prepare_delivery(ledger, streaming=True)
    ledger.restore()
    ledger.call("sendmail", "-q", before=inject.command(ledger.trace()))
    points, kills = inject.sample(inject.points(ledger.trace(), CALLS), 20, part, PARTS), 0
    for point in points:
        ledger.restore()
        image.sync()
        ledger.call("sendmail", "-q", before=stop_at(ledger.trace(), point, KILL))
        kills += inject.killed(ledger.trace()) > 0
        # What was delivered since the directory was synced last comes again: all four at worst.
        check_afterwards(ledger, image, f"power cut at {point} of a delivery", 4)
    assert kills > 0.8 * len(points)  # not every run has as many calls as the one before
