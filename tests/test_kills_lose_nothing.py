"""A sync may be killed at any moment, with or without its directory: a later one completes it.

`python -m tests.kills` kills many more.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kills.history import play


@pytest.mark.parametrize(("seed", "kills"), [(4, 6), (10, 6)])
def test_kills_lose_nothing(tmp_path: Path, seed: int, kills: int) -> None:
    assert play(seed, tmp_path).kills.total() >= kills
