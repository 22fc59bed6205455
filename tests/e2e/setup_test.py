"""onehopctl setup: from an address to the first mail."""

import os
import stat
import subprocess

import pytest

from machine import PATIENCE
from service import SERVICE, needs_root, shared  # noqa: F401
from service_test import as_root_with_the_user

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


def test_without_a_terminal_a_password_must_come_from_somewhere(fresh):
    result = fresh.run("onehopctl", "setup", "--user", ADDRESS, before=os.setsid)
    assert result.code == 64 and "--password-stdin" in result.text


@needs_root
def test_root_sets_up_the_machine(shared, provider):
    shared.configure_system(surroundings(shared, provider), mode=0o644)
    fakes = shared.directory / "fakes"
    fakes.mkdir()
    (fakes / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{fakes}/calls\n')
    (fakes / "systemctl").chmod(0o755)
    command = as_root_with_the_user(shared, str(shared.programs / "onehopctl"), "setup",
                                    "--password-stdin", "--admin=boss@here.example", ADDRESS)
    done = subprocess.run(command, input=b"s3cret\n", capture_output=True, timeout=PATIENCE,
                          env=shared.environment(PATH=f"{fakes}:/usr/bin:/bin"))
    assert (done.returncode, done.stderr) == (0, b"")
    password = shared.root / "etc/onehop/passwords" / ADDRESS
    facts, above = password.stat(), password.parent.stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (SERVICE, 0o600)
    assert (above.st_uid, above.st_gid, stat.S_IMODE(above.st_mode)) == (0, SERVICE, 0o750)
    assert stat.S_IMODE(shared.system_file.stat().st_mode) == 0o644
    if os.path.exists("/run/systemd/system"):
        assert "enable --now onehop.socket" in (fakes / "calls").read_text()
    else:
        assert b"onehop -bd" in done.stdout
