"""One contact: the cursor walk from newest to oldest, down to a floor, trusting no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from chatbotx_source.errors import (
    InvalidOutputError,
    NotFoundError,
    RequestFailedError,
    UnreadablePageError,
)
from chatbotx_source.instants import are_instants, instant
from chatbotx_source.rules.gaps import Gap, Position, Unfinished, absorb, at_top, next_gap, number
from chatbotx_source.rules.progress import Pass
from chatbotx_source.settings import LARGEST_PAGE
from chatbotx_source.texts import clean

Row = Mapping[str, Any]

Next = Literal["go on", "ask again", "next load"]
"""What a contact needs after an answer: `ask again` after others, `next load` not before it."""

ASKS_WHEN_EMPTY = 3
"""Suspicious empty answers in one pass after which a contact waits for the next pass."""

RESTARTS = 4
"""Walks begun again in one pass: 500 to 4,000 rows a page is three doublings."""

LONGEST_CURSOR = 4_000
"""Characters of a cursor: servers refuse a request line of more than 8,000 bytes, or of 16,000."""

LONGEST_ID = 200
"""Characters of an id that is remembered."""

EMPTY_TOP = "empty, although the listing shows activity"
EMPTY_BELOW = "empty below a cursor"
STALE = "the cursor leads to the newest messages again"
FLIP = "another conversation is served"
STUCK = "the cursor does not move"
DISORDER = "the messages are not in order"
UNUSABLE = "the server's cursor cannot be sent back to it"
POISON = "a message cannot be served"
UNREADABLE = "a message is too large, or nested too deeply, to be read"
NOT_FOUND = "not found, although it is listed"
FAILING = "the request fails"


@dataclass(frozen=True)
class Request:
    """What to ask for next.

    Attributes:
        gap: the place, among the contact's gaps, of the one that is read on.
        per_page: messages wanted.
        cursor: where to go on; None is the top.
    """

    gap: int
    per_page: int
    cursor: str | None


@dataclass(frozen=True)
class FullWalk:
    """A conversation that was read from top to bottom, and nothing odd was met on the way.

    What an earlier load has of it, not newer than the first row and not read again, is gone.

    Attributes:
        conversation_id: the conversation.
        first: the first row of the walk.
        first_load: the load that read that row.
    """

    conversation_id: str | None
    first: Position
    first_load: str


@dataclass(frozen=True)
class Page:
    """One answer: rows that are new to this load, and what is left of the contact after it.

    Attributes:
        contact_id: the contact.
        rows: messages, newest first.
        entry: what is open of the contact, these rows counted as read.
        next: what it needs next.
        fault: whether the answer speaks of a fault that may hit every contact alike.
        full_walk: what the walk proved, when this page was its bottom.
    """

    contact_id: str
    rows: Sequence[Row]
    entry: Unfinished
    next: Next = "go on"
    fault: bool = False
    full_walk: FullWalk | None = None


def next_request(
    entry: Unfinished, current: Pass, *, page_size: int, begun: bool
) -> Request | None:
    """What to ask for next of a contact.

    Args:
        entry: what is open of it.
        current: the pass under way.
        page_size: messages a request.
        begun: whether rows of this contact were handed over in this load. Then no walk from the
            top begins: it could hand over a message a second time.

    Returns:
        The request; None when there is nothing to ask for now.
    """
    index = next_gap(entry, current.number)
    if index is None:
        return None
    gap = entry.gaps[index]
    if gap.cursor is None and begun:
        return None
    return Request(index, _size_to_ask(gap, page_size), gap.cursor)


def take_answer(
    contact_id: str,
    entry: Unfinished,
    request: Request,
    answer: Mapping[str, Any] | RequestFailedError,
    current: Pass,
    load_id: str,
) -> Page:
    """What an answer says.

    Args:
        contact_id: the contact.
        entry: what was open of it when it was asked for.
        request: what was asked for.
        answer: `{"data": [...], "nextCursor": ...}`, or what went wrong.
        current: the pass under way.
        load_id: the load that the walk belongs to.

    Returns:
        Its rows, and what is open of the contact after it.
    """
    if isinstance(answer, RequestFailedError):
        return _failed(contact_id, entry, request, answer, current)
    return _answered(contact_id, entry, request, answer, current, load_id)


def position(row: Any) -> Position | None:
    """Where a message stands in the API's order; None for a row that does not tell."""
    if not isinstance(row, Mapping):
        return None
    created_at = instant(row.get("createdAt"))
    return (created_at, number(str(row.get("id")))) if created_at else None


def _size_to_ask(gap: Gap, page_size: int) -> int:
    # One row may still come where a page is swallowed: the server reads it by another plan.
    if gap.reason == EMPTY_TOP and gap.empties == 1:
        return 1
    return gap.page_size or page_size


def _answered(
    contact_id: str,
    entry: Unfinished,
    request: Request,
    body: Mapping[str, Any],
    current: Pass,
    load_id: str,
) -> Page:
    index, size = request.gap, request.per_page
    gap = entry.gaps[index]
    data = body.get("data")
    cursor = body.get("nextCursor")
    cursor = cursor if isinstance(cursor, str) and cursor else None
    if not isinstance(data, list) or not data:
        return _empty(contact_id, entry, index, current)
    first = next(filter(None, map(position, data)), None)
    last = next(filter(None, map(position, reversed(data))), None)
    conversation_id = _conversation_id(data)
    if gap.cursor and gap.conversation_id and conversation_id != gap.conversation_id:
        # What is served now may never have been read: all of it.
        again = _restarted(entry, index, replace(gap, floor=None), size, FLIP, current)
        return Page(contact_id, (), again, "next load")
    if gap.cursor and gap.last and first and first >= gap.last:
        again = _restarted(entry, index, gap, size, STALE, current)
        return Page(contact_id, (), again, "next load")
    read = replace(
        gap,
        cursor=cursor,
        last=last or gap.last,
        conversation_id=conversation_id,
        reason=None,
        **_poison_left(gap, len(data)),
    )
    if gap.cursor is None:
        read = replace(read, begun_in=current.number, first=first, first_load=load_id)
        entry = replace(entry, upto=current.started, empty_passes=0)
    entry = _with(entry, index, read)
    if not _in_order(data):
        stopped = replace(read, reason=DISORDER, blocked_in=current.number)
        return Page(contact_id, data, at_top(entry, index, stopped))
    if cursor is None:
        return Page(contact_id, data, _at_bottom(entry, index, current), full_walk=_proof(read))
    if not _is_usable(cursor):
        if _is_through(read):
            return Page(contact_id, data, _without(entry, index))
        # This page is read again, since nothing else leads to what lies below it.
        where = gap.last if gap.cursor else read.last
        stopped = replace(
            gap, last=where, reason=UNUSABLE, blocked_in=current.number, doubtful=True
        )
        return Page(contact_id, data, _with(entry, index, stopped))
    entry = absorb(entry, index)
    read = entry.gaps[index]
    if _is_through(read):
        return Page(contact_id, data, _without(entry, index))
    if cursor == gap.cursor:
        stuck = replace(read, reason=STUCK, blocked_in=current.number)
        return Page(contact_id, data, _with(entry, index, stuck))
    return Page(contact_id, data, entry)


def _is_through(read: Gap) -> bool:
    return read.floor is not None and read.last is not None and read.last[0] < read.floor


def _empty(contact_id: str, entry: Unfinished, index: int, current: Pass) -> Page:
    gap = entry.gaps[index]
    if gap.cursor is None and not entry.expects_messages:
        nothing = replace(
            entry, gaps=(), upto=current.started, walked_in=current.number, empty_passes=0
        )
        return Page(contact_id, (), nothing)
    top = gap.cursor is None
    suspect = replace(gap, empties=gap.empties + 1, reason=EMPTY_TOP if top else EMPTY_BELOW)
    if suspect.empties < ASKS_WHEN_EMPTY and not (top and entry.believed_empty):
        again = at_top(entry, index, suspect)
        return Page(contact_id, (), again, "ask again" if top else "next load", fault=True)
    entry = at_top(entry, index, replace(suspect, blocked_in=current.number))
    if top:
        entry = replace(entry, empty_passes=entry.empty_passes + 1)
    if entry.believed_empty:
        entry = replace(entry, upto=current.started)
    return Page(contact_id, (), entry, fault=not entry.believed_empty)


def _failed(
    contact_id: str,
    entry: Unfinished,
    request: Request,
    error: RequestFailedError,
    current: Pass,
) -> Page:
    index, size = request.gap, request.per_page
    entry = replace(entry, empty_passes=0)  # an answer or not, it is no empty one
    gap = entry.gaps[index]
    if isinstance(error, (InvalidOutputError, UnreadablePageError)):
        if size > 1:
            half = replace(gap, page_size=size // 2, poison_within=size, doubtful=True)
            return Page(contact_id, (), _with(entry, index, half))
        reason = POISON if isinstance(error, InvalidOutputError) else UNREADABLE
        blocked = replace(gap, reason=reason, blocked_in=current.number, doubtful=True)
        return Page(contact_id, (), _with(entry, index, blocked))
    reason = NOT_FOUND if isinstance(error, NotFoundError) else FAILING
    blocked = replace(gap, reason=reason, blocked_in=current.number, doubtful=True)
    if gap.cursor and gap.reason == reason == FAILING:
        # It failed in an earlier pass too: the server may no longer read this cursor.
        return Page(contact_id, (), at_top(entry, index, blocked), fault=True)
    return Page(contact_id, (), _with(entry, index, blocked), fault=True)


def _restarted(
    entry: Unfinished, index: int, gap: Gap, size: int, reason: str, current: Pass
) -> Unfinished:
    again = replace(
        gap,
        page_size=min(2 * size, LARGEST_PAGE),  # larger pages need fewer cursors
        restarts=gap.restarts + 1,
        reason=reason,
        blocked_in=current.number if gap.restarts >= RESTARTS else None,
    )
    return at_top(entry, index, again)


def _at_bottom(entry: Unfinished, index: int, current: Pass) -> Unfinished:
    """Nothing older is left, whatever gaps of this conversation were remembered below."""
    read = entry.gaps[index]
    below = [g for g in entry.gaps[index + 1 :] if g.conversation_id != read.conversation_id]
    walked_in = current.number if read.begun_in == current.number else entry.walked_in
    return replace(entry, gaps=(*entry.gaps[:index], *below), walked_in=walked_in)


def _proof(read: Gap) -> FullWalk | None:
    if read.doubtful or read.first is None or read.first_load is None:
        return None
    return FullWalk(read.conversation_id, read.first, read.first_load)


def _poison_left(gap: Gap, rows: int) -> dict[str, Any]:
    """A smaller page is kept until the rows among which one failed are read."""
    left = gap.poison_within - rows
    if not gap.poison_within or left > 0:
        return {"poison_within": max(left, 0)}
    return {"poison_within": 0, "page_size": None}


def _in_order(data: Sequence[Any]) -> bool:
    """Whether createdAt never rises; ids inside one equal millisecond do not decide anything."""
    written: list[Any] = [row.get("createdAt") for row in data if isinstance(row, Mapping)]
    if not are_instants(written):
        written = [each for each in map(instant, written) if each]
    return all(a >= b for a, b in pairwise(written))


def _conversation_id(data: Sequence[Any]) -> str | None:
    """The conversation of a page, as the tables write its id; None for what is no id."""
    first = next((row for row in data if isinstance(row, Mapping)), {})
    value = first.get("conversationId")
    text = clean(str(value)) if isinstance(value, (str, int)) else ""
    return text if 0 < len(text) <= LONGEST_ID else None


def _is_usable(cursor: str) -> bool:
    # U+FFFD stands where something came that is no text: the server would not know its own cursor.
    return len(cursor) <= LONGEST_CURSOR and clean(cursor) == cursor and "\ufffd" not in cursor


def _with(entry: Unfinished, index: int, gap: Gap) -> Unfinished:
    return replace(entry, gaps=(*entry.gaps[:index], gap, *entry.gaps[index + 1 :]))


def _without(entry: Unfinished, index: int) -> Unfinished:
    return replace(entry, gaps=(*entry.gaps[:index], *entry.gaps[index + 1 :]))
