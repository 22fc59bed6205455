"""onehopctl setup: from an address to the first mail."""

import os
import stat
import subprocess

import pytest

from machine import PATIENCE
from service import SERVICE, needs_root, shared  # noqa: F401
from service_test import as_root_with_the_user
from terminal import Terminal

ADDRESS = "me@here.example"
NOTE = "make an app password"


def surroundings(machine, provider, where="localhost"):
    """What a file says about providers before there is an account."""
    return (f"; mine\n[provider here]\ndomains = here.example\nhost = {where}\nport = {provider.port}\n"
            f"note = {NOTE}\n[defaults]\ntls_trust_file = {machine.authority.trust}\ntimeout = 10\n"
            "syslog = off\n")


@pytest.fixture
def provider(serve):
    return serve(users={ADDRESS: "s3cret"})


@pytest.fixture
def fresh(machine, provider):
    machine.configure(surroundings(machine, provider))
    return machine


def set_up(machine, *words, password=b"s3cret\n"):
    more = () if any(word.startswith("--password") for word in words) else ("--password-stdin",)
    return machine.run("onehopctl", "setup", "--user", *more, *words, input=password)


def files(machine):
    return {path.relative_to(machine.home): (stat.S_IMODE(path.stat().st_mode), path.read_text())
            for path in machine.home.rglob("*") if path.is_file()}


def test_an_address_and_a_password_are_enough(fresh, provider):
    result = set_up(fresh, ADDRESS)
    assert (result.code, result.text) == (0, "")
    assert NOTE in result.shown and "everything works" in result.shown
    assert f"wrote      {fresh.user_file}" in result.shown and "undo" in result.shown
    assert f"*/5 * * * * {fresh.root}/bin/onehop -q5m\n" in result.shown
    assert fresh.user_file.read_text().startswith("; mine\n")
    password = fresh.user_file.parent / "passwords" / ADDRESS
    assert (password.read_text(), stat.S_IMODE(password.stat().st_mode)) == ("s3cret\n", 0o600)
    assert stat.S_IMODE(fresh.user_file.stat().st_mode) == 0o600
    assert b"s3cret" not in result.out + result.err
    fresh.delivers("you@example.net", "-odi")
    assert provider.message.sender == ADDRESS


def test_a_test_message_if_wanted(fresh, provider):
    result = set_up(fresh, "--test", ADDRESS)
    assert (result.code, result.text) == (0, "")
    assert provider.message.recipients == [ADDRESS]


def test_a_refused_login_leaves_nothing(fresh, provider):
    before = files(fresh)
    result = set_up(fresh, ADDRESS, password=b"wrong\n")
    assert result.code != 0 and "nothing was changed" in result.text and NOTE in result.shown
    assert files(fresh) == before


def test_what_is_there_is_not_replaced(fresh, provider):
    assert set_up(fresh, ADDRESS).code == 0
    before = files(fresh)
    result = set_up(fresh, ADDRESS)
    assert result.code == 73 and "is there already" in result.text
    assert files(fresh) == before


def test_a_password_is_replaced_with_yes_alone(fresh, provider):
    fresh.file(fresh.home / ".config/onehop/passwords" / ADDRESS, "old\n")
    before = files(fresh)
    result = set_up(fresh, ADDRESS)
    assert result.code == 73 and "--yes" in result.text and files(fresh) == before
    assert set_up(fresh, "--yes", ADDRESS, password=b"wrong\n").code != 0
    assert files(fresh) == before
    result = set_up(fresh, "--yes", ADDRESS)
    assert (result.code, result.text) == (0, "") and "replaced" in result.shown


def test_no_file_no_directory_and_a_named_server(machine, provider, monkeypatch):
    machine.user_file.parent.rmdir()
    result = set_up(machine, "--no-check", "--host", "localhost", "--port", "2525", "--admin",
                   "boss@here.example", "--login", "me", "me@nowhere.example")
    assert (result.code, result.text) == (0, "")
    text = machine.user_file.read_text()
    for line in ("from = me@nowhere.example", "host = localhost", "port = 2525", "user = me",
                 "admin = boss@here.example"):
        assert line in text.splitlines()
    assert stat.S_IMODE(machine.user_file.parent.stat().st_mode) == 0o700


def test_an_answer_is_written_so_that_it_is_read_back(machine, provider):
    result = set_up(machine, "--no-check", "--host", "localhost", "--login", "ACME ;jo", "me@nowhere.example")
    assert (result.code, result.text) == (0, "")
    assert 'user = "ACME ;jo"' in machine.user_file.read_text().splitlines()
    assert "user = ACME ;jo" in machine.run("onehop", "-P", "-a", "me@nowhere.example", "x@example.net").shown


def test_an_answer_that_no_file_can_hold(fresh):
    before = files(fresh)
    result = set_up(fresh, "--no-check", "--host", "localhost", "--login", 'a"b ;', "me@nowhere.example")
    assert result.code == 78 and "user: this value with its double quote" in result.text
    assert files(fresh) == before


def test_a_password_command(fresh, provider):
    result = set_up(fresh, "--password-command", "echo s3cret ; true", ADDRESS, password=b"")
    assert (result.code, result.text) == (0, "")
    assert not (fresh.user_file.parent / "passwords").exists()
    fresh.delivers("you@example.net", "-odi")


def test_a_provider_that_takes_no_password(machine):
    result = set_up(machine, "me@outlook.com")
    assert result.code == 64 and "--password-command" in result.text


@pytest.mark.parametrize("words, code, told", [
    ((), 64, "takes an address"), (("me",), 64, "takes an address"),
    (("a@here.example", "b@here.example"), 64, "one address"), (("--what", ADDRESS), 64, "--what"),
    (("--host",), 64, "lacks a value"), (("--system", ADDRESS), 64, "--user exclude"),
    (("--password-stdin", "--password-command=x", ADDRESS), 64, "exclude"),
])
def test_wrong_words(fresh, words, code, told):
    before = files(fresh)
    result = set_up(fresh, *words)
    assert result.code == code and told in result.text, result.text
    assert files(fresh) == before


FAR = {"ONEHOP_TEST_SRV": "_submissions._tcp.near.example=smtp.far.example:465"}


def test_a_server_of_another_domain_that_dns_names_gets_no_password_unasked(machine):
    result = machine.run("onehopctl", "setup", "--user", "--no-check", "--password-stdin",
                         "me@near.example", input=b"s3cret\n", environment=FAR)
    assert result.code == 64 and "smtp.far.example, which is not in near.example" in result.text
    assert not machine.user_file.exists()
    result = machine.run("onehopctl", "setup", "--user", "--no-check", "--password-stdin", "--yes",
                         "me@near.example", input=b"s3cret\n", environment=FAR)
    assert (result.code, result.text) == (0, "")
    assert "host = smtp.far.example" in machine.user_file.read_text().splitlines()


def test_a_server_of_its_own_domain_that_dns_names_is_used(machine):
    own = {"ONEHOP_TEST_SRV": "_submission._tcp.near.example=mail.near.example:587"}
    result = machine.run("onehopctl", "setup", "--user", "--no-check", "--password-stdin",
                         "me@near.example", input=b"s3cret\n", environment=own)
    assert (result.code, result.text) == (0, "") and "from SRV records in DNS" in result.shown
    text = machine.user_file.read_text().splitlines()
    assert {"host = mail.near.example", "port = 587", "tls_starttls = on"} <= set(text)


def test_without_a_terminal_a_password_must_come_from_somewhere(fresh):
    result = fresh.run("onehopctl", "setup", "--user", ADDRESS, before=os.setsid)
    assert result.code == 64 and "--password-stdin" in result.text


def test_the_options_are_listed(fresh):
    result = fresh.run("onehopctl", "setup", "--help")
    assert (result.code, result.text) == (0, "") and "--admin ADDRESS" in result.shown


def test_an_accounts_password_is_replaced_with_yes(fresh, provider):
    assert set_up(fresh, ADDRESS).code == 0
    text = fresh.user_file.read_text()
    provider.users[ADDRESS] = "another"
    result = set_up(fresh, "--yes", ADDRESS, password=b"another\n")
    assert (result.code, result.text) == (0, "")
    assert f"kept       {fresh.user_file}, [account {ADDRESS}]" in result.shown
    assert "replaced" in result.shown and fresh.user_file.read_text() == text
    assert "undo" not in result.shown  # the account was there before, and its old password is gone
    fresh.delivers("you@example.net", "-odi")


# -- a machine without provider

def keep_mail(machine, *words):
    return machine.run("onehopctl", "setup", "--user", *words, input=b"")


def test_a_maildir_replaces_a_provider(machine):
    result = keep_mail(machine, "--maildir", "~/mail/root", "--test")
    assert (result.code, result.text) == (0, "")
    assert f"wrote      {machine.user_file}, [account default]" in result.shown
    assert machine.user_file.read_text() == "[account default]\nprotocol = maildir\nmaildir = ~/mail/root\n"
    file, = (machine.home / "mail/root/new").iterdir()
    assert b"Subject: onehop works" in file.read_bytes()
    before = machine.user_file.read_text()
    for path in ("", str(machine.home / "mail/root/")):
        result = keep_mail(machine, f"--maildir={path}")
        assert (result.code, result.text) == (0, "")
        assert f"kept       {machine.user_file}, [account default]" in result.shown
    assert machine.user_file.read_text() == before


def test_a_users_maildir_has_the_usual_name(machine):
    assert keep_mail(machine, "--maildir").code == 0
    assert "maildir = ~/Maildir\n" in machine.user_file.read_text()
    assert stat.S_IMODE((machine.home / "Maildir").stat().st_mode) == 0o700


@pytest.mark.parametrize("words, code, told", [
    ((ADDRESS,), 64, "--maildir takes no address"),
    *(((word,), 64, f"{word.split('=')[0]} is about a provider")
      for word in ("--admin=a@here.example", "--host=h", "--port=25", "--login=x", "--password-stdin",
                   "--password-command=x", "--oauth=x", "--oauth-client-id=x", "--oauth-secret-file=/x")),
    (("--maildir=mail",), 64, "takes a full path"), (("--system",), 64, "exclude"),
])
def test_what_makes_no_sense_with_a_maildir(machine, words, code, told):
    result = keep_mail(machine, "--maildir", *words)
    assert result.code == code and told in result.text, result.text
    assert files(machine) == {}


def test_a_machine_with_a_provider_gets_no_maildir_unasked(fresh, provider):
    assert set_up(fresh, ADDRESS).code == 0
    before = files(fresh)
    result = keep_mail(fresh, "--maildir")
    assert result.code == 73 and f"account {ADDRESS} is there already" in result.text
    assert files(fresh) == before


def test_another_maildir_is_not_replaced(machine):
    assert keep_mail(machine, "--maildir").code == 0
    result = keep_mail(machine, "--maildir", "~/other")
    assert result.code == 73 and "account default is there already" in result.text
    assert not (machine.home / "other").exists()


def test_a_maildir_that_cannot_be_made_changes_nothing(machine):
    machine.file("home/mail", "in the way")
    before = files(machine)
    result = keep_mail(machine, "--maildir", "~/mail/root")
    assert result.code == 75 and "nothing was changed" in result.text and "Not a directory" in result.shown
    assert files(machine) == before


# -- a person at the terminal

def at_terminal(machine, *words, **more):
    words = words if "--system" in words or more.get("before") else ("--user", *words)
    return Terminal(machine, "setup", *words, program="onehopctl", stdout=None, stderr=None, **more)


def test_a_person_types_a_password_and_gets_a_test_message(fresh, provider):
    terminal = at_terminal(fresh, ADDRESS)
    shown = terminal.answers(f"password of {ADDRESS}: ".encode(), b"s3cret\n")
    assert NOTE.encode() in shown
    terminal.answers(b"Send a test message to me@here.example? [Y/n]: ", b"\n")
    shown = terminal.rest()
    assert terminal.end()[0] == 0, shown
    assert b"s3cret" not in shown and b"sent       a test message" in shown
    assert provider.message.recipients == [ADDRESS]


def test_a_person_may_mistype_the_password(fresh, provider):
    terminal = at_terminal(fresh, ADDRESS)
    terminal.answers(b"password of me@here.example: ", b"wrong\n")
    shown = terminal.answers(b"password of me@here.example: ", b"s3cret\n")
    assert b"FAIL login" in shown and NOTE.encode() in shown
    terminal.answers(b"[Y/n]: ", b"n\n")
    shown = terminal.rest()
    assert terminal.end()[0] == 0 and provider.messages == [], shown
    fresh.delivers("you@example.net", "-odi")


def test_a_person_who_gives_up_changes_nothing(fresh, provider):
    before = files(fresh)
    terminal = at_terminal(fresh, ADDRESS)
    terminal.answers(b"password of me@here.example: ", b"wrong\n")
    terminal.answers(b"password of me@here.example: ", b"\n")
    assert b"nothing was changed" in terminal.rest()
    assert terminal.end()[0] != 0 and files(fresh) == before


def test_a_server_that_nobody_knows_is_asked_for(fresh, provider):
    provider.users["reports"] = "s3cret"
    terminal = at_terminal(fresh, "me@nowhere.invalid")
    shown = terminal.answers(b"HOST or HOST:PORT: ", b"localhost:%d\n" % provider.port)
    assert b"No provider is known for nowhere.invalid" in shown
    terminal.answers(b"user name there [me@nowhere.invalid]: ", b"reports\n")
    terminal.answers(b"password of reports: ", b"s3cret\n")
    terminal.answers(b"[Y/n]: ", b"n\n")
    shown = terminal.rest()
    assert terminal.end()[0] == 0, shown
    text = fresh.user_file.read_text()
    for line in ("[account me@nowhere.invalid]", "from = me@nowhere.invalid", "host = localhost",
                 f"port = {provider.port}", "user = reports"):
        assert line in text.splitlines()


def test_a_server_that_nobody_names_ends_it(fresh):
    before = files(fresh)
    terminal = at_terminal(fresh, "me@nowhere.invalid")
    terminal.answers(b"HOST or HOST:PORT: ", b"\n")
    assert b"name its submission server with --host" in terminal.rest()
    assert terminal.end()[0] == 68 and files(fresh) == before


@pytest.mark.parametrize("answer, code", [(b"\n", 64), (b"y\n", 0)])
def test_a_server_of_another_domain_is_asked_about(machine, answer, code):
    terminal = at_terminal(machine, "--no-check", "me@near.example", **FAR)
    terminal.answers(b"Shall it get the password? [y/N]: ", answer)
    if code == 0:
        terminal.answers(b"password of me: ", b"s3cret\n")
        terminal.answers(b"[Y/n]: ", b"n\n")
    shown = terminal.rest()
    assert terminal.end()[0] == code, shown


def test_a_login_that_was_given_is_not_asked_for(machine):
    terminal = at_terminal(machine, "--no-check", "--login", "jo", "me@nowhere.invalid")
    terminal.answers(b"HOST or HOST:PORT: ", b"localhost:2525\n")
    terminal.answers(b"password of jo: ", b"s3cret\n")
    terminal.answers(b"[Y/n]: ", b"n\n")
    assert b"user name there" not in terminal.rest()
    assert terminal.end()[0] == 0
    assert {"user = jo", "port = 2525"} <= set(machine.user_file.read_text().splitlines())


def test_a_command_for_tokens_is_asked_for(machine):
    terminal = at_terminal(machine, "--no-check", "me@outlook.com")
    shown = terminal.answers(b"empty: a command: ", b"\n")
    assert b"OAuth 2.0" in shown
    terminal.answers(b"command that prints a token: ", b"echo token\n")
    terminal.answers(b"[Y/n]: ", b"n\n")
    terminal.rest()
    assert terminal.end()[0] == 0
    assert "password_command = echo token" in machine.user_file.read_text().splitlines()


def test_a_registration_is_asked_for(machine):
    terminal = at_terminal(machine, "--no-check", "me@outlook.com")
    terminal.answers(b"empty: a command: ", b"cid\n")
    shown = terminal.answers(b"[Y/n]: ", b"n\n")
    terminal.rest()
    assert terminal.end()[0] == 0
    assert b"onehopctl login me@outlook.com" in shown
    assert "oauth_client_id = cid" in machine.user_file.read_text().splitlines()


@pytest.mark.parametrize("answer, code", [(b"\n", 73), (b"y\n", 0)])
def test_what_is_there_is_replaced_after_a_question(fresh, provider, answer, code):
    assert set_up(fresh, ADDRESS).code == 0
    provider.users[ADDRESS] = "another"
    before = files(fresh)
    terminal = at_terminal(fresh, ADDRESS)
    terminal.answers(b"account me@here.example is there already. Replace its password? [y/N]: ", answer)
    if code == 0:
        terminal.answers(b"password of me@here.example: ", b"another\n")
        terminal.answers(b"[Y/n]: ", b"n\n")
    shown = terminal.rest()
    assert terminal.end()[0] == code, shown
    assert (files(fresh) == before) == (code != 0)


# -- the machine's mail

class Administrator:
    """Root of a machine that has the user onehop; its systemctl notes how it was called."""

    def __init__(self, machine, provider):
        self.machine = machine
        text = surroundings(machine, provider).replace(machine.authority.trust,
                                                       str(machine.directory / "trust.pem"))
        machine.configure_system(text, mode=0o644)
        self.fakes = machine.directory / "fakes"
        self.fakes.mkdir()
        self.systemctl(0)

    def systemctl(self, code):
        program = self.fakes / "systemctl"
        program.write_text(f'#!/bin/sh\necho "$@" >>{self.fakes}/calls\nexit {code}\n')
        program.chmod(0o755)

    def calls(self):
        return (self.fakes / "calls").read_text()

    def before(self, systemd, after="true"):
        booted = "mkdir -p /run/systemd/system;" if systemd else ""
        return as_root_with_the_user(self.machine, "sh", "-ec",
                                     'for place in /run /srv /var/mail; do mount -t tmpfs -o mode=755 '
                                     f'tmpfs $place; done; {booted} "$@"; {after}', "sh")

    def sets_up(self, *words, systemd=True, password=b"s3cret\n", after="true"):
        words = (("--password-stdin",) if password else ()) + words
        return subprocess.run(
            [*self.before(systemd, after), str(self.machine.programs / "onehopctl"), "setup", *words], input=password, capture_output=True, text=False,
            timeout=PATIENCE, env=self.machine.environment(PATH=f"{self.fakes}:/usr/bin:/bin"))


@pytest.fixture
def root(shared, provider):
    return Administrator(shared, provider)


@needs_root
def test_root_sets_up_the_machine(root, shared, provider):
    shared.prepare()
    shared.start()
    done = root.sets_up("--admin=boss@here.example", "--test", ADDRESS)
    assert (done.returncode, done.stderr) == (0, b"")
    password = shared.root / "etc/onehop/passwords" / ADDRESS
    facts, above = password.stat(), password.parent.stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (SERVICE, 0o600)
    assert (above.st_uid, above.st_gid, stat.S_IMODE(above.st_mode)) == (0, SERVICE, 0o750)
    assert stat.S_IMODE(shared.system_file.stat().st_mode) == 0o644
    assert "enable --now onehop.socket" in root.calls()
    assert b"submit answers" in done.stdout and b"systemctl disable --now" in done.stdout
    shared.until(lambda: provider.messages, "the test message does not come")
    assert provider.message.sender == ADDRESS and provider.message.recipients == [ADDRESS]


@needs_root
def test_without_systemd_it_says_how_to_start_the_service(root):
    done = root.sets_up(ADDRESS, systemd=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"onehop -bd" in done.stdout and not (root.fakes / "calls").exists()


@needs_root
def test_a_service_that_does_not_start_is_a_failure(root, shared):
    root.systemctl(1)
    done = root.sets_up(ADDRESS)
    assert done.returncode == 69 and b"the service was not started" in done.stderr
    assert ADDRESS in shared.system_file.read_text()


@needs_root
def test_a_password_that_the_service_cannot_read_is_found_before_anything_is_changed(root, shared):
    before = shared.system_file.read_text()
    shared.system_file.parent.chmod(0o700)
    done = root.sets_up(ADDRESS)
    assert done.returncode != 0 and b"nothing was changed" in done.stderr
    assert shared.system_file.read_text() == before


@needs_root
def test_root_is_asked_for_whom_and_who_gets_its_mail(root, shared):
    terminal = Terminal(shared, "setup", "--no-start", ADDRESS, program="onehopctl", stdout=None,
                        stderr=None, before=root.before(False))
    terminal.answers(b"for all users of this machine (no: root's alone)? [Y/n]: ", b"\n")
    terminal.answers(b"who gets mail to root and other local names [me@here.example]: ",
                     b"boss@here.example\n")
    terminal.answers(b"password of me@here.example: ", b"s3cret\n")
    terminal.answers(b"[Y/n]: ", b"n\n")
    shown = terminal.rest()
    assert terminal.end()[0] == 0, shown
    assert "admin = boss@here.example" in shared.system_file.read_text().splitlines()


@needs_root
def test_root_keeps_the_machines_mail(root, shared):
    """The usual place needs nothing else; another one is named to the service's sandbox."""
    drop_in = shared.root / "etc/systemd/system/onehop.service.d/maildir.conf"
    shared.own(shared.root / "spool")
    shared.own(shared.root / "run")
    shared.start()
    place = "/srv/onehop-test/root"  # of a file system that goes with the call
    done = root.sets_up("--maildir", place, password=b"", after=f"stat -c '%n %u %a' {place} {place}/..")
    assert (done.returncode, done.stderr) == (0, b"")
    for line in (f"made       {place}", f"wrote      {drop_in}", f"wrote      {shared.system_file}, [account default]"):
        assert line.encode() + b"\n" in done.stdout
    assert f"protocol = maildir\nmaildir = {place}\n" in shared.system_file.read_text()
    assert f"[Service]\nReadWritePaths=-{place}\n" in drop_in.read_text()
    assert f"{place} {SERVICE} 700\n{place}/.. 0 755\n" in done.stdout.decode()
    assert "enable --now onehop.socket" in root.calls() and b"submit answers" in done.stdout
    before = shared.system_file.read_text(), drop_in.read_text()
    done = root.sets_up("--maildir", password=b"")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"kept       " in done.stdout
    assert (shared.system_file.read_text(), drop_in.read_text()) == before


@needs_root
def test_the_usual_place_of_the_machines_mail(root, shared):
    done = root.sets_up("--maildir", "--no-start", password=b"")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "maildir = /var/mail/root\n" in shared.system_file.read_text()
    assert b"made       /var/mail/root\n" in done.stdout
    assert not (shared.root / "etc/systemd").exists()


@needs_root
@pytest.mark.parametrize("path, told", [
    ("~/mail", b"takes a full path"), ("/home/x/mail", b"sees nothing below /home/"),
    ("/tmp/mail", b"sees nothing below /tmp/"), ("/srv/a b", b"letters, digits"),
    ("/etc/passwd", b"/etc/passwd is not a directory"),
])
def test_a_place_that_the_service_cannot_write_to(root, shared, path, told):
    before = shared.system_file.read_text()
    done = root.sets_up("--maildir=" + path, password=b"")
    assert done.returncode in (64, 73) and told in done.stderr, done.stderr
    assert shared.system_file.read_text() == before and not (shared.root / "etc/systemd").exists()
