"""What the tests of durability share: what is alive in the tables, and a workspace that lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from chatbotx_source.sandbox import Workspace
from tests.support.loading import SPRING, Job
from tests.support.oracle import KEYS, Tables, difference, expected
from tests.support.sandbox import Clock

Change = Callable[[], object]


class Town:
    """A workspace of plain contacts, whose clock moves with every change.

    Every message of it is shown by the server, and every change leaves what the rules of the sync
    can see: the sync that follows must bring all of it.

    Args:
        rng: draws the changes.
        contacts: how many there are at first.

    Attributes:
        clock: the server's.
        workspace: the workspace.
    """

    def __init__(self, rng: Random, contacts: int = 5) -> None:
        self.clock = Clock(SPRING)
        self.workspace = Workspace(self.clock)
        self._rng = rng
        self._fresh: list[str] = []
        for number in range(contacts):
            self._arrive()
            for _ in range(rng.randrange(1, 4 + 3 * number)):
                self.clock.tick(days=rng.random())
                self._write()
        self.settle()

    @property
    def contacts(self) -> list[str]:
        """Ids of the contacts, the oldest first."""
        return list(self.workspace.state.contacts)

    def live(self, changes: int, *, losses: bool = False) -> None:
        """Lets things happen within a few hours.

        Args:
            changes: how many.
            losses: whether messages and contacts may go for good, which only a reconcile sees.
        """
        visible = (self._write, self._write, self._write, self._arrive, self._edit, self._tag)
        unseen = (self._lose_message, self._lose_message, self._lose_contact)
        for _ in range(changes):
            self.clock.tick(minutes=self._rng.randrange(1, 20))
            self._rng.choice((*visible, *unseen) if losses else visible)()
        self.clock.tick(minutes=10)

    def settle(self) -> None:
        """Lets so much time pass that nothing is recent: only what is remembered decides."""
        self.clock.tick(days=60)
        self._fresh.clear()

    def _write(self) -> None:
        contact = self._rng.choice(self.contacts)
        attachments = self._rng.choice((0, 0, 1, 2))
        self._fresh.append(self.workspace.add_message(contact, attachments=attachments))

    def _arrive(self) -> None:
        self.workspace.add_contact(firstName=f"Guest {len(self.contacts)}")

    def _edit(self) -> None:
        if not self._fresh:
            return
        message = self._rng.choice(self._fresh)
        if self.workspace.state.messages[message]["attachments"]:
            self.workspace.remove_attachment(message)
        elif self._rng.random() < 0.5:
            self.workspace.soft_delete_message(message)
        else:
            self.workspace.edit_message(message, text=f"edited at {self.clock():%d %H:%M}")

    def _tag(self) -> None:
        contact = self._rng.choice(self.contacts)
        tags = [tag["name"] for tag in self.workspace.state.contacts[contact]["tags"]]
        if tags:
            self.workspace.remove_tag(contact, tags[0])
        else:
            self.workspace.add_tag(contact, "guest")

    def _lose_message(self) -> None:
        # Not the newest of a contact: above the first row that is served nothing proves a loss.
        by_contact: dict[str, list[str]] = {}
        for message, contact in self.workspace.state.contact_of.items():
            by_contact.setdefault(contact, []).append(message)
        older = [
            message
            for messages in by_contact.values()
            for message in sorted(messages, key=int)[:-1]
        ]
        if older:
            lost = self._rng.choice(older)
            self.workspace.hard_delete_message(lost)
            self._fresh = [each for each in self._fresh if each != lost]

    def _lose_contact(self) -> None:
        if len(self.contacts) > 3:
            self.workspace.delete_contact(self._rng.choice(self.contacts))
            alive = self.workspace.state.messages
            self._fresh = [each for each in self._fresh if each in alive]


def lose_message(town: Town) -> str:
    """Deletes, for good, a message in the middle of the longest conversation."""
    by_contact: dict[str, list[str]] = {}
    for message, contact in town.workspace.state.contact_of.items():
        by_contact.setdefault(contact, []).append(message)
    messages = sorted(sorted(by_contact.values(), key=len)[-1], key=int)
    lost = messages[len(messages) // 2]
    town.workspace.hard_delete_message(lost)
    return lost


def living(tables: Tables) -> Tables:
    """The rows that are not marked as removed, nor belong to one that is."""
    contacts = {row["id"] for row in _unmarked(tables["contacts"])}
    messages = {row["id"] for row in _unmarked(tables["messages"])}
    return {
        name: [
            row
            for row in _unmarked(tables[name])
            if row["id" if name == "contacts" else "contact_id"] in contacts
            and row.get("message_id", next(iter(messages), None)) in messages | {None}
        ]
        for name in KEYS
    }


def living_differences(job: Job) -> list[str]:
    """How what is alive in the tables differs from the truth; empty when it does not."""
    return difference(expected(job.workspace), living(job.tables()))


def _unmarked(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in rows if row.get("removed_at") is None]
