"""What may happen: to the server, to one request, or as a load; a history is a list of these.

Every event means something in every state (a contact or message is chosen by its place, modulo how
many there are), so that a failing history stays playable while it is shortened.
"""

from __future__ import annotations

from dataclasses import dataclass

from .records import SECOND, ContactRecord, FaultKind, Message
from .server import Server


@dataclass(frozen=True)
class Event:
    """Something that happens to the server."""

    def __call__(self, server: Server) -> None:
        """Makes it happen."""
        raise NotImplementedError


@dataclass(frozen=True)
class Wait(Event):
    """Time passes."""

    seconds: float

    def __call__(self, server: Server) -> None:
        server.now += int(self.seconds * SECOND)


@dataclass(frozen=True)
class NewContact(Event):
    """A contact appears, with the messages of its first minute or without a conversation."""

    messages: int = 1
    incoming: bool = True

    def __call__(self, server: Server) -> None:
        record = server.create_contact()
        for _ in range(self.messages):
            server.store(record, server.now, incoming=self.incoming, live=True)


@dataclass(frozen=True)
class OfContact(Event):
    """Something that happens to one contact."""

    contact: int

    def __call__(self, server: Server) -> None:
        if server.contact_records:
            self.to(server, server.contact_records[self.contact % len(server.contact_records)])

    def to(self, server: Server, contact: ContactRecord) -> None:
        """Makes it happen."""
        raise NotImplementedError


@dataclass(frozen=True)
class Deliver(OfContact):
    """Messages arrive, written `age` seconds ago and `apart` seconds from one another."""

    age: float = 0
    count: int = 1
    incoming: bool = True
    apart: float = 0

    def to(self, server: Server, contact: ContactRecord) -> None:
        for left in reversed(range(self.count)):
            written = server.now - int((self.age + left * self.apart) * SECOND)
            server.store(contact, written, incoming=self.incoming, live=True)


@dataclass(frozen=True)
class Import(OfContact):
    """History is imported: messages of long ago, of which only `lastActivityAt` may tell."""

    age: float
    count: int = 1
    apart: float = 0

    def to(self, server: Server, contact: ContactRecord) -> None:
        for left in range(self.count):
            written = server.now - int((self.age + left * self.apart) * SECOND)
            server.store(contact, written, incoming=True, live=False)


@dataclass(frozen=True)
class NewConversation(OfContact):
    """A conversation begins, empty, and is served from now on."""

    def to(self, server: Server, contact: ContactRecord) -> None:
        server.open_conversation(contact)


@dataclass(frozen=True)
class Flip(OfContact):
    """Another of the contact's conversations is served."""

    def to(self, server: Server, contact: ContactRecord) -> None:
        server.flip(contact)


@dataclass(frozen=True)
class UpdateContact(OfContact):
    """The contact's own fields change, as a CRM does every night."""

    def to(self, server: Server, contact: ContactRecord) -> None:
        contact.updated = server.now


@dataclass(frozen=True)
class DeleteContact(OfContact):
    """The contact is gone, and those behind it move up in the listing."""

    def to(self, server: Server, contact: ContactRecord) -> None:
        server.contact_records.remove(contact)
        for conversation in contact.conversations:
            for message in conversation.messages:
                message.gone = True


@dataclass(frozen=True)
class OfMessage(OfContact):
    """Something that happens to one message of the conversation served, counted from the newest."""

    message: int = 0

    def to(self, server: Server, contact: ContactRecord) -> None:
        if contact.conversation and contact.conversation.messages:
            messages = contact.conversation.messages
            self.on(server, messages[-1 - self.message % len(messages)])

    def on(self, server: Server, message: Message) -> None:
        """Makes it happen."""
        raise NotImplementedError


@dataclass(frozen=True)
class Edit(OfMessage):
    """The message is edited or softly deleted: its row changes, and no sign tells."""

    def on(self, server: Server, message: Message) -> None:
        server.write(message, "edited")


@dataclass(frozen=True)
class HardDelete(OfMessage):
    """The message is gone without a trace."""

    def on(self, _server: Server, message: Message) -> None:
        message.gone = True
        for conversation in message.contact.conversations:
            if message in conversation.messages:
                conversation.messages.remove(message)


@dataclass(frozen=True)
class Poison(OfMessage):
    """The server fails on every page that holds the message."""

    def on(self, _server: Server, message: Message) -> None:
        message.poisoned = True


@dataclass(frozen=True)
class Cure(Event):
    """No contact is ill and no message poisoned any more."""

    def __call__(self, server: Server) -> None:
        for contact in server.contact_records:
            contact.illness = None
        for message in server.all_messages():
            message.poisoned = False


@dataclass(frozen=True)
class Outage(Event):
    """From now on, every request for messages goes wrong; None ends it."""

    kind: FaultKind | None

    def __call__(self, server: Server) -> None:
        server.outage = self.kind


@dataclass(frozen=True)
class Illness(OfContact):
    """From now on, every request for this contact's messages goes wrong."""

    kind: FaultKind = "fails"

    def to(self, _server: Server, contact: ContactRecord) -> None:
        contact.illness = self.kind


@dataclass(frozen=True)
class ForgetCursors(Event):
    """All cursors given so far lead to page 1 from now on, as after a change of their format."""

    def __call__(self, server: Server) -> None:
        server.era += 1


@dataclass(frozen=True)
class Fault(Event):
    """The request that is under way, or else the next one, goes wrong."""

    kind: FaultKind

    def __call__(self, server: Server) -> None:
        server.fault = self.kind


@dataclass(frozen=True)
class Load:
    """One load.

    Attributes:
        page_size: messages a request.
        max_requests: budget.
        max_messages: budget.
        reconcile: whether a reconcile is asked for.
        start_date: seconds after the beginning of the history, or None.
        skew: seconds by which the server's `Date` is ahead of its database.
        workers: requests under way at once.
        order: seeds the order in which they arrive and are answered.
        during: what happens when the n-th request of the load, from 1, arrives.
    """

    page_size: int = 500
    max_requests: int | None = None
    max_messages: int | None = None
    reconcile: bool = False
    start_date: float | None = None
    skew: float = 0.0
    workers: int = 1
    order: int = 0
    during: tuple[tuple[int, Event], ...] = ()


Step = Event | Load


@dataclass(frozen=True)
class History:
    """Everything that happens, and the size of the world it happens in.

    Attributes:
        steps: in order.
        lookback: seconds.
        reconcile_share: share of the contacts that each pass reads whole.
        listing_page: contacts a page of the listing.
        outage: contacts in a row whose faults are taken for an outage.
        budget_at_rest: requests a load, once nothing happens any more.
        shard: the part of the contacts that is read, None for all.
    """

    steps: tuple[Step, ...]
    lookback: int = 86_400
    reconcile_share: float = 0.0
    listing_page: int = 3
    outage: int = 20
    budget_at_rest: int | None = None
    shard: str | None = None
