"""onehopctl convert: what comes out does the same as what went in."""

import os
import pwd
import re

import pytest

from machine import needs_msmtp

pytestmark = needs_msmtp
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
        made, was = (what_happens(machine, serve, provider, file, sender) for file in (ini, rc))
        if was[-1] == "localhost":  # which is left out, with a remark
            made, was = made[:-1], was[:-1]
        assert made == was, converted.shown


def test_what_msmtp_did_unasked_is_not_kept(machine):
    rc = machine.file("rc", "host h.example\nfrom a@h.example\ntimeout off\ndomain localhost\n")
    shown = machine.run("onehopctl", "convert", rc).shown
    assert "\ntimeout" not in shown and "\ndomain =" not in shown
    assert "; - timeout off: " in shown and "; - domain localhost: " in shown
    rc = machine.file("rc", "host h.example\nfrom a@h.example\ntimeout 7\ndomain a.example\n")
    shown = machine.run("onehopctl", "convert", rc).shown
    assert "\ntimeout = 7\n" in shown and "\ndomain = a.example\n" in shown and "; - " not in shown


@pytest.mark.parametrize("line, facility", [
    ("", "off"), ("syslog", "LOG_USER"), ("syslog on", "LOG_USER"), ("syslog LOG_USER", "LOG_USER"),
    ("syslog LOG_MAIL", "LOG_MAIL"), ("syslog off", "off")])
def test_the_facility_of_syslog_is_kept(machine, line, facility):
    rc = machine.file("rc", f"host h.example\nfrom a@h.example\n{line}\n")
    assert f"\nsyslog = {facility}\n" in machine.run("onehopctl", "convert", rc).shown


@pytest.mark.parametrize("line, told", [
    ("passwordeval echo x", False), ("# eval x", False), ("eval echo user me", True),
    ("\teval echo user me", True)])
def test_only_lines_of_eval_are_told(machine, line, told):
    rc = machine.file("rc", f"host h.example\nfrom a@h.example\n{line}\n")
    assert ("`eval`" in machine.run("onehopctl", "convert", rc).shown) == told


def convert_and_send(machine, provider, place, *words):
    converted = machine.run("onehopctl", "convert", place)
    assert (converted.code, converted.text) == (0, "")
    ini = machine.file("converted.ini", converted.out)
    machine.delivers("-C", ini, "--queue=off", *words, name="onehop", input=MAIL,
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


HEADER = b"From: Some One <me@from.example>\n"
REPORT = b"From: ME (Cron Daemon)\n"
FIELD, NAMES = "FromLineOverride=YES\n", "hostname=h.example\nrewriteDomain=dom.example\n"
ALIAS = "ME:rev@alias.example\n"


# Recorded with Debian's ssmtp 2.64-11. ME is the caller, HOST this host.
@pytest.mark.parametrize("conf, aliases, words, header, sender", [
    (NAMES, "", "", b"", "ME@dom.example"),
    (NAMES, "", "", HEADER, "ME@dom.example"),
    (NAMES, "", "-f minus@f.example", HEADER, "ME@dom.example"),
    ("hostname=h.example\n", "", "", HEADER, "ME@h.example"),
    ("", "", "", HEADER, "ME@HOST"),
    (NAMES, ALIAS, "", b"", "rev@alias.example"),
    (NAMES, ALIAS, "", HEADER, "rev@alias.example"),
    (NAMES, ALIAS, "", REPORT, "rev@alias.example"),
    (NAMES, ALIAS, "-f minus@f.example", HEADER, "rev@alias.example"),
    (NAMES, ALIAS, "-f <>", HEADER, "rev@alias.example"),
    (NAMES, "ME: rev@alias.example \n", "", b"", "rev@alias.example"),
    (NAMES, "ME:bare\n", "", b"", "bare@dom.example"),
    (NAMES, "other:rev@alias.example\n", "", b"", "ME@dom.example"),
    (FIELD + NAMES, "", "", b"", "ME@dom.example"),
    (FIELD + NAMES, "", "", HEADER, "me@from.example"),
    (FIELD + NAMES, "", "-f minus@f.example", b"", "ME@dom.example"),
    (FIELD + NAMES, "", "-f minus@f.example", HEADER, "me@from.example"),
    (FIELD + NAMES, "", "", REPORT, "ME@dom.example"),
    (FIELD + NAMES, ALIAS, "", b"", "rev@alias.example"),
    (FIELD + NAMES, ALIAS, "", HEADER, "me@from.example"),
    (FIELD + NAMES, ALIAS, "-f minus@f.example", b"", "rev@alias.example"),
    ("FromLineOverride=true\n" + NAMES, "", "", HEADER, "ME@dom.example"),
    ("FromLineOverride=yes # x\n" + NAMES, "", "", HEADER, "me@from.example"),
], ids=range(23))
def test_the_envelope_that_ssmtp_made(machine, serve, conf, aliases, words, header, sender):
    provider = serve(tls="none", mechanisms="", auth_required=False)
    me, host = pwd.getpwuid(os.getuid()).pw_name, os.uname().nodename
    machine.file("ssmtp/revaliases", aliases.replace("ME", me))
    path = machine.file("ssmtp/ssmtp.conf", f"mailhub=127.0.0.1:{provider.port}\n{conf}")
    ini = machine.file("converted.ini", machine.run("onehopctl", "convert", path).out)
    header = header.replace(b"ME", me.encode())
    machine.delivers("-C", ini, "--queue=off", *words.split(), "you@example.net", name="onehop",
                     input=header + MAIL, environment={"USER": me})
    expected = sender.replace("ME", me).replace("HOST", host)
    assert provider.message.sender == expected
    if header == HEADER:
        assert provider.message.field("From") == "Some One <me@from.example>"


@pytest.mark.parametrize("line, password", [
    ("AuthPass=p:w%s'\\", "p:w%s'\\"), ("AuthPass=abcd efgh ijkl", "abcd efgh ijkl"),
    ("AuthPass=p=q#r", "p=q#r"), ("AuthPass=#start", "#start"),
    ("authpass = s3cret   # mine", "s3cret"), ('AuthPass="quoted"', '"quoted"'),
])
def test_the_password_of_ssmtp(machine, serve, line, password):
    provider = serve(tls="none", auth_before_tls=True, users={"me": password})
    path = machine.file("ssmtp.conf", f"mailhub=127.0.0.1:{provider.port}\nAuthUser=me\n{line}\n")
    ini = machine.file("converted.ini", machine.run("onehopctl", "convert", path).out)
    machine.delivers("-C", ini, "--queue=off", "-t", name="onehop", input=MAIL)
    assert provider.connection.logged_in


# What nullmailer 2.2 does with each; an open quote takes the rest of the line there.
@pytest.mark.parametrize("option, password", [
    ('--pass="correct horse"', "correct horse"), ("'pass=a b'", "a b"), ("pass=a\\ b", "a b"),
    ("pass='a\\b'", "a\\b"), ('pass="a\\"b"', 'a"b'), ("pass=a#b", "a#b"), ("pass=a'b c'd", "ab cd"),
    ("--pass=x=y", "x=y"),
])
def test_the_quotes_of_nullmailer(machine, serve, option, password):
    provider = serve(tls="none", auth_before_tls=True, users={"me": password})
    machine.file("nullmailer/remotes",
                 f"  127.0.0.1 \t smtp  port={provider.port} user=me {option} auth-login\n")
    place = str(machine.directory / "nullmailer")
    converted = machine.run("onehopctl", "convert", place)
    assert "; - " not in converted.shown
    ini = machine.file("converted.ini", converted.out)
    machine.delivers("-C", ini, "--queue=off", "-t", name="onehop", input=MAIL)
    assert provider.connection.logged_in and provider.connection.mechanism == "LOGIN"


@pytest.mark.parametrize("place, text", [
    ("ssmtp.conf", "mailhub=h.example\nAuthUser=me\nAuthPass=s3cret\nhorse\nhorse=battery\n"
                   "AuthPass: horse\nAuthMethod=horse\nTLSCert horse battery\n"),
    ("ssmtp.conf", "mailhub=h.example:horse\nAuthPass=s3cret\n"),
    ("nullmailer/remotes", "h.example smtp --user=me --pass=s3cret horse --horse=1 --port=horse\n"),
    ("nullmailer/remotes", "h.example smtp --pass=s3cret\nhorse\" battery\nh2.example horse x\n"),
    ("dma.conf", "SMARTHOST h.example\nPORT horse\nHORSE battery\nhorse|h.example:s3cret\n"),
])
def test_no_word_of_a_file_with_secrets_is_repeated(machine, place, text):
    path = machine.file(place, text)
    path = os.path.dirname(path) if "/" in place else path
    result = machine.run("onehopctl", "convert", "--secrets", str(machine.directory / "s"), path)
    assert result.code == 0 and "; - " in result.shown
    for word in ("horse", "battery", "s3cret"):
        assert word not in re.sub("^tls_cert_file.*", "", result.shown, flags=re.M).lower()


def test_servers_of_nullmailer_that_differ_by_name_only_are_one_account(machine):
    machine.file("nullmailer/remotes", "a.example smtp --user=me --pass=x --starttls\n"
                 "b.example smtp --starttls --user=me --pass=x\nc.example smtp --user=me --pass=y\n")
    shown = machine.run("onehopctl", "convert", str(machine.directory / "nullmailer")).shown
    assert "host = a.example, b.example\n" in shown and "c.example" not in shown
    assert "; - remotes:3: " in shown


def test_the_small_files_of_nullmailer(machine):
    for name, text in (("remotes", "h.example smtp\n"), ("queuelifetime", "172800\n"),
                       ("doublebounceto", "me@h.example\n"), ("pausetime", "60\n"),
                       ("defaultdomain", "a.example\n"), ("maxpause", "x\n")):
        machine.file("nullmailer/" + name, text)
    converted = machine.run("onehopctl", "convert", str(machine.directory / "nullmailer"))
    assert "\n[queue]\nlifetime = 172800\nbounce_to = me@h.example\n" in converted.shown
    for name in ("pausetime", "maxpause", "defaultdomain"):
        assert f"; - {name}:1: {name}: " in converted.shown
    ini = machine.file("converted.ini", converted.out)
    assert machine.run("onehop", "-C", ini, "-P", "-f", "a@b.example", input=MAIL).code == 0


def test_a_value_of_the_queue_that_no_ini_file_can_hold(machine):
    machine.file("nullmailer/remotes", "h.example smtp\n")
    machine.file("nullmailer/doublebounceto", 'a"b@h.example\n')
    converted = machine.run("onehopctl", "convert", str(machine.directory / "nullmailer"))
    assert "no value for [queue] bounce_to: write it by hand" in converted.shown
    assert "\nbounce_to = " not in converted.shown


@pytest.mark.parametrize("lines, made", [
    ("DEFER", "delivery_mode = queue"), ("NULLCLIENT\nMAILNAME m.example", "domains = m.example"),
    ("NULLCLIENT", "aliases = "), ("FULLBOUNCE", "; - dma.conf:2: FULLBOUNCE: "),
    ("SPOOLDIR /x", "; - dma.conf:2: SPOOLDIR: "), ("MASQUERADE m.example", "from = %U@m.example"),
    ("MASQUERADE a@m.example", "from = a@m.example"), ("MAILNAME DIRECTORY/name", "domain = n.example"),
    ("SECURETRANSFER", "tls_starttls = off"), ("SECURETRANSFER\nSTARTTLS", "tls_starttls = on"),
    ("STARTTLS", "tls = off"), ("NEWWORD", "; - dma.conf:2: not understood"),
])
def test_what_becomes_of_dma_s_words(machine, lines, made):
    machine.file("name", "n.example\n")
    path = machine.file("dma.conf", "SMARTHOST h.example\n" +
                        lines.replace("DIRECTORY", str(machine.directory)) + "\n")
    assert "\n" + made in machine.run("onehopctl", "convert", path).shown


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
    assert "; - remotes:3: " in shown


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
    ("nullmailer/remotes", "/mnt/crypt/remotes", "names no server"),
    ("nullmailer/remotes", "h.example smtp pass='x\n", "names no server"),
    ("nullmailer/remotes", "h.example qmqp\n", "names no server"),
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
