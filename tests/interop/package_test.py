"""The Debian packages on a clean Debian: what apt makes of them, what an upgrade keeps and a purge
leaves, and mail of users without any privilege, who never see the password it is sent with.

The tests tell one story and run in this order."""

import concurrent.futures
import re
import shlex
import subprocess
import time

import pytest

import world
from debian import NEXT_VERSION, OTHER_AGENTS, Packages, clean_base
from root import Root, memory_directory
from server import PASSWORD, Postfix

CALLERS = ("logwatch", "cron", "php-cli", "bsd-mailx")

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

CRONTAB = f"""\
* * * * * www-data echo 'cron job of www-data'; cat {PASSWORD_FILE}
"""

AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs", "--")
AS_WWW_DATA = ("setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "--")
AS_ONEHOP = ("setpriv", "--reuid=onehop", "--regid=onehop", "--clear-groups", "--")


class Rig:
    """A clean Debian with the packages and their callers, and a provider. What needs the Internet
    comes first; afterwards there is none."""

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
            installed.result()
        authority.give(provider, "mail.test")
        authority.trust(self.machine)
        world.loopback_only()
        self.postfix = Postfix(provider)
        self.postfix.start()

    def _install(self):
        run, apt = self.machine.run, ("apt-get", "install", "-y", "-qq")
        run("apt-get", "update", "-qq", timeout=300)
        run(*apt, *self.packages.copy_to(self.machine), timeout=300)
        self.skeleton = self.state("/etc/onehop/onehop.ini")
        run(*apt, *CALLERS, timeout=300)

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


@pytest.fixture(scope="session")
def rig():
    return Rig()


@pytest.fixture(scope="session")
def machine(rig):
    return rig.machine


def test_lintian_finds_no_error(rig):
    said = rig.packages.lintian()
    assert not [line for line in said.splitlines() if line.startswith("E:")], said


def test_no_other_agent_comes_with_the_callers(rig):
    installed = rig.installed()
    assert {"onehop", "onehop-mta", *CALLERS} <= installed
    assert not installed & set(OTHER_AGENTS)


@pytest.mark.parametrize("name", ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/mailq",
                                  "/usr/bin/newaliases", "/usr/sbin/runq", "/usr/sbin/onehopctl"])
def test_every_name_is_the_program(machine, name):
    assert machine.run("readlink", "-f", name).stdout.strip() == "/usr/bin/onehop"
    owner = machine.run("dpkg", "-S", name).stdout.split(":")[0]
    assert owner == ("onehop" if name.endswith("onehopctl") else "onehop-mta")


def test_no_file_is_set_id_or_msmtps(machine):
    files = machine.run("dpkg", "-L", "onehop", "onehop-mta").stdout.split()
    assert not [name for name in files if "msmtp" in name]
    assert machine.run("find", *files, "-maxdepth", "0", "-perm", "/6000").stdout == ""


@pytest.mark.parametrize("path, expected", [
    ("/etc/onehop", "755 root:root"),
    ("/etc/onehop/passwords", "750 root:onehop"),
    ("/var/spool/onehop", "700 onehop:onehop"),
])
def test_directories_have_safe_modes(rig, path, expected):
    assert rig.state(path)[0] == expected


def test_sample_configuration_is_for_everybody_to_read_and_holds_no_account(rig):
    facts, text = rig.skeleton
    assert facts == "644 root:root"
    assert all(line.startswith(";") for line in text.splitlines() if line)


def test_user_has_neither_home_nor_shell(machine):
    fields = machine.run("getent", "passwd", "onehop").stdout.strip().split(":")
    assert fields[5:] == ["/nonexistent", "/usr/sbin/nologin"]


def test_sysusers_and_tmpfiles_make_the_same(rig):
    root = rig.packages.root
    (deb,) = [f.name for f in rig.packages.files if f.name.startswith("onehop_")]
    out = root.run("sh", "-ec", """
        dpkg -x /tmp/"$1" /tmp/tree && rm -rf /tmp/tree/etc/onehop
        systemd-sysusers --root=/tmp/tree
        systemd-tmpfiles --root=/tmp/tree --create onehop.conf
        cd /tmp/tree && grep ^onehop: etc/passwd
        stat -c '%a %u:%g %n' run/onehop var/spool/onehop etc/onehop etc/onehop/passwords
    """, "sh", deb).stdout.splitlines()
    user = out[0].split(":")
    uid, gid = user[2:4]
    assert user[5:] == ["/nonexistent", "/usr/sbin/nologin"]
    assert out[1:] == [f"755 {uid}:{gid} run/onehop", f"700 {uid}:{gid} var/spool/onehop",
                       "755 0:0 etc/onehop", f"750 0:{gid} etc/onehop/passwords"]


def test_upgrade_keeps_configuration_passwords_and_mail(rig, machine):
    configure(machine)
    machine.run("install", "-o", "onehop", "-m", "600", "/dev/null", "/var/spool/onehop/kept")
    kept = ("/etc/onehop/onehop.ini", "/etc/onehop/passwords", PASSWORD_FILE, "/var/spool/onehop",
            "/var/spool/onehop/kept")
    before = {path: rig.state(path) for path in kept}
    machine.run("dpkg", "-i", "--force-confdef", "--force-confold",
                *rig.packages.next_version(machine))
    version = machine.run("dpkg-query", "-W", "-f", "${Version}", "onehop").stdout
    assert version == NEXT_VERSION
    assert {path: rig.state(path) for path in kept} == before
    machine.run("rm", "/var/spool/onehop/kept")


def configure(machine):
    machine.write("etc/onehop/onehop.ini", CONFIGURATION)
    machine.write(PASSWORD_FILE.lstrip("/"), PASSWORD + "\n", 0o600)
    machine.run("chown", "onehop:onehop", PASSWORD_FILE)


def queue_a_message(machine):
    machine.run(*AS_ONEHOP, "sendmail", "-odq", "bob@mail.test", input="Subject: left behind\n\nx\n")
    return machine.run("find", "/var/spool/onehop/queue", "-type", "f").stdout.split()


def test_purge_removes_all_but_mail(rig, machine):
    (entry,) = queue_a_message(machine)
    said = machine.run("dpkg", "--purge", "--force-depends", "onehop-mta", "onehop").stderr
    assert "1 accepted but undelivered messages are left in /var/spool/onehop" in said
    assert "Subject: left behind" in rig.state(entry)[1]
    left = rig.files_named_onehop() - rig.before
    assert {name for name in left if not name.startswith("/var/spool/onehop")} == set()


def test_mail_left_by_a_purge_is_there_when_installed_again(rig, machine):
    machine.run("dpkg", "-i", *rig.packages.copy_to(machine))
    assert "bob@mail.test" in machine.run(*AS_ONEHOP, "mailq").stdout


def test_purge_without_mail_leaves_nothing(rig, machine):
    machine.run("sh", "-c", "rm /var/spool/onehop/queue/*")
    machine.run("dpkg", "--purge", "--force-depends", "onehop-mta", "onehop")
    assert rig.files_named_onehop() == rig.before
    assert machine.run("getent", "passwd", "onehop", check=False).returncode == 2
