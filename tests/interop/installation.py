"""A clean Debian with the packages and their callers, and a provider."""

import concurrent.futures

import world
from booted import Booted
from debian import Packages, clean_base
from root import Root, memory_directory
from server import PASSWORD, Postfix

CALLERS = ("logwatch", "pflogsumm", "cron", "php-cli", "bsd-mailx")

CONFIGURATION = """\
; by the administrator
[account machine]
from = reports@mail.test
host = mail.test
user = reports
password_file = /etc/onehop/passwords/machine
admin = alice@mail.test
"""
PASSWORD_FILE = "/etc/onehop/passwords/machine"

AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs", "--")
AS_WWW_DATA = ("setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "--")
AS_ONEHOP = ("setpriv", "--reuid=onehop", "--regid=onehop", "--clear-groups", "--")


class Installation:
    """What needs the Internet comes first; afterwards there is none."""

    def __init__(self):
        base = memory_directory()
        authority = world.Authority(base, "mail.test")
        provider = Root(base, "provider")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            packages = pool.submit(Packages, base)
            installed = pool.submit(Postfix.install, provider)
            lower = pool.submit(clean_base, base)
            self.packages = packages.result()
            self.machine = Root(base, "clean", lower.result())
            self.before = self.files_named_onehop()
            self._install()
            self.booted = Booted(base, lower.result(), self.packages)
            installed.result()
        authority.give(provider, "mail.test")
        for root in (self.machine, self.booted.root):
            authority.trust(root)
        world.loopback_only()
        self.postfix = Postfix(provider)
        self.postfix.start()

    def _install(self):
        run, apt = self.machine.run, ("apt-get", "install", "-y", "-qq")
        run("apt-get", "update", "-qq", timeout=300)
        run(*apt, *self.packages.copy_to(self.machine), timeout=300)
        self.skeleton = self.state("/etc/onehop/onehop.ini")
        run(*apt, *CALLERS, timeout=300)

    def configure(self):
        """What an administrator does once: an account, and its password."""
        self.machine.write("etc/onehop/onehop.ini", CONFIGURATION)
        self.machine.write(PASSWORD_FILE.lstrip("/"), PASSWORD + "\n", 0o600)
        self.machine.run("chown", "onehop:onehop", PASSWORD_FILE)

    def state(self, path):
        """Mode, owner and content of a file of the machine."""
        facts = self.machine.run("stat", "-c", "%a %U:%G", path).stdout.strip()
        file = self.machine.path / path.lstrip("/")
        return facts, file.read_text() if file.is_file() else ""

    def files_named_onehop(self):
        found = self.machine.run("find", "/", "-xdev", "-iname", "*onehop*", "-not", "-path", "/tmp/*")
        return set(found.stdout.split())

    def installed(self):
        out = self.machine.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\\n").stdout
        return {line.split()[1] for line in out.splitlines() if line.startswith("ii")}
