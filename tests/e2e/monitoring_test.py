"""What monitoring sees: onehopctl status, onehopctl metrics, and the file that the service writes."""

import re
import shutil
import subprocess
import time

import pytest

from machine import PATIENCE
from metrics import counted, parse
from oauth import configure, consent, needs_program, section, token_file, tokens  # noqa: F401
from service import ALICE, BOB, needs_root, served, shared  # noqa: F401
from spool import DAY, HOUR, MINUTE, Spool, message

OK, WARNING, CRITICAL, UNKNOWN = range(4)
LINE = re.compile(r"ONEHOP (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| [^|\n]+)?\n")


@pytest.fixture
def spool(machine):
    return Spool(machine)


def metrics(spool):
    return parse(spool.ctl("metrics").shown)


def status(spool, *words):
    """(exit status, text)."""
    result = spool.run("onehopctl", "status", *words)
    assert LINE.fullmatch(result.shown), result.shown
    assert result.shown.startswith("ONEHOP " + ("OK", "WARNING", "CRITICAL", "UNKNOWN")[result.code])
    return result.code, result.shown


# -- status


def test_nothing_waits(serve, spool):
    spool.use(serve())
    for _ in range(2):
        code, text = status(spool)
        assert (code, text) == (OK, "ONEHOP OK - no message waits | waiting=0;10;100;0 "
                                "oldest=0s;3600;21600;0 held=0;;;0 failed=0;0;;0 failing_accounts=0;0;;0\n")
        spool.submits("you@example.net")


@pytest.mark.parametrize("words, expected", [
    ((), OK), (("-w", "2"), OK), (("-w", "1"), WARNING), (("-w", "0", "-c", "1"), CRITICAL),
    (("-w", ",1m"), WARNING), (("-c", ",2m"), CRITICAL), (("-w", "1,1h", "-c", "5,1d"), WARNING),
    (("-w", ",1h"), OK), (("-w", "2,10m", "-c", "2,10m"), OK), (("-w", ",off", "-c", ",off"), OK),
    (("-w", ",0"), WARNING)])
def test_what_waits_is_judged_by_number_and_age(serve, spool, words, expected):
    spool.use(serve())
    for _ in range(2):
        spool.queues("you@example.net")
    spool.wait(5 * MINUTE)
    code, text = status(spool, *words)
    assert code == expected
    assert "2 messages wait, the oldest for 5 min" in text and "waiting=2;" in text


def test_an_age_of_off_is_no_limit(serve, spool):
    spool.use(serve())
    assert "oldest=0s;;21600;0" in status(spool, "-w", "5,off")[1]


def test_age_alone_alarms(serve, spool):
    spool.use(serve())
    spool.queues("you@example.net")
    assert status(spool)[0] == OK
    spool.wait(61 * MINUTE)
    assert status(spool)[0] == WARNING
    spool.wait(5 * HOUR)
    code, text = status(spool)
    assert code == CRITICAL and "1 message waits, for 6 h" in text


def test_what_a_person_holds_is_shown_and_no_alarm(serve, spool):
    spool.use(serve())
    spool.ctl("hold", spool.queues("you@example.net"))
    spool.wait(DAY)
    code, text = status(spool)
    assert code == OK and "no message waits" in text and "held=1;" in text
    assert metrics(spool)["onehop_queue_messages", "held"] == 1


def test_failed_mail_is_a_warning(serve, spool):
    spool.use(serve(rcpt="550 5.1.1 no such user"), bounce_to=None)
    spool.queues("you@example.net", "-f", "<>")
    spool.run("sendmail", "-q")
    code, text = status(spool)
    assert code == WARNING and "1 failed message is kept" in text and "failed=1;" in text
    assert metrics(spool)["onehop_queue_messages", "failed"] == 1
    assert counted(metrics(spool)) == (0, 0, 1)


def test_an_account_that_fails_is_a_warning_and_after_an_hour_critical(serve, spool):
    spool.use(serve(users={}))
    spool.tries("you@example.net")
    code, text = status(spool)
    assert code == WARNING and "account work fails (login) for " in text and "535" in text
    seen = metrics(spool)
    assert [seen["onehop_account_trouble", "work", reason]
            for reason in ("login", "network", "throttle")] == [1, 0, 0]
    spool.wait(61 * MINUTE)
    code, text = status(spool)
    assert code == CRITICAL and "account work fails (login) for 61 min" in text
    assert text.index("account work") < text.index("1 message waits")


def test_a_bar_in_a_reply_does_not_begin_the_figures(serve, spool):
    spool.use(serve(greeting="421 4.3.2 | waiting=0"))
    spool.tries("you@example.net")
    assert "421 4.3.2 / waiting=0" in status(spool)[1]


def test_no_account_is_not_all_right(machine):
    code, text = status(Spool(machine))
    assert code == UNKNOWN and "no account is configured" in text


def test_a_broken_configuration_is_critical(serve, spool):
    spool.use(serve(), more="[account work]\nhost = again\n")
    code, text = status(spool)
    assert code == CRITICAL and "the configuration is not used: " in text and "onehop.ini:" in text
    result = spool.run("onehopctl", "metrics")
    assert parse(result.shown)["onehop_configuration_rejected",] == 1


def test_a_queue_that_cannot_be_read_is_unknown(serve, spool):
    spool.use(serve())
    spool.submits("you@example.net")
    spool.path.chmod(0o777)
    code, text = status(spool)
    assert code == UNKNOWN and str(spool.path) in text
    result = spool.run("onehopctl", "metrics")
    assert result.code not in (0, 1, 2, 3) and not result.shown


@pytest.mark.parametrize("words", [("-w",), ("-x", "1"), ("-w", "many"), ("-w", "1,soon"), ("-w", "")])
def test_wrong_words_are_unknown(serve, spool, words):
    spool.use(serve())
    result = spool.run("onehopctl", "status", *words)
    assert result.code == UNKNOWN and result.shown.startswith("ONEHOP UNKNOWN - ")


@pytest.mark.parametrize("days, expected", [(30, OK), (10, WARNING), (-1, CRITICAL)])
def test_a_certificate_that_ends(serve, spool, days, expected):
    certificate = spool.machine.directory / "own.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-subj", "/CN=me", "-days", "20", "-keyout", certificate.with_suffix(".key"),
                    "-out", certificate], check=True, capture_output=True)
    spool.use(serve(), tls_cert_file=str(certificate), tls_key_file=str(certificate.with_suffix(".key")))
    spool.wait((20 - days) * DAY)
    end = metrics(spool)["onehop_certificate_expiry_timestamp_seconds", "work"]
    assert abs(end - time.time() - 20 * DAY) < HOUR
    code, text = status(spool)
    assert code == expected
    assert ("a certificate of account work" in text) == (expected != OK)


@needs_program
def test_a_login_that_a_person_owes(serve, spool, tokens):  # noqa: F811
    configure(spool.machine, serve(mechanisms="XOAUTH2", users={"me@example.com": "access1-"}), tokens)
    code, text = status(spool)
    assert code == CRITICAL and "account work needs a login: onehopctl login work" in text
    assert ("onehop_token_expiry_timestamp_seconds", "work") not in metrics(spool)
    consent(spool.machine, tokens)
    path = token_file(spool.machine)
    expires = int(re.search(r"^expires (\d+)$", path.read_text(), re.M)[1])
    seen = metrics(spool)
    assert seen["onehop_token_expiry_timestamp_seconds", "work"] == expires
    assert ("onehop_login_required_timestamp_seconds", "work") not in seen
    assert status(spool)[0] == OK  # it ends, and is renewed
    path.write_text(re.sub("^refresh .*\n", "", path.read_text(), flags=re.M))
    code, text = status(spool)
    assert code == WARNING and "account work needs a login in " in text
    assert metrics(spool)["onehop_login_required_timestamp_seconds", "work"] == expires
    spool.wait(DAY)
    assert status(spool)[0] == CRITICAL


# -- counting


def test_each_end_is_counted_once(serve, spool):
    replies = iter(["450 4.2.0 later", "450 4.2.0 later", "250 ok", "550 5.1.1 nobody", "250 ok"])
    provider = serve(rcpt=lambda *_: next(replies))
    spool.use(provider)
    assert counted(metrics(spool)) == (0, 0, 0)
    spool.submits("you@example.net")
    assert counted(metrics(spool)) == (0, 1, 0)
    spool.wait(HOUR)
    spool.run("sendmail", "-q")
    assert counted(metrics(spool)) == (0, 2, 0)
    spool.wait(HOUR)
    spool.run("sendmail", "-q")
    assert counted(metrics(spool)) == (1, 2, 0)
    assert spool.run("sendmail", "you@example.net", input=message("x")).code != 0
    assert counted(metrics(spool)) == (1, 2, 1)
    spool.submits("you@example.net")
    seen = metrics(spool)
    assert counted(seen) == (2, 2, 1)
    assert seen["onehop_bytes_total", "work"] == sum(
        len(m.content) for m in provider.messages if m.accepted)
    assert seen["onehop_delivery_seconds_count", "work"] == 2
    assert seen["onehop_delivery_seconds_bucket", "work", "+Inf"] == 2
    assert seen["onehop_delivery_seconds_bucket", "work", "28800"] - \
        seen["onehop_delivery_seconds_bucket", "work", "1800"] == 1  # two hours
    assert seen["onehop_delivery_seconds_sum", "work"] >= 2 * HOUR


def test_eight_processes_count_exactly(serve, spool):
    spool.use(serve(), max_connections="3")
    each, crowd = 5, 8
    script = f"for i in $(seq {each}); do sendmail you@example.net <message; done"
    spool.machine.file("message", message("one of many").decode())
    environment = spool.machine.environment(PATH=f"{spool.machine.programs}:/usr/bin:/bin")
    running = [subprocess.Popen(["sh", "-ec", script], cwd=spool.machine.directory, env=environment)
               for _ in range(crowd)]
    assert [process.wait(PATIENCE) for process in running] == [0] * crowd
    spool.wait(HOUR)
    spool.delivers()
    spool.is_empty()
    assert counted(metrics(spool))[0] == each * crowd


def test_a_run_with_several_workers_counts_exactly(serve, spool):
    spool.use(serve(), max_connections="4")
    spool.queue_many([("you@example.net", message("report"))] * 30)
    spool.delivers()
    assert counted(metrics(spool)) == (30, 0, 0)


def test_a_worker_that_is_killed_loses_one_count_at_most(serve, spool):
    seen = []

    def content(_):
        seen.append(1)
        if len(seen) == 12:
            spool.kill_deliverer()

    provider = spool.use(serve(content=content), max_connections="1")
    provider.forgive()
    spool.queue_many([("you@example.net", message("report"))] * 20)
    assert spool.run("sendmail", "-q").code == 74
    left = len(spool.ids())
    assert 0 < left < 20
    assert counted(metrics(spool))[0] in (20 - left, 20 - left - 1)
    spool.wait(HOUR)
    spool.delivers()
    assert spool.is_empty()
    assert counted(metrics(spool))[0] in (19, 20)


def test_what_has_no_connection_slot_is_counted_too(serve, spool):
    """The rate is reached: an entry that expires meanwhile needs none."""
    spool.use(serve(), rate="1/d", more="[queue]\nlifetime = 1h\n")
    spool.submits("you@example.net")
    spool.submits("you@example.net")
    for _ in range(2):
        spool.wait(40 * MINUTE)
        spool.run("sendmail", "-q")
    assert len(spool.ids("failed")) == 1
    assert counted(metrics(spool)) == (1, 0, 1)


def test_a_damaged_part_begins_anew_and_the_others_stay(serve, spool):
    spool.use(serve())
    spool.submits("you@example.net")
    part, = (spool.path / "account").glob("*.slot*")
    good = part.read_bytes()
    for damage in (b"", b"counters", good[:40], good.replace(b"counters 1", b"counters 9"), b"\0" * 5000,
                   b"\xff" * 100, good.rstrip(b"\n")):
        part.write_bytes(damage)
        assert counted(metrics(spool)) == (0, 0, 0)
    spool.submits("you@example.net")
    assert counted(metrics(spool)) == (1, 0, 0)
    (spool.path / "account" / (part.name[:-1] + "7")).write_bytes(good)
    assert counted(metrics(spool)) == (2, 0, 0)


def test_counting_needs_no_room(serve, spool):
    """A part that cannot be written costs the count and not the mail."""
    provider = spool.use(serve())
    spool.submits("you@example.net")
    part, = (spool.path / "account").glob("*.slot*")
    part.unlink()
    part.mkdir()
    spool.submits("you@example.net")
    assert len(provider.messages) == 2


# -- the service


def served_metrics(machine, uid=0):
    code, out, err = machine.call(uid, "onehopctl", "metrics")
    assert (code, err) == (0, "")
    return parse(out)


@needs_root
def test_everybody_may_see_numbers_and_root_alone_the_reason(shared, serve):
    shared.serve(serve(users={}))
    assert shared.call(ALICE, "sendmail", "you@example.net", input=message("x"))[0] == 0
    shared.until(lambda: served_metrics(shared)["onehop_account_trouble", "work", "login"] == 1,
                 "the account does not fail")
    for uid in (ALICE, BOB, 0):
        code, out, err = shared.call(uid, "onehopctl", "status")
        assert (code, err) == (WARNING, "")
        assert "account work fails (login)" in out and "1 message waits" in out
        assert ("535" in out) == (uid == 0)
        assert served_metrics(shared, uid)["onehop_queue_messages", "waiting"] == 1


@needs_root
def test_a_service_that_does_not_answer_is_unknown(shared, serve):
    shared.serve(serve())
    shared.stop()
    code, out, err = shared.call(ALICE, "onehopctl", "status")
    assert (code, err) == (UNKNOWN, "") and out.startswith("ONEHOP UNKNOWN - no service listens on "), out
    code, out, err = shared.call(ALICE, "onehopctl", "metrics")
    assert (code, out) == (75, "") and err.startswith("onehopctl: no service listens on "), err


@needs_root
@needs_program
def test_the_service_says_when_a_token_ends_that_nobody_else_can_read(shared, serve, tokens):  # noqa: F811
    provider = serve(mechanisms="XOAUTH2", users={"me@example.com": "access1-"})
    configure(shared, provider, tokens)
    consent(shared, tokens)
    kept = shared.root / "tokens/work.token"
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.move(token_file(shared), kept)
    shared.user_file.unlink()
    for path in (kept.parent, kept):
        shared.own(path)
    shared.serve(provider, extra=section(tokens), password_file=None, oauth="test",
                 oauth_client_id="cid")
    expires = int(re.search(r"^expires (\d+)$", kept.read_text(), re.M)[1])
    seen = served_metrics(shared, ALICE)
    assert seen["onehop_token_expiry_timestamp_seconds", "work"] == expires
    kept.unlink()
    assert "account work needs a login" in shared.call(BOB, "onehopctl", "status")[1]


def test_the_service_counts(served, serve):
    served.serve(serve())
    for _ in range(3):
        assert served.call(0, "sendmail", "you@example.net", input=message("x")) == (0, "", "")
    assert counted(served_metrics(served)) == (3, 0, 0)


@needs_root
def test_a_service_that_is_not_there_is_unknown(shared, serve):
    shared.serve(serve())
    shared.stop()
    code, out, err = shared.call(ALICE, "onehopctl", "status")
    assert code == UNKNOWN and LINE.fullmatch(out) and err == ""


@needs_root
def test_a_configuration_that_broke_is_a_warning(shared, serve):
    shared.serve(serve())
    place = shared.root / "etc/onehop/onehop.ini"
    place.write_text(place.read_text() + "[account other]\nhots = example.com\n")
    code, out, err = shared.call(ALICE, "onehopctl", "status")
    assert (code, err) == (WARNING, ""), out
    assert "the configuration is not used: " in out and "hots" in out


@needs_root
def test_a_file_that_the_caller_may_not_read_is_the_services_affair(shared, serve):
    shared.serve(serve())
    place = shared.root / "etc/onehop/onehop.ini"
    shared.own(place)
    place.chmod(0o600)
    code, out, err = shared.call(ALICE, "onehopctl", "status")
    assert (code, err) == (OK, ""), out
    assert counted(served_metrics(shared, ALICE)) == (0, 0, 0)


def test_the_file_for_node_exporter(served, serve):
    textfiles = served.directory / "textfiles"
    textfiles.mkdir()
    path = textfiles / "onehop.prom"
    served.serve(serve(), service=f"metrics_file = {path}\n")
    served.until(path.exists, "the file is not written at start")
    assert path.stat().st_mode & 0o7777 == 0o644
    assert counted(parse(path.read_text())) == (0, 0, 0)
    assert [f.name for f in textfiles.iterdir()] == ["onehop.prom"]
    assert served.call(0, "sendmail", "you@example.net", input=message("x")) == (0, "", "")
    served.stop()
    (textfiles / "onehop.prom.tmp").symlink_to("/nowhere/else")  # a crash, or somebody's trap
    path.write_text("old")
    served.start()
    served.until(lambda: path.read_text() != "old", "the file is not replaced at start")
    assert counted(parse(path.read_text())) == (1, 0, 0)
    assert [f.name for f in textfiles.iterdir()] == ["onehop.prom"]


def test_a_file_that_cannot_be_written_stops_no_mail(served, serve):
    provider = serve()
    path = served.directory / "no/such/directory/onehop.prom"
    served.serve(provider, service=f"metrics_file = {path}\n")
    served.until(lambda: "metrics_file: cannot write" in served.said(), "the log says nothing")
    assert served.call(0, "sendmail", "you@example.net", input=message("x")) == (0, "", "")
    assert len(provider.messages) == 1
    assert served.said().count("metrics_file") == 1
