"""An account in trouble: its provider is left in peace, and the login is not locked."""

import os
import subprocess
import threading

import pytest

from machine import PATIENCE, until
from provider import in_turn
from spool import DAY, HOUR, MINUTE, YEAR, Spool, message


@pytest.fixture
def spool(machine):
    return Spool(machine)


def copies(spool, n):
    """N entries, made from one as a restored backup would be: only the id differs."""
    one = spool.queues("you@example.net")
    octets = (spool.path / "queue" / one).read_bytes()
    digits = "".join(sorted("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
    for i in range(n - 1):
        name = one[:-4] + "".join(digits[i // 62 ** k % 62] for k in (2, 1, 0)) + one[-1]
        if name != one:
            (spool.path / "queue" / name).write_bytes(octets)
            (spool.path / "queue" / name).chmod(0o600)
    return len(spool.ids())


def test_a_thousand_entries_cost_a_handful_of_connections(serve, spool):
    provider = spool.use(serve(greeting="554 5.3.2 no"), max_connections="4")
    n = copies(spool, 1000)
    spool.delivers("-q5m")
    spool.delivers("-q")
    assert len(provider.connections) <= 8
    assert len(spool.ids()) == n >= 999
    for _ in range(10):
        spool.wait(6 * MINUTE)
        spool.delivers("-q5m")
    assert len(provider.connections) <= 8 + 10
    good = spool.use(serve(), max_connections="4")
    spool.delivers("-q")
    assert len(good.messages) == n
    assert len(good.connections) <= 4
    assert spool.is_empty()


def attempts_in_a_day(provider, spool):
    for _ in range(DAY // (20 * MINUTE)):
        spool.wait(20 * MINUTE)
        spool.delivers("-q20m")
    return len(provider.connections)


def test_a_refused_login_is_hardly_ever_repeated(serve, spool):
    provider = spool.use(serve(users={}))
    for _ in range(5):
        spool.submits("-odq", "you@example.net")
    for _ in range(3):
        spool.tries("you@example.net")
    assert len(provider.connections) == 1
    assert attempts_in_a_day(provider, spool) <= 8
    assert len(spool.ids()) == 8


class Gate:
    """An answer that the first client gets when the gate is opened, and the others at once."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, *_):
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(PATIENCE)


@pytest.mark.parametrize("users", [{}, {"me@example.com": "s3cret"}], ids=["wrong", "right"])
def test_submissions_at_the_same_time_wait_for_the_first_login(serve, spool, users):
    gate = Gate()
    provider = spool.use(serve(users=users, auth=gate), max_connections="4")
    submit = [str(spool.machine.programs / "sendmail"), "you@example.net"]
    second_slot = spool.path / "account/work.slot1"

    def start():
        process = subprocess.Popen(submit, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   cwd=spool.machine.directory, env=spool.machine.environment())
        process.stdin.write(message("report"))
        process.stdin.close()
        return process

    first = start()
    assert gate.reached.wait(PATIENCE)
    second = start()
    until(second_slot.exists)
    gate.opened.set()
    assert [process.wait(PATIENCE) for process in (first, second)] == [0, 0]
    assert len([c for c in provider.connections if "AUTH" in c.verbs]) == (2 if users else 1)
    assert len(provider.messages) == (2 if users else 0)
    assert len(spool.ids()) == (0 if users else 2)


def test_new_mail_waits_while_the_account_is_in_trouble(serve, spool):
    provider = spool.use(serve(greeting=in_turn("554 5.3.2 no", None)))
    for _ in range(3):
        spool.tries("you@example.net")
    assert len(provider.connections) == 1
    assert [e["attempts"] for e in spool.listed()] == [1, 0, 0]
    provider.answers.clear()
    spool.wait(MINUTE)
    spool.tries("you@example.net", input=message("the probe"))
    assert provider.messages[0].field("Subject") == "the probe"


@pytest.mark.parametrize("words", [
    {"greeting": "421 4.7.0 slow down"}, {"mail": "421 4.7.0 slow down"},
    {"mail": "450 4.2.1 too fast"}, {"rcpt": "450 4.2.1 too fast"},
    {"rcpt": "421 4.7.0 too fast"}, {"content": "421 4.7.0 enough"},
    {"auth": "454 4.7.0 too many logins"}], ids=lambda words: "-".join(map(str, words.items())))
def test_who_is_asked_to_slow_down_does(serve, spool, words):
    provider = spool.use(serve(**words))
    spool.queue_many([("you@example.net", message("report"))] * 10)
    spool.delivers("-q")
    first = len(provider.connections)
    assert first <= 3
    spool.wait(3 * MINUTE)
    spool.delivers("-q3m")
    assert len(provider.connections) == first
    provider.answers.clear()
    spool.wait(10 * MINUTE)
    spool.delivers("-q10m")
    spool.delivers("-q")
    assert len(provider.messages) == 10
    assert spool.is_empty()


def test_a_greylisted_recipient_does_not_stop_the_account(serve, spool):
    provider = spool.use(serve(rcpt={"grey@example.net": "450 4.7.1 greylisted"}))
    spool.submits("-odq", "grey@example.net")
    for _ in range(5):
        spool.submits("-odq", "you@example.net")
    spool.delivers("-q")
    assert len(provider.messages) == 5
    assert len(spool.ids()) == 1


@pytest.mark.parametrize("mends", ["the configuration", "the password", "check"])
def test_the_only_message_does_not_wait_when_its_cause_was_mended(serve, spool, mends):
    """What it met may be its own, so no breaker was opened; it waits for the account all the same."""
    password = spool.machine.file(spool.machine.home / "secret", "s3cret\n")
    account = dict(password=None, password_file=password, logfile=None)
    provider = spool.use(serve(mail="550 5.7.60 not your address"), **account)
    spool.tries("you@example.net")
    for _ in range(3):
        spool.wait(HOUR)
        spool.delivers("-q1h")
    assert spool.entry()["attempts"] == 4 and len(provider.connections) == 4
    provider.answers.clear()
    spool.delivers("-q5m")
    assert len(provider.connections) == 4  # nothing that can be seen here has changed
    if mends == "the configuration":
        spool.use(provider, from_full_name="Me", **account)
    elif mends == "the password":
        spool.machine.file(password, "s3cret\n\n")
    else:
        spool.ctl("check")
    spool.delivers("-q5m")
    assert len(provider.messages) == 1 and spool.is_empty()


# -- another channel

def test_who_runs_the_queue_is_alerted_and_told_when_it_is_over(serve, spool, tmp_path):
    heard = tmp_path / "heard"
    alert = f"[queue]\nalert_command = echo \"$ONEHOP_ALERT: $ONEHOP_TEXT\" >> '{heard}'; echo dropped\n"
    spool.use_nobody(serve(), more=alert)
    spool.tries("you@example.net")
    for _ in range(7):
        spool.wait(30 * MINUTE)
        spool.delivers("-q30m")
    first, = heard.read_text().splitlines()
    assert first.startswith("account: onehop on ")
    assert ": account work has failed for 1 h, 1 queued: " in first and "cannot connect" in first
    spool.use(serve(), more=alert)
    spool.delivers("-q30m")
    assert spool.is_empty()
    host = first.split(": ")[1]
    assert heard.read_text().splitlines()[1:] == [f"recovered: {host}: account work works again"]


def test_a_command_that_does_not_exist_harms_no_mail(serve, spool):
    provider = spool.use(serve(rcpt={"gone@example.net": "550 5.1.1 no"}), more="[queue]\nalert_command = /nonexistent\n")
    spool.submits("-odq", "-f", "<>", "gone@example.net")
    spool.submits("-odq", "you@example.net")
    run = spool.run("sendmail", "-q")
    assert run.code == 0 and "alert_command: exit status 127" in run.text
    assert len(provider.messages) == 1 and len(spool.ids("failed")) == 1


# -- the clock

@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_wrong_clock_neither_bounces_mail_nor_puts_it_to_sleep(serve, spool, jump):
    away, provider = serve(rcpt="450 4.2.0 later"), serve()
    spool.use(away, "[queue]\ndelay_warning = off\n")
    spool.submits("you@example.net", input=message("before"))
    spool.wait(jump)
    during = spool.run("sendmail", "you@example.net", input=message("during"))
    assert during.code == 0 and during.out == b""
    spool.delivers("-q5m")
    assert len(spool.ids()) == 2 and spool.ids("failed") == []
    spool.wait(-jump)
    spool.use(provider)
    spool.wait(2 * HOUR)
    for _ in range(3):
        spool.delivers("-q5m")
    assert sorted(m.field("Subject") for m in provider.messages) == ["before", "during"]
    assert spool.is_empty()


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_breaker_of_another_time_does_not_hold_for_long(serve, spool, jump):
    provider = spool.use(serve(users={}))
    spool.tries("you@example.net")
    provider.users = {"me@example.com": "s3cret"}
    spool.wait(jump)
    spool.delivers("-q5m")
    spool.delivers("-q5m")
    assert len(provider.messages) == 1
    assert spool.is_empty()


# -- what others put there

def test_what_is_not_ours_is_left_and_the_mail_goes(serve, spool, tmp_path):
    provider = spool.use(serve())
    good = [spool.queues("you@example.net", input=message(f"good {i}")) for i in range(3)]
    victim = tmp_path / "victim"
    victim.write_text("precious")
    queue = spool.path / "queue"
    taken = good[0][:-3] + "zz" + good[0][-1]
    (queue / "core").write_text("dumped")
    (queue / "README.txt").write_text("hello")
    os.mkfifo(queue / (good[0][:-3] + "zy" + good[0][-1]))
    os.symlink(victim, queue / taken)
    (queue / (good[0][:-3] + "zx" + good[0][-1])).mkdir()
    (queue / ".hidden").write_text("x")
    result = spool.run("sendmail", "-q")
    assert result.code == 0 and result.out == b""
    assert len(result.lines) == 1 and "left alone" in result.text
    assert len(provider.messages) == 3
    spool.delivers("-q5m")
    assert set(spool.ids()) >= {"core", "README.txt", taken, ".hidden"}
    assert victim.read_text() == "precious"
    assert spool.run("mailq").code == 0


def damages(octets):
    head = octets.index(b"content\n")
    yield "empty", b""
    yield "half", octets[:len(octets) // 2]
    yield "last octet gone", octets[:-1]
    yield "one octet more", octets + b"x"
    yield "zeros", bytes(len(octets))
    for at in (3, 20, head - 4, head + 30, len(octets) - 30, len(octets) - 2):
        yield f"bit at {at}", octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]


def test_damaged_entries_are_set_aside_and_the_rest_goes(serve, spool):
    provider = spool.use(serve())
    ids = [spool.queues("you@example.net", input=message(f"number {i}")) for i in range(13)]
    queue = spool.path / "queue"
    octets = (queue / ids[0]).read_bytes()
    bad = {}
    for id, (what, broken) in zip(ids[1:], damages(octets)):
        (queue / id).write_bytes(broken)
        bad[id] = what
    assert len(bad) == 11
    result = spool.run("sendmail", "-q")
    assert result.out == b"" and result.lines
    assert [m.field("Subject") for m in provider.messages] == ["number 0", "number 12"]
    left = set(spool.ids()) | set(spool.ids("failed"))
    assert left == set(bad), {bad.get(id) for id in set(bad) ^ left}
    assert spool.ids() == [] or all(bad[id].startswith("bit at 1") for id in spool.ids())
    listed = spool.run("onehopctl", "queue", "--failed")
    assert all(id in listed.shown for id in spool.ids("failed"))


def test_an_entry_of_a_later_version_is_left_alone(serve, spool):
    provider = spool.use(serve())
    id = spool.queues("you@example.net")
    entry = spool.path / "queue" / id
    octets = entry.read_bytes().replace(b"onehop-entry 2 ", b"onehop-entry 9 ", 1)
    entry.write_bytes(octets)
    result = spool.run("sendmail", "-q")
    assert id in result.text
    assert spool.ids() == [id] and entry.read_bytes() == octets
    assert provider.messages == []


def test_a_password_command_that_hangs_does_not_hang_the_run(serve, spool):
    provider = spool.use(serve(), password=None, password_command="exec sleep 1000", timeout="1")
    spool.queues("you@example.net")
    spool.delivers("-q")
    assert provider.connections == []
    assert "took too long" in spool.listed()[0]["recipients"][0]["delay_reason"]
