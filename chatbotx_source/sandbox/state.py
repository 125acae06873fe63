"""The rows of a workspace, and the rules by which each event changes them.

Rows are JSON objects with the API's own names. They are never changed in place: a change makes a
new row, so a row taken from an event or from a `Truth` stays as it was.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

Row = dict[str, Any]
Position = tuple[str, int]
"""A place in a conversation: createdAt as the API writes it, and the message id as a number."""


def timestamp(moment: datetime | str) -> str:
    """Writes a moment as the API does, `2026-01-31T12:00:00.000Z` (a string is taken as it is)."""
    if isinstance(moment, str):
        return moment
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"


@dataclass(frozen=True)
class Event:
    """One change of the workspace.

    Attributes:
        number: place in the log, from 1.
        at: when it happened, by the workspace's clock.
        kind: what happened, e.g. `message_added`.
        contact_id: the contact it happened to.
        message_id: the message, for kinds that start with `message_` or `attachment_`.
        row: the row after the event: of the message, of the conversation (kinds that start with
            `conversation_`) or of the contact; None when it is gone.
    """

    number: int
    at: datetime
    kind: str
    contact_id: str
    message_id: str | None
    row: Row | None


@dataclass(frozen=True)
class Truth:
    """What the API can tell about the workspace after a given event.

    Attributes:
        contacts: contact rows by id, as the listing gives them.
        messages: message rows by id, of every conversation of every contact that still exists,
            as the API gives them but with attachment `url`s that are not signed.
        contact_of: contact id by message id.
        served: id of the conversation that is served, by contact id; None where there is none.
    """

    contacts: dict[str, Row]
    messages: dict[str, Row]
    contact_of: dict[str, str]
    served: dict[str, str | None]


@dataclass
class State:
    """The rows of a workspace and the rules by which an event changes them."""

    contacts: dict[str, Row] = field(default_factory=dict)
    inboxes: dict[str, list[Row]] = field(default_factory=dict)
    conversations: dict[str, dict[str, Row]] = field(default_factory=dict)
    served: dict[str, str | None] = field(default_factory=dict)
    messages: dict[str, Row] = field(default_factory=dict)
    contact_of: dict[str, str] = field(default_factory=dict)
    last_message_at: dict[str, str] = field(default_factory=dict)
    order: dict[str, list[Position]] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)

    def apply(self, event: Event) -> None:
        """Changes the rows as the server does when this event happens."""
        getattr(self, "_" + event.kind)(event, event.row)

    def contact_row(self, contact_id: str) -> Row:
        """Puts a contact together as the API shows it, with its inboxes and served conversation."""
        served = self.served[contact_id]
        return {
            **self.contacts[contact_id],
            "contactInboxes": self.inboxes[contact_id],
            "conversation": self.conversations[contact_id][served] if served else None,
        }

    def _contact_added(self, event: Event, row: Row) -> None:
        own = {k: v for k, v in row.items() if k not in ("contactInboxes", "conversation")}
        self.contacts[event.contact_id] = own
        self.inboxes[event.contact_id] = list(row["contactInboxes"])
        self.conversations[event.contact_id] = {}
        self.served[event.contact_id] = None

    def _contact_updated(self, event: Event, row: Row) -> None:
        own = {k: v for k, v in row.items() if k not in ("contactInboxes", "conversation")}
        self.contacts[event.contact_id] = own

    _tag_added = _tag_removed = _custom_field_set = _note_added = _contact_updated

    def _contact_deleted(self, event: Event, _: None) -> None:
        contact_id = event.contact_id
        for conversation_id in self.conversations[contact_id]:
            for _created_at, number in self.order.pop(conversation_id, ()):
                del self.messages[str(number)], self.contact_of[str(number)]
        del self.contacts[contact_id], self.inboxes[contact_id]
        del self.conversations[contact_id], self.served[contact_id]

    def _conversation_started(self, event: Event, row: Row) -> None:
        self.conversations[event.contact_id][row["id"]] = row
        self.order[row["id"]] = []
        if self.served[event.contact_id] is None:
            self.served[event.contact_id] = row["id"]

    def _conversation_flipped(self, event: Event, row: Row) -> None:
        self.served[event.contact_id] = row["id"]

    def _conversation_updated(self, event: Event, row: Row) -> None:
        self.conversations[event.contact_id][row["id"]] = row

    def _message_added(self, event: Event, row: Row) -> None:
        self._insert(event, row)
        # The server sets these to the message's own time, so a late delivery moves them back.
        self._touch(event, row, lastActivityAt=row["createdAt"], updatedAt=timestamp(event.at))
        inboxes = self.inboxes[event.contact_id]
        self.last_message_at[row["contactInboxId"]] = row["createdAt"]
        if row["messageType"] == "incoming":
            for place, inbox in enumerate(inboxes):
                if inbox["id"] == row["contactInboxId"]:
                    inboxes = list(inboxes)
                    inboxes[place] = {**inbox, "lastIncomingMessageAt": row["createdAt"]}
            self.inboxes[event.contact_id] = inboxes

    def _message_imported(self, event: Event, row: Row) -> None:
        self._insert(event, row)
        conversation = self.conversations[event.contact_id][row["conversationId"]]
        latest = max(conversation["lastActivityAt"] or "", row["createdAt"])
        self._touch(event, row, lastActivityAt=latest)

    def _message_edited(self, event: Event, row: Row) -> None:
        self.messages[str(event.message_id)] = row

    _attachment_removed = _message_soft_deleted = _message_edited

    def _message_hard_deleted(self, event: Event, _: None) -> None:
        message_id = str(event.message_id)
        row = self.messages.pop(message_id)
        del self.contact_of[message_id]
        positions = self.order[row["conversationId"]]
        del positions[bisect_left(positions, (row["createdAt"], int(message_id)))]

    def _message_poisoned(self, event: Event, _: Row) -> None:
        self.poisoned.add(str(event.message_id))

    def _message_cured(self, event: Event, _: Row) -> None:
        self.poisoned.discard(str(event.message_id))

    def _insert(self, event: Event, row: Row) -> None:
        self.messages[row["id"]] = row
        self.contact_of[row["id"]] = event.contact_id
        insort(self.order[row["conversationId"]], (row["createdAt"], int(row["id"])))

    def _touch(self, event: Event, row: Row, **fields: str) -> None:
        conversations = self.conversations[event.contact_id]
        conversation_id = row["conversationId"]
        conversations[conversation_id] = {**conversations[conversation_id], **fields}


def replay(events: Iterable[Event]) -> State:
    """Rebuilds the rows of a workspace from its log alone."""
    state = State()
    for event in events:
        state.apply(event)
    return state
