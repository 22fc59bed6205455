"""The crash suite: machines and providers as in the end-to-end stories, and what breaks them."""

import os
import sys

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(TESTS, "e2e"), TESTS]

import inject  # noqa: E402
from fixtures import authority, machine, programs, serve  # noqa: E402, F401
from ledger import Ledger  # noqa: E402


@pytest.fixture
def ledger(serve, machine):
    return Ledger(serve, machine)


@pytest.fixture
def strace():
    if not inject.works():
        pytest.skip("STRACE IS MISSING OR MAY NOT TRACE: no fault was injected here")


@pytest.fixture
def mounts():
    if os.environ.get("CRASH_MOUNTS") != "yes":
        pytest.skip("NO RIGHT TO MOUNT: file systems were not tested here")
