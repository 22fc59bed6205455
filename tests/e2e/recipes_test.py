"""The recipes in etc/packages: as far as they can be read without their distributions' tools. Those
are in interop/recipes_test.py."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from machine import SOURCE

RECIPES = Path(SOURCE) / "etc/packages"
VERSIONS = {"onehop.spec": r"^Version: +(\S+)$", "alpine/APKBUILD": r"^pkgver=(\S+)$",
            "PKGBUILD": r"^pkgver=(\S+)$", "nix/package.nix": r'^  version = "(\S+)";$'}
SCRIPTS = {"PKGBUILD": "bash", "alpine/APKBUILD": "sh", "alpine/onehop.initd": "sh",
           "alpine/onehop.pre-install": "sh"}


@pytest.mark.parametrize("name", VERSIONS)
def test_a_recipe_is_of_this_version(name):
    version = re.search(r"^AC_INIT\(\[onehop\], \[([^]]+)\]", (Path(SOURCE) / "configure.ac").read_text(), re.M)
    assert re.search(VERSIONS[name], (RECIPES / name).read_text(), re.M)[1] == version[1]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_well_formed(name):
    done = subprocess.run([SCRIPTS[name], "-n", RECIPES / name], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    if not shutil.which("shellcheck"):
        pytest.skip("NOT TESTED further: no shellcheck here")
    # What the package manager reads, and what it sets.
    done = subprocess.run(["shellcheck", "-s", SCRIPTS[name], "-e", "SC2034,SC2154", RECIPES / name],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["onehop.spec", "alpine/APKBUILD", "PKGBUILD"])
def test_options_are_those_of_configure(name):
    """A --with-... that configure does not know is no error there."""
    known = subprocess.run([Path(SOURCE) / "configure", "--help"], capture_output=True, text=True).stdout
    options = re.findall(r"--(?:with|enable|disable)-([a-z-]+)", (RECIPES / name).read_text())
    assert "oauth" in options
    for option in options:
        assert re.search(rf"--(enable|disable|with|without)-{option}\b", known), option
