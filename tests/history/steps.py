"""What may happen: to the workspace, to the server, or as a load; a history is a list of these.

Every step means something in every state (a contact or message is chosen by its place, modulo how
many there are), so that a failing history stays playable while it is shortened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from chatbotx_source.sandbox import Workspace
from tests.history.world import Trouble, World

Options = tuple[tuple[str, Any], ...]

Change = Literal["name", "tag", "no tag", "note", "field"]

Kill = Literal["extract", "extracted", "normalized", "loaded"]
"""Where a process dies: within a step of dlt, or when that step is done."""

Table = Literal[
    "contacts", "contacts__tags", "contacts__contact_inboxes", "messages", "messages__attachments"
]


@dataclass(frozen=True)
class Event:
    """Something that happens to the workspace or the server."""

    def __call__(self, world: World) -> None:
        """Makes it happen."""
        raise NotImplementedError


@dataclass(frozen=True)
class Wait(Event):
    """Time passes."""

    seconds: float

    def __call__(self, world: World) -> None:
        world.now += timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class NewContact(Event):
    """A contact appears, with messages or, for None, without even a conversation."""

    messages: int | None = 1

    def __call__(self, world: World) -> None:
        contact_id = world.workspace.add_contact(conversation=self.messages is not None)
        for place in range(self.messages or 0):
            _say(world.workspace, contact_id, attachments=place % 2)


@dataclass(frozen=True)
class OfContact(Event):
    """Something that happens to one contact."""

    contact: int = 0

    def __call__(self, world: World) -> None:
        if world.contacts:
            self.to(world, world.contacts[self.contact % len(world.contacts)])

    def to(self, world: World, contact_id: str) -> None:
        """Makes it happen."""
        raise NotImplementedError


@dataclass(frozen=True)
class Deliver(OfContact):
    """Messages arrive, the last one written `age` seconds ago, `apart` seconds from one another."""

    age: float = 0.0
    count: int = 1
    apart: float = 0.0
    incoming: bool = True
    attachments: int = 0

    def to(self, world: World, contact_id: str) -> None:
        if world.workspace.state.served[contact_id] is None:
            world.workspace.start_conversation(contact_id)
        for left in reversed(range(self.count)):
            written = world.now - timedelta(seconds=self.age + left * self.apart)
            _say(
                world.workspace,
                contact_id,
                created_at=written,
                message_type="incoming" if self.incoming else "outgoing",
                attachments=self.attachments,
            )


@dataclass(frozen=True)
class Import(OfContact):
    """History is imported, which only `lastActivityAt` may tell."""

    age: float = 0.0
    count: int = 1
    apart: float = 0.0

    def to(self, world: World, contact_id: str) -> None:
        if world.workspace.state.served[contact_id] is None:
            return
        for left in range(self.count):
            written = world.now - timedelta(seconds=self.age + left * self.apart)
            text = f"imported {len(world.workspace.events)}"
            world.workspace.import_message(contact_id, written, text=text)


@dataclass(frozen=True)
class StartConversation(OfContact):
    """A conversation begins; it is served if it is the first."""

    def to(self, world: World, contact_id: str) -> None:
        world.workspace.start_conversation(contact_id)


@dataclass(frozen=True)
class Flip(OfContact):
    """Another of the contact's conversations is served."""

    def to(self, world: World, contact_id: str) -> None:
        if len(world.workspace.state.conversations[contact_id]) > 1:
            world.workspace.flip(contact_id)


@dataclass(frozen=True)
class ChangeContact(OfContact):
    """What the contact's row or its lists hold changes."""

    what: Change = "name"

    def to(self, world: World, contact_id: str) -> None:
        workspace = world.workspace
        text = f"value {len(workspace.events)}"
        if self.what == "name":
            workspace.update_contact(contact_id, firstName=text)
        elif self.what == "tag":
            workspace.add_tag(contact_id, f"tag {len(workspace.events) % 3}")
        elif self.what == "note":
            workspace.add_note(contact_id, text)
        elif self.what == "field":
            workspace.set_custom_field(contact_id, "city", text)
        else:
            for tag in workspace.state.contacts[contact_id]["tags"][:1]:
                workspace.remove_tag(contact_id, tag["name"])


@dataclass(frozen=True)
class DeleteContact(OfContact):
    """The contact is gone, and those behind it move up in the listing."""

    def to(self, world: World, contact_id: str) -> None:
        world.workspace.delete_contact(contact_id)


@dataclass(frozen=True)
class OfMessage(OfContact):
    """Something that happens to one message of the conversation served, counted from the newest."""

    message: int = 0

    def to(self, world: World, contact_id: str) -> None:
        state = world.workspace.state
        positions = state.order.get(str(state.served[contact_id]))
        if positions:
            _, number = positions[-1 - self.message % len(positions)]
            self.on(world.workspace, str(number))

    def on(self, workspace: Workspace, message_id: str) -> None:
        """Makes it happen."""
        raise NotImplementedError


@dataclass(frozen=True)
class Edit(OfMessage):
    """The row of a message changes, which no sign tells."""

    how: Literal["text", "attachment", "soft delete"] = "text"

    def on(self, workspace: Workspace, message_id: str) -> None:
        if self.how == "soft delete":
            workspace.soft_delete_message(message_id)
        elif self.how == "text":
            workspace.edit_message(message_id, text=f"edited {len(workspace.events)}")
        elif workspace.state.messages[message_id]["attachments"]:
            workspace.remove_attachment(message_id)


@dataclass(frozen=True)
class HardDelete(OfMessage):
    """The message is gone without a trace."""

    def on(self, workspace: Workspace, message_id: str) -> None:
        workspace.hard_delete_message(message_id)


@dataclass(frozen=True)
class Poison(OfMessage):
    """The server fails on every page that holds the message."""

    def on(self, workspace: Workspace, message_id: str) -> None:
        workspace.poison_message(message_id)


@dataclass(frozen=True)
class Fault(Event):
    """Requests from now on are answered wrongly.

    Attributes:
        kind: as the sandbox names it.
        times: how many; None for all until `Heal`.
        contact: only those for this contact's messages.
        on: only requests of this kind.
        params: of the fault.
    """

    kind: str = "status"
    times: int | None = 1
    contact: int | None = None
    on: str | None = None
    params: Options = ()

    def __call__(self, world: World) -> None:
        contact_id = None
        if self.contact is not None and world.contacts:
            contact_id = world.contacts[self.contact % len(world.contacts)]
        on = "messages" if contact_id else self.on
        world.troubles.append(Trouble(self.kind, self.times, on, contact_id, dict(self.params)))


@dataclass(frozen=True)
class Heal(Event):
    """The server is well again, and no message is poisoned."""

    def __call__(self, world: World) -> None:
        world.troubles.clear()
        for message_id in sorted(world.workspace.state.poisoned):
            if message_id in world.workspace.state.messages:
                world.workspace.cure_message(message_id)


@dataclass(frozen=True)
class Clocks(Event):
    """What the clocks show from now on.

    Attributes:
        date: seconds by which the `Date` header is ahead; None for no such header.
        own: seconds by which the clock of the machine that loads is ahead.
    """

    date: float | None = 0.0
    own: float = 0.0

    def __call__(self, world: World) -> None:
        world.sandbox.date_header = None if self.date is None else ...
        world.sandbox.clock_skew = timedelta(seconds=self.date or 0.0)
        world.own_skew = self.own


@dataclass(frozen=True)
class Sync:
    """A call of `sync`.

    Attributes:
        options: of `sync` and of the source.
        during: what happens when the n-th request, from 1, arrives.
        kill: where the process dies.
        at: in which load it does, from 1.
        table: for `extract`, the table at whose n-th batch.
        batch: that n, from 1.
    """

    options: Options = ()
    during: tuple[tuple[int, Event], ...] = ()
    kill: Kill | None = None
    at: int = 1
    table: Table = "messages"
    batch: int = 1


@dataclass(frozen=True)
class Run:
    """A plain `pipeline.run` of the source.

    Attributes:
        tables: only these; all of them when empty.
        refresh: dlt's `refresh`.
        options: of the source.
        during: what happens when the n-th request, from 1, arrives.
    """

    tables: tuple[Table, ...] = ()
    refresh: Literal["drop_resources", "drop_data"] | None = None
    options: Options = ()
    during: tuple[tuple[int, Event], ...] = ()


@dataclass(frozen=True)
class FreshWorker:
    """The next load runs where nothing is on disk: all that is known is at the destination."""


Step = Event | Sync | Run | FreshWorker


@dataclass(frozen=True)
class History:
    """Everything that happens, and the size of the world that it happens in.

    Attributes:
        steps: in order.
        lookback: seconds.
        reconcile_share: share of the contacts that each pass reads whole.
        listing_page: contacts a page of the listing.
        batch_rows: rows that the source hands over together.
        outage: contacts in a row whose faults are taken for an outage.
    """

    steps: tuple[Step, ...] = field(default=())
    lookback: int = 86_400
    reconcile_share: float = 0.0
    listing_page: int = 3
    batch_rows: int = 10_000
    outage: int = 20


def _say(workspace: Workspace, contact_id: str, **fields: Any) -> None:
    workspace.add_message(contact_id, text=f"said {len(workspace.events)}", **fields)
