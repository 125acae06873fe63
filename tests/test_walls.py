"""The walls between the folders hold: an import that a contract forbids is seen."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.api import read_configuration

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = {
    "Imports point downwards, and each module has its place": (
        "chatbotx_source/shards.py",
        "from chatbotx_source import settings",
    ),
    "The rules decide: no request, no table, no load, no clock, no chance": (
        "chatbotx_source/rules/due.py",
        "from chatbotx_source import clock",
    ),
    "The client speaks HTTP, and knows neither rules nor tables nor dlt": (
        "chatbotx_source/api/client.py",
        "from chatbotx_source.rules import gaps",
    ),
    "The tables are made of rows, wherever these come from and go to": (
        "chatbotx_source/tables/values.py",
        "import duckdb",
    ),
    "The destinations know tables, and not how their rows are read": (
        "chatbotx_source/destinations/removals.py",
        "from chatbotx_source.rules.progress import Progress",
    ),
    "A load knows nothing of those who run it": (
        "chatbotx_source/extraction/outcome.py",
        "from chatbotx_source.summary import SyncSummary",
    ),
    "What comes after the load reads tables only": (
        "chatbotx_source/report/page.py",
        "from chatbotx_source.extraction.outcome import Outcome",
    ),
    "The sandbox shares nothing with what is tested against it": (
        "chatbotx_source/sandbox/state.py",
        "from chatbotx_source.instants import to_datetime",
    ),
    "The oracles of the tests know public names and the sandbox": (
        "tests/twin/oracle.py",
        "from chatbotx_source.rules.walk import Whole",
    ),
}
"""For each contract, a module and an import that breaks it."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("copy")
    for folder in ("chatbotx_source", "tests"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def broken(place: Path) -> tuple[int, list[str]]:
    """The exit status of the linter, and the contracts that it calls broken."""
    linted = subprocess.run(
        [LINTER, "--no-cache"], cwd=place, capture_output=True, text=True, check=False
    )
    return linted.returncode, re.findall(r"^(.+) BROKEN\b", linted.stdout, re.MULTILINE)


def test_the_contracts_are_kept(copy: Path) -> None:
    assert broken(copy) == (0, [])


@pytest.mark.parametrize(
    "contract",
    [
        each["name"]
        for each in read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    ],
)
def test_an_import_breaks_the_contract(contract: str, copy: Path) -> None:
    module, line = FORBIDDEN[contract]
    source = copy / module
    kept = source.read_text()
    try:
        source.write_text(f"{kept}\n\n{line}\n")
        status, contracts = broken(copy)
    finally:
        source.write_text(kept)
    assert status == 1
    assert contract in contracts


def test_a_module_without_a_place_breaks_the_layers(copy: Path) -> None:
    stray = copy / "chatbotx_source" / "helpers.py"
    try:
        stray.touch()
        assert broken(copy) == (1, ["Imports point downwards, and each module has its place"])
    finally:
        stray.unlink()
