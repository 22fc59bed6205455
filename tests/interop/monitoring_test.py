"""What real monitoring makes of the queue: check_mailq of the monitoring-plugins, and promtool."""

import pytest

import caller

PLUGIN = "/usr/lib/nagios/plugins/check_mailq"
WAITING = 3


@pytest.fixture(scope="module")
def erin(callers):
    """A user with three messages in the queue, and one that was sent."""
    caller.add_user_with_queue(callers, "erin")
    for mode in ["-odi"] + ["-odq"] * WAITING:
        callers.run("/usr/sbin/sendmail", mode, "alice@mail.test", user="erin",
                    input="Subject: monitored\n\nlines\n")
    return lambda *words, **more: callers.run(*words, user="erin", check=False, **more)


@pytest.mark.parametrize("limits, code, said", [
    (("-w", "5", "-c", "10"), 0, "OK: postfix mailq (3) is below threshold (5/10)|unsent=3;5;10;0"),
    (("-w", "3", "-c", "10"), 1, "WARNING: postfix mailq is 3 (threshold w = 3)|unsent=3;3;10;0"),
    (("-w", "1", "-c", "3"), 2, "CRITICAL: postfix mailq is 3 (threshold c = 3)|unsent=3;1;3;0")])
def test_check_mailq_counts_as_it_does_with_postfix(erin, limits, code, said):
    done = erin(PLUGIN, "-M", "postfix", *limits)
    assert (done.returncode, done.stdout) == (code, said + "\n")


def test_check_mailq_without_the_word_counts_as_well(erin):
    """It takes us for sendmail, and finds the line that sendmail's mailq ends with."""
    done = erin(PLUGIN, "-w", "1", "-c", "3")
    assert (done.returncode, done.stdout) == (2, "CRITICAL: sendmail mailq is 3 (threshold c = 3)|unsent=3;1;3;0\n")


def test_status_sees_what_check_mailq_does(erin):
    done = erin("onehopctl", "status", "-w", "2")
    assert done.returncode == 1 and done.stdout.startswith("ONEHOP WARNING - 3 messages wait")


def test_promtool_finds_nothing_wrong(erin):
    metrics = erin("onehopctl", "metrics").stdout
    assert 'onehop_messages_total{account="queued",result="sent"} 1\n' in metrics
    done = erin("promtool", "check", "metrics", input=metrics)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
