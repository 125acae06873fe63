"""What is remembered is JSON data of a version, read by that version and by later ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatbotx_source.extraction.outcome import Outcome
from chatbotx_source.extraction.remembered import (
    FORMAT,
    LastLoad,
    Package,
    Remembered,
    progress_to_state,
    recall,
    remember,
)
from chatbotx_source.rules.gaps import Gap, Unfinished
from chatbotx_source.rules.progress import Pass, Progress

NOON = "2026-03-01T12:00:00.000Z"

PROGRESS = Progress(
    "https://chat.example.com/api",
    workspace_id="1",
    start_date="2020-01-01T00:00:00.000Z",
    synced_through=NOON,
    passes_ended=3,
    last_page=7,
    highest_id=340,
    current=Pass(4, NOON, "reconcile", probe=None, page=2, lowest_id=99, identifiers=("id:1",)),
    unfinished={
        "17": Unfinished(
            (
                Gap(None, empties=1, reason="empty"),
                Gap(NOON, "cursor", last=(NOON, 5), first=(NOON, 9), blocked_in=3),
            ),
            since=NOON,
            listed_in=4,
        )
    },
    contacts_synced_through={"18": NOON},
)


TABLES = ("messages", "contacts")


def written(progress: Progress = PROGRESS, mark: int = 7) -> dict[str, dict[str, Any]]:
    """The states of all resources after a batch, as dlt stores them."""
    states: dict[str, dict[str, Any]] = {name: {} for name in TABLES}
    for name, state in states.items():
        state_of = progress_to_state(progress)
        remember(state, name, TABLES, Package("load"), mark, state_of, {"began": NOON})
    stored: dict[str, dict[str, Any]] = json.loads(json.dumps(states))
    return stored


def test_what_is_written_is_read_as_it_was() -> None:
    remembered = recall(written(), TABLES)
    assert (remembered.progress, remembered.agrees) == ({"workspace": PROGRESS}, True)
    assert remembered.last_load == LastLoad("load", "workspace", Outcome(NOON))
    assert remembered.next_mark == 8


def test_ids_of_any_number_of_digits_are_read_as_they_were() -> None:
    most = 10**30
    current = Pass(4, NOON, lowest_id=most, highest_id=most)
    progress = Progress("https://chat.example.com/api", highest_id=most, current=current)
    assert recall(written(progress), TABLES).progress == {"workspace": progress}


def test_a_new_workspace_is_written_in_a_few_words() -> None:
    address = "https://chat.example.com/api"
    assert progress_to_state(Progress(address)) == {"base_url": address}


def test_nothing_is_remembered_of_nothing() -> None:
    assert recall({}, TABLES) == Remembered()


@pytest.mark.parametrize("name", TABLES)
def test_a_resource_that_was_dropped_is_missed(name: str) -> None:
    states = written()
    del states[name]
    assert not recall(states, TABLES).agrees


def test_a_table_that_is_new_in_a_version_forgets_nothing() -> None:
    remembered = recall(written(), (*TABLES, "conversations"))
    assert (remembered.progress, remembered.agrees) == ({"workspace": PROGRESS}, True)


def test_the_state_of_another_format_is_not_read() -> None:
    states = written()
    states["messages"]["format"] = FORMAT + 1
    assert recall(states, TABLES) == Remembered(unreadable=FORMAT + 1, next_mark=8)
    first = {name: {"mark": 7} for name in TABLES}
    first["messages"]["progress"] = {"format": 1, "passes": 3}  # type: ignore[assignment]
    assert recall(first, TABLES) == Remembered(unreadable=1, next_mark=8)


def test_a_name_that_this_version_does_not_know_is_not_read() -> None:
    states = written()
    states["messages"]["progress"]["workspace"]["passes"] = 3
    remembered = recall(states, TABLES)
    assert (remembered.progress, remembered.agrees) == ({}, False)
    assert remembered.unreadable == f"{FORMAT}, but damaged"


def test_a_state_of_another_format_is_replaced() -> None:
    state: dict[str, Any] = {"mark": 7, "listed": {"passes": 3}}
    progress = progress_to_state(PROGRESS)
    remember(state, "messages", TABLES, Package("load"), 8, progress, {"began": NOON})
    assert set(state) == {"format", "mark", "tables", "progress", "last_load"}


def test_progress_of_the_other_scope_stays() -> None:
    state: dict[str, Any] = {}
    package = Package("load", scope="contacts", others={"workspace": PROGRESS})
    remember(state, "messages", TABLES, package, 1, {"base_url": "https://chat.example.com"}, {})
    assert set(state["progress"]) == {"workspace", "contacts"}
