"""Reports a sync: what it did, what it left, and how far the tables can be trusted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from chatbotx_source.extraction import outcome
from chatbotx_source.instants import from_datetime
from chatbotx_source.tables.columns import DATA_TABLES

EndedBy = Literal[
    outcome.EndedBy, "an interrupt", "a load that read nothing", "a load that got no further"
]
"""What may end a sync before its pass is over."""

_STALLED: tuple[EndedBy, ...] = ("outage", "a load that read nothing", "a load that got no further")
"""The ends that call for another try soon: with any other, the sync did as it was told."""


@dataclass
class SyncSummary:
    """What a sync did, and what it left.

    Attributes:
        mode: what was to be read: `full`, `incremental`, `reconcile`, `contacts` (those asked for)
            or `sample` (the first few); None before the first load.
        shard: the part of the contacts that was read, such as `3/8`; None for all of them.
        loads: loads made.
        requests: requests sent, retries included.
        contacts: contacts whose messages were requested.
        rows: rows loaded, by table.
        unfinished: contacts whose messages are not all read, as rows of `_chatbotx_unfinished`.
        believed_empty: contacts that look active but have returned nothing for so long that they
            are assumed to be empty.
        pages_left: pages of the contact listing still to be read.
        synced_through: everything that happened before it is in the tables; None before the first
            pass has ended.
        complete: whether everything was read.
        reconciled: whether, in addition, every contact's full history was read.
        ended_by: what ended the sync before its pass was over; None if nothing did.
        retry_after: seconds that the server asks to wait; None if it does not.
    """

    mode: outcome.Mode | None = None
    shard: str | None = None
    loads: int = 0
    requests: int = 0
    contacts: int = 0
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DATA_TABLES, 0))
    unfinished: list[dict[str, Any]] = field(default_factory=list)
    believed_empty: int = 0
    pages_left: int = 0
    synced_through: datetime | None = None
    complete: bool = False
    reconciled: bool = False
    ended_by: EndedBy | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        lines = ["rows loaded:", *(f"{rows:>12,}  {table}" for table, rows in self.rows.items())]
        lines.append(
            f"{_count(self.contacts, 'contact')} walked, {_count(self.requests, 'request')}, "
            f"{_count(self.loads, 'load')}"
        )
        lines.append(self.verdict)
        for row in self.unfinished[:10]:
            back = f", read back to {row['position']}" if row["position"] else ""
            lines.append(f"  contact {row['contact_id']}: {row['reason']}{back}")
        if len(self.unfinished) > 10:
            lines.append(f"  and {len(self.unfinished) - 10:,} more in _chatbotx_unfinished")
        if self.believed_empty:
            lines.append(f"assumed empty despite apparent activity: {self.believed_empty:,}")
        return "\n".join(lines)

    @property
    def stalled(self) -> bool:
        """Whether it got stuck: not complete, though neither a budget nor a limit ended it."""
        return self.ended_by in _STALLED

    @property
    def figures(self) -> dict[str, Any]:
        """The summary as JSON data for a scheduler: a few hundred bytes, whatever was loaded."""
        return {
            **asdict(self),
            "unfinished": len(self.unfinished),
            "synced_through": self._through,
            "verdict": self.verdict,
        }

    @property
    def verdict(self) -> str:
        """How far the tables can be trusted, in one line."""
        return f"shard {self.shard}: {self._verdict}" if self.shard else self._verdict

    @property
    def _through(self) -> str | None:
        return None if self.synced_through is None else from_datetime(self.synced_through)

    @property
    def _verdict(self) -> str:
        if self.complete:
            how = "complete, every contact read whole" if self.reconciled else "complete"
            how = "complete for the contacts asked for" if self.mode == "contacts" else how
            return f"{how}: the tables hold what happened before {self._through}"
        left = ["only a sample was read"] if self.mode == "sample" else []
        if self.unfinished:
            left.append(f"{_count(len(self.unfinished), 'contact')} unfinished")
        if self.pages_left:
            left.append(f"{_count(self.pages_left, 'page')} of contacts still to read")
        if self.ended_by:
            left.append(f"ended by {self.ended_by}")
        if self.retry_after is not None:
            left.append(f"the server asks to wait {self.retry_after:,.0f} s")
        return f"not complete: {'; '.join(left)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
