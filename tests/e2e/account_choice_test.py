"""Which account sends, seen from outside."""

import pytest


def mail(sender, field="From"):
    return f"{field}: {sender}\nTo: you@example.net\nSubject: x\n\nhello\n".encode()


@pytest.fixture
def three(serve, machine):
    """Accounts of three providers: by name, the provider."""
    providers = {name: serve() for name in ("one", "two", "wide")}
    machine.configure(
        machine.account(providers["one"], "one", **{"from": "me@one.example"}) +
        machine.account(providers["two"], "two", **{"from": "me@two.example",
                                                    "domains": "two.example, boss@one.example"}) +
        machine.account(providers["wide"], "wide", **{"from": "me@wide.example",
                                                      "domains": "*.wide.example"}))
    return providers


def used(providers):
    return [name for name, provider in providers.items() if provider.connections]


@pytest.mark.parametrize("words, sender, field, account", [
    (["-f", "me@one.example"], "me@two.example", "From", "one"),
    (["-f", "ME@ONE.EXAMPLE"], "me@two.example", "From", "one"),
    (["-r", "me@two.example"], "me@one.example", "From", "two"),
    ([], "me@one.example", "From", "one"),
    ([], "Name <me@two.example>", "From", "two"),
    ([], "somebody@two.example", "From", "two"),
    ([], "boss@one.example", "From", "two"),
    ([], "neighbour@one.example", "From", "one"),
    ([], "a@sub.wide.example", "From", "wide"),
    ([], "a@deep.sub.wide.example", "From", "wide"),
    (["-f", "nobody@nowhere.example"], "me@two.example", "From", "two"),
    (["-a", "wide"], "me@one.example", "From", "wide"),
    (["--account=wide", "-f", "me@one.example"], "me@one.example", "From", "wide"),
    (["--read-envelope-from"], "me@two.example", "From", "two"),
])
def test_the_sender_chooses(three, machine, words, sender, field, account):
    machine.delivers(*words, "you@example.net", input=mail(sender, field))
    assert used(three) == [account]


def test_resent_from_is_the_sender_of_a_resent_message(three, machine):
    machine.delivers("you@example.net", input=b"Resent-From: me@two.example\n" +
                     b"Resent-To: you@example.net\n" + mail("me@one.example"))
    assert used(three) == ["two"]


@pytest.mark.parametrize("words, sender", [
    ([], "me@qq.com"),
    (["-f", "me@qq.com"], "other@qq.com"),
    ([], "me@wide.example.evil"),
    ([], "me@xwide.example"),
])
def test_a_foreign_sender_that_nothing_serves_is_refused(three, machine, words, sender):
    result = machine.sendmail(*words, "you@example.net", input=mail(sender))
    assert result.code == 78
    assert result.out == b""
    domain = sender.split("@")[1]
    first = result.lines[0]
    assert first.startswith(f"sendmail: no account serves senders at {domain} (served: ")
    for served in ("one.example", "two.example", "*.wide.example"):
        assert served in first
    assert used(three) == []


def test_an_unknown_account_is_named(three, machine):
    result = machine.sendmail("-a", "three", "you@example.net")
    assert result.code == 78
    assert "three" in result.text
    assert used(three) == []


def test_a_local_sender_gets_the_default_account(serve, machine):
    one, default = serve(), serve()
    machine.configure(machine.account(one, "one", **{"from": "me@one.example"}) +
                      machine.account(default, "default", **{"from": "me@default.example"}))
    for sender in ("root", "root@localhost", "root (Cron Daemon)", "www-data@web1.example.org"):
        machine.delivers("you@example.net", input=mail(sender))
    assert len(default.connections) == 4 and one.connections == []


def test_a_foreign_sender_gets_the_default_account_too(serve, machine):
    default = serve()
    machine.configure(machine.account(default, "default", **{"from": "me@default.example"}))
    machine.delivers("you@example.net", input=mail("me@qq.com"))
    assert default.message.sender == "me@default.example"


def test_a_sole_account_serves_local_senders(serve, machine):
    provider = machine.use(serve())
    machine.delivers("you@example.net", input=mail("root"))
    assert provider.message.sender == "me@example.com"


def test_a_sole_account_serves_no_foreign_sender(serve, machine):
    provider = machine.use(serve())
    assert machine.sendmail("you@example.net", input=mail("me@qq.com")).code == 78
    assert provider.connections == []


def test_two_accounts_and_no_default_leave_a_local_sender_without(three, machine):
    result = machine.sendmail("you@example.net", input=mail("root"))
    assert result.code == 78
    assert used(three) == []


def test_the_users_accounts_come_first(serve, machine):
    user, system = serve(), serve()
    machine.configure(machine.account(user, "mine", **{"from": "a@example.com"}))
    machine.configure_system(machine.account(system, "its", **{"from": "b@example.com"}))
    machine.delivers("you@example.net", input=mail("c@example.com"))
    assert user.message and system.connections == []


# -- providers

SMALLEST = "[account me]\nuser = x@163.com\npassword = s3cret\n"


def override(machine, provider, **more):
    """Makes 163.com a provider on this machine."""
    machine.configure_system(
        f"[provider 163]\ndomains = 163.com\nhost = 127.0.0.1\nport = {provider.port}\n"
        "tls_starttls = off\nsenders = exact\n\n"
        f"[defaults]\n", 0o644)
    return (f"[defaults]\ntls_trust_file = {machine.authority.trust}\nqueue = off\nsyslog = off\n"
            f"timeout = 10\n")


def test_user_and_password_are_a_complete_configuration(serve, machine):
    provider = serve(tls="implicit", users={"x@163.com": "s3cret"})
    machine.configure(override(machine, provider) + SMALLEST)
    machine.delivers("you@example.net", input=mail("x@163.com"))
    assert provider.connection.user == "x@163.com"
    assert provider.message.sender == "x@163.com"
    assert provider.message.field("From") == "x@163.com"


def test_the_same_for_a_report_of_root(serve, machine):
    provider = serve(tls="implicit", users={"x@163.com": "s3cret"})
    machine.configure(override(machine, provider) + SMALLEST)
    machine.delivers("-t", input=b"From: root\nTo: root\nSubject: report\n\nall is well\n")
    assert provider.message.sender == "x@163.com"
    assert provider.message.recipients == ["x@163.com"]


def test_163_com_is_known_without_help(machine):
    machine.configure(SMALLEST)
    result = machine.run("onehop", "-P", input=mail("x@163.com"))
    assert result.code == 0, result.text
    assert "host = smtp.163.com" in result.shown.splitlines()
    assert "auth = on" in result.shown.splitlines()


@pytest.mark.parametrize("domain", [
    "163.com", "126.com", "yeah.net", "qq.com", "gmail.com", "outlook.com", "icloud.com",
    "yahoo.com", "fastmail.com", "gmx.net", "web.de", "mail.ru", "yandex.ru", "zoho.com",
    "aliyun.com", "sina.com"])
def test_the_provider_of_a_mail_domain_is_found(machine, domain):
    machine.configure(SMALLEST.replace("163.com", domain))
    result = machine.run("onehop", "-P", input=mail("x@" + domain))
    assert result.code == 0, result.text
    assert any(line.startswith("host = ") and "." in line for line in result.shown.splitlines())


def test_an_unknown_domain_says_which_line_to_add(machine):
    machine.configure(SMALLEST.replace("163.com", "unknown.example"))
    result = machine.sendmail("you@example.net", input=mail("x@unknown.example"))
    assert result.code == 78
    assert "unknown.example" in result.text
    assert "host = " in result.text
    assert str(machine.user_file) + ":1" in result.text


def test_a_sender_nobody_serves_hears_what_is_served(machine):
    machine.configure(SMALLEST + SMALLEST.replace("me]", "too]").replace("163", "126"))
    result = machine.sendmail("you@example.net", input=mail("y@qq.com"))
    assert result.code == 78
    assert result.lines[0].startswith(
        "sendmail: no account serves senders at qq.com (served: 163.com, 126.com)")


def test_a_neighbour_at_an_exact_provider_is_rewritten(serve, machine):
    provider = serve(tls="implicit", users={"x@163.com": "s3cret"})
    machine.configure(override(machine, provider) + SMALLEST)
    machine.delivers("you@example.net", input=mail("Neighbour <y@163.com>"))
    assert provider.message.sender == "x@163.com"
    assert provider.message.field("From") == "Neighbour <x@163.com>"
    assert provider.message.field("Reply-To") == "Neighbour <y@163.com>"


def test_two_accounts_at_an_exact_provider_need_an_exact_sender(serve, machine):
    provider = serve(tls="implicit", users={"x@163.com": "s3cret", "z@163.com": "s3cret"})
    machine.configure(override(machine, provider) + SMALLEST +
                      SMALLEST.replace("account me", "account other").replace("x@", "z@"))
    result = machine.sendmail("you@example.net", input=mail("y@163.com"))
    assert result.code == 78
    assert "me" in result.text and "other" in result.text
    machine.delivers("you@example.net", input=mail("z@163.com"))
    assert provider.connection.user == "z@163.com"


def test_a_sender_that_is_to_be_read_and_is_not_there(machine, serve):
    provider = machine.use(serve())
    result = machine.sendmail("--read-envelope-from", "you@example.net",
                              input=b"Subject: x\n\nhello\n")
    assert result.code == 64
    assert provider.connections == []


def test_no_recipients_is_a_usage_error(machine, serve):
    provider = machine.use(serve())
    for words in ([], ["-t"]):
        result = machine.sendmail(*words, input=b"From: me@example.com\n\nx\n")
        assert result.code == 64
        assert "recipient" in result.text
    assert provider.connections == []
