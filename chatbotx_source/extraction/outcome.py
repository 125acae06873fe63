"""What a load did, and what it left: as it is remembered, and as rows of `_chatbotx_*` tables."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from chatbotx_source.errors import ChatbotXError, RateLimitError, StoppedError
from chatbotx_source.extraction.budgets import Limit
from chatbotx_source.forecast import under_a_limit
from chatbotx_source.instants import Instant
from chatbotx_source.rules import passes
from chatbotx_source.rules.progress import Pass, Progress
from chatbotx_source.settings import Settings

logger = logging.getLogger(__name__)

Mode = Literal["full", "incremental", "reconcile", "contacts", "sample"]
"""What was to be read, as `_chatbotx_syncs` tells it."""

EndedBy = Literal["stopped", "outage", "rate limit", "fault", Limit]
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

    def add_rows(self, counts: Mapping[str, int]) -> None:
        """Counts rows that were handed over, by table."""
        for table, count in counts.items():
            self.rows[table] = self.rows.get(table, 0) + count

    def to_state(self) -> dict[str, Any]:
        """As JSON data, without what is nothing."""
        return {name: value for name, value in asdict(self).items() if value}


def cut(outcome: Outcome, error: ChatbotXError, *, elapsed: float, pages: int) -> None:
    """Notes the error that ended a load before its pass was over, and says what it means.

    Args:
        outcome: what the load did; changed.
        error: what ended it.
        elapsed: seconds since it began.
        pages: pages of the contact listing, 0 if none has told.
    """
    level = logging.WARNING
    if isinstance(error, RateLimitError):
        outcome.ended_by, outcome.retry_after = "rate limit", error.retry_after
        limit = under_a_limit(outcome.answers, elapsed + error.retry_after, pages)
        logger.warning("For this workspace: %s.", limit)
    elif isinstance(error, StoppedError):
        outcome.ended_by, level = "stopped", logging.INFO
    else:
        outcome.ended_by = "fault"
    logger.log(level, "%s", error)


def end_pass(outcome: Outcome, progress: Progress, settings: Settings, *, walks: bool) -> None:
    """Notes how far a load has got, and ends its pass where that is over.

    Args:
        outcome: what the load did; changed.
        progress: what is remembered; changed.
        settings: what was set.
        walks: whether messages were read at all.
    """
    current = progress.current
    if current is None:
        return
    outcome.pass_number = current.number
    outcome.pass_started = current.started
    outcome.mode = _mode(current, progress, settings)
    outcome.pages_left = current.page if current.probe is None else current.probe - 1
    if not walks or not passes.may_end(progress):
        return
    listing = current.identifiers is None and settings.limit_contacts is None
    verdict = passes.end(progress, whole_listing=listing)
    outcome.over = True
    outcome.listed_since = current.first_load if listing else None
    outcome.complete = verdict.complete and outcome.mode != "sample"
    outcome.reconciled = verdict.reconciled and listing


def _mode(current: Pass, progress: Progress, settings: Settings) -> Mode:
    if current.identifiers is not None:
        return "contacts"
    if settings.limit_contacts is not None:
        return "sample"
    if current.mode == "reconcile":
        return "reconcile"
    return "incremental" if progress.synced_through else "full"


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
