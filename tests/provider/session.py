"""One conversation: a sane submission server, except where an answer was written for a step.

Steps: greeting, ehlo, helo, lhlo, starttls, auth, mail, rcpt, data, content_begins (before the
first octet of content is read), bdat (a chunk that is not the last), content (the reply to all of
it), rset, noop, quit.
"""

import base64
import hashlib
import hmac
import re
import ssl

from . import dialogue
from .record import Group, Message
from .wire import Gone, Wire

COMMAND_MAX = 12288  # octets of a line of the AUTH exchange (RFC 4954 4)
AUTH_MAX = 512  # of the AUTH command itself
MECHANISMS_WITH_INITIAL_RESPONSE = ("PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")


class Hangup(Exception):
    """We leave."""


class Session:
    def __init__(self, provider, sock, record):
        self.p = provider
        self.record = record
        self.wire = Wire(sock)
        self.wire.on_segment = self.segment
        self.message = None
        self.mails, self.domains = 0, set()
        self.occurred = {}
        self.said = b""          # the last answer

    # -- the record

    def segment(self, size, new_turn):
        if new_turn:
            self.record.groups.append(Group(""))
        self.record.groups[-1].segments.append(size)

    def phase(self, name):
        if self.record.groups and not self.record.groups[-1].phase:
            self.record.groups[-1].phase = name

    def send(self, octets):
        if not self.wire.spoke and self.record.groups:
            self.record.turnarounds[self.record.groups[-1].phase] += 1
        self.record.replies.append(octets)
        self.wire.send(octets)

    def wrong(self, what):
        self.record.violations.append(what)

    # -- running

    def run(self):
        rst = False
        try:
            if not self.p.unix:
                self.record.turnarounds["connect"] += 1
            if self.p.tls == "implicit":
                self.secure()
            if self.p.script is not None:
                self.play(dialogue.script(self.p.script))
            else:
                self.serve()
        except Gone as gone:
            self.record.ended = self.record.ended or str(gone)
        except Hangup as hangup:
            self.record.ended = self.record.ended or "closed"
            rst = str(hangup) == "reset"
        except ssl.SSLError as problem:
            self.record.tls_failure = str(problem)
        except TimeoutError:
            self.record.ended = "stuck"
            self.wrong("the client neither speaks nor leaves")
        finally:
            self.wire.close(rst)

    def secure(self):
        context = self.p.context()
        context.sni_callback = self.note_server_name
        self.record.tls = self.wire.start_tls(context)
        self.record.turnarounds["tls"] += 1 if self.record.tls == "TLSv1.3" else 2

    def note_server_name(self, _tls, name, _context):
        self.record.server_name = name or ""

    def act(self, answer):
        """Performs an answer. True if it said something and the session goes on."""
        for action in dialogue.actions(answer):
            if isinstance(action, dialogue.Say):
                self.send(action.octets)
            elif isinstance(action, dialogue.Drip):
                for i in range(len(action.octets)):
                    self.send(action.octets[i:i + 1])
                    self.p.stopping.wait(action.pause)
            elif isinstance(action, dialogue.Endless):
                while True:
                    self.send(action.octets * 64)
            elif action.name == "tls":
                self.secure()
            elif action.name == "silence":
                self.wire.until_gone()
            else:
                raise Hangup(action.name)

    def play(self, actions):
        self.record.turnarounds["greeting"] += 1
        for action in actions:
            if not isinstance(action, dialogue.Expect):
                self.act(action)
            elif action.word == ".":
                while self.wire.line() != b".\r\n":
                    self.phase("content")
            else:
                line = self.command()
                if action.word != "*" and not line.upper().startswith(action.word.upper()):
                    self.wrong(f"the script waits for {action.word}, the client says {line!r}")
                    raise Hangup("close")
        while True:
            self.command()

    def command(self):
        raw = self.wire.line()
        if not raw.endswith(b"\r\n") or b"\r" in raw[:-2] or b"\0" in raw:
            self.wrong(f"a command with stray octets: {raw!r}")
        if len(raw) > COMMAND_MAX:
            self.wrong(f"a command of {len(raw)} octets")
        line = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        if len(raw) > AUTH_MAX and line[:5].upper() == "AUTH ":
            self.wrong(f"an AUTH command of {len(raw)} octets")
        self.record.lines.append(line)
        self.phase(re.split("[ :]", line)[0].lower())
        return line

    # -- the sane server

    def answer(self, step, usual, key=None):
        """Gives the answer written for STEP, else the USUAL one, and keeps it in `said`. True if it
        was the usual one, or a whole reply that lets the session go on."""
        written = self.p.answers.get(step)
        if callable(written):
            written = written(key)
        if isinstance(written, dict):
            written = written.get(key)
        if isinstance(written, dialogue.InTurn):
            n = self.occurred.get(step, 0)
            self.occurred[step] = n + 1
            written = written.answers[min(n, len(written.answers) - 1)]
        self.said = b""
        before = len(self.record.replies)
        try:
            if written is not None:
                self.act(written)
            elif usual:
                self.send(dialogue.octets(usual))
        finally:
            self.said = b"".join(self.record.replies[before:])
        return written is None or self.is_reply(b"[23]")

    def is_reply(self, code):
        """True if what was said begins with a whole reply whose code begins so."""
        return re.match(rb"(?:(%s\d\d)-[^\n]*\n(?=\1))*%s\d\d(?:[ \r][^\n]*)?\n"
                        % (code, code), self.said) is not None

    def serve(self):
        self.record.turnarounds["greeting"] += 1
        self.answer("greeting", f"220 {self.p.name} ESMTP")
        while True:
            line = self.command()
            verb = re.split("[ :]", line)[0].upper()
            if self.wire.buffer and verb in ("EHLO", "LHLO", "STARTTLS", "DATA", "QUIT", "NOOP"):
                self.wrong(f"something was sent behind {verb}: {bytes(self.wire.buffer[:80])!r}")
            elif self.wire.buffer and verb != "BDAT" and "PIPELINING" not in self.offers():
                self.wrong(f"pipelining behind {verb} was not announced")
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler is None:
                self.wrong(f"unknown command {line!r}")
                self.send(b"500 5.5.2 what?\r\n")
            else:
                handler(line[len(verb):].lstrip(" :") if verb not in ("MAIL", "RCPT") else line)

    def offers(self):
        p = self.p
        words = ["PIPELINING", f"SIZE {p.size}", "8BITMIME", "SMTPUTF8", "DSN",
                 "ENHANCEDSTATUSCODES", "CHUNKING"]
        if p.tls == "starttls" and not self.record.tls:
            words.append("STARTTLS")
        if p.mechanisms and (self.record.tls or p.tls == "none" or p.auth_before_tls):
            words.append("AUTH " + p.mechanisms)
        gone = [w.upper() for w in p.without]
        words = [w for w in words if w.split(" ")[0] not in gone]
        return words + list(p.extra)

    def offered(self, word):
        return any(w.split(" ")[0].upper() == word for w in self.offers())

    def on_ehlo(self, argument, step="ehlo"):
        self.record.hello = argument
        self.message = None
        self.answer(step, "250 " + "\n250 ".join([self.p.name] + self.offers()))

    def on_lhlo(self, argument):
        self.on_ehlo(argument, "lhlo")

    def on_helo(self, argument):
        self.record.hello = argument
        self.answer("helo", f"250 {self.p.name}")

    def on_starttls(self, _argument):
        if not self.offered("STARTTLS"):
            self.wrong("STARTTLS was not announced")
        if self.answer("starttls", "220 2.0.0 go ahead"):
            self.secure()

    def on_noop(self, _argument):
        self.answer("noop", "250 2.0.0 ok")

    def on_rset(self, _argument):
        self.message = None
        self.answer("rset", "250 2.0.0 ok")

    def on_quit(self, _argument):
        self.record.ended = "quit"
        if self.p.watch_quit and not self.wire.readable(1):
            self.record.waited_for_221 = True
        elif self.p.watch_quit:
            self.record.waited_for_221 = False
            self.wire.until_gone()
        self.wire.spoke = True  # what follows costs nobody a round trip
        self.answer("quit", "221 2.0.0 bye")
        raise Hangup("close")

    # -- AUTH (RFC 4954)

    def on_auth(self, argument):
        mechanism, _, initial = argument.partition(" ")
        mechanism = mechanism.upper()
        self.record.mechanism = mechanism
        if not self.offered("AUTH"):
            self.wrong("AUTH was not announced")
        if mechanism not in self.p.mechanisms.split():
            self.wrong(f"AUTH {mechanism} was not announced")
        if mechanism == "CRAM-MD5" or mechanism.startswith("SCRAM-"):
            user = self.prove(mechanism, initial)
            self.record.user, self.record.logged_in = user, self.answer(
                "auth", "235 2.7.0 welcome" if user else "535 5.7.8 wrong") and bool(user)
            return
        if mechanism == "LOGIN":
            if initial:
                self.wrong("AUTH LOGIN takes no initial response")
            user = self.challenge(b"Username:")
            password = self.challenge(b"Password:")
        else:
            response = base64.b64decode(initial) if initial not in ("", "=") else \
                b"" if initial else self.challenge(b"")
            user, password = self.credentials(mechanism, response)
        self.record.user, self.record.password = user, password
        right = mechanism == "EXTERNAL" or self.p.users.get(user) == password
        if "auth" not in self.p.answers and not right and mechanism in ("XOAUTH2", "OAUTHBEARER"):
            self.challenge(b'{"status":"400"}')  # RFC 7628 3.2.2
        usual = "235 2.7.0 welcome" if right else "535 5.7.8 wrong user or password"
        self.record.logged_in = self.answer("auth", usual) and right

    def challenge(self, text):
        self.send(b"334 " + base64.b64encode(text) + b"\r\n")
        line = self.wire.line().rstrip(b"\r\n")
        self.phase("auth")
        decoded = base64.b64decode(line)
        return decoded if text in (b"",) or text[:1] == b"{" else decoded.decode("utf-8")

    def prove(self, mechanism, initial):
        """CRAM-MD5 (RFC 2195) or SCRAM (RFC 5802): the user, or None where the proof is wrong."""
        if mechanism == "CRAM-MD5":
            user, _, proof = self.challenge(b"<1.2@example>").rpartition(" ")
            right = hmac.new(self.p.users.get(user, "").encode(), b"<1.2@example>", "md5")
            return user if hmac.compare_digest(right.hexdigest(), proof) else None
        name = "sha256" if "256" in mechanism else "sha1"
        first = base64.b64decode(initial) if initial else self.challenge(b"")
        head, _, bare = first.partition(b",,")
        fields = dict(part.split(b"=", 1) for part in bare.split(b","))
        user = fields[b"n"].decode()
        server = b"r=" + fields[b"r"] + b"xyz,s=" + base64.b64encode(b"salt") + b",i=4096"
        final = self.challenge(server).encode()
        without, _, proof = final.partition(b",p=")
        salted = hashlib.pbkdf2_hmac(name, self.p.users.get(user, "").encode(), b"salt", 4096)
        key = hmac.digest(salted, b"Client Key", name)
        both = b",".join((bare, server, without))
        signature = hmac.digest(hashlib.new(name, key).digest(), both, name)
        if bytes(a ^ b for a, b in zip(key, signature)) != base64.b64decode(proof):
            return None
        if mechanism.endswith("-PLUS") != (head[:2] == b"p="):
            self.wrong(f"{mechanism} with {head!r}")
        self.record.binding = head.decode().partition("=")[2] if head[:2] == b"p=" else ""
        if head == b"p=tls-unique":
            bound = base64.b64encode(head + b",," + self.wire.tls.get_channel_binding("tls-unique"))
            if without.split(b",")[0] != b"c=" + bound:
                return None
        proven = hmac.digest(hmac.digest(salted, b"Server Key", name), both, name)
        self.challenge(b"v=" + base64.b64encode(proven))
        return user

    def credentials(self, mechanism, response):
        if mechanism == "PLAIN":
            _, user, password = response.split(b"\0")
            return user.decode(), password.decode()
        if mechanism == "EXTERNAL":
            return response.decode(), ""
        fields = response.decode().split("\1")
        token = next(f for f in fields if f.startswith("auth=Bearer "))[len("auth=Bearer "):]
        if mechanism == "XOAUTH2":
            return fields[0][len("user="):], token
        return re.search("a=([^,]*)", fields[0]).group(1), token

    # -- a transaction

    def path(self, line, word):
        """("address", ["PARAMETER", ...]) of a MAIL or RCPT line."""
        match = re.fullmatch(r"%s:<(.*?)>((?: \S+)*)" % word, line, re.I | re.S)
        if not match:
            self.wrong(f"not a {word}: {line!r}")
            return "", []
        address, parameters = match.group(1), match.group(2).split()
        for parameter in parameters:
            needs = {"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN",
                     "REQUIRETLS": "REQUIRETLS", "ENVID": "DSN", "NOTIFY": "DSN", "ORCPT": "DSN"}.get(parameter.split("=")[0].upper())
            if needs is None or not self.offered(needs):
                self.wrong(f"{parameter} was not announced")
        carrier = self.message.sender_parameters if self.message else parameters
        if not address.isascii() and "SMTPUTF8" not in carrier:
            self.wrong(f"{address} without SMTPUTF8")
        return address, parameters

    def count(self, limit, number):
        """What the server said in LIMITS (RFC 9422) binds the client."""
        for word in " ".join(line for line in self.p.extra if line.startswith("LIMITS ")).split():
            name, _, most = word.partition("=")
            if name == limit and most.isdigit() and 0 < int(most) < number:
                self.wrong(f"{number} is more than {word}")

    def on_mail(self, line):
        self.mails += 1
        self.count("MAILMAX", self.mails)
        address, parameters = self.path(line, "MAIL FROM")
        if self.p.mechanisms and self.p.auth_required and not self.record.logged_in:
            self.send(b"530 5.7.0 log in first\r\n")
            return
        if self.message:
            self.wrong("MAIL inside a transaction")
        size = [int(p[5:]) for p in parameters if p.upper().startswith("SIZE=")]
        usual = "250 2.1.0 ok"
        if size and self.p.size and size[0] > self.p.size:
            usual = "552 5.3.4 too big"
        if self.answer("mail", usual, address) and usual[0] == "2":
            self.message = Message(address, parameters)
            self.record.messages.append(self.message)

    def on_rcpt(self, line):
        address, parameters = self.path(line, "RCPT TO")
        if not self.message:
            self.send(b"503 5.5.1 MAIL first\r\n")
            return
        self.message.recipient_parameters[address] = parameters
        self.domains.add(address.rpartition("@")[2].lower())
        self.count("RCPTMAX", len(self.message.recipients) + len(self.message.refused) + 1)
        self.count("RCPTDOMAINMAX", len(self.domains))
        limit = self.p.max_recipients
        usual = "250 2.1.5 ok"
        if limit and len(self.message.recipients) >= limit:
            usual = "452 4.5.3 too many recipients"
        if self.answer("rcpt", usual, address) and usual[0] == "2":
            self.message.recipients.append(address)
        else:
            self.message.refused.append(address)

    def on_data(self, _argument):
        if not self.message or not self.message.recipients:
            self.send(b"503 5.5.1 no valid recipients\r\n" if self.message
                      else b"503 5.5.1 MAIL first\r\n")
            return
        if not self.answer("data", "354 go on"):
            self.message = None
            return
        if self.p.answers.get("content_begins"):
            self.wire.buffer or self.wire.fill()
            self.phase("content")
            self.answer("content_begins", "")
        buffer = self.wire.buffer
        seen = 0
        while not buffer.startswith(b".\r\n"):
            end = buffer.find(b"\r\n.\r\n", max(0, seen - 4))
            if end >= 0:
                break
            seen = len(buffer)
            self.wire.fill()
            self.phase("content")
        self.phase("content")
        length = 0 if buffer.startswith(b".\r\n") else buffer.index(b"\r\n.\r\n") + 2
        raw = bytes(buffer[:length])
        del buffer[:length + 3]
        if raw.startswith(b".."):
            raw = raw[1:]
        behind = buffer.count(b"\n") if self.p.refuses_behind else 0
        if behind:
            buffer.clear()
        self.finish(raw.replace(b"\r\n..", b"\r\n."), "DATA")
        self.send(dialogue.octets(self.p.refuses_behind) * behind if behind else b"")

    def on_bdat(self, argument):
        size, _, last = argument.partition(" ")
        if not self.offered("CHUNKING"):
            self.wrong("BDAT was not announced")
        if self.p.bdat_unknown:
            self.send(dialogue.octets(self.p.bdat_unknown))
            return
        usable = self.message and self.message.recipients
        if not usable and self.p.runs_refused_chunks:
            self.send(b"503 5.5.1 no transaction\r\n")  # and the chunk is taken for commands
            return
        if self.p.answers.get("content_begins"):
            self.answer("content_begins", "")
        chunk = self.wire.exactly(int(size))
        if not usable:
            self.send(b"503 5.5.1 no valid recipients\r\n")
            return
        self.message.by = "BDAT"
        self.message.chunks.append(len(chunk))
        self.chunks = chunk if len(self.message.chunks) == 1 else self.chunks + chunk
        if last.upper() == "LAST":
            self.finish(self.chunks, "BDAT")
        elif not self.answer("bdat", f"250 2.0.0 {size} octets"):
            self.message = None

    def finish(self, content, by):
        message, self.message = self.message, None
        message.by, message.content = by, content
        self.check_content(content, "BODY=8BITMIME" in message.sender_parameters)
        for address in message.recipients if self.p.lmtp else [None]:
            try:
                self.answer("content", "250 2.0.0 queued as 4711", address)
            finally:  # even if nothing more is said
                message.accepted = message.accepted or self.is_reply(b"2")

    def check_content(self, content, eight_bit):
        if content and not content.endswith(b"\r\n"):
            self.wrong("content does not end in CRLF")
        if content.count(b"\n") != content.count(b"\r\n") or \
                content.count(b"\r") != content.count(b"\r\n"):
            self.wrong("content has a stray CR or LF")
        if b"\0" in content:
            self.wrong("content has a NUL")
        if max(map(len, content.split(b"\n"))) > 999:
            self.wrong("content has a line of more than 998 octets")
        if not eight_bit and not content.isascii() and self.offered("8BITMIME"):
            self.wrong("8-bit content without BODY=8BITMIME")
