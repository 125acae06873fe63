"""Whatever happens to the workspace, the server and the loads, in whatever order: no row is lost.

`history.promise` says what is promised. `python -m tests.history` searches longer, and shortens
what it finds.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.history.drawing import draw_history
from tests.history.examples import EXAMPLES
from tests.history.playing import play


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_sync_keeps_its_promise_where(name: str) -> None:
    play(EXAMPLES[name])


@pytest.mark.parametrize(
    ("rounds", "histories"),
    [
        *((1, 3), (2, 2)),
        *(pytest.param(*longer, marks=pytest.mark.long) for longer in ((1, 10), (2, 4))),
    ],
)
def test_a_sync_keeps_its_promise_in_any_history(rounds: int, histories: int) -> None:
    @settings(
        max_examples=histories,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(random=st.randoms(use_true_random=False))
    def search(random: Random) -> None:
        play(draw_history(random, rounds))

    search()
