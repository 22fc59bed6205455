"""A Debian with the packages on it, booted by systemd in a container, to see the units at work."""

import shutil
import subprocess
import time

from root import Root, until

BASE_PACKAGES = ("systemd-sysv", "dbus", "procps")
BOOT_SECONDS_MAX = 60

DROP_IN = "[Service]\nLoadCredential=work:/root/work.password\n"


class Booted:
    """Its network is ours, its processes end with ours."""

    def __init__(self, base, lower, packages):
        self.root = Root(base, "booted", lower)
        self.root.run("apt-get", "update", "-qq", timeout=300)
        self.root.run("apt-get", "install", "-y", "-qq", *packages.copy_to(self.root),
                      *BASE_PACKAGES, timeout=300)

    def start(self):
        """True if it came up: not every machine has systemd-nspawn, or lets a container be made."""
        if not shutil.which("systemd-nspawn"):
            return False
        for directory in ("proc", "dev", "run", "tmp"):  # it brings its own
            subprocess.run(["umount", "-R", self.root.path / directory], check=True)
        self.root.write("etc/systemd/system/onehop.service.d/password.conf", DROP_IN)
        with open(self.root.path.parent / "console", "wb") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "-D", self.root.path, "--register=no", "--keep-unit", "--boot"], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        deadline = time.monotonic() + BOOT_SECONDS_MAX
        while time.monotonic() < deadline and self.nspawn.poll() is None:
            if self.run("systemctl", "is-active", "multi-user.target").stdout == "active\n":
                return True
            time.sleep(0.2)
        return False

    def console(self):
        return (self.root.path.parent / "console").read_text(errors="replace")

    def run(self, *argv, **kwargs):
        """Runs a command in the container, not below its systemd but with all it sees."""
        children = f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children"
        with open(children, encoding="ascii") as file:
            leader = file.read().split()[:1]
        enter = ["nsenter", "--all", f"--target={leader[0]}", "--"] if leader else ["false"]
        return subprocess.run([*enter, *argv], text=True, capture_output=True, check=False,
                              timeout=60, **kwargs)

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def wait_state(self, unit, state, seconds=20):
        until(lambda: self.show(unit, "ActiveState") == state,
              lambda: f"{unit} is {self.show(unit, 'ActiveState')}: {self.journal()}", seconds)

    def journal(self):
        return self.run("journalctl", "--no-pager", "-u", "onehop.service").stdout
