"""Logins with OAuth 2.0 tokens that onehop gets itself."""

import os
import socket
import stat
import subprocess
import threading
import urllib.error

import pytest

from machine import PATIENCE, REPORT, until
from oauth import (Person, configure, consent, needs_program, section, token_file,  # noqa: F401
                   tokens, visit)
from provider import Answer
from spool import MINUTE, Spool, notice_of_a_failing_login

pytestmark = needs_program


@pytest.fixture
def mail(serve):
    """A provider that takes the first token."""
    return serve(mechanisms="XOAUTH2", users={"me@example.com": "access1-"})


@pytest.fixture
def ready(machine, mail, tokens):  # noqa: F811
    """An account whose person has consented; the access token is access1-."""
    configure(machine, mail, tokens)
    consent(machine, tokens)
    return machine


def expire(machine):
    """The access token that is kept has ended."""
    path = token_file(machine)
    lines = [("expires 1000" if line.startswith("expires ") else
              "obtained 900" if line.startswith("obtained ") else line)
             for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")


def refresh_forms(server):
    return [form for form in server.forms("token") if form["grant_type"] == "refresh_token"]


# -- a person

def test_a_person_consents_in_a_browser(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    out = consent(machine, tokens)
    assert "logged in: me@example.com at test" in out
    assert "granted:   smtp" in out and "renewed automatically" in out
    machine.delivers("you@example.net")
    assert mail.connection.password == "access1-"
    assert len(tokens.forms("token")) == 1


def test_the_file_of_tokens_is_closed_to_others_whatever_the_umask(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    before = os.umask(0)
    try:
        consent(machine, tokens)
    finally:
        os.umask(before)
    path = token_file(machine)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [name for name in os.listdir(path.parent) if "new" in name] == []


def test_an_answer_with_another_state_is_not_taken(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    person = Person(machine, "work")
    uri, state, code = tokens.authorize(person.address())
    assert visit(uri, code="stolen", state="another") == 400
    assert visit(uri, code="stolen") == 400
    assert visit(uri + "/favicon.ico") == 404
    assert visit(uri, code=code, state=state) == 200
    status, out, err = person.end()
    assert (status, err) == (0, ""), out
    assert out.count("belongs to another login") == 2
    assert [form["code"] for form in tokens.forms("token")] == [code]


def test_an_address_is_pasted(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    person = Person(machine, "work")
    uri, state, code = tokens.authorize(person.address())
    person.paste(f"{uri}/?code=stolen&state=another")
    person.read_until("belongs to another login")
    person.paste(f"  {uri}/?state={state}&code={code}")
    assert person.end()[0] == 0


@pytest.mark.parametrize("text", ["\n{0}\n", "{1}\n{0}\n", "{1}\n\n{0}"],
                         ids=["after a blank line", "after another", "without a line end"])
def test_lines_are_pasted_at_once(machine, mail, tokens, text):  # noqa: F811
    configure(machine, mail, tokens)
    person = Person(machine, "work")
    uri, state, code = tokens.authorize(person.address())
    person.process.stdin.write(text.format(f"{uri}/?state={state}&code={code}",
                                           f"{uri}/?code=stolen&state=another"))
    status, out, err = person.end()
    assert (status, err) == (0, ""), out


def test_connections_without_a_request_delay_nobody(machine, mail, tokens):  # noqa: F811
    """Browsers open some ahead of what they ask."""
    configure(machine, mail, tokens)
    person = Person(machine, "work")
    uri, state, code = tokens.authorize(person.address())
    host, port = uri.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(20)]
    assert visit(uri, code=code, state=state) == 200
    assert person.end()[0] == 0
    for connection in idle:
        connection.close()


def test_a_code_is_pasted_where_the_server_shows_it(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens, {"redirect": tokens.url + "/shown"})
    person = Person(machine, "work")
    uri, _, code = tokens.authorize(person.address())
    assert uri == tokens.url + "/shown"
    tokens.codes["Y29kZQ=="] = tokens.codes.pop(code)
    person.paste(f"{uri}?code=stolen&state=another")
    person.read_until("belongs to another login")
    person.paste("Y29kZQ==")
    assert person.end()[0] == 0


def test_a_person_refuses(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    person = Person(machine, "work")
    uri, state, _ = tokens.authorize(person.address())
    assert visit(uri, error="access_denied", error_description="no", state=state) == 400
    status, _, err = person.end()
    assert status == 77 and "access_denied" in err
    assert not token_file(machine).exists()


def test_nobody_can_answer(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens, {"redirect": tokens.url + "/shown"})
    person = Person(machine, "work", stdin=subprocess.DEVNULL)
    status, _, err = person.end()
    assert status == 77 and "no answer came: run `onehopctl login work`" in err


def test_a_login_that_is_killed_waits_for_nothing(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    person = Person(machine, "work")
    uri, state, code = tokens.authorize(person.address())
    person.process.kill()
    person.end()  # nothing has its output open any more
    with pytest.raises(urllib.error.URLError):
        visit(uri, code=code, state=state)
    assert tokens.forms("token") == [] and not token_file(machine).exists()


@pytest.mark.parametrize("grant", [None, "device_code"], ids=["rfc8628", "yandex"])
def test_a_login_on_another_device(machine, mail, tokens, grant):  # noqa: F811
    tokens.device_grant = grant or tokens.device_grant
    configure(machine, mail, tokens, {"device_grant": grant})
    person = Person(machine, "work", "--device")
    status, out, err = person.end()
    assert status == 0, err
    assert "ABCD-EFGH" in out and tokens.url + "/activate" in out
    machine.delivers("you@example.net")
    grants = [form["grant_type"].rpartition(":")[2] for form in tokens.forms("token")]
    assert grants == ["device_code"] * 2  # pending, then granted


def test_a_server_without_device_logins(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens, {"device": None})
    status, _, err = Person(machine, "work", "--device").end()
    assert status == 78
    assert "test has no login on another device for mail: run `onehopctl login work`" in err


def test_a_device_login_that_is_refused(machine, mail, tokens):  # noqa: F811
    tokens.script("device", Answer(400, {"error": "invalid_scope"}))
    configure(machine, mail, tokens)
    status, _, err = Person(machine, "work", "--device").end()
    assert status == 77 and "invalid_scope" in err


def test_nobody_enters_the_code_on_another_device(machine, mail, tokens):  # noqa: F811
    tokens.script("device", Answer(200, {"device_code": "d", "user_code": "ABCD", "interval": 0,
                                         "verification_uri": tokens.url, "expires_in": 1}))
    tokens.devices["d"] = ["authorization_pending"] * 9
    configure(machine, mail, tokens)
    status, _, err = Person(machine, "work", "--device").end()
    assert status == 77
    assert err.endswith("work: nobody has entered the code in time: run `onehopctl login work`\n")


def test_the_server_describes_itself(machine, mail, tokens):  # noqa: F811
    rows = {"authorize": None, "token": None, "device": None, "issuer": tokens.url}
    configure(machine, mail, tokens, rows)
    consent(machine, tokens)
    machine.delivers("you@example.net")
    assert len(tokens.forms(".well-known/oauth-authorization-server")) == 1


@pytest.mark.parametrize("answer", [
    Answer(404, "", kind="text/plain"), Answer(302, "", {"Location": "/login"}),
    Answer(200, "<html>log in</html>", kind="text/html"), Answer(200, {}),
    Answer(200, {"error": "no such page"})], ids=["404", "302", "page", "empty", "error"])
def test_the_server_describes_itself_the_way_of_openid(machine, mail, tokens, answer):  # noqa: F811
    """What it answers at the address of RFC 8414 is of no use."""
    tokens.script(".well-known/oauth-authorization-server", answer)
    tokens.script(".well-known/openid-configuration", Answer(200, tokens.description()))
    tokens.clients["cid"] = "hidden"
    configure(machine, mail, tokens, {"token": None, "issuer": tokens.url},
              oauth_grant="client_credentials",
              oauth_client_secret_file=machine.file("secret", "hidden\n"))
    machine.delivers("you@example.net")


def test_a_server_that_describes_itself_nowhere(machine, mail, tokens):  # noqa: F811
    for name in ("oauth-authorization-server", "openid-configuration"):
        tokens.script(".well-known/" + name, Answer(200, {"a": "b"}))
    configure(machine, mail, tokens, {"authorize": None, "token": None, "issuer": tokens.url})
    status, _, err = Person(machine, "work", stdin=subprocess.DEVNULL).end()
    assert status == 75 and "answer 200 with JSON that lacks what was asked for" in err


def test_another_issuer_than_the_one_that_was_asked(machine, mail, tokens):  # noqa: F811
    wrong = dict(tokens.description(), issuer="https://evil.example")
    tokens.script(".well-known/oauth-authorization-server", Answer(200, wrong))
    rows = {"authorize": None, "token": None, "issuer": tokens.url}
    configure(machine, mail, tokens, rows)
    status, _, err = Person(machine, "work", stdin=subprocess.DEVNULL).end()
    assert status == 78 and "https://evil.example" in err
    assert tokens.forms("token") == []


def test_an_answer_of_another_issuer(machine, mail, tokens):  # noqa: F811
    """RFC 9207."""
    rows = {"authorize": None, "token": None, "issuer": tokens.url}
    configure(machine, mail, tokens, rows)
    person = Person(machine, "work")
    uri, state, code = tokens.authorize(person.address())
    assert visit(uri, code="other", state=state, iss="https://evil.example") == 400
    assert visit(uri, code=code, state=state, iss=tokens.url) == 200
    assert person.end()[0] == 0


def test_nobody_has_logged_in(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    result = machine.sendmail("you@example.net")
    assert result.code == 77
    assert "account work: nobody has logged in yet: run `onehopctl login work`" in result.text
    assert mail.connections == []


def test_settings_that_the_login_was_not_made_for(ready, mail, tokens):  # noqa: F811
    configure(ready, mail, tokens, oauth_client_id="another")
    result = ready.sendmail("you@example.net")
    assert result.code == 77
    assert "made for other settings: run `onehopctl login work`" in result.text


def test_a_password_account_has_no_login(machine, serve):
    machine.use(serve())
    result = machine.run("onehopctl", "login", "work")
    assert result.code == 78 and "does not log in with tokens" in result.text


# -- tokens that live, end, are refused

def test_a_token_that_lives_starts_nothing(ready, mail, tokens):  # noqa: F811
    os.chmod(token_file(ready).parent, 0o500)  # it could not be renewed
    try:
        for _ in range(3):
            ready.delivers("you@example.net")
    finally:
        os.chmod(token_file(ready).parent, 0o700)
    assert len(tokens.forms("token")) == 1


def test_a_token_is_renewed_before_it_ends(ready, mail, tokens):  # noqa: F811
    mail.users["me@example.com"] = "access2-"
    expire(ready)
    ready.delivers("you@example.net")
    assert mail.connection.password == "access2-"
    assert [form["refresh_token"] for form in refresh_forms(tokens)] == ["refresh1"]
    assert "refresh refresh2\n" in token_file(ready).read_text()


def test_a_server_that_keeps_the_refresh_token(ready, mail, tokens):  # noqa: F811
    tokens.rotate = False
    mail.users["me@example.com"] = "access2-"
    expire(ready)
    ready.delivers("you@example.net")
    assert "refresh refresh1\n" in token_file(ready).read_text()


def test_a_token_that_the_mail_server_refuses_is_renewed_once(ready, mail, tokens):  # noqa: F811
    mail.users["me@example.com"] = "access2-"
    ready.delivers("you@example.net")
    assert [c.password for c in mail.connections] == ["access1-", "access2-"]
    mail.users["me@example.com"] = "none"
    assert ready.sendmail("you@example.net").code == 77
    assert [c.password for c in mail.connections[2:]] == ["access2-", "access3-"]


def test_a_refused_token_that_cannot_be_renewed_for_now(ready, mail, tokens):  # noqa: F811
    """Nobody need log in again: another token is tried when the authorization server gives one."""
    busy = Answer(503, "", {"Retry-After": "700"})
    mail.users["me@example.com"] = "access2-"
    tokens.script("token", busy)
    result = ready.sendmail("you@example.net")
    assert result.code == 75, result.text
    assert "refused the login" in result.text and "535" in result.text and "503" in result.text
    tokens.script("token", busy)
    configure(ready, mail, tokens, queue=None)
    spool = Spool(ready)
    spool.tries("you@example.net")
    spool.wait(11 * MINUTE)
    spool.delivers("-q5m")
    assert mail.messages == []
    spool.wait(2 * MINUTE)  # a wrong login would keep it for half an hour
    spool.delivers("-q5m")
    assert len(mail.messages) == 1


def test_a_token_that_has_ended_when_it_comes(ready, mail, tokens):  # noqa: F811
    tokens.expires_in = 0
    expire(ready)
    for number in (2, 3):
        mail.users["me@example.com"] = f"access{number}-"
        ready.delivers("you@example.net")
    assert len(refresh_forms(tokens)) == 2


def test_a_clock_that_was_set_back(ready, mail, tokens):  # noqa: F811
    path = token_file(ready)
    text = path.read_text().replace("obtained ", "obtained 9").replace("expires ", "expires 9")
    path.write_text(text)
    mail.users["me@example.com"] = "access2-"
    ready.delivers("you@example.net")


@pytest.mark.parametrize("size", [200, 700, 2500, 6000])
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_tokens_of_every_length(machine, serve, tokens, mechanism, size):  # noqa: F811
    tokens.size = size
    provider = serve(mechanisms=mechanism, users={"me@example.com": "access1-".ljust(size, "t")})
    configure(machine, provider, tokens)
    consent(machine, tokens)
    machine.delivers("you@example.net")
    assert len(provider.connection.password) == size


def test_a_server_that_takes_no_tokens(machine, serve, tokens):  # noqa: F811
    provider = serve()
    configure(machine, provider, tokens)
    consent(machine, tokens)
    result = machine.sendmail("you@example.net")
    assert "does not offer a login with XOAUTH2, OAUTHBEARER" in result.text
    assert provider.connection.verbs.count("AUTH") == 0


# -- what goes wrong

LATER = [
    (Answer(503, "", {"Retry-After": "700"}), "503"),
    (Answer(500, "<html>oops</html>", kind="text/html"), "500"),
    (Answer(429, {"error": "too_many_requests"}), "429"),
    (Answer(400, {"error": "temporarily_unavailable"}), "temporarily_unavailable"),
    (Answer(503, {"error": "server_error", "error_description": "come back"}), "come back"),
    (Answer(200, '{"access_token": "x", "token_ty'), "JSON that is broken"),
    (Answer(200, "<html>log in</html>", kind="text/html"), "something other than JSON"),
    (Answer(200, {"token_type": "Bearer"}), "lacks what was asked for"),
    (Answer(200, {"access_token": "a b", "token_type": "Bearer"}), "lacks what was asked for"),
    (Answer(200, {"access_token": "x", "token_type": "mac"}), "its token_type is 'mac'"),
    (Answer(302, "", {"Location": "https://evil.example/"}), "302"),
    (Answer(200, b'{"access_token": "' + b"x" * 300000 + b'"}'), "too long"),
]


@pytest.mark.parametrize("answer, words", LATER, ids=[words for _, words in LATER])
def test_failures_that_pass_defer_the_mail(ready, mail, tokens, answer, words):  # noqa: F811
    tokens.script("token", answer)
    expire(ready)
    before = token_file(ready).read_text()
    result = ready.sendmail("you@example.net")
    assert result.code == 75 and words in result.text, result.text
    assert mail.connections == []
    assert token_file(ready).read_text() == before
    mail.users["me@example.com"] = "access2-"
    ready.delivers("you@example.net")


def test_a_scope_of_any_length_can_be_read_again(ready, mail, tokens):  # noqa: F811
    tokens.scope = "s " * 40000
    mail.users["me@example.com"] = "access2-"
    expire(ready)
    ready.delivers("you@example.net")
    ready.delivers("you@example.net")
    assert "scope smtp\n" in token_file(ready).read_text()


ACCOUNT = [
    ("invalid_grant", "the login has ended (invalid_grant)", "run `onehopctl login work`"),
    ("interaction_required", "log in again", "run `onehopctl login work`"),
    ("invalid_client", "oauth_client_id", "run `onehopctl login work`"),
    ("AADSTS70043_new", "(AADSTS70043_new)", "run `onehopctl login work`"),
]


@pytest.mark.parametrize("code, words, line", ACCOUNT, ids=[row[0] for row in ACCOUNT])
def test_failures_that_a_person_must_mend(ready, mail, tokens, code, words, line):  # noqa: F811
    tokens.script("token", Answer(400, {"error": code, "error_description": "AADSTS1: why.\r\nTrace"}))
    expire(ready)
    result = ready.sendmail("you@example.net")
    assert result.code == 77
    assert words in result.text and "AADSTS1: why." in result.text and line in result.text
    assert "refresh1" not in result.text and mail.connections == []


def test_a_login_that_was_revoked(ready, mail, tokens):  # noqa: F811
    tokens.refresh_tokens.clear()
    expire(ready)
    result = ready.sendmail("you@example.net")
    assert result.code == 77 and "run `onehopctl login work`" in result.text
    consent(ready, tokens)
    mail.users["me@example.com"] = tokens.issued[-1]
    ready.delivers("you@example.net")


def test_one_notice_says_that_a_person_must_log_in(serve, ready, mail, tokens):  # noqa: F811
    """The machine's account: its token has ended, and another account carries the notice."""
    place = ready.root / "tokens"
    place.mkdir(mode=0o700)
    tokens.refresh_tokens.clear()
    expire(ready)
    os.rename(token_file(ready), place / "work.token")
    ready.user_file.unlink()
    good = serve()
    told = notice_of_a_failing_login(ready, good, section(tokens) + ready.account(
        mail, queue=None, admin="boss@example.net", password=None, oauth="test", oauth_client_id="cid"))
    assert b"the login has ended (invalid_grant)" in told.body
    assert b"onehopctl login work" in told.body
    assert mail.connections == []


def test_a_server_that_does_not_answer(ready, mail, tokens):  # noqa: F811
    gate = threading.Event()
    tokens.script("token", Answer(200, {}, wait=gate))
    expire(ready)
    configure(ready, mail, tokens, timeout="2")
    try:
        result = ready.sendmail("you@example.net")
    finally:
        gate.set()
    assert result.code == 75, result.text


def test_a_server_that_is_away(ready, mail, tokens):  # noqa: F811
    expire(ready)
    tokens.listener.socket.close()
    result = ready.sendmail("you@example.net")
    assert result.code == 75 and tokens.url in result.text


def test_a_server_that_cannot_describe_itself_is_named_once(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens, {"token": None, "issuer": tokens.url},
              oauth_grant="client_credentials", oauth_client_secret_file=machine.file("secret", "hidden\n"))
    tokens.listener.socket.close()
    result = machine.sendmail("you@example.net")
    assert result.code == 75 and result.text.count(tokens.url) == 1, result.text


@pytest.mark.parametrize("kind", ["wrong-name", "expired", "not-yet", "self-signed"])
def test_a_certificate_that_does_not_hold(machine, mail, authority, kind):
    from provider import TokenServer
    with TokenServer(authority, certificate=kind) as server:
        server.clients["cid"] = "hidden"
        secret = machine.file("secret", "hidden\n")
        configure(machine, mail, server, oauth_grant="client_credentials",
                  oauth_client_secret_file=secret)
        result = machine.sendmail("you@example.net")
        assert result.code == 75 and "certificate" in result.text.lower(), result.text
        assert "; this machine's clock says 20" in result.text
        assert server.seen == []


def test_only_https_is_spoken(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens, {"token": "http://localhost/token"})
    result = machine.sendmail("you@example.net")
    assert result.code == 78 and "must begin with https://" in result.text


@pytest.mark.parametrize("key, value, words", [
    ("token", "https:///token", "must begin with https:// and a host"),
    ("issuer", "https://me:secret@localhost", "must begin with https:// and a host"),
    ("redirect", "http://127.0.0.1:99999", "with or without a port"),
    ("redirect", "http://localhost:0/", "with or without a port"),
    ("redirect", "http://localhost:any", "with or without a port"),
    ("redirect", "http://localhost.example", "must be http://127.0.0.1 or http://localhost"),
    ("parameters", "hint=a b", "with %20 for a blank")])
def test_addresses_that_a_server_cannot_have(machine, mail, tokens, key, value, words):  # noqa: F811
    configure(machine, mail, tokens, {key: value})
    result = machine.sendmail("you@example.net")
    assert result.code == 78 and words in result.text


def test_the_program_is_not_installed(ready, mail, tokens):  # noqa: F811
    expire(ready)
    result = ready.sendmail("you@example.net", environment={"ONEHOP_TEST_TOKEN_PROGRAM": "/nowhere"})
    assert result.code == 75 and "install the package onehop-oauth2" in result.text


def test_a_token_file_that_others_can_read(ready, mail, tokens):  # noqa: F811
    token_file(ready).chmod(0o640)
    result = ready.sendmail("you@example.net")
    assert result.code == 78 and "mode 0640): chmod 600" in result.text


def test_a_token_file_that_was_cut(ready, mail, tokens):  # noqa: F811
    path = token_file(ready)
    path.write_text(path.read_text()[:-4])
    result = ready.sendmail("you@example.net")
    assert result.code == 78 and "is no file of tokens" in result.text


# -- without a person

def test_client_credentials_with_a_secret(machine, mail, tokens):  # noqa: F811
    tokens.clients["cid"] = "hidden secret/+"
    configure(machine, mail, tokens, oauth_grant="client_credentials",
              oauth_client_secret_file=machine.file("secret", "hidden secret/+\n"))
    machine.delivers("you@example.net")
    machine.delivers("you@example.net")
    (form,) = tokens.forms("token")
    assert form["scope"] == "smtp" and "basic" not in form
    assert "hidden" not in token_file(machine).read_text()


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"],
                                     ["client_secret_post", "client_secret_basic"]])
def test_the_way_a_secret_goes_is_the_servers(machine, mail, tokens, methods):  # noqa: F811
    tokens.methods = methods
    tokens.clients["cid"] = "hidden: %/+"
    configure(machine, mail, tokens, {"token": None, "issuer": tokens.url},
              oauth_grant="client_credentials",
              oauth_client_secret_file=machine.file("secret", "hidden: %/+\n"))
    machine.delivers("you@example.net")
    (form,) = tokens.forms("token")
    assert ("basic" in form) == ("client_secret_post" not in (methods or []))


def test_a_secret_is_a_credential_of_systemd(machine, mail, tokens):  # noqa: F811
    tokens.clients["cid"] = "hidden"
    path = machine.file("credentials/secret", "hidden\n", 0o440)
    configure(machine, mail, tokens, oauth_grant="client_credentials",
              oauth_client_secret_file="secret")
    machine.delivers("you@example.net", environment={"CREDENTIALS_DIRECTORY": os.path.dirname(path)})


def test_a_secret_that_others_can_read(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens, oauth_grant="client_credentials",
              oauth_client_secret_file=machine.file("secret", "hidden\n", 0o644))
    result = machine.sendmail("you@example.net")
    assert result.code == 78 and "mode 0644): chmod 600" in result.text
    assert tokens.forms("token") == [] and "hidden" not in result.text


def make_key(machine, name="key"):
    """(private key, public key in PEM, certificate)"""
    key, cert = machine.directory / f"{name}.pem", machine.directory / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", cert, "-subj", "/CN=mail"], check=True, capture_output=True)
    key.chmod(0o600)
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True,
                            capture_output=True, text=True).stdout
    return str(key), public, str(cert)


def test_client_credentials_with_a_certificate(machine, mail, tokens):  # noqa: F811
    key, tokens.clients["cid"], cert = make_key(machine)
    configure(machine, mail, tokens, oauth_grant="client_credentials", oauth_key_file=key,
              oauth_cert_file=cert)
    machine.delivers("you@example.net")
    (form,) = tokens.forms("token")
    assert form["client_assertion_type"].endswith("jwt-bearer") and "client_secret" not in form


@pytest.mark.parametrize("words", [("pkcs8", "-topk8"), ("rsa", "-traditional", "-aes128")],
                         ids=["pkcs8", "traditional"])
def test_a_key_with_a_passphrase(machine, mail, tokens, words):  # noqa: F811
    hidden = subprocess.run(["openssl", *words, "-in", make_key(machine)[0], "-passout", "pass:x"],
                            check=True, capture_output=True, text=True).stdout
    configure(machine, mail, tokens, oauth_grant="client_credentials",
              oauth_key_file=machine.file("hidden", hidden))
    result = machine.sendmail("you@example.net")
    assert result.code == 78 and "the key has a passphrase" in result.text


def test_a_key_that_the_server_does_not_know(machine, mail, tokens):  # noqa: F811
    tokens.clients["cid"] = make_key(machine, "theirs")[1]
    configure(machine, mail, tokens, oauth_grant="client_credentials",
              oauth_key_file=make_key(machine)[0])
    result = machine.sendmail("you@example.net")
    assert result.code == 77 and "invalid_client" in result.text
    assert "then run `onehopctl check work`" in result.text


def service_account(machine, mail, tokens, **keys):  # noqa: F811
    key, tokens.service_accounts["robot@x.example"], _ = make_key(machine)
    words = {"oauth_client_id": None, "oauth_grant": "service_account", "oauth_key_file": key,
             "oauth_service_account": "robot@x.example", **keys}
    configure(machine, mail, tokens, **words)
    return key


def test_a_service_account(machine, mail, tokens):  # noqa: F811
    service_account(machine, mail, tokens)
    machine.delivers("you@example.net")
    assert mail.connection.user == "me@example.com"


def test_a_service_account_by_googles_file(machine, mail, tokens):  # noqa: F811
    import json
    key = service_account(machine, mail, tokens)
    with open(key) as pem:
        text = json.dumps({"type": "service_account", "client_email": "robot@x.example",
                           "private_key_id": "1", "private_key": pem.read()})
    configure(machine, mail, tokens, oauth_client_id=None, oauth_grant="service_account",
              oauth_key_file=machine.file("google.json", text))
    machine.delivers("you@example.net")


def test_a_mailbox_that_the_service_account_may_not_use(machine, mail, tokens):  # noqa: F811
    tokens.mailboxes.clear()
    service_account(machine, mail, tokens)
    result = machine.sendmail("you@example.net")
    assert result.code == 77 and "unauthorized_client" in result.text


@pytest.mark.parametrize("ahead, words", [(7200, "120 minutes behind the server's"),
                                          (-7200, "120 minutes ahead of the server's")])
def test_a_clock_that_is_wrong_is_named(machine, mail, tokens, ahead, words):  # noqa: F811
    tokens.clock_ahead = ahead
    service_account(machine, mail, tokens)
    result = machine.sendmail("you@example.net")
    assert result.code == 77 and words in result.text, result.text


def test_a_machine_without_a_place_for_tokens(machine, mail, tokens):  # noqa: F811
    """A container: the token is asked for each time."""
    tokens.clients["cid"] = "hidden"
    configure(machine, mail, tokens, oauth_grant="client_credentials",
              oauth_client_secret_file=machine.file("secret", "hidden\n"))
    token_file(machine).parent.write_text("no directory")
    machine.delivers("you@example.net")
    mail.users["me@example.com"] = "access2-"
    machine.delivers("you@example.net")


def test_a_refresh_token_that_came_with_the_container(machine, mail, tokens):  # noqa: F811
    tokens.refresh_tokens["first"] = "me@example.com"
    path = machine.file("credentials/work.token", "first\n", 0o400)
    configure(machine, mail, tokens)
    environment = {"CREDENTIALS_DIRECTORY": os.path.dirname(path)}
    machine.delivers("you@example.net", environment=environment)
    machine.delivers("you@example.net", environment=environment)
    assert len(refresh_forms(tokens)) == 1 and "refresh refresh1" in token_file(machine).read_text()


# -- many at once

def test_processes_that_renew_at_once_ask_once(ready, mail, tokens):  # noqa: F811
    gate = threading.Event()
    reply = {"access_token": "access2-", "token_type": "Bearer", "refresh_token": "r2",
             "expires_in": 3600}
    tokens.script("token", Answer(200, reply, wait=gate))
    mail.users["me@example.com"] = "access2-"
    expire(ready)
    running = [subprocess.Popen([str(ready.programs / "sendmail"), "you@example.net"],
                                stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=ready.environment()) for _ in range(4)]
    for process in running:
        process.stdin.write(REPORT)
        process.stdin.close()
    until(lambda: refresh_forms(tokens))
    gate.set()
    codes = [process.wait(PATIENCE) for process in running]
    assert codes == [0] * 4, [process.stderr.read() for process in running]
    assert len(refresh_forms(tokens)) == 1
    assert len(mail.messages) == 4


# -- what an administrator sees

def test_check_shows_the_state_of_the_token(ready, mail):
    result = ready.run("onehopctl", "check", "work")
    assert result.code == 0, result.shown
    assert "user me@example.com at test" in result.shown
    assert "scope smtp" in result.shown and "valid until " in result.shown
    assert "access1" not in result.shown and "refresh1" not in result.shown


def test_check_says_what_to_run(machine, mail, tokens):  # noqa: F811
    configure(machine, mail, tokens)
    result = machine.run("onehopctl", "check", "work")
    assert result.code == 77
    assert "run `onehopctl login work`" in result.shown


def test_no_secret_in_an_argv_or_the_environment(ready, mail, tokens):  # noqa: F811
    """The program waits for its answer while its /proc is looked at."""
    gate = threading.Event()
    tokens.script("token", Answer(500, "", wait=gate))
    expire(ready)
    process = subprocess.Popen([str(ready.programs / "sendmail"), "you@example.net"],
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=ready.environment())
    try:
        until(lambda: refresh_forms(tokens))
        seen = b""
        for name in os.listdir("/proc"):
            if name.isdigit():
                for part in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{name}/{part}", "rb") as file:
                            seen += file.read()
                    except OSError:
                        pass  # it has ended, or is another user's
    finally:
        gate.set()
        process.wait(PATIENCE)
    assert b"onehop-token\0" in seen
    assert b"refresh1" not in seen and b"access1-" not in seen


# -- setup

def surroundings(machine, mail, tokens):  # noqa: F811
    return (section(tokens) + f"[provider here]\ndomains = here.example\nhost = localhost\n"
            f"port = {mail.port}\nauth = xoauth2\noauth = test\n[defaults]\n"
            f"tls_trust_file = {machine.authority.trust}\ntimeout = 10\nsyslog = off\nqueue = off\n")


def test_setup_writes_an_account_with_tokens(machine, serve, tokens):  # noqa: F811
    mail = serve(mechanisms="XOAUTH2", users={"me@here.example": "access1-"})
    machine.configure(surroundings(machine, mail, tokens))
    result = machine.run("onehopctl", "setup", "--user", "--oauth-client-id", "cid", "me@here.example")
    assert result.code == 0, result.text
    assert "next       onehopctl login me@here.example" in result.shown
    assert "oauth_client_id = cid" in machine.user_file.read_text()
    assert "password" not in machine.user_file.read_text()
    person = Person(machine, "me@here.example")
    uri, state, code = tokens.authorize(person.address())
    assert visit(uri, code=code, state=state) == 200
    assert person.end()[0] == 0
    machine.delivers("-f", "me@here.example", "you@example.net")
    assert mail.connection.password == "access1-"


def test_setup_says_what_a_provider_without_passwords_wants(machine, serve, tokens):  # noqa: F811
    machine.configure(surroundings(machine, serve(), tokens))
    result = machine.run("onehopctl", "setup", "--user", "me@here.example")
    assert result.code == 64 and "--oauth-client-id" in result.text


@pytest.mark.parametrize("words", [("--oauth", "test"), ("--oauth-secret-file", "/x"),
                                   ("--oauth-client-id", ""), ("--oauth-client-id=",),
                                   ("--oauth-client-id", "cid", "--password-stdin")])
def test_setup_options_that_do_not_fit(machine, words):
    result = machine.run("onehopctl", "setup", "--user", *words, "me@here.example")
    assert result.code == 64 and "oauth" in result.text
