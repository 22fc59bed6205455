"""Queues of others to put mail into, in a root of their own: this system with their unpacked
packages (`apt-get download`, `dpkg -x FILE DIRECTORY`) laid over it, so that nothing is installed.
Needs root."""

import os
import shutil
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

    def write(self, path, text):
        with open(os.path.join(self.root, path), "w") as out:
            out.write(text)
        os.chmod(os.path.join(self.root, path), 0o644)

    def drain(self, message, n, sender, recipient, watch, **keys):
        """(messages a second, memory at its peak): WATCH makes a thread that looks at a process, and sees
        nothing of one that leaves its parent."""
        for name in os.listdir(os.path.join(self.root, self.queue)):
            os.unlink(os.path.join(self.root, self.queue, name))
        self.submit(message, n, sender, recipient)
        before = self.queued()
        for path, text in self.sending(**keys).items():
            self.write(path, text)
        process = subprocess.Popen(self.sender, preexec_fn=self.enter, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={"PATH": "/usr/sbin:/usr/bin"}, start_new_session=True)
        memory = watch(process.pid)
        memory.start()
        begin = time.monotonic()
        while self.queued() > self.rest and time.monotonic() - begin < self.patience:
            time.sleep(0.01)
        seconds = time.monotonic() - begin
        memory.over.set()
        memory.join()
        os.killpg(process.pid, 15)
        process.wait()
        if self.queued() > self.rest:
            raise RuntimeError(f"{self.queued()} of {before} files were left")
        return n / seconds, memory.peak


class Nullmailer(Peer):
    connections, slower, patience, rest = (1,), 10, 60, 0
    sender = ["/usr/sbin/nullmailer-send"]
    name, program = "nullmailer-inject", "usr/bin/nullmailer-inject"
    owner, queue = "mail:mail", "var/spool/nullmailer/queue"
    files = {"etc/nullmailer/remotes": "127.0.0.1 smtp\n", "etc/mailname": "example.com\n"}
    directories = [f"var/spool/nullmailer/{name}" for name in ("queue", "tmp", "failed")]

    def sending(self, host, port, user, password, trust):
        trigger = os.path.join(self.root, "var/spool/nullmailer/trigger")
        if not os.path.exists(trigger):
            os.mkfifo(trigger, 0o622)
        with open(trust) as text:
            authorities = text.read()
        return {"etc/nullmailer/remotes": f"{host} smtp --port={port} --starttls --user={user} "
                f"--pass={password} --x509cafile=/etc/nullmailer/trust.pem\n",
                "etc/nullmailer/trust.pem": authorities}

    def command(self, sender, recipient):
        return ["/" + self.program, "-f", sender, recipient]


class Dma(Peer):
    connections, slower, patience, rest = (4,), 4, 60, 1  # a file for flushing stays
    sender = ["/usr/sbin/dma", "-q1"]
    name, program = "dma, DEFER", "usr/sbin/dma"
    owner, queue = "mail:mail", "var/spool/dma"
    files = {"etc/dma/dma.conf": "SMARTHOST 127.0.0.1\nDEFER\nMAILNAME example.com\n",
             "etc/dma/auth.conf": ""}
    directories = ["var/spool/dma"]

    def sending(self, host, port, user, password, trust):
        """It does not check certificates."""
        return {"etc/dma/dma.conf": f"SMARTHOST {host}\nPORT {port}\nMAILNAME example.com\n"
                "SECURETRANSFER\nSTARTTLS\nAUTHPATH /etc/dma/auth.conf\n",
                "etc/dma/auth.conf": f"{user}|{host}:{password}\n"}

    def command(self, sender, recipient):
        return ["/" + self.program, "-f", sender, recipient]


POSTFIX = """compatibility_level = 3.6
myhostname = bench.example.com
mydestination =
inet_interfaces = loopback-only
relayhost = [{host}]:{port}
alias_maps =
alias_database =
maillog_file = /var/log/postfix.log
smtp_tls_security_level = encrypt
smtp_tls_connection_reuse = yes
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{{ [{host}]:{port}={user}:{password} }}
default_destination_concurrency_limit = {connections}
defer_transports = {deferred}
"""


class Postfix:
    """Its queue manager and SMTP client, in the same root: filled while delivery is deferred. It does not
    check certificates either."""

    name, program = "Postfix", "usr/sbin/postfix"
    places = ("incoming", "active", "deferred")
    patience = 100

    def __init__(self, packages, root):
        self.root = root
        for path in ("etc/postfix", "var/lib/postfix", "var/spool/postfix"):
            os.makedirs(os.path.join(root, path), exist_ok=True)
        shutil.copytree(os.path.join(packages, "etc/postfix"), os.path.join(root, "etc/postfix"),
                        dirs_exist_ok=True)
        self.write("etc/passwd", "postfix:x:8901:8901::/var/spool/postfix:/usr/sbin/nologin\n", "a")
        self.write("etc/group", "postfix:x:8901:\npostdrop:x:8902:\n", "a")
        shutil.copy(os.path.join(root, "usr/share/postfix/master.cf.dist"),
                    os.path.join(root, "etc/postfix/master.cf"))
        self.write("etc/postfix/master.cf", "tlsproxy unix - - n - 0 tlsproxy\n", "a")
        self.write("etc/postfix/main.cf", "compatibility_level = 3.6\n")
        os.chown(os.path.join(root, "var/lib/postfix"), 8901, 8901)
        for name in ("postdrop", "postqueue"):
            path = os.path.join(root, "usr/sbin", name)
            os.chown(path, 0, 8902)
            os.chmod(path, 0o2755)
        self.call("postconf", "-F", "*/*/chroot = n")
        self.call("postconf", "-MX", "smtp/inet")

    def write(self, path, text, mode="w"):
        with open(os.path.join(self.root, path), mode) as out:
            out.write(text)

    def call(self, *argv, **more):
        done = subprocess.run(["chroot", self.root, *argv], capture_output=True,
                              timeout=self.patience, **more)
        if done.returncode != 0:
            raise RuntimeError(f"{argv[0]}: {done.stderr.decode(errors='replace')[-300:]}")

    def queued(self):
        return sum(len(files) for place in self.places for _, _, files in
                   os.walk(os.path.join(self.root, "var/spool/postfix", place)))

    def drain(self, message, n, sender, recipient, watch, **keys):
        """(messages a second, memory at its peak): WATCH makes a thread that looks at a process."""
        self.write("etc/postfix/main.cf", POSTFIX.format(deferred="smtp", **keys))
        self.call("postfix", "start")
        try:
            for i in range(n):
                self.call("sendmail", "-f", sender, recipient, input=message(i))
            self.write("etc/postfix/main.cf", POSTFIX.format(deferred="", **keys))
            self.call("postfix", "reload")
            with open(os.path.join(self.root, "var/spool/postfix/pid/master.pid")) as pid:
                memory = watch(int(pid.read()))
            memory.start()
            begin = time.monotonic()
            self.call("postqueue", "-f")
            while self.queued() and time.monotonic() - begin < self.patience:
                time.sleep(0.01)
            seconds = time.monotonic() - begin
            memory.over.set()
            memory.join()
            if self.queued():
                raise RuntimeError(f"{self.queued()} of {n} messages were left")
            return n / seconds, memory.peak
        finally:
            self.call("postfix", "stop")


def found(packages, directory):
    """Those of which the package is there. leave() it."""
    root = os.path.join(directory, "root")
    for name in ("upper", "work", "root"):
        os.mkdir(os.path.join(directory, name))
    # Not all of it: where /lib is a link, a package's own would hide it.
    subprocess.run(["cp", "-a", os.path.join(packages, "usr"), f"{directory}/upper"], check=True)
    options = f"lowerdir=/,upperdir={directory}/upper,workdir={directory}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
    for place in ("dev", "proc"):
        subprocess.run(["mount", "--bind", f"/{place}", f"{root}/{place}"], check=True)
    return [kind(directory, root) for kind in (Nullmailer, Dma)
            if os.path.exists(os.path.join(packages, kind.program))]


def leave(directory):
    subprocess.run(["umount", "-R", os.path.join(directory, "root")], check=True)
