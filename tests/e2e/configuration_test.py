"""Configuration files as users write them, and what they are told about mistakes."""

import os

import pytest

from machine import HAS_MSMTP, REPORT, needs_msmtp


def complaint(machine, *words):
    """A configuration error: 78, all input read, one line that begins FILE:LINE."""
    result = machine.sendmail(*words or ("you@example.net",))
    assert result.code == 78, result.text
    assert result.out == b""
    return result


# -- traps of libinih 55

def test_a_value_of_300_octets_arrives_whole(serve, machine):
    password = "p" * 300
    provider = machine.use(serve(users={"me@example.com": password}), password=password)
    machine.delivers("you@example.net")
    assert provider.connection.password == password


@pytest.mark.parametrize("password", ["a ;b", "a ; b", "#x", ";x", "x #y", "a=b", "a:b", "[x]",
                                      '"quoted"', "'single'", "back\\slash", "grüße", "x" * 3000,
                                      "two  blanks", "%s%n"])
def test_a_password_is_taken_as_it_is(serve, machine, password):
    provider = machine.use(serve(users={"me@example.com": password}), password=password)
    machine.delivers("you@example.net")
    assert provider.connection.password == password


def test_a_comment_ends_other_values(serve, machine):
    provider = serve()
    machine.configure(machine.account(provider).replace(
        "timeout = 10", "timeout = 10 ; seconds").replace("[account work]", "; mine\n# too\n"
                                                          "[account work]"))
    machine.delivers("you@example.net")
    assert provider.message


def test_an_indented_key_is_a_key(serve, machine):
    provider = serve()
    machine.configure(machine.account(provider).replace("\nuser", "\n    user")
                      .replace("\npassword", "\n\tpassword"))
    machine.delivers("you@example.net")
    assert provider.connection.user == "me@example.com"


def test_a_section_name_of_60_octets(serve, machine):
    name = "n" * 60
    provider = machine.use(serve(), account_name=name)
    machine.configure(machine.account(provider, account_name=name) +
                      machine.account(provider, account_name=name[:-1] + "x", user="other"))
    machine.delivers("-a", name, "you@example.net")
    assert provider.connection.user == "me@example.com"


@pytest.mark.parametrize("change", [
    lambda text: "\ufeff" + text,
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.rstrip("\n"),
    lambda text: text.replace(" = ", "="),
    lambda text: text.replace("[account work]", "[ account   work ]"),
    lambda text: "\n\n  \n" + text,
], ids=["byte-order-mark", "crlf", "no-final-newline", "no-blanks", "blanks-in-section", "blanks"])
def test_files_of_every_editor(serve, machine, change):
    provider = serve()
    machine.configure(change(machine.account(provider)))
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"


# -- mistakes are told with file and line

@pytest.mark.parametrize("text, line, says", [
    ("[account a]\nhost = x\nprot = 25\n", 3, ["prot", "port"]),
    ("[account a]\nhost = x\ntimout = 25\n", 3, ["timout", "timeout"]),
    ("[acount a]\nhost = x\n", 1, ["acount", "account"]),
    ("[account a]\nhost = x\nhost = y\n", 3, ["host", "2"]),
    ("[account a]\nhost = x\n[account a]\nhost = y\n", 3, ["a", "1"]),
    ("[account a]\nhost x\n", 2, ["="]),
    ("[account a]\nport = 99999\n", 2, ["99999", "65535"]),
    ("[account a]\nport = none\n", 2, ["none"]),
    ("[account a]\ntls = maybe\n", 2, ["maybe", "on", "off"]),
    ("[account a]\nauth = plian\n", 2, ["plian", "plain"]),
    ("[account a]\ntimeout = soon\n", 2, ["soon"]),
    ("[account a\nhost = x\n", 1, ["]"]),
    ("[account a]\ninherit = b\nhost = x\n", 1, ["inherit = b"]),
    ("[account]\nhost = x\n", 1, ["account"]),
    ("[defaults]\nnonsense = 1\n", 2, ["nonsense"]),
])
def test_mistakes_name_file_line_and_remedy(machine, text, line, says):
    machine.configure(text)
    result = complaint(machine)
    assert f"{machine.user_file}:{line}: " in result.text
    for word in says:
        assert word in result.text.split(f"{machine.user_file}:{line}: ")[1]


def test_a_file_without_a_section_is_told_what_it_lacks(machine):
    machine.configure("host = x\n")
    result = complaint(machine)
    assert result.text.startswith(f"sendmail: {machine.user_file}:")
    assert "[account" in result.text


def test_a_nul_in_a_file_is_no_crash(machine):
    machine.configure(b"[account a]\nhost = x\0y\n\0\0\n=\n[]\n")
    complaint(machine)


def test_accounts_that_inherit_from_each_other(machine):
    machine.configure("[account a]\ninherit = b\nhost = x\n[account b]\ninherit = a\nhost = y\n")
    complaint(machine)


def test_a_file_that_cannot_be_read_is_never_skipped(machine):
    machine.configure_system("[account a]\nhost = x\n", 0o644)
    machine.user_file.mkdir()
    result = complaint(machine)
    assert str(machine.user_file) in result.text


def test_an_unreadable_file_names_uid_and_mode(machine):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    machine.configure("[account a]\nhost = x\n", 0o000)
    result = complaint(machine)
    for word in (str(machine.user_file), str(os.getuid()), "000"):
        assert word in result.text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_can_read_is_an_error(serve, machine, mode):
    provider = serve()
    machine.configure(machine.account(provider), mode)
    result = complaint(machine)
    assert str(machine.user_file) in result.text
    assert "chmod" in result.text
    assert "s3cret" not in result.text
    assert provider.connections == []


def test_a_file_without_secret_may_be_read_by_all(serve, machine):
    provider = serve()
    secret = machine.file("secret", "s3cret\n")
    machine.configure(machine.account(provider, password=None, password_file=secret), 0o644)
    machine.delivers("you@example.net")
    assert provider.connection.password == "s3cret"


def test_no_configuration_says_where_and_what(machine):
    result = complaint(machine)
    assert str(machine.user_file) in result.text
    assert str(machine.system_file) in result.text
    assert "[account" in result.text


def test_all_input_is_read_before_failing(machine):
    machine.configure("nonsense\n")
    result = machine.sendmail("you@example.net", input=REPORT + b"x" * 3_000_000)
    assert result.code == 78
    assert not result.pipe_broke


# -- levels, defaults, inheritance

def test_the_users_account_hides_the_systems_of_the_same_name(serve, machine):
    user, system = serve(), serve()
    machine.configure(machine.account(user))
    machine.configure_system(machine.account(system))
    machine.delivers("-a", "work", "you@example.net")
    assert user.message and system.connections == []


def test_the_systems_account_serves_who_has_none(serve, machine):
    provider = serve()
    machine.configure_system(machine.account(provider))
    machine.delivers("you@example.net")
    assert provider.message


def test_defaults_and_inheritance(serve, machine):
    provider = serve()
    text = machine.account(provider).replace("[account work]", "[account base]") \
        .replace(f"tls_trust_file = {machine.authority.trust}\n", "").replace(
            "from = me@example.com", "from = base@example.com")
    machine.configure(f"[defaults]\ntls_trust_file = {machine.authority.trust}\n" + text +
                      "[account work]\ninherit = base\nfrom = me@example.org\n")
    machine.delivers("-a", "work", "you@example.net")
    assert provider.message.sender == "me@example.org"
    assert provider.connection.user == "me@example.com"


def test_another_file_stands_for_the_users(serve, machine):
    wrong, right, system = serve(), serve(), serve()
    machine.configure(machine.account(wrong))
    machine.configure_system(machine.account(system, account_name="sys", **{
        "from": "me@system.example"}))
    other = machine.file("other.ini", machine.account(right))
    machine.delivers("-C", other, "you@example.net", name="onehop")
    assert right.message and wrong.connections == []
    machine.delivers("-C", other, "-f", "me@system.example", "you@example.net", name="onehop")
    assert system.message


def test_another_file_must_exist(machine):
    result = machine.run("onehop", "-C", "/nowhere/x.ini", "you@example.net", input=REPORT)
    assert result.code in (74, 78)
    assert "/nowhere/x.ini" in result.text


def test_a_home_that_is_not_ours_is_ignored(serve, machine):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    mine, foreign = serve(), serve()
    machine.file(machine.root / "home/.config/onehop/onehop.ini", machine.account(mine))
    home = machine.directory / "foreign"
    machine.file(home / ".config/onehop/onehop.ini", machine.account(foreign))
    os.chown(home, 65534, 65534)
    machine.delivers("you@example.net", environment={"HOME": str(home), "XDG_CONFIG_HOME": None})
    assert mine.message and foreign.connections == []


@pytest.mark.parametrize("name, file", [
    ("sendmail", ".config/onehop/onehop.ini"), pytest.param("msmtp", ".msmtprc", marks=needs_msmtp)])
def test_a_home_that_others_can_write_to_is_ignored(serve, machine, name, file):
    """The one of the passwd database counts in its place."""
    mine, foreign = (serve(tls="none", mechanisms="") for _ in range(2))
    home = machine.directory / "everybody"
    for directory, provider in ((machine.root / "home", mine), (home, foreign)):
        machine.file(directory / file, machine.account(provider) if file.endswith("ini") else
                     f"account default\nhost 127.0.0.1\nport {provider.port}\nfrom me@example.com\n")
    for mode, provider in ((0o1777, mine), (0o700, foreign)):
        home.chmod(mode)
        machine.delivers("you@example.net", name=name,
                         environment={"HOME": str(home), "XDG_CONFIG_HOME": None})
        assert len(provider.messages) == 1
    assert len(mine.connections) == 1


def test_a_state_home_that_is_missing_is_made(serve, machine):
    machine.use(serve(), queue="on")
    state = machine.home / "new/state"
    machine.delivers("-odq", "you@example.net", environment={"XDG_STATE_HOME": str(state)})
    assert len(list((state / "onehop/queue").iterdir())) == 1
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_container_is_configured_by_its_environment(serve, machine):
    provider = serve()
    environment = {"ONEHOP_HOST": "127.0.0.1", "ONEHOP_PORT": str(provider.port),
                   "ONEHOP_USER": "me@example.com", "ONEHOP_SYSLOG": "off",
                   "ONEHOP_PASSWORD_FILE": machine.file("secret", "s3cret\n"),
                   "ONEHOP_TLS_TRUST_FILE": machine.authority.trust}
    machine.delivers("-t", "-f", "www-data@web1", environment=environment)
    assert provider.message.sender == "me@example.com"
    assert provider.connection.password == "s3cret"


# -- configured with --disable-msmtp

if not HAS_MSMTP:
    def test_an_msmtprc_gives_a_clear_line(serve, machine):
        machine.file(machine.home / ".msmtprc", "host 127.0.0.1\nfrom me@example.com\n")
        for name in ("sendmail", "msmtp"):
            result = machine.run(name, "you@example.net", input=REPORT)
            assert result.code == 69, result.text
            assert f"{machine.home}/.msmtprc: this onehop reads no msmtprc" in result.text
            assert "--disable-msmtp" in result.text and "onehopctl setup" in result.text
        provider = machine.use(serve())
        machine.delivers("you@example.net")
        assert provider.message  # what stands in onehop.ini counts

    def test_there_is_no_converter(machine):
        result = machine.run("onehopctl", "convert", "x")
        assert (result.code, result.out) == (69, b"")
        assert "--disable-msmtp" in result.text


# -- the command line's own account

def test_host_uses_the_command_line_alone(serve, machine):
    machine.configure("[broken\n")
    provider = serve(tls="none", mechanisms="")
    result = machine.run("msmtp", "--host=127.0.0.1", f"--port={provider.port}",
                         "--from=me@example.com", "you@example.net", input=REPORT)
    assert (result.code, result.text) == (0, "")
    assert provider.message.sender == "me@example.com"


def test_host_with_tls_and_login(serve, machine):
    provider = serve()
    secret = machine.file("secret", "s3cret\n")
    result = machine.run(
        "onehop", "--host=127.0.0.1", f"--port={provider.port}", "--tls=on", "--auth=plain",
        f"--tls-trust-file={machine.authority.trust}", "--user=me@example.com",
        f"--passwordeval=cat {secret}", "-f", "me@example.com", "you@example.net", input=REPORT)
    assert (result.code, result.text) == (0, "")
    assert provider.connection.logged_in


def test_options_override_the_account(serve, machine):
    wrong, right = serve(), serve()
    machine.use(wrong)
    machine.delivers(f"--port={right.port}", "you@example.net", name="onehop")
    assert right.message and wrong.connections == []


def test_the_effective_configuration_is_printed_without_secrets(serve, machine):
    machine.use(serve(), tls_cert_file="/dev/null", tls_key_file="pkcs11:token=a;object=b?pin-value=s3cret")
    result = machine.run("onehop", "-P", "-a", "work", input=REPORT)
    assert result.code == 0, result.text
    assert "host = 127.0.0.1" in result.shown.splitlines()
    assert "password = *" in result.shown.splitlines()
    assert "tls_key_file = pkcs11:token=a;object=b?pin-value=*" in result.shown.splitlines()
    assert "s3cret" not in result.shown
    machine.run("onehop", "you@example.net", input=REPORT)
    assert "s3cret" not in machine.run("onehop", "-v", "you@example.net", input=REPORT).text
    assert f"using account work from {machine.user_file}" in result.shown.splitlines()


@pytest.mark.parametrize("section", ["[provider here]\ndomains = here.example\nhost = h\n",
                                     "[oauth here]\ntoken = https://here.example/token\n"])
def test_the_systems_file_can_be_named(machine, section):
    """It is then read for both levels; what it describes is described once."""
    machine.configure_system(section + "[account a]\nfrom = a@here.example\nhost = x\n", 0o644)
    result = machine.run("onehop", "-C", str(machine.system_file), "-P", "-a", "a", "you@example.net")
    assert result.code == 0 and "from = a@here.example" in result.shown, result.text
