"""What is known of a workspace between loads: how far it is read, and what is still open.

A **pass** reads the whole contact listing once, from its last page down to page 1, and walks the
contacts that show a sign of change. Contacts whose walk is not through are remembered one by one,
each with its **gaps**: the stretches still to be read. Everything else is one date,
`synced_through`, whatever the number of contacts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chatbotx_source.instants import Instant
from chatbotx_source.rules.gaps import Unfinished

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
        lowest_id: the lowest contact id read; the next page lies below it.
        highest_id: the highest contact id read.
        first_load: the load that began it.
        all_walked: whether every contact so far is walked to the bottom in this pass.
        identifiers: the contacts asked for one by one, in place of the listing.
    """

    number: int
    started: Instant
    mode: Mode = "incremental"
    probe: int | None = 1
    page: int = 0
    lowest_id: int | None = None
    highest_id: int = 0
    first_load: str | None = None
    all_walked: bool = True
    identifiers: tuple[str, ...] | None = None

    @property
    def listed(self) -> bool:
        """Whether the listing was read to its end."""
        return self.probe is None and self.page == 0


@dataclass
class Progress:
    """How far one workspace is read. It changes through the functions of `passes` only.

    Attributes:
        base_url: scope: the server that it was read from.
        workspace_id: scope: None until a row has told it.
        shard: scope: the part of the contacts that was read, as `3/8`; None for all.
        start_date: what bounded the floors; lowering it opens every contact again.
        synced_through: everything that a sign shows is read up to here.
        passes_ended: passes ended or given up so far.
        last_page: pages of the listing in the last pass.
        highest_id: the highest contact id of the last pass.
        current: the pass under way.
        unfinished: by contact id, only those that are not read through.
        contacts_synced_through: by contact id, the same date of contacts asked for one by one.
    """

    base_url: str
    workspace_id: str | None = None
    shard: str | None = None
    start_date: Instant | None = None
    synced_through: Instant | None = None
    passes_ended: int = 0
    last_page: int = 0
    highest_id: int = 0
    current: Pass | None = None
    unfinished: dict[str, Unfinished] = field(default_factory=dict)
    contacts_synced_through: dict[str, Instant] = field(default_factory=dict)

    @property
    def read_before(self) -> bool:
        """Whether a pass has ended before."""
        return self.synced_through is not None or bool(self.contacts_synced_through)

    def under_way(self) -> Pass:
        """The pass under way, where there is one."""
        if self.current is None:
            raise ValueError("no pass is under way")
        return self.current
