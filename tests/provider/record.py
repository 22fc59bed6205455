"""What a provider remembers of a conversation."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Group:
    """What the client sent between two of our replies: one turn of the dialogue."""
    phase: str
    segments: list = field(default_factory=list)  # sizes: TLS records, or what recv() returned


@dataclass
class Message:
    """One transaction."""
    sender: str
    sender_parameters: list
    recipients: list = field(default_factory=list)           # accepted ones, addresses
    refused: list = field(default_factory=list)
    recipient_parameters: dict = field(default_factory=dict)  # address: ["NOTIFY=NEVER"]
    content: bytes = None        # exact octets, dots undone; None: never complete
    by: str = ""                 # DATA or BDAT
    chunks: list = field(default_factory=list)                # sizes of BDAT chunks
    accepted: bool = False       # the content was answered with 2xx (LMTP: for someone)

    @property
    def header(self):
        return self.content.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def body(self):
        return self.content.partition(b"\r\n\r\n")[2]

    def fields(self, name):
        """The values of all fields of that name, unfolded, as text."""
        found, current = [], None
        for line in self.header.decode("utf-8", "surrogateescape").split("\r\n"):
            if line[:1] in (" ", "\t"):
                if current is not None:
                    found[current] += line
                continue
            current = None
            key, colon, value = line.partition(":")
            if colon and key.strip().lower() == name.lower():
                found.append(value.strip())
                current = len(found) - 1
        return found

    def field(self, name):
        """The value of the only field of that name; None if there is none."""
        values = self.fields(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    @property
    def field_names(self):
        return [line.split(b":")[0].decode("latin-1") for line in self.header.split(b"\r\n")
                if line and line[:1] not in b" \t"]


@dataclass
class Connection:
    lines: list = field(default_factory=list)       # commands, as text, without line ends
    replies: list = field(default_factory=list)     # octets of each of our replies
    groups: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    turnarounds: Counter = field(default_factory=Counter)  # by phase
    violations: list = field(default_factory=list)  # what a good client never does
    mechanism: str = ""                             # of AUTH
    binding: str = ""                               # of the channel, in SCRAM-*-PLUS
    user: str = ""
    password: str = ""
    logged_in: bool = False
    hello: str = ""                                 # argument of the last EHLO
    server_name: str = ""                           # SNI
    tls: str = ""                                   # "TLSv1.3"; "" for a clear connection
    tls_failure: str = ""
    waited_for_221: bool = None                     # None: no QUIT came, or nobody looked
    ended: str = ""                                 # quit, eof, reset, closed (by us)

    @property
    def verbs(self):
        return [line.split(" ")[0].split(":")[0].upper() for line in self.lines]

    @property
    def round_trips(self):
        """Until the last reply the client had to wait for; TCP and TLS are in it."""
        return sum(self.turnarounds.values())

    def segments(self, phase):
        """Segments of the only group of that phase."""
        found = [group.segments for group in self.groups if group.phase == phase]
        assert len(found) == 1, f"{len(found)} groups of {phase}: {self.groups}"
        return found[0]
