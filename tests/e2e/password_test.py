"""Where the password comes from."""

import os
import subprocess

import pytest

from machine import PATIENCE, REPORT
from provider import close


def test_a_password_file(serve, machine):
    provider = serve()
    path = machine.file("password", "s3cret\n")
    machine.use(provider, password=None, password_file=path)
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"


@pytest.mark.parametrize("text", ["s3cret", "s3cret\r\n", "s3cret\nsecond line\n"])
def test_the_first_line_is_the_password(serve, machine, text):
    provider = serve()
    machine.use(provider, password=None, password_file=machine.file("password", text))
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_password_file_that_others_can_read(serve, machine, mode):
    provider = serve()
    path = machine.file("password", "s3cret\n", mode)
    machine.use(provider, password=None, password_file=path)
    result = machine.sendmail("you@example.net")
    assert result.code in (75, 78)
    assert path in result.text and "s3cret" not in result.text
    assert not any("AUTH" in c.verbs for c in provider.connections)


def test_a_password_file_that_is_not_there(serve, machine):
    provider = serve()
    machine.use(provider, password=None, password_file="/nowhere/password")
    result = machine.sendmail("you@example.net")
    assert result.code in (75, 78)
    assert "/nowhere/password" in result.text


READ_ONLY = ('mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"')


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: mounting is for root alone")
@pytest.mark.parametrize("place", ["file", "config"])
@pytest.mark.parametrize("owner, mode", [(0, 0o444), (0, 0o440), (61009, 0o444)])
def test_secrets_as_a_container_has_them(serve, machine, place, owner, mode):
    """Docker mounts them 0444, Kubernetes 0440 with a group, both read-only."""
    provider = serve()
    if place == "file":
        path = machine.file("secrets/password", "s3cret\n", mode)
        machine.configure_system(machine.account(provider, password=None, password_file=path), 0o644)
    else:
        machine.configure_system(machine.account(provider), mode)
        path = str(machine.system_file)
    os.chown(path, owner, owner)
    command = [str(machine.programs / "sendmail"), "you@example.net"]
    mounted = ["unshare", "-m", "sh", "-c", READ_ONLY, os.path.dirname(path)]
    for where, code in ((mounted, 0), ([], 78 if place == "file" or mode == 0o444 else 0)):
        done = subprocess.run(where + command, input=REPORT, capture_output=True, timeout=60,
                              env=machine.environment())
        assert done.returncode in (code, 75 if code else 0), (where, done)
    assert provider.messages[0].recipients == ["you@example.net"]


def test_a_credential_of_systemd(serve, machine):
    provider = serve()
    path = machine.file("credentials/work", "s3cret", 0o400)
    machine.use(provider, password=None, password_file="work")
    machine.delivers("you@example.net",
                     environment={"CREDENTIALS_DIRECTORY": os.path.dirname(path)})
    assert provider.connection.password == "s3cret"
    result = machine.sendmail("you@example.net")
    assert result.code == 75 and f"{machine.root}/secrets/work: No such file" in result.text
    assert "LoadCredential=work:PATH in the unit" in result.text


@pytest.mark.parametrize("mode", [0o444, 0o440])
def test_a_secret_of_a_container_by_its_name(serve, machine, mode):
    """As Podman makes it: readable for all, on a file system that can be written to."""
    provider = serve()
    machine.file(machine.root / "secrets/smtp", "s3cret\n", mode)
    provider_keys = dict(password=None, password_file="smtp")
    machine.use(provider, **provider_keys)
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"
    machine.user_file.unlink()
    variables = {"ONEHOP_HOST": "127.0.0.1", "ONEHOP_PORT": str(provider.port), "ONEHOP_SYSLOG": "off",
                 "ONEHOP_USER": "me@example.com", "ONEHOP_PASSWORD_FILE": "smtp",
                 "ONEHOP_TLS_TRUST_FILE": machine.authority.trust}
    machine.delivers("you@example.net", environment=variables)
    assert [c.password for c in provider.connections] == ["s3cret", "s3cret"]


@pytest.mark.parametrize("key", ["password_command", "passwordeval"])
def test_a_password_command(serve, machine, key):
    provider = serve()
    machine.use(provider, password=None, **{key: "printf 's3cret\\nmore\\n'"})
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("size", [300, 2500, 6000])
def test_a_long_token_from_a_command(serve, machine, mechanism, size):
    token = "t" * size
    provider = serve(users={"me@example.com": token}, mechanisms=mechanism)
    path = machine.file("token", token + "\n")
    machine.use(provider, password=None, auth=mechanism.lower(),
                password_command=f"cat {path}")
    machine.delivers("you@example.net")
    assert provider.connection.password == token


def old_then_new(machine):
    """A command whose first answer has ended, and the file that counts its calls."""
    calls = machine.directory / "calls"
    return f"echo x >>{calls}; test $(wc -l <{calls}) = 1 && echo old || echo new", calls


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_that_has_ended_is_asked_for_once_more(serve, machine, mechanism):
    provider = serve(mechanisms=mechanism, users={"me@example.com": "new"})
    command, calls = old_then_new(machine)
    machine.use(provider, password=None, auth=mechanism.lower(), password_command=command)
    machine.delivers("you@example.net")
    assert [c.password for c in provider.connections] == ["old", "new"]
    assert calls.read_text() == "x\nx\n"


def test_a_token_is_asked_for_once_more_and_no_more(serve, machine):
    """This server hangs up after its refusal."""
    provider = serve(mechanisms="XOAUTH2", auth=("535 5.7.8 no", close))
    command, calls = old_then_new(machine)
    machine.use(provider, password=None, auth="xoauth2", password_command=command)
    assert machine.sendmail("you@example.net").code == 77
    assert [c.password for c in provider.connections] == ["old", "new"]
    assert calls.read_text() == "x\nx\n"


def test_the_same_token_is_not_tried_twice(serve, machine):
    provider = serve(mechanisms="XOAUTH2", users={"me@example.com": "new"})
    machine.use(provider, password=None, auth="xoauth2", password_command="echo old")
    assert machine.sendmail("you@example.net").code == 77
    assert provider.connection.verbs.count("AUTH") == 1


@pytest.mark.parametrize("size", [30, 600])
def test_a_long_name_with_scram(serve, machine, size):
    user = "u" * size + "@example.com"
    provider = serve(users={user: "s3cret"}, mechanisms="SCRAM-SHA-256")
    machine.use(provider, user=user, auth="scram-sha-256")
    machine.delivers("you@example.net")
    assert provider.connection.logged_in


def test_the_command_does_not_eat_the_message(serve, machine):
    provider = serve()
    machine.use(provider, password=None, password_command="cat >&2; echo s3cret")
    machine.delivers("you@example.net")
    assert provider.message.body == b"all is well\r\n"


@pytest.mark.parametrize("command", ["echo s3cret; exit 1", "exit 0", "kill -9 $$",
                                     "/nowhere/command", "yes", "sleep 1000"])
def test_a_command_that_fails_gives_no_password(serve, machine, command):
    provider = serve()
    machine.use(provider, password=None, password_command=command, timeout="1")
    result = machine.sendmail("you@example.net")
    assert result.code in (75, 78), result.text
    assert result.out == b""
    assert not any("AUTH" in c.verbs for c in provider.connections)


def test_what_a_slow_command_started_does_not_live_on(serve, machine):
    """Standard error is inherited: as long as it is open something lives on."""
    provider = serve()
    machine.use(provider, password=None, timeout="1", password_command="sleep 1000 & wait")
    done = subprocess.run([machine.programs / "sendmail", "you@example.net"], input=REPORT,
                          capture_output=True, env=machine.environment(), timeout=PATIENCE)
    assert done.returncode == 75


def test_netrc(serve, machine):
    provider = serve()
    machine.file(machine.home / ".netrc", "machine other login me@example.com password no\n"
                 "machine 127.0.0.1 login x password no\n"
                 "machine 127.0.0.1\n  login me@example.com\n  password s3cret\n")
    machine.use(provider, password=None)
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"


def test_the_order_of_sources(serve, machine):
    provider = serve()
    machine.use(provider, password="s3cret",
                password_command=f"touch {machine.directory}/asked; echo wrong")
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"
    assert not (machine.directory / "asked").exists()


def test_no_password_at_all_says_which_keys_give_one(serve, machine):
    provider = serve()
    machine.use(provider, password=None)
    result = machine.sendmail("you@example.net", before=os.setsid)
    assert result.code in (75, 78)
    assert "password_command" in result.text
    assert not any("AUTH" in c.verbs for c in provider.connections)
