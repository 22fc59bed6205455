"""[service] listen on addresses that others can reach: who may send, and how."""

import contextlib
import smtplib

import pytest

from machine import REPORT
from service import served  # noqa: F401
from service_test import free_port

LOCAL = "allow_networks = 127.0.0.0/8\n"


def listen(machine, provider, settings, **more):
    """Starts the service with a port on all addresses. Returns the port."""
    port = free_port()
    machine.serve(provider, f"listen = 0.0.0.0:{port}\n{settings}", **more)
    return port


def send(port, sender="me@example.com", recipient="you@example.net", message=REPORT):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail(sender, [recipient], message)


def refusal(machine, settings, listening="0.0.0.0:{}"):
    """What a service with these settings says when it does not start."""
    machine.configure_system("[account a]\nfrom = me@example.com\nhost = localhost\nauth = off\n\n"
                             f"[service]\nlisten = {listening.format(free_port())}\n{settings}",
                             mode=0o644)
    machine.start(pass_fds=())
    assert machine.process.wait(60) == 78
    machine.process = None
    return machine.said()


def test_a_device_of_an_allowed_network_sends_without_login(served, serve):
    provider = serve()
    port = listen(served, provider, LOCAL)
    send(port)
    assert provider.message.recipients == ["you@example.net"]
    assert "from [127.0.0.1] by " in provider.message.field("Received")


def test_its_odd_sender_is_rewritten(served, serve):
    provider = serve()
    port = listen(served, provider, LOCAL)
    send(port, "printer@brother.local", message=b"From: printer@brother.local\nSubject: x\n\nx\n")
    assert provider.message.sender == "me@example.com"
    assert "me@example.com" in provider.message.field("From")


def test_others_are_sent_away(served, serve):
    port = listen(served, serve(), "allow_networks = 192.0.2.0/24\n")
    with pytest.raises(smtplib.SMTPConnectError, match="5.7.1 Access denied"):
        send(port)
    assert served.answers()


def test_an_open_listener_does_not_start(served):
    said = refusal(served, "")
    assert "onehop.ini:7: [service] listens on the network for anybody" in said


def test_one_address_of_several_is_enough_to_be_open(served):
    assert "for anybody" in refusal(served, "", "127.0.0.1:1, [::]:{}")


def test_everybody_is_no_network(served, serve):
    served.serve(serve(), "listen = :587\nallow_networks = 0.0.0.0/0\n")
    assert "allow_networks: '0.0.0.0/0' is everybody" in served.said()  # no socket but its own


def test_a_reload_that_would_open_it_changes_nothing(served, serve):
    provider = serve()
    port = listen(served, provider, LOCAL)
    path = served.root / "etc/onehop/onehop.ini"
    path.write_text(path.read_text().replace(LOCAL, ""))
    send(port)
    assert "what was read before is used: " in served.said() and "for anybody" in served.said()
    assert len(provider.messages) == 1


def test_the_network_takes_half_of_the_connections(served, serve):
    port = listen(served, serve(), LOCAL + "connections = 20\n")
    with contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(smtplib.SMTP("127.0.0.1", port, timeout=60))
        with pytest.raises(smtplib.SMTPConnectError, match="4.3.2"):
            smtplib.SMTP("127.0.0.1", port, timeout=60)
        assert served.answers()


def test_messages_of_one_address_are_limited(served, serve):
    port = listen(served, serve(), LOCAL + "messages_per_hour = 1\n")
    send(port)
    with pytest.raises(smtplib.SMTPSenderRefused, match="from 127.0.0.1: the limit is 1 an hour"):
        send(port)
