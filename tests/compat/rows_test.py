"""Every row of doc/compatibility.md is a test, and every test a row."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
DOC = HERE.parent.parent / "doc" / "compatibility.md"


def names_of_rows():
    found = re.findall(r"^\| `([a-z0-9-]+)` \|", DOC.read_text(), re.M)
    assert len(found) == len(set(found)), "an id stands twice"
    return set(found)


def names_of_tests():
    names = set()
    for path in HERE.glob("*_test.py"):
        if path.name != "rows_test.py":
            names |= set(re.findall(r"^def test_(\w+)\(", path.read_text(), re.M))
    return {name.replace("_", "-") for name in names}


def test_every_row_has_its_test_and_every_test_its_row():
    assert names_of_rows() == names_of_tests()
