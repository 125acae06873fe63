"""What is remembered between loads, and how it is written down.

A **pass** reads the whole contact listing once, from its last page down to page 1, and walks the
contacts that show a sign of change. Contacts whose walk is not through are remembered one by one,
each with its **gaps**: the stretches still to be read. Everything else is one date,
`synced_through`, whatever the number of contacts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from chatbotx_source.instants import Instant
from chatbotx_source.rules.gaps import Gap, Position, Unfinished

State = Mapping[str, Any]
"""JSON data."""

FORMAT = 1
"""Version of the remembered format."""

UPGRADES: Mapping[int, Callable[[State], State]] = {}
"""What makes the state of a format one of the next: an entry for each that was ever released."""

Mode = Literal["incremental", "reconcile"]


@dataclass(frozen=True)
class Pass:
    """One reading of the whole listing.

    Attributes:
        number: counts the passes.
        started: the instant up to which this pass brings everything.
        mode: `reconcile` walks every contact to the bottom.
        probe: the page to be found empty before the listing is read downwards.
        page: the next page to read, counting down; 0 when page 1 is done.
        lowest: the lowest contact id read; the next page lies below it.
        highest: the highest contact id read.
        first_load: the load that began it.
        whole: whether every contact so far is walked to the bottom in this pass.
        identifiers: the contacts asked for one by one, in place of the listing.
    """

    number: int
    started: Instant
    mode: Mode = "incremental"
    probe: int | None = 1
    page: int = 0
    lowest: int | None = None
    highest: int = 0
    first_load: str | None = None
    whole: bool = True
    identifiers: tuple[str, ...] | None = None

    @property
    def listed(self) -> bool:
        """Whether the listing was read to its end."""
        return self.probe is None and self.page == 0


@dataclass
class Progress:
    """All that is remembered of one workspace.

    Attributes:
        base_url: scope: the server that it was read from.
        workspace_id: scope: None until a row has told it.
        shard: scope: the part of the contacts that was read, as `3/8`; None for all.
        start_date: what bounded the floors; lowering it opens every contact again.
        synced_through: everything that a sign shows is read up to here.
        passes: passes ended or given up so far.
        last_page: pages of the listing in the last pass.
        highest: the highest contact id of the last pass.
        current: the pass under way.
        unfinished: by contact id, only those that are not read through.
        dates: by contact id, `synced_through` of contacts that were asked for one by one.
    """

    base_url: str
    workspace_id: str | None = None
    shard: str | None = None
    start_date: Instant | None = None
    synced_through: Instant | None = None
    passes: int = 0
    last_page: int = 0
    highest: int = 0
    current: Pass | None = None
    unfinished: dict[str, Unfinished] = field(default_factory=dict)
    dates: dict[str, Instant] = field(default_factory=dict)

    @property
    def read_before(self) -> bool:
        """Whether a pass has ended before."""
        return self.synced_through is not None or bool(self.dates)

    def under_way(self) -> Pass:
        """The pass under way, where there is one."""
        if self.current is None:
            raise ValueError("no pass is under way")
        return self.current


def to_state(progress: Progress) -> dict[str, Any]:
    """Writes progress as JSON data: `{"format": 1, **fields}`, defaults left out."""
    return {"format": FORMAT, **_without_defaults(progress)}


def from_state(
    state: State, upgrades: Mapping[int, Callable[[State], State]] = UPGRADES
) -> Progress | None:
    """Reads what `to_state` of this or an older version wrote.

    Args:
        state: JSON data.
        upgrades: what makes the state of a format one of the next.

    Returns:
        The progress; None for a format that no upgrade leads from, such as that of a newer
        version: it is not gone on with.
    """
    while (written := state.get("format", 0)) != FORMAT:
        if written not in upgrades:
            return None
        state = {**upgrades[written](state), "format": written + 1}
    values = {key: value for key, value in state.items() if key != "format"}
    if values.get("current"):
        identifiers = values["current"].get("identifiers")
        values["current"] = Pass(
            **{**values["current"], "identifiers": identifiers and tuple(identifiers)}
        )
    values["unfinished"] = {
        contact_id: Unfinished(
            **{**entry, "gaps": tuple(_gap(gap) for gap in entry.get("gaps", ()))}
        )
        for contact_id, entry in values.get("unfinished", {}).items()
    }
    return Progress(**values)


def _gap(state: Mapping[str, Any]) -> Gap:
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
