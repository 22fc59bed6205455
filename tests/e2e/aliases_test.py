"""Mail for users of the machine."""

import socket

import pytest

from bs_test import Dialogue
from spool import message

HOST = socket.gethostname().split(".")[0]
MAIL = message("x", "hello")


@pytest.fixture
def to(serve, machine):
    """to(text of /etc/aliases, names..., account keys) -> (recipients, result)"""
    def send(text, *names, **keys):
        provider = machine.use(serve(), **keys)
        if text is not None:
            machine.file(machine.root / "etc/aliases", text, 0o644)
        result = machine.sendmail(*names, input=MAIL)
        assert result.code == 0, result.text
        return sorted(provider.message.recipients), result
    return send


@pytest.mark.parametrize("aliases, name, recipients", [
    ("root: adm@x.example\n", "root", ["adm@x.example"]),
    ("root: adm@x.example", "root", ["adm@x.example"]),
    ("ROOT: adm@x.example\n", "root", ["adm@x.example"]),
    ("root: adm@x.example\n", "Root", ["adm@x.example"]),
    ("root:a@x.example,b@x.example\n", "root", ["a@x.example", "b@x.example"]),
    ("root: a@x.example,\n  b@x.example,\n\tc@x.example\n", "root",
     ["a@x.example", "b@x.example", "c@x.example"]),
    ("# comment\n\nroot: adm@x.example\n# root: no@x.example\n", "root", ["adm@x.example"]),
    ("root: ops\nops: dba, adm@x.example\ndba: d@x.example\n", "root",
     ["adm@x.example", "d@x.example"]),
    ("a: b\nb: a, adm@x.example\n", "a", None),
    ('"root": adm@x.example\n', "root", ["adm@x.example"]),
    ('"big boss": adm@x.example\nroot: "big boss"\n', "root", ["adm@x.example"]),
    ("root: adm@x.example\r\n", "root", ["adm@x.example"]),
    ("default: adm@x.example\n", "nobody-special", ["adm@x.example"]),
    ("root: adm@x.example\n", "root@localhost", ["adm@x.example"]),
    ("root: adm@x.example\n", f"root@{HOST}", ["adm@x.example"]),
    ("root: adm@x.example\n", "root@other.example", ["root@other.example"]),
    ("other: adm@x.example\n", "root", ["me@example.com"]),
    (None, "root", ["me@example.com"]),
    (None, f"alice@{HOST}", ["me@example.com"]),
])
def test_who_gets_it(to, aliases, name, recipients):
    got, result = to(aliases, name)
    if recipients is not None:
        assert got == recipients
        assert result.text == ""
    else:
        assert "adm@x.example" in got


def test_nobody_is_skipped_after_an_alias(to):
    got, _ = to("root: adm@x.example\nops: o@x.example\n", "root", "ops", "z@x.example")
    assert got == ["adm@x.example", "o@x.example", "z@x.example"]


def test_nobody_gets_it_twice(to):
    got, _ = to("root: adm@x.example\nops: adm@x.example\n", "root", "ops", "adm@x.example")
    assert got == ["adm@x.example"]


def test_admin(to):
    assert to(None, "root", admin="boss@x.example")[0] == ["boss@x.example"]


@pytest.mark.parametrize("target", ['"|/usr/bin/program"', "|/usr/bin/program", "/var/mail/root"])
def test_pipes_and_files_are_refused_and_the_mail_is_not_lost(to, target):
    got, result = to(f"root: {target}\n", "root", admin="boss@x.example")
    assert got == ["boss@x.example"]
    assert "program" in result.text or "/var/mail/root" in result.text
    got, _ = to(f"root: {target}, adm@x.example\n", "root", admin="boss@x.example")
    assert got == ["adm@x.example"]


@pytest.mark.parametrize("words", [
    ":include:/no1", ":include:/no1, :include:/no1", ":include:{empty}", ":include:{empty}, |/bin/x",
    "ops\nops: :include:{empty}, :include:{empty}"])
def test_an_alias_of_nobody_is_no_alias(to, machine, words):
    """Nothing is left to send to: the mail goes to admin, and is never lost with exit 0."""
    empty = machine.file("empty", "# nobody yet\n", 0o644)
    got, _ = to(f"staff: {words.format(empty=empty)}\n", "staff", admin="boss@x.example")
    assert got == ["boss@x.example"]


def test_an_included_list(to, machine):
    path = machine.file("list", "a@x.example\n# comment\nb@x.example, c@x.example\n", 0o644)
    got, _ = to(f"team: :include:{path}\n", "team")
    assert got == ["a@x.example", "b@x.example", "c@x.example"]


def test_a_line_nobody_understands_loses_no_mail(to):
    got, result = to("what is this\nroot: adm@x.example\n", "root")
    assert got == ["adm@x.example"]
    assert "aliases:1" in result.text


def test_the_accounts_own_aliases_file(to, machine):
    path = machine.file("mine", "root: mine@x.example\n")
    assert to("root: system@x.example\n", "root", aliases=path)[0] == ["mine@x.example"]


def test_a_users_aliases_that_others_can_write_to(serve, machine):
    path = machine.file("aliases", "root: mine@x.example\n", 0o646)
    provider = machine.use(serve(), aliases=path)
    result = machine.sendmail("root")
    assert result.code == 78 and f"{path}: others can write to it (mode 0646)" in result.text
    assert provider.messages == []


def test_an_aliases_file_that_is_named_must_be_there(serve, machine):
    machine.use(serve(), aliases="/nowhere/aliases")
    result = machine.sendmail("root", input=MAIL)
    assert result.code == 78
    assert "/nowhere/aliases" in result.text


def test_the_envelope_changes_and_the_header_does_not(serve, machine):
    provider = machine.use(serve())
    machine.file(machine.root / "etc/aliases", "root: adm@x.example\n", 0o644)
    machine.delivers("-t", input=b"From: me@example.com\nTo: root\n\nx\n")
    assert provider.message.recipients == ["adm@x.example"]
    assert provider.message.field("To") == "root@web1.example.org"


@pytest.mark.parametrize("addresses, notify, to_all", [
    ("a@x.example", "NOTIFY=SUCCESS", True),
    ("a@x.example, b@x.example", "NOTIFY=SUCCESS,DELAY", False),
    ("a@x.example, b@x.example", "NOTIFY=SUCCESS", False),
    ("a@x.example, b@x.example", "NOTIFY=FAILURE", True),
    ("a@x.example, b@x.example", "NOTIFY=NEVER", True),
    ("a@x.example, b@x.example", "", True),
])
def test_what_is_asked_for_an_alias(machine, serve, addresses, notify, to_all):
    """RFC 3461, 5.2.7.3 and 5.2.7.4: of several addresses one reports success."""
    provider = machine.use(serve())
    machine.file(machine.root / "etc/aliases", f"ops: {addresses}\n", 0o644)
    talk = Dialogue(machine)
    assert talk.submits(f"<ops> {notify} ORCPT=rfc822;ops@web1.example") == 250
    talk.end()
    wanted = notify.split() + ["ORCPT=rfc822;ops@web1.example"]
    first, *others = addresses.split(", ")
    assert provider.message.recipient_parameters == {
        first: wanted, **{address: wanted if to_all else [] for address in others}}
