"""The listener: a provider on a port the kernel chose, or on an AF_UNIX socket.

    with Provider(authority, rcpt={"b@x": "550 5.1.1 who?"}) as provider:
        ... run a client against 127.0.0.1, provider.port ...
    provider.messages, provider.connections
"""

import select
import socket
import threading
import time

from . import dialogue
from .record import Connection
from .session import Session

STEPS = ("greeting", "ehlo", "helo", "lhlo", "starttls", "auth", "mail", "rcpt", "data",
         "content_begins", "bdat", "content", "rset", "noop", "quit")


class Provider:
    """A submission server. Keywords beside those below are answers to steps (see dialogue.py), or
    `script`, a whole dialogue.

    tls              "starttls", "implicit" or "none"
    certificate      a kind of authority.KINDS, or "self-signed"
    tls11, tls12     speaks TLS 1.1, or 1.2, and older only
    without, extra   EHLO words to leave out, lines to add
    mechanisms       what AUTH offers; "" for no AUTH at all
    users            {user: password or token}
    auth_before_tls  AUTH is announced in the clear, too
    auth_required    MAIL needs a login
    size             announced limit of octets
    max_recipients   452 after so many
    lmtp             LHLO, and a reply to the content for each recipient
    address, port    where it listens; port 0: the kernel chooses
    unix             path of an AF_UNIX socket to listen on
    watch_quit       notice whether the client waits for 221 (costs a second if it does)
    small_buffers    the kernel holds little of what comes, so that a client must not only write
    bdat_unknown     a reply to BDAT, behind which the chunk is taken for commands
    runs_refused_chunks   BDAT without a transaction: the chunk is taken for commands
    refuses_behind   a reply to each command that came with the end of a content (DATA)
    """

    name = "mail.example.com"

    def __init__(self, authority=None, *, tls="starttls", certificate="good", tls11=False, tls12=False,
                 without=(), extra=(), mechanisms="PLAIN LOGIN", users=None, auth_before_tls=False,
                 auth_required=True, size=52428800, max_recipients=0, lmtp=False, unix=None,
                 watch_quit=False, address="127.0.0.1", port=0, small_buffers=False, runs_refused_chunks=False,
                 bdat_unknown=None, refuses_behind=None, script=None, **answers):
        unknown = set(answers) - set(STEPS)
        if unknown:
            raise TypeError(f"no such step: {', '.join(sorted(unknown))}")
        if isinstance(script, str):
            dialogue.script(script)  # complains at once
        self.authority = authority
        self.tls, self.certificate, self.tls11, self.tls12 = tls, certificate, tls11, tls12
        self.without, self.extra = without, extra
        self.mechanisms, self.auth_before_tls = mechanisms, auth_before_tls
        self.auth_required = auth_required
        self.users = {"me@example.com": "s3cret"} if users is None else users
        self.size, self.max_recipients = size, max_recipients
        self.lmtp, self.unix, self.watch_quit = lmtp, unix, watch_quit
        self.runs_refused_chunks, self.bdat_unknown = runs_refused_chunks, bdat_unknown
        self.refuses_behind = refuses_behind
        self.script, self.answers = script, answers
        self.stopping = threading.Event()
        self._records, self._threads, self._sockets = [], [], []
        self._accepting = self.forgiven = False
        self.listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if small_buffers:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(unix or (address, port))
        self.listener.listen(64)
        self.port = 0 if unix else self.listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def context(self):
        return self.authority.context(self.certificate, self.tls11, self.tls12)

    def _accept(self):
        while True:
            select.select([self.listener], [], [])
            self._accepting = True
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return  # stop() shut it down
            record = Connection()
            session = Session(self, sock, record)
            thread = threading.Thread(target=session.run, daemon=True)
            self._records.append(record)
            self._sockets.append(sock)
            self._threads.append(thread)
            thread.start()
            self._accepting = False

    def settle(self, patience=30):
        """Waits until every client that came has left, so that the record is complete."""
        limit = time.monotonic() + patience
        while self._thread.is_alive() and self._backlog():
            if time.monotonic() > limit:
                raise TimeoutError("a client is not accepted")
            time.sleep(0.001)
        for thread in list(self._threads):
            thread.join(max(0, limit - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError("a connection does not end")

    def _backlog(self):
        # In this order: what accept() took from the listener in between is being accepted.
        return bool(select.select([self.listener], [], [], 0)[0]) or self._accepting

    def stop(self):
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join()
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(5)
        self.listener.close()

    def forgive(self):
        """The client's violations are what the test is about."""
        self.forgiven = True

    # -- what happened

    @property
    def connections(self):
        self.settle()
        return self._records

    @property
    def connection(self):
        """The only connection there was."""
        records = self.connections
        assert len(records) == 1, f"{len(records)} connections"
        return records[0]

    @property
    def messages(self):
        """Messages that were accepted, in order."""
        return [m for record in self.connections for m in record.messages if m.accepted]

    @property
    def message(self):
        messages = self.messages
        assert len(messages) == 1, f"{len(messages)} messages: {self._records}"
        return messages[0]

    @property
    def violations(self):
        return [v for record in self.connections for v in record.violations]
