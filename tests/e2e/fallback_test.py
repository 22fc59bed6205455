"""An account that cannot be used has its mail carried by another one."""

import time

import pytest

from machine import REPORT
from provider import close
from spool import MINUTE, Spool, closed_port, message

OTHER = {"from": "spare@example.net", "user": "spare@example.net", "queue": None}
USERS = {"me@example.com": "s3cret", "spare@example.net": "s3cret"}


class Pair(Spool):
    """The accounts "work", which falls back, and "spare"; each at a provider, or at nobody."""

    def use_pair(self, main, spare, **keys):
        self.keeper, port = closed_port()
        away = {"port": str(port)}
        text = self.machine.account(main or spare, fallback="spare", queue=None, timeout="5",
                                    **{**(away if main is None else {}), **keys})
        self.machine.configure(text + self.machine.account(spare, "spare", **{**OTHER}))

    def fails_for(self, minutes, *words, **more):
        """A message waits since the account failed, so long ago. It was probed just now, and will
        not be for some minutes."""
        self.tries(*(words or ("you@example.org",)), **more)
        self.wait(minutes * MINUTE - 60)
        for _ in range(4):
            self.run("sendmail", "-q")
            self.wait(2)
        self.wait(60)

    def run_due(self):
        self.run("sendmail", "-q1h")


@pytest.fixture
def spool(machine):
    return Pair(machine)


@pytest.fixture
def spare(serve):
    return serve(users=USERS)


def test_after_five_minutes_out_of_reach_mail_goes_through_the_other_account(serve, spool, spare):
    spool.use_pair(None, spare)
    spool.fails_for(5, input=message("the report"))
    assert spare.messages == [] and len(spool.ids()) == 1
    assert "fallback: spare\n" in spool.ctl("show", *spool.ids()).out.decode()
    spool.run_due()
    sent = spare.message
    assert sent.sender == "spare@example.net" and sent.recipients == ["you@example.org"]
    assert "<spare@example.net>" in sent.field("From") and "me@example.com" not in sent.field("From")
    assert sent.field("Reply-To") == "me@example.com"
    assert spool.is_empty()


def test_the_first_try_goes_there_at_once(serve, spool, spare):
    spool.use_pair(None, spare)
    spool.fails_for(5)
    spool.submits("-f", "me@example.com", "you@example.org",
                  input=b"From: Jo Doe <me@example.com>\nReply-To: a@example.com\n\nhi\n")
    first = spare.messages[0]
    assert first.field("From") == "Jo Doe <spare@example.net>"
    assert first.field("Reply-To") == "a@example.com" and first.body == b"hi\r\n"


def test_not_before(serve, spool, spare):
    spool.use_pair(None, spare)
    spool.fails_for(4)
    spool.submits("-odq", "you@example.org")
    spool.run_due()
    assert spare.messages == [] and len(spool.ids()) == 2


def test_mail_returns_to_the_account_when_it_works_again(serve, spool, spare):
    main = serve()
    spool.use_pair(None, spare)
    spool.fails_for(5)
    spool.run_due()
    assert len(spare.messages) == 1
    spool.use_pair(main, spare)  # the configuration is another one: the account is probed
    spool.submits("you@example.org")
    assert main.message.sender == "me@example.com" and len(spare.messages) == 1
    assert spool.is_empty()


def test_a_refused_login_falls_back_too_and_is_not_repeated(serve, spool, spare):
    main = serve(users={})
    spool.use_pair(main, spare, fallback_after="1m")
    spool.tries("you@example.org")
    spool.wait(2 * MINUTE)
    spool.run_due()
    assert spare.message.sender == "spare@example.net"
    assert len(main.connections) == 1


def test_what_one_message_meets_after_the_login_is_no_reason(serve, spool, spare):
    main = serve(mail="550 5.7.1 not you")
    spool.use_pair(main, spare, fallback_after="1s")
    for _ in range(2):
        spool.tries("you@example.org")
    spool.wait(MINUTE)
    spool.run_due()
    assert spare.messages == [] and len(spool.ids()) == 2


def test_what_may_have_been_accepted_stays_with_its_account(serve, spool, spare):
    answers = [close]
    main = serve(content=lambda _: answers.pop() if answers else None)
    spool.use_pair(main, spare)
    spool.tries("you@example.org", input=message("in doubt"))
    doubtful, = spool.ids()
    spool.use_pair(None, spare)
    spool.wait(2 * MINUTE)
    spool.fails_for(5, input=message("no doubt"))
    spool.run_due()
    assert [m.field("Subject") for m in spare.messages] == ["no doubt"]
    assert spool.ids() == [doubtful]
    spool.use_pair(main, spare)
    spool.run("sendmail", "-q")
    assert main.messages[-1].field("Subject") == "in doubt" and spool.is_empty()


def test_a_large_header_is_carried_too(serve, spool, spare):
    spool.use_pair(None, spare)
    fields = "".join(f"X-Field: {'x' * 900}\n" for _ in range(1500))
    spool.fails_for(5, input=f"{fields}From: me@example.com\nSubject: large\n\nhi\n".encode())
    spool.run_due()
    assert spare.message.field("From").endswith("<spare@example.net>")
    assert spare.message.content.count(b"X-Field: ") == 1500 and spool.is_empty()


def test_a_bounce_follows(serve, spool):
    spare = serve(users=USERS, rcpt=lambda who: "550 5.1.1 no" if who == "gone@example.org" else None)
    spool.use_pair(None, spare)
    spool.fails_for(5, "gone@example.org")
    spool.run_due()
    spool.run_due()
    bounce = spare.messages[-1]
    assert bounce.sender == "" and bounce.recipients == ["me@example.com"]
    assert "<spare@example.net>" in bounce.field("From")
    assert spool.is_empty()


@pytest.mark.parametrize("command, reply", [
    ("mail", "552 5.3.4 too big"), ("rcpt", "550 5.7.1 no relaying"), ("rcpt", "550 no"),
    ("rcpt", "550 5.1.8 no such sender"), ("content", "554 5.7.1 spam"),
    ("mail", "550 5.7.1 not you"),  # of its own address: that is a failure of the other account
])
def test_what_the_other_account_does_not_relay_waits_for_its_own(serve, spool, command, reply):
    spare = serve(users=USERS, **{command: reply if command == "mail" else lambda _: reply})
    main = serve()
    spool.use_pair(None, spare)
    spool.fails_for(5)
    for _ in range(5):  # its own account is probed, and then it could be carried again
        spool.run_due()
        spool.wait(60 * MINUTE)
    assert len(spare.connections) == 1 or reply == "550 5.7.1 not you"
    assert spare.messages == []
    assert len(spool.ids()) == 1  # and no bounce
    spool.use_pair(main, spare)
    spool.run("sendmail", "-q")
    assert main.message.recipients == ["you@example.org"] and spool.is_empty()


def test_the_queue_shows_who_carries_what(serve, spool):
    """The account that a next attempt goes through, the one that an attempt met, and why the one is not
    asked again; what waits for another account waits no longer than itself."""
    replies = ["450 4.2.0 later", "550 5.7.1 no relaying"]
    spare = serve(users=USERS, rcpt=lambda _: replies.pop(0))
    spool.use_pair(None, spare)
    spool.fails_for(5)
    id, = spool.ids()
    assert "; due now through account spare)\n" in spool.run("mailq").shown
    assert spool.entry()["fallback"] == "spare" and spool.entry()["next_attempt"] <= time.time() + spool.later
    spool.run_due()
    shown = spool.run("mailq").shown
    assert "(account spare: the server refused the recipient" in shown and "450 4.2.0 later" in shown
    assert shown.index("; next attempt ") < shown.index(" through account spare)")
    for _ in range(4):
        spool.wait(60 * MINUTE)
        spool.run_due()
    for shown in (spool.run("mailq").shown, spool.ctl("show", id).shown):
        assert shown.count("account spare is not asked again: ") == 1 and "through" not in shown
    assert "fallback:" not in shown and "declined: account spare" in shown
    assert "fallback" not in spool.entry() and "no relaying" in spool.entry()["declined"]


def test_the_queue_does_not_promise_an_account_that_fails_as_well(serve, spool):
    spool.use_pair(None, serve(users={}))
    spool.fails_for(5)
    assert "; due now through account spare)\n" in spool.run("mailq").shown
    spool.run_due()
    shown = spool.run("mailq").shown
    assert "; next attempt " in shown and "through" not in shown, shown
    assert "fallback" not in spool.entry()


def test_one_recipient_is_gone_and_another_not_relayed(serve, spool):
    replies = {"gone@example.org": "550 5.1.1 no", "far@example.org": "550 5.7.1 no relaying"}
    spare = serve(users=USERS, rcpt=replies.get)
    main = serve()
    spool.use_pair(None, spare)
    spool.fails_for(5, "you@example.org", *replies)
    spool.run_due()
    assert spare.messages[0].recipients == ["you@example.org"]
    spool.run_due()
    bounce = spare.messages[1]
    assert bounce.sender == "" and b"gone@example.org" in bounce.content
    assert b"Final-Recipient: rfc822; far@example.org" not in bounce.content
    assert len(spool.ids()) == 1
    spool.use_pair(main, spare)
    spool.run("sendmail", "-q")
    assert main.message.recipients == ["far@example.org"] and spool.is_empty()


def test_where_the_other_account_fails_too_mail_waits(serve, spool):
    spare = serve(users=USERS, greeting="421 4.3.2 no")
    main = serve()
    spool.use_pair(None, spare)
    spool.fails_for(5)
    spool.run_due()
    assert len(spare.connections) == 1 and len(spool.ids()) == 1
    spool.use_pair(main, spare)
    spool.run_due()
    assert main.message and spool.is_empty()


@pytest.mark.parametrize("text, words", [
    ("fallback = work", "fallback names the account itself"),
    ("fallback = spear", "there is no such account in this file"),
    ("fallback = local", "keeps mail here and relays none"),
    ("fallback = spare\nrequiretls = on", "that account lacks `requiretls = on`"),
])
def test_a_fallback_that_cannot_be_one_is_an_error(serve, machine, text, words):
    provider = serve()
    machine.configure(machine.account(provider) + text + "\n" + machine.account(provider, "spare") +
                      "[account local]\nprotocol = maildir\nmaildir = ~/Mail\n")
    result = machine.run("sendmail", "you@example.org", input=REPORT)
    assert result.code == 78 and words in result.text
    assert ":1: account work" in result.text


def test_check_names_the_fallback(serve, spool, spare):
    spool.use_pair(serve(), spare)
    assert "fallback: account spare" in spool.ctl("check", "work").shown
