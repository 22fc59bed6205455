"""The Debian packages, built from what `make dist` would ship, and a clean Debian to put them into."""

import os
import pathlib
import platform
import shutil
import subprocess

from root import Root

BUILD_PACKAGES = ("build-essential", "debhelper", "lintian", "pkg-config", "libgnutls28-dev",
                  "libinih-dev", "libcurl4-gnutls-dev", "libjansson-dev", "systemd")

# Any of these would be another mail transport agent.
OTHER_AGENTS = ("citadel-server", "courier-mta", "dma", "esmtp-run", "exim4-base", "exim4-config",
                "masqmail", "msmtp-mta", "nullmailer", "opensmtpd", "postfix", "sendmail-bin", "ssmtp")

NEXT_VERSION = "9.9"


class Packages:
    """onehop and onehop-mta, lying in /tmp of the root that built them."""

    def __init__(self, base):
        self.root = Root(base, "build")
        self.root.install(*BUILD_PACKAGES)
        sources(self.root.path / "tmp/source")
        self.root.run("env", "-C", "/tmp/source", "DEB_BUILD_OPTIONS=nocheck parallel=2",
                      "dpkg-buildpackage", "-b", "-us", "-uc", timeout=300)
        self.files = sorted((self.root.path / "tmp").glob("onehop*.deb"))

    def lintian(self):
        (changes,) = (self.root.path / "tmp").glob("*.changes")
        return self.root.run("lintian", "--allow-root", f"/tmp/{changes.name}", check=False).stdout

    def copy_to(self, root, packages=("onehop", "onehop-mta")):
        """Puts packages into the other root's /tmp and returns their names there."""
        names = []
        for package in packages:
            (file,) = [f for f in self.files if f.name.startswith(package + "_")]
            shutil.copy(file, root.path / "tmp" / file.name)
            names.append(f"/tmp/{file.name}")
        return names

    def next_version(self, root):
        """The packages as a later release might be, with another sample configuration."""
        names = []
        for name in self.copy_to(root):
            root.run("sh", "-ec", """
                rm -rf /tmp/x && dpkg-deb -R "$1" /tmp/x
                sed -i "s/^Version: .*/Version: $2/; s/onehop (>=[^)]*)/onehop (>= $2)/" /tmp/x/DEBIAN/control
                [ ! -f /tmp/x/usr/share/onehop/onehop.ini ] || echo '; something new' >>/tmp/x/usr/share/onehop/onehop.ini
                dpkg-deb --root-owner-group -b /tmp/x "${1%%_*}_$2.deb"
            """, "sh", name, NEXT_VERSION)
            names.append(f"{name.partition('_')[0]}_{NEXT_VERSION}.deb")
        return names


def sources(place):
    """The sources as a release has them, in the directory PLACE, which is returned."""
    build = pathlib.Path(os.environ["BUILDDIR"])
    subprocess.run(["make", "-s", "-C", build, "distdir=interop.tmp", "distdir"], check=True, capture_output=True)
    shutil.move(build / "interop.tmp", place)
    return place


def release_here():
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def clean_base(base):
    """The directory of a minimal Debian, of the release that runs here."""
    return os.environ.get("DEBIAN_BASE") or bootstrapped(base, release_here())


def bootstrapped(base, release, *packages):
    """The directory of a minimal Debian with some packages more."""
    root = Root(base, f"bootstrap-{release}")
    root.install("debootstrap")
    more = ["--include=" + ",".join(packages)] if packages else []
    root.run("debootstrap", "--variant=minbase", *more, release, "/tmp/base", timeout=600)
    return str(root.path / "tmp/base")
