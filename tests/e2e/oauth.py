"""An account that logs in with tokens, and the person who lets it."""

import os
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from machine import PATIENCE, built
from provider import TokenServer

PROGRAM = built("src", "onehop-token")
needs_program = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK),
                                   reason="NOT TESTED: built without libcurl and jansson")


def section(server, **keys):
    values = {"authorize": server.url + "/authorize", "token": server.url + "/token",
              "device": server.url + "/device", "scope": "smtp", "machine_scope": "smtp",
              "trust_file": server.trust, **keys}
    lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
    return "\n".join(["[oauth test]", *lines]) + "\n\n"


def configure(machine, provider, server, rows=None, **keys):
    """A user's account `work` with tokens of SERVER."""
    values = {"password": None, "oauth": "test", "oauth_client_id": "cid", **keys}
    machine.configure(section(server, **(rows or {})) + machine.account(provider, **values))


def token_file(machine, name="work"):
    return machine.home / ".local/state/onehop-token" / f"{name}.token"


class Person:
    """`onehopctl login` with a person in front of it."""

    def __init__(self, machine, *words, stdin=subprocess.PIPE, environment=None):
        self.process = subprocess.Popen(
            [str(machine.programs / "onehopctl"), "login", *words], stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=machine.directory,
            env=machine.environment(**(environment or {})))
        self.out = ""
        self.watch = threading.Timer(PATIENCE, self.process.kill)
        self.watch.start()

    def read_until(self, pattern):
        while not re.search(pattern, self.out, re.M):
            line = self.process.stdout.readline()
            assert line, self.out + self.process.stderr.read()
            self.out += line
        return re.search(pattern, self.out, re.M)[0]

    def address(self):
        """The address that the person opens."""
        address = self.read_until(r"^https://\S+$")
        self.read_until(r"^(or paste|Paste) .*$")
        return address

    def paste(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self):
        """Exit status, output, errors."""
        out, err = self.process.communicate()
        self.watch.cancel()
        return self.process.returncode, self.out + out, err


def visit(uri, **query):
    """A browser that follows the redirection: the status it sees."""
    try:
        with urllib.request.urlopen(f"{uri}?{urllib.parse.urlencode(query)}",
                                    timeout=PATIENCE) as reply:
            return reply.status
    except urllib.error.HTTPError as refused:
        return refused.code


def consent(machine, server, *words):
    """A login that goes well."""
    person = Person(machine, "work", *words)
    uri, state, code = server.authorize(person.address())
    assert visit(uri, code=code, state=state) == 200
    code, out, err = person.end()
    assert code == 0, out + err
    return out


@pytest.fixture
def tokens(authority):
    with TokenServer(authority) as server:
        yield server
