"""What is loaded only where it is needed: TLS and domain names beyond ASCII, with GnuTLS."""

import os

import pytest

from machine import REPORT, module
from service import served  # noqa: F401


def replace_module(machine, octets=None):
    """Another module for that machine; None: it is missing."""
    path = machine.root / "lib/tls.so"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if octets is None:
        os.symlink("nowhere", path)
    else:
        path.write_bytes(octets)
    return path


def test_without_the_module_no_mail_leaves(serve, machine):
    provider = machine.use(serve())
    path = replace_module(machine)
    result = machine.sendmail("you@example.net")
    assert result.code == 75 and result.out == b""
    assert f"TLS: {path}: cannot open" in result.lines[0]
    assert provider.connections == []


def test_a_queue_waits_for_the_module(serve, machine):
    provider = machine.use(serve(), queue="on")
    path = replace_module(machine)
    assert machine.sendmail("you@example.net").code == 0
    assert provider.connections == []
    path.unlink()
    machine.delivers("-q")
    assert provider.message.recipients == ["you@example.net"]


def test_the_module_of_another_version_is_not_used(serve, machine):
    provider = machine.use(serve())
    version = machine.run("onehop", "--version").shown.split("onehop ")[1].split()[0].strip("),")
    with open(module(), "rb") as file:
        octets = file.read()
    assert octets.count(b"\0" + version.encode() + b"\0") == 1
    path = replace_module(machine, octets.replace(b"\0" + version.encode() + b"\0",
                                                  b"\0" + b"9" * len(version) + b"\0"))
    path.chmod(0o755)
    result = machine.sendmail("you@example.net")
    assert result.code == 75
    assert f"TLS: {path} is of version {'9' * len(version)}" in result.lines[0]
    assert provider.connections == []


def test_a_domain_beyond_ascii_needs_the_module(serve, machine):
    provider = machine.use(serve(tls="none", without=("SMTPUTF8",)), auth_without_tls="on")
    path = replace_module(machine)
    result = machine.sendmail("you@b\u00fccher.example")
    assert result.code == 75 and str(path) in result.text
    assert provider.messages == []
    path.unlink()
    machine.delivers("you@b\u00fccher.example")
    assert provider.message.recipients == ["you@xn--bcher-kva.example"]


@pytest.mark.parametrize("words, name", [
    (["--version"], "onehop"), (["help"], "onehopctl"), (["-bp"], "sendmail"), ([], "mailq"),
    (["-q"], "sendmail"), (["queue"], "onehopctl"), (["-bv", "you@example.net"], "onehop"),
    (["-bi"], "sendmail"),
])
def test_what_does_not_speak_tls_needs_no_module(serve, machine, name, words):
    machine.use(serve(), queue="on")
    replace_module(machine)
    result = machine.run(name, *words)
    assert (result.code, result.text) == (0, "")


def test_an_account_without_tls_needs_no_module(serve, machine):
    provider = machine.use(serve(tls="none"), auth_without_tls="on")
    replace_module(machine)
    machine.delivers("you@example.net")
    assert provider.message.recipients == ["you@example.net"]


def test_a_submission_through_the_socket_needs_no_module(served, serve):  # noqa: F811
    provider = serve(tls="none")
    replace_module(served)
    served.serve(provider, auth_without_tls="on")
    assert served.call(0, "sendmail", "-t", input=REPORT) == (0, "", "")
    assert provider.message.recipients == ["you@example.net"]
