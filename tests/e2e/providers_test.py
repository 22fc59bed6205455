"""The table of providers, and what a user hears of it."""

import json
import os
import re

import pytest

from machine import SOURCE

HOST = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*")
TABLE = os.path.join(SOURCE, "etc", "providers.ini")


@pytest.fixture
def table(machine):
    result = machine.run("onehopctl", "providers", "--json")
    assert (result.code, result.text) == (0, "")
    return json.loads(result.out)


def test_every_row_is_read_and_can_be_used(table):
    with open(TABLE) as file:
        assert [row["name"] for row in table] == re.findall(r"^\[provider (\S+)\]$", file.read(), re.M)
    assert len(table) > 100
    for row in table:
        assert row["host"] and all(HOST.fullmatch(host) for host in row["host"]), row
        assert row["port"] in (465, 587, 1025) and row["tls"] in ("implicit", "starttls"), row
        assert row["domains"] or row["note"], f"{row['name']}: nobody finds it"


def test_no_domain_is_served_twice(table):
    domains = [domain for row in table for domain in row["domains"]]
    assert sorted(set(domains)) == sorted(domains)
    assert all(HOST.fullmatch(domain) and "." in domain for domain in domains)


def test_every_row_says_where_it_comes_from_and_when():
    with open(TABLE) as file:
        lines = file.read().splitlines()
    for before, line in zip(lines, lines[1:]):
        if line.startswith("[provider "):
            assert re.fullmatch(r"; ([INPK])( [INPK])* 20\d\d-\d\d-\d\d", before), line


@pytest.mark.parametrize("name, connections, rate", [
    ("outlook", 3, ["30/m", "10000/d"]), ("office365", 3, ["30/m", "10000/d"]),
    ("gmail", 0, ["500/d"]), ("workspace", 0, ["2000/d"]), ("workspace-relay", 0, ["10000/d"]),
    ("163", 0, [])])
def test_known_limits_are_in_the_table(table, name, connections, rate):
    (row,) = [row for row in table if row["name"] == name]
    assert (row["max_connections"], row["rate"]) == (connections, rate)


@pytest.mark.parametrize("keys, rate", [
    ("user = me@gmail.com", "500/d"), ("user = me@own.example\nhost = smtp.gmail.com", "2000/d"),
    ("user = me@own.example\nprovider = workspace", "2000/d"),
    ("user = me@gmail.com\nrate = 90/d", "90/d")])
def test_an_account_has_its_providers_limits(machine, keys, rate):
    machine.configure(f"[account one]\n{keys}\n")
    shown = machine.run("onehop", "-P", "-a", "one").shown
    assert f"rate = {rate}" in shown.splitlines()


@pytest.mark.parametrize("words, code, shown", [
    (("163.com",), 0, "smtp.163.com:465 TLS"), (("me@GMail.com",), 0, "smtp.gmail.com"),
    (("--json", "qq.com"), 0, '"host": ["smtp.qq.com"]'), (("--json", "x.example"), 68, "[]"),
    (("x.example",), 68, ""), (("--xml",), 64, ""), (("a.example", "b.example"), 64, "")])
def test_one_provider(machine, words, code, shown):
    result = machine.run("onehopctl", "providers", *words)
    assert result.code == code and shown in result.shown
    assert bool(result.text) == (code != 0)


NOTE = "make an app password at https://here.example/apps"
PROVIDER = f"[provider here]\ndomains = here.example\nhost = localhost\nport = %d\nnote = {NOTE}\n\n"


@pytest.mark.parametrize("found", ["domain", "host"])
@pytest.mark.parametrize("words", [("onehopctl", "check"), ("sendmail", "you@example.net")])
def test_a_refused_login_brings_the_providers_note(serve, machine, found, words):
    provider = serve(users={})
    keys = dict(user="me@here.example", port=None) | {"from": None}
    if found == "domain":
        keys.update(host=None)
    else:
        keys.update(host="localhost", user="me@elsewhere.example")
    machine.configure(PROVIDER % provider.port + machine.account(provider, **keys))
    result = machine.run(*words)
    assert result.code != 0
    assert (result.shown + result.text).count(NOTE) == 1


@pytest.mark.parametrize("words", [("onehopctl", "check"), ("sendmail", "you@example.net")])
def test_a_login_that_succeeds_brings_no_note(serve, machine, words):
    provider = serve(users={"me@here.example": "s3cret"})
    machine.configure(PROVIDER % provider.port +
                      machine.account(provider, host=None, port=None, user="me@here.example",
                                      **{"from": None}))
    result = machine.run(*words)
    assert result.code == 0 and NOTE not in result.shown + result.text
