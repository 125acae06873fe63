"""A sync may be killed at any moment, with or without its directory: a later one completes it.

`python -m tests.kills` kills many more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from durability_support import Town
from kills.history import play
from kills.worker import Death, sync_apart
from loading_support import Job


@pytest.mark.long
@pytest.mark.parametrize(("seed", "kills"), [(4, 6), (10, 6)])
def test_kills_lose_nothing(tmp_path: Path, seed: int, kills: int) -> None:
    assert play(seed, tmp_path).kills.total() >= kills


def test_a_killed_sync_leaves_no_lock(serve: Callable[..., Job]) -> None:
    job = serve(Town(Random(1), contacts=2).workspace)
    assert sync_apart(job, Death("request", 2)) is None
    assert job.sync().complete
    assert job.differences() == []
