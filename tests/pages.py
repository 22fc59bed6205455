"""The pages a user reads, as tests see them: manuals and the Markdown pages in doc/. Every display of
a page says what it is, so that a test can do with it what its reader will do:

    .\\" KIND          before .Dl or .Bd -literal of a manual
    ```KIND           of a Markdown page

    run               commands of an ordinary user, which must succeed
    root              commands of root, which must succeed
    setup             a command that asks for a password
    refused           a command that must fail with 64
    ini               an onehop.ini, which must be accepted
    caller            a line of another program's configuration that names a command for mail
    convert           commands of one who has an msmtprc, which must succeed
    crontab           a line that calls onehop
    unit              a drop-in of a systemd unit
    printed           what a program prints; words in capital letters stand for anything
    log               a line of the log
    other             nothing of ours: it is not tried
"""

import functools
import pathlib
import re
from dataclasses import dataclass

KINDS = ("run", "root", "setup", "refused", "ini", "caller", "convert", "crontab", "unit", "printed", "log",
         "other")
SOURCE = pathlib.Path(__file__).resolve().parent.parent
DOC = SOURCE / "doc"
MANUALS = sorted(path for path in DOC.glob("*.[1-8]"))
# For users; the others are for those who change the program.
MARKDOWN = sorted(DOC / name for name in (
    "containers.md", "fleet.md", "lan.md", "migrating.md", "monitoring.md", "php.md", "troubleshooting.md") if (DOC / name).exists())
ESCAPES = {r"\e": "\\", r"\(dq": '"', r"\(aq": "'", r"\&": "", r"\-": "-", r"\(ti": "~"}


@dataclass
class Example:
    page: str
    line: int
    kind: str
    text: str

    @property
    def name(self):
        return f"{self.page}:{self.line}"


def plain(text):
    return re.sub(r"\\(?:\(..|.)", lambda m: ESCAPES.get(m[0], m[0]), text)


def manual_examples(path):
    """The displays of a manual. One without a mark has the kind ""."""
    kind, inside, found = "", None, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if mark := re.match(r'\.\\" (\w+)$', line):
            kind = mark[1]
        elif line.startswith(".Bd -literal"):
            inside = Example(path.name, number, kind, "")
        elif line.startswith(".Ed") and inside:
            found.append(inside)
            kind, inside = "", None
        elif inside:
            inside.text += plain(line) + "\n"
        elif line.startswith(".Dl "):
            found.append(Example(path.name, number, kind, plain(line[4:]) + "\n"))
            kind = ""
    return found


def markdown_examples(path):
    text = path.read_text(encoding="utf-8")
    return [Example(path.name, text.count("\n", 0, match.start()) + 1, match[1], match[2])
            for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)]


@functools.cache
def examples():
    return ([example for path in MANUALS for example in manual_examples(path)] +
            [example for path in MARKDOWN for example in markdown_examples(path)])


def code_of(text):
    """C without comments."""
    return re.sub(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/',
                  lambda m: m[1] or " ", text, flags=re.S)


@functools.cache
def formats():
    """The texts that the program can print: string literals, joined where they stand together."""
    found = set()
    for path in sorted((SOURCE / "src").glob("**/*.c")):
        for run in re.finditer(r'(?:"(?:\\.|[^"\\\n])*"(?:\s|\b(?:PRI\w+|[A-Z][A-Z_]{3,})\b)*)+',
                               code_of(path.read_text(encoding="utf-8"))):
            literal = "".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', run[0]))
            found.add(literal.replace("\\n", "\n").replace('\\"', '"').strip())
    return found


DIRECTIVE = r"%[-+ #0]*(?:\*|\d*)(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j|t)?[a-zA-Z]|%(?= )|%$"


def outline(text):
    """A format, or what a page says of it, with X for each value."""
    return re.sub(r"(?<![\w`])[A-Z]{2,}(?![\w`(])", "X", re.sub(DIRECTIVE, "X", text))


def said_by(format):
    """What a format can become, as a pattern; None where it hardly says anything."""
    parts = re.split(DIRECTIVE, format.replace("%%", "\0"))
    parts = [part.replace("\0", "%") for part in parts]
    letters = sum(len(re.findall(r"[a-z]", part)) for part in parts)
    if letters < 5 and not re.match("[a-z]+ {3,}", format):  # the first column of a table counts
        return None
    return "(.*?)".join(re.escape(part) for part in parts)
