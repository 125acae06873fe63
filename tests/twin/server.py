"""A ChatbotX server in memory: contacts, conversations, messages, and a clock that events move."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from chatbotx_source.api.client import Answer
from chatbotx_source.errors import (
    InvalidOutputError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    ServerFaultError,
    UnreachableError,
)

from .records import (
    EPOCH,
    SECOND,
    ContactRecord,
    Conversation,
    FaultKind,
    Message,
    Watcher,
    text,
)

REQUESTS_IN_A_LOAD = 2_000
"""No load of so small a world may need more: what goes on asking would never end."""


class EndlessError(AssertionError):
    """A load does not stop asking."""


class Killed(BaseException):
    """The process that sent the request is no more."""


@dataclass
class Server:
    """What answers the requests of a `Reading`, in place of its client.

    Args:
        listing_page: contacts a page of the listing.
        watcher: is told what happens.

    Attributes:
        now: the clock of the database, milliseconds.
        skew: milliseconds by which the `Date` header is ahead of it.
        requests: answered or failed so far.
        due: what is to happen when the next requests arrive, by their count.
        fault: what goes wrong with the next request.
        outage: what goes wrong with every request for messages.
        era: counts the formats of cursors; one of an earlier era leads to page 1.
        enough: the request that is too much.
    """

    listing_page: int
    watcher: Watcher
    now: int = EPOCH
    skew: int = 0
    requests: int = 0
    due: dict[int, list[Callable[[Server], None]]] = field(default_factory=dict)
    fault: FaultKind | None = None
    outage: FaultKind | None = None
    era: int = 0
    contact_records: list[ContactRecord] = field(default_factory=list)
    enough: int = 0
    _next_id: int = 100

    # What a reading asks

    def contacts(self, page: int) -> Answer:
        """`GET /v1/contacts`, sorted by id."""
        fault = self._arrived()
        self._raise(fault if fault != "empty" else "fails")
        size = self.listing_page
        shown = self.contact_records[(page - 1) * size : page * size]
        self.watcher.listed(shown)
        pages = -(-len(self.contact_records) // size)
        return self._answer({"data": [_contact_row(each) for each in shown], "pageCount": pages})

    def contact(self, identifier: str) -> Answer:
        """`GET /v1/contacts/{identifier}`."""
        self._raise(self._arrived())
        record = self._find(identifier)
        self.watcher.listed([record])
        return self._answer(_contact_row(record))

    def give_up(self) -> None:
        """Nothing is under way: every request is answered in no time."""

    def messages(self, identifier: str, *, per_page: int, cursor: str | None = None) -> Answer:
        """`GET /v1/contacts/{identifier}/messages`."""
        fault = self._arrived() or self.outage
        contact = self._find(identifier)
        fault = fault or contact.illness
        if fault:
            self.watcher.failed(contact, poisoned=False)
        self._raise(fault)
        if fault == "flips":
            self.flip(contact)
        conversation = contact.conversation
        if conversation is None:
            raise NotFoundError("Conversation not found")
        begin: tuple[int, int] | None = None
        of = conversation.id
        if cursor is not None:
            given, of, *position = map(int, cursor.split("."))
            begin = position[0], position[1]
            if given != self.era or fault == "page 1 again":
                self.watcher.failed(contact, poisoned=False)
                begin = None
        served = contact.visible
        if begin is not None:
            served = [each for each in conversation.messages if each.position < begin]
        page = list(served[-per_page:])[::-1]
        swallowed = fault == "empty" and bool(page)
        if fault == "empty":
            page = []
        if any(message.poisoned for message in page):
            self.watcher.failed(contact, poisoned=True)
            raise InvalidOutputError("Output validation failed")
        self.watcher.asked(
            contact,
            top=cursor is None,
            swallowed=swallowed,
            flipped=bool(page) and of != conversation.id,
        )
        following = None
        if page and len(page) < len(served):
            following = f"{self.era}.{conversation.id}.{page[-1].created}.{page[-1].id}"
        if fault == "same cursor" and cursor is not None:
            following = cursor
        return self._answer({"data": [each.row for each in page], "nextCursor": following})

    def _arrived(self) -> FaultKind | None:
        self.requests += 1
        if self.requests > self.enough:
            raise EndlessError(f"more than {REQUESTS_IN_A_LOAD} requests in one load")
        for happen in self.due.pop(self.requests, ()):
            happen(self)
        fault, self.fault = self.fault, None
        return fault

    def _raise(self, fault: FaultKind | None) -> None:
        if fault == "kill":
            raise Killed
        if fault == "fails":
            raise ServerFaultError("500")
        if fault == "not found":
            raise NotFoundError("404")
        if fault == "bad request":
            raise InvalidRequestError("400")
        if fault == "rate limit":
            raise RateLimitError("429", retry_after=3_600.0)
        if fault == "unreachable":
            raise UnreachableError("no route")

    def _answer(self, body: dict[str, Any]) -> Answer:
        clock = datetime.fromtimestamp((self.now + self.skew) / SECOND, timezone.utc)
        return Answer(body, clock, None)

    def _find(self, identifier: str) -> ContactRecord:
        for record in self.contact_records:
            if identifier == f"id:{record.id}":
                return record
        raise NotFoundError("Contact not found")

    # What happens to it

    def new_id(self) -> int:
        """An id higher than any before."""
        self._next_id += 1
        return self._next_id

    def create_contact(self) -> ContactRecord:
        """A contact without a conversation."""
        record = ContactRecord(self.new_id(), self.now, self.now)
        self.contact_records.append(record)
        return record

    def open_conversation(self, contact: ContactRecord) -> Conversation:
        """A conversation, which is served from now on."""
        opened = Conversation(self.new_id(), self.now, self.now)
        contact.conversations.append(opened)
        contact.served = len(contact.conversations) - 1
        self.watcher.seen_again(contact)
        return opened

    def flip(self, contact: ContactRecord) -> None:
        """Serves the contact's next conversation."""
        contact.served = (contact.served + 1) % max(len(contact.conversations), 1)
        self.watcher.seen_again(contact)

    def store(self, contact: ContactRecord, created: int, *, incoming: bool, live: bool) -> None:
        """A message, `live` from a channel or else from an import of history."""
        conversation = contact.conversation or self.open_conversation(contact)
        message = Message(self.new_id(), contact, created, live and incoming)
        insort(conversation.messages, message, key=lambda each: each.position)
        if live:
            conversation.last_activity = created
            conversation.updated = self.now
            contact.last_message = created
            if incoming:
                contact.last_incoming = created
        else:
            conversation.last_activity = max(conversation.last_activity or created, created)
        self.write(message, "delivered" if live else "imported")
        self.watcher.seen_again(contact)

    def write(self, message: Message, how: str) -> None:
        """The next version of a message's row."""
        message.version += 1
        message.row = {
            "id": str(message.id),
            "createdAt": text(message.created),
            "conversationId": str(self._conversation_of(message).id),
            "text": message,
            "version": message.version,
        }
        self.watcher.changed(message, how)

    def all_messages(self) -> Iterator[Message]:
        """Of every contact and conversation."""
        for contact in self.contact_records:
            for conversation in contact.conversations:
                yield from conversation.messages

    def _conversation_of(self, message: Message) -> Conversation:
        return next(each for each in message.contact.conversations if message in each.messages)


def _contact_row(record: ContactRecord) -> dict[str, Any]:
    conversation = record.conversation
    return {
        "id": str(record.id),
        "workspaceId": "1",
        "createdAt": text(record.created),
        "updatedAt": text(record.updated),
        "contactInboxes": [{"lastIncomingMessageAt": text(record.last_incoming)}],
        "conversation": conversation
        and {
            "createdAt": text(conversation.created),
            "updatedAt": text(conversation.updated),
            "lastActivityAt": text(conversation.last_activity),
        },
    }
