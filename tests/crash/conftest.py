"""The crash suite: machines and providers as in the end-to-end stories, and what breaks them."""

import importlib.util
import os
import sys

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(os.path.dirname(HERE), "e2e")
sys.path[:0] = [HERE, E2E]

_spec = importlib.util.spec_from_file_location("stories", os.path.join(E2E, "conftest.py"))
stories = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(stories)
authority, programs, serve, machine = (stories.authority, stories.programs, stories.serve,
                                       stories.machine)

import inject  # noqa: E402
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
