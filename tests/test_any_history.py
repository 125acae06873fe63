"""Whatever happens to the workspace, the server and the loads, in whatever order: no row is lost.

`history.promise` says what is promised. `python -m tests.history` searches longer.
"""

from __future__ import annotations

from history.drawing import histories
from history.playing import play
from history.steps import History
from hypothesis import HealthCheck, Phase, given, settings


@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(histories(rounds=2))
def test_a_sync_keeps_its_promise_in_any_history(history: History) -> None:
    play(history)
