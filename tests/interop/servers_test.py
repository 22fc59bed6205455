"""Every program that calls sendmail, at every provider. The table of doc/compatibility.md is what comes
of it."""

import concurrent.futures

import pytest

import caller
import programs
from programs import PROGRAMS, SERVERS

SERVICE_INI = """\
[defaults]
user = reports
password_file = /etc/onehop/reports.password
rewrite_from = always

[service]
listen = 127.0.0.1:25
"""

SERVICE_ACCOUNT = """
[account {user}]
domains = {user}.lan
from = reports@{domain}
host = {domain}
port = {port}
"""

@pytest.fixture(scope="module")
def machine(callers):
    """With the daemons that some of the programs need."""
    accounts = [SERVICE_ACCOUNT.format(user=user, domain=domain, port=port)
                for user, (domain, port) in caller.PROVIDERS.items()]
    daemons = [callers.start("atd", "-f"),
               caller.start_service(callers, "service", SERVICE_INI + "".join(accounts), 25)]
    yield callers
    for daemon in daemons:
        daemon.terminate()
        daemon.wait(30)


def assert_right(server, program, domain, mark):
    """It arrived at each recipient once, from the account's address, with what the program wrote."""
    wanted = program.recipients(domain)
    found = server.wait_copies(mark, len(wanted), seconds=60, find=server.find_anywhere)
    assert sorted(message[server.recipient_field] for message in found) == wanted
    for message in found:
        assert message["Return-Path"] == f"<reports@{domain}>"
        assert message.address("From") == f"reports@{domain}"
        assert message["Date"] and message["Message-ID"] and "Bcc" not in message.header
        assert program.text in message.text


def call(machine, name, number, user, server):
    """What is wrong, as one line, or nothing."""
    program, (domain, _) = PROGRAMS[name], caller.PROVIDERS[user]
    mark = f"m{number}x{list(SERVERS).index(user)}e"
    process = None
    try:
        process = program.start(machine, user, domain, mark)
        assert_right(server, program, domain, mark)
    except (AssertionError, RuntimeError) as wrong:
        return f"{name} at {SERVERS[user]}: {wrong}"
    finally:
        if process:
            process.terminate()
            process.communicate(timeout=60)
    return ""


CALLED = [name for name in PROGRAMS if name != "cron"]


@pytest.mark.parametrize("name", CALLED)
def test_a_caller_at_every_server(machine, servers, name):
    if name == "nodemailer" and "at-node" not in servers:
        pytest.skip("NOT TESTED: no npm, or no registry")
    if name == "zed" and not (machine.path / "opt/zed").is_dir():
        pytest.skip("NOT TESTED: no zfs-zed, the mirror has no contrib")
    number = CALLED.index(name)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        calls = {user: pool.submit(call, machine, name, number, user, server)
                 for user, server in servers.items()}
    programs.note(name, {user: done.result() for user, done in calls.items()})
