"""The examples of the manuals and of the pages in doc/: each is tried as its reader would try it, on
a machine with an account for the user, one for the system, and a message that waits in the queue."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from machine import HAS_MSMTP, PATIENCE, REPORT, Machine, feed
import pages

PASSWORD = "s3cret"
USERS = {name: PASSWORD for name in ("me", "me@163.com", "reports@gmail.com", "me@example.com")}
# What the system's own programs do is not tried: each call succeeds.
STUBS = ("systemctl", "systemd-sysusers", "systemd-tmpfiles", "useradd", "adduser", "chown",
         "apt-get", "apt", "dpkg", "docker", "podman", "service", "crontab", "postsuper", "logger")
NO_OWNER = '#!/bin/sh\nfor word; do shift; case $word in onehop | root) [ "$last" = -o ] || ' \
    '[ "$last" = -g ] || set -- "$@" "$word" ;; -o | -g) ;; *) set -- "$@" "$word" ;; esac; ' \
    'last=$word; done\nexec /usr/bin/install "$@"\n'
UNITS = {"Service": {"LoadCredential", "ReadWritePaths", "ExecStart", "NoNewPrivileges", "User"},
         "Socket": {"ListenStream"}}


def of_kind(*kinds):
    chosen = [example for example in pages.examples() if example.kind in kinds]
    return pytest.mark.parametrize("example", chosen, ids=[example.name for example in chosen])


def known_here(machine, provider):
    """Makes the server on this machine those of the providers that examples name."""
    table = machine.root / "share/providers.ini"
    text = table.read_text()
    for name in ("163", "gmail"):
        text, done = re.subn(rf"(\[provider {name}\]\n(?:(?!\[).*\n)*?)host = .*\n(port = .*\n)?",
                             rf"\1host = localhost\nport = {provider.port}\n", text)
        assert done == 1, name
    table.write_text(text)


@pytest.fixture
def machine(programs, authority):
    """Its sockets have paths short enough for an address, wherever the build directory is."""
    with tempfile.TemporaryDirectory(prefix="onehop-", dir="/tmp",
                                     ignore_cleanup_errors=True) as directory:
        yield Machine(Path(directory), programs, authority)


@pytest.fixture
def lived_in(machine, serve, programs):
    """A machine whose user and system have accounts."""
    provider = serve(users=USERS)
    provider.forgive()
    known_here(machine, provider)
    common = f"[defaults]\ntls_trust_file = {machine.authority.trust}\nsyslog = off\nkeyring = off\n"
    secret = machine.file(machine.home / ".smtp", PASSWORD + "\n")
    machine.configure(f"{common}admin = me@163.com\n[account me]\nuser = me@163.com\n"
                      f"domains = 163.com, example.com\npassword_file = {secret}\n")
    system = machine.file(machine.root / "etc/onehop/passwords/machine", PASSWORD + "\n")
    machine.configure_system(f"{common}[account machine]\nuser = reports@gmail.com\n"
                             f"password_file = {system}\n", 0o644)
    machine.file(machine.root / "etc/app/mail.ini", machine.account(
        provider, **{"from": "app@example.com", "tls_trust_file": machine.authority.trust}))
    machine.file(machine.home / "report", REPORT)
    (machine.root / "run/onehop").mkdir()
    tools = machine.directory / "tools"
    tools.mkdir()
    for name in STUBS:
        (tools / name).symlink_to("/bin/true")
    (tools / "install").write_text(NO_OWNER)
    (tools / "sudo").write_text('#!/bin/sh\n[ "$1" != -u ] || shift 2\nexec "$@"\n')
    for tool in ("install", "sudo"):
        (tools / tool).chmod(0o755)
    machine.tools, machine.provider = tools, provider
    return machine


def here(machine, text):
    """The text with the places of this machine."""
    for place, ours in (("/etc/onehop", "etc/onehop"), ("/etc/app", "etc/app"),
                        ("/var/spool/onehop", "spool"), ("/var/mail", "mail"),
                        ("/run/onehop", "run/onehop")):
        text = re.sub(rf"(?<![\w/.]){place}", str(machine.root / ours), text)
    text = re.sub(r"/usr/(local/)?s?bin/(?=onehop|sendmail|msmtp|mailq)",
                  f"{machine.programs}/", text)
    text = text.replace("--host=smtp.example.com --port=587 --tls",
                        f"--host=localhost --port={machine.provider.port} --tls "
                        f"--tls-trust-file={machine.authority.trust}")
    text = text.replace("php -r", f"php -d sendmail_path='{machine.programs}/sendmail -t -i' -r")
    if re.search(r"\bID\b", text):
        text = re.sub(r"\bID\b", waiting_entry(machine), text)
    return text


def waiting_entry(machine):
    """The id of a message that waits in the user's queue."""
    machine.delivers("-odq", "you@example.net", name="onehop")
    listing = machine.run("mailq").shown
    return re.search(r"^([0-9A-Za-z]{15}) ", listing, re.M)[1]


def report_of_readiness(directory):
    """The socket where a service says that it listens (sd_notify(3))."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(os.path.join(directory, "notify"))
    receiver.settimeout(PATIENCE)
    return receiver


def shell(machine, text, input=b""):
    """What a shell makes of the text, its jobs ended. Returns (status, what was printed)."""
    text = here(machine, text)
    with tempfile.TemporaryDirectory(prefix="onehop-", dir="/tmp") as directory, \
            report_of_readiness(directory) as readiness:
        environment = machine.environment(
            PATH=f"{machine.tools}:{machine.programs}:/usr/bin:/bin:/usr/sbin:/sbin",
            NOTIFY_SOCKET=readiness.getsockname())
        starts_service = re.search(r"^onehop -bd", text, re.M)
        os.mkfifo(machine.home / "goes-on")
        script = "set -e\ntrap 'for job in $(jobs -p); do kill $job; done; wait' EXIT\n" + text
        script += "read line <goes-on\n" if starts_service else ""
        process = subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, cwd=machine.home,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=environment)
        feed(process.stdin, input)
        if starts_service:
            while b"READY=1" not in readiness.recv(4096):
                pass
            (machine.home / "goes-on").write_text("it listens\n")
        said = process.stdout.read().decode(errors="replace")
        return process.wait(PATIENCE), said


def input_of(text):
    """What is typed or piped to commands that read, and no message of their own."""
    if "cat >" in text or "password-stdin" in text:
        return PASSWORD.encode() + b"\n"
    return REPORT


def surroundings(machine):
    """What the user's file says before there is an account."""
    return f"[defaults]\nsyslog = off\ntls_trust_file = {machine.authority.trust}\n"


def skip_what_is_left_out(text):
    if os.environ.get("ONEHOP_SERVICE") == "no" and "onehop -bd" in text:
        pytest.skip("NOT TESTED: configured with --disable-service")
    if not HAS_MSMTP and "convert" in text:
        pytest.skip("NOT TESTED: configured with --disable-msmtp")


@of_kind("run")
def test_a_users_commands(lived_in, example):
    if example.text.startswith("git ") and not shutil.which("git"):
        pytest.skip("NOT TESTED: no git here")
    status, said = shell(lived_in, example.text, input_of(example.text))
    assert status == 0, said


def service_user_exists():
    try:
        return bool(pwd.getpwnam("onehop"))
    except KeyError:
        return False


@of_kind("root")
def test_roots_commands(lived_in, example):
    """As whoever runs the tests: the system's places are his. Where root would become the user onehop,
    who cannot enter this directory, tests/interop does the same on a machine of its own."""
    skip_what_is_left_out(example.text)
    if "php " in example.text and not shutil.which("php"):
        pytest.skip("NOT TESTED: no php here")
    if os.geteuid() == 0 and service_user_exists():
        pytest.skip("there is a user onehop, which may not enter here")
    lived_in.configure(surroundings(lived_in))
    text = re.sub(r"\bonehopctl setup\b", "onehopctl setup --user", example.text)
    text = re.sub(r"<\s?file$", "", text)
    status, said = shell(lived_in, text, input_of(text))
    assert status == 0, said


@of_kind("convert")
def test_conversions(lived_in, example):
    """With a file of msmtp's where the page has one, and the configuration it makes in use."""
    skip_what_is_left_out(example.text)
    rc = ("account default\nhost localhost\nport {}\nfrom me@example.com\nuser me@example.com\n"
          "password s3cret\ntls on\nauth on\ntls_trust_file {}\n").format(
              lived_in.provider.port, lived_in.authority.trust)
    for place in (lived_in.home / ".msmtprc", lived_in.root / "etc/msmtprc"):
        lived_in.file(place, rc)
    lived_in.user_file.write_text("")
    (lived_in.root / "etc/onehop/passwords/machine").unlink()
    lived_in.system_file.unlink()
    text = example.text.replace("/etc/msmtprc", str(lived_in.root / "etc/msmtprc"))
    status, said = shell(lived_in, text)
    assert status == 0 and "everything works" in said, said


@of_kind("setup")
def test_set_up_asks_for_the_password(lived_in, example):
    lived_in.configure(surroundings(lived_in))
    text = re.sub(r"\bonehopctl setup\b", "onehopctl setup --user --password-stdin", example.text)
    status, said = shell(lived_in, text, PASSWORD.encode() + b"\n")
    assert status == 0, said
    if "onehopctl setup" in example.text:
        assert "everything works" in said, said
        assert "[account " in lived_in.user_file.read_text()
    else:
        assert re.search(r"^\w+:\$", (lived_in.root / "etc/onehop/users").read_text())


@of_kind("refused")
def test_what_is_refused(lived_in, example):
    status, said = shell(lived_in, example.text, REPORT)
    assert status == 64 and "is not for callers of sendmail" in said, said


@of_kind("ini")
def test_configurations(machine, example):
    """They are read as `onehop -P` reads the user's file, and name servers, not hosts that exist."""
    text = re.sub(r"/etc/onehop/\S+", str(machine.directory / "secret"), example.text)
    text = re.sub(r"~/\S*pass\S*", str(machine.directory / "secret"), text)
    machine.file("secret", PASSWORD + "\n")
    accounts = re.findall(r"^\[account (\S+)\]", text, re.M)
    assert accounts, "an example without an account"
    system = "[service]" in text or "allow_" in text
    if system:
        machine.configure_system(text)
    else:
        machine.configure(text)
    for account in accounts:
        result = machine.run("onehop", "-P", "-a", account, input=REPORT)
        if re.search("allow_(users|groups)", text) and os.geteuid() != 0:  # it was read, and is for others
            assert result.code == 77 and "allow_users and allow_groups name others" in result.text
            continue
        assert (result.code, result.text) == (0, "")
        assert f"using account {account} from" in result.shown


@of_kind("caller")
def test_other_programs_call_it_so(lived_in, example):
    """The command that the other program's file names takes a message that has its recipients."""
    command = re.search(r"""(?:=|\bvia\b)\s*["']?(/usr/\S*(?:sendmail|onehop|msmtp)[^"'\n]*)""",
                        example.text)
    assert command, "no command for mail in it"
    arguments = "" if " -t" in command[1] else " you@example.net"
    before = len(lived_in.provider.messages)
    status, said = shell(lived_in, command[1] + arguments + "\n", REPORT)
    assert (status, said) == (0, "")
    assert len(lived_in.provider.messages) == before + 1


@of_kind("crontab")
def test_lines_of_a_crontab(lived_in, example):
    for line in example.text.splitlines():
        fields = re.match(r"(?:[\d*/,-]+ ){5}(?:root )?((?:/\S+/)?onehop .*|.*)$", line)
        assert fields and "onehop" in fields[1] or "=" in line, line
        if fields:
            waiting_entry(lived_in)
            status, said = shell(lived_in, fields[1] + "\n")
            assert (status, said) == (0, "")
            assert "Mail queue is empty" in lived_in.run("mailq").shown


@of_kind("unit")
def test_drop_ins_of_units(example):
    section = None
    for line in example.text.splitlines():
        if heading := re.match(r"\[(\w+)\]$", line):
            section = heading[1]
        elif line:
            assert line.split("=")[0] in UNITS[section], line


FORMS = (("json", r'"(\w+)": '), ("postfix", r"(?<=, )(\w[\w-]*)="), ("msmtp", r"(?<=\s)([\w-]+)="))


@of_kind("log")
def test_the_line_of_the_log(lived_in, example):
    """It has the fields that are shown, in their order."""
    log = lived_in.directory / "log"
    log.unlink(missing_ok=True)
    form, field = next(form for form in FORMS if re.search(form[1], example.text.replace("\n", " ")))
    lived_in.configure(lived_in.user_file.read_text().replace(
        "syslog = off", f"syslog = off\nlog_format = {form}\nlogfile = {log}"))
    lived_in.delivers("you@example.net", name="onehop")
    (line,) = [line for line in log.read_text().splitlines() if "sent" in line or form == "msmtp"]
    assert re.findall(field, line) == re.findall(field, "  " + example.text.replace("\n", " "))

