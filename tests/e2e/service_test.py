"""onehop -bd: mail of the whole system through one socket."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bs_test import ALPINE, ASKED, ASKING, CODES, SYMFONY, Dialogue
from machine import REPORT
from service import ALICE, BOB, SERVICE, become, children_of, needs_root, served, shared  # noqa: F401


def send(machine, uid=0, *words, input=REPORT, name="sendmail", **more):
    return machine.call(uid, name, *(words or ("-t",)), input=input, **more)


def waits_for(machine, provider, n):
    machine.until(lambda: len(provider.messages) >= n, f"{n} messages do not arrive")
    return provider.messages


# -- mail

def test_a_message_arrives_and_says_whose_it_was(served, serve):
    provider = serve()
    served.serve(provider)
    assert send(served) == (0, "", "")
    message = provider.message
    assert message.recipients == ["you@example.net"] and message.sender == "me@example.com"
    assert re.search(rf"by \S+ \(onehop, from uid {os.geteuid()}\);", message.field("Received"))
    assert "me@example.com" in message.field("From") and message.field("Message-ID")
    assert served.queued() == []


def test_options_and_header_reach_the_service(served, serve):
    provider = serve()
    served.serve(provider)
    assert send(served, 0, "-t", "-F", "Web Ümaster", "-f", "shop@example.com", "-N", "never",
                "-V", "id=1", "c@example.net",
                input=b"To: a@example.net\nBcc: b@example.net\nSubject: x\n\nhi\n") == (0, "", "")
    message = provider.message
    assert message.recipients == ["c@example.net", "a@example.net", "b@example.net"]
    assert message.sender == "shop@example.com"
    assert "ENVID=id+3D1" in message.sender_parameters
    assert message.recipient_parameters["c@example.net"][0] == "NOTIFY=NEVER"
    assert message.field("Bcc") is None and "=?utf-8?" in message.field("From").lower()


@needs_root
@pytest.mark.parametrize("keys", [{"from": "%U@example.com"},
                                  dict(auto_from="on", maildomain="example.com")])
def test_patterns_name_the_caller_and_not_the_service(shared, serve, keys):
    provider = serve()
    shared.serve(provider, rewrite_from="off", **({"from": None} | keys))
    for n, uid in enumerate((ALICE, BOB, ALICE), 1):
        assert send(shared, uid, "you@example.net", input=b"Subject: x\n\nhi\n") == (0, "", "")
        assert waits_for(shared, provider, n)[-1].sender == f"{uid}@example.com"


def test_a_message_without_header_gets_one(served, serve):
    provider = serve()
    served.serve(provider)
    assert send(served, 0, "you@example.net", input=b"disk full\non web1\n") == (0, "", "")
    assert provider.message.field("Subject") == "disk full"
    assert provider.message.body == b"disk full\r\non web1\r\n"


@pytest.mark.parametrize("size", [0, 100_000, 3_000_000])
def test_any_size(served, serve, size):
    provider = serve()
    served.serve(provider)
    body = b"0123456789abcdef0123456789abcde\n" * (size // 32)
    assert send(served, 0, "you@example.net", input=b"Subject: x\n\n" + body) == (0, "", "")
    assert provider.message.body == body.replace(b"\n", b"\r\n")


def test_a_local_name_goes_to_the_administrator(served, serve):
    provider = serve()
    served.serve(provider, admin="boss@example.org")
    assert send(served, 0, "nosuchalias", input=b"Subject: x\n\nx\n") == (0, "", "")
    assert provider.message.recipients == ["boss@example.org"]


@pytest.mark.parametrize("fault, code, told", [
    (dict(rcpt="550 5.1.1 nobody here"), 67, "550 5.1.1 nobody here"),
    (dict(content="554 5.6.0 spam"), 69, "554 5.6.0 spam"),
])
def test_the_providers_refusal_comes_back(served, serve, fault, code, told):
    served.serve(serve(**fault))
    status, out, err = send(served)
    assert (status, out) == (code, "")
    assert f"sendmail: server message: {told}" in err.splitlines()
    assert served.queued() == []  # told: neither kept nor bounced


def test_what_the_provider_cannot_take_now_waits(served, serve):
    provider = serve(rcpt="450 4.2.0 later")
    served.serve(provider)
    assert send(served) == (0, "", "")
    status, out, _ = served.call(0, "mailq")
    assert status == 0 and "refused the recipient" in out and "in 1 Request." in out


def test_a_run_of_the_service_alerts(served, serve):
    """Outside of the fence of its workers, which start no program."""
    heard = served.directory / "heard"
    served.serve(serve(rcpt="550 5.1.1 no such user"),
                 extra=f"[queue]\nalert_command = echo \"$ONEHOP_ALERT $ONEHOP_FAILED\" > {heard}\n")
    assert send(served, 0, "-odb", "-f", "<>", "-t") == (0, "", "")
    served.until(lambda: heard.exists() and heard.read_text() == "failed 1\n", "no alert")


@pytest.mark.parametrize("fault, told", [
    (dict(auth="535 5.7.8 wrong password"), "535 5.7.8 wrong password"),
    (dict(mail="550 5.7.60 not your address"), "550 5.7.60 not your address"),
    (dict(greeting="421 4.3.2 later"), None),
])
def test_what_a_person_must_mend_is_said_at_once(served, serve, fault, told):
    served.serve(serve(**fault))
    status, out, err = send(served)
    assert (status, out) == (0, "")
    assert len(served.queued()) == 1
    if told:
        (line,) = err.splitlines()
        assert line.startswith("sendmail: ") and told in line
        assert line.endswith(f" (the message is queued as {served.queued()[0].name})")
    else:
        assert err == ""


def test_background_does_not_wait_for_the_provider(served, serve):
    provider = serve(rcpt="550 5.1.1 nobody here")
    served.serve(provider, delivery_mode="background")
    assert send(served) == (0, "", "")
    assert send(served, 0, "-odi", "-t")[0] == 67


def test_queue_only_waits_for_the_next_run(served, serve):
    provider = serve()
    served.serve(provider)
    assert send(served, 0, "-odq", "-t") == (0, "", "")
    assert len(served.queued()) == 1 and provider.messages == []
    assert served.call(0, "sendmail", "-q") == (0, "", "")
    assert len(provider.messages) == 1 and served.queued() == []


def test_an_own_account_is_used_without_the_service(served, serve):
    common, own = serve(), serve()
    served.serve(common)
    served.configure(served.account(own, account_name="mine"))
    assert send(served)[0] == 0
    assert len(own.messages) == 1 and common.messages == []


@pytest.mark.parametrize("words", [SYMFONY, ALPINE], ids=["symfony", "alpine"])
def test_bs_goes_through_the_service(served, serve, words):
    provider = serve()
    served.serve(provider)
    talk = Dialogue(served)
    assert tuple(talk.say(text) for text in words) == CODES
    assert talk.say("QUIT\r\n") == 221
    assert talk.end()[0] == 0
    assert provider.message.sender == "shop@example.com"
    assert provider.message.field("Received") and provider.message.body == b"one\r\n.two\r\n"


def test_dsn_parameters_of_each_recipient_reach_the_service(served, serve):
    provider = serve()
    served.serve(provider)
    talk = Dialogue(served)
    assert [talk.say(text) for text in ASKING] == [250] * 5 + [354, 250]
    talk.end()
    assert provider.message.recipient_parameters == ASKED


def test_bs_hears_the_refusal(served, serve):
    served.serve(serve(rcpt="550 5.1.1 nobody here"))
    talk = Dialogue(served)
    assert [talk.say(text) for text in SYMFONY][-1] == 550
    assert "nobody here" in talk.last
    talk.end()


def test_no_service_says_what_to_start(served, serve):
    provider = serve()
    served.serve(provider, password_file=str(served.directory / "nosuchfile"))
    served.stop()
    status, out, err = send(served)
    assert (status, out) == (75, "") and "onehop -bd" in err
    assert served.queued() == []


# -- the dialogue on the socket

TO_THE_CONTENT = ("EHLO x", "MAIL FROM:<me@example.com>", "RCPT TO:<you@example.net>", "DATA")


def test_a_message_cut_short_leaves_nothing(served, serve):
    served.serve(serve())
    with served.connect() as line:
        assert says(line, *TO_THE_CONTENT)[-1].startswith("354 ")
        line.sendall(b"Subject: x\r\n\r\nhalf of it\r\n")
        line.shutdown(socket.SHUT_WR)
        assert line.makefile("rb").read() == b""
    served.stop()
    assert served.queued() + served.queued("tmp") == []


def says(line, *texts):
    """Says each text over the socket; returns the last line of each reply."""
    reader, replies = line.makefile("rb", 0), []
    if texts[0].startswith("EHLO"):
        assert reader.readline().startswith(b"220 ")
    for text in texts:
        line.sendall(text.encode() + b"\r\n")
        reply = b""
        while reply[3:4] != b" ":
            reply = reader.readline()
            assert reply, "the service hangs up"
        replies.append(reply.decode().rstrip())
    return replies


def test_a_port_where_one_was_asked_for(served, serve):
    provider = serve()
    port = served.reserve("127.0.0.1")
    served.serve(provider, f"listen = 127.0.0.1:{port}\n")
    with socket.create_connection(("127.0.0.1", port), 60) as line:
        reader = line.makefile("rb")
        assert reader.readline().startswith(b"220 ")
        line.sendall(b"EHLO x\r\n")
        offers = []
        while not offers or offers[-1][3:4] == b"-":
            offers.append(reader.readline())
        assert not any(b"XONEHOP" in offer for offer in offers)  # nobody knows who that is
        for text in (b"MAIL FROM: <me@example.com>\r\n", b"RCPT TO: <you@example.net>\r\n"):
            line.sendall(text)
            assert reader.readline()[:3] == b"250"
        line.sendall(b"DATA\r\n")
        assert reader.readline()[:3] == b"354"
        line.sendall(b"Subject: x\r\n\r\nx\r\n.\r\n")
        assert reader.readline()[:3] == b"250"
        line.sendall(b"XQUEUE LIST\r\n")
        assert reader.readline() == b"500 5.5.1 Command unrecognized\r\n"
    assert "local port" in provider.message.field("Received")
    with socket.create_connection(("127.0.0.1", port), 60) as line:
        line.recv(1000)
        line.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nMAIL FROM:<a@b>\r\n")
        line.shutdown(socket.SHUT_WR)
        heard = b""
        try:
            while more := line.recv(1000):
                heard += more
        except ConnectionResetError:
            pass
        assert heard == b""


# -- limits

def test_messages_per_hour(served, serve):
    served.serve(serve(), "messages_per_hour = 2\nconnections_per_user = 1000\n")
    if os.geteuid() == 0:  # root may send as much as it likes
        assert [send(served)[0] for _ in range(3)] == [0, 0, 0]
        return
    assert [send(served)[0] for _ in range(2)] == [0, 0]
    status, _, err = send(served)
    assert status == 75 and "the limit is 2 an hour" in err


@needs_root
def test_one_users_loop_stops_neither_others_nor_the_socket(shared, serve):
    provider = serve()
    shared.serve(provider, "messages_per_hour = 3\nconnections_per_user = 4\n")
    statuses = [send(shared, ALICE)[0] for _ in range(5)]
    assert statuses == [0, 0, 0, 75, 75]
    assert "an hour" in send(shared, ALICE)[2]
    assert send(shared, BOB) == (0, "", "")
    open_lines = []
    try:
        for _ in range(40):  # as the uid that runs the tests: root, like anybody, has its limit
            open_lines.append(shared.connect())
        first = [line.recv(3) for line in open_lines]
        assert first.count(b"220") == 4 and first.count(b"421") == 36
        assert send(shared, BOB) == (0, "", "")
        threading.Timer(1, lambda: [line.close() for line in open_lines]).start()
        assert send(shared, 0) == (0, "", "")  # it asks again until there is room
    finally:
        for line in open_lines:
            line.close()
    assert len(provider.messages) == 6


HOLDER = r"""
import socket, sys
path, count, busy = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "busy"
lines = []
for _ in range(count):
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(60)
    line.connect(path)
    reader = line.makefile("rb")
    lines.append((line, reader))
    greeting = reader.readline()
    for text in (b"EHLO x\r\n", b"MAIL FROM:<me@example.com>\r\n"):
        if busy and greeting[:3] == b"220":
            line.sendall(text)
            while reader.readline()[3:4] == b"-":
                pass
    print(greeting.decode()[:9].rstrip())
sys.stdout.flush()
sys.stdin.read()
for line, reader in lines:
    line.setblocking(False)
    try:
        print(line.recv(100).decode().rstrip())
    except BlockingIOError:
        pass
"""


class Holder:
    """Connections of another uid that stay open; `greetings` are the codes they got."""

    def __init__(self, machine, uid, count, text="busy"):
        self.process = subprocess.Popen(
            become(uid, sys.executable, "-c", HOLDER, str(machine.root / "run/submit"), str(count),
                   text), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
        self.greetings = [self.process.stdout.readline().rstrip() for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.heard = self.process.communicate()[0]


@needs_root
def test_a_user_who_takes_all_connections_leaves_some(shared, serve):
    """A twentieth is root's, a tenth is for users that have none."""
    shared.serve(serve(), "connections = 40\nconnections_per_user = 40\n")
    with Holder(shared, ALICE, 36) as alice, Holder(shared, BOB, 6) as bob:
        assert [g[:3] for g in alice.greetings] == ["220"] * 34 + ["421"] * 2
        assert alice.greetings[-1] == "421 4.3.2"
        assert [g[:3] for g in bob.greetings] == ["220"] + ["421"] * 5
        assert send(shared, 61004) == (0, "", "") and send(shared) == (0, "", "")
        with Holder(shared, 61005, 1), Holder(shared, 61006, 1), Holder(shared, 61007, 1):
            with Holder(shared, 61008, 1) as refused:
                assert refused.greetings == ["421 4.3.2"]
            assert send(shared) == (0, "", "")


@needs_root
def test_an_idle_dialogue_makes_room(shared, serve):
    shared.serve(serve(), "connections = 2\n")
    with Holder(shared, ALICE, 1, "idle") as idle, Holder(shared, ALICE, 1) as busy:
        assert idle.greetings + busy.greetings == ["220 " + idle.greetings[0][4:]] * 2
        assert send(shared, BOB) == (0, "", "")
    assert idle.heard.startswith("421 4.3.2 ") and busy.heard == ""


@needs_root
def test_subordinate_uids_count_as_their_owner(shared, serve):
    shared.file(shared.root / "etc/subuid", f"nobody:90000:5\n{ALICE}:100000:65536\n", 0o644)
    shared.serve(serve(), "connections_per_user = 2\n")
    with Holder(shared, 100000, 1), Holder(shared, 165535, 1), Holder(shared, 165536, 1) as other:
        assert other.greetings[0][:3] == "220"
        for uid in (ALICE, 100007):
            with Holder(shared, uid, 1) as holder:
                assert holder.greetings == ["421 4.7.0"]
    assert send(shared, 100000) == (0, "", "")


@needs_root
def test_one_users_large_mail_leaves_room_for_others(shared, serve):
    """Octets of an hour: one user's are used up, by another they can still be sent."""
    provider = serve()
    shared.serve(provider, "octets_per_hour = 100k\n")
    big = b"Subject: x\n\n" + b"0123456789abcdef\n" * 2500
    statuses = [send(shared, ALICE, "you@example.net", input=big)[0] for _ in range(4)]
    assert statuses == [0, 0, 75, 75]
    assert "the limit is 102400 octets an hour" in send(shared, ALICE, "you@example.net",
                                                         input=big)[2]
    assert send(shared, ALICE) == (0, "", "")  # a small one still fits
    for uid in (BOB, 0):
        assert send(shared, uid, "you@example.net", input=big) == (0, "", "")
    assert [send(shared, 0, "you@example.net", input=big)[0] for _ in range(3)] == [0, 0, 0]
    assert len(waits_for(shared, provider, 8)) == 8
    assert shared.queued("tmp") == []


@needs_root
def test_looking_at_the_queue_counts(shared, serve):
    shared.serve(serve(), "messages_per_hour = 3\n")
    assert [shared.call(ALICE, "mailq")[0] for _ in range(4)] == [0, 0, 0, 75]
    assert "too many" in shared.call(ALICE, "mailq")[2]
    assert shared.call(BOB, "mailq")[0] == 0


def test_a_burst_all_gets_through(served, serve):
    provider = serve()
    served.serve(provider, "connections_per_user = 3\nmessages_per_hour = 1000\n")
    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(lambda _: send(served), range(24)))
    assert results == [(0, "", "")] * 24
    assert len(waits_for(served, provider, 24)) == 24 and served.queued() == []


def test_a_full_disk_takes_nothing(served, serve):
    provider = serve()
    served.serve(provider)
    served.stop()
    served.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000)))
    text = b"Subject: x\n\n" + b"0123456789abcdef\n" * 4000
    status, out, _ = send(served, 0, "you@example.net", input=text)
    assert (status, out) == (75, "")
    assert send(served) == (0, "", "")
    assert len(provider.messages) == 1 and served.queued() + served.queued("tmp") == []


def test_a_message_above_the_limit(served, serve):
    served.serve(serve(), "size = 10k\n")
    status, _, err = send(served, 0, "you@example.net", input=b"Subject: x\n\n" + b"x\n" * 9000)
    assert status in (65, 69) and "10240" in err
    assert served.queued() == []


# -- whose mail it is

@needs_root
def test_everybody_sees_and_manages_only_own_mail(shared, serve):
    provider = serve()
    shared.serve(provider)
    assert send(shared, ALICE, "-odq", "-t") == (0, "", "")
    assert send(shared, BOB, "-odq", "you@example.org", input=b"Subject: b\n\nb\n") == (0, "", "")
    alices, bobs = [entry.name for entry in shared.queued()]
    listed = shared.call(ALICE, "mailq")
    assert listed[0] == 0 and alices in listed[1] and bobs not in listed[1]
    count = "\n(1 message of other users)\n\t\tTotal requests: 2\n-- 0 Kbytes in 2 Requests.\n"
    assert listed[1].endswith(count)  # as Postfix counts for everybody
    stranger = shared.call(65534, "mailq")
    assert stranger == (0, "(2 messages of other users)\n\t\tTotal requests: 2\n-- 0 Kbytes in 2 Requests.\n", "")
    assert bobs in shared.call(BOB, "onehopctl", "queue", "--json")[1]
    everything = shared.call(0, "mailq")[1]
    assert alices in everything and bobs in everything
    for verb in ("show", "hold", "delete", "release"):
        status, out, err = shared.call(ALICE, "onehopctl", verb, bobs)
        assert (status, out) == (66, "") and "no entry" in err
    assert "Subject: b" in shared.call(BOB, "onehopctl", "show", bobs)[1]
    assert shared.call(BOB, "onehopctl", "hold", bobs)[0] == 0
    assert shared.call(ALICE, "onehopctl", "flush") == (0, "1 message has left, 0 wait\n", "")
    assert [m.recipients for m in provider.messages] == [["you@example.net"]]
    assert shared.call(BOB, "onehopctl", "delete", bobs)[0] == 0
    assert "Mail queue is empty" in shared.call(BOB, "mailq")[1]


def asks(machine, text):
    """What the control socket answers."""
    with machine.connect("control") as line:
        line.sendall(text)
        line.shutdown(socket.SHUT_WR)
        return line.makefile("rb").read()


def test_the_control_socket_takes_one_line(served, serve):
    served.serve(serve())
    assert asks(served, b"list\n") == b"out 20\nMail queue is empty\nstatus 0\n"
    assert send(served, 0, "-odq", "-t") == (0, "", "")
    entry, = served.queued()
    shown = asks(served, b"show " + entry.name.encode() + b"\n")
    assert shown.startswith(b"out ") and shown.endswith(b"status 0\n") and b"account: work" in shown
    gone = asks(served, b"delete 000000000000000\n")
    assert gone == b"err 42\nonehop: there is no entry 000000000000000\nstatus 66\n"
    for text in (b"sing\n", b"", b"show", b"show \x01\n", b"list " + 8187 * b"x"):
        assert asks(served, text) == b"status 64\n"
    with served.connect() as line:  # mail is not the place for it
        assert says(line, "EHLO x", "XQUEUE LIST")[-1] == "500 5.5.1 Command unrecognized"


@needs_root  # who alone sees the sockets of a process that cannot be dumped
def test_a_control_session_is_confined_and_a_run_is_not(served, serve):
    """One process talks to the client and one, which gets no octet of it, runs the queue."""
    if filtered(os.getpid()) is None:
        pytest.skip("NOT TESTED: a kernel without seccomp")
    provider = serve()
    served.serve(provider, delivery_mode="queue")
    with served.connect("control") as line:
        pairs = []
        served.until(lambda: pairs.extend(confined_pairs(served.process.pid)) or pairs,
                     "no confined process")
        os.kill(pairs[0][0], signal.SIGTERM)  # as the service does when it ends
        assert line.recv(1) == b""
    assert send(served, 0, "-odq", "-t") == (0, "", "")
    assert asks(served, b"flush report=1\n") == b"out 27\n1 message has left, 0 wait\nstatus 0\n"
    assert len(provider.messages) == 1


@needs_root
def test_a_user_who_flushes_again_and_again_holds_up_nobody(shared, serve):
    """Of one user's mail there is one run at a time, over one connection."""
    blocked, begun, others = threading.Event(), [], []

    def answer(recipient):
        if not recipient.startswith("alice"):
            others.append(recipient)
            return None
        if not begun:
            return "450 4.2.1 later"
        begun.append(recipient)
        if len(begun) > 2:
            blocked.wait(60)
        return None

    provider = serve(rcpt=answer)
    shared.serve(provider, max_connections="3", timeout="90")
    for i in range(20):
        assert send(shared, ALICE, "-odq", f"alice{i}@example.net") == (0, "", "")
    assert shared.call(0, "sendmail", "-q") == (0, "", "")
    begun.append("from now on")
    flushes = [subprocess.Popen([*become(ALICE), str(shared.programs / "onehopctl"), "flush"],
                                env=shared.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(4)]
    try:
        shared.until(lambda: len(begun) > 2, "nothing is flushed")
        assert send(shared, BOB, "bob@example.net") == (0, "", "")
        shared.until(lambda: others, "somebody else's message does not get through")
        assert len(begun) == 3
    finally:
        blocked.set()
    assert [flush.wait(60) for flush in flushes] == [0] * 4
    assert sorted(r for m in provider.messages for r in m.recipients) == \
        sorted([f"alice{i}@example.net" for i in range(20)] + ["bob@example.net"])
    assert len([c for c in provider.connections if any(m.accepted for m in c.messages)]) == 2


def confined_pairs(service):
    return [(parent, child) for parent in children_of(service) for child in children_of(parent)
            if filtered(child) and filtered(parent) is False and len(sockets(parent)) < len(sockets(child))]


def filtered(pid):
    """Whether seccomp filters the calls of that process; None where it is gone or cannot be known."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:
        found = re.search(r"^Seccomp:\s+(\d)$", status.read(), re.M)
        return found and found[1] == "2"
    return None


def sockets(pid):
    with contextlib.suppress(OSError):
        names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        return [name for name in names if name.startswith("socket:")]
    return []


def test_a_listing_as_long_as_the_queue(served, serve):
    served.serve(serve(), delivery_mode="queue")
    assert send(served) == (0, "", "")
    entry, = served.queued()
    copies = [entry.parent / f"{entry.name[:-3]}{number:03}" for number in range(301)]
    for copy in [copy for copy in copies if copy != entry][:300]:  # an id may end in digits
        shutil.copy2(entry, copy)
    status, out, err = served.call(0, "mailq")
    assert (status, err) == (0, "") and "in 301 Requests." in out
    listed = asks(served, b"list\n")
    assert listed.count(b"out ") > 1 and listed.endswith(b"Requests.\nstatus 0\n")
    assert b"".join(pieces(listed)).decode() == out


def pieces(answer):
    while not answer.startswith(b"status "):
        head, _, rest = answer.partition(b"\n")
        length = int(head.split()[1])
        yield rest[:length]
        answer = rest[length:]


@needs_root
def test_accounts_that_are_for_some_users(shared, serve):
    provider = serve()
    shared.serve(provider, allow_users=f"{BOB}, nobody")
    status, _, err = send(shared, ALICE)
    assert status == 77 and "allow_users" in err
    assert send(shared, BOB) == (0, "", "")
    assert send(shared, 0) == (0, "", "")


# -- who wants the password

@needs_root
def test_the_password_stays_where_it_is(shared, serve):
    provider = serve()
    shared.serve(provider)
    pid = shared.process.pid
    shown = ""
    for words in (["-v", "-t"], ["-d", "-t"], ["-P", "-t"], ["-v", "-X", "/dev/stdout", "-t"]):
        _, out, err = send(shared, ALICE, *words)
        shown += out + err
    for words in (["-v", "-t"], ["-P", "-t"], ["--debug", "-t"],
                  ["--password-command=id", "-t"], ["--logfile=-", "-v", "-t"]):
        _, out, err = send(shared, ALICE, *words, name="onehop")
        shown += out + err
    for word in ("--host=127.0.0.1", f"-C{shared.password}", "--passwordeval=id",
                 f"--tls-trust-file={shared.password}", "-q"):
        shown += "".join(map(str, send(shared, ALICE, word, "-t")))
    for verb in (["check"], ["queue"], ["show", "8DpSckrGqbwf5x0"], ["flush"]):
        shown += "".join(map(str, shared.call(ALICE, "onehopctl", *verb)))
    for name in ("mem", "environ", "fd", "maps"):
        status, out = read_as(ALICE, f"/proc/{pid}/{name}")
        assert status != 0 and out == ""
    for path in (shared.password, shared.root / "spool", shared.root / "spool/queue"):
        assert read_as(ALICE, path)[0] != 0
    assert read_as(ALICE, shared.system_file) == (0, "[account ")  # what everybody may read
    for text in ("s3cret", "AG1lQGV4YW1wbGUuY29tAHMzY3JldA"):
        assert text not in shown and text not in shared.said()
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        assert re.search(r"^Max core file size\s+0\s+0 ", limits.read(), re.M)


def read_as(uid, path):
    done = subprocess.run(become(uid) + ["sh", "-c", 'test -d "$1" && ls "$1" || head -c 9 "$1"',
                                         "sh", str(path)], capture_output=True)
    return done.returncode, done.stdout.decode("latin-1")


@needs_root
def test_the_environment_leads_nowhere(shared, serve):
    provider = serve()
    shared.serve(provider)
    evil = shared.directory / "evil"
    (evil / "onehop").mkdir(parents=True)
    (evil / "onehop/onehop.ini").write_text(
        f"[account work]\nhost = 127.0.0.1\npassword_command = touch {shared.directory}/tmp/was-here\n"
        "user = me@example.com\n")
    environment = dict(HOME="/root", XDG_CONFIG_HOME=str(evil), XDG_STATE_HOME=str(evil),
                       GNUTLS_DEBUG_LEVEL="9", SSLKEYLOGFILE=str(shared.directory / "tmp/keys"),
                       CREDENTIALS_DIRECTORY="/nowhere", TMPDIR="/nowhere")
    status, out, err = send(shared, ALICE, environment=environment)
    assert (status, out) == (0, "") and "s3cret" not in err
    assert len(provider.messages) == 1
    assert list((shared.directory / "tmp").iterdir()) == []


@needs_root
def test_no_new_privileges_and_no_password(shared, serve):
    provider = serve()
    shared.serve(provider)
    assert send(shared, BOB, privileged=["--no-new-privs"]) == (0, "", "")
    shared.stop()
    status, _, err = send(shared, BOB, privileged=["--no-new-privs"])
    assert status == 75 and "onehop -bd" in err
    for word in ("--tls=off", "--timeout=5", "--auth=plain"):
        status, _, err = send(shared, BOB, word, "-t", name="onehop")
        assert status == 64 and "the system's" in err
    assert len(provider.messages) == 1


@needs_root
def test_a_socket_that_is_closed_to_the_caller_is_no_missing_service(shared, serve):
    log = shared.directory / "tmp/bobs.log"
    log.touch()
    log.chmod(0o666)  # the service makes it, if it is not there, and then it is the service's
    shared.serve(serve(), logfile=str(log))
    (shared.root / "run/submit").chmod(0o600)
    status, _, err = send(shared, BOB, "-f", "o'brien@example.com", "you@example.net")
    assert status == 75 and "run/submit: Permission denied" in err and "no service" not in err
    (line,) = log.read_text().splitlines()
    assert " from=o'brien@example.com recipients=you@example.net errormsg=" in line
    assert "is the system's and its password is not for" in line


@needs_root
def test_a_caller_that_can_write_nowhere_and_has_no_network(shared, serve):
    """What ProtectSystem=strict, PrivateNetwork and DynamicUser leave to a caller."""
    provider = serve()
    shared.serve(provider)
    script = ('mount -o remount,ro,bind / && ! touch "$0" 2>/dev/null && ! ip route get 192.0.2.1 '
              '2>/dev/null && exec "$@"')
    done = subprocess.run(
        ["unshare", "-n", "-m", "sh", "-c", script, str(shared.directory / "tmp/x"),
         *become(BOB, "--no-new-privs"), str(shared.programs / "sendmail"), "-t"],
        input=REPORT, capture_output=True, env=shared.environment(HOME="/nonexistent"))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert f"from uid {BOB}" in provider.message.field("Received")


def test_the_service_changes_nothing_through_a_link(served, serve):
    """The directory is the service's user's, who may have made it a link."""
    provider = serve()
    victim = served.directory / "victim"
    victim.mkdir()
    victim.chmod(0o711)
    (served.root / "run").rmdir()
    (served.root / "run").symlink_to(victim)
    served.serve(provider)
    assert victim.stat().st_mode & 0o7777 == 0o711
    assert (victim / "submit").stat().st_mode & 0o777 == 0o666
    assert send(served)[0] == 0


def test_a_hostile_umask(served, serve):
    provider = serve()
    served.serve(provider)
    served.stop()
    served.start(preexec_fn=lambda: os.umask(0))
    assert send(served, 0, "-odq", "-t", before=lambda: os.umask(0)) == (0, "", "")
    places = [served.root / "spool" / name for name in ("queue", "tmp", "journal")]
    assert all(path.stat().st_mode & 0o077 == 0 for path in places + served.queued())
    served.stop()
    served.start(preexec_fn=lambda: os.umask(0o777))
    assert (served.root / "run/submit").stat().st_mode & 0o777 == 0o666


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_descriptors(served, serve, closed):
    provider = serve()
    served.serve(provider)

    def close():
        for fd in closed:
            os.close(fd)
    status, out, _ = served.call(0, "sendmail", "you@example.net", before=close,
                                 input=b"" if 0 in closed else b"Subject: x\n\nx\n")
    assert (status, out) == (0, "")
    assert len(provider.messages) == 1 and b"EHLO" not in provider.message.content


@needs_root
def test_the_spool_is_nobodys_but_the_services(shared, serve):
    shared.serve(serve())
    shutil.rmtree(shared.root / "spool")
    os.symlink("/etc", shared.root / "spool")
    status, _, err = send(shared, ALICE)
    assert status == 75 and not os.path.exists("/etc/queue")
    shared.stop()


def as_root_with_the_user(machine, *command):
    """COMMAND on a machine that has a user onehop, in a mount namespace of its own."""
    for name, line in (("passwd", f"onehop:x:{SERVICE}:{SERVICE}::/nonexistent:/bin/false\n"),
                       ("group", f"onehop:x:{SERVICE}:\n")):
        with open(f"/etc/{name}", encoding="utf-8") as file:
            (machine.directory / name).write_text(file.read() + line)
        (machine.directory / name).chmod(0o644)
    script = ('mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && '
              'exec "$@"')
    return ["unshare", "-m", "sh", "-c", script, str(machine.directory), *command]


@needs_root
def test_root_becomes_the_services_user(shared, serve):
    provider = serve()
    shared.serve(provider)
    shared.stop()
    command = as_root_with_the_user(shared, str(shared.programs / "sendmail"), "-odq", "-t")
    done = subprocess.run(command, input=REPORT, capture_output=True, env=shared.environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (entry,) = shared.queued()
    assert entry.stat().st_uid == SERVICE and b"\nuid 0\n" in entry.read_bytes()
    command = as_root_with_the_user(shared, str(shared.programs / "sendmail"), "-q")
    done = subprocess.run(command, capture_output=True, env=shared.environment())
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(provider.messages) == 1
    shared.start(as_root_with_the_user(shared, str(shared.programs / "onehop"), "-bd"))
    with open(f"/proc/{shared.process.pid}/status", encoding="ascii") as status:
        facts = status.read()
    assert re.search(rf"^Uid:\s+{SERVICE}\s+{SERVICE}\s+{SERVICE}\s+{SERVICE}$", facts, re.M)
    assert re.search(r"^CapEff:\s+0+$", facts, re.M)
    assert send(shared, ALICE) == (0, "", "")
    assert all(path.stat().st_uid == SERVICE for path in (shared.root / "spool").rglob("*"))


# -- its life

def test_a_broken_configuration_is_survived(served, serve):
    provider = serve()
    served.serve(provider)
    good = served.system_file.read_text()
    served.system_file.write_text("[account work\n")
    served.process.send_signal(signal.SIGHUP)
    served.until(lambda: "onehop.ini:1" in served.said(), "it does not say what is wrong")
    with served.connect() as line:  # the last good one goes on
        assert says(line, *TO_THE_CONTENT, "Subject: x\r\n\r\nx\r\n.")[-1].startswith("250 ")
    assert len(provider.messages) == 1
    mended = serve()
    served.system_file.write_text(good.replace(f"= {provider.port}", f"= {mended.port}"))
    served.until(lambda: not children_of(served.process.pid), "a run that has the old file does not end")
    served.process.send_signal(signal.SIGHUP)
    assert send(served) == (0, "", "")
    assert len(mended.messages) == 1


def test_a_configuration_that_is_broken_from_the_start(served, serve):
    provider = serve()
    served.serve(provider)
    served.stop()
    good = served.system_file.read_text()
    served.system_file.write_text(good + "[nonsense]\n")
    served.start()
    with served.connect() as line:
        assert says(line, "EHLO x", "MAIL FROM:<me@example.com>")[-1].startswith(
            "451 4.3.5 System incorrectly configured: ")
        served.system_file.write_text(good)
        assert says(line, "MAIL FROM:<me@example.com>")[0].startswith("451 4.3.5 ")  # for this connection
    with served.connect() as line:
        assert says(line, "EHLO x", "MAIL FROM:<me@example.com>")[-1] == "250 2.1.0 Sender OK"
    assert send(served) == (0, "", "")


def test_a_changed_file_counts_for_the_next_message(served, serve):
    old, new = serve(), serve()
    served.serve(old)
    assert send(served) == (0, "", "") and len(old.messages) == 1
    served.until(lambda: not children_of(served.process.pid), "a run that has the old file does not end")
    with served.connect() as line:
        says(line, "EHLO x")
        text = served.system_file.read_text()
        served.system_file.write_text(text.replace(f"= {old.port}", f"= {new.port}"))
        # a dialogue that was open before, then a new one
        assert says(line, *TO_THE_CONTENT[1:],
                    "Subject: x\r\n\r\nx\r\n.")[-1].startswith("250 2.0.0 ")
    assert send(served) == (0, "", "")
    assert len(old.messages) == 1 and len(new.messages) == 2


@pytest.mark.parametrize("text", ["", "; nothing\n", "[account work\n", None])
def test_a_file_that_was_broken_stops_no_mail(served, serve, text):
    """Callers read the same file: the service decides while it lives."""
    provider = serve()
    served.serve(provider)
    if text is None:
        served.system_file.unlink()
    else:
        served.system_file.write_text(text)
    assert send(served) == (0, "", "")
    assert send(served, 0, "you@example.net", input=b"Subject: x\n\nx\n") == (0, "", "")
    talk = Dialogue(served)
    assert tuple(talk.say(line) for line in SYMFONY) == CODES
    talk.end()
    assert len(provider.messages) == 3
    assert "what was read before is used" in served.said()
    assert served.said().count("what was read before is used") == 1  # not with each message
    status, _, err = served.call(0, "onehopctl", "check")
    assert status == 78 and "uses the configuration it read before" in err
    served.stop()
    assert send(served)[0] == 78


def test_a_users_own_account_needs_no_system_file(served, serve):
    common, own = serve(), serve()
    served.serve(common)
    served.configure(served.account(own, account_name="mine"))
    served.system_file.write_text("[account work\n")
    assert send(served) == (0, "", "")
    assert len(own.messages) == 1 and not common.messages
    served.configure("[account mine\n")
    assert send(served)[0] == 78  # what the caller wrote is the caller's to mend


def test_a_session_is_confined(served, serve):
    """What it could still open is tried in unit/service_test."""
    served.serve(serve())
    assert send(served) == (0, "", "")  # makes the spool
    with served.connect() as line:
        says(line, "EHLO x")
        facts = []
        for pid in children_of(served.process.pid):
            with contextlib.suppress(OSError):  # the run of the message before may end just now
                facts.append(open(f"/proc/{pid}/status").read())
    assert any("NoNewPrivs:\t1" in text and "Seccomp:\t2" in text for text in facts)


def test_it_ends_in_order(served, serve):
    served.serve(serve())
    assert served.stop() == 0
    assert not (served.root / "run/submit").exists()
    served.start()
    assert served.stop(signal.SIGKILL) != 0
    assert (served.root / "run/submit").exists()  # a crash leaves it, which is in nobody's way
    served.start()
    second = served.call(0, "onehop", "-bd")
    assert second[0] == 69 and "already" in second[2]
    assert served.answers()


def test_a_service_manager_is_told(served, serve):
    provider = serve()
    served.serve(provider)
    served.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(60)
        manager.bind(str(served.directory / "notify"))
        served.start(environment={"NOTIFY_SOCKET": str(served.directory / "notify")})
        assert manager.recv(100) == b"READY=1"
        assert served.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_socket_activation_and_idle_end(served, serve):
    provider = serve()
    served.serve(provider, "idle = 1\n")
    served.stop()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(served.root / "run/submit"))
        listener.listen(64)
        os.chmod(served.root / "run/submit", 0o666)
        served.take_over(listener)
        assert send(served) == (0, "", "")
        assert served.ends() == 0  # nothing to do: it ends by itself
    assert (served.root / "run/submit").exists()  # the manager's, not ours to remove
    assert len(provider.messages) == 1


# -- check

def check(machine, uid=0):
    return machine.call(uid, "onehopctl", "check")


@needs_root
def test_check_of_a_user_goes_where_sending_goes(shared, serve):
    shared.serve(serve())
    status, out, err = check(shared, ALICE)
    assert (status, err) == (0, "") and "ok   service" in out and "everything works" in out
    shared.stop()
    status, out, err = check(shared, ALICE)
    assert status == 75 and "FAIL service" in out and "everything works" not in out
    shared.serve(serve(), allow_users="onehop")
    status, out, err = check(shared, ALICE)
    assert status == 77 and "everything works" not in out


def check_as_root(machine):
    command = as_root_with_the_user(machine, str(machine.programs / "onehopctl"), "check")
    done = subprocess.run(command, capture_output=True, env=machine.environment(), text=True)
    return done.returncode, done.stdout


@needs_root
def test_check_of_root_is_the_services_users(shared, serve):
    shared.serve(serve())
    status, out = check_as_root(shared)
    assert status == 0 and "ok   service" in out and "ok   login" in out
    os.chown(shared.password, 0, 0)
    status, out = check_as_root(shared)
    assert status == 75 and str(shared.password) in out and "everything works" not in out
    shared.own(shared.password)
    shared.stop()
    status, out = check_as_root(shared)
    assert status == 75 and "FAIL service" in out and "ok   login" in out
    assert "everything works" not in out


@needs_root
def test_check_shows_what_the_service_has_read(shared, serve):
    shared.serve(serve())
    status, out, err = check(shared, ALICE)
    assert (status, err) == (0, "")
    assert re.search(r"^  ok   read .*, by the service\n +" + str(shared.system_file), out, re.M), out
    shared.system_file.chmod(0o600)  # root can read it, the service cannot
    status, out = check_as_root(shared)
    assert status == 78 and "FAIL read" in out and "the service uses what it read" in out
    shared.system_file.chmod(0o644)
    status, out = check_as_root(shared)
    assert status == 0 and "ok   read" in out


UNITS = ("LoadState=loaded\nActiveState={socket}\nUnitFileState={enabled}\n\n"
         "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n")


def check_with_systemd(machine, units):
    """check, as root of a machine that systemd runs, whose systemctl prints UNITS."""
    fakes = machine.directory / "fakes"
    fakes.mkdir(exist_ok=True)
    (fakes / "systemctl").write_text(f"#!/bin/sh\ncat <<'END'\n{units}END\n")
    (fakes / "systemctl").chmod(0o755)
    script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"'
    command = as_root_with_the_user(machine, "sh", "-ec", script, "sh",
                                    str(machine.programs / "onehopctl"), "check")
    done = subprocess.run(command, capture_output=True, text=True,
                          env=machine.environment(PATH=f"{fakes}:/usr/bin:/bin"))
    return done.returncode, done.stdout


@needs_root
def test_check_shows_the_units(shared, serve):
    shared.serve(serve())
    status, out = check_with_systemd(shared, UNITS.format(socket="active", enabled="enabled"))
    assert status == 0
    assert "onehop.socket is active and enabled, onehop.service inactive and enabled" in out
    status, out = check_with_systemd(shared, UNITS.format(socket="active", enabled="disabled"))
    assert status == 0 and "systemctl enable onehop.socket" in out
    status, out = check_with_systemd(shared, "LoadState=not-found\nActiveState=inactive\n")
    assert status == 0 and "onehop.socket" not in out  # started by hand
    shared.stop()
    status, out = check_with_systemd(shared, UNITS.format(socket="failed", enabled="enabled"))
    assert status == 69 and "FAIL units" in out
    assert "systemctl enable --now onehop.socket" in out and "everything works" not in out
