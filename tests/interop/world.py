"""What the machine has to give the suite: certificates, a network of its own."""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess

CA_SCRIPT = """
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $key -keyout ca.key -out ca.pem -days 2 -subj "/CN=throw-away authority"
for name; do
    openssl req $key -keyout $name.key -out $name.csr -subj "/CN=$name"
    printf 'subjectAltName=DNS:%s\\nextendedKeyUsage=serverAuth\\n' $name >$name.ext
    openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
        -extfile $name.ext -out $name.pem
done
"""


class Authority:
    """A throw-away certificate authority that the callers' root trusts."""

    def __init__(self, base, *names):
        self.directory = pathlib.Path(base) / "tls"
        self.directory.mkdir()
        subprocess.run(["sh", "-ec", CA_SCRIPT, "sh", *names], cwd=self.directory, check=True,
                       capture_output=True)

    def give(self, root, name):
        """Puts key and certificate of a server into its root. Exim reads them as its own user;
        the root is nobody else's and short-lived."""
        for file in (f"{name}.pem", f"{name}.key", "ca.pem"):
            root.write(f"etc/tls/{file}", (self.directory / file).read_text())

    def trust(self, root):
        root.write("usr/local/share/ca-certificates/throw-away.crt",
                   (self.directory / "ca.pem").read_text())
        root.run("update-ca-certificates")


def loopback_only():
    """Moves this process, and what it starts, into a network where nothing but itself exists."""
    clone_newnet = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(clone_newnet) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "unshare")
    siocsifflags, iff_up = 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sh14x", b"lo", iff_up))
