"""The promise of the sync, stated from what happened alone.

After a load that ends a pass begun at S, for every contact that is not reported as unfinished,
every message that the API serves and that had arrived before S is at the destination, in a
version as of S or later. Exempt are changes of which the listing shows no sign, as long as no
pass that reads the contact whole has begun after them:

- an import, an edit, or a message that reappears, where the message is older than the lookback;
- a message delivered later than the lookback and overtaken by a newer one before the next
  listing; an incoming one of the last 30 days is overtaken by incoming ones only;
- what a fault hid from a contact whose row does not contradict an empty page;
- hard deletes: what is at the destination stays.

A pass reads a contact whole if it is the first, follows an earlier `start_date`, is a reconcile,
if contact or conversation were created within the lookback of the pass before or later, or if a
conversation other than the one begun with was served in the middle of a walk. Of `1 / share`
passes in a row, one reads it whole.

`complete` says in addition that nothing is unfinished but contacts that answer with nothing;
`reconciled` that the pass read every contact whole. No load hands over a message twice, and
nothing is handed over that the contact did not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chatbotx_source.instants import to_datetime
from chatbotx_source.progress import Progress
from chatbotx_source.reading import Outcome
from tests.twin.server import DAY, MINUTE, ContactRecord, Message, Server, Watcher


LIM_AGE = 30 * DAY


class BrokenPromise(AssertionError):
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
    """What the oracle notes of a contact."""

    changes: dict[Message, list[Change]] = field(default_factory=dict)
    expects: bool = False
    whole: int = -1
    overlooked: set[Message] = field(default_factory=set)
    last_empty: bool = False


@dataclass
class Oracle(Watcher):
    """Watches the server, keeps the destination, and judges what a load says.

    Args:
        lookback: milliseconds.
        turns: passes in a row of which one reads each contact whole; None for no such promise.
    """

    lookback: int
    turns: int | None = None
    server: Server = field(init=False)
    destination: dict[Message, tuple[int, str]] = field(default_factory=dict)
    known: dict[ContactRecord, Known] = field(default_factory=dict)
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
            self._pending.append(("listed", contact, self.server.now, self.order))

    def asked(self, contact: ContactRecord, *, top: bool, swallowed: bool, flipped: bool) -> None:
        self.order += 1
        known = self._known(contact)
        visible = set(contact.visible)
        known.overlooked.update(
            message for message in known.changes if message not in visible and not message.gone
        )
        known.last_empty = swallowed or not visible
        if top and swallowed and not known.expects:
            self._pending.append(("trusted", contact, self.server.now, self.order))
        if flipped:
            self._pending.append(("flipped", contact, self.server.now, self.order))

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

    def begins(self) -> None:
        """A load begins; what an earlier one saw and did not commit is forgotten."""
        self._pending.clear()

    def committed(
        self,
        rows: Iterable[tuple[str, Mapping[str, object]]],
        outcome: Outcome,
        progress: Progress,
        start_date: int | None,
    ) -> None:
        """A load is at the destination.

        Args:
            rows: contact id and message, as handed over.
            outcome: what the load says it did.
            progress: what it remembers.
            start_date: its setting, in milliseconds.

        Raises:
            BrokenPromise: something of that is not so.
        """
        if self.start_date is not None and (start_date is None or start_date < self.start_date):
            self.through = None
        self.start_date = start_date
        self._take_notes()
        for contact_id, row in rows:
            message = row["text"]
            assert isinstance(message, Message)
            if contact_id != str(message.contact.id):
                raise BrokenPromise(f"message {message.id} is not of contact {contact_id}")
            version = row["version"]
            assert isinstance(version, int)
            self.destination[message] = version, contact_id
        if outcome.over:
            self._judge(outcome, progress)

    def _take_notes(self) -> None:
        for what, contact, at, order in self._pending:
            known = self._known(contact)
            if what == "flipped":
                known.whole = max(known.whole, at)
                continue
            for message, changes in known.changes.items():
                if what == "trusted":
                    self._hide(known, message, at, order)
                    continue
                for change in changes:
                    if change.listed is None and change.order < order:
                        change.listed = order
        self._pending.clear()

    def _judge(self, outcome: Outcome, progress: Progress) -> None:
        assert outcome.pass_started is not None
        started = int(to_datetime(outcome.pass_started).timestamp() * 1_000 + 0.5)
        self._note_whole(started, reconcile=outcome.mode == "reconcile" or outcome.reconciled)
        self.ended.append(started)
        self.through = started
        unfinished = set(progress.unfinished)
        for contact in self.server.contact_records:
            known = self._known(contact)
            if str(contact.id) not in unfinished:
                self._judge_contact(contact, known, started)
            elif outcome.complete and not known.last_empty:
                raise BrokenPromise(f"complete, but contact {contact.id} is not read")

    def _note_whole(self, started: int, *, reconcile: bool) -> None:
        for contact, known in self.known.items():
            conversation = contact.conversation
            news = -1 if self.through is None else self.through - self.lookback
            created = max(contact.created, conversation.created if conversation else 0)
            if reconcile or self.through is None or created > news:
                known.whole = max(known.whole, started)
        if self.turns is not None and len(self.ended) + 1 >= self.turns:
            first = [*self.ended, started][-self.turns :]
            for contact, known in self.known.items():
                if contact.created < min(first):
                    known.whole = max(known.whole, min(first))

    def _judge_contact(self, contact: ContactRecord, known: Known, started: int) -> None:
        for message in contact.visible:
            if self.start_date is not None and message.created < self.start_date:
                continue
            need = -1
            for change in known.changes[message]:
                if change.at < started and (change.promised or change.at < known.whole):
                    need = max(need, change.version)
            have = self.destination.get(message, (-1, ""))[0]
            if have < need:
                what = "missing" if have < 0 else f"of version {have}, not {need}"
                raise BrokenPromise(f"message {message.id} of contact {contact.id} is {what}")
