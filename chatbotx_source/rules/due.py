"""Which listed contacts have to be walked, and how far down: pure functions over plain data.

The API has no filter by date, and shows only in the contact listing that something changed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chatbotx_source.instants import Instant, instant, minus
from chatbotx_source.rules.gaps import number
from chatbotx_source.rules.progress import Progress

LIM_AGE_DAYS = 30
"""An inbox silent for longer than this says nothing about the depth of the news."""


@dataclass(frozen=True)
class Contact:
    """What one row of the listing says, as far as the sync decides by it."""

    id: str
    has_conversation: bool
    created_at: Instant | None
    updated_at: Instant | None
    conversation_created_at: Instant | None
    conversation_updated_at: Instant | None
    last_activity_at: Instant | None
    last_incoming_at: Instant | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Contact:
        """Reads a row of `GET /v1/contacts`, whatever is missing in it."""
        listed = row.get("conversation", {})  # null says there is none; absent says nothing
        conversation = listed if isinstance(listed, Mapping) else {}
        inboxes = row.get("contactInboxes")
        incoming = [
            instant(inbox.get("lastIncomingMessageAt"))
            for inbox in (inboxes if isinstance(inboxes, list) else ())
            if isinstance(inbox, Mapping)
        ]
        return cls(
            id=str(row.get("id")),
            has_conversation=listed is not None,
            created_at=instant(row.get("createdAt")),
            updated_at=instant(row.get("updatedAt")),
            conversation_created_at=instant(conversation.get("createdAt")),
            conversation_updated_at=instant(conversation.get("updatedAt")),
            last_activity_at=instant(conversation.get("lastActivityAt")),
            last_incoming_at=_latest(incoming),
        )

    @property
    def expects_messages(self) -> bool:
        """Whether an empty first page would contradict the row: such an answer hides a fault."""
        if self.last_incoming_at:
            return True
        if not self.last_activity_at or not self.conversation_created_at:
            return False
        return minus(self.last_activity_at, minutes=1) > self.conversation_created_at

    @property
    def signs(self) -> tuple[Instant, ...]:
        """The times of the row that move when something happens in its conversation."""
        # contact.updatedAt also moves with every CRM update: only where nothing better is there.
        touched = self.conversation_updated_at or self.updated_at
        candidates = (
            self.last_activity_at,
            self.last_incoming_at,
            touched,
            self.conversation_created_at,
            self.created_at,
        )
        return tuple(sign for sign in candidates if sign)


def is_due(
    contact: Contact,
    progress: Progress,
    *,
    lookback_days: float,
    reconcile_share: float,
) -> bool:
    """Whether a listed contact has to be walked in the pass under way."""
    current = progress.under_way()
    through = synced_through(progress, contact.id)
    if through is None or current.mode == "reconcile" or contact.id in progress.unfinished:
        return True
    if is_chosen(contact.id, current.number, reconcile_share) or _is_new(contact, progress):
        return True
    news = minus(through, days=lookback_days)
    if any(sign > news for sign in contact.signs):
        return True
    silent = contact.last_activity_at is None and contact.last_incoming_at is None
    return silent and contact.conversation_updated_at is None


def floor_of(
    contact: Contact,
    progress: Progress,
    *,
    lookback_days: float,
    reconcile_share: float,
) -> Instant | None:
    """How far down a due contact has to be walked; None is the whole history."""
    return _higher(
        _unbounded_floor(
            contact, progress, lookback_days=lookback_days, reconcile_share=reconcile_share
        ),
        progress.start_date,
    )


def _unbounded_floor(
    contact: Contact, progress: Progress, *, lookback_days: float, reconcile_share: float
) -> Instant | None:
    current = progress.under_way()
    through = synced_through(progress, contact.id)
    if through is None or current.mode == "reconcile":
        return None
    if is_chosen(contact.id, current.number, reconcile_share):
        return None
    if _is_new(contact, progress):
        return None
    news = minus(through, days=lookback_days)
    created = (contact.created_at, contact.conversation_created_at)
    if any(when is not None and when > news for when in created):
        return None
    known = progress.unfinished.get(contact.id)
    bounds = [through, contact.last_activity_at, known.upto if known else None]
    if contact.last_incoming_at and contact.last_incoming_at > minus(through, days=LIM_AGE_DAYS):
        bounds.append(contact.last_incoming_at)
    return minus(min(bound for bound in bounds if bound), days=lookback_days)


def _is_new(contact: Contact, progress: Progress) -> bool:
    """Whether no pass has listed it: its dates may be old, as an import keeps them."""
    return progress.under_way().identifiers is None and number(contact.id) > progress.highest_id


def synced_through(progress: Progress, contact_id: str) -> Instant | None:
    """Up to when a contact's messages are read."""
    current = progress.current
    if current is not None and current.identifiers is not None:
        return progress.contacts_synced_through.get(contact_id)
    return progress.synced_through


def is_chosen(contact_id: str, pass_number: int, share: float) -> bool:
    """Whether it is this contact's turn to be read whole.

    Args:
        contact_id: decides the turn, the same one in every process.
        pass_number: counts the turns.
        share: of all contacts in one pass; 0 is never. Every contact has its turn once in
            `1 / share` passes.
    """
    if share <= 0:
        return False
    turns = max(1, round(1 / share))
    return zlib.crc32(contact_id.encode()) % turns == pass_number % turns


def _higher(a: Instant | None, b: Instant | None) -> Instant | None:
    """The higher of two floors, where None is the bottom."""
    return b if a is None else a if b is None else max(a, b)


def _latest(instants: Iterable[Instant | None]) -> Instant | None:
    return max((value for value in instants if value), default=None)
