"""Sets up, once per run and only what is asked for: two providers, and a machine full of programs that
call sendmail; or a machine on which our packages are installed, and a provider."""

import concurrent.futures
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])

import pytest

import caller
import world
from installation import Installation
from root import Root, memory_directory
from server import Exim, Postfix


@pytest.fixture(scope="session")
def rig():
    base = memory_directory()
    authority = world.Authority(base, "mail.test", "second.test")
    roots = {name: Root(base, name) for name in ("postfix", "exim", "callers")}
    installers = {"postfix": Postfix.install, "exim": Exim.install,
                  "callers": caller.install_packages}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(install, roots[name]) for name, install in installers.items()]:
            done.result()
    caller.install_sendmail(roots["callers"])
    caller.configure(roots["callers"])
    authority.trust(roots["callers"])
    authority.give(roots["postfix"], "mail.test")
    authority.give(roots["exim"], "second.test")

    world.loopback_only()
    rig = Rig(roots)
    rig.start()
    return rig


class Rig:
    """Ends with the namespaces it lives in; there is nothing to tear down."""

    def __init__(self, roots):
        self.callers = roots["callers"]
        self.postfix = Postfix(roots["postfix"])
        self.exim = Exim(roots["exim"])

    def start(self):
        self.postfix.start()
        self.cron = self.callers.start("cron", "-f")  # needs up to a minute: collected last
        self.exim.start()


@pytest.fixture(scope="session")
def callers(rig):
    return rig.callers


@pytest.fixture(scope="session")
def postfix(rig):
    return rig.postfix


@pytest.fixture(scope="session")
def exim(rig):
    return rig.exim


@pytest.fixture(scope="session")
def installation():
    return Installation()
