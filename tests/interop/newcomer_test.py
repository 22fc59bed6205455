"""README's commands as they are written there, on a bare Debian: by a user, and by root for the
machine. What they send must arrive. `make check` is left to others, it takes minutes."""

import concurrent.futures
import pathlib
import re
import shutil

import pytest

import world
from debian import clean_base, sources
from provider import Authority, Provider
from root import Root, listens, memory_directory, until

README = (pathlib.Path(__file__).parents[2] / "README").read_text(encoding="utf-8")
PASSWORD = "s3cret"
USERS = {"me@163.com": PASSWORD, "reports@gmail.com": PASSWORD}


def commands(title):
    """The indented lines of a section, the first one has no title; crontab lines are none."""
    parts = re.split(r"^(.+)\n-{10,}\n", README, flags=re.M)
    section = dict(zip(["", *parts[1::2]], [parts[0], *parts[2::2]]))[title]
    found = re.findall(r"^    (\S.*)$", section, re.M)
    return [line for line in found if not line.startswith("*/5 ")]


class Newcomer:
    """A bare Debian with the sources, as `git clone` or tar leave them, and somebody in it."""

    def __init__(self, base, name, lower, source, user):
        self.root, self.user = Root(base, name, lower), user
        self.root.add_hosts("127.0.0.1 smtp.163.com smtp.gmail.com")
        if user:
            self.root.install("sudo")
            self.root.run("useradd", "-m", "-s", "/bin/bash", user)
            self.root.write(f"etc/sudoers.d/{user}", f"{user} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        self.home = f"/home/{user}" if user else "/root"
        shutil.copytree(source, self.root.path / self.home.lstrip("/") / "onehop", symlinks=True)
        if user:
            self.root.run("chown", "-R", f"{user}:", self.home)

    def types(self, line, password=None):
        """What a person types at a terminal in the source tree, and what it printed. Questions are
        answered with what they offer, up to the PASSWORD, which is typed when it is asked for: what
        is typed before is thrown away."""
        process = self.root.open("env", "-C", f"{self.home}/onehop", "script", "-qec", line,
                                 "/dev/null", user=self.user)
        said = b""
        while password and b"password of " not in said and (more := process.stdout.read1()):
            said += more
            if said.endswith(b"]: "):
                process.stdin.write(b"\n")
                process.stdin.flush()
        rest, _ = process.communicate(f"{password}\n".encode() if password else b"", timeout=600)
        said = (said + rest).decode(errors="replace")
        assert process.returncode == 0, f"{line}: {said[-3000:]}"
        return said


@pytest.fixture(scope="module")
def street():
    """(user, root, provider): what needs the Internet is done."""
    base = memory_directory()
    source = sources(pathlib.Path(base) / "source")
    lower = clean_base(base)
    user = Newcomer(base, "user", lower, source, "newcomer")
    root = Newcomer(base, "machine", lower, source, None)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        (first, *_), (install, *_) = commands(""), commands("Five minutes: the machine's mail")
        done = [pool.submit(user.types, first), pool.submit(root.types, install)]
        demo, _ = [task.result() for task in done]
    assert "The message as it arrived" in demo
    world.loopback_only()
    authority = Authority(pathlib.Path(base) / "authority")
    for somebody in (user, root):
        world.trust(somebody.root, authority.trust)
    with Provider(authority, tls="implicit", certificate="providers", port=465,
                  users=USERS) as provider:
        yield user, root, provider


def test_readme_has_the_two_commands():
    assert commands("") == ["./bootstrap && make demo", "make check"]


def test_a_users_first_mail(street):
    user, _, provider = street
    install, setup, send, *_ = commands("Five minutes: your own mail")
    user.types(install)
    said = user.types(setup, PASSWORD)
    assert "everything works" in said and "authorization code" in said
    user.types(send)
    message = provider.messages[-1]
    assert (message.sender, message.recipients) == ("me@163.com", ["me@163.com"])
    assert message.body == b"It works.\r\n"


def test_a_machines_first_mail(street):
    _, root, provider = street
    _, setup, send = commands("Five minutes: the machine's mail")
    said = root.types(setup, PASSWORD)
    assert "everything works" in said
    before = len(provider.messages)
    root.types(send)
    message = provider.messages[before]
    assert (message.sender, message.recipients) == ("reports@gmail.com", ["you@example.com"])
    # Without systemd setup says how to start the service, which others need.
    service = root.root.start(*re.search(r"onehop -bd -q\S+", said)[0].split())
    try:
        until(lambda: listens(root.root.path / "run/onehop/submit"))
        root.root.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                      "sh", "-c", send)
    finally:
        service.terminate()
        service.wait(30)
    assert provider.messages[-1].sender == "reports@gmail.com"
    assert len(provider.messages) == before + 2
