"""--configure: a configuration for an address, from the table of providers or SRV records."""

import pytest

PROVIDER = ("[provider here]\ndomains = here.example, there.example\nhost = mail.here.example\n"
            "port = {port}\nnote = make an app password\n")


def configured(machine, *words, name="onehop", code=0, **environment):
    result = machine.run(name, *words, environment=environment)
    assert result.code == code, result.text
    return result


@pytest.mark.parametrize("port, starttls", [("465", "off"), ("587", "on"), ("2525", "on")])
def test_the_table_of_providers_comes_first(machine, port, starttls):
    machine.configure(PROVIDER.format(port=port))
    shown = configured(machine, "--configure=me@here.example", ONEHOP_TEST_SRV=(
        "_submissions._tcp.here.example=evil.example:465")).shown
    assert shown == ("# onehop: a configuration for me@here.example\n# - from the table of providers\n"
                     "# - make an app password\n[account me@here.example]\nfrom = me@here.example\n"
                     f"host = mail.here.example\nport = {port}\ntls_starttls = {starttls}\nauth = on\n"
                     "user = me@here.example\n; password_file = ~/.config/onehop/password\n")


def test_what_is_printed_is_a_configuration(machine, serve):
    """With the password that a person adds, and a test's authority, it sends mail."""
    provider = serve(users={"me@here.example": "s3cret"})
    machine.configure("[provider here]\ndomains = here.example\nhost = localhost\n"
                      f"port = {provider.port}\n")
    shown = configured(machine, "--configure", "me@here.example").shown
    machine.configure(shown + "password = s3cret\nsyslog = off\n"
                      f"tls_trust_file = {machine.authority.trust}\n")
    machine.delivers("you@example.net")
    assert provider.message.sender == "me@here.example"


def test_msmtp_prints_its_own_kind_of_file(machine, tmp_path):
    shown = configured(machine, "--configure=me@near.example", name="msmtp", ONEHOP_TEST_SRV=(
        "_submissions._tcp.near.example=smtp.near.example:465")).shown
    assert "host smtp.near.example\nport 465\ntls on\ntls_starttls off\nauth on\nuser me\n" in shown
    assert "# - from SRV records in DNS\n" in shown and "does not belong" not in shown
    rc = tmp_path / "rc"
    rc.write_text(shown)
    rc.chmod(0o600)
    printed = configured(machine, "-C", str(rc), "-P", "-a", "me@near.example", "you@example.net",
                         name="msmtp").shown
    assert "host = smtp.near.example" in printed and "from = me@near.example" in printed


@pytest.mark.parametrize("record, lines", [
    ("_submission._tcp.near.example=mail.near.example:587",
     ["host = mail.near.example", "port = 587", "tls_starttls = on"]),
    ("_submissions._tcp.near.example=smtp.far.example:465",
     ["# - the host does not belong to near.example: make sure that it is right",
      "host = smtp.far.example", "tls_starttls = off"]),
    ("_submissions._tcp.near.example=notnear.example:465",
     ["# - the host does not belong to near.example: make sure that it is right"]),
])
def test_srv_records_name_the_server(machine, record, lines):
    shown = configured(machine, "--configure", "me@near.example", ONEHOP_TEST_SRV=record).shown
    for line in lines:
        assert line in shown.splitlines(), shown
    assert ("does not belong" in shown) == ("does not belong" in lines[0])


@pytest.mark.parametrize("address, environment, code, words", [
    ("nonsense", {}, 65, "cannot use mail address nonsense"),
    ("me@", {}, 65, "cannot use mail address me@"),
    ("me@near.example", {"ONEHOP_TEST_SRV": "_submission._tcp.other.example=x:1"}, 68,
     "automatic configuration based on SRV records failed: near.example has none"),
])
def test_what_cannot_be_configured(machine, address, environment, code, words):
    result = configured(machine, "--configure=" + address, code=code, **environment)
    assert result.shown == "" and words in result.text and len(result.lines) == 1


def test_a_broken_configuration_is_said(machine):
    machine.configure("[nonsense\n")
    result = configured(machine, "--configure=me@near.example", code=78)
    assert result.shown == "" and ":1: " in result.text
