"""Mail that was accepted and then refused for good: who is told, and how."""

import email
import email.policy
import email.utils

import pytest

from bs_test import Dialogue
from provider import in_turn
from spool import DAY, HOUR, MINUTE, Spool, message

GONE = {"gone@example.net": "550 5.1.1 who?"}


@pytest.fixture
def spool(machine):
    return Spool(machine)


def report_of(sent):
    """A bounce as its parts: (header, explanation, status groups, what came back)."""
    parsed = email.message_from_bytes(sent.content, policy=email.policy.default)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    parts = list(parsed.iter_parts())
    assert [p.get_content_type() for p in parts[:2]] == ["text/plain", "message/delivery-status"]
    assert len(parts) == 3
    return parsed, parts[0].get_content(), parts[1].get_payload(), parts[2]


def test_a_bounce_has_the_shape_mail_programs_know(serve, spool):
    provider = spool.use(serve(rcpt={**GONE, "full@example.net": "552 5.2.2 mailbox full"}))
    spool.submits("gone@example.net", "you@example.net", "full@example.net",
                  input=message("lunch", "private words"))
    spool.delivers("-q")
    sent, bounce = provider.messages
    assert bounce.sender == "" and bounce.recipients == ["me@example.com"]
    header, text, status, returned = report_of(bounce)
    assert header["Auto-Submitted"] == "auto-replied"
    assert header["From"].addresses[0].addr_spec == "me@example.com"
    assert header["To"].addresses[0].addr_spec == "me@example.com"
    assert header["Message-ID"] and header["Date"] and header["Subject"]
    assert "gone@example.net" in text and "550 5.1.1 who?" in text
    assert "full@example.net" in text and "you@example.net" not in text
    whole, *people = status
    assert whole["Reporting-MTA"].startswith("dns;") and whole["Arrival-Date"]
    assert [p["Final-Recipient"] for p in people] == ["rfc822; gone@example.net",
                                                      "rfc822; full@example.net"]
    assert [p["Status"] for p in people] == ["5.1.1", "5.2.2"]
    assert {p["Action"] for p in people} == {"failed"}
    assert people[0]["Diagnostic-Code"] == "smtp; 550 5.1.1 who?"
    assert people[0]["Remote-MTA"] == "dns; 127.0.0.1"
    assert returned.get_content_type() == "text/rfc822-headers"
    assert sent.field("Message-ID") in returned.get_payload()
    assert b"private words" not in bounce.content
    assert spool.is_empty()


def test_the_whole_message_comes_back_for_ret_full(serve, spool):
    provider = spool.use(serve(rcpt=GONE))
    spool.submits("-R", "full", "-V", "QQ314", "gone@example.net", "you@example.net",
                  input=message("lunch", "private words"))
    spool.delivers("-q")
    sent, bounce = provider.messages
    _, _, status, returned = report_of(bounce)
    assert status[0]["Original-Envelope-Id"] == "QQ314"
    assert returned.get_content_type() == "message/rfc822"
    assert sent.content in bounce.content


def test_a_bounce_keeps_the_rule_of_requiretls(serve, spool):
    """RFC 8689, 5: with the header alone, and REQUIRETLS where the server still takes it."""
    provider = spool.use(serve(rcpt=GONE, extra=["REQUIRETLS"]), requiretls="on")
    spool.submits("-R", "full", "gone@example.net", "you@example.net",
                  input=message("lunch", "private words"))
    spool.delivers("-q")
    sent, bounce = provider.messages
    assert "REQUIRETLS" in sent.sender_parameters
    assert bounce.sender == "" and "REQUIRETLS" in bounce.sender_parameters
    assert report_of(bounce)[3].get_content_type() == "text/rfc822-headers"
    assert b"private words" not in bounce.content


def test_mail_that_requires_tls_bounces_where_that_is_not_offered(serve, spool):
    provider = spool.use(serve(), requiretls="on")
    spool.queues("you@example.net", input=message("lunch"))
    spool.delivers("-q")
    spool.delivers("-q")
    bounce, = provider.messages
    _, text, (_, person), _ = report_of(bounce)
    assert person["Status"] == "5.7.30"
    assert "REQUIRETLS support required" in text
    assert spool.is_empty()


@pytest.mark.parametrize("refused", [True, False])
def test_nobody_is_told_who_does_not_want_to_be(serve, spool, refused):
    provider = spool.use(serve(rcpt=GONE if refused else {}))
    spool.submits("-N", "never", "gone@example.net", "you@example.net")
    spool.delivers("-q")
    assert [m.sender for m in provider.messages] == ["me@example.com"]
    assert provider.messages[0].recipient_parameters["you@example.net"] [0] == "NOTIFY=NEVER"
    assert spool.is_empty()


def test_mail_queued_and_later_refused_bounces(serve, spool):
    provider = spool.use(serve(rcpt=GONE))
    spool.submits("-odq", "gone@example.net")
    spool.delivers("-q")
    assert [m.recipients for m in provider.messages] == [["me@example.com"]]
    assert spool.is_empty()


def test_a_bounce_that_is_refused_causes_no_bounce(serve, spool):
    provider = spool.use(serve(rcpt={**GONE, "me@example.com": "550 5.1.1 gone, too"}))
    spool.submits("-odq", "gone@example.net")
    spool.delivers("-q")
    assert provider.messages == []
    assert spool.ids() == []
    kept = spool.listed("--failed")
    assert len(kept) == 1 and kept[0]["sender"] == ""
    shown = spool.ctl("show", kept[0]["queue_id"]).shown
    assert "gone@example.net" in shown and "multipart/report" in shown
    spool.delivers("-q")
    assert len(spool.ids("failed")) == 1


def test_mail_from_nobody_is_kept_when_it_is_refused(serve, spool):
    provider = spool.use(serve(rcpt=GONE), rewrite_from="off")
    spool.submits("-odq", "-f", "<>", "gone@example.net")
    spool.delivers("-q")
    assert provider.messages == [] and spool.ids() == []
    assert len(spool.ids("failed")) == 1


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_provider_that_wants_no_null_sender_gets_the_accounts_own(serve, spool, pipelining):
    provider = spool.use(serve(rcpt=GONE, mail={"": "501 5.1.7 bad sender"},
                               without=() if pipelining else ("PIPELINING", "CHUNKING")))
    for _ in range(2):
        spool.submits("-odq", "gone@example.net")
        spool.delivers("-q")
        spool.delivers("-q")
    assert [(m.sender, m.recipients) for m in provider.messages] == [
        ("me@example.com", ["me@example.com"])] * 2
    assert all(report_of(m) for m in provider.messages)
    nulls = [line for c in provider.connections for line in c.lines if "FROM:<>" in line]
    assert len(nulls) == 1, "it was to be remembered"
    assert spool.is_empty()


@pytest.mark.parametrize("more, keys, to", [
    ("", {"admin": "boss@example.com"}, "boss@example.com"),
    ("[queue]\nbounce_to = desk@example.com\n", {"admin": "boss@example.com"}, "desk@example.com"),
    ("", {}, "me@example.com"),
])
def test_a_sender_on_this_machine_has_no_mailbox(serve, spool, more, keys, to):
    provider = spool.use(serve(rcpt=GONE), more, rewrite_from="off",
                         **keys)
    spool.submits("-odq", "-f", "root@localhost", "gone@example.net")
    spool.delivers("-q")
    assert [m.recipients for m in provider.messages] == [[to]]
    assert spool.is_empty()


def test_one_broken_job_cannot_flood(serve, spool):
    provider = spool.use(serve(rcpt=GONE), admin="boss@example.com", max_connections="8")
    spool.queue_many([("gone@example.net", message("report"))] * 60)
    spool.delivers("-q")
    to = [m.recipients[0] for m in provider.messages]
    assert to.count("me@example.com") == 20
    assert to.count("boss@example.com") == 1
    assert spool.ids() == [] and len(spool.ids("failed")) == 40
    notice = next(m for m in provider.messages if m.recipients == ["boss@example.com"])
    assert notice.sender == "" and notice.field("Auto-Submitted") == "auto-generated"
    assert b"onehopctl" in notice.body
    spool.wait(HOUR)
    spool.delivers("-q")
    spool.submits("-odq", "gone@example.net")
    spool.delivers("-q")
    assert [m.recipients[0] for m in provider.messages].count("me@example.com") == 21


# -- delay

def test_a_delay_is_reported_once(serve, spool):
    provider = spool.use(serve(rcpt={"full@example.net": "450 4.2.2 mailbox full"}))
    spool.tries("full@example.net", "you@example.net", "-N", "failure,delay", input=message("lunch", "private words"))
    for _ in range(24):
        assert len(provider.messages) == 1
        spool.wait(10 * MINUTE)
        spool.delivers("-q10m")
    for _ in range(12):
        spool.wait(HOUR)
        spool.delivers("-q1h")
    _, warning = provider.messages
    assert warning.sender == "" and warning.recipients == ["me@example.com"]
    header, text, status, returned = report_of(warning)
    assert header["Subject"] == "Mail is delayed, and is tried again"
    assert "<full@example.net>:" in text and "mailbox full" in text and "you@" not in text
    assert status[1]["Action"] == "delayed" and status[1]["Status"] == "4.2.2"
    until = email.utils.parsedate_to_datetime(status[1]["Will-Retry-Until"])
    arrival = email.utils.parsedate_to_datetime(status[0]["Arrival-Date"])
    assert abs((until - arrival).total_seconds() - 5 * DAY) <= 1
    assert "lunch" in returned.get_content() and "private words" not in returned.get_content()
    provider.answers.clear()
    spool.wait(HOUR)
    spool.delivers("-q")
    assert len(provider.messages) == 3 and spool.is_empty()


def test_what_the_account_holds_is_not_reported_as_delayed(serve, spool):
    spool.use_nobody(serve())
    spool.tries("you@example.net")
    for _ in range(10):
        spool.wait(HOUR)
        spool.delivers("-q1h")
    provider = spool.use(serve())
    spool.delivers("-q")
    assert len(provider.messages) == 1 and spool.is_empty()


# -- lifetime

@pytest.mark.parametrize("warning, reports", [("off", 0), ("4h", 1)])
def test_mail_put_off_for_too_long_bounces(serve, spool, warning, reports):
    provider = spool.use(serve(rcpt={"gone@example.net": "450 4.2.2 mailbox full"}),
                         f"[queue]\nlifetime = 12h\ndelay_warning = {warning}\n")
    spool.submits("gone@example.net", "you@example.net")
    for _ in range(11):
        spool.wait(HOUR)
        spool.delivers("-q")
    assert len(provider.messages) == 1 + reports and len(spool.ids()) == 1
    spool.wait(2 * HOUR)
    spool.delivers("-q")
    assert len(provider.messages) == 2 + reports
    _, text, status, _ = report_of(provider.messages[-1])
    assert status[1]["Action"] == "failed"
    assert "gone@example.net" in text and "4.2.2 mailbox full" in text
    assert status[1]["Status"].startswith(("4.", "5."))
    assert spool.is_empty()


def test_mail_held_up_by_the_account_alone_is_kept_and_one_notice_sent(serve, spool):
    away, back = serve(greeting="554 5.3.2 no"), serve()
    spool.use(away, admin="boss@example.com")
    for _ in range(4):
        spool.submits("-odq", "you@example.net")
    spool.wait(HOUR)  # all of them get too old between the same two runs
    for _ in range(7):
        spool.delivers("-q10m")
        spool.wait(DAY)
    assert len(spool.ids("failed")) == 4
    assert [(e["sender"], e["recipients"][0]["address"]) for e in spool.listed()] == [
        ("", "boss@example.com")]
    assert len(away.connections) < 8
    spool.use(back, admin="boss@example.com")
    spool.delivers("-q")
    assert [m.recipients for m in back.messages] == [["boss@example.com"]]
    assert b"554 5.3.2 no" in back.messages[0].body
    for kept in spool.ids("failed"):
        spool.ctl("release", kept)
    spool.delivers("-q")
    assert [m.recipients for m in back.messages[1:]] == [["you@example.net"]] * 4
    assert spool.is_empty()


def test_a_bounce_is_made_once_however_often_it_is_delayed(serve, spool):
    provider = spool.use(serve(rcpt=GONE, mail={"": in_turn("450 4.2.0 later")}))
    spool.submits("gone@example.net", "you@example.net")
    for _ in range(3):
        spool.delivers("-q")
    del provider.answers["mail"]
    spool.delivers("-q")
    assert [m.sender for m in provider.messages] == ["me@example.com", ""]
    assert spool.is_empty()


def test_a_bounce_honours_the_parameters_of_each_recipient(serve, spool):
    provider = spool.use(serve(rcpt={**GONE, "quiet@example.net": "550 5.1.1 who?"}))
    talk = Dialogue(spool.machine)
    assert talk.submits("<gone@example.net> NOTIFY=FAILURE ORCPT=rfc822;old+2B1@example.net",
                        "<quiet@example.net> NOTIFY=NEVER", "<you@example.net>") == 250
    talk.end()
    spool.delivers("-q")
    bounce = provider.messages[-1]
    _, text, (_, *people), _ = report_of(bounce)
    assert [(p["Original-Recipient"], p["Final-Recipient"]) for p in people] == [
        ("rfc822;old+1@example.net", "rfc822; gone@example.net")]
    assert b"quiet@example.net" not in bounce.content
    assert spool.is_empty()
