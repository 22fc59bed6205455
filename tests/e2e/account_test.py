"""What one message or one connection meets is not the account's failure until others meet it, too; and
what is mended is over."""

import pytest

from provider import drip, in_turn
from spool import MINUTE, Spool, message, notice_of_a_failing_login


@pytest.fixture
def spool(machine):
    return Spool(machine)


def by_occurrence(*answers):
    """An answer for each occurrence, over all connections; afterwards the server is sane."""
    left = iter(answers)
    return lambda key: next(left, None)


def fill(spool, n, to="you@example.net"):
    spool.queue_many([(to, message(str(i))) for i in range(n)])


def subjects(provider):
    return sorted(m.field("Subject") for m in provider.messages)


# -- one message

@pytest.mark.parametrize("reply", ["552 5.3.4 too big", "552 no", "554 5.2.3 no", "550 5.6.7 no"])
def test_a_message_that_is_refused_with_its_sender_bounces_and_holds_up_nobody(serve, spool, reply):
    provider = spool.use(serve(mail=by_occurrence(reply)))
    spool.submits("-odq", "you@example.net", input=message("big"))
    spool.submits("-odq", "you@example.net", input=message("small"))
    spool.delivers("-q")
    assert "small" in subjects(provider)
    bounce, = [m for m in provider.messages if not m.sender]
    assert reply[4:] in bounce.body.decode()
    assert spool.is_empty()


@pytest.mark.parametrize("words", [{"rcpt": {"poison@example.net": "421 4.7.0 slow down"}},
                                   {"rcpt": {"poison@example.net": "454 4.7.0 later"}}])
def test_what_one_message_meets_again_and_again_holds_up_nobody(serve, spool, words):
    provider = spool.use(serve(**words))
    fill(spool, 1, "poison@example.net")
    fill(spool, 5)
    spool.delivers("-q")
    assert len(provider.messages) == 5
    spool.wait(5 * MINUTE)
    spool.delivers("-q5m")
    spool.submits("you@example.net", input=message("at once"))
    assert "at once" in subjects(provider)
    assert spool.entry()["recipients"][0]["address"] == "poison@example.net"


def test_a_sender_that_is_refused_for_one_message_only_refuses_it(serve, spool):
    no = "550 5.7.1 this sender is not allowed"
    provider = spool.use(serve(mail=by_occurrence(no, None, no)))
    fill(spool, 2)
    spool.delivers("-q")
    assert subjects(provider) == ["1"]  # the account works: the other one had it
    assert spool.entry()["attempts"] == 1
    spool.wait(2 * MINUTE)
    spool.delivers("-q5m")
    assert no[4:] in provider.messages[-1].body.decode()  # and is told so
    assert spool.is_empty()


def test_what_two_messages_meet_is_the_accounts(serve, spool):
    provider = spool.use(serve(mail="550 5.7.1 this sender is not allowed"))
    fill(spool, 20)
    spool.delivers("-q")
    assert len(provider.connections) <= 2
    assert len(spool.ids()) == 20
    provider.answers.clear()
    spool.wait(7 * MINUTE)
    spool.delivers("-q5m")
    assert len(provider.messages) == 20
    assert spool.is_empty()


def test_a_session_that_ends_after_some_messages_defers_none(serve, spool):
    provider = spool.use(serve(mail=in_turn(None, None, "421 4.4.2 enough for one session", None),
                               without=("CHUNKING",)), max_connections="1")
    fill(spool, 5)
    spool.delivers("-q")
    assert len(provider.messages) == 5
    assert spool.is_empty()


# -- one connection

def test_a_connection_that_is_refused_is_one_fewer(serve, spool):
    provider = spool.use(serve(
        greeting=by_occurrence(None, None, None, "421 4.3.2 too many connections"),
        content=drip("250 ok", 0.02), without=("CHUNKING",)), max_connections="4")
    fill(spool, 24)
    spool.delivers("-q")
    assert len(provider.messages) == 24
    assert spool.is_empty()
    first = len(provider.connections)
    assert first == 4
    fill(spool, 24)
    spool.delivers("-q")
    assert len(provider.messages) == 48
    assert len(provider.connections) - first <= 3


def test_a_provider_of_one_connection_gets_everything_over_it(serve, spool):
    no = "421 4.3.2 one connection only"
    provider = spool.use(serve(greeting=by_occurrence(None, no, no, no),
                               content=drip("250 ok", 0.02), without=("CHUNKING",)),
                         max_connections="4")
    fill(spool, 16)
    spool.delivers("-q")
    assert len(provider.messages) == 16
    assert spool.is_empty()


def test_one_wrong_password_is_one_login(serve, spool):
    provider = spool.use(serve(users={}), max_connections="4")
    fill(spool, 20)
    spool.delivers("-q")
    assert len(provider.connections) == 1
    for _ in range(3):  # a crontab
        spool.wait(5 * MINUTE)
        spool.delivers("-q")
    assert len(provider.connections) == 1
    spool.ctl("flush")  # a person
    assert len(provider.connections) == 2


# -- what is over

@pytest.mark.parametrize("n", [1, 5])
def test_a_password_that_was_mended_is_tried_by_the_next_run(serve, spool, n):
    provider = spool.use(serve(), password="wrong")
    fill(spool, n)
    spool.delivers("-q5m")
    spool.delivers("-q5m")
    assert len(provider.connections) == 1
    spool.use(provider)
    spool.delivers("-q5m")
    assert len(provider.messages) == n
    assert spool.is_empty()


def test_a_password_file_that_was_mended_is_tried_by_the_next_run(serve, spool, machine):
    secret = machine.home / "secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    provider = spool.use(serve(), password=None, password_file=str(secret))
    fill(spool, 3)
    spool.delivers("-q5m")
    secret.write_text("s3cret\n")
    spool.delivers("-q5m")
    assert len(provider.messages) == 3


def test_a_password_file_whose_mode_was_mended_is_tried_by_the_next_run(serve, spool, machine):
    secret = machine.home / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o644)
    provider = spool.use(serve(), password=None, password_file=str(secret))
    fill(spool, 3)
    spool.delivers("-q5m")
    assert provider.messages == []
    secret.chmod(0o600)
    spool.delivers("-q5m")
    assert len(provider.messages) == 3


def test_a_login_that_check_verified_is_tried_by_the_next_run(serve, spool):
    provider = spool.use(serve(users={}))
    fill(spool, 2)
    spool.delivers("-q5m")
    spool.wait(MINUTE)
    provider.users = {"me@example.com": "s3cret"}
    spool.delivers("-q5m")
    assert provider.messages == []
    spool.ctl("check")
    spool.delivers("-q5m")
    assert len(provider.messages) == 2
    assert spool.is_empty()


def test_mail_leaves_when_its_provider_is_back_not_when_its_own_pause_is_over(serve, spool):
    away = spool.use(serve(greeting="554 5.3.2 no"))
    fill(spool, 1)
    for _ in range(12):
        spool.wait(38 * MINUTE)  # the longest pause of an account that cannot be reached
        spool.delivers("-q5m")
    assert len(away.connections) == 12
    away.answers.clear()
    spool.wait(38 * MINUTE)
    spool.delivers("-q5m")
    assert len(away.messages) == 1


def test_the_log_names_the_host_that_answered(serve, spool, machine):
    provider = spool.use(serve(), host="127.0.0.2, 127.0.0.1", tls_host_override="127.0.0.1")
    spool.submits("you@example.net")
    fill(spool, 1)
    spool.delivers("-q")
    assert len(provider.messages) == 2
    lines = [line for line in machine.log.read_text().splitlines() if "smtpstatus=250" in line]
    assert len(lines) == 2 and all("host=127.0.0.1 " in line for line in lines)


# -- who is told

@pytest.mark.parametrize("words, reply", [
    ({"users": {}}, "535"), ({"mail": "553 5.7.1 not owned by auth user"}, "not owned by auth user"),
    ({"certificate": "expired"}, "expired"), ({"without": ("STARTTLS",)}, "STARTTLS")])
def test_a_first_try_says_what_a_person_must_mend(serve, spool, words, reply):
    spool.use(serve(**words))
    result = spool.run("sendmail", "you@example.net", input=message("report"))
    assert result.code == 0 and result.out == b""
    assert reply in result.text and spool.ids()[0] in result.text
    assert result.text.count("\n") == 1


@pytest.mark.parametrize("words", [{"greeting": "421 4.3.2 busy"}, {"rcpt": "450 4.7.1 greylisted"}])
def test_a_first_try_that_may_succeed_later_is_silent(serve, spool, words):
    spool.use(serve(**words))
    spool.submits("you@example.net")
    assert len(spool.ids()) == 1


NULL_REFUSED = {"mail": {"": "553 Mail from must equal authorized user"}}


def test_a_null_sender_that_is_refused_is_sent_as_the_account(serve, spool):
    provider = spool.use(serve(**NULL_REFUSED, without=("CHUNKING",)))
    spool.submits("-f", "<>", "you@example.net")
    spool.submits("-f", "<>", "you@example.net")
    assert [m.sender for m in provider.messages] == ["me@example.com"] * 2
    assert [line for c in provider.connections for line in c.lines
            if line.startswith("MAIL FROM:<>")] != []
    assert spool.is_empty()


@pytest.mark.parametrize("aliases, reader", [(None, "admin@example.net"),
                                             ("root: dba@example.net\n", "dba@example.net"),
                                             ("root: |/bin/true\n", "admin@example.net")])
def test_a_bounce_for_a_local_sender_goes_to_its_alias_or_admin(serve, spool, machine, aliases, reader):
    keys = {}
    if aliases:
        file = machine.home / "aliases"
        file.write_text(aliases)
        keys["aliases"] = str(file)
    provider = spool.use(serve(rcpt={"gone@example.net": "550 5.1.1 no such user"}),
                         admin="admin@example.net", **keys)
    for more in b"", b"From: root\n":
        spool.submits("-odq", "-f", "root", "gone@example.net", input=more + b"Subject: x\n\nx\n")
    spool.delivers("-q")
    assert len(provider.messages) == 2
    told = [m for m in provider.messages if m.recipients == [reader]]
    assert told and b"gone@example.net" in told[0].body


def test_a_login_that_fails_for_an_hour_is_reported_through_another_account(serve, machine):
    broken, good = serve(users={}), serve()
    told = notice_of_a_failing_login(machine, good, machine.account(broken, queue=None, admin="boss@example.net"))
    assert b"account work" in told.body and b"535" in told.body


# -- limits that are known

class Microsoft:
    """Three connections at one time, thirty messages a minute, and a refusal for what is beyond."""

    def __init__(self, spool):
        self.spool, self.times, self.refused = spool, [], 0

    def content(self, key):
        now = self.spool.later
        if sum(now - 60 < then <= now for then in self.times) >= 30:
            self.refused += 1
            return "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"
        self.times.append(now)
        return None


@pytest.mark.parametrize("without", [(), ("CHUNKING",)])
def test_a_known_limit_of_messages_is_never_exceeded(serve, spool, without):
    limit = Microsoft(spool)
    provider = spool.use(serve(content=limit.content, without=without), "provider = office365\n")
    fill(spool, 70)
    for minute in range(4):
        spool.delivers("-q1m")
        spool.submits("you@example.net", input=message("first try"))
        if minute == 0:
            assert len(provider.messages) == 30
            assert "rate" in spool.run("mailq").shown
        spool.wait(30)
        spool.delivers("-q1m")
        spool.wait(36)
    assert limit.refused == 0
    assert len(provider.messages) == 74
    assert spool.is_empty()


def test_a_message_to_many_goes_in_several_transactions(serve, spool):
    provider = spool.use(serve(), max_recipients="3")
    everybody = [f"u{i}@example.net" for i in range(8)]
    spool.submits("-odq", *everybody)
    spool.delivers("-q")
    assert [len(m.recipients) for m in provider.messages] == [3, 3, 2]
    assert [r for m in provider.messages for r in m.recipients] == everybody
    assert spool.is_empty()
