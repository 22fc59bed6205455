"""Mail of users without any privilege, through the service started by hand. None of them gets to see
the password it is sent with."""

import base64

import pytest

from cron_test import first_mail
from installation import AS_NOBODY, AS_ONEHOP, AS_WWW_DATA, PASSWORD_FILE
from root import listens, until
from server import PASSWORD

CRONTAB = f"""\
* * * * * www-data echo 'cron job of www-data'; cat {PASSWORD_FILE}
"""

PEOPLE = [("www-data", AS_WWW_DATA), ("nobody", AS_NOBODY)]


@pytest.fixture(scope="session")
def machine(installation):
    installation.configure()
    return installation.machine


def test_without_a_service_the_caller_hears_what_to_start(machine):
    done = machine.run(*AS_WWW_DATA, "sendmail", "bob@mail.test", input="Subject: x\n\nx\n",
                       check=False)
    assert done.returncode == 75
    assert "onehop.socket" in done.stderr and "onehop -bd" in done.stderr


class Service:
    """`onehop -bd`, started by hand as the user onehop."""

    def __init__(self, machine):
        machine.run("install", "-d", "-o", "onehop", "-g", "onehop", "/run/onehop")
        machine.write("etc/cron.d/interop", CRONTAB)
        machine.start("cron", "-f")  # its mail comes with the next full minute: collected last
        self.log = machine.path / "tmp/service.log"
        self.process = machine.start(*AS_ONEHOP, "onehop", "-bd", log="/tmp/service.log")
        until(lambda: listens(machine.path / "run/onehop/submit"), self.log.read_text)


@pytest.fixture(scope="session")
def service(machine):
    return Service(machine)


@pytest.mark.parametrize("name, prefix", PEOPLE)
def test_mail_of_people_without_privilege_arrives(installation, service, name, prefix):
    installation.machine.run(*prefix, "sendmail", "-t", input=f"To: bob@mail.test\nSubject: by {name}\n\ntext\n")
    message = installation.postfix.wait(f"by {name}")
    assert message.address("From") == "reports@mail.test"
    assert message["X-Original-To"] == "bob@mail.test"
    assert message.body == b"text\n"
    assert "with ESMTPSA" in message.head


def test_php_mail_of_the_web_server_arrives(installation, service):
    installation.machine.run(*AS_WWW_DATA, "php", "-r", "exit(mail('root', 'by php', 'text') ? 0 : 1);")
    assert installation.postfix.wait("by php")["X-Original-To"] == "alice@mail.test"


def test_refusal_of_the_provider_is_heard(installation, service):
    done = installation.machine.run(*AS_WWW_DATA, "sendmail", "nobody-here@mail.test", check=False,
                           input="Subject: refused\n\nx\n")
    assert done.returncode == 67, done.stderr
    assert "nobody-here" in done.stderr


ATTEMPTS = (
    f"cat {PASSWORD_FILE}",
    "ls -R /etc/onehop/passwords /var/spool/onehop",
    "for p in /proc/[0-9]*; do cat $p/environ $p/cmdline; head -c 1000000 $p/mem; done",
    "onehop -P </dev/null; onehop -P -a machine </dev/null",
    "echo x | onehop -v bob@mail.test; echo x | sendmail -v bob@mail.test; echo x | onehop --debug bob@mail.test",
    f"onehop -C {PASSWORD_FILE} -P </dev/null; echo x | onehop -C {PASSWORD_FILE} bob@mail.test",
    f"echo x | onehop -v --host=mail.test --port=587 --tls --auth --user=reports"
    f" --password-file={PASSWORD_FILE} bob@mail.test",
    "echo x | CREDENTIALS_DIRECTORY=/etc/onehop/passwords onehop -v -a machine --password-file=machine bob@mail.test",
    "onehopctl check; mailq; onehopctl queue --json",
    "printf 'EHLO x\\r\\nHELP\\r\\nQUIT\\r\\n' | sendmail -bs",
)


@pytest.mark.parametrize("name, prefix", PEOPLE)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=range(len(ATTEMPTS)))
def test_nobody_gets_to_see_the_password(machine, service, name, prefix, attempt):
    done = machine.run(*prefix, "sh", "-c", "{ " + attempt + "; } 2>&1 | base64",
                       timeout=60)
    shown = base64.b64decode(done.stdout)
    assert shown
    for secret in (PASSWORD.encode(), base64.b64encode(PASSWORD.encode()),
                   base64.b64encode(f"\0reports\0{PASSWORD}".encode())):
        assert secret not in shown


def test_cron_job_arrives_and_could_not_read_the_password(installation, service):
    message = first_mail(installation.postfix, "cron job of www-data")
    assert message.address("From") == "reports@mail.test"
    assert message["X-Original-To"] == "alice@mail.test"
    assert b"Permission denied" in message.body
    assert PASSWORD.encode() not in message.body


def test_service_ends_when_asked_to(machine, service):
    service.process.terminate()
    assert service.process.wait(timeout=10) == 0, service.log.read_text()
    assert not (machine.path / "run/onehop/submit").exists()
