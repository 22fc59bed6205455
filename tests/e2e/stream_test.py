"""A queue leaves with several messages in flight: in order, each once, whatever some of them meet."""

from collections import Counter

import pytest

from provider import close, in_turn
from spool import DAY, Spool, message

WINDOW = 32  # SESSION_WINDOW_MAX
MANY = 60
MANY_MORE = 3 * WINDOW


@pytest.fixture
def spool(machine):
    return Spool(machine)


def fill(spool, n):
    """One message for each of n recipients; their addresses, in order."""
    everybody = [f"u{i}@example.net" for i in range(n)]
    spool.queue_many([(address, message(str(i))) for i, address in enumerate(everybody)])
    return everybody


def reached(provider):
    """Who got mail, in order of acceptance."""
    return [r for m in provider.messages for r in m.recipients]


def right(provider):
    """Each message reached the recipient it was for."""
    return all(m.recipients == [f"u{m.field('Subject')}@example.net"] for m in provider.messages)


def test_a_queue_does_not_wait_for_each_reply(serve, spool):
    provider = spool.use(serve(), max_connections="1")
    everybody = fill(spool, MANY)
    spool.delivers()
    assert reached(provider) == everybody and right(provider)
    assert spool.is_empty()
    assert sum(provider.connection.turnarounds.values()) < MANY / 2 + 10


def test_without_chunking_a_message_costs_one_round_trip(serve, spool):
    """The next envelope goes with each content (RFC 2920 3.1)."""
    provider = spool.use(serve(without=("CHUNKING",)), max_connections="1")
    everybody = fill(spool, MANY)
    spool.delivers()
    assert reached(provider) == everybody and right(provider)
    assert spool.is_empty()
    flights = provider.connection.turnarounds
    assert sum(flights.values()) <= 1.05 * MANY + 8  # until the login: 6 of TLS, EHLO and AUTH
    assert {m.by for m in provider.messages} == {"DATA"}


def test_a_server_that_takes_nothing_behind_a_content_gets_one_message_at_a_time(serve, spool):
    """Against smuggled mail Haraka refuses what RFC 2920 3.1 allows. It is found out once."""
    provider = spool.use(serve(without=("CHUNKING",),
                               refuses_behind="503 Bad sequence of commands - pipelined after end of DATA"),
                         max_connections="1")
    everybody = fill(spool, 12)
    spool.delivers()
    assert reached(provider) == everybody and right(provider)
    assert spool.is_empty() and len(provider.connections) == 2
    everybody += [f"u{i}@example.net" for i in range(12, 16)]
    for i in range(12, 16):
        spool.submits("-odq", f"u{i}@example.net", input=message(str(i)))
    spool.delivers()
    assert reached(provider) == everybody and len(provider.connections) == 3
    provider.refuses_behind = None  # it was mended
    spool.wait(8 * DAY)
    spool.delivers()
    for i in range(16, 24):
        spool.submits("-odq", f"u{i}@example.net", input=message(str(i)))
    spool.delivers()
    assert sum(provider.connections[-1].turnarounds.values()) <= 8 + 10  # not 2 * 8 + 8


def test_refusals_among_pipelined_messages_are_of_their_own(serve, spool):
    refused = {f"u{i}@example.net": "550 5.1.1 who?" for i in range(3, MANY, 7)}
    provider = spool.use(serve(without=("CHUNKING",), rcpt=refused), max_connections="1")
    everybody = fill(spool, MANY)
    spool.delivers()
    assert [r for r in reached(provider) if r != "me@example.com"] == \
        [a for a in everybody if a not in refused]
    bounces = [m for m in provider.messages if m.recipients == ["me@example.com"]]
    assert len(bounces) == len(refused) and spool.is_empty()


def test_a_lost_connection_leaves_one_message_in_doubt_by_data(serve, spool):
    """Each connection is lost at its 21st content: that one waits, the next ones go elsewhere."""
    provider = spool.use(serve(without=("CHUNKING",),
                               content=in_turn(*["250 ok"] * 20, close, "250 ok")),
                         max_connections="1")
    everybody = fill(spool, MANY)
    spool.delivers()
    assert reached(provider) == [a for i, a in enumerate(everybody) if i not in (20, 41)]
    assert spool.ids("failed") == [] and len(spool.ids()) == 2


def test_without_pipelining_it_goes_one_by_one(serve, spool):
    provider = spool.use(serve(without=("PIPELINING",)), max_connections="1")
    everybody = fill(spool, 12)
    spool.delivers()
    assert reached(provider) == everybody and right(provider)
    assert spool.is_empty()


@pytest.mark.parametrize("tls", ["starttls", "none"])
def test_a_small_send_buffer_makes_no_duplicates(serve, spool, tls):
    """The server answers what it has while the rest of the flight still waits for room."""
    words = {} if tls == "starttls" else {"tls": "none", "mechanisms": ""}
    provider = spool.use(serve(small_buffers=True, **words), max_connections="1")
    spool.queue_many([(f"u{i}@example.net", message(str(i), "x\n" * 97 * i)) for i in range(MANY)])
    result = spool.run("sendmail", "-q", environment={"ONEHOP_TEST_SNDBUF": "4096"})
    assert (result.code, result.out, result.text) == (0, b"", "")
    assert reached(provider) == [f"u{i}@example.net" for i in range(MANY)] and right(provider)
    assert len(provider.connections) == 1
    assert spool.is_empty()


def test_refused_recipients_of_a_bulk_make_no_duplicates(serve, spool):
    refused = {f"u{i}@example.net": "550 5.1.1 who?" for i in range(0, MANY, 7)}
    provider = spool.use(serve(rcpt=refused), max_connections="1")
    everybody = fill(spool, MANY)
    spool.delivers()
    assert [r for r in reached(provider) if r != "me@example.com"] == \
        [a for a in everybody if a not in refused]
    assert spool.ids("failed") == [] and spool.ids() == []
    bounces = [m for m in provider.messages if m.recipients == ["me@example.com"]]
    assert len(bounces) == len(refused)
    assert len(provider.connections) <= len(refused) + 2


def test_refused_senders_of_a_bulk_make_no_duplicates(serve, spool):
    provider = spool.use(serve(mail=in_turn(*["250 ok"] * 20, *["451 4.7.1 not now"] * 3, "250 ok")),
                         max_connections="1")
    everybody = fill(spool, MANY)
    spool.delivers()
    assert reached(provider) == [a for i, a in enumerate(everybody) if i not in (20, 21, 22)]
    assert len(spool.ids()) == 3


def test_a_server_that_runs_refused_chunks_gets_no_second_chance(serve, spool):
    refused = {"u5@example.net": "550 5.1.1 who?", "u40@example.net": "450 4.2.0 later"}
    provider = spool.use(serve(rcpt=refused, runs_refused_chunks=True), max_connections="1")
    provider.forgive()  # that lines of a header came as commands is what this is about
    everybody = fill(spool, MANY)
    spool.delivers()
    times = Counter(r for r in reached(provider) if r != "me@example.com")
    assert set(times) == set(everybody) - set(refused)
    assert max(times.values()) <= 2
    assert len([n for n in times.values() if n == 2]) <= WINDOW
    assert len(spool.ids()) == 1 and spool.entry()["recipients"][0]["address"] == "u40@example.net"
    assert {m.by for m in provider.connections[1].messages if m.accepted} == {"DATA"}


def test_a_server_that_does_not_know_bdat_is_remembered(serve, spool):
    provider = spool.use(serve(bdat_unknown="500 5.5.2 what?"), max_connections="1")
    provider.forgive()  # the chunk came as commands
    everybody = fill(spool, 6)
    spool.delivers()
    assert reached(provider) == everybody and right(provider)
    assert spool.is_empty() and len(provider.connections) == 2
    spool.submits("you@example.net", input=message("later"))
    assert len(provider.connections) == 3
    assert not any("BDAT" in c.verbs for c in provider.connections[1:])
    provider.bdat_unknown = None  # it was mended
    spool.wait(8 * DAY)
    spool.submits("you@example.net", input=message("a week later"))
    assert provider.messages[-1].by == "BDAT"


def test_a_lost_connection_repeats_at_most_the_window(serve, spool):
    provider = spool.use(serve(content=in_turn(*["250 ok"] * 20, close, "250 ok")),
                         max_connections="1")
    everybody = fill(spool, MANY_MORE)
    spool.delivers()
    assert reached(provider)[:20] == everybody[:20]
    assert spool.ids("failed") == []
    # One for each connection that was lost, the oldest under way; those behind it went over the next
    # one. There is none behind the last of all, which therefore counts although none was made after it.
    lost = [c for c in provider.connections if c.ended != "quit"]
    assert len(spool.ids()) == len(lost) >= len(provider.connections) - 1
    spool.delivers()
    times = Counter(reached(provider))
    assert set(times) == set(everybody) and right(provider)
    assert spool.is_empty()
