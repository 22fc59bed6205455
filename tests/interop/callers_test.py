"""Programs that call sendmail, and what of their mail arrives at a provider that demands STARTTLS,
a login, and the login's own address as sender."""

import re

import pytest

from root import listens, until


def assert_well_formed(message):
    for name in ("Date", "Message-ID", "From"):
        assert message[name], f"no {name}:\n{message.head}"
    assert "Bcc" not in message.header
    assert message["Return-Path"] == "<" + message.address("From") + ">"
    assert "with ESMTPSA" in message.head  # encrypted, and logged in


def test_logwatch_report_arrives(callers, postfix):
    # What apt has just installed, as its log tells it: the same report each time.
    command = ("logwatch", "--range", "all", "--service", "dpkg")
    expected = callers.run(*command, "--output", "stdout").stdout
    callers.run(*command, "--output", "mail", "--mailto", "root")

    message = postfix.wait("Logwatch for")
    assert_well_formed(message)
    assert message.address("From") == "reports@mail.test"
    assert message.header["From"].addresses[0].display_name.startswith("root")
    assert message["X-Original-To"] == "alice@mail.test"
    assert "root" in message["To"]
    assert message["Auto-Submitted"]
    assert "logwatch" in expected
    assert report_lines(message.body.decode()) == report_lines(expected)


def report_lines(report):
    """Without the way and the moment of its making, and the empty lines around it."""
    return re.sub(r"(Processing Initiated|Type of Output/Format):.*", r"\1", report).strip().splitlines()


PHP_BODY = "Grüße aus PHP\n\n.\n.two dots\nFrom here on\ntrailing blank \nno newline at the end"


def test_php_mail_arrives(callers, postfix):
    script = ("exit(mail('bob@mail.test', 'php one', $argv[1], "
              "\"Cc: alice@mail.test\\r\\nBcc: reports@mail.test\\r\\nX-One: 1\\r\\n"
              "MIME-Version: 1.0\\r\\nContent-Type: text/plain; charset=utf-8\\r\\n"
              "Content-Transfer-Encoding: 8bit\") ? 0 : 1);")
    callers.run("php", "-r", script, "--", PHP_BODY, user="carol")
    found = postfix.wait_copies("php one", 3)
    assert {m["X-Original-To"] for m in found} == {
        "bob@mail.test", "alice@mail.test", "reports@mail.test"}
    for message in found:
        assert_well_formed(message)
        assert message.address("From") == "carol@mail.test"
        assert message["To"] == "bob@mail.test"
        assert message["Cc"] == "alice@mail.test"
        assert message["X-One"] == "1"
        assert message.body.decode() == PHP_BODY + "\n"


def test_php_mail_with_fifth_parameter(callers, postfix):
    script = ("exit(mail('bob@mail.test', 'php fifth', 'text', 'From: Shop <shop@client.test>', "
              "'-fcarol@mail.test') ? 0 : 1);")
    callers.run("php", "-r", script, user="carol")
    message = postfix.wait("php fifth")
    assert message["Return-Path"] == "<carol@mail.test>"
    assert message.header["From"].addresses[0].display_name == "Shop"
    assert message.address("From") == "carol@mail.test"
    assert message.address("Reply-To") == "shop@client.test"


ATTACKS = ["--passwordeval='touch /tmp/made'", "-C/tmp/evil.ini", "--host=evil.test", "--logfile=/tmp/made",
           "-P", "-bv"]


SCRIPT = ("<?php echo mail('bob@mail.test', 'php by msmtp', 'text', '', "
          "$_SERVER['FIFTH'] ?? getenv('FIFTH')) ? 'yes' : 'no';")


def php_says(callers, program, fifth, **options):
    """What PHP's mail() returns with this fifth argument, and what ends up on the page."""
    callers.write("tmp/mail.php", SCRIPT)
    variables = {"FIFTH": fifth, "SCRIPT_FILENAME": "/tmp/mail.php", "REDIRECT_STATUS": "200"}
    if program != "php":
        variables.update(GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="GET")
    words = [f"{name}={value}" for name, value in variables.items()]
    command = [program, "-d", "sendmail_path=msmtp -t -i", "/tmp/mail.php"]
    if program == "php-fpm":
        command = ["cgi-fcgi", "-bind", "-connect", "/run/fpm.socket"]
    return callers.run("env", *words, *command, **options).stdout.strip()


@pytest.fixture(scope="module")
def fpm(callers):
    """A pool that runs as a user of its own and hands down no variable, as php-fpm does by itself."""
    callers.write("etc/fpm.conf", """\
[global]
error_log = /tmp/fpm.log
daemonize = no
[carol]
user = carol
group = carol
listen = /run/fpm.socket
listen.mode = 0666
pm = static
pm.max_children = 1
catch_workers_output = yes
php_admin_value[sendmail_path] = /usr/bin/msmtp -t -i
""")
    program = next((callers.path / "usr/sbin").glob("php-fpm*")).name
    process = callers.start(program, "-F", "-y", "/etc/fpm.conf", log="/tmp/fpm.out")
    until(lambda: process.poll() is not None or listens(callers.path / "run/fpm.socket"))
    assert process.poll() is None, (callers.path / "tmp/fpm.out").read_text()
    yield
    process.terminate()
    process.wait(60)


def test_php_cannot_be_made_to_run_or_write_by_msmtp(callers, postfix, fpm):
    for program, user in (("php-cgi", "carol"), ("php", "www-data"), ("php-fpm", "www-data")):
        for fifth in ATTACKS:
            said = php_says(callers, program, fifth, user=user)
            assert said.endswith("no") and "= " not in said, said
        php_says(callers, program, "-X/tmp/made", user=user)
        assert not callers.path.joinpath("tmp/made").exists()
    for program in ("php-cgi", "php-fpm"):
        said = php_says(callers, program, "-fcarol@mail.test", user="carol")
        assert said.endswith("yes"), said + (callers.path / "tmp/fpm.log").read_text()
    # -X is swallowed with its file, as sendmail's callers expect, so that mail leaves as well.
    for message in postfix.wait_copies("php by msmtp", 4):
        assert message["Return-Path"] == "<carol@mail.test>"


def test_bsd_mailx(callers, postfix):
    callers.run("bsd-mailx", "-s", "from bsd-mailx", "-c", "alice@mail.test", "bob@mail.test",
                input="a body\n.\nbehind a lone dot\n", user="carol")
    message = postfix.wait_copies("from bsd-mailx", 2)[0]
    assert_well_formed(message)
    assert message.address("From") == "carol@mail.test"
    assert message.body.startswith(b"a body\n")


def test_s_nail(callers, postfix):
    text = "a body\n.\n..\nFrom the start\nend\n"
    callers.run("s-nail", "-s", "from s-nail", "-b", "alice@mail.test", "bob@mail.test",
                input=text, user="carol")
    found = postfix.wait_copies("from s-nail", 2)
    assert {m["X-Original-To"] for m in found} == {"alice@mail.test", "bob@mail.test"}
    for message in found:
        assert_well_formed(message)
        assert message.address("From") == "carol@mail.test"
        assert message.header.get_content() == text


def test_mutt_with_attachment(callers, postfix):
    attachment = bytes(range(256)) * 4000  # more than one chunk of 64 kB
    (callers.path / "tmp/blob.bin").write_bytes(attachment)
    callers.run("mutt", "-s", "from mutt", "-a", "/tmp/blob.bin", "--", "bob@mail.test",
                input="see attachment\n", user="carol")
    message = postfix.wait("from mutt")
    assert_well_formed(message)
    assert message.address("From") == "carol@mail.test"
    text, blob = message.header.iter_parts()
    assert text.get_content() == "see attachment\n"
    assert blob.get_content() == attachment


def test_git_send_email(callers, postfix):
    callers.run("sh", "-ec", """
        rm -rf ~/repo && git init -q ~/repo && cd ~/repo
        git config user.name 'Carol Änne' && git config user.email carol@mail.test
        echo one >file && git add file && git commit -qm 'from git'
        git send-email -q --smtp-server=/usr/sbin/sendmail --confirm=never --suppress-cc=all \
            --to=bob@mail.test -1
    """, user="carol")
    message = postfix.wait("from git")
    assert_well_formed(message)
    assert message["From"] == "Carol Änne <carol@mail.test>"
    assert b"\n+one\n" in message.body
