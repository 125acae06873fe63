"""The stretches of one contact that are still to be read: pure functions over plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chatbotx_source.instants import Instant

Position = tuple[Instant, int]
"""Where a message stands, as the API orders: createdAt, then the id as a number."""

LONGEST_NUMBER = 640
"""Digits of an id: Python reads and writes longer numbers slowly, and beyond a limit not at all."""

PASSES_UNTIL_BELIEVED = 3
"""Passes blocked by nothing but empty answers after which they are believed."""


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
        begun_in: the pass in which it was begun at the top.
        first: the first row read then.
        first_load: the load that read it.
        doubtful: whether anything odd was met on the way: then the walk proves no removal.
        reason: the fault that blocked it; None when it was merely cut, or not yet begun.
        blocked_in: the pass in which that fault was met.
    """

    floor: Instant | None
    cursor: str | None = None
    last: Position | None = None
    conversation_id: str | None = None
    page_size: int | None = None
    poison_within: int = 0
    empties: int = 0
    restarts: int = 0
    begun_in: int | None = None
    first: Position | None = None
    first_load: str | None = None
    doubtful: bool = False
    reason: str | None = None
    blocked_in: int | None = None


@dataclass(frozen=True)
class Unfinished:
    """A contact that is due and not yet read through.

    Attributes:
        gaps: what is still to be read, newest first; at most the first begins at the top.
        since: when it became unfinished.
        upto: start of the pass in which its newest messages were last read.
        listed_in: the pass whose listing last showed it.
        expects_messages: whether that row contradicts an empty first page.
        walked_in: the pass in which it was walked from top to bottom.
        empty_passes: passes in a row that ended with nothing but suspicious empty answers.
    """

    gaps: tuple[Gap, ...]
    since: Instant
    upto: Instant | None = None
    listed_in: int = 0
    expects_messages: bool = False
    walked_in: int | None = None
    empty_passes: int = 0

    @property
    def believed_empty(self) -> bool:
        """Whether its empty answers were met so often that they are taken for the truth."""
        return self.empty_passes >= PASSES_UNTIL_BELIEVED

    @property
    def reason(self) -> str | None:
        """The fault that was met; None when nothing worse than a budget was."""
        return next((gap.reason for gap in self.gaps if gap.reason), None)


def next_gap(entry: Unfinished, pass_number: int) -> int | None:
    """Which gap to walk now.

    Args:
        entry: the contact.
        pass_number: of the pass under way.

    Returns:
        Its index: first what a budget merely cut, else the top, else what a fault blocked in an
        earlier pass; None when nothing can be done in this pass.
    """
    open_gaps = [i for i, gap in enumerate(entry.gaps) if gap.blocked_in != pass_number]
    cut = [i for i in open_gaps if entry.gaps[i].cursor and entry.gaps[i].reason is None]
    top = [i for i in open_gaps if entry.gaps[i].cursor is None]
    return next(iter((*cut, *top, *open_gaps)), None)


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
        begun_in=None,
        first=None,
        first_load=None,
        doubtful=True,
    )
    others = (*entry.gaps[:index], *entry.gaps[index + 1 :])
    if others and others[0].cursor is None:
        top = replace(top, floor=lower(top.floor, others[0].floor))
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
        floor = lower(floor, gap.floor)
    kept = tuple(gap for gap in entry.gaps[index + 1 :] if gap not in passed)
    return replace(entry, gaps=(*entry.gaps[:index], replace(read, floor=floor), *kept))


def is_finished(entry: Unfinished, started: Instant) -> bool:
    """Whether nothing of the contact is left to read in the pass that started then."""
    return not entry.gaps and entry.upto is not None and entry.upto >= started


def is_waiting(entry: Unfinished, pass_number: int) -> bool:
    """Whether the pass may end without it: a fault of this pass blocks all that is left of it."""
    return bool(entry.gaps) and all(gap.blocked_in == pass_number for gap in entry.gaps)


def lower(a: Instant | None, b: Instant | None) -> Instant | None:
    """The lower of two floors, where None is the bottom."""
    return None if a is None or b is None else min(a, b)


def number(id_: str) -> int:
    """An id as the number by which the API orders; 0 for what is none, or none that is sane."""
    return int(id_) if len(id_) <= LONGEST_NUMBER and id_.isascii() and id_.isdigit() else 0
