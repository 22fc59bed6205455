"""The provider is away, or says no: what becomes of the mail, and what its sender gets to see."""

import os
import shutil
import time

import pytest

from machine import REPORT
from provider import close, drip, in_turn, silence
from spool import HOUR, MINUTE, Spool, message

REFUSED = {"you@example.net": "550 5.1.1 who?"}


@pytest.fixture
def spool(machine):
    return Spool(machine)


# -- the provider is away

def test_mail_waits_for_a_provider_that_is_away_and_then_goes_as_it_was(serve, spool):
    provider = serve()
    spool.use(provider)
    original = message("the report", "line one\n.\n..two\n" + "x" * 900)
    spool.submits("you@example.net", input=original)
    spool.use_nobody(provider)
    spool.submits("you@example.net", input=original)
    entry = spool.entry()
    assert entry["queue_name"] == "deferred" and entry["attempts"] == 1
    assert "onnection refused" in entry["recipients"][0]["delay_reason"]
    assert "you@example.net" in spool.run("mailq").shown
    spool.use(provider)
    spool.delivers("-q")
    assert spool.is_empty()
    direct, queued = provider.messages
    assert queued.body == direct.body
    assert queued.body == original.partition(b"\n\n")[2].replace(b"\n", b"\r\n")
    assert queued.field_names == direct.field_names
    assert queued.recipients == ["you@example.net"] and queued.sender == "me@example.com"


@pytest.mark.parametrize("words", [
    {"greeting": close}, {"greeting": "554 5.3.2 not today"}, {"certificate": "wrong-name"},
    {"certificate": "expired"}, {"starttls": "454 4.7.0 not now"}, {"without": ("STARTTLS",)},
    {"users": {}}, {"auth": "454 4.7.0 later"}, {"auth": "535 5.7.8 no"}, {"mechanisms": "NTLM"},
    {"mail": "550 5.7.1 not you"}, {"mail": "530 5.7.0 log in"}, {"ehlo": close},
    {"rcpt": "550 5.7.60 not allowed to send as this"}, {"content": "554 5.4.5 over quota"},
    {"greeting": b"hello\r\n"},
], ids=lambda words: "-".join(f"{k}-{v}"[:24] for k, v in words.items()))
def test_trouble_of_the_account_never_bounces_mail(serve, spool, words):
    provider = spool.use(serve(**words))
    spool.tries("you@example.net")
    assert provider.messages == []
    entry = spool.entry()
    assert entry["queue_name"] == "deferred"
    assert [r["address"] for r in entry["recipients"]] == ["you@example.net"]
    good = spool.use(serve())
    spool.delivers("-q")
    assert len(good.messages) == 1
    assert spool.is_empty()


def test_a_queue_run_without_a_queue_is_silent_success(spool, serve):
    spool.use(serve())
    spool.delivers("-q")
    assert spool.run("mailq").shown == "Mail queue is empty\n"


# -- delivery modes

@pytest.mark.parametrize("options", [("-odi",), ("-O", "DeliveryMode=interactive"),
                                     ("-ODeliveryMode=i",), ()])
def test_interactive_mail_has_gone_when_the_call_returns(serve, spool, options):
    provider = spool.use(serve(), delivery_mode=None if options != () else "interactive")
    spool.submits(*options, "you@example.net")
    assert len(provider.messages) == 1
    assert spool.is_empty()


@pytest.mark.parametrize("options, key", [
    (("-odq",), None), (("-odd",), None), (("-O", "DeliveryMode=q"), None), ((), "queue"),
    (("-odb",), None), (("-bq",), None), ((), "background")])
def test_queued_mail_stays_until_a_run(serve, spool, options, key):
    provider = spool.use(serve(), delivery_mode=key)
    spool.submits(*options, "you@example.net")
    assert spool.entry()["attempts"] == 0
    assert provider.connections == []
    spool.delivers("-q")
    assert len(provider.messages) == 1
    assert spool.is_empty()


def test_without_a_queue_the_code_tells_and_nothing_stays(serve, spool):
    provider = serve()
    spool.use_nobody(provider, queue="off")
    result = spool.run("sendmail", "you@example.net", input=REPORT)
    assert result.code == 75 and result.out == b"" and "refused" in result.text
    assert not spool.path.exists()


# -- refused for good, while the caller waits

@pytest.mark.parametrize("words, codes", [
    ({"rcpt": "550 5.1.1 who?"}, (67,)), ({"content": "554 5.6.0 spam"}, (65, 69)),
    ({"data": "554 5.6.0 no", "without": ("CHUNKING",)}, (65, 69)), ({"size": 10}, (65, 69)),
], ids=["rcpt", "content", "data", "size"])
def test_mail_refused_for_all_is_an_error_of_the_call_and_leaves_nothing(serve, spool, words,
                                                                        codes):
    provider = spool.use(serve(**words))
    result = spool.run("sendmail", "you@example.net", "them@example.net", input=REPORT)
    assert result.code in codes, result.text
    assert result.out == b"" and result.lines
    assert all(line.startswith("sendmail: ") for line in result.lines)
    assert provider.messages == []
    assert spool.is_empty()


def test_some_refused_is_success_and_a_bounce(serve, spool):
    provider = spool.use(serve(rcpt=REFUSED))
    spool.submits("you@example.net", "them@example.net")
    spool.delivers("-q")
    sent, bounce = provider.messages
    assert sent.recipients == ["them@example.net"]
    assert bounce.sender == "" and bounce.recipients == ["me@example.com"]
    assert spool.is_empty()


def test_some_put_off_others_refused_is_success(serve, spool):
    provider = spool.use(serve(rcpt={"you@example.net": "550 5.1.1 who?",
                                     "them@example.net": "450 4.2.0 later"}))
    spool.submits("you@example.net", "them@example.net")
    waiting = [e for e in spool.listed() if e["sender"] == "me@example.com"]
    assert [r["address"] for r in waiting[0]["recipients"]] == ["them@example.net"]
    del provider.answers["rcpt"]
    spool.delivers("-q")
    assert sorted(m.recipients[0] for m in provider.messages) == ["me@example.com",
                                                                  "them@example.net"]
    assert spool.is_empty()


# -- later

def test_a_recipient_put_off_is_tried_again_alone(serve, spool):
    provider = spool.use(serve(rcpt={"you@example.net": "450 4.2.0 greylisted"}))
    spool.submits("you@example.net", "them@example.net")
    assert provider.message.recipients == ["them@example.net"]
    entry = spool.entry()
    assert [r["address"] for r in entry["recipients"]] == ["you@example.net"]
    assert "greylisted" in entry["recipients"][0]["delay_reason"]
    del provider.answers["rcpt"]
    spool.delivers("-q")
    assert [m.recipients for m in provider.messages] == [["them@example.net"], ["you@example.net"]]
    assert spool.is_empty()


def test_retries_come_less_and_less_often(serve, spool):
    provider = spool.use(serve(rcpt="450 4.2.0 later"), "[queue]\ndelay_warning = off\n")
    spool.submits("you@example.net")
    for attempts, minutes in enumerate((1, 5, 15, 30, 60, 120, 240, 240), 2):
        before = spool.entry()["next_attempt"]
        spool.wait(minutes * 0.5 * MINUTE // 1)  # three quarters are the least, and time passes
        spool.delivers("-q30m")
        assert spool.entry()["attempts"] == attempts - 1, f"tried before {minutes} minutes"
        spool.wait(minutes * 0.77 * MINUTE // 1)
        spool.delivers("-q30m")
        entry = spool.entry()
        assert entry["attempts"] == attempts, f"not tried after {minutes} minutes"
        assert entry["next_attempt"] > before
    assert len(provider.connections) == 9


def test_a_run_by_hand_does_not_wait_for_the_time(serve, spool):
    provider = spool.use(serve(rcpt=in_turn("450 4.2.0 later", None)))
    spool.submits("you@example.net")
    spool.delivers("-q10m")
    assert provider.messages == []
    provider.answers.clear()
    spool.delivers("-q")
    assert len(provider.messages) == 1


def test_mail_that_kills_its_process_is_tried_less_and_less_often_and_holds_up_nobody(serve, spool):
    """A provider that finds a fault in us: the process dies as it delivers the first message."""
    provider = spool.use(serve(rcpt=lambda address: spool.kill_deliverer() if "bad" in address
                               else None), max_connections="1")
    spool.queues("bad@example.net")
    for _ in range(2):
        spool.queues("you@example.net")
    result = spool.run("sendmail", "-q5m")
    assert result.code == 74
    assert "account work: the delivery process was ended by signal 6" in result.text
    assert [m.recipients for m in provider.messages] == [["you@example.net"]] * 2
    spool.delivers("-q5m")
    for attempts, minutes in enumerate((1, 5, 15, 30), 1):
        tried = len(provider.connections)
        spool.wait(minutes * 0.7 * MINUTE // 1)
        spool.delivers("-q5m")
        assert len(provider.connections) == tried
        spool.wait(minutes * 0.6 * MINUTE // 1)
        assert spool.run("sendmail", "-q5m").code == 74
        assert spool.entry()["attempts"] == attempts
        assert "ended before" in spool.entry()["recipients"][0]["delay_reason"]
    provider.answers.clear()
    spool.delivers("-q")
    assert spool.is_empty()


def test_mail_in_flight_on_a_connection_that_ended_is_not_tried_at_once(serve, spool):
    """The provider may have taken it: what was planned for the next attempt holds, though the run
    ends before it is tried again."""
    contents, greetings = [], []

    def planned():
        return [id for id in spool.ids()
                if (spool.path / "queue" / id).stat().st_mtime > time.time() + 20]

    def content(_recipient):
        contents.append(1)
        if len(contents) == 1:
            return None
        limit = time.monotonic() + 60
        while len(planned()) < 5 and time.monotonic() < limit:
            pass  # soon all are in flight, or the last one about to be
        return close

    def greeting(_key):
        greetings.append(1)
        return None if len(greetings) == 1 else "421 4.3.2 going down"

    provider = spool.use(serve(content=content, greeting=greeting), max_connections="1")
    for _ in range(6):
        spool.queues("you@example.net")
    spool.run("sendmail", "-q")
    assert len(provider.messages) == 1 and len(spool.ids()) == 5
    assert len(planned()) >= 4


def test_452_takes_the_recipients_in_several_transactions(serve, spool):
    provider = spool.use(serve(max_recipients=3))
    people = [f"p{i}@example.net" for i in range(8)]
    spool.submits("-odq", *people)
    spool.delivers("-q")
    while spool.ids():
        spool.delivers("-q")
    assert [len(m.recipients) for m in provider.messages] == [3, 3, 2]
    assert sorted(sum((m.recipients for m in provider.messages), [])) == people
    assert spool.is_empty()


# -- several

@pytest.mark.parametrize("without", [(), ("CHUNKING",), ("PIPELINING", "CHUNKING")])
@pytest.mark.parametrize("limits, per_session", [("MAILMAX=5", 5), ("RCPTDOMAINMAX=2", 8)])
def test_a_session_ends_where_the_server_sets_its_limit(serve, spool, without, limits, per_session):
    provider = spool.use(serve(extra=[f"LIMITS {limits}"], without=without), max_connections="1")  # it counts
    spool.queue_many([(f"you@example{i // 4}.net", message(f"number {i}")) for i in range(16)])
    spool.delivers("-q")
    assert [m.field("Subject") for m in provider.messages] == [f"number {i}" for i in range(16)]
    assert [len(c.messages) for c in provider.connections][0] == per_session
    assert all(c.lines[-1] == "QUIT" for c in provider.connections)
    assert spool.is_empty()


@pytest.mark.parametrize("without", [(), ("CHUNKING",)])
def test_new_domains_of_one_message_are_counted_together(serve, spool, without):
    provider = spool.use(serve(extra=["LIMITS RCPTDOMAINMAX=2"], without=without), max_connections="1")
    spool.submits("-odq", "you@example0.net")
    spool.submits("-odq", "you@example1.net", "you@example2.net")
    spool.delivers("-q")
    assert sorted(r for m in provider.messages for r in m.recipients) == [f"you@example{i}.net" for i in range(3)]
    assert spool.is_empty()


def test_mail_of_an_account_goes_in_order_over_one_connection(serve, spool):
    provider = spool.use(serve(), max_connections="1")
    spool.queue_many([("you@example.net", message(f"number {i}")) for i in range(12)])
    spool.delivers("-q")
    assert [m.field("Subject") for m in provider.messages] == [f"number {i}" for i in range(12)]
    assert len(provider.connections) == 1
    assert spool.is_empty()


def test_no_more_connections_than_the_account_allows(serve, spool):
    provider = spool.use(serve(content=drip("250 2.0.0 ok", 0.001)),
                         max_connections="3")
    spool.queue_many([("you@example.net", message(f"number {i}")) for i in range(30)])
    spool.delivers("-q")
    assert len(provider.messages) == 30
    assert 1 <= len(provider.connections) <= 3
    assert spool.is_empty()


def test_a_provider_that_hangs_holds_up_no_other_account(serve, machine, spool):
    slow, quick = serve(greeting=silence), serve(users={"me@example.org": "s3cret"})
    machine.configure(
        machine.account(slow, "slow", queue=None, timeout="1") +
        machine.account(quick, "quick", queue=None, **{"from": "me@example.org",
                                                       "user": "me@example.org"}))
    for i in range(3):
        spool.submits("-odq", "-f", "me@example.com", "you@example.net")
        spool.submits("-odq", "-f", "me@example.org", "you@example.net")
    spool.delivers("-q")
    assert len(quick.messages) == 3
    assert [e["account"] for e in spool.listed()] == ["slow"] * 3


def test_a_submission_takes_an_overdue_entry_along(serve, spool):
    provider = spool.use(serve())
    for i in range(2):
        spool.submits("-odq", "you@example.net", input=message(f"old {i}"))
    spool.submits("you@example.net", input=message("new"))
    assert [m.field("Subject") for m in provider.messages] == ["new", "old 0"]
    assert len(provider.connections) == 1
    assert len(spool.ids()) == 1


def test_the_next_host_of_the_list_is_used_while_the_first_is_away(serve, spool):
    provider = spool.use(serve(), host="127.0.0.2, 127.0.0.1")
    spool.submits("you@example.net")
    assert len(provider.messages) == 1
    assert spool.is_empty()


TWO_HOSTS = {"host": "127.0.0.2, 127.0.0.1", "tls_host_override": "127.0.0.1", "timeout": "20"}


def test_a_host_of_a_list_that_is_down_is_left_alone_for_five_minutes(serve, spool):
    provider = serve()
    down = serve(greeting="421 4.3.2 going down", address="127.0.0.2", port=provider.port)
    spool.use(provider, **TWO_HOSTS)
    for _ in range(3):
        spool.submits("you@example.net")
    assert len(provider.messages) == 3 and len(down.connections) == 1
    spool.wait(5 * MINUTE)
    spool.submits("you@example.net")
    assert len(provider.messages) == 4 and len(down.connections) == 2


def test_hosts_that_are_all_down_are_tried_all_the_same(serve, spool):
    wrong = {"first": "421 4.3.2 no", "second": "421 4.3.2 no"}
    provider = serve(greeting=lambda _: wrong["second"])
    first = serve(greeting=lambda _: wrong["first"], address="127.0.0.2", port=provider.port)
    spool.use(provider, **TWO_HOSTS)
    spool.tries("you@example.net")
    assert [len(p.connections) for p in (first, provider)] == [1, 1]
    wrong["second"] = None
    spool.delivers("-q")
    assert [len(p.connections) for p in (first, provider)] == [2, 2]
    assert len(provider.messages) == 1 and spool.is_empty()
    wrong["first"] = None
    spool.submits("you@example.net")  # the second is known to be up again
    assert len(provider.messages) == 2 and len(first.connections) == 2


@pytest.mark.parametrize("queue", ["on", "off"])
def test_hosts_in_any_order(serve, spool, queue):
    providers = [serve(tls="none", mechanisms="")]
    providers += [serve(tls="none", mechanisms="", address="127.0.0.2", port=providers[0].port)]
    spool.use(providers[0], host="127.0.0.1, 127.0.0.2", host_order="random", tls="off", user=None,
              queue=queue)
    for _ in range(40):  # one of 10^12 runs would not find both
        spool.submits("you@example.net")
        if all(p.messages for p in providers):
            break
    assert all(p.messages for p in providers)


def test_an_account_that_is_gone_is_looked_for_again(serve, machine, spool):
    provider = spool.use(serve())
    spool.submits("-odq", "you@example.net")
    machine.configure(machine.account(provider, "other", queue=None))
    spool.delivers("-q")
    assert len(provider.messages) == 1
    assert spool.is_empty()


def test_mail_nobody_serves_any_more_waits_and_does_not_bounce(serve, machine, spool):
    provider = spool.use(serve())
    spool.submits("-odq", "you@example.net")
    machine.configure(machine.account(provider, "other", queue=None,
                                      **{"from": "a@else.example", "user": "a@else.example"}))
    result = spool.run("sendmail", "-q")
    assert result.code == 0 and result.out == b""
    assert "no account serves" in spool.entry()["recipients"][0]["delay_reason"]
    spool.use(provider)
    spool.delivers("-q")
    assert len(provider.messages) == 1


# -- who runs it?

def test_mail_that_nobody_delivers_is_told_of_after_an_hour(serve, spool):
    provider = serve()
    spool.use_nobody(provider)
    spool.submits("you@example.net")
    spool.wait(HOUR + 2)
    for options in ("-odi",), ("-odb",), ("-odq",):
        result = spool.run("sendmail", *options, "you@example.net", input=REPORT)
        assert result.code == 0 and result.out == b""
        assert len(result.lines) == 1 and "-q" in result.text and str(spool.path) in result.text
        assert f"*/5 * * * * {spool.machine.root}/bin/onehop -q5m" in result.text  # cron's PATH is short
    spool.delivers("-q5m")
    spool.submits("you@example.net")


def test_verbose_calls_say_that_mail_is_queued(serve, spool):
    spool.use_nobody(serve())
    result = spool.run("sendmail", "-v", "you@example.net", input=REPORT)
    assert result.code == 0 and result.out == b""
    assert f"queued as {spool.ids()[0]}" in result.text


def test_a_directory_others_may_write_to_is_no_spool(serve, spool):
    """Mail goes without a queue, or not at all; what lies there is nobody's order to send."""
    provider = spool.use(serve())
    spool.submits("-odq", "you@example.net")
    spool.path.chmod(0o777)
    spool.submits("you@example.net", input=message("direct"))
    assert provider.message.field("Subject") == "direct"
    spool.use_nobody(provider)
    result = spool.run("sendmail", "you@example.net", input=REPORT)
    assert result.code == 75 and result.lines
    assert len(spool.ids()) == 1


@pytest.mark.parametrize("place", ["tmp", "queue", "hold", "failed", "journal", "account"])
def test_a_directory_of_the_spool_that_is_missing_is_made_again(serve, spool, place):
    provider = spool.use(serve())
    spool.queues("you@example.net")
    shutil.rmtree(spool.path / place)
    assert spool.run("mailq").code == 0
    shutil.rmtree(spool.path / place)
    spool.delivers("-q")
    spool.submits("you@example.net")
    assert len(provider.messages) == (1 if place == "queue" else 2)
    assert (spool.path / place).stat().st_mode & 0o7777 == 0o700


def test_the_spool_is_private_and_holds_no_password(serve, spool):
    spool.use_nobody(serve())
    spool.submits("you@example.net", before=lambda: os.umask(0))
    for path in [spool.path, *spool.path.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
        if path.is_file():
            assert b"s3cret" not in path.read_bytes()
