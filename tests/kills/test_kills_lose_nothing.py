"""A sync may be killed at any moment, with or without its directory: a later one completes it.

`python -m tests.kills` kills many more at random, with `--each` in order.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.kills.history import play
from tests.kills.worker import Death, sync_apart
from tests.support.durability import Town
from tests.support.loading import Job


@pytest.mark.long
@pytest.mark.parametrize(("seed", "kills"), [(4, 6), (10, 6)])
def test_kills_lose_nothing(tmp_path: Path, seed: int, kills: int) -> None:
    assert play(seed, tmp_path).kills.total() >= kills


@pytest.mark.long
@pytest.mark.parametrize(
    "death",
    [
        Death("file", 4, about=r"/schemas/\w+$"),
        Death("file", about=r"/normalize/extracted/[\d.]+$"),
        Death("file", 2, about=r"/normalize/extracted/[\d.]+$"),
        Death("file", about=r"/load/normalized/[\d.]+$"),
    ],
    ids=[
        "a schema is written, and not yet named",
        "a package is normalized, and what was extracted still there",
        "a package is normalized, and what was extracted almost deleted",
        "a package is marked as loaded, and not yet put away",
    ],
)
def test_a_sync_goes_on_where_dlt_was_between_two_steps(
    serve: Callable[..., Job], death: Death
) -> None:
    job = serve(Town(Random(1), contacts=2).workspace)
    assert sync_apart(job, death) is None
    for _ in range(2):
        assert job.sync().complete
    assert job.differences() == []


def test_a_load_that_is_recorded_and_not_marked_is_not_recorded_again(
    serve: Callable[..., Job],
) -> None:
    job = serve(Town(Random(1), contacts=2).workspace)
    assert sync_apart(job, Death("file", about=r"/load/normalized/[\d.]+$")) is None
    pipelines = job.file.parent / "pipelines"
    [mark] = pipelines.glob("job/load/normalized/*/package_completed.json")
    mark.unlink()  # is written between the record and the end
    assert job.sync().complete
    assert job.query("SELECT count(*) - count(DISTINCT load_id) FROM _dlt_loads") == [(0,)]


def test_files_that_dlt_was_removing_as_the_destination_is_gone_are_given_up(
    serve: Callable[..., Job],
) -> None:
    job = serve(Town(Random(1), contacts=2).workspace)
    job.sync()
    job.file.unlink()
    [schema] = (job.file.parent / "pipelines" / "job" / "schemas").iterdir()
    schema.unlink()
    assert job.sync().complete
    assert job.differences() == []


def test_a_killed_sync_leaves_no_lock(serve: Callable[..., Job]) -> None:
    job = serve(Town(Random(1), contacts=2).workspace)
    assert sync_apart(job, Death("request", 2)) is None
    assert job.sync().complete
    assert job.differences() == []
