"""The queue before a real Postfix that is stopped, started, and told to answer 4xx and 5xx."""

import re

import pytest

import caller
from root import until

EX_OK, EX_TEMPFAIL, EX_NOUSER = 0, 75, 67

ACCESS = """\
/^later@/ 450 4.2.0 come back later
/^full@/  452 4.2.2 mailbox full
/^never@/ 550 5.1.1 nobody of that name
/^slow@/  DEFER_IF_PERMIT 4.7.1 greylisted
"""


@pytest.fixture(scope="module")
def user(callers):
    """An ordinary user whose own file has the queue on."""
    caller.add_user_with_queue(callers, "dave")
    return User(callers)


class User:
    def __init__(self, root):
        self.root = root

    def call(self, *words, **more):
        return self.root.run(*words, user="dave", check=False, **more)

    def send(self, subject, *to, options=(), code=EX_OK):
        text = f"From: reports@mail.test\nTo: {', '.join(to)}\nSubject: {subject}\n\nlines\n.\n"
        done = self.call("/usr/sbin/sendmail", "-i", *options, *to, input=text)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        return done

    def run(self, *options):
        done = self.call("/usr/sbin/sendmail", *(options or ("-q",)))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def queue(self):
        done = self.call("/usr/sbin/sendmail", "-bp")
        assert done.returncode == 0 and done.stderr == ""
        return done.stdout


@pytest.fixture
def moody(postfix):
    """A Postfix that answers by recipient."""
    root = postfix.root
    root.write("etc/postfix/moods", ACCESS)
    root.run("postconf", "-P", "127.0.0.1:587/inet/smtpd_recipient_restrictions="
             "check_recipient_access,regexp:/etc/postfix/moods,permit_sasl_authenticated,reject")
    root.run("postfix", "reload")
    yield postfix
    root.run("postconf", "-P", "127.0.0.1:587/inet/smtpd_recipient_restrictions="
             "permit_sasl_authenticated,reject")
    root.run("postfix", "reload")


def calm(postfix):
    postfix.root.write("etc/postfix/moods", "/^never@/ 550 5.1.1 nobody of that name\n")
    postfix.root.run("postfix", "reload")


def stop(postfix):
    postfix.root.run("postfix", "stop")
    until(lambda: postfix.root.run("postfix", "status", check=False).returncode != 0, lambda: "Postfix does not stop")


def start(postfix):
    postfix.root.start("postfix", "start-fg", log="/var/log/postfix.start")
    postfix.wait_listening()


def test_postfix_stopped_and_started_again(user, postfix):
    stop(postfix)
    try:
        for n in range(5):
            user.send(f"while it was away {n}.", "bob@mail.test")
        shown = user.queue()
        assert shown.count("bob@mail.test") == 5 and "5 Requests." in shown
    finally:
        start(postfix)
    user.run()
    for n in range(5):
        arrived = postfix.wait(f"while it was away {n}.")
        assert arrived.body == b"lines\n.\n"
        assert len(postfix.find(f"while it was away {n}.")) == 1
    assert user.queue() == "Mail queue is empty\n"


def test_postfix_stopped_in_the_middle_of_a_run(user, postfix):
    for n in range(40):
        user.send(f"half way {n}.", "bob@mail.test", options=("-odq",))
    run = user.root.start("setpriv", "--reuid=dave", "--regid=dave", "--init-groups", "--", "env",
                          "HOME=/home/dave", "/usr/sbin/sendmail", "-q")
    postfix.wait("half way 3.")
    stop(postfix)
    run.wait(60)
    start(postfix)
    user.run()
    for n in range(40):
        postfix.wait(f"half way {n}.")
    copies = [len(postfix.find(f"half way {n}.")) for n in range(40)]
    assert sum(copies) - 40 <= 32, copies  # what was in flight may come twice
    assert user.queue() == "Mail queue is empty\n"


def test_answers_for_each_recipient(user, moody):
    people = ("bob@mail.test", "later@mail.test", "never@mail.test", "full@mail.test",
              "slow@mail.test")
    user.send("to five", *people)
    arrived = moody.wait("to five")
    assert arrived["X-Original-To"] == "bob@mail.test"
    shown = user.queue()
    assert "come back later" in shown and "mailbox full" in shown
    assert re.search(r"^ {47}later@mail\.test$", shown, re.M)
    assert not re.search(r"^ {47}never@mail\.test$", shown, re.M)
    assert not re.search(r"^ {47}bob@mail\.test$", shown, re.M)


def test_refused_by_postfix_while_the_caller_waits(user, moody):
    before = user.queue()
    done = user.send("to nobody", "never@mail.test", code=EX_NOUSER)
    assert "nobody of that name" in done.stderr
    assert user.queue() == before


def test_mailq_looks_as_postfix_own(user, postfix):
    """One entry of ours beside one of Postfix's: the same columns."""
    stop(postfix)
    try:
        user.send("for the list", "bob@mail.test")
    finally:
        start(postfix)
    root = postfix.root
    root.run("postconf", "-e", "enable_long_queue_ids=yes", "defer_transports=local")
    root.run("postfix", "reload")
    try:
        root.run("/usr/sbin/sendmail", "-f", "reports@mail.test", "bob@mail.test",
                 input="Subject: for the list\n\nlines\n")
        until(lambda: "(" in root.run("postqueue", "-p").stdout)
        theirs = root.run("postqueue", "-p").stdout
    finally:
        root.run("postconf", "-e", "defer_transports=")
        root.run("postfix", "reload")
        root.run("postqueue", "-f")
    ours = user.queue()
    user.run()
    assert shape(ours) == shape(theirs), f"{ours}\n{theirs}"


def shape(listing):
    """The columns of a listing of at least one entry: where things stand, not what they are. One line of
    ours is sendmail's."""
    lines = [line for line in listing.splitlines() if not line.startswith("\t\tTotal requests: ")]
    entry = lines[1]
    day = re.search(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ", entry)
    recipient = next(line for line in lines if line.endswith("@mail.test") and line[0] == " ")
    reason = next(line for line in lines if line.lstrip().startswith("("))
    end = re.sub(r"\d+", "N", lines[-1]).replace("Requests", "Request")
    return (lines[0], day.start(), day.end(), len(recipient) - len(recipient.lstrip()),
            len(reason) <= 78 or reason[0] == "(", lines[-2], end)
