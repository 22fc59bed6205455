"""What a purge of the packages leaves. To be run last."""

import pytest

from installation import AS_ONEHOP


@pytest.fixture(scope="session")
def machine(installation):
    return installation.machine


def queue_a_message(machine):
    machine.run(*AS_ONEHOP, "sendmail", "-odq", "bob@mail.test", input="Subject: left behind\n\nx\n")
    return machine.run("find", "/var/spool/onehop/queue", "-type", "f").stdout.split()


def test_purge_removes_all_but_mail(installation, machine):
    (entry,) = queue_a_message(machine)
    said = machine.run("dpkg", "--purge", "--force-depends", "onehop-mta", "onehop").stderr
    assert "1 accepted but undelivered messages are left in /var/spool/onehop" in said
    assert "Subject: left behind" in installation.state(entry)[1]
    left = installation.files_named_onehop() - installation.before
    assert {name for name in left if not name.startswith("/var/spool/onehop")} == set()


def test_mail_left_by_a_purge_is_there_when_installed_again(installation, machine):
    machine.run("dpkg", "-i", *installation.packages.copy_to(machine))
    assert "bob@mail.test" in machine.run(*AS_ONEHOP, "mailq").stdout


def test_purge_without_mail_leaves_nothing(installation, machine):
    machine.run("sh", "-c", "rm /var/spool/onehop/queue/*")
    machine.run("dpkg", "--purge", "--force-depends", "onehop-mta", "onehop")
    assert installation.files_named_onehop() == installation.before
    assert machine.run("getent", "passwd", "onehop", check=False).returncode == 2
