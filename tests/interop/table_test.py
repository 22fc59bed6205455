"""What is left of the table of callers and servers: cron, whose mail has come meanwhile, and whether the
table is the one of the documentation."""

import pathlib

import pytest

import caller
import programs
from cron_test import first_mail

PAGE = pathlib.Path(__file__).parents[2] / "doc/compatibility.md"


def cron_fault(user, server):
    domain, _ = caller.PROVIDERS[user]
    try:
        message = first_mail(server, f"Cron <{user}@")
        assert message["Return-Path"] == f"<reports@{domain}>"
        assert message.address("From") == f"reports@{domain}"
        assert message[server.recipient_field] == f"bob@{domain}"
        assert message.text == "one\n"
    except AssertionError as wrong:
        return f"cron at {programs.SERVERS[user]}: {wrong}"
    return ""


def test_cron_at_every_server(servers):
    programs.note("cron", {user: cron_fault(user, server) for user, server in servers.items()})


def test_the_table_is_the_one_of_the_documentation(servers):
    if len(programs.RESULTS) != len(programs.PROGRAMS) * len(programs.SERVERS):
        pytest.skip("NOT TESTED: not every caller was tried at every server")
    assert programs.table() in PAGE.read_text(), f"doc/compatibility.md needs this table:\n{programs.table()}"
