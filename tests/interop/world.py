"""What the machine has to give the suite: certificates, a network of its own."""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """A throw-away certificate authority that the callers' root trusts."""

    def __init__(self, base, *names):
        self.directory = pathlib.Path(base) / "tls"
        self.directory.mkdir()
        self.openssl("req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                     "-subj", "/CN=throw-away authority")
        for name in names:
            self.issue(name, f"subjectAltName=DNS:{name}", "extendedKeyUsage=serverAuth")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.directory, check=True, capture_output=True)

    def issue(self, name, *extensions):
        """Makes NAME.key and NAME.pem."""
        (self.directory / f"{name}.ext").write_text("\n".join([*extensions, ""]))
        self.openssl("req", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def give(self, root, name):
        """Puts key and certificate of a server into its root. Exim reads them as its own user;
        the root is nobody else's and short-lived."""
        for file in (f"{name}.pem", f"{name}.key", "ca.pem"):
            root.write(f"etc/tls/{file}", (self.directory / file).read_text())

    def trust(self, root):
        trust(root, self.directory / "ca.pem")


def trust(root, certificate):
    """Makes the programs of that root trust the authority whose certificate this file is."""
    root.write("usr/local/share/ca-certificates/throw-away.crt", pathlib.Path(certificate).read_text())
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
