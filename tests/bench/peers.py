"""Queues of others to put mail into, in a root of their own: this system with their unpacked
packages (`apt-get download`, `dpkg -x FILE DIRECTORY`) laid over it, so that nothing is installed.
Needs root."""

import os
import subprocess
import time


class Peer:
    def __init__(self, directory, root):
        self.root = root
        for path, text in self.files.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as out:
                out.write(text)
        for path in self.directories:
            os.makedirs(os.path.join(root, path), exist_ok=True)
            subprocess.run(["chown", self.owner, os.path.join(root, path)], check=True)
            os.chmod(os.path.join(root, path), 0o2770)

    def enter(self):
        os.chroot(self.root)
        os.chdir("/")

    def submit(self, message, n, sender, recipient):
        """Messages per second, one call for each."""
        begin = time.monotonic()
        for i in range(n):
            done = subprocess.run(
                self.command(sender, recipient), input=message(i), capture_output=True,
                env={"PATH": "/usr/sbin:/usr/bin"}, preexec_fn=self.enter)
            if done.returncode != 0:
                raise RuntimeError(f"{self.name}: {done.stderr.decode(errors='replace')}")
        return n / (time.monotonic() - begin)

    def queued(self):
        return len(os.listdir(os.path.join(self.root, self.queue)))


class Nullmailer(Peer):
    name, program = "nullmailer-inject", "usr/bin/nullmailer-inject"
    owner, queue = "mail:mail", "var/spool/nullmailer/queue"
    files = {"etc/nullmailer/remotes": "127.0.0.1 smtp\n", "etc/mailname": "example.com\n"}
    directories = [f"var/spool/nullmailer/{name}" for name in ("queue", "tmp", "failed")]

    def command(self, sender, recipient):
        return ["/" + self.program, "-f", sender, recipient]


class Dma(Peer):
    name, program = "dma, DEFER", "usr/sbin/dma"
    owner, queue = "root:mail", "var/spool/dma"
    files = {"etc/dma/dma.conf": "SMARTHOST 127.0.0.1\nDEFER\nMAILNAME example.com\n",
             "etc/dma/auth.conf": ""}
    directories = ["var/spool/dma"]

    def command(self, sender, recipient):
        return ["/" + self.program, "-f", sender, recipient]


def found(packages, directory):
    """Those of which the package is there. leave() it."""
    root = os.path.join(directory, "root")
    for name in ("upper", "work", "root"):
        os.mkdir(os.path.join(directory, name))
    # Not all of it: where /lib is a link, a package's own would hide it.
    subprocess.run(["cp", "-a", os.path.join(packages, "usr"), f"{directory}/upper"], check=True)
    options = f"lowerdir=/,upperdir={directory}/upper,workdir={directory}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
    subprocess.run(["mount", "--bind", "/dev", f"{root}/dev"], check=True)
    return [kind(directory, root) for kind in (Nullmailer, Dma)
            if os.path.exists(os.path.join(packages, kind.program))]


def leave(directory):
    subprocess.run(["umount", "-R", os.path.join(directory, "root")], check=True)
