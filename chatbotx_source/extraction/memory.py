"""Where progress is kept: in the state of the resources, marked so that a lost part is noticed.

The state of `messages` holds the progress and every resource's state holds a **mark**: the last
batch whose rows it has handed over. A resource that was dropped, refreshed or cut short has no
mark or an older one; then the tables may lack rows that the progress speaks of, and the next sync
starts from nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

KEEPER = "messages"
"""The resource whose state holds the progress: dlt drops it together with the messages."""

State = MutableMapping[str, Any]
States = Mapping[str, Mapping[str, Any]]
"""By name, the states of the resources."""


def recall(states: States, names: Iterable[str]) -> Mapping[str, Any]:
    """What is remembered, if every resource has handed over what it speaks of.

    Args:
        states: of all resources.
        names: the resources that must agree.

    Returns:
        The keeper's state; empty when there is none, or when a mark is missing or differs.
    """
    kept = states.get(KEEPER, {})
    mark = kept.get("mark")
    agree = mark is not None and all(states.get(name, {}).get("mark") == mark for name in names)
    return kept if agree else {}


def next_mark(states: States) -> int:
    """The mark of the next batch: higher than any, also where the marks do not agree."""
    return 1 + max((state.get("mark", 0) for state in states.values()), default=0)


def remember(state: State, mark: int, held: Mapping[str, Any]) -> None:
    """Notes that a resource has handed over a batch.

    Args:
        state: of the resource; changed.
        mark: of the batch. dlt may finish batches out of order: a lower one changes nothing.
        held: what the keeper keeps with it; empty for every other resource.
    """
    if mark > state.get("mark", 0):
        state.update(held, mark=mark)


def report(state: State, load_id: str, mark: int, summary: Mapping[str, Any]) -> None:
    """Keeps what the last load did, for whoever ran it; nothing is decided by it later.

    Args:
        state: of the keeper; changed.
        load_id: the load.
        mark: of the batch that the summary was made with.
        summary: what the load did so far.
    """
    known = state.get("last", {})
    if known.get("load_id") != load_id or known["mark"] < mark:
        state["last"] = {"load_id": load_id, "mark": mark, **summary}
