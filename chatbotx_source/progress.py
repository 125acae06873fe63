"""What is remembered between loads, what is due, and how far down: pure functions over plain data.

The API lists messages newest first, has no filter by date, and shows only in the contact listing
that something changed. So a **pass** reads the whole listing once, from its last page down to
page 1, and walks the contacts that show a sign of change down to a **floor**. Contacts whose walk
is not through are remembered one by one, each with its **gaps**: the stretches still to be read.
Everything else is one date, `synced_through`, whatever the number of contacts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from chatbotx_source.instants import Instant, instant, minus

FORMAT = 1
"""Version of the remembered format; what another version wrote is not gone on with."""

Mode = Literal["incremental", "reconcile"]

Position = tuple[Instant, int]
"""Where a message stands, as the API orders: createdAt, then the id as a number."""

ASKS_WHEN_EMPTY = 3
"""Suspicious empty answers in one pass after which a contact waits for the next pass."""

PASSES_UNTIL_BELIEVED = 3
"""Passes blocked by nothing but empty answers after which they are believed."""

RESTARTS = 4
"""Walks begun again in one pass: 500 to 4,000 rows a page is three doublings."""

CLOCK_MARGIN_MINUTES = 5
"""What a pass began before its first answer, so that clocks may differ by as much."""

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


@dataclass(frozen=True)
class Gap:
    """A stretch of a contact's messages that is still to be read, downwards.

    Attributes:
        floor: the walk ends after a row strictly older; None is the whole history.
        cursor: where to go on; None is the top.
        last: the last row read above it; None when nothing was.
        conversation_id: the conversation that was read.
        page_size: the size reached, where it differs from the setting.
        poison_within: rows among which is one that the server cannot serve.
        empties: suspicious empty answers in this pass.
        restarts: walks begun again in this pass.
        begun: the pass in which it was begun at the top.
        first: the first row read then.
        first_load: the load that read it.
        doubtful: whether anything odd was met on the way: then the walk proves no removal.
        reason: the fault that blocked it; None when it was merely cut, or not yet begun.
        blocked: the pass in which that fault was met.
    """

    floor: Instant | None
    cursor: str | None = None
    last: Position | None = None
    conversation_id: str | None = None
    page_size: int | None = None
    poison_within: int = 0
    empties: int = 0
    restarts: int = 0
    begun: int | None = None
    first: Position | None = None
    first_load: str | None = None
    doubtful: bool = False
    reason: str | None = None
    blocked: int | None = None


@dataclass(frozen=True)
class Unfinished:
    """A contact that is due and not yet read through.

    Attributes:
        gaps: what is still to be read, newest first; at most the first begins at the top.
        since: when it became unfinished.
        upto: start of the pass in which its newest messages were last read.
        listed: the pass whose listing last showed it.
        expects_messages: whether that row contradicts an empty first page.
        whole: the pass in which it was walked from top to bottom.
        empty_passes: passes in a row that ended with nothing but suspicious empty answers.
    """

    gaps: tuple[Gap, ...]
    since: Instant
    upto: Instant | None = None
    listed: int = 0
    expects_messages: bool = False
    whole: int | None = None
    empty_passes: int = 0

    @property
    def believed_empty(self) -> bool:
        """Whether its empty answers were met so often that they are taken for the truth."""
        return self.empty_passes >= PASSES_UNTIL_BELIEVED


@dataclass(frozen=True)
class Pass:
    """One reading of the whole listing.

    Attributes:
        number: counts the passes.
        started: the instant up to which this pass brings everything.
        mode: `reconcile` walks every contact to the bottom.
        probe: the page to be found empty before the listing is read downwards.
        page: the next page to read, counting down; 0 when page 1 is done.
        lowest: the lowest contact id read; the next page lies below it.
        highest: the highest contact id read.
        first_load: the load that began it.
        whole: whether every contact so far is walked to the bottom in this pass.
        identifiers: the contacts asked for one by one, in place of the listing.
    """

    number: int
    started: Instant
    mode: Mode = "incremental"
    probe: int | None = 1
    page: int = 0
    lowest: int | None = None
    highest: int = 0
    first_load: str | None = None
    whole: bool = True
    identifiers: tuple[str, ...] | None = None

    @property
    def listed(self) -> bool:
        """Whether the listing was read to its end."""
        return self.probe is None and self.page == 0


@dataclass
class Progress:
    """All that is remembered of one workspace.

    Attributes:
        base_url: scope: the server that it was read from.
        workspace_id: scope: None until a row has told it.
        start_date: what bounded the floors; lowering it opens every contact again.
        synced_through: everything that a sign shows is read up to here.
        passes: passes ended or given up so far.
        last_page: pages of the listing in the last pass.
        highest: the highest contact id of the last pass.
        current: the pass under way.
        unfinished: by contact id, only those that are not read through.
        dates: by contact id, `synced_through` of contacts that were asked for one by one.
    """

    base_url: str
    workspace_id: str | None = None
    start_date: Instant | None = None
    synced_through: Instant | None = None
    passes: int = 0
    last_page: int = 0
    highest: int = 0
    current: Pass | None = None
    unfinished: dict[str, Unfinished] = field(default_factory=dict)
    dates: dict[str, Instant] = field(default_factory=dict)


def to_state(progress: Progress) -> dict[str, Any]:
    """Writes progress as JSON data: `{"format": 1, **fields}`, defaults left out."""
    return {"format": FORMAT, **_without_defaults(progress)}


def from_state(state: Mapping[str, Any]) -> Progress | None:
    """Reads what `to_state` wrote; None for another format, which is not gone on with."""
    if state.get("format") != FORMAT:
        return None
    values = {key: value for key, value in state.items() if key != "format"}
    if values.get("current"):
        identifiers = values["current"].get("identifiers")
        values["current"] = Pass(
            **{**values["current"], "identifiers": identifiers and tuple(identifiers)}
        )
    values["unfinished"] = {
        contact_id: Unfinished(
            **{**entry, "gaps": tuple(_gap(gap) for gap in entry.get("gaps", ()))}
        )
        for contact_id, entry in values.get("unfinished", {}).items()
    }
    return Progress(**values)


def in_scope(progress: Progress, base_url: str, start_date: Instant | None) -> Progress:
    """What of the remembered progress holds for these settings.

    Another server starts from nothing. An earlier `start_date` opens every contact again, down to
    the new bound.
    """
    if progress.base_url != base_url:
        return Progress(base_url, start_date=start_date)
    if _lower(start_date, progress.start_date) == progress.start_date:
        return replace(progress, start_date=start_date)
    given_up = abandon(progress)
    return replace(given_up, start_date=start_date, synced_through=None, dates={})


def abandon(progress: Progress) -> Progress:
    """Gives up the pass under way: what is open stays open, for a pass with a number of its own."""
    passes = progress.current.number if progress.current else progress.passes
    return replace(progress, passes=passes, current=None)


def begin(
    progress: Progress,
    *,
    now: Instant,
    load_id: str,
    mode: Mode = "incremental",
    identifiers: tuple[str, ...] | None = None,
) -> Pass:
    """Begins a pass.

    Args:
        progress: what is remembered.
        now: the earlier of the server's clock and our own.
        load_id: the load that begins it.
        mode: `reconcile` walks every contact to the bottom.
        identifiers: contacts to ask for one by one, in place of the listing.

    Returns:
        The pass, before its first request.
    """
    return Pass(
        number=progress.passes + 1,
        started=minus(now, minutes=CLOCK_MARGIN_MINUTES),
        mode=mode,
        probe=None if identifiers else progress.last_page + 1,
        page=len(identifiers) if identifiers else 0,
        first_load=load_id,
        identifiers=identifiers,
    )


def probed(current: Pass, *, rows: int, page_count: int, capped: bool) -> Pass:
    """Takes the answer for the page that must be empty before the listing is read downwards.

    Args:
        current: the pass.
        rows: rows on the page that was probed.
        page_count: `pageCount` of the answer.
        capped: whether the server says that it did not count to the end.

    Returns:
        The pass with the next page to probe, or with the page to begin with.
    """
    probe = current.probe or 1
    if rows:
        return replace(current, probe=max(page_count, probe) + 1)
    top = probe - 1 if capped else min(page_count, probe - 1)
    # Page 1 is read even if the count says there is nothing: a pass ends with a page 1.
    return replace(current, probe=None, page=max(top, 1) if probe > 1 else 0)


def take_page(current: Pass, ids: Iterable[int]) -> Pass:
    """Counts a listing page as read."""
    seen = list(ids)
    lowest = min([*seen, *([current.lowest] if current.lowest is not None else [])], default=None)
    return replace(
        current,
        page=current.page - 1,
        lowest=lowest,
        highest=max([current.highest, *seen]),
    )


def _is_new(contact: Contact, progress: Progress) -> bool:
    """Whether no pass has listed it: its dates may be old, as an import keeps them."""
    return _current(progress).identifiers is None and number(contact.id) > progress.highest


def admit(
    contact: Contact,
    progress: Progress,
    *,
    lookback_days: float,
    reconcile_share: float,
    now: Instant,
) -> bool:
    """Takes a listed contact into the pass under way.

    Args:
        contact: its row.
        progress: what is remembered; changed.
        lookback_days: how far back messages may change without a sign.
        reconcile_share: share of the contacts that is read whole in this pass.
        now: the present, for what becomes unfinished by it.

    Returns:
        Whether it is due, and so to be walked.
    """
    if not contact.has_conversation:
        progress.unfinished.pop(contact.id, None)
        return False
    how = {"lookback_days": lookback_days, "reconcile_share": reconcile_share}
    if not is_due(contact, progress, **how):
        progress.current = replace(_current(progress), whole=False)
        return False
    floor = floor_of(contact, progress, **how)
    progress.unfinished[contact.id] = _enrolled(contact, progress, floor=floor, now=now)
    return True


def is_due(
    contact: Contact,
    progress: Progress,
    *,
    lookback_days: float,
    reconcile_share: float,
) -> bool:
    """Whether a listed contact has to be walked in the pass under way."""
    current = _current(progress)
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
    current = _current(progress)
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


def _enrolled(
    contact: Contact, progress: Progress, *, floor: Instant | None, now: Instant
) -> Unfinished:
    # A gap left from an earlier pass stays as it is, to be tried again. The top is read anew
    # unless this pass has read it already.
    current = _current(progress)
    known = progress.unfinished.get(contact.id)
    if known is None:
        known = Unfinished(gaps=(), since=now)
    gaps = known.gaps
    listed_already = known.listed == current.number
    if not listed_already:
        gaps = tuple(replace(gap, empties=0, restarts=0, blocked=None) for gap in gaps)
    if not listed_already or known.upto is None or known.upto < current.started:
        if gaps and gaps[0].cursor is None:
            top = replace(gaps[0], floor=_lower(gaps[0].floor, floor), doubtful=False)
            gaps = (top, *gaps[1:])
        else:
            gaps = (Gap(floor), *gaps)
    return replace(
        known, gaps=gaps, listed=current.number, expects_messages=contact.expects_messages
    )


def at_top(entry: Unfinished, index: int, gap: Gap) -> Unfinished:
    """The contact with one of its gaps given up for a walk from the top down to the same floor.

    Args:
        entry: the contact.
        index: the gap to give up.
        gap: what to remember of it; its cursor and last row are dropped.
    """
    top = replace(
        gap,
        cursor=None,
        last=None,
        conversation_id=None,
        begun=None,
        first=None,
        first_load=None,
        doubtful=True,
    )
    others = (*entry.gaps[:index], *entry.gaps[index + 1 :])
    if others and others[0].cursor is None:
        top = replace(top, floor=_lower(top.floor, others[0].floor))
        others = others[1:]
    return replace(entry, gaps=(top, *others))


def absorb(entry: Unfinished, index: int) -> Unfinished:
    """Lets a walk that has passed the beginning of older gaps go on in their place.

    Args:
        entry: the contact.
        index: the gap that was walked; the gaps behind it are older.
    """
    read = entry.gaps[index]
    passed = [
        gap
        for gap in entry.gaps[index + 1 :]
        if gap.conversation_id == read.conversation_id
        and gap.last is not None
        and read.last is not None
        and read.last <= gap.last
    ]
    floor = read.floor
    for gap in passed:
        floor = _lower(floor, gap.floor)
    kept = tuple(gap for gap in entry.gaps[index + 1 :] if gap not in passed)
    return replace(entry, gaps=(*entry.gaps[:index], replace(read, floor=floor), *kept))


def next_gap(entry: Unfinished, current: Pass) -> int | None:
    """Which gap to walk now.

    Args:
        entry: the contact.
        current: the pass under way.

    Returns:
        Its index: first what a budget merely cut, else the top, else what a fault blocked in an
        earlier pass; None when nothing can be done in this pass.
    """
    open_gaps = [i for i, gap in enumerate(entry.gaps) if gap.blocked != current.number]
    cut = [i for i in open_gaps if entry.gaps[i].cursor and entry.gaps[i].reason is None]
    top = [i for i in open_gaps if entry.gaps[i].cursor is None]
    return next(iter((*cut, *top, *open_gaps)), None)


def is_finished(entry: Unfinished, current: Pass) -> bool:
    """Whether nothing of the contact is left to read in this pass."""
    return not entry.gaps and entry.upto is not None and entry.upto >= current.started


def is_waiting(entry: Unfinished, current: Pass) -> bool:
    """Whether the pass may end without it: a fault of this pass blocks all that is left of it."""
    return bool(entry.gaps) and all(gap.blocked == current.number for gap in entry.gaps)


def settle(progress: Progress, contact_id: str, entry: Unfinished) -> None:
    """Remembers where a walk got to, or forgets the contact when it is read through."""
    current = _current(progress)
    if not is_finished(entry, current):
        progress.unfinished[contact_id] = entry
        return
    progress.unfinished.pop(contact_id, None)
    if entry.whole != current.number:
        progress.current = replace(current, whole=False)
    if current.identifiers is not None:
        progress.dates[contact_id] = current.started


def may_end(progress: Progress) -> bool:
    """Whether the pass is over: the listing is read, and every due contact finished or blocked."""
    current = _current(progress)
    return current.listed and all(
        is_waiting(entry, current)
        for entry in progress.unfinished.values()
        if entry.listed == current.number
    )


@dataclass(frozen=True)
class Verdict:
    """What an ended pass proved.

    Attributes:
        complete: everything is read, believed empties aside.
        reconciled: complete, and every contact was walked to the bottom in this pass.
    """

    complete: bool
    reconciled: bool


def end(progress: Progress, *, whole_listing: bool = True) -> Verdict:
    """Ends the pass under way and moves `synced_through` to its start.

    Args:
        progress: what is remembered; changed.
        whole_listing: False for a pass over chosen contacts, which says nothing of the others.

    Returns:
        What the pass proved.
    """
    current = _current(progress)
    if whole_listing:
        # A complete listing that no longer shows a contact says that it is gone.
        progress.unfinished = {
            contact_id: entry
            for contact_id, entry in progress.unfinished.items()
            if entry.listed == current.number
        }
        progress.synced_through = current.started
        progress.highest = max(progress.highest, current.highest)
    progress.passes = current.number
    progress.current = None
    unfinished = progress.unfinished.values()
    complete = all(entry.believed_empty for entry in unfinished)
    # One that is believed empty is read whole when it answers again, or the word would be a lie.
    whole = current.whole and all(g.floor is None for entry in unfinished for g in entry.gaps)
    return Verdict(complete, complete and whole and progress.start_date is None)


def synced_through(progress: Progress, contact_id: str) -> Instant | None:
    """Up to when a contact's messages are read."""
    current = progress.current
    if current is not None and current.identifiers is not None:
        return progress.dates.get(contact_id)
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


def number(contact_id: str) -> int:
    """An id as the number by which the API orders; 0 for what is none."""
    return int(contact_id) if contact_id.isascii() and contact_id.isdigit() else 0


def _current(progress: Progress) -> Pass:
    if progress.current is None:
        raise ValueError("no pass is under way")
    return progress.current


def _lower(a: Instant | None, b: Instant | None) -> Instant | None:
    """The lower of two floors, where None is the bottom."""
    return None if a is None or b is None else min(a, b)


def _higher(a: Instant | None, b: Instant | None) -> Instant | None:
    """The higher of two floors, where None is the bottom."""
    return b if a is None else a if b is None else max(a, b)


def _latest(instants: Iterable[Instant | None]) -> Instant | None:
    return max((value for value in instants if value), default=None)


def _gap(state: Mapping[str, Any]) -> Gap:
    return Gap(
        **{
            "floor": None,
            **state,
            "first": _position(state.get("first")),
            "last": _position(state.get("last")),
        }
    )


def _position(state: Sequence[Any] | None) -> Position | None:
    return (state[0], int(state[1])) if state else None


def _without_defaults(value: Any) -> Any:
    if isinstance(value, (Progress, Pass, Unfinished, Gap)):
        plain = {
            each.name: getattr(value, each.name)
            for each in fields(value)
            if getattr(value, each.name) not in (each.default, {}, ())
        }
        return {name: _without_defaults(inner) for name, inner in plain.items()}
    if isinstance(value, dict):
        return {key: _without_defaults(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_defaults(inner) for inner in value]
    return value
