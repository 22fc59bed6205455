"""sendmail -bs: programs that speak SMTP to sendmail on its standard input and output."""

import subprocess

import pytest

# What was said by each: strict CRLF, LF only, several messages over one process.
SYMFONY = ("EHLO [127.0.0.1]\r\n", "MAIL FROM:<shop@example.com>\r\n",
           "RCPT TO:<you@example.net>\r\n", "DATA\r\n",
           "From: Shop <shop@example.com>\r\nTo: you@example.net\r\nSubject: order\r\n\r\n"
           "one\r\n..two\r\n.\r\n")
ALPINE = ("EHLO web1\n", "MAIL FROM:<shop@example.com> BODY=8BITMIME\n",
          "RCPT TO:<you@example.net>\n", "DATA\n",
          "From: shop@example.com\nTo: you@example.net\n\none\n..two\n.\n")
CODES = (250, 250, 250, 354, 250)


class Dialogue:
    """Speaks line by line, as such programs do: each waits for its reply."""

    def __init__(self, machine, *words, name="sendmail", before=None, environment=None):
        self.process = subprocess.Popen(
            [str(machine.programs / name), "-bs", *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=machine.directory,
            preexec_fn=before, env=machine.environment(**(environment or {})))
        self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.process.stdout.readline().decode()
            assert line.endswith("\r\n"), (line, self.process.stderr.read())
            lines.append(line.rstrip())
            if line[3:4] == " ":
                self.last = "\n".join(lines)
                return int(line[:3])

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()
        return self.reply()

    def submits(self, *recipients, sender="me@example.com", content="Subject: x\r\n\r\nx\r\n"):
        """A message to RECIPIENTS, paths with their parameters. The code of the reply to its content."""
        for text in ("EHLO x", f"MAIL FROM:<{sender}>", *(f"RCPT TO:{recipient}" for recipient in recipients)):
            assert self.say(text + "\r\n") == 250
        assert self.say("DATA\r\n") == 354
        return self.say(content + ".\r\n")

    def end(self):
        out, err = self.process.communicate(timeout=60)
        assert b"Sanitizer" not in err, err
        return self.process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("words", [SYMFONY, ALPINE], ids=["symfony", "alpine"])
def test_a_dialogue_sends_a_message(machine, serve, words):
    provider = machine.use(serve(), queue="on")
    talk = Dialogue(machine)
    assert talk.last.startswith("220 ")
    assert tuple(talk.say(text) for text in words) == CODES
    assert talk.say("QUIT\r\n") == 221
    assert talk.end() == (0, "", "")
    (message,) = provider.messages
    assert message.body == b"one\r\n.two\r\n"
    assert b"you@example.net" in message.header


def test_a_line_longer_than_any_buffer_is_a_message_all_the_same(machine, serve):
    provider = machine.use(serve(), queue="on")
    talk = Dialogue(machine)
    content = "Subject: long\r\n\r\n" + "x" * 70_000 + "\r\n.\r\n"
    words = [*SYMFONY[:4], content]
    assert tuple(talk.say(text) for text in words) == CODES
    assert talk.say("QUIT\r\n") == 221
    assert talk.end() == (0, "", "")
    assert b"".join(provider.message.body.split()) == b"x" * 70_000


def test_two_messages_over_one_process(machine, serve):
    provider = machine.use(serve(), queue="on")
    talk = Dialogue(machine)
    for words in (SYMFONY, SYMFONY[1:]):
        for text in words:
            assert talk.say(text) in (250, 354)
    assert talk.end()[0] == 0  # a program that just closes its end is no trouble
    assert len(provider.messages) == 2


def test_an_answer_of_250_means_that_it_is_in_the_spool(machine, serve):
    machine.use(serve(), queue="on", delivery_mode="queue")
    talk = Dialogue(machine)
    for text, code in zip(SYMFONY, CODES):
        assert talk.say(text) == code
    entries = list((machine.home / ".local/state/onehop/queue").iterdir())
    assert len(entries) == 1 and entries[0].name in talk.last
    assert b"one\r\n.two\r\n" in entries[0].read_bytes()
    talk.process.kill()
    talk.end()


def test_a_message_cut_short_is_not_taken(machine, serve):
    machine.use(serve(), queue="on", delivery_mode="queue")
    talk = Dialogue(machine)
    for text in SYMFONY[:4]:
        talk.say(text)
    talk.process.stdin.write(b"Subject: half\r\n\r\nof it\r\n")
    talk.end()
    spool = machine.home / ".local/state/onehop"
    assert not spool.exists() or (list((spool / "queue").iterdir()) == []
                                  and list((spool / "tmp").iterdir()) == [])


def test_the_providers_refusal_is_the_reply(machine, serve):
    provider = serve(rcpt="550 5.1.1 nobody here")
    machine.use(provider, queue="on")
    talk = Dialogue(machine)
    codes = [talk.say(text) for text in SYMFONY]
    assert codes == [250, 250, 250, 354, 550]
    assert "5.1.1" in talk.last and "nobody here" in talk.last
    assert talk.say("QUIT\r\n") == 221
    talk.end()


def test_a_sender_that_nothing_serves_is_refused_with_the_reason(machine, serve):
    machine.use(serve(), queue="on")
    talk = Dialogue(machine)
    assert talk.submits("<you@example.net>", sender="me@qq.com", content="From: me@qq.com\r\n\r\nx\r\n") == 550
    assert "no account serves senders at qq.com" in talk.last
    assert talk.say("RSET\r\n") == 250
    talk.end()


def test_bcc_goes_and_recipients_are_those_of_the_dialogue(machine, serve):
    provider = machine.use(serve(), queue="on")
    talk = Dialogue(machine, "-t", "-i")
    for text in SYMFONY[:3] + ("RCPT TO:<hidden@example.net>\r\n", "DATA\r\n"):
        talk.say(text)
    assert talk.say("From: shop@example.com\r\nTo: you@example.net\r\nCc: else@example.net\r\n"
                    "Bcc: hidden@example.net\r\n\r\nx\r\n.\r\n") == 250
    talk.end()
    (message,) = provider.messages
    assert b"Bcc" not in message.header
    assert len(message.recipients) == 2


def test_each_message_of_a_dialogue_has_its_own_sender(machine, serve):
    provider = machine.use(serve(), queue="on", rewrite_from="off", allow_from_override="off",
                           **{"from": "%F"})
    talk = Dialogue(machine)
    talk.say("EHLO x\r\n")
    for name in ("first", "second"):
        for line in ("MAIL FROM:<x@example.com>\r\n", "RCPT TO:<you@example.net>\r\n", "DATA\r\n",
                     f"From: {name}@example.com\r\n\r\nhi\r\n.\r\n"):
            talk.say(line)
    talk.say("QUIT\r\n")
    assert talk.end() == (0, "", "")
    assert [m.sender for m in provider.messages] == ["first@example.com", "second@example.com"]


ASKING = ("EHLO [127.0.0.1]\r\n", "MAIL FROM:<shop@example.com> RET=HDRS\r\n",
          "RCPT TO:<list@example.net> NOTIFY=NEVER ORCPT=rfc822;old+2B1@example.net\r\n",
          "RCPT TO:<boss@example.net> NOTIFY=SUCCESS,FAILURE\r\n",
          "RCPT TO:<you@example.net>\r\n", "DATA\r\n", "Subject: a\r\n\r\nb\r\n.\r\n")
ASKED = {"list@example.net": ["NOTIFY=NEVER", "ORCPT=rfc822;old+2B1@example.net"],
         "boss@example.net": ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;boss@example.net"],
         "you@example.net": []}


@pytest.mark.parametrize("mode", ["interactive", "queue"])
def test_notify_and_orcpt_belong_to_one_recipient(machine, serve, mode):
    provider = machine.use(serve(), queue="on", delivery_mode=mode)
    talk = Dialogue(machine)
    assert [talk.say(text) for text in ASKING] == [250] * 5 + [354, 250]
    talk.end()
    assert machine.sendmail("-q").code == 0
    assert provider.message.recipient_parameters == ASKED


def test_what_the_account_asks_for_is_for_recipients_that_say_nothing(machine, serve):
    provider = machine.use(serve(), dsn_notify="delay")
    talk = Dialogue(machine)
    assert [talk.say(text) for text in ASKING] == [250] * 5 + [354, 250]
    talk.end()
    assert provider.message.recipient_parameters == ASKED | {
        "you@example.net": ["NOTIFY=DELAY", "ORCPT=rfc822;you@example.net"]}


@pytest.mark.parametrize("end", ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\n"])
def test_a_caller_that_speaks_crlf_passes_on_one_message(machine, serve, end):
    """SMTP smuggling: the content was written by someone else."""
    provider = machine.use(serve(), queue="on")
    talk = Dialogue(machine)
    for text in SYMFONY[:4]:
        talk.say(text)
    assert talk.say(f"Subject: a\r\n\r\ntext{end}MAIL FROM:<evil@example.com>\r\n"
                    "RCPT TO:<victim@example.net>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\n") == 250
    assert talk.say("QUIT\r\n") == 221
    assert talk.end() == (0, "", "")
    (message,) = provider.messages
    assert message.recipients == ["you@example.net"] and b"victim" in message.body
