"""A scripted mail submission provider for tests: see server.py, dialogue.py, record.py."""

from .authority import Authority
from .dialogue import close, drip, endless, in_turn, reset, silence
from .server import Provider

__all__ = ["Authority", "Provider", "close", "drip", "endless", "in_turn", "reset", "silence"]
