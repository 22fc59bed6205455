"""The file of tokens: killed at each of its calls, on a full disk. A server that rotates refresh tokens
takes each of them once, so a login survives only if the new one is on disk."""

import fcntl
import os
import resource
import signal
import subprocess
import threading

import pytest

import inject
from machine import PATIENCE, until
from oauth import PROGRAM, needs_program, tokens  # noqa: F401
from provider import Answer

pytestmark = needs_program

CALLS = ("flock", "unlinkat", "fallocate", "fsync", "ftruncate", "renameat", "write")
KEPT = """\
onehop-token 1
login user=me@example.com
scope smtp
person 1000
obtained 900
expires 1000
refresh old
access ended
end
"""


class Store:
    def __init__(self, server, directory):
        self.server, self.directory = server, directory / "tokens"
        self.file = self.directory / "work.token"
        self.directory.mkdir(mode=0o700)

    def begin(self):
        """A login whose access token has ended."""
        self.server.refresh_tokens.clear()
        self.server.refresh_tokens["old"] = "me@example.com"
        self.file.write_text(KEPT)
        self.file.chmod(0o600)

    def request(self, **more):
        words = {"mode": "token", "account": "work", "user": "me@example.com", "grant": "person",
                 "client": "cid", "server": "test", "scope": "smtp",
                 "token": self.server.url + "/token", "authorize": self.server.url + "/authorize",
                 "trust-file": self.server.trust, "login": "user=me@example.com",
                 "file": str(self.file), **more}
        return "".join(f"{key} {value}\n" for key, value in words.items()) + "end\n"

    def run(self, *before, limit=None, **more):
        return subprocess.run([*before, PROGRAM], input=self.request(**more), text=True,
                              capture_output=True, timeout=PATIENCE, preexec_fn=limit,
                              env={"PATH": "/usr/bin:/bin",
                                   "ASAN_OPTIONS": "detect_leaks=0"})  # not while it is traced

    def kept(self):
        """The lines of the file, which is whole."""
        text = self.file.read_text()
        assert text.startswith("onehop-token 1\n") and text.endswith("\nend\n"), text
        return dict(line.split(" ", 1) for line in text.splitlines()[1:-1])


@pytest.fixture
def store(tokens, tmp_path):  # noqa: F811
    return Store(tokens, tmp_path)


@pytest.mark.parametrize("call", CALLS)
def test_a_renewal_killed_at_any_point(strace, store, tmp_path, call):
    trace, killed = tmp_path / "trace", 0
    for when in range(1, 100):
        store.begin()
        done = store.run(*inject.command(trace, call, "signal=SIGKILL", when))
        if not inject.killed(trace):
            assert done.stdout.startswith("token "), done
            break
        killed += 1
        kept = store.kept()
        asked = "old" not in store.server.refresh_tokens
        # What is kept can be renewed, but for a death between the answer and the disk.
        usable = kept["refresh"] in store.server.refresh_tokens
        assert usable or (asked and kept["refresh"] == "old")
        if call in ("flock", "unlinkat", "fallocate"):
            assert not asked, "room and lock come before the question"
        if done.stdout.startswith("token "):
            assert done.stdout.split()[1] == kept["access"], "used before it was kept"
        again = store.run()
        assert again.stdout.startswith("token " if usable else "login "), again
    assert killed > 0, f"{call} was never called"


@pytest.mark.parametrize("call, error", [("fallocate", "ENOSPC"), ("fsync", "EIO"), ("unlinkat", "EROFS")])
def test_a_disk_that_takes_nothing_costs_no_login(strace, store, tmp_path, call, error):
    store.begin()
    done = store.run(*inject.command(tmp_path / "trace", call, f"error={error}", 1))
    assert done.returncode == 75 and done.stdout.startswith("temporary "), done
    assert "old" in store.server.refresh_tokens and store.kept()["refresh"] == "old"
    assert store.run().stdout.startswith("token ")


def test_a_full_disk_costs_no_login(mounts, store):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k,mode=700", "none", store.directory], check=True)
    try:
        store.begin()
        done = store.run()
        assert done.returncode == 75 and "No space left on device" in done.stdout, done
        assert "old" in store.server.refresh_tokens and store.kept()["refresh"] == "old"
        assert os.listdir(store.directory).count(".work.token.new") == 0
    finally:
        subprocess.run(["umount", "-l", store.directory], check=True)


def test_a_file_that_may_not_grow(store):
    store.begin()
    done = store.run(limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)))
    assert done.returncode == 75, done
    assert "old" in store.server.refresh_tokens and store.kept()["refresh"] == "old"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_waits_until_the_answer_is_kept(store, number):
    """While the server is asked: it has taken the old refresh token when it answers."""
    store.begin()
    gate = threading.Event()
    store.server.script("token", Answer(200, {"access_token": "a", "token_type": "Bearer",
                                              "refresh_token": "new"}, wait=gate))
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    process.stdin.write(store.request())
    process.stdin.close()
    until(lambda: store.server.forms("token"))
    process.send_signal(number)
    gate.set()
    process.wait(PATIENCE)
    assert store.kept()["refresh"] == "new"


def test_a_process_that_renews_for_ever(store):
    """Stopped, say: the others wait as long as they may, and say what for."""
    store.begin()
    with open(f"{store.file}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = store.run(timeout="50")
    assert done.stdout == f"temporary 0 {store.file}: another process renews it, and does not end\n", done
    assert "old" in store.server.refresh_tokens
    assert store.run().stdout.startswith("token ")
