"""Sets up, once per run and only what is asked for: the providers, and a machine full of programs that
call sendmail; or a machine on which our packages are installed, and a provider."""

import concurrent.futures
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import pytest

import caller
import programs
import world
from debian import bootstrapped, release_here
from installation import Installation
from root import Root, memory_directory
from server import Exim, OpenSMTPD, Postfix, SmtpServer


@pytest.fixture(scope="session")
def rig():
    base = memory_directory()
    authority = world.Authority(base, "mail.test", "second.test", "third.test", "fourth.test", "localhost")
    roots = {name: Root(base, name) for name in ("postfix", "exim", "callers")}
    installers = {"postfix": lambda root: Postfix.install(root, "krb5-kdc", "krb5-admin-server"), "exim": Exim.install,
                  "callers": caller.install_packages}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        opensmtpd = pool.submit(opensmtpd_root, base)
        node = pool.submit(SmtpServer.install, roots["callers"])
        for done in [pool.submit(install, roots[name]) for name, install in installers.items()]:
            done.result()
        roots["opensmtpd"] = opensmtpd.result()
    caller.install_sendmail(roots["callers"], "usr/bin/mailq", "usr/bin/onehopctl")
    caller.configure(roots["callers"])
    authority.trust(roots["callers"])
    authority.give(roots["postfix"], "mail.test")
    authority.give(roots["exim"], "second.test")
    authority.give(roots["opensmtpd"], "third.test")
    for name in ("fourth.test", "localhost"):
        authority.give(roots["callers"], name)

    world.loopback_only()
    rig = Rig(roots, node.result())
    rig.authority = authority
    rig.start()
    return rig


def opensmtpd_root(base):
    if release_here() == "bookworm":
        return Root(base, "opensmtpd", bootstrapped(base, "trixie", *OpenSMTPD.packages))
    root = Root(base, "opensmtpd")
    root.install(*OpenSMTPD.packages)
    return root


class Rig:
    """Ends with the namespaces it lives in; there is nothing to tear down."""

    def __init__(self, roots, has_node):
        self.callers = roots["callers"]
        self.postfix = Postfix(roots["postfix"])
        self.exim = Exim(roots["exim"])
        self.opensmtpd = OpenSMTPD(roots["opensmtpd"])
        self.node = SmtpServer(roots["callers"]) if has_node else None

    def start(self):
        self.postfix.start()
        self.cron = self.callers.start("cron", "-f")  # needs up to a minute: collected last
        for server in filter(None, (self.exim, self.opensmtpd, self.node)):
            server.start()

    def servers(self):
        """By the user whose provider it is."""
        found = {"at-postfix": self.postfix, "at-dovecot": self.postfix, "at-exim": self.exim,
                 "at-opensmtpd": self.opensmtpd, "at-node": self.node}
        assert list(found) == list(programs.SERVERS) == list(caller.PROVIDERS)
        return {user: server for user, server in found.items() if server}


@pytest.fixture(scope="session")
def callers(rig):
    return rig.callers


@pytest.fixture(scope="session")
def servers(rig):
    return rig.servers()


@pytest.fixture(scope="session")
def postfix(rig):
    return rig.postfix


@pytest.fixture(scope="session")
def exim(rig):
    return rig.exim


@pytest.fixture(scope="session")
def opensmtpd(rig):
    return rig.opensmtpd


@pytest.fixture(scope="session")
def installation():
    return Installation()


def pytest_terminal_summary(terminalreporter):
    if programs.RESULTS:
        terminalreporter.write_line("")
        terminalreporter.write_line(programs.table())
