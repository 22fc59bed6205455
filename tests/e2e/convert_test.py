"""onehopctl convert: what comes out does the same as what went in."""

import os
import re

import pytest

MAIL = b"To: you@example.net\nSubject: hi\n\nhello\n"

CORPUS = {
    "plain": "account default\nhost 127.0.0.1\nport {port}\nfrom me@example.com\n",
    "login": "account default\nhost 127.0.0.1\nport {port}\nfrom me@example.com\nauth plain\n"
             "user me@example.com\npassword s3cret\n",
    "starttls": "defaults\ntls on\ntls_trust_file {trust}\nauth on\naccount one\nhost 127.0.0.1\n"
                "port {port}\nfrom one@example.com\nuser me@example.com\npassword s3cret\n"
                "account default : one\nfrom me@example.com\n",
    "implicit": "account default\nhost 127.0.0.1\nport {port}\ntls on\ntls_starttls off\n"
                "tls_trust_file {trust}\nauth login\nuser me@example.com\npassword s3cret\n"
                "from me@example.com\n",
    "untrusted": "account default\nhost 127.0.0.1\nport {port}\ntls on\nfrom me@example.com\n",
    "unchecked": "account default\nhost 127.0.0.1\nport {port}\ntls on\ntls_certcheck off\n"
                 "from me@example.com\n",
    "globs": "defaults\nhost 127.0.0.1\nport {port}\naccount wild\nfrom *@wild.example\n"
             "domain wild.example\naccount default\nfrom me@example.com\nset_from_header on\n",
    "headers": "host 127.0.0.1\nport {port}\nfrom me@example.com\nundisclosed_recipients on\n"
               "keepbcc on\ndsn_notify failure,delay\ndsn_return full\nallow_from_override off\n",
    "auto": "host 127.0.0.1\nport {port}\nauto_from on\nmaildomain auto.example\ntimeout 30\n",
    "secrets": "host 127.0.0.1\nport {port}\nfrom me@example.com\nauth plain\n"
               "user me@example.com\npassword s3 ; # \"cret\nlogfile_time_format %Y;%m\n",
}
TLS = {"starttls": "starttls", "implicit": "implicit", "untrusted": "starttls",
       "unchecked": "starttls"}
SENDERS = [None, "me@example.com", "one@example.com", "ONE+x@example.com", "any@wild.example",
           "foreign@elsewhere.example"]


def provider_for(serve, name):
    words = {"tls": TLS.get(name, "none"), "auth_before_tls": True}
    if name == "secrets":
        words["users"] = {"me@example.com": 's3 ; # "cret'}
    if name not in ("login", "starttls", "implicit", "secrets"):
        words.update(mechanisms="", auth_required=False)
    return serve(**words)


def what_happens(machine, serve, provider, file, sender):
    words = ["-f", sender] if sender else []
    # An INI file has a queue, and keeps what an msmtprc refuses; that is not compared here.
    option = [] if file.endswith("rc") else ["--queue=off"]
    before = len(provider.messages)
    result = machine.run("onehop", "-C", file, *option, *words, "-t", input=MAIL,
                         environment={"USER": "caller"})
    shown = machine.run("onehop", "-C", file, "-P", *words, environment={"USER": "caller"}).shown
    account = re.search("using account (\\S+) from", shown)
    connection = provider.connections[-1] if provider.connections else None
    messages = [(m.sender, m.recipients, m.recipient_parameters, m.field_names)
                for m in provider.messages[before:]]
    return (result.code, account and account.group(1), messages, connection and connection.tls,
            connection and connection.user, connection and connection.mechanism,
            connection and connection.hello)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("name", CORPUS)
def test_an_msmtprc_and_its_conversion_do_the_same(machine, serve, name, moved):
    provider = provider_for(serve, name)
    provider.forgive()
    text = CORPUS[name].replace("{port}", str(provider.port)) \
        .replace("{trust}", str(machine.authority.trust))
    rc = machine.file("rc", text)
    secrets = ["--secrets", str(machine.directory / "secret")] if moved else []
    converted = machine.run("onehopctl", "convert", *secrets, rc)
    assert (converted.code, converted.text) == (0, "")
    ini = machine.file("converted.ini", converted.out)
    if moved and "password" in text:
        assert os.stat(machine.directory / "secret").st_mode & 0o777 == 0o600
        assert "s3" not in converted.shown
    for sender in SENDERS:
        assert what_happens(machine, serve, provider, ini, sender) == \
            what_happens(machine, serve, provider, rc, sender), converted.shown


def convert_and_send(machine, provider, place, *words):
    converted = machine.run("onehopctl", "convert", place)
    assert (converted.code, converted.text) == (0, "")
    ini = machine.file("converted.ini", converted.out)
    machine.delivers("-C", ini, "--queue=off", *words, name="onehop",
                     environment={"USER": "caller"})
    return provider.message, converted.shown


def test_ssmtp(machine, serve):
    provider = serve()
    machine.file("ssmtp/revaliases", "# who\nsomebody:me@example.com:127.0.0.1:%d\n" % provider.port)
    conf = machine.file("ssmtp/ssmtp.conf", f"""# a comment
root=admin@example.com
mailhub=127.0.0.1:{provider.port}
rewriteDomain=example.com
hostname=web1.example.com
UseSTARTTLS=YES
AuthUser=me@example.com
AuthPass=s3cret
TLS_CA_File={machine.authority.trust}
FromLineOverride=YES
""")
    message, shown = convert_and_send(machine, provider, conf, "you@example.net")
    assert (message.sender, message.recipients) == ("caller@example.com", ["you@example.net"])
    assert provider.connection.tls and provider.connection.logged_in
    assert provider.connection.hello == "web1.example.com"
    assert "[account somebody]\ninherit = default\n" in shown
    assert "admin = admin@example.com" in shown


def test_nullmailer(machine, serve):
    provider = serve(tls="implicit")
    machine.file("nullmailer/me", "web1.example.com\n")
    machine.file("nullmailer/adminaddr", "admin@example.com\n")
    machine.file("nullmailer/allmailfrom", "me@example.com\n")
    machine.file("nullmailer/remotes", f"# one\n127.0.0.1 smtp --port={provider.port} --ssl "
                 f"--user=me@example.com --pass=s3cret --x509cafile={machine.authority.trust}\n"
                 "second.example smtp\n")
    message, shown = convert_and_send(machine, provider, str(machine.directory / "nullmailer"),
                                      "root", "you@example.net")
    assert message.sender == "me@example.com"
    assert message.recipients == ["admin@example.com", "you@example.net"]
    assert provider.connection.logged_in and provider.connection.hello == "web1.example.com"
    assert "a second remote" in shown


def test_dma(machine, serve):
    provider = serve()
    machine.file("dma/auth.conf", "# users\nx|other.example:y\nme@example.com|127.0.0.1:s3cret\n")
    conf = machine.file("dma/dma.conf", f"SMARTHOST 127.0.0.1\nPORT {provider.port}\n"
                        "SECURETRANSFER\nSTARTTLS\nMAILNAME web1.example.com\n"
                        "MASQUERADE me@example.com\nSPOOLDIR /var/spool/dma\n")
    converted = machine.run("onehopctl", "convert", conf)
    ini = machine.file("converted.ini", converted.out)
    machine.delivers("-C", ini, "--queue=off", f"--tls-trust-file={machine.authority.trust}",
                     "-f", "root", "you@example.net", name="onehop")
    assert provider.message.sender == "me@example.com"
    assert provider.connection.tls and provider.connection.logged_in
    assert "dma looked at no certificate" in converted.shown


@pytest.mark.parametrize("place,text,said", [
    ("dma.conf", "PORT 25\n", "there is no SMARTHOST"), ("rc", "nonsense\n", "unknown command"),
    ("nullmailer/remotes", "# none\n", "names no server"),
])
def test_what_cannot_be_converted_is_told(machine, place, text, said):
    path = machine.file(place, text)
    if place.startswith("nullmailer"):
        path = os.path.dirname(path)
    result = machine.run("onehopctl", "convert", path)
    assert result.code == 78 and said in result.text and result.out == b""


def test_a_secret_is_never_written_over(machine):
    rc = machine.file("rc", "host h\nuser u\npassword s3cret\n")
    machine.file("secret", "precious\n")
    result = machine.run("onehopctl", "convert", "--secrets", str(machine.directory / "secret"), rc)
    assert result.code == 73 and (machine.directory / "secret").read_text() == "precious\n"


def test_nothing_to_convert(machine):
    assert machine.run("onehopctl", "convert").code == 66
    machine.file(machine.home / ".msmtprc", "host h.example\nfrom a@b\n")
    assert "host = h.example" in machine.run("onehopctl", "convert").shown
