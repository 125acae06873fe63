"""What is remembered is JSON data of a version, read by that version and by later ones."""

from __future__ import annotations

import json
from typing import Any

from chatbotx_source.rules.gaps import Gap, Unfinished
from chatbotx_source.rules.progress import FORMAT, Pass, Progress, from_state, to_state

NOON = "2026-03-01T12:00:00.000Z"

PROGRESS = Progress(
    "https://chat.example.com/api",
    workspace_id="1",
    start_date="2020-01-01T00:00:00.000Z",
    synced_through=NOON,
    passes=3,
    last_page=7,
    highest=340,
    current=Pass(4, NOON, "reconcile", probe=None, page=2, lowest=99, identifiers=("id:1",)),
    unfinished={
        "17": Unfinished(
            (
                Gap(None, empties=1, reason="empty"),
                Gap(NOON, "cursor", last=(NOON, 5), first=(NOON, 9), blocked=3),
            ),
            since=NOON,
            listed=4,
        )
    },
    dates={"18": NOON},
)


def test_what_is_written_is_read_as_it_was() -> None:
    state = json.loads(json.dumps(to_state(PROGRESS)))
    assert state["format"] == FORMAT
    assert from_state(state) == PROGRESS


def test_a_new_workspace_is_written_in_a_few_words() -> None:
    assert to_state(Progress("https://chat.example.com/api")) == {
        "format": FORMAT,
        "base_url": "https://chat.example.com/api",
    }


def test_an_older_format_is_upgraded_step_by_step() -> None:
    older: dict[str, Any] = {**to_state(PROGRESS), "format": FORMAT - 2}
    older["through"] = older.pop("synced_through")
    upgrades = {
        FORMAT - 2: lambda state: {**state, "until": state["through"]},
        FORMAT - 1: lambda state: {
            **{key: value for key, value in state.items() if key not in ("through", "until")},
            "synced_through": state["until"],
        },
    }
    assert from_state(older, upgrades) == PROGRESS


def test_a_format_that_no_upgrade_leads_from_is_not_gone_on_with() -> None:
    assert from_state({**to_state(PROGRESS), "format": FORMAT + 1}) is None
    assert from_state({**to_state(PROGRESS), "format": FORMAT - 1}) is None
    assert from_state({}) is None
