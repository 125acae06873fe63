"""What a server of the twin holds: contacts, conversations, messages. It knows no sync."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Literal

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = 1_735_689_600_000
"""When every history begins, in milliseconds: 2025, for the sync's own clock must stay ahead."""

FaultKind = Literal[
    "fails",
    "empty",
    "page 1 again",
    "same cursor",
    "flips",
    "not found",
    "bad request",
    "rate limit",
    "unreachable",
    "kill",
]
"""How one request goes wrong; `kill` is the death of the process that sent it."""


@lru_cache(maxsize=100_000)
def text(at: int | None) -> str | None:
    """A time in milliseconds as the API writes it."""
    if at is None:
        return None
    seconds, rest = divmod(at, SECOND)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def milliseconds(text: str) -> int:
    """The time in milliseconds that the API writes so."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * SECOND)


@dataclass(eq=False)
class Message:
    """A stored message.

    Attributes:
        id: orders messages of one millisecond.
        contact: whose it is.
        created: the channel's time, which orders them all.
        incoming: whether the inbox's `lastIncomingMessageAt` followed it.
        row: as the API serves it; another object for every version.
        version: counts the changes of the row.
        poisoned: whether the server fails on every page that holds it.
        gone: whether it was deleted for good.
    """

    id: int
    contact: ContactRecord
    created: int
    incoming: bool
    row: dict[str, Any] = field(default_factory=dict)
    version: int = -1
    poisoned: bool = False
    gone: bool = False

    @property
    def position(self) -> tuple[int, int]:
        """Its place in the API's order."""
        return self.created, self.id


@dataclass(eq=False)
class Conversation:
    """A stored conversation: its messages, oldest first, and the times its row shows."""

    id: int
    created: int
    updated: int
    last_activity: int | None = None
    messages: list[Message] = field(default_factory=list)


@dataclass(eq=False)
class ContactRecord:
    """A stored contact, with one inbox.

    Attributes:
        id: orders the listing.
        created: when it was created.
        updated: when its own fields last changed.
        conversations: all of them; one is served.
        served: the index of that one.
        last_incoming: `lastIncomingMessageAt` of its inbox.
        last_message: of its inbox, not shown: page 1 begins at the end of that hour.
        illness: what goes wrong with every request for its messages.
    """

    id: int
    created: int
    updated: int
    conversations: list[Conversation] = field(default_factory=list)
    served: int = 0
    last_incoming: int | None = None
    last_message: int | None = None
    illness: FaultKind | None = None

    @property
    def conversation(self) -> Conversation | None:
        """The one that is served."""
        return self.conversations[self.served] if self.conversations else None

    @property
    def window(self) -> int | None:
        """Messages from here on are not on page 1; None when there is no bound."""
        return None if self.last_message is None else (self.last_message // HOUR + 1) * HOUR

    @property
    def visible(self) -> Sequence[Message]:
        """What a walk of all pages would find, oldest first."""
        if self.conversation is None:
            return ()
        window = self.window
        return [
            message
            for message in self.conversation.messages
            if window is None or message.created < window
        ]


class Watcher:
    """Learns from the server what happens; the oracle is one."""

    def changed(self, message: Message, how: str) -> None:
        """A message was `delivered`, `imported` or `edited`."""

    def seen_again(self, contact: ContactRecord) -> None:
        """Which messages of the contact are served may have changed."""

    def listed(self, contacts: Sequence[ContactRecord]) -> None:
        """An answer showed these contacts."""

    def asked(self, contact: ContactRecord, *, top: bool, swallowed: bool, flipped: bool) -> None:
        """A request for messages was answered.

        Args:
            contact: whose messages.
            top: whether page 1 was asked for.
            swallowed: whether messages were held back by a fault.
            flipped: whether the cursor was of another conversation than the rows served.
        """

    def failed(self, contact: ContactRecord, *, poisoned: bool) -> None:
        """A request for the contact's messages goes wrong, by a poisoned message or otherwise."""
