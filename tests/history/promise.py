"""The promise of the sync, stated from the log of the workspace alone.

At any time, whatever has failed:

- no message, attachment, contact or element of a contact's lists is in its table twice;
- every row is a version that the workspace once had; a message with its attachments, and a contact
  with its lists, are one version (not if a load of selected tables took them apart);
- `removed_at` is set only where the API has ceased, at some time, to show the row.

After a load that ends a pass begun at S (`synced_through`):

- every contact that was there before S and still is, is there as of S or later, and not marked as
  removed; a contact deleted before S is marked (once `sync` has returned);
- of every contact that `_chatbotx_unfinished` does not name, every message that the API shows and
  that had arrived before S is there, as of S or later. Exempt are changes of which the listing
  shows no sign, as long as no pass that reads the contact whole has begun after them:
  - an import, an edit, or a message that reappears, where the message is older than the lookback;
  - a message delivered later than the lookback and overtaken by a newer one (an incoming one of
    the last 30 days is overtaken by incoming ones only);
  - what a fault that no answer shows has hidden: rows missing from a page, an end of the list that
    comes too early, an empty first page of a contact whose row does not contradict it;
  - hard deletes;
- it is `complete` if that table names none but contacts that answer with nothing, and then alone.

A pass reads a contact whole if it is the first, is a reconcile, or if contact or conversation were
created within the lookback of the pass before or later.

A reconcile of a workspace at rest, with nothing unfinished, ends with tables that hold what the
API shows and mark the rest, except what it does not show: messages of conversations not served or
beyond the first page's window, and deleted ones newer than all that are left of the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from chatbotx_source.sandbox import Event
from chatbotx_source.sandbox.state import State
from tests.history.destination import Row, Tables
from tests.history.world import Answered
from tests.support.oracle import LISTS, flat

LIM_AGE = timedelta(days=30)
NEVER = datetime.min.replace(tzinfo=timezone.utc)
SILENT = {"drop_rows", "null_cursor"}
"""Faults that no answer shows."""


class BrokenPromise(AssertionError):  # noqa: N818 - the word for it
    """The tables are not what the sync says."""


@dataclass
class Change:
    """A version of a message, or its coming back into view.

    Attributes:
        at: when.
        version: its place among the versions.
        shown: whether a sign leads to it, whatever comes after.
        late: whether one does until a newer message overtakes it.
    """

    at: datetime
    version: int
    shown: bool
    late: bool = False


@dataclass
class KnownMessage:
    """A message of the log.

    Attributes:
        contact_id: whose.
        conversation_id: of which conversation.
        created: when it was written.
        incoming: whether the inbox's `lastIncomingMessageAt` followed it.
        versions: as the tables have them: the message, its attachments.
        changes: what a sync has to notice.
        gone: when it was deleted for good.
        hidden: whether there was a time at which the API did not show it.
    """

    contact_id: str
    conversation_id: str
    created: datetime
    incoming: bool
    versions: list[tuple[Row, list[Row]]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    gone: datetime | None = None
    hidden: bool = False

    def forget(self) -> None:
        """A sync may have missed all that happened to it."""
        for change in self.changes:
            change.shown = change.late = False


@dataclass
class KnownContact:
    """A contact of the log.

    Attributes:
        added: when it was created.
        versions: since when, and as the tables have them: the contact, its lists.
        messages: by id, all that it ever had.
        visible: ids of those that the API shows.
        begun: when it, or the conversation served, was created.
        expects: whether its last listed row contradicts an empty answer.
        whole: start of the last pass that has read it whole.
        clouded: when a fault last hid something that no answer shows.
        answered: whether the last request for its messages brought some.
        gone: when it was deleted.
    """

    added: datetime
    versions: list[tuple[datetime, Row, Mapping[str, list[Row]]]] = field(default_factory=list)
    messages: dict[str, KnownMessage] = field(default_factory=dict)
    visible: set[str] = field(default_factory=set)
    begun: datetime = NEVER
    expects: bool = False
    whole: datetime = NEVER
    clouded: datetime = NEVER
    answered: bool = False
    gone: datetime | None = None


@dataclass(frozen=True)
class Ended:
    """A pass that ended, as `_chatbotx_syncs` has it."""

    started: datetime
    mode: str
    complete: bool


@dataclass
class Oracle:
    """Follows the log of the workspace and judges the tables by it.

    Args:
        lookback: of the sync.

    Attributes:
        through: start of the last pass that ended.
        split: whether tables that belong together were loaded apart.
    """

    lookback: timedelta
    through: datetime | None = None
    split: bool = False
    state: State = field(default_factory=State)
    contacts: dict[str, KnownContact] = field(default_factory=dict)
    _events: int = 0
    _answers: int = 0

    # Following the log

    def follow(self, events: list[Event], answered: list[Answered]) -> None:
        """Takes note of what has happened since the last time, in order."""
        for answer in answered[self._answers :]:
            self._take_events(events[self._events : answer.events])
            self._take_answer(answer)
        self._answers = len(answered)
        self._take_events(events[self._events :])

    def _take_events(self, events: Iterable[Event]) -> None:
        for event in events:
            self.state.apply(event)
            self._events += 1
            contact = self.contacts.setdefault(event.contact_id, KnownContact(event.at))
            if event.kind == "contact_deleted":
                self._delete(contact, event.at)
                continue
            if event.message_id is not None:
                self._take_message(contact, event)
            self._look(contact, event)

    def _delete(self, contact: KnownContact, at: datetime) -> None:
        contact.gone = at
        contact.visible.clear()
        for message in contact.messages.values():
            message.gone = message.gone or at

    def _take_message(self, contact: KnownContact, event: Event) -> None:
        row, message_id = event.row, str(event.message_id)
        if row is None:
            contact.messages[message_id].gone = event.at
            return
        live = event.kind == "message_added"
        known = contact.messages.setdefault(
            message_id,
            KnownMessage(
                event.contact_id,
                row["conversationId"],
                _time(row["createdAt"]),
                live and row["messageType"] == "incoming",
            ),
        )
        version = _message_version(event.contact_id, row)
        if known.versions and known.versions[-1] == version:
            return
        known.versions.append(version)
        recent = known.created >= event.at - self.lookback
        late = live and not recent
        known.changes.append(Change(event.at, len(known.versions) - 1, recent, late))

    def _look(self, contact: KnownContact, event: Event) -> None:
        """Notes what the API now shows of the contact, and what it no longer shows."""
        row = self.state.contact_row(event.contact_id)
        version = _contact_version(row)
        if not contact.versions or contact.versions[-1][1:] != version:
            contact.versions.append((event.at, *version))
        conversation = row["conversation"] or {}
        contact.begun = max(contact.added, _time(conversation.get("createdAt")))
        visible = self._visible(conversation.get("id"))
        for message_id in visible - contact.visible:
            message = contact.messages[message_id]
            if message.hidden or len(message.changes) > 1 or message.changes[0].at < event.at:
                recent = message.created >= event.at - self.lookback
                message.changes = [Change(event.at, len(message.versions) - 1, recent)]
        contact.visible = visible
        activity = _time(conversation.get("lastActivityAt"))
        incoming = _last_incoming(row)
        for message_id, message in contact.messages.items():
            message.hidden = message.hidden or message_id not in visible
            for change in message.changes:
                held = message.incoming and message.created > change.at - LIM_AGE
                signs = (activity, incoming) if held else (activity,)
                change.late = change.late and min(signs) <= message.created

    def _visible(self, conversation_id: str | None) -> set[str]:
        positions = self.state.order.get(str(conversation_id), [])
        if not positions:
            return set()
        inbox = self.state.messages[str(positions[0][1])]["contactInboxId"]
        last = self.state.last_message_at.get(inbox)
        return {
            str(number) for created, number in positions if not last or created[:13] <= last[:13]
        }

    def _take_answer(self, answer: Answered) -> None:
        for contact_id in () if answer.fault else answer.shown:
            self.contacts[contact_id].expects = _expects(self.state.contact_row(contact_id))
        request = answer.request
        contact = self.contacts.get(str(request.contact_id))
        if contact is None or request.kind != "messages":
            return
        contact.answered = answer.fault != "empty" and bool(contact.visible)
        if answer.fault in SILENT or (
            answer.fault == "empty" and not request.cursor and not contact.expects
        ):
            contact.clouded = request.at
            contact.whole = NEVER
            for message in contact.messages.values():
                message.forget()

    # Judging

    def judge_always(self, tables: Tables) -> None:
        """What holds at any time.

        Raises:
            BrokenPromise: it does not.
        """
        if twice := tables.twice():
            raise BrokenPromise(f"twice: {twice[0]}")
        attachments = tables.grouped("messages__attachments", "message_id")
        for message_id, row in tables.by_id("messages").items():
            known = self._message(row)
            self._versions_of(known, row, attachments.pop(message_id, []))
            contact = self.contacts[known.contact_id]
            seen = not known.hidden and not known.gone and contact.clouded == NEVER
            if row["removed_at"] and seen:
                raise BrokenPromise(f"message {message_id} is marked as removed, and is not")
        if attachments and not self.split:
            raise BrokenPromise(f"attachments without a message: {min(attachments)}")
        lists = {name: tables.grouped(name, "contact_id") for name in LISTS.values()}
        for contact_id, row in tables.by_id("contacts").items():
            self._contact_seen(contact_id, row, lists)
            if row["removed_at"] and not self.contacts[contact_id].gone:
                raise BrokenPromise(f"contact {contact_id} is marked as removed, and is not")

    def judge_pass(self, ended: Ended, tables: Tables, *, marked: bool) -> None:
        """What holds after a load that ends a pass.

        Args:
            ended: the pass.
            tables: after it.
            marked: whether `sync` has returned since, and so marked what is gone.

        Raises:
            BrokenPromise: it does not hold.
        """
        unfinished = tables.by_id("_chatbotx_unfinished", "contact_id")
        waiting = [each for each, row in unfinished.items() if not row["believed_empty"]]
        if ended.complete == bool(waiting):
            raise BrokenPromise(f"complete: {ended.complete}, but {waiting} are unfinished")
        attachments = tables.grouped("messages__attachments", "message_id")
        messages = tables.by_id("messages")
        contacts = tables.by_id("contacts")
        lists = {name: tables.grouped(name, "contact_id") for name in LISTS.values()}
        for contact_id, known in self.contacts.items():
            self._judge_contact(contact_id, known, contacts.get(contact_id), lists, ended, marked)
            if known.gone:
                continue
            if contact_id in unfinished:
                if ended.complete and known.answered:
                    raise BrokenPromise(f"contact {contact_id} is believed empty, and has answered")
                continue
            for message_id in sorted(known.visible):
                message = known.messages[message_id]
                need = _needed(message, ended.started, known.whole)
                if need < 0:
                    continue
                if message_id not in messages:
                    raise BrokenPromise(f"message {message_id} of {contact_id} is missing")
                row = messages[message_id]
                have = self._versions_of(message, row, attachments.get(message_id, []))
                if max(have) < need:
                    raise BrokenPromise(
                        f"message {message_id} of {contact_id} is of version {have}, not {need}"
                    )

    def note_pass(self, ended: Ended) -> None:
        """Notes what a pass has read whole; after all passes before it, before it is judged."""
        news = None if self.through is None else self.through - self.lookback
        for known in self.contacts.values():
            whole = ended.mode in ("full", "reconcile") or news is None or known.begun > news
            if whole and ended.started > known.clouded:
                known.whole = max(known.whole, ended.started)
        self.through = ended.started

    def judge_rest(self, tables: Tables) -> None:
        """What holds after a reconcile at rest.

        Raises:
            BrokenPromise: it does not.
        """
        attachments = tables.grouped("messages__attachments", "message_id")
        lists = {name: tables.grouped(name, "contact_id") for name in LISTS.values()}
        contacts = tables.by_id("contacts")
        there = {each for each, row in contacts.items() if not row["removed_at"]}
        true = {each for each, known in self.contacts.items() if not known.gone}
        if there != true and not self._anonymous:
            raise BrokenPromise(f"contacts are {sorted(there)}, not {sorted(true)}")
        for contact_id in true:
            have = self._contact_versions(contact_id, contacts[contact_id], lists)
            if max(have) < len(self.contacts[contact_id].versions) - 1:
                raise BrokenPromise(f"contact {contact_id} is of version {have}")
        messages = tables.by_id("messages")
        for contact_id in sorted(true):
            known = self.contacts[contact_id]
            stored = {
                each
                for each in known.messages
                if each in messages and not messages[each]["removed_at"]
            }
            if missing := known.visible - stored:
                raise BrokenPromise(f"at rest, message {min(missing)} of {contact_id} is missing")
            if surplus := {each for each in stored - known.visible if self._decidable(known, each)}:
                raise BrokenPromise(f"at rest, message {min(surplus)} of {contact_id} is not gone")
            for message_id in known.visible:
                message = known.messages[message_id]
                row = messages[message_id]
                have = self._versions_of(message, row, attachments.get(message_id, []))
                if max(have) < len(message.versions) - 1:
                    raise BrokenPromise(f"at rest, message {message_id} is of version {have}")

    @property
    def _anonymous(self) -> bool:
        """Whether nothing tells any more which workspace it is: its rows are then left alone."""
        return self.split and all(known.gone for known in self.contacts.values())

    def _decidable(self, known: KnownContact, message_id: str) -> bool:
        """Whether a walk from top to bottom proves that the message is gone."""
        message = known.messages[message_id]
        newer = [
            each
            for each in known.visible
            if (known.messages[each].created, int(each)) > (message.created, int(message_id))
        ]
        return any(
            known.messages[each].conversation_id == message.conversation_id for each in newer
        )

    def _message(self, row: Row) -> KnownMessage:
        contact = self.contacts.get(row["contact_id"])
        if contact is None or row["id"] not in contact.messages:
            raise BrokenPromise(f"message {row['id']} was never one of {row['contact_id']}")
        return contact.messages[row["id"]]

    def _versions_of(
        self, known: KnownMessage, row: Row, attachments: list[Row]
    ) -> tuple[int, ...]:
        """Which versions of the message the tables hold."""
        attachments = sorted(attachments, key=lambda each: int(each["list_index"]))
        own = [n for n, each in enumerate(known.versions) if _alike(each[0], row)]
        theirs = [n for n, each in enumerate(known.versions) if _all_alike(each[1], attachments)]
        both = tuple(n for n in own if n in theirs)
        if not own or not (both or self.split):
            raise BrokenPromise(f"message {row['id']} with its attachments is no version of it")
        return both or (min(max(own), max(theirs, default=-1)),)

    def _contact_versions(
        self, contact_id: str, row: Row, lists: Mapping[str, Mapping[str, list[Row]]]
    ) -> tuple[int, ...]:
        """Which versions of the contact the tables hold."""
        versions = self.contacts[contact_id].versions
        own = [n for n, each in enumerate(versions) if _alike(each[1], row)]
        for name, rows in lists.items():
            found = sorted(rows.get(contact_id, []), key=lambda each: str(each["id"]))
            theirs = [n for n, each in enumerate(versions) if _all_alike(each[2][name], found)]
            if not self.split:
                own = [n for n in own if n in theirs]
        if not own:
            raise BrokenPromise(f"contact {contact_id} with its lists is no version of it")
        return tuple(own)

    def _contact_seen(
        self, contact_id: str, row: Row, lists: Mapping[str, Mapping[str, list[Row]]]
    ) -> None:
        if contact_id not in self.contacts:
            raise BrokenPromise(f"contact {contact_id} was never there")
        self._contact_versions(contact_id, row, lists)

    def _judge_contact(
        self,
        contact_id: str,
        known: KnownContact,
        row: Row | None,
        lists: Mapping[str, Mapping[str, list[Row]]],
        ended: Ended,
        marked: bool,
    ) -> None:
        if known.gone:
            overdue = known.gone < ended.started and marked and not self._anonymous
            if overdue and row and not row["removed_at"]:
                raise BrokenPromise(f"contact {contact_id} is gone, and not marked")
            return
        if known.added >= ended.started:
            return
        if row is None:
            raise BrokenPromise(f"contact {contact_id} is missing")
        have = self._contact_versions(contact_id, row, lists)
        need = max(n for n, each in enumerate(known.versions) if each[0] < ended.started)
        if max(have) < need:
            raise BrokenPromise(f"contact {contact_id} is of version {have}, not {need}")


def _needed(message: KnownMessage, started: datetime, whole: datetime) -> int:
    """The oldest version of a message that the tables may hold; -1 if it may be missing."""
    return max(
        (
            change.version
            for change in message.changes
            if change.at < started and (change.shown or change.late or change.at < whole)
        ),
        default=-1,
    )


def _message_version(contact_id: str, row: Row) -> tuple[Row, list[Row]]:
    own = {key: value for key, value in row.items() if key != "attachments"}
    attachments = [
        flat(each) | {"contact_id": contact_id, "list_index": place}
        for place, each in enumerate(row["attachments"])
    ]
    return flat(own) | {"contact_id": contact_id}, attachments


def _contact_version(row: Row) -> tuple[Row, dict[str, list[Row]]]:
    own = {key: value for key, value in row.items() if key not in LISTS}
    lists = {
        table: [
            flat(each) | {"contact_id": row["id"]}
            for each in sorted(row.get(key, []), key=lambda element: str(element["id"]))
        ]
        for key, table in LISTS.items()
    }
    return flat(own), lists


def _alike(wanted: Row, found: Row) -> bool:
    """Whether a row is this version; `removed_at` is judged apart."""
    keys = (wanted.keys() | found.keys()) - {"removed_at"}
    return all(wanted.get(key) == found.get(key) for key in keys)


def _all_alike(wanted: list[Row], found: list[Row]) -> bool:
    return len(wanted) == len(found) and all(map(_alike, wanted, found))


def _expects(row: Row) -> bool:
    conversation: dict[str, Any] = row["conversation"] or {}
    if any(inbox["lastIncomingMessageAt"] for inbox in row["contactInboxes"]):
        return True
    if not conversation.get("lastActivityAt"):
        return False
    late = _time(conversation["lastActivityAt"]) - timedelta(minutes=1)
    return late > _time(conversation["createdAt"])


def _last_incoming(row: Row) -> datetime:
    return max(_time(inbox["lastIncomingMessageAt"]) for inbox in row["contactInboxes"])


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else NEVER
