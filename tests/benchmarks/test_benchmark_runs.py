"""The benchmark loads the same rows by this source and by the bare loop, and counts requests."""

from pathlib import Path

import pytest

from benchmarks.contenders import CONTENDERS
from benchmarks.environments import variables
from benchmarks.measuring import ContenderError, Run, measure, serving

SMALL = ("--contacts", "60", "--messages", "900")


def run(name: str, folder: Path) -> Run:
    contender = CONTENDERS[name]
    with serving(SMALL) as server:
        return measure(contender, server, folder, variables(contender))


@pytest.mark.parametrize("name", ["chatbotx", "bare-loop"])
def test_a_contender_loads_every_row_of_the_workspace(name: str, tmp_path: Path) -> None:
    done = run(name, tmp_path)
    assert done.rows["messages"] == 900
    assert not any(done.missing.values())
    # Two pages list sixty contacts, of which one has no conversation to ask for.
    assert done.asked["requests"] - done.asked["listings"] == 59
    assert done.seconds > 0
    assert done.megabytes > 10


def test_a_contender_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "data.duckdb").write_bytes(b"no database")
    with pytest.raises(ContenderError, match="not a valid DuckDB"):
        run("bare-loop", tmp_path)
