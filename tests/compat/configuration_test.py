"""The section "Configuration" of doc/compatibility.md, one test for each row."""

import os
import shutil
import subprocess

import pytest

ACCOUNTS = """defaults
host 127.0.0.1
port {port}
logfile {log}
account one
from one@example.com
account wild
from *@wild.example
account default
from me@example.com
"""


@pytest.mark.parametrize("words", [
    ["-f", "one@example.com"], ["-f", "ONE@Example.COM"], ["-f", "one+tag@example.com"],
    ["-f", "any@wild.example"], ["-f", "any@WILD.example"], ["-f", "other@example.com"], [],
    ["-a", "one"], ["-a", "one", "-f", "x@example.com"], ["--read-envelope-from"],
])
def test_account_choice(both, words):
    mail = b"From: one@example.com\nDate: x\nMessage-ID: <1@x>\n\nx\n"
    assert both.same(*words, "a@example.net", rc=ACCOUNTS, input=mail).code == 0


def test_account_missing(both):
    assert both.same("-a", "none", "a@example.net").code == 78
    assert both.same("a@example.net", rc="account x\nhost h\n").code == 78
    assert both.same("a@example.net", rc=False).code == 78


@pytest.mark.parametrize("rc", [
    "account a\nhost 127.0.0.1\nport 1\naccount default : a\nport {port}\nfrom x@y\nlogfile {log}\n",
    "defaults\nport 1\naccount a\nhost 127.0.0.1\nfrom x@y\nlogfile {log}\n"
    "defaults\nport {port}\naccount default : a\n",
    "account a\nport 1\nhost 127.0.0.1\naccount b\nport {port}\naccount default : a,b\nfrom x@y\n"
    "logfile {log}\n",
    "  host\t127.0.0.1\r\n# comment\r\nport {port}\nfrom \"x@y\"\nlogfile {log}\n",
    "eval echo host 127.0.0.1\neval printf 'port {port}\\nignored'\nfrom x@y\nlogfile {log}\n",
    "host 127.0.0.1\nport {port}\nfrom x@y\nlogfile {log}\nconnect_timeout 30\ntls_force_sslv3\n"
    "keepbcc on\nadd_missing_date_header off\nadd_missing_from_header on\n",
    "host 127.0.0.1\nport {port}\nauto_from on\nmaildomain y.org\nlogfile {log}\n",
    "host 127.0.0.1\nport {port}\nfrom x@y\nlogfile {log}\nset_from_header on\n",
    "host 127.0.0.1\nport {port}\nfrom x@y\nlogfile ~/log\nallow_from_override off\n",
    "host 127.0.0.1\nport {port}\nfrom x@y\nlogfile {log}\nundisclosed_recipients on\n",
    "host 127.0.0.1\nport {port}\nfrom x@y\nlogfile {log}\nset_date_header off\n"
    "set_msgid_header off\nset_from_header off\n",
    "host 127.0.0.1\nport {port}\nfrom x@y\nlogfile {log}\ndomain my.example\nsource_ip 127.0.0.1\n",
])
def test_msmtprc(both, rc):
    assert both.same("a@example.net", rc=rc).code == 0
    assert both.same("-f", "f@example.com", "-t", rc=rc, input=b"To: a@b\nBcc: c@d\n\nx\n").code == 0


@pytest.mark.parametrize("rc", [
    "foo bar\n", "host\n", "host a\naccount default\n", "account a : b\n", "defaults x\n", "account\n",
    "tls maybe\n", "auth foo\n", "port 99999\n", "dsn_notify\n", "timeout\n", "timeout x\n",
    "account a\naccount a\n", "allow_from_override\n", "syslog foo\n", "set_date_header on\n",
    "host h\nfrom a@b\ntls_key_file x\n", "host h\nfrom a@b\nprotocol lmtp\n", "from a@b\n",
    "host h\nfrom a@b\ntls on\ntls_trust_file\n", "TLS on\n",
])
def test_msmtprc_wrong(both, rc):
    ours = both.same("a@example.net", rc=rc)
    assert ours.code == 78


def test_eval_fails(both):
    assert both.same("a@example.net", rc="eval true\n").code == 74
    theirs, ours = both("a@example.net", rc="eval echo host 127.0.0.1; exit 3\nport {port}\n"
                        "from a@b\n")
    assert (theirs.code, ours.code) == (0, 74)


def test_long_lines(both):
    long = "host 127.0.0.1\nport {port}\nfrom x@y\npasswordeval : " + "x" * 600 + "\n"
    theirs, ours = both("a@example.net", rc=long)
    assert (theirs.code, ours.code) == (78, 0)


def test_named_file(both):
    assert both.same("-C", "/nonexistent", "a@example.net").code == 74
    theirs, ours = both("-C", "{home}/other", "a@example.net", rc="nonsense\n", files={
        "other": "host 127.0.0.1\nport 1\nfrom x@y\n"})
    assert theirs.code == ours.code == 75


def test_environment(both):
    environment = {"SMTPSERVER": "127.0.0.1", "EMAIL": "e@example.com"}
    for words in (["-P", "a@b"], ["-P", "-f", "x@y", "a@b"]):
        theirs, ours = both(*words, rc=False, environment=environment)
        assert theirs.code == ours.code == 0
        assert "host = 127.0.0.1" in ours.settings and "host = 127.0.0.1" in theirs.settings
    theirs, ours = both("-P", "a@b", rc=False, environment={"SMTPSERVER": "127.0.0.1"})
    assert theirs.code == ours.code == 78


def test_unreadable_file(both, socket_path):
    """The file belongs to root, the caller is nobody; not root, one's own file does as well."""
    place = os.path.dirname(socket_path)
    os.chmod(place, 0o755)
    shutil.copy(both.ours / "msmtp", place)
    rc = os.path.join(place, ".msmtprc")
    for directory in ("root/etc", "root/share"):
        os.makedirs(os.path.join(place, directory))
    with open(rc, "w", encoding="ascii") as file:
        file.write("host 127.0.0.1\nport 1\nfrom a@b\n")
    os.chmod(rc, 0)
    if os.geteuid() == 0:
        os.chown(place, 65534, 65534)
    said = []
    for program in (both.msmtp, os.path.join(place, "msmtp")):
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        prefix = become if os.geteuid() == 0 else []
        done = subprocess.run([*prefix, program, "a@b"], input=b"x\n", capture_output=True, cwd=place,
                              env={"HOME": place, "ONEHOP_TEST_ROOT": place + "/root",
                                   "ASAN_OPTIONS": "detect_leaks=0", "PATH": "/usr/bin:/bin"},
                              timeout=120)
        assert done.returncode == 78
        said.append(done.stderr.decode())
    assert "ermission denied" not in said[0] and "not found" in said[0]
    assert "/.msmtprc: permission denied" in said[1]


def test_writable_file(both):
    theirs, ours = both("a@example.net", before=lambda: os.chmod(".msmtprc", 0o646))
    assert theirs.code == 0 and ours.code == 78
    assert ".msmtprc: others can write to it (mode 0646): chmod go-w it" in ours.err


def test_glob_from(both):
    theirs, ours = both("a@example.net", rc={"from": "*@wild.example"})
    assert theirs.sender == "*@wild.example" and "*" not in ours.sender


def test_patterns(both):
    theirs, ours = both("a@example.net", rc={"from": "%U@example.com", "domain": "%H.example"},
                        environment={"HOSTNAME": "web1"})
    assert ours.sender == "caller@example.com"
    assert ours.connections[0].hello == "web1.example"


def test_passwordeval_input(both):
    rc = {"auth": "plain", "user": "me@example.com", "password": None,
          "passwordeval": "cat; echo s3cret"}
    mail = b"To: a@b\n\n" + b"hello\n" * 50000
    theirs, ours = both("-t", rc=rc, mechanisms="PLAIN", input=mail)
    assert theirs.code != 0 and ours.code == 0


def test_passwordeval_status(both):
    rc = {"auth": "plain", "user": "me@example.com", "password": None,
          "passwordeval": "echo s3cret; exit 1"}
    theirs, ours = both("-t", rc=rc, mechanisms="PLAIN")
    assert (theirs.code, ours.code) == (0, 78)


def test_passwordeval_empty(both):
    rc = {"auth": "plain", "user": "me@example.com", "password": None, "passwordeval": "true"}
    theirs, ours = both("-t", rc=rc, mechanisms="PLAIN")
    assert theirs.code == ours.code == 78


def test_netrc(both):
    rc = {"auth": "plain", "user": "me@example.com", "password": None}
    ours = both.same("-t", rc=rc, mechanisms="PLAIN", files={
        ".netrc": "machine 127.0.0.1 login me@example.com password s3cret\n"})
    assert ours.connections[0].logged_in


def test_no_password(both):
    rc = {"auth": "plain", "user": "me@example.com", "password": None}
    theirs, ours = both("-t", rc=rc, mechanisms="PLAIN", before=os.setsid)
    assert theirs.code == ours.code == 69
