"""The recipes in etc/packages, with the tools of other distributions that Debian has: an RPM and Arch's
package are built and looked at, the functions of Alpine's recipe are called, the Nix files are parsed, the
Ansible role is run. Needs the network."""

import os
import pathlib
import subprocess

import pytest

from debian import BUILD_PACKAGES
from root import Root, memory_directory

RECIPES = pathlib.Path(__file__).parents[2] / "etc/packages"
TOOLS = ("rpm", "rpmlint", "xz-utils", "nix-bin", "ansible-core", "ansible-lint", "gettext", "libgsasl-dev",
         "makepkg", "libarchive-tools", "fakeroot")
# What systemd-rpm-macros defines.
MACROS = {"_unitdir": "/usr/lib/systemd/system", "_userunitdir": "/usr/lib/systemd/user",
          "_sysusersdir": "/usr/lib/sysusers.d", "_tmpfilesdir": "/usr/lib/tmpfiles.d",
          "systemd_post()": ":", "systemd_preun()": ":", "systemd_postun_with_restart()": ":"}
# What rpmlint calls an error and is none: Fedora sets or drops these tags, "lib" is what the names have
# on every architecture, and onehop.ini.5 is the manual of onehop.ini.
NO_MISTAKE = ("no-signature", "no-packager-tag", "no-group-tag", "hardcoded-library-path in /usr/lib/sendmail",
              "hardcoded-library-path in %{_prefix}/lib/NetworkManager/", "bad-manual-page-folder")
# As abuild calls the functions of an APKBUILD, as root; it makes pkgusers and pkggroups first.
ALPINE = """
amove() { for path; do mkdir -p "$subpkgdir/${path%/*}"; mv "$pkgdir/$path" "$subpkgdir/$path"; done; }
. ./APKBUILD
for group in $pkggroups; do getent group $group >/dev/null || groupadd --system $group; done
for user in $pkgusers; do getent passwd $user >/dev/null || useradd --system --gid $user $user; done
srcdir=$PWD pkgdir=$PWD/main
tar -xf $pkgname-$pkgver.tar.xz
cd $pkgname-$pkgver
build && package
for part in oauth2 mta; do subpkgdir=$srcdir/$part; $part; done
"""
NAMES = {"mailq", "newaliases", "runq", "sendmail", "mailq.fish", "sendmail.fish"}
PLAY = """\
- hosts: all
  roles: [onehop]
  vars:
    onehop_packages: [coreutils]
    onehop_sections:
      account machine:
        user: reports@163.com
        password_file: /etc/onehop/passwords/machine
    onehop_passwords:
      machine: s3cret
"""


@pytest.fixture(scope="module")
def root():
    root = Root(memory_directory(), "recipes")
    root.install(*BUILD_PACKAGES, *TOOLS)
    return root


@pytest.fixture(scope="module")
def source():
    """What `make dist` makes."""
    build = pathlib.Path(os.environ["BUILDDIR"])
    subprocess.run(["make", "-s", "-C", build, "dist"], check=True, capture_output=True)
    archive, = build.glob("onehop-*.tar.xz")
    return archive


def copy(file, directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / file.name).write_bytes(file.read_bytes())


@pytest.fixture(scope="module")
def rpms(root, source):
    """The packages by name."""
    copy(source, root.path / "tmp/rpmbuild/SOURCES")
    root.write("tmp/onehop.spec", (RECIPES / "onehop.spec").read_text())
    defines = [word for item in {"_topdir": "/tmp/rpmbuild", **MACROS}.items()
               for word in ("--define", " ".join(item))]
    root.run("rpmbuild", "-bb", "--nodeps", *defines, "/tmp/onehop.spec", timeout=300)
    found = {}
    for file in (root.path / "tmp/rpmbuild/RPMS").glob("*/*.rpm"):
        name = "/" + str(file.relative_to(root.path))
        found[root.run("rpm", "-qp", "--qf", "%{NAME}", name).stdout] = name
    return found


def test_the_rpm_has_what_belongs_to_it(root, rpms):
    assert set(rpms) == {"onehop", "onehop-oauth2"}
    files = root.run("rpm", "-qlp", rpms["onehop"]).stdout.split()
    for name in ("/usr/bin/onehop", "/usr/bin/sendmail.onehop", "/etc/onehop/onehop.ini",
                 "/usr/lib/systemd/system/onehop.socket", "/usr/share/man/man5/onehop.ini.5",
                 "/usr/share/locale/de/LC_MESSAGES/onehop.mo"):
        assert name in files or name + ".gz" in files
    assert not [name for name in files if name.endswith("/sendmail")]  # that is the alternatives'
    assert root.run("rpm", "-qcp", rpms["onehop"]).stdout.split() == ["/etc/onehop/onehop.ini"]
    assert root.run("rpm", "-qlp", rpms["onehop-oauth2"]).stdout.split()[-1].endswith("/onehop-token")


def test_the_rpm_needs_no_perl(root, rpms):
    """That is for the script of logwatch, which is Perl itself."""
    needed = root.run("rpm", "-qRp", rpms["onehop"]).stdout
    assert "perl" not in needed and "libgnutls" in needed and "ca-certificates" in needed


def test_its_scripts_are_shell_and_name_the_alternative(root, rpms):
    for tag in ("POSTIN", "PREUN", "POSTUN"):
        script = root.run("rpm", "-qp", "--qf", f"%{{{tag}}}", rpms["onehop"]).stdout
        assert "%" not in script, script
        root.run("sh", "-n", input=script)
        assert tag == "POSTUN" or "alternatives" in script and " mta " in script


def test_rpmlint_finds_no_mistake(root, rpms):
    said = root.run("rpmlint", "/tmp/onehop.spec", *rpms.values(), check=False).stdout
    mistakes = [line for line in said.splitlines()
                if " E: " in line and not any(f" {word}" in line for word in NO_MISTAKE)]
    assert not mistakes, said


def test_archs_package_is_built(root, source):
    place = root.path / "tmp/arch"
    for file in (source, RECIPES / "PKGBUILD"):
        copy(file, place)
    root.run("useradd", "--system", "--user-group", "builder")  # makepkg is not for root
    root.run("chown", "-R", "builder", "/tmp/arch")
    root.run("env", "-C", "/tmp/arch", "PACMAN=true", "PKGEXT=.pkg.tar", "makepkg", "-d", "--nocheck",
             user="builder", timeout=600)
    package, = place.glob("*.pkg.tar")
    files = [name for name in root.run("bsdtar", "-tf", f"/tmp/arch/{package.name}").stdout.split()
             if not name.startswith(".") and not name.endswith("/")]
    assert {"usr/bin/sendmail", "usr/lib/onehop/tls.so", "usr/lib/onehop/onehop-token", "etc/onehop/onehop.ini",
            "usr/lib/systemd/system/onehop.socket", "usr/lib/systemd/user/onehop-queue.timer",
            "usr/lib/sysusers.d/onehop.conf", "usr/lib/tmpfiles.d/onehop.conf"} <= set(files)
    assert not [name for name in files if not name.startswith(("usr/bin/", "usr/lib/", "usr/share/", "etc/onehop/"))]


def test_alpines_functions_make_its_packages(root, source):
    place = root.path / "tmp/alpine"
    for file in (source, *(RECIPES / "alpine").iterdir()):
        copy(file, place)
    root.run("env", "-C", "/tmp/alpine", "sh", "-ec", ALPINE, timeout=600)

    def files(part):
        return {str(file.relative_to(place / part)) for file in (place / part).rglob("*")
                if file.is_symlink() or not file.is_dir()}

    assert {pathlib.Path(name).name for name in files("mta")} == NAMES
    assert files("oauth2") == {"usr/libexec/onehop/onehop-token"}
    main = files("main")
    assert {"usr/bin/onehop", "usr/lib/onehop/tls.so", "etc/onehop/onehop.ini", "etc/init.d/onehop"} <= main
    assert not [name for name in main if "systemd" in name or pathlib.Path(name).name in NAMES]
    owner = root.run("stat", "-c", "%U %a", "/tmp/alpine/main/var/spool/onehop", "/tmp/alpine/main/etc/onehop/passwords")
    assert owner.stdout == "onehop 700\nroot 750\n"


@pytest.mark.parametrize("name", ["package.nix", "module.nix"])
def test_a_nix_file_is_parsed(root, name):
    root.write(f"tmp/{name}", (RECIPES / "nix" / name).read_text())
    root.run("env", "NIX_STORE_DIR=/tmp/store", "NIX_STATE_DIR=/tmp/state", "NIX_LOG_DIR=/tmp/log",
             "nix-instantiate", "--parse", f"/tmp/{name}")


def test_the_ansible_role_writes_an_account(root, rpms):
    """On a machine with the package: the RPM's files stand for it."""
    root.run("rpm", "-i", "--nodeps", "--noscripts", rpms["onehop"])
    root.run("useradd", "--system", "--user-group", "onehop", check=False)  # Alpine's recipe may have done it
    root.run("install", "-d", "-m", "750", "-g", "onehop", "/etc/onehop/passwords")
    subprocess.run(["cp", "-r", RECIPES / "ansible", root.path / "tmp/onehop"], check=True)
    root.write("tmp/play.yml", PLAY)
    play = ("env", "HOME=/root", "ANSIBLE_ROLES_PATH=/tmp", "ansible-playbook", "-c", "local", "-i", "localhost,",
            "/tmp/play.yml")
    assert "failed=0" in root.run(*play).stdout
    assert "changed=0" in root.run(*play).stdout
    facts = root.run("stat", "-c", "%a %U", "/etc/onehop/passwords/machine", "/etc/onehop/onehop.ini").stdout
    assert facts == "600 onehop\n644 root\n"
    shown = root.run("onehop", "-P", "-a", "machine", input="").stdout
    assert "user = reports@163.com" in shown
    root.write("tmp/play.yml", PLAY.replace("user:", "usre:"))
    assert root.run(*play, check=False).returncode != 0
    assert "user = reports@163.com" in root.run("onehop", "-P", "-a", "machine", input="").stdout


def test_ansible_lint_finds_no_mistake(root):
    (root.path / "tmp/roles").mkdir(exist_ok=True)
    subprocess.run(["cp", "-rT", RECIPES / "ansible", root.path / "tmp/roles/onehop"], check=True)
    done = root.run("env", "-C", "/tmp/roles", "HOME=/root", "ansible-lint", "--offline", "-p", "onehop",
                    check=False)
    assert done.returncode == 0, done.stdout + done.stderr
