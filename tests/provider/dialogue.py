"""What a provider says where it does not behave: the words for faults.

An answer is what stands in for the sane reply at one step of a session:

    "550 5.1.1 who?"                 a reply; a newline makes it a reply of several lines
    b"250 raw"                       octets sent as they are
    close, reset, silence            hang up; hang up with RST; say nothing until the client leaves
    drip("250 ok")                   a reply, one octet at a time
    endless("250-more")              the same line until the client leaves
    ("421 bye", close)               several of them, one after the other
    {"a@x": "550 no", ...}           by address; others are treated as always
    in_turn("450 later", None)       by occurrence; the last one stays, None is the sane reply

A script is a whole dialogue, for what no sane server ever says:

    S: 220 ready
    C: EHLO
    S: 250-example
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go ahead
    ! tls
    C: EHLO
    ! close

`C: WORD` waits for a line that begins so (case is ignored), `C: .` reads content up to its end,
`C: *` takes any line. `S:` sends a line. `! close`, `! reset`, `! silence`, `! tls` do so;
`! raw TEXT` sends TEXT with \\r, \\n and \\t understood, and nothing added.
"""

import codecs
from collections import namedtuple

Say = namedtuple("Say", "octets")
Drip = namedtuple("Drip", "octets pause")
Endless = namedtuple("Endless", "octets")
Signal = namedtuple("Signal", "name")
InTurn = namedtuple("InTurn", "answers")
Expect = namedtuple("Expect", "word")

close = Signal("close")
reset = Signal("reset")
silence = Signal("silence")
tls = Signal("tls")


def octets(text):
    """A reply as it goes over the wire: lines numbered with `-` but for the last."""
    if isinstance(text, bytes):
        return text
    lines = text.split("\n")
    code = lines[0][:3]
    out = []
    for i, line in enumerate(lines):
        words = line[4:] if line[:3] == code and line[3:4] in (" ", "-") else line
        out.append(f"{code}{' ' if i == len(lines) - 1 else '-'}{words}\r\n")
    return "".join(out).encode("utf-8")


def drip(text, pause=0.05):
    return Drip(octets(text), pause)


def endless(line):
    return Endless(line.encode() + b"\r\n")


def in_turn(*answers):
    return InTurn(list(answers))


def actions(answer):
    """ANSWER as a flat list of Say, Drip, Endless, Signal."""
    if isinstance(answer, (str, bytes)):
        return [Say(octets(answer))]
    if type(answer) in (Say, Drip, Endless, Signal, Expect):
        return [answer]
    return [action for part in answer for action in actions(part)]


def script(text):
    """The actions of a dialogue written as above."""
    out = []
    for line in text.strip().splitlines():
        line = line.strip()
        kind, _, rest = line.partition(" ")
        if kind == "S:":
            out.append(Say(rest.encode() + b"\r\n"))
        elif kind == "C:":
            out.append(Expect(rest.strip()))
        elif kind == "!" and rest in ("close", "reset", "silence", "tls"):
            out.append(Signal(rest))
        elif kind == "!" and rest.startswith("raw "):
            out.append(Say(codecs.decode(rest[4:], "unicode_escape").encode("latin-1")))
        elif line:
            raise ValueError(f"not a line of a dialogue: {line!r}")
    return out
