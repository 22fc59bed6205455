"""The Debian packages on a clean Debian: what apt makes of them, and what an upgrade keeps."""

import pathlib
import subprocess
import sys

import pytest

from debian import NEXT_VERSION, OTHER_AGENTS
from installation import CALLERS, PASSWORD_FILE

BINARIES = pathlib.Path(__file__).parent.parent / "binaries"


@pytest.fixture(scope="session")
def machine(installation):
    return installation.machine


def test_lintian_finds_no_error(installation):
    said = installation.packages.lintian()
    assert not [line for line in said.splitlines() if line.startswith("E:")], said


def test_no_other_agent_comes_with_the_callers(installation):
    installed = installation.installed()
    assert {"onehop", "onehop-mta", *CALLERS} <= installed
    assert not installed & set(OTHER_AGENTS)


@pytest.mark.parametrize("name", ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/mailq",
                                  "/usr/bin/newaliases", "/usr/sbin/runq", "/usr/bin/onehopctl"])
def test_every_name_is_the_program(machine, name):
    assert machine.run("readlink", "-f", name).stdout.strip() == "/usr/bin/onehop"
    owner = machine.run("dpkg", "-S", name).stdout.split(":")[0]
    assert owner == ("onehop" if name.endswith("onehopctl") else "onehop-mta")


def test_no_file_is_set_id_or_msmtps(machine):
    files = machine.run("dpkg", "-L", "onehop", "onehop-mta").stdout.split()
    assert not [name for name in files if "msmtp" in name]
    assert machine.run("find", *files, "-maxdepth", "0", "-perm", "/6000").stdout == ""


def test_the_programs_of_the_package_are_hardened(machine):
    """As they are installed: PIE, RELRO, bound at once, FORTIFY, stack protector, marked jumps."""
    flags = ("-pie -Wl,-z,noexecstack -Wl,-z,now -fstack-protector-strong -D_FORTIFY_SOURCE=3 "
             "-fcf-protection -mbranch-protection=standard")
    files = machine.run("dpkg", "-L", "onehop").stdout.split()
    module, = [name for name in files if name.endswith("/tls.so")]
    looked = subprocess.run([sys.executable, BINARIES, *(str(machine.path / name.lstrip("/"))
                                                        for name in ("/usr/bin/onehop", module))],
                            env={"HARDENING": flags, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert looked.returncode == 0 and "not ok" not in looked.stdout, looked.stdout + looked.stderr
    assert looked.stdout.count("\nok ") >= 7 or "SKIP" in looked.stdout, looked.stdout


@pytest.mark.parametrize("path, expected", [
    ("/etc/onehop", "755 root:root"),
    ("/etc/onehop/passwords", "750 root:onehop"),
    ("/var/spool/onehop", "700 onehop:onehop"),
    ("/var/lib/onehop", "700 onehop:onehop"),
])
def test_directories_have_safe_modes(installation, path, expected):
    assert installation.state(path)[0] == expected


def test_sample_configuration_is_for_everybody_to_read_and_holds_no_account(installation):
    facts, text = installation.skeleton
    assert facts == "644 root:root"
    assert all(line.startswith(";") for line in text.splitlines() if line)


def test_user_has_neither_home_nor_shell(machine):
    fields = machine.run("getent", "passwd", "onehop").stdout.strip().split(":")
    assert fields[5:] == ["/nonexistent", "/usr/sbin/nologin"]


def test_sysusers_and_tmpfiles_make_the_same(installation):
    root = installation.packages.root
    (deb,) = [f.name for f in installation.packages.files if f.name.startswith("onehop_")]
    out = root.run("sh", "-ec", """
        dpkg -x /tmp/"$1" /tmp/tree && mkdir /tmp/tree/etc
        systemd-sysusers --root=/tmp/tree
        systemd-tmpfiles --root=/tmp/tree --create onehop.conf
        cd /tmp/tree && grep ^onehop: etc/passwd
        stat -c '%a %u:%g %n' run/onehop var/spool/onehop var/lib/onehop etc/onehop etc/onehop/passwords
    """, "sh", deb).stdout.splitlines()
    user = out[0].split(":")
    uid, gid = user[2:4]
    assert user[5:] == ["/nonexistent", "/usr/sbin/nologin"]
    assert out[1:] == [f"755 {uid}:{gid} run/onehop", f"700 {uid}:{gid} var/spool/onehop", f"700 {uid}:{gid} var/lib/onehop",
                       "755 0:0 etc/onehop", f"750 0:{gid} etc/onehop/passwords"]


def preseed(machine, **answers):
    kinds = {"password": "password", "password_source": "select"}
    text = "".join(f"onehop onehop/{name} {kinds.get(name, 'string')} {value}\n"
                   for name, value in answers.items())
    machine.run("debconf-set-selections", input=text)


def test_debconf_writes_the_account_and_forgets_the_password(installation, machine):
    preseed(machine, address="debconf@163.com", admin="boss@example.org", password="s3cret")
    machine.run("dpkg-reconfigure", "-fnoninteractive", "onehop")
    ini = installation.state("/etc/onehop/onehop.ini")[1]
    assert "[account debconf@163.com]\n" in ini and "admin = boss@example.org\n" in ini
    password = "/etc/onehop/passwords/debconf@163.com"
    assert installation.state(password) == ("600 onehop:onehop", "s3cret\n")
    assert "s3cret" not in machine.run("cat", "/var/cache/debconf/passwords.dat").stdout
    preseed(machine, password="another")
    machine.run("dpkg-reconfigure", "-fnoninteractive", "onehop")
    assert installation.state(password) == ("600 onehop:onehop", "another\n")
    assert installation.state("/etc/onehop/onehop.ini")[1] == ini
    preseed(machine, address="")


def test_msmtp_is_a_package_of_its_own(installation, machine):
    names = installation.packages.copy_to(machine, ("onehop-msmtp",))
    machine.run("dpkg", "-i", *names)
    assert machine.run("readlink", "-f", "/usr/bin/msmtp").stdout.strip() == "/usr/bin/onehop"
    assert machine.run("msmtp", "--version").stdout.startswith("msmtp version")
    machine.run("dpkg", "--purge", "onehop-msmtp")


def test_upgrade_keeps_configuration_passwords_and_mail(installation, machine):
    installation.configure()
    machine.run("install", "-o", "onehop", "-m", "600", "/dev/null", "/var/spool/onehop/kept")
    kept = ("/etc/onehop/onehop.ini", "/etc/onehop/passwords", PASSWORD_FILE, "/var/spool/onehop",
            "/var/spool/onehop/kept")
    before = {path: installation.state(path) for path in kept}
    machine.run("dpkg", "-i", "--force-confdef", "--force-confold",
                *installation.packages.next_version(machine))
    version = machine.run("dpkg-query", "-W", "-f", "${Version}", "onehop").stdout
    assert version == NEXT_VERSION
    assert {path: installation.state(path) for path in kept} == before
    machine.run("rm", "/var/spool/onehop/kept")
