"""The programs that are measured: how each is told to do the same work."""

import collections
import os

Server = collections.namedtuple("Server", "host port implicit trust")

SENDER, RECIPIENT, USER, PASSWORD = "me@example.com", "you@example.net", "me", "secret"


class Program:
    has_version = True
    streams = {}  # descriptors and the files that the last command() wants there

    def __init__(self, path, directory):
        self.path = path
        self.directory = directory

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        return path

    def command(self, server, message):
        """The arguments and the environment that send MESSAGE, which is also standard input."""
        raise NotImplementedError


class Onehop(Program):
    name = "onehop"

    def command(self, server, message):
        file = self.write(
            "onehop.ini",
            f"[account bench]\nhost = {server.host}\nport = {server.port}\nfrom = {SENDER}\n"
            f"auth = plain\nuser = {USER}\npassword = {PASSWORD}\n"
            f"tls_starttls = {'off' if server.implicit else 'on'}\n"
            f"tls_trust_file = {server.trust}\nsyslog = off\nqueue = off\n",
        )
        return [self.path, "-C", file, "-f", SENDER, RECIPIENT], {"ONEHOP_TEST_ROOT": self.directory}


class Msmtp(Program):
    name = "msmtp"

    def command(self, server, message):
        file = self.write(
            "msmtprc",
            f"account default\nhost {server.host}\nport {server.port}\nfrom {SENDER}\n"
            f"auth plain\nuser {USER}\npassword {PASSWORD}\ntls on\n"
            f"tls_starttls {'off' if server.implicit else 'on'}\n"
            f"tls_trust_file {server.trust}\n",
        )
        return [self.path, "-C", file, "-f", SENDER, RECIPIENT], {}


class Nullmailer(Program):
    """Its sender starts this for each message of its queue: queueing it is not counted."""
    name = "nullmailer"
    has_version = False

    def command(self, server, message):
        options = (f"host={server.host}\nport={server.port}\nuser={USER}\npass={PASSWORD}\n"
                   f"{'tls' if server.implicit else 'starttls'}\nx509cafile={server.trust}\n")
        with open(message) as text:
            mail = self.write("nullmailer.mail", f"{SENDER}\n{RECIPIENT}\n\n{text.read()}")
        self.streams = {0: self.write("nullmailer.options", options), 3: mail}
        return [self.path], {"HELOHOST": "bench.example.com"}


class Dma(Program):
    """In a root of its own (peers.py): queue, delivery, removal. It does not check certificates."""
    name = "dma"
    has_version = False
    root = None

    def command(self, server, message):
        secure = "SECURETRANSFER\n" + ("" if server.implicit else "STARTTLS\n")
        for name, text in (("dma.conf", f"SMARTHOST {server.host}\nPORT {server.port}\nMAILNAME "
                            f"example.com\nAUTHPATH /etc/dma/auth.conf\n{secure}"),
                           ("auth.conf", f"{USER}|{server.host}:{PASSWORD}\n")):
            with open(os.path.join(self.root, "etc/dma", name), "w") as out:
                out.write(text)
        return ["chroot", self.root, "/usr/sbin/dma", "-D", "-f", SENDER, RECIPIENT], {}


class Curl(Program):
    name = "curl"

    def command(self, server, message):
        scheme = "smtps" if server.implicit else "smtp"
        argv = [self.path, "-q", "-sS", f"{scheme}://{server.host}:{server.port}", "--ssl-reqd"]
        argv += ["--cacert", server.trust, "--user", f"{USER}:{PASSWORD}"]
        argv += ["--login-options", "AUTH=PLAIN", "--mail-from", SENDER]
        return argv + ["--mail-rcpt", RECIPIENT, "--upload-file", message], {}
