"""One connection's octets, TLS or not, with the client's writes and the turns of the dialogue
still visible. TLS runs over memory, so that nothing is read that the dialogue did not ask for."""

import select
import socket
import ssl
import struct

PATIENCE = 60  # seconds without an octet after which a test has gone wrong


class Gone(Exception):
    """The client has left: "eof" or "reset"."""


class Wire:
    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = None
        self.incoming = self.outgoing = None
        self.buffer = bytearray()
        self.spoke = True        # since the client did
        self.on_segment = lambda size, new_turn: None

    def start_tls(self, context):
        """Shakes hands. Whatever was buffered in the clear is dropped, as RFC 3207 wants it."""
        self.buffer.clear()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                self.tls.do_handshake()
                self._flush()
                self.spoke = True
                return self.tls.version()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._recv()
                if not data:
                    raise ssl.SSLError("the client left during the handshake")
                self.incoming.write(data)
            except ssl.SSLError:
                self._flush()
                raise

    def line(self):
        """The next line with its end. Raises Gone."""
        while True:
            end = self.buffer.find(b"\n")
            if end >= 0:
                line = bytes(self.buffer[:end + 1])
                del self.buffer[:end + 1]
                return line
            self.fill()

    def exactly(self, n):
        out = bytearray()
        while len(out) < n:
            if not self.buffer:
                self.fill()
            part = self.buffer[:n - len(out)]
            out += part
            del self.buffer[:len(part)]
        return bytes(out)

    def fill(self):
        """Waits for more."""
        while True:
            if self.tls is None:
                data = self._recv()
                if not data:
                    raise Gone("eof")
                return self._arrived([data])
            parts = self._decrypted()
            if parts:
                return self._arrived(parts)
            data = self._recv()
            if not data:
                raise Gone("eof")
            self.incoming.write(data)

    def _decrypted(self):
        parts = []
        while True:
            try:
                part = self.tls.read(1 << 16)  # one record at a time
            except ssl.SSLWantReadError:
                return parts
            except ssl.SSLError as problem:
                if parts:
                    return parts
                raise Gone("eof" if isinstance(problem, ssl.SSLZeroReturnError) else "reset")
            if not part:
                if parts:
                    return parts
                raise Gone("eof")
            parts.append(part)

    def _arrived(self, parts):
        for part in parts:
            self.buffer += part
            self.on_segment(len(part), self.spoke)
            self.spoke = False

    def send(self, data):
        try:
            if self.tls is None:
                self.sock.sendall(data)
            else:
                self.tls.write(data)
                self._flush()
        except (OSError, ssl.SSLError):
            raise Gone("reset") from None
        self.spoke = True

    def _flush(self):
        data = self.outgoing.read()
        if data:
            try:
                self.sock.sendall(data)
            except OSError:
                raise Gone("reset") from None

    def _recv(self):
        try:
            return self.sock.recv(1 << 18)
        except ConnectionError:
            raise Gone("reset") from None

    def readable(self, seconds):
        return bool(select.select([self.sock], [], [], seconds)[0])

    def until_gone(self):
        """Reads and forgets until the client leaves."""
        while True:
            self.buffer.clear()
            self.fill()

    def close(self, rst=False):
        if rst and self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
