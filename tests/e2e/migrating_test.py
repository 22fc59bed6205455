"""The tables of doc/migrating.md: convert makes the new lines of the old ones, and all new lines are
a configuration."""

import os
import re

import pytest

from machine import needs_msmtp
import pages

TEXT = (pages.DOC / "migrating.md").read_text(encoding="utf-8")
# What is there without the lines of a row: the file that has them, and the lines that a row replaces.
BASIS = {
    "msmtp": ("msmtprc", {"host": "host h.example", "from": "from me@example.net"}),
    "ssmtp": ("ssmtp.conf", {"mailhub": "mailhub=h.example", "AuthUser": "AuthUser=me@example.com",
                             "AuthPass": "AuthPass=s3cret"}),
    "nullmailer": ("remotes", {}),
    "dma": ("dma.conf", {"SMARTHOST": "SMARTHOST smtp.example.com", "AUTHPATH": "AUTHPATH auth.conf"}),
}


def rows():
    """(section, file, old lines, new lines)."""
    for section in re.split(r"^## ", TEXT, flags=re.M)[1:]:
        for old, new in re.findall(r"^\| (.*`.*) \| (.*) \|$", section, re.M):
            file = re.match(r"(\w+): ", old)
            lines = re.findall(r"`(\w+ = [^`]*)`", new)
            if lines:
                yield section.splitlines()[0], file and file[1], re.findall("`([^`]*)`", old), lines


ROWS = list(rows())
CONVERTED = [row for row in ROWS if row[0] in BASIS]


def named(chosen):
    return [f"{row[0].split()[0]}-{row[3][0].split()[0]}" for row in chosen]


def write_old_files(machine, title, file, old):
    """Returns what to give to convert."""
    main, basis = BASIS[title]
    words = {re.split(r"[= ]", line)[0] for line in old}
    kept = [line for word, line in basis.items() if word not in words]
    machine.file("old/auth.conf", "me@example.com|smtp.example.com:s3cret\n")
    if title == "nullmailer":
        machine.file("old/remotes", "h.example smtp --user=me@example.com --pass=s3cret\n")
    if title == "nullmailer" and file == "remotes" and "--user" not in old[0]:
        old = [f"{old[0]} --user=me@example.com --pass=s3cret"]
    place = machine.file(f"old/{file or main}", "\n".join([*kept, *old]) + "\n")
    return str(machine.directory / "old") if title == "nullmailer" else place


@needs_msmtp
@pytest.mark.parametrize("title, file, old, new", CONVERTED, ids=named(CONVERTED))
def test_an_old_line_becomes_the_new_one(machine, title, file, old, new):
    made = machine.run("onehopctl", "convert", write_old_files(machine, title, file, old))
    assert (made.code, made.text) == (0, "")
    assert not [line for line in new if line not in made.shown.splitlines()], made.shown


@pytest.mark.parametrize("title, file, old, new", ROWS, ids=named(ROWS))
def test_the_new_lines_are_a_configuration(machine, title, file, old, new):
    listed = [line.split() for line in machine.run("onehopctl", "help", "keys").shown.splitlines()]
    section = {key: place.strip("[]") for place, key, *_ in reversed(listed)}
    section |= {key: place for key, place in section.items()} | {
        key: "account" for place, key, *_ in listed if place == "account"}
    secret = machine.file("secret", "s3cret\n")
    texts = {"account": "[account a]\n", "queue": "[queue]\n", "service": "[service]\n"}
    for line in new:
        texts[section[line.split(" = ")[0]]] += re.sub(
            r"^(password_file|tls_\w+_file) = /\S+", rf"\1 = {secret}", line) + "\n"
    keys = {line.split(" = ")[0] for line in new}
    for key, value in (("host", "h.example"), ("from", "me@example.net")):
        if key not in keys:
            texts["account"] += f"{key} = {value}\n"
    if "tls_cert_file" in keys:
        texts["account"] += f"tls_key_file = {secret}\n"
    machine.configure_system("".join(texts.values()))
    shown = machine.run("onehop", "-P", "-a", "a")
    if "allow_users" in keys and os.geteuid() != 0:  # it was read, and is for others
        assert shown.code == 77 and "allow_users and allow_groups name others" in shown.text
        return
    assert (shown.code, shown.text) == (0, "")


def test_there_are_tables():
    assert {row[0] for row in ROWS} == {*BASIS, "Postfix as a null client"} and len(ROWS) > 50
