"""A throw-away certificate authority, made with openssl(1) once per test session.

    authority = Authority(directory)
    authority.trust                    the CA's certificate, for tls_trust_file
    authority.certificate("expired")   (certificate file, key file)
"""

import hashlib
import os
import ssl
import subprocess
import threading

NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:mail.example.com"

# kind: subjectAltName, extendedKeyUsage, validity
KINDS = {
    "good": (NAMES, "serverAuth", ("20200101000000Z", "20991231235959Z")),
    "wrong-name": ("DNS:other.example", "serverAuth", ("20200101000000Z", "20991231235959Z")),
    "expired": (NAMES, "serverAuth", ("20200101000000Z", "20210101000000Z")),
    "not-yet": (NAMES, "serverAuth", ("20980101000000Z", "20991231235959Z")),
    "client-only": (NAMES, "clientAuth", ("20200101000000Z", "20991231235959Z")),
    "providers": ("DNS:smtp.163.com,DNS:smtp.gmail.com", "serverAuth",
                  ("20200101000000Z", "20991231235959Z")),
    "client": ("email:me@example.com", "clientAuth", ("20200101000000Z", "20991231235959Z")),
}

CONFIG = """
[ca]
default_ca = here
[here]
dir = {directory}
new_certs_dir = {directory}
database = {directory}/index
serial = {directory}/serial
certificate = {directory}/ca.pem
private_key = {directory}/ca.key
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
"""

# What Python 3.13 and others that keep to RFC 5280, 4.2.1, want in a certificate.
CA_EXTENSIONS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                 "subjectKeyIdentifier=hash")
LEAF_EXTENSIONS = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                   "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid")


class Authority:
    def __init__(self, directory):
        self.directory = os.fspath(directory)
        os.makedirs(self.directory, exist_ok=True)
        self.config = self.path("ca.cnf")
        self.trust = self.path("ca.pem")
        self._made = {}
        self._lock = threading.Lock()  # connections that come at once ask for one certificate
        with open(self.config, "w") as out:
            out.write(CONFIG.format(directory=self.directory))
        open(self.path("index"), "w").close()
        with open(self.path("serial"), "w") as out:
            out.write("01\n")
        self._self_signed("ca", "/CN=onehop test authority", CA_EXTENSIONS)

    def path(self, name):
        return os.path.join(self.directory, name)

    def certificate(self, kind="good"):
        """The files (certificate, key) of one of KINDS or "self-signed", made when first asked."""
        with self._lock:
            if kind not in self._made:
                if kind == "self-signed":
                    self._self_signed(kind, "/CN=localhost",
                                      (*LEAF_EXTENSIONS, "subjectAltName=" + NAMES))
                else:
                    self._issue(kind)
                self._made[kind] = (self.path(kind + ".pem"), self.path(kind + ".key"))
            return self._made[kind]

    def fingerprint(self, kind="good", digest="sha256"):
        """The certificate's fingerprint as users paste it: AA:BB:..."""
        with open(self.certificate(kind)[0]) as pem:
            text = pem.read()
        start = text.index("-----BEGIN CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(text[start:])
        return hashlib.new(digest, der).digest().hex(":").upper()

    def context(self, kind="good", tls11=False, tls12=False):
        """A server-side ssl.SSLContext that shows the certificate of that kind."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(kind))
        context.load_verify_locations(self.trust)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.num_tickets = 0
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if tls11:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    def _openssl(self, *words):
        subprocess.run(("openssl", *words), check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _self_signed(self, name, subject, extensions):
        self._openssl("req", "-x509", "-config", self.config, "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj", subject,
                      *(word for text in extensions for word in ("-addext", text)),
                      "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"))

    def _issue(self, kind):
        names, usage, (start, end) = KINDS[kind]
        extensions = self.path(kind + ".ext")
        with open(extensions, "w") as out:
            out.write("\n".join((f"subjectAltName={names}", f"extendedKeyUsage={usage}",
                                 *LEAF_EXTENSIONS, "")))
        request = self.path(kind + ".csr")
        self._openssl("req", "-new", "-config", self.config, "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + kind,
                      "-keyout", self.path(kind + ".key"), "-out", request)
        self._openssl("ca", "-batch", "-notext", "-config", self.config, "-extfile", extensions,
                      "-startdate", start, "-enddate", end, "-in", request,
                      "-out", self.path(kind + ".pem"))
