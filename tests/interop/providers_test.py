"""Our sendmail against real servers, called directly: logins, refusals, failover."""

import re
import secrets

EX_OK, EX_NOUSER, EX_TEMPFAIL, EX_NOPERM = 0, 67, 75, 77


def mail(subject, body="text\n", **fields):
    fields = {"From": "root", "To": "bob@mail.test", **fields}
    return "".join(f"{k}: {v}\n" for k, v in fields.items()) + f"Subject: {subject}\n\n{body}"


def send(callers, *argv, check=True, **kwargs):
    done = callers.run("/usr/sbin/sendmail", *argv, check=check, **kwargs)
    assert done.stdout == ""
    return done


def send_through(account, callers, text, check=True):
    """By an account of the file that sendmail, as such, does not look at."""
    return callers.run("onehop", "-C", "/etc/onehop/more.ini", "-a", account, "-t", input=text,
                       check=check)


def test_session_is_encrypted_and_logged_in(callers, postfix):
    send(callers, "-t", input=mail("secure session"))
    postfix.wait("secure session")
    log = postfix.log()
    assert re.search(r"TLS connection established from \S+: TLSv1\.3", log)
    assert "sasl_username=reports" in log


def test_large_message_is_unchanged(callers, postfix):
    body = "".join(f"{n}: {secrets.token_urlsafe(600)}\n.{n}\n" for n in range(6000))
    send(callers, "bob@mail.test", input=mail("large one", body))
    assert postfix.wait("large one").body == body.encode()


def test_eight_bit_text_is_unchanged(callers, exim):
    body = "".join(chr(c) for c in range(0xA1, 0x250)) + "\n"
    fields = {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8",
              "Content-Transfer-Encoding": "8bit", "To": "bob@second.test"}
    send_through("pair", callers, mail("eight bits", body, **fields))
    assert exim.wait("eight bits").body == body.encode()


def test_wrong_password_is_77_and_nothing_arrives(callers, postfix):
    done = send_through("wrong", callers, mail("wrong password"), check=False)
    assert done.returncode == EX_NOPERM
    assert "535" in done.stderr
    assert "guess" not in done.stderr
    send(callers, "-t", input=mail("after the refused login"))
    postfix.wait("after the refused login")
    assert postfix.find("wrong password") == []


def test_unknown_recipient_is_67_and_the_other_gets_it(callers, postfix):
    done = send(callers, "-t", check=False,
                input=mail("one of two", To="nobody-here@mail.test, bob@mail.test"))
    assert done.returncode == EX_NOUSER
    assert "nobody-here@mail.test" in done.stderr
    assert postfix.wait("one of two")["X-Original-To"] == "bob@mail.test"


def test_sender_nobody_serves_leaves_as_the_machines_only_account(callers, postfix):
    send(callers, "-t", input=mail("foreign", From="x@unknown.example"))
    assert "unknown.example" not in postfix.wait("foreign")["Return-Path"]


def test_untrusted_certificate_is_refused(callers, postfix):
    callers.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=another authority",
                "-keyout", "/dev/null", "-out", "/etc/untrusted.pem")
    done = callers.run("onehop", "--host=mail.test", "--port=587", "--tls=on", "--tls-trust-file=/etc/untrusted.pem",
                       "--from=carol@mail.test", "bob@mail.test", input=mail("untrusted"),
                       check=False)
    assert done.returncode != EX_OK
    assert "certificate" in done.stderr.lower()


def test_first_server_stops_half_way_and_the_second_takes_over(callers, postfix, exim):
    for n in range(10):
        if n == 5:
            exim.stop()
        send_through("pair", callers, mail(f"failover {n}."))
    for n in range(10):
        (exim if n < 5 else postfix).wait(f"failover {n}.")
        assert (postfix if n < 5 else exim).find(f"failover {n}.") == []
    exim.start()  # cron's first mail may still be to come
