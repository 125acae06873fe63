"""What a load did, and what it left: as it is remembered, and as rows of `_chatbotx_*` tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from chatbotx_source.instants import Instant
from chatbotx_source.rules.progress import Progress

Mode = Literal["full", "incremental", "reconcile", "contacts", "sample"]
"""What was to be read, as `_chatbotx_syncs` tells it."""

EndedBy = Literal[
    "stopped", "outage", "rate limit", "fault", "max_requests", "max_messages", "max_duration"
]
"""What may end a load before its pass is over."""


@dataclass
class Outcome:
    """What a load did.

    Attributes:
        began: when it began to read.
        requests: requests sent, retries included.
        answers: requests that were decided, one way or the other.
        contacts: contacts whose messages were asked for.
        rows: rows handed over, by table, markers of removals aside.
        messages: messages read, handed over or not yet.
        mode: as in `_chatbotx_syncs`.
        pass_number: the pass that it belongs to.
        pass_started: the instant up to which that pass brings everything.
        ended_by: what ended it before the pass was over.
        retry_after: seconds that the server wants to be left alone.
        pages_left: pages of the listing that the pass has yet to read.
        over: whether the pass ended with it.
        listed_since: the load that began the pass, if that has listed all contacts to the end:
            who was not written since is gone.
        complete: whether, then, nothing is missing.
        reconciled: whether, in addition, every contact was read whole.
    """

    began: Instant
    requests: int = 0
    answers: int = 0
    contacts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    mode: Mode = "incremental"
    pass_number: int = 0
    pass_started: Instant | None = None
    ended_by: EndedBy | None = None
    retry_after: float | None = None
    pages_left: int = 0
    over: bool = False
    listed_since: str | None = None
    complete: bool = False
    reconciled: bool = False

    def to_state(self) -> dict[str, Any]:
        """As JSON data, without what is nothing."""
        return {name: value for name, value in asdict(self).items() if value}


def sync_row(
    outcome: Outcome, progress: Progress, pipeline: str, *, ended: Instant
) -> dict[str, Any]:
    """The row of `_chatbotx_syncs` of a load."""
    entries = progress.unfinished.values()
    believed = sum(entry.believed_empty for entry in entries)
    return {
        "pass": outcome.pass_number,
        "pipeline": pipeline,
        "workspace_id": progress.workspace_id,
        "shard": progress.shard,
        "base_url": progress.base_url,
        "began": outcome.began,
        "ended": ended,
        "mode": outcome.mode,
        "complete": outcome.complete,
        "reconciled": outcome.reconciled,
        "contacts_listed": outcome.rows.get("contacts", 0),
        "contacts": outcome.contacts,
        "requests": outcome.requests,
        "messages": outcome.rows.get("messages", 0),
        "attachments": outcome.rows.get("messages__attachments", 0),
        "unfinished": len(entries) - believed,
        "believed_empty": believed,
        "pages_left": outcome.pages_left,
        "synced_through": progress.synced_through,
        "ended_by": outcome.ended_by,
        "retry_after": outcome.retry_after,
    }


def unfinished_rows(progress: Progress) -> Iterable[dict[str, Any]]:
    """The contacts that are not read through, as `_chatbotx_unfinished` tells of them."""
    for contact_id, entry in progress.unfinished.items():
        gap = next((each for each in entry.gaps if each.reason), entry.gaps[0])
        yield {
            "contact_id": contact_id,
            "reason": gap.reason or ("cut by a budget" if gap.cursor else "not begun"),
            "conversation_id": gap.conversation_id,
            "position": gap.last[0] if gap.last else None,
            "position_id": str(gap.last[1]) if gap.last else None,
            "floor": gap.floor,
            "since": entry.since,
            "believed_empty": entry.believed_empty,
        }


def unfinished_report(progress: Progress, pipeline: str) -> list[dict[str, Any]]:
    """The rows of `_chatbotx_unfinished`.

    Several pipelines may write into that table, and each replaces what it has said before: by the
    marker that comes first, where there is nothing else to say.
    """
    about = {
        "pipeline": pipeline,
        "workspace_id": progress.workspace_id,
        "shard": progress.shard,
    }
    marker = {**about, "contact_id": "", "_removed": True}
    return [marker, *({**about, **row, "_removed": False} for row in unfinished_rows(progress))]
