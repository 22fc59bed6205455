"""onehop-token and a real authorization server, npm's oidc-provider 9: discovery, PKCE, rotation, device
codes, client credentials. It needs node, npm and its registry."""

import os
import re
import shutil
import subprocess

import pytest

from browser import PATIENCE, Browser, read_until
from provider import Authority
from server import npm_install

PROGRAM = os.path.join(os.environ.get("BUILDDIR", "."), "src/onehop-token")


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """(URL, authorities) of a server that runs."""
    directory = tmp_path_factory.mktemp("oidc")
    if not os.access(PROGRAM, os.X_OK):
        pytest.skip("NOT TESTED: built without libcurl and jansson")
    if why := npm_install(directory, "oidc-provider@9.13"):
        pytest.skip("NOT TESTED: oidc-provider cannot be installed: " + why)
    shutil.copy(os.path.join(os.path.dirname(__file__), "oidc.mjs"), directory)
    authority = Authority(directory)
    server = subprocess.Popen(["node", "oidc.mjs", *authority.certificate("good")], cwd=directory, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    url = server.stdout.readline().strip()
    assert url.startswith("https://"), "oidc-provider does not start"
    yield url, authority.trust
    server.terminate()
    server.wait()


class Client:
    def __init__(self, provider, directory):
        self.url, self.trust = provider
        self.directory, self.file = directory, directory / "tokens/work.token"

    def request(self, **words):
        asked = {"account": "work", "user": "me@example.com", "server": self.url, "issuer": self.url,
                 "trust-file": self.trust, "login": "work", "file": str(self.file), **words}
        return "".join(f"{key} {value}\n" for key, value in asked.items()) + "end\n"

    def person(self, mode):
        return self.request(mode=mode, grant="person", client="person", scope="openid offline_access",
                            redirect="http://127.0.0.1", parameters="prompt=consent")

    def run(self, request):
        return subprocess.run([PROGRAM], input=request, text=True, capture_output=True, timeout=PATIENCE)

    def start(self, request):
        process = subprocess.Popen([PROGRAM], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        process.stdin.write(request)
        process.stdin.close()
        return process

    def kept(self):
        return dict(line.split(" ", 1) for line in self.file.read_text().splitlines()[1:-1])

    def expire(self):
        text = re.sub(r"^obtained .*", "obtained 900", self.file.read_text(), flags=re.M)
        self.file.write_text(re.sub(r"^expires .*", "expires 1000", text, flags=re.M))


@pytest.fixture
def client(provider, tmp_path):
    return Client(provider, tmp_path)


def test_a_person_in_a_browser_and_rotation(client):
    process = client.start(client.person("login"))
    page = Browser(client.trust).consent(read_until(process, r"^https://\S+$"))
    assert "onehop has its answer" in page
    out = process.stdout.read()
    assert process.wait(PATIENCE) == 0, out
    assert "granted:   openid offline_access" in out and "renewed automatically" in out
    first = client.kept()
    assert client.run(client.person("token")).stdout == f"token {first['access']}\n"
    client.expire()
    done = client.run(client.person("token"))
    second = client.kept()
    assert done.stdout == f"token {second['access']}\n", done
    assert first["access"] != second["access"] and first["refresh"] != second["refresh"]


def test_a_person_with_another_device(client):
    process = client.start(client.person("device"))
    address = read_until(process, r"^https://\S+$")
    code = read_until(process, r"^[A-Z]{4}-[A-Z]{4}$")
    Browser(client.trust).consent(address, user_code=code)
    out = process.stdout.read()
    assert process.wait(PATIENCE) == 0, out
    assert "logged in" in out


@pytest.mark.parametrize("secret, code", [("hidden: %/+", 0), ("wrong", 77)])
def test_a_machine(client, secret, code):
    path = client.directory / "secret"
    path.write_text(secret + "\n")
    path.chmod(0o600)
    done = client.run(client.request(mode="token", grant="client_credentials", client="machine", scope="smtp",
                                     **{"secret-file": str(path)}))
    assert done.returncode == code, done
    assert ("invalid_client" in done.stdout) == (code == 77)
