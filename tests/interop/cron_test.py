"""cron, started before everything else: its first mail comes with the next full minute."""

from root import until


def first_mail(server, subject):
    """A job runs every minute, so there may be more than one."""
    return until(lambda: server.find(subject),
                 lambda: f"no {subject!r} within 90 seconds\n{server.log()[-2000:]}", seconds=90)[0]


def test_cron_job_of_root(postfix):
    message = first_mail(postfix, "echo 'cron job of root'")
    assert message.address("From") == "reports@mail.test"
    assert message["Return-Path"] == "<reports@mail.test>"
    assert message["X-Original-To"] == "alice@mail.test"
    assert message.body == b"cron job of root\n"
    assert message["Date"] and message["Message-ID"]


def test_cron_job_of_a_user_uses_their_own_account(postfix):
    message = first_mail(postfix, "echo 'cron job of carol'")
    assert message.address("From") == "carol@mail.test"
    assert message["X-Original-To"] == "carol@mail.test"
    assert message.body == b"cron job of carol\n"
