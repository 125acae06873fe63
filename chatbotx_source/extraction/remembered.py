"""What is remembered between loads, as it lies in dlt's state: nobody else knows its layout.

dlt keeps a state for each resource, and drops it with the resource. The state of `messages` holds
the progress; every resource's state holds a **mark**: the last batch whose rows it has handed over.
A resource that was dropped, refreshed or cut short has no mark or an older one; then the tables may
lack rows that the progress speaks of, and the next load starts from nothing.

    messages: {
        "format": 2,
        "mark": 17,
        "tables": 11, how many resources have this mark,
        "progress": {"workspace": {of the whole listing}, "contacts": {of those in a list}},
        "last_load": {"load_id", "mark", "scope", "outcome"},
    }
    every other resource: {"mark": 17}
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import dlt

from chatbotx_source.extraction.outcome import Outcome
from chatbotx_source.rules.gaps import Gap, Position, Unfinished
from chatbotx_source.rules.progress import Pass, Progress

FORMAT = 2
"""Version of the layout. A state of another one starts from nothing, and says so."""

KEEPER = "messages"
"""The resource whose state holds the progress: dlt drops it together with the messages."""

Scope = Literal["workspace", "contacts"]
"""What progress is about: the whole listing, or contacts that were asked for one by one."""

State = Mapping[str, Any]
"""JSON data."""

States = Mapping[str, State]
"""By name, the states of the resources."""


@dataclass(frozen=True)
class LastLoad:
    """The load that was made last.

    Attributes:
        load_id: its id.
        scope: what its progress is about.
        outcome: what it did.
    """

    load_id: str
    scope: Scope
    outcome: Outcome


@dataclass(frozen=True)
class Remembered:
    """What the states of all resources hold together.

    Attributes:
        progress: how far each scope is read, where that can be read.
        agrees: whether every resource has handed over what the progress speaks of: if not, it is
            not to be gone on with.
        unreadable: the format of a state that this version does not read; None when it does.
        last_load: the load that was made last.
        next_mark: the mark of the next batch: higher than any, also where marks do not agree.
    """

    progress: Mapping[Scope, Progress] = field(default_factory=dict)
    agrees: bool = False
    unreadable: Any = None
    last_load: LastLoad | None = None
    next_mark: int = 1


@dataclass(frozen=True)
class Package:
    """A load package, and what may be remembered with its rows.

    Attributes:
        load_id: the load.
        first_mark: the mark of its first batch.
        scope: what its progress is about.
        others: the progress of other scopes, which stays as it is.
        remembers: whether progress moves: only when every resource is selected.
        splits: whether messages are loaded without their attachments, or the other way round.
    """

    load_id: str
    first_mark: int = 1
    scope: Scope = "workspace"
    others: Mapping[Scope, Progress] = field(default_factory=dict)
    remembers: bool = True
    splits: bool = False


def recall(states: States, tables: Iterable[str]) -> Remembered:
    """Reads what is remembered.

    A table that an older version did not have has no say: it begins empty, and forgets nothing.

    Args:
        states: of all resources.
        tables: those of this version.

    Returns:
        What is remembered; nothing of it for a state that this version does not read.
    """
    next_mark = 1 + max((state.get("mark", 0) for state in states.values()), default=0)
    kept = states.get(KEEPER, {})
    if not kept:
        return Remembered(next_mark=next_mark)
    if kept.get("format") != FORMAT:
        return Remembered(unreadable=kept.get("format", 1), next_mark=next_mark)
    try:
        progress = {scope: _progress(state) for scope, state in kept.get("progress", {}).items()}
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        return Remembered(unreadable=f"{FORMAT}, but damaged", next_mark=next_mark)
    mark = kept.get("mark")
    marks = [state.get("mark") for state in states.values()]
    known = {states.get(name, {}).get("mark", mark) for name in tables}
    return Remembered(
        progress=progress,
        agrees=mark is not None and known == {mark} and marks.count(mark) >= kept.get("tables", 0),
        last_load=_last_load(kept.get("last_load")),
        next_mark=next_mark,
    )


def recall_pipeline(pipeline: dlt.Pipeline, source: str, tables: Iterable[str]) -> Remembered:
    """Reads what a pipeline remembers of a source, between its loads."""
    sources = pipeline.state.get("sources", {})
    return recall(sources.get(source, {}).get("resources", {}), tables)


def forget(state: MutableMapping[str, Any], source: str) -> bool:
    """Forgets all of a source.

    Args:
        state: of a pipeline; changed.
        source: its name.

    Returns:
        Whether there was anything.
    """
    return bool(state.get("sources", {}).pop(source, None))


def remember(
    state: MutableMapping[str, Any],
    name: str,
    tables: Collection[str],
    package: Package,
    mark: int,
    progress: State,
    outcome: State,
) -> None:
    """Notes that a resource has handed over a batch.

    Args:
        state: of the resource; changed.
        name: of the resource.
        tables: those of this version.
        package: the load package.
        mark: of the batch. dlt may finish batches out of order: a lower one changes nothing.
        progress: what goes with the batch, as `progress_to_state` writes it.
        outcome: what the load did so far, as JSON data.
    """
    if name == KEEPER and state.get("format") != FORMAT:
        state.clear()
        state["format"] = FORMAT
    # A load that splits them leaves a mark that no other resource has: they no longer agree.
    if (package.remembers or package.splits) and mark > state.get("mark", 0):
        state["mark"] = mark
        if name == KEEPER and package.remembers:
            others = {scope: progress_to_state(other) for scope, other in package.others.items()}
            state["tables"] = len(tables)
            state["progress"] = {**others, package.scope: progress}
    if name == KEEPER:
        known = state.get("last_load", {})
        if known.get("load_id") != package.load_id or known["mark"] < mark:
            state["last_load"] = {
                "load_id": package.load_id,
                "mark": mark,
                "scope": package.scope,
                "outcome": outcome,
            }


def progress_to_state(progress: Progress) -> State:
    """Writes progress as JSON data, defaults left out."""
    state: State = _without_defaults(progress)
    return state


def progress_from_state(state: State) -> Progress | None:
    """Reads what `progress_to_state` wrote; None for what this version cannot read."""
    try:
        return _progress(state)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        return None


def _progress(state: State) -> Progress:
    values = dict(state)
    if values.get("current"):
        identifiers = values["current"].get("identifiers")
        current = Pass(**{**values["current"], "identifiers": identifiers and tuple(identifiers)})
        values["current"] = replace(
            current,
            lowest_id=None if current.lowest_id is None else int(current.lowest_id),
            highest_id=int(current.highest_id),
        )
    values["highest_id"] = int(values.get("highest_id", 0))
    values["unfinished"] = {
        contact_id: Unfinished(
            **{**entry, "gaps": tuple(_gap(gap) for gap in entry.get("gaps", ()))}
        )
        for contact_id, entry in values.get("unfinished", {}).items()
    }
    return Progress(**values)


def _gap(state: State) -> Gap:
    return Gap(
        **{
            "floor": None,
            **state,
            "first": _position(state.get("first")),
            "last": _position(state.get("last")),
        }
    )


def _position(state: Sequence[Any] | None) -> Position | None:
    return (state[0], int(state[1])) if state else None


def _last_load(state: State | None) -> LastLoad | None:
    if not state:
        return None
    known = {each.name for each in fields(Outcome)}
    outcome = {name: value for name, value in state["outcome"].items() if name in known}
    return LastLoad(state["load_id"], state["scope"], Outcome(**outcome))


def _without_defaults(value: Any) -> Any:
    if isinstance(value, (Progress, Pass, Unfinished, Gap)):
        plain = {
            each.name: getattr(value, each.name)
            for each in fields(value)
            if getattr(value, each.name) not in (each.default, {}, ())
        }
        return {name: _without_defaults(inner) for name, inner in plain.items()}
    if isinstance(value, dict):
        return {key: _without_defaults(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_defaults(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)  # dlt keeps no longer number, but an id may be one
    return value
