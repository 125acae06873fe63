"""Whatever happens to the workspace, the server and the loads, in whatever order: no row is lost.

`history.promise` says what is promised. `python -m tests.history` searches longer.
"""

from __future__ import annotations

import pytest
from history.drawing import histories
from history.examples import EXAMPLES
from history.playing import play
from history.steps import History
from hypothesis import HealthCheck, Phase, given, settings


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_sync_keeps_its_promise_where(name: str) -> None:
    play(EXAMPLES[name])


@settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(histories(rounds=2))
def test_a_sync_keeps_its_promise_in_any_history(history: History) -> None:
    play(history)
