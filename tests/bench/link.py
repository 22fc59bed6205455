"""Distance: what lies between a client and a server that are many milliseconds apart.

PacketLink is the honest one: a tun device in a network namespace of our own. Every packet sent to
PEER comes back to this host, its two addresses swapped, half a round trip later; so connecting,
Nagle's algorithm and acknowledgements cost what they cost on a real line. (Swapping the addresses
leaves the checksums as they are.) StreamLink does without a device: it delays the octets of a
connection, and stands for the connect's own round trip by letting nothing pass before that, but
what the kernels say to each other is not delayed: it cannot see what Nagle's algorithm costs.
"""

import collections
import fcntl
import os
import select
import socket
import struct
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP_RUNNING = 0x41

HERE, PEER, MASK = "10.9.0.1", "10.9.0.2", "255.255.255.0"


def _address_request(interface, address):
    return struct.pack("16sHH4s8x", interface, socket.AF_INET, 0, socket.inet_aton(address))


def loopback_up():
    """A new network namespace has its loopback switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP_RUNNING))


class PacketLink:
    kind = "packets delayed by a tun device"

    def __init__(self):
        self.delay = 0.0
        self.due = collections.deque()  # of moments and packets
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"bench0", IFF_TUN_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFADDR, _address_request(b"bench0", HERE))
            fcntl.ioctl(s, SIOCSIFNETMASK, _address_request(b"bench0", MASK))
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"bench0", IFF_UP_RUNNING))
        threading.Thread(target=self._reflect, daemon=True).start()

    def set_rtt(self, seconds):
        """Waits until nothing is under way: a packet would be held up by a slower one ahead."""
        while self.due:
            time.sleep(0.001)
        self.delay = seconds / 2

    def reach(self, port):
        """Where a client connects to in order to reach what listens on PORT here."""
        return PEER, port

    def _reflect(self):
        due = self.due
        while True:
            wait = max(0.0, due[0][0] - time.monotonic()) if due else None
            if select.select([self.tun], [], [], wait)[0]:
                packet = os.read(self.tun, 65536)
                if packet[0] >> 4 == 4:
                    swapped = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
                    due.append((time.monotonic() + self.delay, swapped))
            while due and due[0][0] <= time.monotonic():
                os.write(self.tun, due.popleft()[1])


class StreamLink:
    kind = "octets delayed by a proxy (Nagle's algorithm is not seen)"

    def __init__(self):
        self.rtt = 0.0
        self.proxies = {}

    def set_rtt(self, seconds):
        self.rtt = seconds

    def reach(self, port):
        if port not in self.proxies:
            listener = socket.create_server(("127.0.0.1", 0))
            self.proxies[port] = listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
        return "127.0.0.1", self.proxies[port]

    def _accept(self, listener, port):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=self._join, args=(client, port), daemon=True).start()

    def _join(self, client, port):
        # On a line the client learns of the connection after one round trip, the server half a
        # round trip later; nobody sends before that.
        rtt, now = self.rtt, time.monotonic()
        server = socket.create_connection(("127.0.0.1", port))
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink, connected in (
            (client, server, now + rtt),
            (server, client, now + rtt * 1.5),
        ):
            threading.Thread(
                target=self._pump, args=(source, sink, rtt / 2, connected), daemon=True
            ).start()

    @staticmethod
    def _pump(source, sink, delay, connected):
        due = collections.deque()
        open_ = True
        try:
            while open_ or due:
                wait = max(0.0, due[0][0] - time.monotonic()) if due else None
                if open_ and select.select([source], [], [], wait)[0]:
                    octets = source.recv(65536)
                    open_ = octets != b""
                    due.append((max(time.monotonic(), connected) + delay, octets))
                elif not open_:
                    time.sleep(wait)
                while due and due[0][0] <= time.monotonic():
                    octets = due.popleft()[1]
                    if octets:
                        sink.sendall(octets)
                    else:
                        sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one end is gone; the other learns it from its own reads


def best_link():
    try:
        return PacketLink()
    except OSError:
        return StreamLink()
