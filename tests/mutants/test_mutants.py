"""Every mutant fits the source as it stands, and a search is told of the mistake alone."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.mutants.__main__ import SEARCHES
from tests.mutants.mutant import Mutant, StaleMutantError
from tests.mutants.trying import PACKAGE, SearchError, found

MUTANTS = [mutant for search in SEARCHES for mutant in search.mutants]


def test_every_mutant_fits_the_source_and_compiles() -> None:
    stale = []
    for mutant in MUTANTS:
        try:
            compile(mutant.changed(PACKAGE), mutant.module, "exec")
        except (StaleMutantError, SyntaxError) as error:
            stale.append(f"{mutant.what}: {error}")
    assert not stale, "\n\n".join(stale)


@pytest.mark.parametrize("source", ["nothing of it", "twice = 1\ntwice = 1\n"])
def test_a_mutant_that_does_not_fit_is_named(source: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(source)
    with pytest.raises(
        StaleMutantError, match=r"'the mistake' replaces .* in module\.py [02] times"
    ):
        Mutant("the mistake", "module", "twice = 1", "twice = 2").changed(tmp_path)


def tried(new: str, *, histories: int = 5, seconds: float | None = None) -> str | None:
    """What the twin's search says where the listing is read in this way."""
    mutant = Mutant("", "extraction/listing", "current.probe or current.page", new)
    twin = SEARCHES[0]
    return asyncio.run(found(twin, mutant, histories=histories, seed=1, seconds=seconds))


@pytest.mark.long
def test_a_search_refuses_a_mistake_alone() -> None:
    line = tried("current.probe or max(current.page - 1, 1)")
    assert re.fullmatch(r"seed \d: BrokenPromiseError: .+", str(line))
    assert tried("current.page if current.probe is None else current.probe") == ""


@pytest.mark.long
def test_a_crash_is_no_promise_broken() -> None:
    with pytest.raises(SearchError, match="NameError"):
        tried("nobody_knows")


@pytest.mark.long
def test_a_search_that_takes_too_long_is_given_up() -> None:
    assert tried("current.probe or current.page", histories=100_000, seconds=1) is None
