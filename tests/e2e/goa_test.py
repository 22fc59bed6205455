"""keyring = goa: a login with the token of GNOME Online Accounts, over a real session bus."""

import importlib.util
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not (shutil.which("busctl") and shutil.which("dbus-daemon") and importlib.util.find_spec("dbus")
         and importlib.util.find_spec("gi")),
    reason="NOT TESTED: no busctl, dbus-daemon, python3-dbus or python3-gi")

# Two accounts, as goa-daemon exports them: one without mail, and one for mail by OAuth 2.0.
DAEMON = """
import sys
import dbus, dbus.mainloop.glib, dbus.service
from gi.repository import GLib

NAME = "org.gnome.OnlineAccounts"
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()


class Account(dbus.service.Object):
    address = None

    @dbus.service.method("org.freedesktop.DBus.Properties", "ss", "v")
    def Get(self, interface, name):
        if interface == NAME + ".Mail" and name == "EmailAddress" and self.address:
            return self.address
        raise dbus.exceptions.DBusException("no such property")

    @dbus.service.method(NAME + ".OAuth2Based", "", "si")
    def GetAccessToken(self):
        if not sys.argv[1]:
            raise dbus.exceptions.DBusException("credentials are not valid")
        return sys.argv[1], 3599


kept = dbus.service.BusName(NAME, bus)
files = Account(bus, "/org/gnome/OnlineAccounts/Accounts/account_1")
mail = Account(bus, "/org/gnome/OnlineAccounts/Accounts/account_2")
mail.address = "me@example.com"
print("ready", flush=True)
GLib.MainLoop().run()
"""


@pytest.fixture
def goa(machine, socket_path, monkeypatch):
    """goa(TOKEN) starts a session bus with accounts that give it."""
    running = []
    address = f"unix:path={socket_path}"
    environment = machine.environment(DBUS_SESSION_BUS_ADDRESS=address)
    monkeypatch.setattr(machine, "environment", lambda **more: {**environment, **more})

    def start(token):
        for words in (["dbus-daemon", "--session", "--nofork", "--print-address", "--address", address],
                      [sys.executable, "-c", DAEMON, token]):
            running.append(subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                            env=environment))
            assert running[-1].stdout.readline()

    yield start
    for process in reversed(running):
        process.kill()
        process.wait()
        process.stdout.close()


def use(machine, serve):
    provider = serve(mechanisms="PLAIN XOAUTH2", users={"me@example.com": "ya29.token"})
    return machine.use(provider, password=None, keyring="goa", queue="on", timeout="60")


def test_the_desktops_token_logs_in(machine, serve, goa):
    provider = use(machine, serve)
    goa("ya29.token")
    machine.delivers("you@example.net")
    assert provider.connection.mechanism == "XOAUTH2"
    assert provider.connection.password == "ya29.token"


@pytest.mark.parametrize("token", ["", None], ids=["logged-out", "no-bus"])
def test_without_a_token_the_mail_waits(machine, serve, goa, token):
    provider = use(machine, serve)
    if token is not None:
        goa(token)
    result = machine.sendmail("you@example.net")
    assert result.code == 0
    assert "GNOME Online Accounts gives no token for me@example.com: log in there" in result.text
    assert provider.connections == []
    assert "1 Request" in machine.run("mailq").shown


def test_another_token_is_not_had_when_one_is_refused(machine, serve, goa):
    provider = use(machine, serve)
    goa("ya29.old")
    assert "535" in machine.sendmail("you@example.net").text
    assert len(provider.connections) == 1
