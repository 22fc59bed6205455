"""The providers: Postfix with Dovecot's logins, Exim, OpenSMTPD and npm's smtp-server. All demand
STARTTLS and a login. In front of Postfix there is Dovecot's submission server, too, on a port of its own."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import time

from root import listens, until

PASSWORD = 'p;a "ss#1'  # what an INI file could mistake for a comment or a quote
LOGINS = ("reports", "carol")
TOKEN_KEY = b"the key that signs the tokens"
DOVECOT_SUBMISSION = 1587  # its port

DOVECOT = """\
protocols = submission
listen = 127.0.0.1
hostname = mail.test
log_path = /var/log/dovecot.log
ssl = required
ssl_cert = </etc/tls/mail.test.pem
ssl_key = </etc/tls/mail.test.key
mail_location = maildir:~/Maildir
submission_relay_host = 127.0.0.1
submission_relay_port = 2525
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 external gssapi xoauth2 oauthbearer
auth_username_format = %Ln
auth_krb5_keytab = /etc/dovecot/krb5.keytab
auth_gssapi_hostname = "$ALL"
auth_ssl_username_from_cert = yes
ssl_ca = </etc/tls/ca.pem
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = static
  mechanisms = external gssapi
  args = nopassword
}
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = /etc/dovecot/oauth2.conf
}
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256
  args = scheme=PLAIN username_format=%n /etc/dovecot/users
}
userdb {
  driver = passwd
}
service submission-login {
  inet_listener submission {
    port = 1587
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
"""

# Tokens are judged here, without a server that gave them.
DOVECOT_OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=/etc/dovecot/keys/
username_attribute = sub
"""

# A login may send only as its own address, as with the big mail providers.
POSTFIX = {
    "myhostname": "mail.test",
    "mydestination": "mail.test",
    # Where reportbug writes to, and the address that it writes from.
    "virtual_alias_domains": "bugs.debian.org client.lan bücher.test",
    "virtual_alias_maps": "inline:{submit@bugs.debian.org=bob, me@client.lan=bob, bób@bücher.test=bob}",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "smtpd_tls_cert_file": "/etc/tls/mail.test.pem",
    "smtpd_tls_key_file": "/etc/tls/mail.test.key",
    "smtpd_tls_loglevel": "1",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth",
    "smtpd_sender_login_maps": "inline:{" + ",".join(
        f"{name}@mail.test={name}" for name in LOGINS) + "}",
    "maillog_file": "/var/log/postfix.log",
    "compatibility_level": "3.6",
    "home_mailbox": "Maildir/",
    "alias_maps": "",
    "alias_database": "",
    "default_transport": "error",
}

POSTFIX_SUBMISSION = (
    "127.0.0.1:587 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt"
    " -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes"
    " -o smtpd_sender_restrictions=reject_sender_login_mismatch"
    " -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject")

# Logins by Cyrus SASL, which has a list of its own.
POSTFIX_CYRUS = POSTFIX_SUBMISSION.replace("587", "588") + (
    " -o smtpd_sasl_type=cyrus -o smtpd_sasl_path=smtpd -o smtpd_sasl_local_domain=mail.test"
    " -o smtpd_sender_restrictions=")

CYRUS = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 NTLM
"""

# For Dovecot's submission server, which does the logins itself.
POSTFIX_BEHIND_DOVECOT = (
    "127.0.0.1:2525 inet n - n - - smtpd"
    " -o smtpd_recipient_restrictions=permit_mynetworks,reject")

EXIM = """\
primary_hostname = second.test
local_interfaces = 127.0.0.2
daemon_smtp_ports = 587:588:589:590
tls_advertise_hosts = *
tls_certificate = /etc/tls/port-$received_port.pem
tls_privatekey = /etc/tls/port-$received_port.key
tls_ocsp_file = ${{if exists{{/etc/tls/port-$received_port.ocsp}}{{/etc/tls/port-$received_port.ocsp}}}}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = submitted
acl_smtp_data = accept
host_lookup =
log_selector = +tls_cipher +smtp_protocol_error
begin acl
submitted:
  accept authenticated = *
  deny message = log in first
begin routers
everybody:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /var/mail/all
  maildir_format
  create_directory
  return_path_add
  envelope_to_add
  user = mail
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{reports}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""

OPENSMTPD = """\
pki third.test cert "/etc/tls/third.test.pem"
pki third.test key "/etc/tls/third.test.key"
table logins file:/etc/logins
table everybody { "@" = "mail" }
listen on 127.0.0.3 port 587 tls-require pki third.test auth <logins> hostname third.test
listen on 127.0.0.3 port 2525 tag BEHIND hostname third.test
action "keep" maildir "/var/mail/all" virtual <everybody>
match from auth for any action "keep"
match tag BEHIND from any for any action "keep"
"""

# Debian 13's Dovecot can bind a login to its channel.
DOVECOT_24 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = submission
listen = 127.0.0.3
hostname = third.test
log_path = /var/log/dovecot.log
first_valid_uid = 1
ssl = required
ssl_server_cert_file = /etc/tls/third.test.pem
ssl_server_key_file = /etc/tls/third.test.key
auth_mechanisms = plain scram-sha-1 scram-sha-256 scram-sha-1-plus scram-sha-256-plus
mail_driver = maildir
mail_path = ~/Maildir
submission_relay_host = 127.0.0.3
submission_relay_port = 2525
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
  default_password_scheme = PLAIN
}
userdb static {
  fields {
    uid = mail
    gid = mail
    home = /var/mail/dovecot
  }
}
service submission-login {
  inet_listener submission {
    port = 1587
  }
  inet_listener submissions {
    port = 0
  }
}
"""


def token(user, size):
    """A signed token (RFC 7519) of about SIZE octets."""
    def part(value):
        octets = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(octets).rstrip(b"=")

    head = part({"alg": "HS256", "typ": "JWT"})
    claims = {"sub": user, "exp": int(time.time()) + 3600, "scope": "mail"}
    bare = len(head + part(claims)) + 50
    text = head + b"." + part({**claims, "padding": "x" * ((size - bare) * 3 // 4)})
    return (text + b"." + part(hmac.digest(TOKEN_KEY, text, hashlib.sha256))).decode()


def npm_install(directory, *packages):
    """Why that cannot be, or nothing."""
    if not shutil.which("npm"):
        return "no npm"
    environment = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt", **os.environ}
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=1", *packages],
                          cwd=directory, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode and (done.stderr[-300:] or f"npm exits with {done.returncode}")


class Server:
    """recipient_field: where it notes whom a copy is for."""
    recipient_field = "X-Original-To"

    def __init__(self, root, address, maildirs):
        self.root, self.address, self.maildirs = root, address, maildirs

    def messages(self):
        """Every message that arrived so far."""
        for pattern in self.maildirs:
            for file in sorted(self.root.path.glob(pattern)):
                yield Arrived(file.read_bytes())

    def find(self, subject):
        """All messages with this text in their subject, there at the time of the call."""
        return [m for m in self.messages() if subject in m.subject]

    def find_anywhere(self, text):
        return [m for m in self.messages() if text in m.subject or text in m.text]

    def wait_copies(self, subject, count, seconds=20, find=None):
        """The messages with this text in their subject. Local delivery follows the server's 250, so
        it may be a moment away; a copy too many is as wrong as one too few."""
        deadline = time.monotonic() + seconds
        find = find or self.find
        while len(found := find(subject)) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) == count, (
            f"{len(found)} messages with {subject!r} arrived, not {count}\n{self.log()[-2000:]}")
        return found

    def wait(self, subject):
        return self.wait_copies(subject, 1)[0]

    def log(self):
        return "".join(file.read_text() for file in self.root.path.glob(self.log_name)
                       if file.is_file())

    def wait_listening(self, port=587):
        until(lambda: listens((self.address, port)),
              lambda: f"{self.address}:{port} does not listen\n{self.log()[-2000:]}", seconds=30)


class Postfix(Server):
    log_name = "var/log/postfix.log"

    def __init__(self, root):
        super().__init__(root, "127.0.0.1", ["home/*/Maildir/new/*"])

    @staticmethod
    def install(root, *more):
        root.run("debconf-set-selections",
                 input="postfix postfix/main_mailer_type select No configuration\n")
        root.install("postfix", "dovecot-core", "dovecot-submissiond", "dovecot-gssapi", "sasl2-bin",
                     "libsasl2-modules", "ca-certificates", "openssl", *more)

    def start(self):
        root = self.root
        for name in ("alice", "bob", *LOGINS):
            root.add_user(name)
        root.write("etc/dovecot/dovecot.conf", DOVECOT)
        root.write("etc/dovecot/users", "".join(
            f"{name}:{{PLAIN}}{PASSWORD}\n" for name in LOGINS), 0o640)
        root.run("chgrp", "dovecot", "/etc/dovecot/users")
        root.write("etc/dovecot/oauth2.conf", DOVECOT_OAUTH2)
        root.write("etc/postfix/sasl/smtpd.conf", CYRUS)
        root.run("saslpasswd2", "-p", "-c", "-u", "mail.test", "reports", input=PASSWORD)
        root.run("chgrp", "postfix", "/etc/sasldb2")
        root.write("etc/dovecot/keys/default/HS256/default", base64.b64encode(TOKEN_KEY).decode())
        root.run("cp", "/usr/share/postfix/main.cf.debian", "/etc/postfix/main.cf")
        if not (root.path / "etc/postfix/master.cf").exists():
            root.run("cp", "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
        root.run("postconf", "-e", *(f"{key}={value}" for key, value in POSTFIX.items()))
        root.run("postconf", "-MX", "smtp/inet")
        root.run("postconf", "-M", f"127.0.0.1:587/inet={POSTFIX_SUBMISSION}")
        root.run("postconf", "-M", f"127.0.0.1:588/inet={POSTFIX_CYRUS}")
        root.run("postconf", "-M", f"127.0.0.1:2525/inet={POSTFIX_BEHIND_DOVECOT}")
        root.run("postconf", "-M", "postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd")
        root.start("dovecot", "-F", log="/var/log/dovecot.start")
        root.start("postfix", "start-fg", log="/var/log/postfix.start")
        self.wait_listening()


class Exim(Server):
    log_name = "var/log/exim4/*log"
    recipient_field = "Envelope-to"

    def __init__(self, root):
        super().__init__(root, "127.0.0.2", ["var/mail/all/new/*"])

    @staticmethod
    def install(root):
        root.install("exim4-daemon-heavy", "ca-certificates", "openssl")

    def show(self, port, certificate, key, stapled=None):
        """From now on a port has this certificate; STAPLED: the reply of OCSP that goes with it."""
        for suffix, file in (("pem", certificate), ("key", key), ("ocsp", stapled)):
            if file:
                self.root.write(f"etc/tls/port-{port}.{suffix}", "")
                shutil.copyfile(file, self.root.path / f"etc/tls/port-{port}.{suffix}")

    def start(self):
        tls = self.root.path / "etc/tls"
        self.show(587, tls / "second.test.pem", tls / "second.test.key")
        # In place of Debian's: with a file named by -C, Exim gives up the right to deliver.
        self.root.write("etc/exim4/exim4.conf", EXIM.format(password=PASSWORD))
        # In the foreground: -bd would never return below the first process of a namespace.
        self.daemon = self.root.start("exim4", "-bdf", log="/var/log/exim4/daemonlog")
        self.wait_listening()

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=10)


class OpenSMTPD(Server):
    """In a Debian 13: the OpenSMTPD of Debian 12 cannot do TLS with its OpenSSL (OpenSMTPD#1171). In front
    of it there is Dovecot's submission server again, of a later version."""
    log_name = "var/log/smtpd.log"
    recipient_field = "Delivered-To"
    packages = ("opensmtpd", "dovecot-core", "dovecot-submissiond", "microsocks", "ca-certificates")

    def __init__(self, root):
        super().__init__(root, "127.0.0.3", ["var/mail/all/new/*"])

    def start(self):
        root = self.root
        (root.path / "etc/tls/third.test.key").chmod(0o600)
        secret = root.run("smtpctl", "encrypt", PASSWORD).stdout.strip()
        root.write("etc/logins", f"reports {secret}\n")
        root.write("etc/smtpd.conf", OPENSMTPD)
        root.run("install", "-d", "-o", "mail", "-g", "mail", "/var/mail/all")
        root.start("smtpd", "-d", log="/var/log/smtpd.log")
        root.write("etc/dovecot/dovecot.conf", DOVECOT_24)
        root.write("etc/dovecot/users", f"reports:{{PLAIN}}{PASSWORD}\n", 0o640)
        root.run("chgrp", "dovecot", "/etc/dovecot/users")
        root.run("install", "-d", "-o", "mail", "-g", "mail", "/var/mail/dovecot")
        root.start("dovecot", "-F", log="/var/log/dovecot.start")
        self.wait_listening()
        self.wait_listening(DOVECOT_SUBMISSION)


class SmtpServer(Server):
    """npm's, where node is."""
    log_name = "srv/node/log"
    directory = "srv/node"
    packages = ("smtp-server@3", "nodemailer@7", "oidc-provider@9.13")

    def __init__(self, root):
        super().__init__(root, "127.0.0.4", ["srv/node/new/*"])

    @classmethod
    def install(cls, root):
        """Whether it could."""
        (root.path / cls.directory / "new").mkdir(parents=True)
        return not npm_install(root.path / cls.directory, *cls.packages)

    def start(self):
        script = (pathlib.Path(__file__).parent / "smtp-server.mjs").read_text()
        self.root.write(self.directory + "/server.mjs", script)
        self.root.start("node", f"/{self.directory}/server.mjs", self.address, "fourth.test", "reports",
                        PASSWORD, log=self.log_name)
        self.wait_listening()


class Arrived:
    """A message as it lies in a Maildir."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\n\n")
        self.head = head.decode("utf-8", "replace")
        self.header = email.message_from_bytes(raw, policy=email.policy.default)

    @property
    def subject(self):
        return self["Subject"]

    @property
    def text(self):
        """All of its text, decoded."""
        parts = [part.get_content() for part in self.header.walk() if part.get_content_maintype() == "text"]
        return "\n".join(parts).replace("\r\n", "\n")

    def __getitem__(self, name):
        values = self.header.get_all(name, [])
        assert len(values) <= 1, f"{len(values)} fields {name}"
        return str(values[0]) if values else ""

    def address(self, name):
        """The one address of a field."""
        addresses = self.header[name].addresses
        assert len(addresses) == 1, self[name]
        return addresses[0].addr_spec
