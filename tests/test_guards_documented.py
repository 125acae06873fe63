"""The table of faults names tests that exist, and all tests of the guards."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
FAULTS = TESTS.parent / "docs" / "faults.md"
GUARDS = [*TESTS.rglob("test_guards_*.py"), *TESTS.rglob("test_request_costs.py")]


def written_in(file: Path) -> set[str]:
    found = re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    return {f"{file.name}::{name}" for name in found}


def named() -> list[str]:
    return re.findall(r"`(test_\w+\.py::test_\w+)`", FAULTS.read_text("utf-8"))


def test_each_test_that_the_table_of_faults_names_exists() -> None:
    files = [file for name in named() for file in TESTS.rglob(name.partition("::")[0])]
    assert set(named()) <= {test for file in files for test in written_in(file)}


def test_each_test_of_a_guard_is_in_the_table_of_faults() -> None:
    guards = {test for file in GUARDS if file != Path(__file__) for test in written_in(file)}
    assert guards <= set(named())
