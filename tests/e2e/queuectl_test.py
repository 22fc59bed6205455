"""Looking at the queue and putting a hand in: mailq, sendmail -bp and -q, onehopctl."""

import json
import os
import pty
import re
import shutil
import subprocess
import time as time_module

import pytest

from spool import DAY, Spool, message

HEAD = "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------"


@pytest.fixture
def spool(machine):
    return Spool(machine)


@pytest.mark.parametrize("call", [("mailq",), ("sendmail", "-bp"), ("onehop", "-bp"),
                                  ("onehopctl", "queue")])
def test_an_empty_queue_says_so(serve, spool, call):
    spool.use(serve())
    for _ in range(2):
        result = spool.run(*call)
        assert (result.code, result.shown, result.text) == (0, "Mail queue is empty\n", "")
        spool.submits("you@example.net")  # and again with a spool


def test_mailq_has_the_columns_of_postfix(serve, spool):
    spool.use(serve(rcpt="450 4.2.0 <you> later, please"))
    spool.submits("you@example.net", "them@example.net")
    held = spool.queues("a@example.net", input=message("held"))
    spool.ctl("hold", held)
    spool.queues("b@example.net", "-f", "<>")
    first, second, third = sorted(spool.listed(), key=lambda e: e["arrival_time"])
    lines = spool.run("mailq").shown.split("\n")
    time = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    assert lines[0] == HEAD
    # Postfix's "%-17s %8ld %19.19s %s" with long queue ids, the reason right-aligned to column 76.
    columns = re.escape("%-17s %8d " % (first["queue_id"], first["message_size"]))
    assert re.fullmatch(columns + time + r" me@example\.com", lines[1])
    def reason_of(entry):
        when = time_module.gmtime(entry["next_attempt"])
        day = time_module.strftime("%a %b", when) + f" {when.tm_mday:2}"
        return (entry["recipients"][0]["delay_reason"] + "; next attempt " + day
                + time_module.strftime(" %H:%M:%S", when))

    reason = reason_of(first)
    assert lines[2] == " " * max(0, 76 - len(reason)) + f"({reason})"
    if first["recipients"][1]["delay_reason"] == first["recipients"][0]["delay_reason"]:
        people = lines[3:5]
    else:
        people = [lines[3], lines[5]]
    assert people == [" " * 47 + "you@example.net", " " * 47 + "them@example.net"]
    assert any(line.startswith(held + "! ") for line in lines)
    assert any(line.startswith(third["queue_id"]) for line in lines)
    kbytes = sum(e["message_size"] for e in (first, second, third)) // 1024
    assert lines[-3:] == ["\t\tTotal requests: 3", f"-- {kbytes} Kbytes in 3 Requests.", ""]
    assert second["queue_name"] == "hold"


def test_every_entry_that_waits_has_a_reason_and_a_next_attempt(serve, spool):
    """The account fails: the first entry met it, the second waits for it, the third knows neither."""
    spool.use(serve(users={}))
    spool.tries("you@example.net")
    spool.tries("you@example.net")
    met, waits = spool.listed()
    for entry in (met, waits):
        assert "535" in entry["recipients"][0]["delay_reason"]
        assert entry["next_attempt"] > entry["arrival_time"] + 1000  # the account's pause
    assert waits["recipients"][0]["delay_reason"].startswith("account work: ")
    assert waits["attempts"] == 0
    spool.use(serve(), account_name="other")
    spool.queues("you@example.net")
    assert spool.listed()[2]["recipients"][0]["delay_reason"] == "not tried yet"
    shown = spool.run("mailq").shown
    assert shown.count("535 5.7.8") == 2 and shown.count("; next attempt ") == 2
    assert "(not tried yet; due now)" in shown
    spool.ctl("hold", spool.listed()[2]["queue_id"])
    assert "delay_reason" not in spool.listed()[2]["recipients"][0]  # a person keeps it, and knows why


def test_a_listing_reads_the_journals_once(serve, spool, machine):
    """What an entry costs that was never tried: nothing is looked for that is not there."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("no strace")
    spool.use(serve())
    counts = []
    for _ in range(2):
        for _ in range(10):
            spool.queues("you@example.net")
        subprocess.run([strace, "-o", machine.directory / "trace", machine.programs / "mailq"],
                       env=machine.environment(ASAN_OPTIONS="detect_leaks=0"),  # not while it is traced
                       stdout=subprocess.DEVNULL, check=True)
        counts.append((machine.directory / "trace").read_text().splitlines())
    assert not any("journal" in line and "ENOENT" in line for line in counts[1])
    assert len(counts[1]) - len(counts[0]) <= 10 * 7  # stat, open, stat, read, lock, close, write


def test_a_named_configuration_names_the_queue(serve, machine, spool):
    """-bp looks where -q runs and where mail was queued."""
    provider = serve()
    own = Spool(machine, machine.home / "own")
    file = machine.file("own.ini", machine.account(provider, queue=None)
                        + f"[queue]\ndirectory = {own.path}\n")
    spool.run("onehop", "-C", file, "-odq", "you@example.net", input=message("x"))
    assert len(own.ids()) == 1
    assert "you@example.net" in spool.run("onehop", "-C", file, "-bp").shown
    assert spool.run("mailq").shown == "Mail queue is empty\n"
    spool.run("onehop", "-C", file, "-q")
    assert len(provider.messages) == 1


@pytest.mark.parametrize("call", [["mailq"], ["onehopctl", "queue", "--json"], ["onehopctl", "show"],
                                  ["onehopctl", "help", "keys"], ["onehop", "--help"]])
def test_a_reader_that_has_seen_enough_is_no_failure(serve, spool, machine, call):
    """mailq | head"""
    spool.use(serve())
    id = spool.queues("you@example.net", input=message("x", "line\n" * 20000))
    read, write = os.pipe()
    os.close(read)
    program, *words = call + [id] if "show" in call else call
    result = subprocess.run([str(machine.programs / program), *words], stdout=write,
                            stderr=subprocess.PIPE, env=machine.environment())
    os.close(write)
    assert (result.returncode, result.stderr) == (0, b"")


def test_one_request_is_singular(serve, spool):
    spool.use(serve())
    spool.queues("you@example.net")
    assert spool.run("mailq").shown.endswith("\n\n\t\tTotal requests: 1\n-- 0 Kbytes in 1 Request.\n")


def test_json_is_one_object_a_line_whatever_the_mail_says(serve, spool):
    spool.use(serve(rcpt='450 4.2.0 a "quoted" \\ reply \x01\xff'.encode("latin-1") + b"\r\n"))
    spool.submits('"odd \\"one\\""@example.net')
    out = spool.run("onehopctl", "queue", "--json").out
    entry, = [json.loads(line) for line in out.splitlines()]
    assert entry["recipients"][0]["address"] == '"odd \\"one\\""@example.net'
    assert 'a "quoted" \\ reply' in entry["recipients"][0]["delay_reason"]
    assert entry["account"] == "work" and entry["sender"] == "me@example.com"
    assert entry["queue_name"] == "deferred" and entry["attempts"] == 1
    assert entry["next_attempt"] > entry["arrival_time"]
    assert all(0x20 <= octet for octet in out.replace(b"\n", b""))


def test_no_reply_can_write_to_the_terminal(serve, spool):
    spool.use(serve(rcpt=b"450 4.2.0 \x1b]0;title\x07\x1b[2J\xff\r\n"))
    spool.submits("you@example.net")
    for call in (("mailq",), ("onehopctl", "show", spool.ids()[0])):
        out = spool.run(*call).out
        assert b"\x1b" not in out and b"\x07" not in out


# -- what a run says

@pytest.mark.parametrize("count, answer, said", [
    (0, None, "nothing waits"),
    (1, None, "1 message has left, 0 wait"),
    (3, None, "3 messages have left, 0 wait"),
    (2, {"a0@example.net": "450 4.2.0 later"}, "1 message has left, 1 waits: .*450 4.2.0 later; next "
     r"attempt \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d"),
    (2, "550 5.1.1 no", "2 messages have left, 0 wait"),
])
def test_flush_says_what_happened(serve, spool, count, answer, said):
    spool.use(serve(rcpt=answer) if answer else serve())
    for i in range(count):
        spool.queues(f"a{i}@example.net")
    assert re.fullmatch(said + "\n", spool.ctl("flush").shown)


def test_flush_says_what_a_failing_account_holds_up(serve, spool):
    spool.use(serve(users={}))
    for _ in range(3):
        spool.queues("you@example.net")
    said = spool.ctl("flush").shown
    assert said.startswith("0 messages have left, 3 wait: ") and "535" in said
    assert said.count("\n") == 1


def test_flush_of_some_counts_those(serve, spool):
    spool.use(serve(rcpt="450 4.2.0 later"))
    id = spool.queues("you@example.net")
    spool.queues("them@example.net")
    assert spool.ctl("flush", id).shown.startswith("0 messages have left, 1 waits: ")
    assert spool.ctl("flush", "--account", "other").shown == "nothing waits\n"


def test_flush_says_what_was_given_up(serve, spool):
    spool.use(serve(rcpt="550 5.1.1 no"))
    spool.queues("-f", "<>", "you@example.net")
    assert spool.ctl("flush").shown == (
        "0 messages have left, 0 wait, 1 given up (onehopctl queue --failed)\n")


def test_a_run_from_cron_is_silent_and_a_verbose_one_is_not(serve, spool):
    spool.use(serve(rcpt="450 4.2.0 later"))
    spool.queues("you@example.net")
    spool.delivers("-q")
    verbose = spool.run("sendmail", "-q", "-v")
    assert "450 4.2.0 later" in verbose.text
    assert verbose.lines[-1].startswith("0 messages have left, 1 waits: ")


def test_a_run_at_a_terminal_shows_how_far_it_is(serve, spool, machine):
    """Count, rate and last refusal while it lasts, then what happened."""
    provider = spool.use(serve(without=("CHUNKING",), rcpt={"you@example.net": "450 4.2.0 later"}))
    spool.queues("you@example.net")
    for _ in range(3):
        spool.queues("them@example.net")
    master, slave = pty.openpty()
    process = subprocess.Popen([machine.programs / "sendmail", "-q"], stderr=slave,
                               stdin=subprocess.DEVNULL, env=machine.environment())
    os.close(slave)
    seen = b""
    while b" wait" not in seen:
        seen += os.read(master, 4096)
    assert process.wait(60) == 0
    os.close(master)
    shown = seen.decode().replace("\r\n", "\n")
    assert re.match(r"\r1 of 4, \d+\.\d/s, last refusal: .*450 4.2.0 later", shown)
    assert shown.split("\r\033[K")[-1].startswith("3 messages have left, 1 waits: ")
    assert len(provider.messages) == 3


def test_an_entry_that_is_being_delivered_is_marked(serve, spool, machine):
    seen = []
    provider = spool.use(serve(content=lambda _: seen.append(spool_view())))
    id = spool.queues("you@example.net")

    def spool_view():
        shown = subprocess.run([str(machine.programs / "mailq")], env=machine.environment(),
                               capture_output=True).stdout.decode()
        deleted = subprocess.run([str(machine.programs / "onehopctl"), "delete", id],
                                 env=machine.environment(), capture_output=True)
        return shown, deleted

    spool.delivers("-q")
    shown, deleted = seen[0]
    assert re.search(f"^{id}\\* ", shown, re.M)
    assert deleted.returncode == 75 and id in deleted.stderr.decode()
    assert len(provider.messages) == 1
    assert spool.is_empty()


# -- a run for some of it

@pytest.mark.parametrize("options, sent", [
    (("-qRexample.org",), ["b"]), (("-qRb@",), ["b"]), (("-qSsecond",), ["c"]),
    (("-qSnobody-of-that-name",), []), (("-q",), ["a", "b", "c"]), (("-q30m",), ["a", "b", "c"]),
    (("-q", "-v"), ["a", "b", "c"]), (("-qI",), ["b"])])
def test_a_run_for_some_of_the_queue(serve, spool, options, sent):
    provider = spool.use(serve(), domains="example.com")
    spool.queues("a@example.net", input=message("a"))
    b = spool.queues("b@example.org", input=message("b"))
    spool.queues("-f", "second@example.com", "c@example.net", input=message("c"))
    if options == ("-qI",):
        options = ("-qI" + b,)
    result = spool.run("sendmail", *options)
    assert result.code == 0 and result.out == b""
    assert [m.field("Subject") for m in provider.messages] == sent
    assert len(spool.ids()) == 3 - len(sent)


@pytest.mark.parametrize("option", ["-qR", "-qS", "-qI"])
def test_half_a_selection_is_an_error_and_not_everything(serve, spool, option):
    provider = spool.use(serve())
    spool.queues("you@example.net")
    assert spool.run("sendmail", option, "example.org").code == 64
    assert provider.connections == []


@pytest.mark.parametrize("how", ["all", "id", "account", "other"])
def test_flush_does_not_wait(serve, spool, how):
    away, provider = serve(greeting="554 5.3.2 no"), serve()
    spool.use(away)
    spool.submits("you@example.net")
    words = {"all": (), "id": (spool.ids()[0],), "account": ("--account", "work"),
             "other": ("--account", "other")}[how]
    spool.use(provider)
    spool.ctl("flush", *words)
    assert len(provider.messages) == (0 if how == "other" else 1)


# -- hold, release, delete, show

def test_held_mail_stays_until_it_is_released(serve, spool):
    provider = spool.use(serve())
    id = spool.queues("you@example.net")
    spool.ctl("hold", id)
    spool.ctl("hold", id)
    spool.delivers("-q")
    spool.submits("them@example.net")
    assert [m.recipients for m in provider.messages] == [["them@example.net"]]
    assert spool.entry()["queue_name"] == "hold"
    spool.ctl("release", id)
    spool.delivers("-q10m")
    assert len(provider.messages) == 2
    assert spool.is_empty()


def test_released_mail_is_tried_at_once(serve, spool):
    provider = spool.use(serve(rcpt="450 4.2.0 later"))
    spool.submits("you@example.net")
    provider.answers.clear()
    spool.delivers("-q10m")
    assert provider.messages == []
    spool.ctl("release", spool.ids()[0])
    spool.delivers("-q10m")
    assert len(provider.messages) == 1


def test_mail_that_was_given_up_is_sent_once_more_when_it_is_released(serve, spool):
    """Refused, with nobody to report it to: it is kept. Who got it does not get it again."""
    provider = spool.use(serve(rcpt={"you@example.net": "550 5.1.1 who?"}))
    id = spool.queues("-f", "<>", "you@example.net", "them@example.net")
    spool.delivers("-q")
    assert [m.recipients for m in provider.messages] == [["them@example.net"]]
    assert spool.ids("failed") == [id]
    for _ in range(2):  # still refused: it comes back
        spool.ctl("release", id)
        assert spool.ids() == [id] and "note" not in spool.entry()
        spool.delivers("-q10m")
        assert spool.ids("failed") == [id]
    provider.answers.clear()
    spool.ctl("release", id)
    spool.delivers("-q10m")
    assert [m.recipients for m in provider.messages][1:] == [["you@example.net"]]
    assert spool.is_empty()


def test_mail_that_was_too_old_is_tried_once_more_when_it_is_released(serve, spool):
    provider = serve()
    spool.use_nobody(provider)
    spool.submits("you@example.net")
    for _ in range(7):
        spool.wait(DAY)
        spool.run("sendmail", "-q")
    id, = spool.ids("failed")
    spool.use(provider)
    spool.ctl("release", id)
    spool.delivers("-q")
    assert ["you@example.net"] in [m.recipients for m in provider.messages]
    assert id not in spool.ids() + spool.ids("failed")


@pytest.mark.parametrize("place", ["queue", "hold", "failed"])
def test_deleted_mail_is_gone(serve, spool, place):
    provider = spool.use(serve(rcpt="550 5.1.1 who?"))
    id = spool.queues("-N", "failure", "-f", "<>", "you@example.net")
    if place == "hold":
        spool.ctl("hold", id)
    if place == "failed":
        spool.delivers("-q")
    assert spool.ids(place) == [id]
    spool.ctl("delete", id)
    spool.delivers("-q")
    assert provider.messages == []
    assert spool.is_empty()


@pytest.mark.parametrize("place", ["queue", "failed"])
def test_what_is_damaged_can_be_deleted(serve, spool, place):
    provider = spool.use(serve())
    id = spool.queues("you@example.net")
    os.truncate(spool.path / "queue" / id, 100)
    if place == "failed":
        spool.run("sendmail", "-q")
    assert spool.ids(place) == [id]
    shown = spool.run("onehopctl", "show", id)
    assert shown.code == 65 and "damaged" in shown.text
    spool.ctl("delete", id)
    assert provider.messages == []
    assert spool.is_empty()


def test_show_prints_envelope_progress_and_message(serve, spool):
    spool.use(serve(rcpt={"you@example.net": "450 4.2.0 later"}))
    spool.submits("you@example.net", "them@example.net", input=message("lunch", "at noon"))
    shown = spool.ctl("show", spool.ids()[0]).shown
    for words in ("me@example.com", "you@example.net (waiting)", "450 4.2.0 later",
                  "them@example.net (sent)", "Subject: lunch", "at noon"):
        assert words in shown, words


@pytest.mark.parametrize("verb", ["show", "hold", "release", "delete"])
@pytest.mark.parametrize("id, code", [("000000000000000", 66), ("0000000000000", 64), ("../../etc/passwd", 64), ("", 64),
                                      ("x" * 300, 64), ("*", 64)])
def test_an_id_that_does_not_exist(serve, spool, verb, id, code):
    spool.use(serve())
    spool.queues("you@example.net")
    result = spool.run("onehopctl", verb, id)
    assert result.code == code and result.out == b"" and len(result.lines) == 1
    assert len(spool.ids()) == 1


@pytest.mark.parametrize("words, said", [
    (("queue", "--all"), "queue knows --json and --failed, not '--all'"),
    (("flush", "--all"), "flush takes an id, or --account NAME"),
    (("flush", "--account"), "flush takes an id, or --account NAME"),
    (("delete",), "an id is missing; `onehopctl queue` shows them"),
    (("hold", "one", "two"), "too many arguments: hold ID"),
    (("show", "a\nb"), "argument 2 contains a control character"),
    (("bury", "it"), "there is no verb 'bury'; `onehopctl help` lists them"),
])
def test_wrong_words_are_usage_errors(serve, spool, words, said):
    spool.use(serve())
    id = spool.queues("you@example.net")
    result = spool.run("onehopctl", *words)
    assert (result.code, result.shown, result.lines) == (64, "", ["onehopctl: " + said])
    assert spool.ids() == [id]


@pytest.mark.parametrize("words, code", [((), 64), (("help",), 0), (("--help",), 0)])
def test_the_verbs_are_listed(machine, words, code):
    result = machine.run("onehopctl", *words)
    assert result.code == code and "\n  delete " in result.shown and "\n  flush " in result.shown


def test_the_queue_is_seen_while_the_configuration_is_broken(serve, machine, spool):
    spool.use(serve())
    id = spool.queues("you@example.net")
    machine.configure("[account work\nnonsense\n")
    result = spool.run("mailq")
    assert id in result.shown and result.lines
    assert spool.run("onehopctl", "delete", id).code == 0
    assert spool.ids() == []


def test_a_closed_pipe_does_no_harm(serve, spool, machine):
    spool.use(serve())
    for _ in range(3):
        spool.queues("you@example.net")
    with open("/dev/full", "wb") as full:
        result = subprocess.run([str(machine.programs / "mailq")], stdout=full,
                                stderr=subprocess.PIPE, env=machine.environment())
    assert result.returncode == 74 and result.stderr
    assert len(spool.ids()) == 3
