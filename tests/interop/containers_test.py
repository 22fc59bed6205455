"""The Dockerfile and the compose file in etc/containers, without an engine: the images are built by
their own commands on a bare Debian, and run as the files say. Needs the network, as newcomer_test."""

import contextlib
import os
import pathlib
import signal

import pytest

import world
from debian import clean_base, sources
from image import Builder, Container, Image, Volume
from provider import Authority, Provider
from root import Root, listens, memory_directory, until

yaml = pytest.importorskip("yaml", reason="NOT TESTED: no python3-yaml here")

CONTAINERS = pathlib.Path(__file__).parents[2] / "etc/containers"
COMPOSE = yaml.safe_load((CONTAINERS / "compose.yaml").read_text())
RELAY, PHP = COMPOSE["services"]["relay"], COMPOSE["services"]["php"]
PASSWORD = "s3cret"
WWW_DATA = "33:33"


class World:
    """The images, and a provider at the address of the one that the compose file names."""

    def __init__(self):
        self.base = memory_directory()
        source = sources(pathlib.Path(self.base) / "source")
        self.images = Builder(self.base, CONTAINERS / "Dockerfile", source, clean_base(self.base)).images
        php = Root(self.base, "image-php", self.images["sendmail"].root.path)
        php.install("php-cli")
        self.php = Image("php", php, self.images["sendmail"])
        world.loopback_only()
        self.authority = Authority(pathlib.Path(self.base) / "authority")
        relay = self.images["relay"].root
        relay.add_hosts("127.0.0.1 smtp.163.com")
        world.trust(relay, self.authority.trust)
        relay.write("run/secrets/smtp", "")
        secret = pathlib.Path(self.base) / "smtp"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o444)
        self.secret = (secret, "/run/secrets/smtp:ro")
        self.number = 0

    def volumes(self, owner=None):
        """New ones for the relay, as its image has them, or of another owner."""
        self.number += 1
        found = []
        for place in self.images["relay"].volumes:
            volume = Volume(self.base, f"{self.number}{place.replace('/', '-')}", self.images["relay"], place)
            if owner:
                os.chown(volume.path, owner, owner)
            found.append((volume.path, place))
        return found

    @contextlib.contextmanager
    def relay(self, volumes, user=None):
        container = Container(self.images["relay"], [*volumes, self.secret],
                              RELAY["environment"], user=user)
        try:
            until(lambda: listens(volumes[0][0] / "submit"), container.said)
            yield container
        finally:
            container.engine.kill()
            container.engine.wait()

    def app(self, volumes):
        """The application's container has the socket, read-only, and nothing else."""
        (socket_directory, place), _ = volumes
        container = Container(self.php, [(socket_directory, f"{place}:ro")], command=PHP["command"], user=WWW_DATA)
        return container.engine.wait(60), container


@pytest.fixture(scope="module")
def street():
    return World()


@pytest.fixture
def provider(street):
    with Provider(street.authority, tls="implicit", certificate="providers", port=465,
                  users={RELAY["environment"]["ONEHOP_USER"]: PASSWORD}) as provider:
        yield provider


def test_the_compose_file_fits_the_dockerfile(street):
    for service in COMPOSE["services"].values():
        if "build" in service:
            context = (CONTAINERS / service["build"]["context"]).resolve()
            assert (context / service["build"]["dockerfile"]).samefile(CONTAINERS / "Dockerfile")
            assert service["build"]["target"] in street.images
        for volume in service["volumes"]:
            assert volume.split(":")[0] in COMPOSE["volumes"]
    assert [volume.split(":")[1] for volume in RELAY["volumes"]] == street.images["relay"].volumes
    assert RELAY["secrets"] == [RELAY["environment"]["ONEHOP_PASSWORD_FILE"]] == [*COMPOSE["secrets"]]
    assert RELAY["read_only"] and RELAY["cap_drop"] == ["ALL"] and "/tmp" in RELAY["tmpfs"]
    assert PHP["user"] == "www-data" and PHP["read_only"] and PHP["volumes"][0].endswith(":ro")


def test_the_relay_has_no_compiler(street):
    relay = street.images["relay"].root
    assert relay.run("sh", "-c", "command -v cc make", check=False).returncode != 0
    assert relay.run("readlink", "-f", "/usr/sbin/sendmail").stdout.strip() == "/usr/bin/onehop"


@pytest.mark.parametrize("user", [None, "1234"])
def test_php_sends_by_the_relay(street, provider, user):
    volumes = street.volumes(owner=user and int(user))
    with street.relay(volumes, user) as relay:
        code, app = street.app(volumes)
        assert code == 0, app.said() + relay.said()
        message = provider.message
        assert message.recipients == ["you@example.com"] and message.field("Subject") == "It works"
        until(lambda: "exitcode=EX_OK" in relay.said(), relay.said)
        health = relay.execute(*relay.image.health)
        assert (health.returncode, health.stdout) == (0, "healthy: messages waiting: 0\n"), health
        os.kill(relay.process, signal.SIGTERM)
        assert relay.engine.wait(60) == 0


def test_mail_waits_in_its_volume(street):
    """No provider answers: the application is served all the same, and the next relay sends."""
    volumes = street.volumes()
    with street.relay(volumes) as relay:
        code, app = street.app(volumes)
        assert code == 0, app.said() + relay.said()
        os.kill(relay.process, signal.SIGTERM)
        assert relay.engine.wait(60) == 0
    with Provider(street.authority, tls="implicit", certificate="providers", port=465,
                  users={RELAY["environment"]["ONEHOP_USER"]: PASSWORD}) as provider, \
            street.relay(volumes) as relay:
        flushed = relay.execute("onehopctl", "flush")
        assert flushed.returncode == 0, (flushed, relay.said())
        assert [m.recipients for m in provider.messages] == [["you@example.com"]]
