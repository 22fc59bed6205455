"""The root in which the callers of sendmail live, with our build installed as its sendmail."""

import os
import subprocess

from root import listens, until
from server import DOVECOT_SUBMISSION, PASSWORD

SYSCONFDIR = os.environ["SYSCONFDIR"]

PACKAGES = ("logwatch", "cron", "php-cli", "php-cgi", "php-fpm", "libfcgi-bin",
            "bsd-mailx", "s-nail", "mutt", "git", "git-email",
            "libmailtools-perl", "libmime-lite-perl", "libphp-phpmailer", "mailutils", "swaks",
            "alpine", "aerc", "reportbug", "at", "anacron", "smartmontools", "mdadm", "monit",
            "krb5-user", "softhsm2", "monitoring-plugins-standard", "msmtp", "curl", "libnet-ssleay-perl",
            "ca-certificates")

# The one program of the package, which brings a server along.
PROMTOOL = """
cd /tmp && apt-get download -qq prometheus
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -C / ./usr/bin/promtool
rm prometheus_*.deb
"""

# It provides mail-transport-agent, so that apt leaves /usr/sbin/sendmail to us.
CONTROL = """\
Package: onehop-interop
Version: 1
Architecture: all
Maintainer: The onehop authors <root@localhost>
Provides: mail-transport-agent
Conflicts: mail-transport-agent
Replaces: mail-transport-agent
Description: stands for the mail transport agent under test
"""

# No queue anywhere: what the provider says is what the caller hears.
SYSTEM_INI = """\
[account reports]
queue = off
from = reports@mail.test
host = mail.test
user = reports
password_file = /etc/onehop/reports.password
admin = alice@mail.test
logfile = /var/log/onehop.log
"""

# Accounts that a test names.
MORE_INI = """\
[defaults]
queue = off
user = reports
password_file = /etc/onehop/reports.password

; two providers, the first of which will go away
[account pair]
from = reports@mail.test
host = second.test, mail.test

[account wrong]
from = reports@mail.test
host = mail.test
password_file = /etc/onehop/wrong.password
"""

USER_INI = f"""\
[account carol]
queue = off
from = carol@mail.test
host = mail.test
user = carol
password = {PASSWORD}
logfile = ~/onehop.log
"""

CRONTAB = """\
* * * * * root echo 'cron job of root'
* * * * * carol echo 'cron job of carol'
"""

# An account that serves every sender, with the provider of a row of PROVIDERS.
PROVIDER_INI = f"""\
[account default]
queue = off
from = reports@{{domain}}
host = {{domain}}
port = {{port}}
user = reports
password = {PASSWORD}
admin = bob@{{domain}}
"""

# An ordinary user's file has the queue on.
QUEUE_INI = """\
[account queued]
from = reports@mail.test
host = mail.test
user = reports
password_file = ~/password
admin = alice@mail.test
timeout = 10

[queue]
directory = ~/spool
"""

# Nobody but those who call it meet this service, its configuration and its queue.
SERVICE = """
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool
mount --bind "$1" "$2/onehop/onehop.ini"
exec onehop -bd
"""

# The users of which each has another provider, and the provider.
PROVIDERS = {
    "at-postfix": ("mail.test", 587),
    "at-dovecot": ("mail.test", DOVECOT_SUBMISSION),
    "at-exim": ("second.test", 587),
    "at-opensmtpd": ("third.test", 587),
    "at-node": ("fourth.test", 587),
}

# The shell functions of zed, without the rest of it: it is in contrib, and needs ZFS.
ZED = """
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) contrib' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' >/tmp/contrib.list
apt() { apt-get -qq -o Dir::Etc::sourcelist=/tmp/contrib.list -o Dir::Etc::sourceparts=- \
    -o APT::Get::List-Cleanup=0 "$@"; }
cd /tmp && apt update && apt download zfs-zed && dpkg -x zfs-zed_*.deb /opt/zed
"""


def install_packages(root):
    package = root.path.parent / "package"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN/control").write_text(CONTROL)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", package, root.path / "tmp/mta.deb"],
                   check=True, capture_output=True)
    root.install("/tmp/mta.deb", *PACKAGES)
    root.run("mv", "/usr/bin/msmtp", "/opt/msmtp")  # ours has its name
    root.run("sh", "-ec", PROMTOOL, timeout=300)
    root.run("sh", "-ec", ZED, timeout=300, check=False)  # a mirror may have no contrib


def install_sendmail(root, *more):
    """Our build, as a distribution would have it: the program and the names it is called by."""
    subprocess.run(["make", "-s", "-C", os.environ["BUILDDIR"], "install",
                    f"DESTDIR={root.path}"], check=True, capture_output=True, text=True)
    program = root.run("sh", "-c", "command -v onehop").stdout.strip()
    for link in ("usr/sbin/sendmail", "usr/lib/sendmail", "usr/bin/msmtp", *more):
        (root.path / link).unlink(missing_ok=True)
        (root.path / link).symlink_to(program)


def configure(root):
    root.add_user("carol")
    root.write(SYSCONFDIR.lstrip("/") + "/onehop/onehop.ini", SYSTEM_INI)
    root.write("etc/onehop/more.ini", MORE_INI)
    root.write("etc/onehop/reports.password", PASSWORD + "\n", 0o600)
    root.write("etc/onehop/wrong.password", "guess\n", 0o600)
    root.write("home/carol/.config/onehop/onehop.ini", USER_INI, 0o600)
    root.run("chown", "-R", "carol:carol", "/home/carol")
    crontab = CRONTAB
    for user, (domain, port) in PROVIDERS.items():
        root.add_user(user)
        for home in (f"home/{user}", f"srv/{user}"):  # the second for root
            root.write(f"{home}/.config/onehop/onehop.ini",
                       PROVIDER_INI.format(domain=domain, port=port), 0o600)
        root.run("chown", "-R", f"{user}:{user}", f"/home/{user}")
        crontab += f"* * * * * {user} echo one\n"
    root.write("etc/cron.d/interop", crontab)


def add_user_with_queue(root, name):
    root.add_user(name)
    root.write(f"home/{name}/password", PASSWORD + "\n", 0o600)
    root.write(f"home/{name}/.config/onehop/onehop.ini", QUEUE_INI, 0o600)
    root.run("chown", "-R", f"{name}:{name}", f"/home/{name}")


def start_service(root, name, text, port):
    """A service of its own, with the configuration TEXT and its log in /tmp/NAME.log, that listens."""
    root.write(f"etc/onehop/{name}.ini", text)
    service = root.start("unshare", "-m", "sh", "-ec", SERVICE, "sh", f"/etc/onehop/{name}.ini", SYSCONFDIR,
                         log=f"/tmp/{name}.log")
    until(lambda: service.poll() is not None or listens(("127.0.0.1", port)))
    assert service.poll() is None, (root.path / f"tmp/{name}.log").read_text()
    return service
