"""The service as a container runs it: described by variables, as process 1 with any uid, without
privileges, on a tree that it cannot write to."""

import os
import signal
import subprocess

import pytest

from machine import REPORT
from service import ALICE, children_of, needs_root, served, shared  # noqa: F401
from spool import DAY, MINUTE, Spool


def variables(machine, provider, **more):
    """What describes PROVIDER's account in the environment of the service."""
    secret = machine.file(machine.root / "secrets/smtp", "s3cret\n", 0o444)
    os.chmod(os.path.dirname(secret), 0o755)
    return {"ONEHOP_HOST": "127.0.0.1", "ONEHOP_PORT": str(provider.port),
            "ONEHOP_USER": "me@example.com", "ONEHOP_PASSWORD_FILE": "smtp", "ONEHOP_SYSLOG": "off",
            "ONEHOP_TLS_TRUST_FILE": str(machine.directory / "trust.pem"), "ONEHOP_LOGFILE": "-",
            "ONEHOP_ADMIN": "you@example.net", **more}


def test_variables_are_the_services_account(served, serve):
    provider = serve()
    served.prepare()
    served.start(environment=variables(served, provider))
    assert served.call(0, "sendmail", "root", input=REPORT) == (0, "", "")
    message = provider.message
    assert message.recipients == ["you@example.net"] and message.sender == "me@example.com"
    served.until(lambda: "exitcode=EX_OK" in (served.directory / "service.out").read_text(),
                 "no line on standard output")
    assert served.queued() == []


def test_a_file_without_an_account_goes_with_variables(served, serve):
    provider = serve()
    served.prepare()
    served.configure_system("[service]\nmessages_per_hour = 1\n", 0o644)
    served.start(environment=variables(served, provider))
    assert served.call(0, "sendmail", "-t", input=REPORT)[0] == 0
    if os.geteuid() != 0:  # who has no limit
        assert served.call(0, "sendmail", "-t", input=REPORT)[0] == 75
    assert provider.messages


def test_an_account_in_a_file_beats_variables(served, serve):
    provider, other = serve(), serve()
    served.serve(provider)
    served.stop()
    served.start(environment=variables(served, other))
    assert served.call(0, "sendmail", "-t", input=REPORT) == (0, "", "")
    assert len(provider.messages) == 1 and not other.messages


def test_a_wrong_variable_is_said(served, serve):
    provider = serve()
    served.prepare()
    served.start(environment=variables(served, provider, ONEHOP_HOSTS="x"))
    code, _, err = served.call(0, "sendmail", "-t", input=REPORT)
    assert code == 75 and "ONEHOP_HOSTS: there is no key 'hosts': did you mean 'host'?" in err


# -- its health

def health(machine, *words, run=None):
    """(healthy?, the line); RUN is of a Spool, whose clock may be ahead."""
    if run:
        result = run("onehopctl", "health", *words)
        code, out, err = result.code, result.shown, result.text
    else:
        code, out, err = machine.call(0, "onehopctl", "health", *words)
    assert code in (0, 1) and not err
    assert out.startswith("healthy: " if code == 0 else "unhealthy: ") and out.count("\n") == 1
    return code == 0, out


def test_a_service_that_answers_is_healthy(served, serve):
    served.serve(serve())
    assert health(served) == (True, "healthy: messages waiting: 0\n")
    served.stop(signal.SIGKILL)
    healthy, line = health(served)
    assert not healthy and f"{served.root}/run/submit" in line


def test_an_account_that_fails_for_long_is_unhealthy(machine, serve):
    spool = Spool(machine)
    spool.use(serve(auth="535 5.7.8 no"))
    spool.tries("you@example.net")
    assert health(machine, run=spool.run)[0]
    spool.wait(61 * MINUTE)
    spool.run("sendmail", "-q")
    healthy, line = health(machine, run=spool.run)
    assert not healthy and line == "unhealthy: account work fails (login) for 61 minutes\n"
    for patience in ("2h", "off"):
        assert health(machine, patience, run=spool.run) == (True, "healthy: messages waiting: 1\n")


def test_a_queue_that_nothing_runs_is_unhealthy(machine, serve):
    spool = Spool(machine)
    spool.use(serve())
    spool.queues("you@example.net")
    assert health(machine, run=spool.run)[0]
    spool.wait(61 * MINUTE)
    healthy, line = health(machine, run=spool.run)
    assert not healthy and "nothing has run the queue for 61 minutes" in line
    spool.delivers()
    assert health(machine, run=spool.run) == (True, "healthy: messages waiting: 0\n")
    spool.wait(DAY)  # nothing waits
    assert health(machine, run=spool.run)[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED: root may write anywhere")
def test_a_queue_that_cannot_be_written_is_unhealthy(machine, serve):
    spool = Spool(machine)
    spool.use(serve())
    spool.queues("you@example.net")
    spool.path.chmod(0o500)
    healthy, line = health(machine, run=spool.run)
    spool.path.chmod(0o700)
    assert not healthy and f"cannot write to {spool.path}" in line


def test_a_configuration_that_is_broken_is_unhealthy(machine):
    machine.configure("[account x]\nhots = y\n")
    healthy, line = health(machine, run=machine.run)
    assert not healthy and "did you mean 'host'?" in line
    healthy, line = health(machine, "soon", run=machine.run)
    assert not healthy and "the age must be a time" in line


# -- its process

# All of the machine is read-only but these two places, as volumes are; then process 1 is the service.
ENGINE = """set -e
mount --bind "$0" "$0"
for place in run spool; do mount --bind "$0/root/$place" "$0/root/$place"; done
mount -o remount,ro,bind "$0"
mount -o remount,ro,bind /
mount -t proc proc /proc
uid=$1
shift
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups --bounding-set=-all --inh-caps=-all \\
    --no-new-privs "$@"
"""
ANY_UID = 61077


class Container:
    """The service as process 1 of a namespace."""

    def __init__(self, machine, environment):
        for place in ("run", "spool"):
            os.chown(machine.root / place, ANY_UID, ANY_UID)
        self.machine = machine
        self.engine = subprocess.Popen(
            ["unshare", "-mpf", "--kill-child", "sh", "-c", ENGINE, str(machine.directory), str(ANY_UID),
             str(machine.programs / "onehop"), "-bd"], stdin=subprocess.DEVNULL, cwd="/",
            stdout=open(machine.directory / "service.out", "ab"),
            stderr=open(machine.directory / "service.err", "ab"), env=machine.environment(**environment))
        machine.until(machine.answers, "the service does not answer")
        self.process, = children_of(self.engine.pid)

    def status(self, name):
        with open(f"/proc/{self.process}/status") as status:
            return next(line.split(":")[1].split() for line in status if line.startswith(name + ":"))

    def zombies(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                state, parent = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[:2]
            except OSError:
                continue  # it has ended
            if state == "Z" and int(parent) == self.process:
                found.append(pid)
        return found

    def stop(self):
        os.kill(self.process, signal.SIGTERM)
        return self.engine.wait(60)

    def end(self):
        """Whatever became of it. Its uid is another than the engine's: --kill-child is in vain."""
        if self.engine.poll() is None:
            os.kill(self.process, signal.SIGKILL)
            self.engine.wait(60)


@pytest.fixture
def contain(served):
    containers = []

    def start(environment):
        containers.append(Container(served, environment))
        return containers[-1]

    yield start
    for container in containers:
        container.end()


@needs_root
def test_process_1_of_any_uid_with_nothing_but_two_volumes(served, serve, contain):
    provider = serve()
    served.prepare()
    container = contain(variables(served, provider))
    assert container.status("NSpid")[-1] == "1" and container.status("Uid")[0] == str(ANY_UID)
    assert int(container.status("CapEff")[0], 16) == int(container.status("CapBnd")[0], 16) == 0
    assert served.call(0, "sendmail", "-t", input=REPORT) == (0, "", "")
    assert provider.message.recipients == ["you@example.net"]
    assert container.stop() == 0 and not served.queued()


@needs_root
def test_volumes_of_roots_and_a_group(shared, serve):
    """As Kubernetes' fsGroup makes them; the spool is made below one, since others can write to it."""
    provider = serve()
    (shared.root / "spool").rmdir()
    for place in (shared.root, shared.root / "run"):
        os.chown(place, 0, shared.uid)
        place.chmod(0o2775)
    shared.start(environment=variables(shared, provider))
    assert shared.call(ALICE, "sendmail", "-t", input=REPORT) == (0, "", "")
    assert provider.message.recipients == ["you@example.net"]
    facts = (shared.root / "spool").stat()
    assert (facts.st_uid, facts.st_mode & 0o777) == (shared.uid, 0o700)


@needs_root
def test_mail_waits_in_the_volume_for_the_next_container(served, serve, contain):
    provider = serve(rcpt=["450 4.2.0 later"])
    served.prepare()
    first = contain(variables(served, provider))
    assert served.call(0, "sendmail", "-t", input=REPORT)[0] == 0
    served.until(served.queued, "it is not queued")
    assert first.stop() == 0 and len(served.queued()) == 1
    other = serve()
    contain(variables(served, other, ONEHOP_TEST_CLOCK="600"))
    served.until(lambda: other.messages, "it is not sent")
    served.until(lambda: not served.queued(), "it stays queued")


@needs_root
def test_process_1_reaps_what_a_command_leaves_behind(served, serve, contain):
    provider = serve()
    served.prepare()
    left = served.directory / "root/run/left"
    command = f"setsid sh -c 'echo > {left}' & echo s3cret"
    container = contain(variables(served, provider, ONEHOP_PASSWORD_FILE=None,
                                  ONEHOP_PASSWORD_COMMAND=command))
    assert served.call(0, "sendmail", "-t", input=REPORT) == (0, "", "")
    served.until(left.exists, "the command left nothing behind")
    served.until(lambda: not container.zombies(), "a child is not reaped")
    assert container.stop() == 0
