"""Fixtures of the stories."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from fixtures import (authority, machine, programs, pytest_make_parametrize_id, serve,  # noqa: E402, F401
                      socket_path)
