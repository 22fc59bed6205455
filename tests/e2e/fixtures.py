"""What every story starts with: a machine of its own (machine.py) and providers to talk to."""

import os
import tempfile

import pytest

from machine import Machine, program_links
from provider import Authority, Provider


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """A directory with the binary under each of its names."""
    return program_links(tmp_path_factory.mktemp("bin"))


@pytest.fixture
def serve(authority):
    """serve(...) starts a Provider. Afterwards no client may have broken the protocol, unless the
    test says `provider.forgive()`."""
    running = []

    def start(**words):
        provider = Provider(authority, **words).__enter__()
        running.append(provider)
        return provider

    yield start
    wrong = []
    for provider in running:
        if not provider.forgiven:
            wrong += provider.violations
        provider.stop()
    assert not wrong, wrong


@pytest.fixture
def machine(programs, authority, tmp_path):
    return Machine(tmp_path, programs, authority)


@pytest.fixture
def socket_path():
    """A path short enough for an AF_UNIX address, wherever the build directory is."""
    with tempfile.TemporaryDirectory(prefix="onehop-", dir="/tmp") as directory:
        yield os.path.join(directory, "socket")


def pytest_make_parametrize_id(val):
    """Short names: a value says what it is, not all of it."""
    if isinstance(val, tuple) and not val:
        return "all"
    if hasattr(val, "_fields"):  # an answer of dialogue.py
        return getattr(val, "name", type(val).__name__.lower())
    text = val if isinstance(val, str) else repr(val)
    text = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    return text if len(text) <= 32 else text[:29] + "..."
