"""The promise of the sync, stated from what happened alone.

After a load that ends a pass begun at S, for every contact that is not reported as unfinished,
every message that the API serves and that had arrived before S is at the destination, in a
version as of S or later. Exempt are changes of which the listing shows no sign, as long as no
pass that reads the contact whole has begun after them:

- an import or an edit of a message older than the lookback, and the return of one: it was hidden
  by the first-page window, or of a conversation that was not the one served, and now is served;
- a message delivered later than the lookback and overtaken by a newer one before the next
  listing; an incoming one of the last 30 days is overtaken by incoming ones only;
- what a fault hid from a contact whose row does not contradict an empty page;
- hard deletes: what is at the destination stays.

Of an unfinished contact that only a message which cannot be served holds up, this is promised of
everything newer than that message.

A pass reads a contact whole if it is the first, follows an earlier `start_date`, is a reconcile,
if contact or conversation were created within the lookback of the pass before or later, or if a
conversation other than the one begun with was served in the middle of a walk. Of `1 / share`
passes in a row, one reads it whole.

`complete` says in addition that nothing is unfinished but contacts that answer with nothing;
`reconciled` that the pass read every contact's full history. No load hands over a message twice,
and nothing is handed over that the contact did not have, nor, to a shard, anything of contacts that
are not its own: all of this is promised of its own. What is marked as removed is: a contact that
a listing from end to end no longer showed, a message that a walk from top to bottom did not meet,
although the server did not hide it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol
from zlib import crc32

from .records import DAY, MINUTE, ContactRecord, Message, Watcher

LIM_AGE = 30 * DAY


class BrokenPromiseError(AssertionError):
    """The sync said something that is not so."""


@dataclass
class Change:
    """A version of a message, or its coming back into view.

    Attributes:
        at: when.
        version: what the row was then.
        shown: whether a sign leads to it, whatever comes after.
        order: among all events.
        late: whether the sign is lost when a newer message overtakes.
        overtaken: order of the message that did.
        listed: order of the first listing that showed the contact after the change.
    """

    at: int
    version: int
    shown: bool
    order: int
    late: bool = False
    overtaken: int | None = None
    listed: int | None = None

    @property
    def promised(self) -> bool:
        """Whether the next pass has to see it."""
        if not self.late:
            return self.shown
        return self.overtaken is None or (self.listed or self.overtaken) < self.overtaken


@dataclass
class Known:
    """What the oracle notes of a contact.

    Attributes:
        changes: of its messages, gone ones too.
        expects: whether its row, when last listed, contradicts an empty page.
        created: when it or its conversation was, whichever is later, as last listed.
        whole: start of the last pass that reads it whole.
        flipped: order of the last flip that showed in the middle of a walk.
        overlooked: messages that requests could not show, until they are served again.
        missed: the last load in which that was so.
        last_empty: whether its last answer was an empty page.
        troubled: whether anything but poison ever went wrong with it.
    """

    changes: dict[Message, list[Change]] = field(default_factory=dict)
    expects: bool = False
    created: int = -1
    whole: int = -1
    flipped: int = -1
    overlooked: set[Message] = field(default_factory=set)
    missed: dict[Message, str] = field(default_factory=dict)
    last_empty: bool = False
    troubled: bool = False


@dataclass(frozen=True)
class Stored:
    """A message at the destination."""

    version: int
    conversation_id: str
    load_id: str


@dataclass(frozen=True)
class Walk:
    """A conversation that a load says was read from top to bottom.

    Attributes:
        conversation_id: the conversation.
        first: milliseconds and id of the newest message.
        first_load: the load that read that message.
    """

    conversation_id: str | None
    first: tuple[int, int]
    first_load: str


@dataclass(frozen=True)
class Ended:
    """A pass that ended with a load, in the words of that load.

    Attributes:
        started: milliseconds up to which the pass brings everything.
        whole: whether it was to read every contact whole, or did.
        complete: whether nothing is missing.
        listed_since: the load that began the pass, if it listed all contacts: who was not written
            since is gone.
    """

    started: int
    whole: bool
    complete: bool
    listed_since: str | None


@dataclass(frozen=True)
class Committed:
    """A load that is at the destination.

    Attributes:
        load_id: later loads have higher ones.
        messages: contact id and row, as handed over.
        contacts: ids of the contact rows.
        walks: what walks from top to bottom proved.
        ended: the pass that ended with it, if one did.
        unfinished: ids of the contacts that it says are not read through.
        start_date: its setting, in milliseconds.
    """

    load_id: str
    messages: Sequence[tuple[str, Mapping[str, Any]]]
    contacts: Sequence[str]
    walks: Sequence[Walk]
    ended: Ended | None
    unfinished: Set[str]
    start_date: int | None


class Watched(Protocol):
    """What the oracle looks at of the server.

    Attributes:
        now: the clock of the database, milliseconds.
        contact_records: the contacts that there are.
    """

    now: int
    contact_records: list[ContactRecord]


@dataclass
class Oracle(Watcher):
    """Watches the server, keeps the destination, and judges what a load says.

    Args:
        lookback: milliseconds.
        turns: passes in a row of which one reads each contact whole; None for no such promise.
        shard: the part of the contacts that is read: the i-th of n as `(i, n)`; None for all.

    Attributes:
        server: what is watched.
        destination: the messages loaded, the latest version of each.
        contacts: by id, the last load that wrote the contact.
        known: what is noted of each contact.
        load_id: the load under way.
        order: counts what happens, for much of it happens in one millisecond.
        through: start of the last pass; None when the next one begins from nothing.
        start_date: the setting of the last load, in milliseconds.
        ended: the starts of all passes that ended.
    """

    lookback: int
    turns: int | None = None
    shard: tuple[int, int] | None = None
    server: Watched = field(init=False)
    destination: dict[Message, Stored] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    known: dict[ContactRecord, Known] = field(default_factory=dict)
    load_id: str = ""
    order: int = 0
    through: int | None = None
    start_date: int | None = None
    ended: list[int] = field(default_factory=list)
    _pending: list[tuple[str, ContactRecord, int, int]] = field(default_factory=list)

    # Watching

    def changed(self, message: Message, how: str) -> None:
        self.order += 1
        now = self.server.now
        known = self._known(message.contact)
        recent = message.created >= now - self.lookback
        late = how == "delivered" and not recent
        change = Change(now, message.version, recent, self.order, late)
        known.changes.setdefault(message, []).append(change)
        if how != "edited":
            for other, changes in known.changes.items():
                if other.created >= message.created:
                    continue
                for each in changes:
                    held = other.incoming and other.created > each.at - LIM_AGE
                    if each.late and each.overtaken is None and (message.incoming or not held):
                        each.overtaken = self.order

    def seen_again(self, contact: ContactRecord) -> None:
        self.order += 1
        known = self._known(contact)
        if not known.overlooked:
            return
        for message in contact.visible:
            if message in known.overlooked:
                known.overlooked.discard(message)
                self._hide(known, message, self.server.now, self.order)

    def listed(self, contacts: Sequence[ContactRecord]) -> None:
        self.order += 1
        for contact in contacts:
            conversation = contact.conversation
            self._known(contact).expects = contact.last_incoming is not None or (
                conversation is not None
                and conversation.last_activity is not None
                and conversation.last_activity - MINUTE > conversation.created
            )
            created = max(contact.created, conversation.created if conversation else -1)
            self._pending.append(("listed", contact, created, self.order))
            # The row speaks of the conversation served, and may say that there is nothing to read.
            self._overlook(self._known(contact), conversation.messages if conversation else ())

    def asked(self, contact: ContactRecord, *, top: bool, swallowed: bool, flipped: bool) -> None:
        self.order += 1
        known = self._known(contact)
        visible = set(contact.visible)
        self._overlook(known, visible)
        known.last_empty = swallowed or not visible
        if top and swallowed and not known.expects:
            self._pending.append(("trusted", contact, self.server.now, self.order))
        if flipped:
            self._pending.append(("flipped", contact, self.server.now, self.order))

    def failed(self, contact: ContactRecord, *, poisoned: bool) -> None:
        known = self._known(contact)
        known.last_empty = False
        known.troubled = known.troubled or not poisoned

    def _overlook(self, known: Known, seen: Collection[Message]) -> None:
        for message in known.changes:
            if message not in seen and not message.gone:
                known.overlooked.add(message)
                known.missed[message] = self.load_id

    def _known(self, contact: ContactRecord) -> Known:
        return self.known.setdefault(contact, Known())

    def _hide(self, known: Known, message: Message, at: int, order: int) -> None:
        """All that happened to the message until then may have been missed; now it may be seen."""
        changes = known.changes.get(message, [])
        before = [each for each in changes if each.order <= order]
        if before:
            now = Change(at, before[-1].version, message.created >= at - self.lookback, order)
            known.changes[message] = [now, *changes[len(before) :]]

    # Judging

    def begins(self, load_id: str) -> None:
        """A load begins; what an earlier one saw and did not commit is forgotten."""
        self.load_id = load_id
        self._pending.clear()

    def committed(self, load: Committed) -> None:
        """A load is at the destination.

        Raises:
            BrokenPromiseError: it is not what it says.
        """
        if self.start_date is not None and (
            load.start_date is None or load.start_date < self.start_date
        ):
            self.through = None
        self.start_date = load.start_date
        self._take_notes()
        for contact_id, row in load.messages:
            message = row["text"]
            assert isinstance(message, Message)
            if contact_id != str(message.contact.id):
                raise BrokenPromiseError(f"message {message.id} is not of contact {contact_id}")
            self.destination[message] = Stored(row["version"], row["conversationId"], load.load_id)
        self.contacts.update(dict.fromkeys(load.contacts, load.load_id))
        read = {*load.contacts, *(contact_id for contact_id, _ in load.messages)}
        if not all(map(self._is_own, read)):
            raise BrokenPromiseError("a shard has read a contact that is not its own")
        for walk in load.walks:
            self._judge_walk(walk)
        if load.ended:
            self._judge(load.ended, load.unfinished)

    def _own(self) -> list[ContactRecord]:
        """The contacts that are there, and are to be read."""
        return [each for each in self.server.contact_records if self._is_own(str(each.id))]

    def _is_own(self, contact_id: str) -> bool:
        """Whether the hash of the id is in the shard's range, of as many equal ones as shards."""
        if self.shard is None:
            return True
        index, count = self.shard
        return (index - 1) << 32 <= crc32(contact_id.encode()) * count < index << 32

    def _judge_walk(self, walk: Walk) -> None:
        """What the walk should have met and did not is gone."""
        for message, stored in self.destination.items():
            if (
                stored.conversation_id == walk.conversation_id
                and message.position <= walk.first
                and stored.load_id < walk.first_load
                and not message.gone
                and self._known(message.contact).missed.get(message, "") < walk.first_load
            ):
                raise BrokenPromiseError(f"message {message.id} is marked as removed, and is not")

    def _take_notes(self) -> None:
        for what, contact, at, order in self._pending:
            known = self._known(contact)
            if what == "flipped":
                known.flipped = order
                continue
            if what == "listed":
                known.created = at
            for message, changes in known.changes.items():
                if what == "trusted":
                    self._hide(known, message, at, order)
                    continue
                for change in changes:
                    if change.listed is None and change.order < order:
                        change.listed = order
        self._pending.clear()

    def _judge(self, ended: Ended, unfinished: Set[str]) -> None:
        started = ended.started
        self._note_whole(started, all_contacts=ended.whole)
        self.ended.append(started)
        self.through = started
        for contact in self._own():
            known = self._known(contact)
            if str(contact.id) not in unfinished:
                self._judge_contact(known, contact.visible, started)
            elif _only_poisoned(contact, known):
                self._judge_contact(known, _above_poison(contact), started)
            if ended.complete and str(contact.id) in unfinished and not known.last_empty:
                raise BrokenPromiseError(f"complete, but contact {contact.id} is not read")
        if ended.listed_since is not None:
            self._judge_listing(ended.listed_since)

    def _judge_listing(self, since: str) -> None:
        """Contacts that were not listed since are gone, and only they."""
        for contact in self._own():
            if self.contacts.get(str(contact.id), since) < since:
                raise BrokenPromiseError(f"contact {contact.id} is marked as removed, and is not")

    def _note_whole(self, started: int, *, all_contacts: bool) -> None:
        news = -1 if self.through is None else self.through - self.lookback
        for known in self.known.values():
            if all_contacts or known.created > news:
                known.whole = max(known.whole, started)
        if self.turns is not None and len(self.ended) + 1 >= self.turns:
            first = [*self.ended, started][-self.turns :]
            for contact, known in self.known.items():
                if contact.created < min(first):
                    known.whole = max(known.whole, min(first))

    def _judge_contact(self, known: Known, messages: Sequence[Message], started: int) -> None:
        for message in messages:
            if self.start_date is not None and message.created < self.start_date:
                continue
            need = -1
            for change in known.changes[message]:
                whole = change.at < known.whole or change.order < known.flipped
                if change.at < started and (change.promised or whole):
                    need = max(need, change.version)
            have = self.destination[message].version if message in self.destination else -1
            if have < need:
                what = "missing" if have < 0 else f"of version {have}, not {need}"
                raise BrokenPromiseError(
                    f"message {message.id} of contact {message.contact.id} is {what}"
                )


def _only_poisoned(contact: ContactRecord, known: Known) -> bool:
    """Whether nothing else ever went wrong with it."""
    poisoned = any(message.poisoned for message in contact.visible)
    return poisoned and not known.troubled and len(contact.conversations) == 1


def _above_poison(contact: ContactRecord) -> Sequence[Message]:
    """What is newer than everything that cannot be served."""
    above: list[Message] = []
    for message in reversed(contact.visible):
        if message.poisoned:
            break
        above.append(message)
    return above
