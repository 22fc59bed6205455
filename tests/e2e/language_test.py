"""What a person reads is in the person's language; what a program reads is English."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from machine import binary, built
from service import ALICE, become, needs_root
from spool import Spool, message

CATALOGUES = Path(built("po"))
GERMANY = Path("/usr/share/i18n/locales/de_DE")
GERMAN, CHINESE = {"LANGUAGE": "de"}, {"LANGUAGE": "zh_CN"}
MAIL = message("x", "hello")

pytestmark = pytest.mark.skipif(
    not (CATALOGUES / "de.mo").exists(),
    reason="NOT TESTED: no catalogue was built (--disable-nls, or no msgfmt; Debian: gettext)")


def install_catalogues(root):
    for language in ("de", "zh_CN"):
        place = root / "locale" / language / "LC_MESSAGES"
        place.mkdir(parents=True)
        shutil.copy(CATALOGUES / f"{language}.mo", place / "onehop.mo")


@pytest.fixture
def machine(machine):
    """Its locale is C.UTF-8, where LANGUAGE counts; musl's libc knows no such locale of texts."""
    install_catalogues(machine.root)
    if "Verb" not in machine.run("onehopctl", "x", environment=GERMAN).text:
        pytest.skip("NOT TESTED: libc shows no translations in the locale C.UTF-8")
    return machine


@pytest.fixture
def spool(machine):
    return Spool(machine)


@pytest.mark.parametrize("language, shown", [
    (GERMAN, "der Server hat den Empfänger <you@example.net> abgelehnt"),
    (CHINESE, "服务器拒绝了收件人 <you@example.net>"),
], ids=["de", "zh_CN"])
def test_an_error_is_shown_in_the_callers_language_and_logged_in_english(serve, machine, language,
                                                                         shown):
    machine.use(serve(rcpt="550 5.1.1 nobody here"))
    result = machine.sendmail("you@example.net", input=MAIL, environment=language)
    assert result.code == 67 and f"sendmail: {shown}\n" in result.text
    assert "550 5.1.1 nobody here" in result.text
    log = machine.log.read_text()
    assert "errormsg='the server refused the recipient <you@example.net>'" in log
    assert log.isascii()


def test_context_and_reason_are_both_in_the_language(machine):
    machine.configure("[account work]\ntiemout = 5\n")
    result = machine.run("onehop", "-P", input=MAIL, environment=GERMAN)
    assert result.text == (f"onehop: {machine.user_file}:2: unbekannter Schlüssel »tiemout«: "
                           "ist »timeout« gemeint?\n")


@pytest.mark.parametrize("count, german, chinese", [
    (1, "1 Nachricht gesendet, 0 warten\n", "已发出 1 封邮件, 0 封等待中\n"),
    (2, "2 Nachrichten gesendet, 0 warten\n", "已发出 2 封邮件, 0 封等待中\n"),
])
def test_a_number_chooses_the_form(serve, spool, count, german, chinese):
    spool.use(serve())
    for language, said in ((GERMAN, german), (CHINESE, chinese)):
        for _ in range(count):
            spool.queues("you@example.net")
        assert spool.run("onehopctl", "flush", environment=language).shown == said


@pytest.mark.parametrize("trouble", [{"certificate": "expired"}, {"tls": "none"}, {"users": {}}],
                         ids=lambda words: next(iter(words)))
def test_a_confined_worker_needs_no_catalogue_any_more(serve, spool, trouble):
    spool.use(serve(**trouble), tls="on", tls_trust_file=spool.machine.authority.trust, auth="on",
              user="me@example.com", password="wrong")
    shown = spool.tries("you@example.net", environment=GERMAN).text
    assert "Warteschlange" in shown and "the server" not in shown, shown
    spool.queues("you@example.net")
    assert spool.run("onehopctl", "flush", environment=GERMAN).shown.startswith(
        "0 Nachrichten gesendet, 2 warten: ")


@pytest.mark.parametrize("words, shown", [
    (("onehop", "--help"), "den Dialog mit dem Server zeigen"),
    (("onehopctl", "help"), "die bekannten Anbieter auflisten"),
    (("onehopctl", "check"), "es gibt kein Konto"),
])
def test_help_and_reports_are_in_the_language(machine, words, shown):
    result = machine.run(*words, environment=GERMAN)
    assert shown in result.shown + result.text


def test_what_programs_read_is_english(serve, spool):
    spool.use(serve(rcpt="450 4.2.0 later"), logfile=None)
    spool.tries("you@example.net", environment=GERMAN)
    id = spool.ids()[0]
    for call in (("mailq",), ("onehopctl", "queue", "--json"), ("onehopctl", "show", id),
                 ("onehop", "-P"), ("onehopctl", "help", "keys"), ("onehop", "--version"),
                 ("onehopctl", "providers", "--json"), ("onehop", "--configure", "me@163.com")):
        calls = [spool.run(*call, input=MAIL, environment=language).out for language in ({}, GERMAN)]
        assert calls[0] == calls[1], call


def test_smtp_is_english(serve, machine):
    machine.use(serve(rcpt="550 5.1.1 nobody here"))
    said = b"EHLO x\r\nMAIL FROM:<me@example.com>\r\nRCPT TO:<you@example.net>\r\nDATA\r\n"
    said += MAIL.replace(b"\n", b"\r\n") + b".\r\nQUIT\r\n"
    result = machine.run("sendmail", "-bs", input=said, environment=GERMAN)
    assert b"the server refused the recipient" in result.out and result.out.isascii()


@pytest.mark.parametrize("environment", [
    {"LC_ALL": "C", **GERMAN},
    {"LC_ALL": "POSIX", **GERMAN},
    {"LC_ALL": None, "LANG": None, **GERMAN},
    {"LANGUAGE": "fr"},
    {"LANGUAGE": "../locale/de"},
    {"LANGUAGE": "/tmp:de"},
    {"LC_ALL": "no_SUCH.UTF-8", **GERMAN},
    {"LC_ALL": "../../C.UTF-8", **GERMAN},
], ids=lambda value: ",".join(f"{name}={text}" for name, text in value.items()))
def test_everything_else_is_english(machine, environment):
    result = machine.run("onehopctl", "x", environment=environment)
    assert result.text == "onehopctl: there is no verb 'x'; `onehopctl help` lists them\n"


@needs_root
@pytest.mark.parametrize("variable", ["LOCPATH", "GCONV_PATH"])
def test_root_opens_no_locale_of_its_callers(machine, variable):
    result = machine.run("onehopctl", "x", environment={**GERMAN, variable: str(machine.home)})
    assert result.text.startswith("onehopctl: there is no verb 'x'")


@needs_root
def test_a_locale_of_the_language_needs_no_language_variable():
    """As an ordinary user: root's LOCPATH is not followed."""
    with tempfile.TemporaryDirectory(prefix="onehop-", dir="/tmp") as directory:
        root = Path(directory)
        root.chmod(0o755)
        if not shutil.which("localedef") or not GERMANY.exists():
            pytest.skip("NOT TESTED: localedef or its sources are missing (Debian: locales)")
        (root / "source").write_text(re.sub(  # it is the order of words that takes long
            "^LC_COLLATE$.*?^END LC_COLLATE$", 'LC_COLLATE\ncopy "POSIX"\nEND LC_COLLATE', GERMANY.read_text(),
            flags=re.M | re.S))
        subprocess.run(["localedef", "--no-archive", "-i", root / "source", "-f", "UTF-8", root / "de_DE.UTF-8"],
                       capture_output=True)
        assert (root / "de_DE.UTF-8").exists()
        install_catalogues(root)
        shutil.copy(binary(), root / "onehopctl")
        (root / "onehopctl").chmod(0o755)
        before = become(ALICE)
        result = subprocess.run(
            [*before, str(root / "onehopctl"), "x"], capture_output=True, text=True, cwd="/",
            encoding="utf-8", env={"PATH": "/usr/bin:/bin", "LANG": "de_DE.UTF-8", "LOCPATH": directory,
                                   "ONEHOP_TEST_ROOT": directory, "HOME": "/nonexistent",
                                   **{name: os.environ[name] for name in ("ASAN_OPTIONS",)
                                      if name in os.environ}})
        assert result.stderr == ("onehopctl: ein Verb »x« gibt es nicht; `onehopctl help` listet alle "
                                 "auf\n")
