"""A scripted mail submission provider for tests: see server.py, dialogue.py, record.py. And the
authorization server that gives tokens for it: tokenserver.py."""

from .authority import Authority
from .dialogue import close, drip, endless, in_turn, reset, silence
from .server import Provider
from .tokenserver import Answer, TokenServer

__all__ = ["Answer", "Authority", "Provider", "TokenServer", "close", "drip", "endless", "in_turn",
           "reset", "silence"]
