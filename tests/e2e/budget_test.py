"""What a message may cost: turns of the dialogue, segments, memory."""

import pytest

from machine import REPORT, sanitized
from scale import budgets

MIB = 1024 * 1024


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("without", [(), ("CHUNKING",)], ids=["chunking", "data"])
def test_round_trips_are_at_the_limit_of_the_rfcs(serve, machine, tls, without):
    trips = budgets()[f"{tls}-{'data' if without else 'chunking'}"]["turns"]
    provider = machine.use(serve(tls=tls, without=without, watch_quit=True))
    machine.delivers("a@example.net", "b@example.net", "c@example.net", input=REPORT + b"x" * 2000)
    assert provider.connection.tls == "TLSv1.3"
    assert provider.connection.round_trips == trips, provider.connection.turnarounds
    assert provider.connection.waited_for_221 is False
    assert provider.message.by == ("DATA" if without else "BDAT")


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
@pytest.mark.parametrize("without", [(), ("CHUNKING",)], ids=["bdat", "data"])
def test_a_group_of_commands_is_one_write(serve, machine, tls, without):
    provider = serve(tls=tls, without=without, watch_quit=True)
    machine.use(provider, auth_without_tls="on")
    machine.delivers("a@example.net", "b@example.net", input=REPORT + b"x" * 2000)
    for group in provider.connection.groups:
        assert len(group.segments) == 1, provider.connection.groups
    assert [group.phase for group in provider.connection.groups][-1] == "quit"


@pytest.mark.parametrize("size", [1000, 60_000])
def test_small_content_leaves_with_its_envelope(serve, machine, size):
    provider = machine.use(serve(watch_quit=True))
    machine.delivers("you@example.net", input=REPORT + b"0123456789abcde\n" * (size // 16))
    assert provider.connection.round_trips == 8
    assert len(provider.message.chunks) == 1


def test_large_content_waits_for_mail_and_a_recipient(serve, machine):
    provider = machine.use(serve(rcpt="550 5.1.1 nobody"))
    result = machine.sendmail("you@example.net", input=REPORT + b"0123456789abcde\n" * 8192)
    assert result.code in (65, 67, 69)
    assert "BDAT" not in provider.connection.verbs


def test_without_pipelining_each_command_waits(serve, machine):
    provider = machine.use(serve(without=("PIPELINING", "CHUNKING"), watch_quit=True))
    machine.delivers("a@example.net", "b@example.net")
    assert provider.connection.round_trips == 7 + 1 + 2 + 1 + 1


@pytest.mark.parametrize("without", [(), ("CHUNKING",)], ids=["bdat", "data"])
def test_50_mb_take_no_memory(serve, machine, without, tmp_path):
    if sanitized():
        pytest.skip("the sanitizers' own memory is what would be measured")
    line = b"0123456789" * 7 + b"\n"
    mail = tmp_path / "mail"
    with open(mail, "wb") as out:
        out.write(REPORT)
        for _ in range(50):
            out.write(line * (MIB // len(line)))
    peaks = []  # taken while the program waits for the reply to all it has sent
    provider = serve(size=200 * MIB, without=without,
                     content=lambda _: peaks.append(machine.peak_memory()))
    machine.use(provider)
    with open(mail, "rb") as source:
        machine.delivers("you@example.net", input=source)
    body = mail.read_bytes().partition(b"\n\n")[2]
    assert provider.message.body == body.replace(b"\n", b"\r\n")
    assert len(peaks) == 1
    assert peaks[0] <= 8 * MIB, f"{peaks[0] / MIB:.1f} MiB"
