"""The command line: callers of every kind, and those who mean harm."""

import glob
import os
import shutil
import subprocess

import pytest

from machine import REPORT, SOURCE, needs_msmtp


@pytest.fixture
def account(serve, machine):
    return machine.use(serve())


# -- what callers say

@pytest.mark.parametrize("words", [
    ["-i", "you@example.net"],
    ["you@example.net", "-f", "me@example.com"],
    ["-f", "me@example.com", "you@example.net", "-i"],
    ["-oi", "-oem", "you@example.net"],
    ["-oi", "-f", "me@example.com", "-t"],
    ["-ti"],
    ["-it"],
    ["-t", "-oi", "-oem", "-fme@example.com"],
    ["-i", "-t", "-f", "me@example.com", "--", "you@example.net"],
    ["-B", "8BITMIME", "-f", "me@example.com", "--", "you@example.net"],
    ["-B8BITMIME", "-oem", "you@example.net"],
    ["-i", "-F", "Me Too", "-f", "me@example.com", "--", "you@example.net"],
    ["-oem", "-oi", "-f", "me@example.com", "-N", "failure,delay", "-R", "hdrs", "--",
     "you@example.net"],
    ["-bm", "you@example.net"],
    ["-O", "DeliveryMode=b", "-OErrorMode=m", "you@example.net"],
    ["-L", "tag", "-h", "3", "-n", "-m", "-G", "-U", "-em", "you@example.net"],
    ["--read-recip"],
    ["-f<me@example.com>", "you@example.net"],
    ["-f", "Backup job <me@example.com>", "you@example.net"],
    ["-r", "me@example.com", "you@example.net"],
    ["-odi", "-or0s", "you@example.net"],
    ["-V", "envid", "you@example.net"],
], ids=" ".join)
def test_what_callers_say(account, machine, words):
    machine.delivers(*words)
    assert account.message.recipients == ["you@example.net"]
    assert account.message.sender == "me@example.com"


def test_an_address_behind_dashes_may_begin_with_one(account, machine):
    machine.delivers("--", "-x@example.net")
    assert account.message.recipients == ["-x@example.net"]


def test_no_word_reaches_a_shell(serve, machine):
    """Of an address, a name, a header field or a reply; while programs run for the password."""
    hit = machine.directory / "hit"
    word = "$(touch {0})`touch {0}`${{run{{/bin/touch {0}}}}}|touch {0};touch {0};".format(hit)
    machine.use(serve(rcpt={"gone@example.net": f"550 5.1.1 {word}\n550 5.1.1 second {word}"}),
                password=None, password_command="echo s3cret", queue="on")
    quoted = '"' + word.replace('"', "") + '"@example.net'
    for words in ((quoted,), ("-F", word, "you@example.net"), ("-f", quoted, "you@example.net"),
                  ("-t",), ("gone@example.net", "you@example.net")):
        machine.sendmail(*words, input=f"From: {word} <me@example.com>\nTo: {quoted}\nSubject: {word}\n\n{word}\n"
                         .encode())
    machine.sendmail("-q")
    assert not hit.exists()


# -- the option firewall

@pytest.mark.parametrize("words", [
    ["-X", "FILE"], ["-XFILE"], ["-O", "QueueDirectory=/tmp"], ["-OLogFile=FILE"], ["-A", "c"],
    ["-D", "FILE"], ["-DFILE"], ["-d"], ["-d1"], ["-oQFILE"], ["-o", "AFILE"], ["-oXFILE"],
], ids=" ".join)
def test_historic_options_are_swallowed(account, machine, words):
    target = machine.directory / "made"
    words = [word.replace("FILE", str(target)) for word in words]
    machine.delivers(*words, "you@example.net")
    assert account.message.recipients == ["you@example.net"]
    assert not target.exists()


UNSAFE = [
    ["-C", "FILE"], ["-CFILE"], ["--file=FILE"], ["--fil", "FILE"],
    ["--host=evil.example"], ["--host", "evil.example"], ["--port=1"],
    ["--passwordeval=touch FILE"], ["--password", "touch FILE"], ["--user=x"], ["--auth=plain"],
    ["--tls=off"], ["--tls-certcheck=off"], ["--tls-trust-file=FILE"], ["--tls-fingerprint=00"],
    ["--logfile=FILE"], ["--aliases=FILE"], ["--source-ip=127.0.0.1"], ["--socket=FILE"],
    ["--tls-key-file=FILE"], ["--tls-priorities=NORMAL"], ["--tls-host-override=x"],
    ["--protocol=lmtp"], ["--domain=x"], ["--syslog=off"], ["--keepbcc"], ["--undisclosed-recipients=off"],
    ["-P"], ["--pretend"], ["-bv"],
]


@pytest.mark.parametrize("words", UNSAFE, ids=" ".join)
def test_unsafe_options_are_refused_as_sendmail(account, machine, words):
    target = machine.directory / "made"
    words = [word.replace("FILE", str(target)) for word in words]
    result = machine.sendmail(*words, "you@example.net", input=REPORT + b"x" * 2_000_000)
    assert result.code == 64, result.text
    assert not result.pipe_broke
    assert result.out == b"" and result.lines
    assert not target.exists()
    assert account.connections == []


@pytest.mark.parametrize("variable", ["GATEWAY_INTERFACE", "REQUEST_METHOD", "SERVER_SOFTWARE"])
@pytest.mark.parametrize("words", [["--passwordeval=touch FILE"], ["-C", "FILE"], ["-P"], ["-bp"],
                                   ["--host=127.0.0.1"], ["--logfile=FILE"]], ids=" ".join)
def test_the_same_as_msmtp_from_a_web_server(account, machine, words, variable):
    target = machine.directory / "made"
    words = [word.replace("FILE", str(target)) for word in words]
    result = machine.run("msmtp", "-t", *words, input=REPORT, environment={variable: "CGI/1.1"})
    assert (result.code, result.out) == (64, b"") and "web server" in result.text
    assert not target.exists() and account.connections == []


@pytest.mark.parametrize("name", ["php-fpm8.2", "apache2"])
def test_the_same_as_msmtp_below_a_web_server(account, machine, name):
    """PHP's FPM hands no variable down and may run as any user; a shell may be in between."""
    target = machine.directory / "made"
    server = machine.directory / name
    server.write_text('#!/bin/sh\n"$@"\nexit $?\n')
    server.chmod(0o755)
    msmtp = str(machine.programs / "msmtp")
    for words in ([msmtp], ["sh", "-c", '"$@"; exit $?', "sh", msmtp]):
        done = subprocess.run([str(server), *words, "-t", f"--passwordeval=touch {target}"], input=REPORT,
                              capture_output=True, env=machine.environment())
        assert (done.returncode, done.stdout) == (64, b"") and b"web server" in done.stderr
    assert not target.exists() and account.connections == []


@pytest.mark.parametrize("words", [["-X", "FILE"], ["-XFILE"], ["-d"], ["-O", "x"]], ids=" ".join)
def test_historic_options_are_swallowed_as_msmtp_from_a_web_server(account, machine, words):
    target = machine.directory / "made"
    words = [word.replace("FILE", str(target)) for word in words]
    result = machine.run("msmtp", "-t", "-i", "-f", "me@example.com", *words, input=REPORT,
                         environment={"GATEWAY_INTERFACE": "CGI/1.1"})
    assert (result.code, result.out, result.text) == (0, b"", "")
    assert len(account.messages) == 1 and not target.exists()


@pytest.mark.parametrize("words", UNSAFE, ids=" ".join)
def test_the_same_behind_untrusted_args(account, machine, words):
    target = machine.directory / "made"
    words = [word.replace("FILE", str(target)) for word in words]
    result = machine.run("onehop", "-t", "--untrusted-args", *words, "you@example.net",
                         input=REPORT)
    assert result.code == 64, result.text
    assert not target.exists()
    assert account.connections == []


@pytest.mark.parametrize("words", [["-z"], ["--nonsense"], ["-bs0"], ["-bS"], ["-f"],
                                   ["-N", "sometimes"], ["-R", "all"],
                                   ["--read-envelope-from=x"]], ids=" ".join)
def test_wrong_options(account, machine, words):
    result = machine.sendmail("you@example.net", *words)
    assert result.code == 64
    assert result.out == b"" and result.lines
    assert account.connections == []


def test_what_does_not_go_together(account, machine):
    for words in (["--host=x", "-a", "work"], ["-f", "x@y.example", "--read-envelope-from"]):
        result = machine.run("msmtp", *words, "you@example.net", input=REPORT)
        assert result.code == 64, words


# -- control bytes

@pytest.mark.parametrize("words", [
    ["you@example.net\nBcc: evil@example.net"],
    ["you@example.net\r\nRCPT TO:<evil@example.net>"],
    ["-f", "me@example.com>\r\nRCPT TO:<evil@example.net", "you@example.net"],
    ["-F", "Me\nBcc: evil@example.net", "you@example.net"],
    ["-V", "id\r\n", "you@example.net"],
    ["-a", "wo\x01rk", "you@example.net"],
    ["-L", "tag\x1b", "you@example.net"],
    ["you@example.net\x7f"],
    ["-r", "a\tb@example.com", "you@example.net"],
], ids=repr)
@pytest.mark.parametrize("name", ["sendmail", "msmtp"])
def test_control_bytes_in_arguments_are_refused_first(machine, words, name):
    machine.configure("broken\n")  # nobody gets as far as reading this
    result = machine.run(name, *words, input=REPORT)
    assert result.code == 64, result.text
    assert "\x1b" not in result.text and "\x01" not in result.text
    assert len(result.lines) >= 1 and all(line.startswith(f"{name}: ") for line in result.lines)


# -- the state a caller leaves us in

@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2), (0,)])
def test_closed_descriptors(account, machine, closed):
    def close():
        for fd in closed:
            os.close(fd)
    result = machine.sendmail("you@example.net", before=close)
    assert result.code == 0
    assert account.message
    if 0 not in closed:
        assert account.message.body == b"all is well\r\n"


def test_closed_descriptors_and_an_error(machine):
    machine.configure("broken\n")
    assert machine.sendmail("x@example.net", before=lambda: os.close(2)).code == 78


def test_nobody_reads_our_stderr(machine):
    machine.configure("broken\n")
    reader, writer = os.pipe()
    os.close(reader)
    assert machine.sendmail("x@example.net", before=lambda: os.dup2(writer, 2)).code == 78
    os.close(writer)


def test_nobody_reads_our_stdout(account, machine):
    reader, writer = os.pipe()
    os.close(reader)
    result = machine.run("onehop", "-v", "you@example.net", input=REPORT,
                         before=lambda: os.dup2(writer, 1))
    os.close(writer)
    assert account.message
    assert result.code == 0


def test_an_ignored_sigchld(serve, machine):
    import signal
    provider = machine.use(serve(), password=None, password_command="echo s3cret")
    machine.delivers("you@example.net",
                     before=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert provider.message


def test_an_empty_environment(account, machine):
    machine.configure_system(machine.user_file.read_text())
    machine.delivers("you@example.net", environment={name: None for name in (
        "PATH", "HOME", "LC_ALL", "TZ", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMPDIR")})
    assert account.message


def test_a_umask_and_a_directory_of_any_kind(account, machine):
    def odd():
        os.umask(0o777)
        os.chdir("/proc")
    machine.delivers("you@example.net", input=REPORT + b"x\n" * 2_000_000, before=odd)
    assert account.message


# -- other names, other modes

def test_verifying_says_where_mail_would_go_and_sends_none(serve, machine):
    provider = machine.use(serve())
    result = machine.run("onehop", "-bv", "you@example.net", "root")
    assert (result.code, result.text) == (0, "")
    server = f"127.0.0.1:{provider.port}"
    assert result.out.decode() == (
        f"you@example.net: account work, server {server}, sender <me@example.com>\n"
        f"me@example.com: account work, server {server}, sender <me@example.com>\n")
    assert provider.connections == []
    assert machine.run("onehop", "-bv").code == 64
    assert machine.run("onehop", "-bv", "-f", "x@qq.example", "y@example.net").code == 78


def test_the_queue_is_empty(machine):
    result = machine.run("mailq")
    assert (result.code, result.out, result.text) == (0, b"Mail queue is empty\n", "")
    assert machine.run("sendmail", "-bp").out == b"Mail queue is empty\n"


@pytest.mark.parametrize("name, words", [("newaliases", []), ("sendmail", ["-bi"]),
                                         ("sendmail", ["-I"]), ("sendmail", ["-bh"])])
def test_newaliases_and_host_status(machine, name, words):
    assert machine.run(name, *words).code == 0


@pytest.mark.parametrize("name, words", [("onehop", ["--version"]), ("sendmail", ["-bV"]),
                                         ("onehop", ["-d0.1"]), ("onehopctl", ["version"])])
def test_the_version(machine, name, words):
    result = machine.run(name, *words)
    assert (result.code, result.text) == (0, "")
    assert result.shown.startswith("onehop ")


@needs_msmtp
@pytest.mark.parametrize("words", [["--version"], ["-d0.1"]])
def test_the_version_as_msmtp(machine, words):
    result = machine.run("msmtp", *words)
    assert (result.code, result.text) == (0, "")
    assert result.shown.startswith("msmtp version 1.8.33 (onehop ")


def test_help(machine):
    result = machine.run("onehop", "--help")
    assert result.code == 0
    for word in ("--read-recipients", "--account", "--host"):
        assert word in result.shown
    for page in glob.glob("onehop*.[1-8]", root_dir=os.path.join(SOURCE, "doc")):
        name, _, section = page.rpartition(".")
        assert f"{name}({section})" in result.shown


def test_check_goes_as_far_as_the_login(account, machine):
    result = machine.run("onehopctl", "check", "work")
    assert result.code == 0, result.text + result.shown
    assert account.connection.logged_in
    assert account.connection.messages == []
    assert "s3cret" not in result.shown


@pytest.mark.parametrize("lacks, said", [
    ([], "  ok   processes are confined by Landlock and seccomp"),
    (["landlock_create_ruleset"], "  --   processes are not confined by Landlock: the kernel does not offer it"),
    (["landlock_create_ruleset", "prctl"],
     "  --   processes are not confined by Landlock/seccomp: the kernel does not offer it"),
], ids=str)
def test_check_says_which_fences_the_kernel_has(account, machine, lacks, said):
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("NOT TESTED: no strace")
    words = [word for name in lacks for word in ("-e", f"inject={name}:error=EINVAL")]
    done = subprocess.run([strace, "-o", machine.directory / "trace", *words, machine.programs / "onehopctl", "check"],
                          env=machine.environment(ASAN_OPTIONS="detect_leaks=0"), capture_output=True, text=True)
    if not lacks and "the kernel does not offer it" in done.stdout:
        pytest.skip("NOT TESTED: this kernel has not both: " + done.stdout)
    assert said in done.stdout.splitlines()


def test_check_says_which_account_is_not_confined(serve, machine):
    machine.use(serve(), auth="gssapi")
    said = "  --   deliveries of this account are not confined: the login method reads files of its own"
    assert said in machine.run("onehopctl", "check").shown.splitlines()


def test_check_tells_what_is_wrong(serve, machine):
    machine.use(serve(certificate="expired"))
    result = machine.run("onehopctl", "check")
    assert result.code != 0
    assert "expired" in result.shown + result.text


def test_providers_are_listed(machine):
    result = machine.run("onehopctl", "providers")
    assert result.code == 0
    assert "163.com" in result.shown and "smtp.163.com" in result.shown
