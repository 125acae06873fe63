"""The life of a pass: begun, listed page by page, its contacts taken in, settled, and ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chatbotx_source.instants import Instant, minus
from chatbotx_source.rules.due import Contact, floor_of, is_due
from chatbotx_source.rules.gaps import Gap, Unfinished, is_finished, is_waiting, lower
from chatbotx_source.rules.progress import Mode, Pass, Progress

CLOCK_MARGIN_MINUTES = 5
"""What a pass began before its first answer, so that clocks may differ by as much."""

NO_SUCH_CONTACT = "no such contact in this workspace"


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
        number=progress.passes_ended + 1,
        started=minus(now, minutes=CLOCK_MARGIN_MINUTES),
        mode=mode,
        probe=None if identifiers else progress.last_page + 1,
        page=len(identifiers) if identifiers else 0,
        first_load=load_id,
        identifiers=identifiers,
    )


def open_pass(progress: Progress, begun: Pass, server: Instant) -> Pass:
    """Takes the first answer of a pass, which dates it.

    Args:
        progress: what is remembered; changed.
        begun: the pass, as `begin` made it.
        server: when it began by the server's clock.

    Returns:
        The pass, now under way.
    """
    progress.current = replace(begun, started=min(begun.started, server))
    return progress.current


def take_probe(progress: Progress, *, rows: int, page_count: int, capped: bool) -> None:
    """Takes the answer for the page that must be empty before the listing is read downwards.

    Args:
        progress: what is remembered; changed.
        rows: rows on the page that was probed.
        page_count: `pageCount` of the answer.
        capped: whether the server says that it did not count to the end.
    """
    current = _probed(progress.under_way(), rows=rows, page_count=page_count, capped=capped)
    progress.current = current
    progress.last_page = current.page or progress.last_page


def _probed(current: Pass, *, rows: int, page_count: int, capped: bool) -> Pass:
    """The pass with the next page to probe, or with the page to begin with."""
    probe = current.probe or 1
    if rows:
        return replace(current, probe=max(page_count, probe) + 1)
    top = probe - 1 if capped else min(page_count, probe - 1)
    # Page 1 is read even if the count says there is nothing: a pass ends with a page 1.
    return replace(current, probe=None, page=max(top, 1) if probe > 1 else 0)


def take_page(progress: Progress, ids: Iterable[int]) -> None:
    """Counts a listing page as read.

    Args:
        progress: what is remembered; changed.
        ids: of the contacts on it.
    """
    current = progress.under_way()
    seen = list(ids)
    lowest = min(
        [*seen, *([current.lowest_id] if current.lowest_id is not None else [])], default=None
    )
    progress.current = replace(
        current,
        page=current.page - 1,
        lowest_id=lowest,
        highest_id=max([current.highest_id, *seen]),
    )


def list_no_more(progress: Progress) -> None:
    """Ends the listing of the pass under way where a preview has seen enough."""
    progress.current = replace(progress.under_way(), page=0)


def take_identifier(progress: Progress) -> str:
    """Counts an identifier of the pass under way as asked for; which one it was."""
    current = progress.under_way()
    progress.current = replace(current, page=current.page - 1)
    return (current.identifiers or ())[current.page - 1]


def is_repeated(progress: Progress, contact_id: str) -> bool:
    """Whether the pass has this contact already, by another of its identifiers."""
    current, known = progress.under_way(), progress.unfinished.get(contact_id)
    return progress.contacts_synced_through.get(contact_id) == current.started or (
        known is not None and known.listed_in == current.number
    )


def take_known(progress: Progress, identifier: str) -> None:
    """Takes that an identifier leads to a contact, whatever was said of it before."""
    progress.unfinished.pop(identifier, None)


def take_unknown(progress: Progress, identifier: str, *, now: Instant) -> None:
    """Takes that nobody answers to an identifier.

    Args:
        progress: what is remembered; changed.
        identifier: as it was asked for.
        now: the present, for what becomes unfinished by it.
    """
    pass_number = progress.under_way().number
    gap = Gap(None, reason=NO_SUCH_CONTACT, blocked_in=pass_number)
    known = progress.unfinished.get(identifier)
    since = known.since if known else now
    progress.unfinished[identifier] = Unfinished((gap,), since=since, listed_in=pass_number)


def claim(progress: Progress, workspace_id: str) -> str | None:
    """Takes the workspace that rows are of; of another one, nothing is known.

    Args:
        progress: what is remembered; changed.
        workspace_id: the workspace.

    Returns:
        The other workspace whose progress was forgotten; None when it is the same or the first.
    """
    known, progress.workspace_id = progress.workspace_id, workspace_id
    if known in (None, workspace_id):
        return None
    _start_over(progress)
    return known


def restore(progress: Progress, entries: Mapping[str, Unfinished]) -> None:
    """Puts contacts back to where they were.

    Args:
        progress: what is remembered; changed.
        entries: by contact id, what was open of it.
    """
    progress.unfinished.update(entries)


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
        progress.current = replace(progress.under_way(), all_walked=False)
        return False
    floor = floor_of(contact, progress, **how)
    progress.unfinished[contact.id] = _enrolled(contact, progress, floor=floor, now=now)
    return True


def _enrolled(
    contact: Contact, progress: Progress, *, floor: Instant | None, now: Instant
) -> Unfinished:
    # A gap left from an earlier pass stays as it is, to be tried again. The top is read anew
    # unless this pass has read it already.
    current = progress.under_way()
    known = progress.unfinished.get(contact.id)
    if known is None:
        known = Unfinished(gaps=(), since=now)
    gaps = known.gaps
    listed_already = known.listed_in == current.number
    if not listed_already:
        gaps = tuple(replace(gap, empties=0, restarts=0, blocked_in=None) for gap in gaps)
    if not listed_already or known.upto is None or known.upto < current.started:
        if gaps and gaps[0].cursor is None:
            top = replace(gaps[0], floor=lower(gaps[0].floor, floor), doubtful=False)
            gaps = (top, *gaps[1:])
        else:
            gaps = (Gap(floor), *gaps)
    return replace(
        known, gaps=gaps, listed_in=current.number, expects_messages=contact.expects_messages
    )


def open_contacts(progress: Progress) -> list[str]:
    """The contacts that the pass under way has listed, and not yet read through."""
    current = progress.under_way()
    return [
        contact_id
        for contact_id, entry in progress.unfinished.items()
        if entry.listed_in == current.number and entry.gaps
    ]


def settle(progress: Progress, contact_id: str, entry: Unfinished) -> None:
    """Remembers where a walk got to, or forgets the contact when it is read through."""
    current = progress.under_way()
    if not is_finished(entry, current.started):
        progress.unfinished[contact_id] = entry
        return
    progress.unfinished.pop(contact_id, None)
    if entry.walked_in != current.number:
        progress.current = replace(current, all_walked=False)
    if current.identifiers is not None:
        progress.contacts_synced_through[contact_id] = current.started


def may_end(progress: Progress) -> bool:
    """Whether the pass is over: the listing is read, and every due contact finished or blocked."""
    current = progress.under_way()
    return current.listed and all(
        is_waiting(entry, current.number)
        for entry in progress.unfinished.values()
        if entry.listed_in == current.number
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
    current = progress.under_way()
    if whole_listing:
        # A complete listing that no longer shows a contact says that it is gone.
        progress.unfinished = {
            contact_id: entry
            for contact_id, entry in progress.unfinished.items()
            if entry.listed_in == current.number
        }
        progress.synced_through = current.started
        progress.highest_id = max(progress.highest_id, current.highest_id)
    progress.passes_ended = current.number
    progress.current = None
    unfinished = progress.unfinished.values()
    complete = all(entry.believed_empty for entry in unfinished)
    # One that is believed empty is read whole when it answers again, or the word would be a lie.
    all_walked = current.all_walked and all(
        g.floor is None for entry in unfinished for g in entry.gaps
    )
    return Verdict(complete, complete and all_walked and progress.start_date is None)


def abandon(progress: Progress) -> None:
    """Gives up the pass under way: what is open stays open, for a pass with a number of its own."""
    if progress.current is not None:
        progress.passes_ended = progress.current.number
    progress.current = None


def _start_over(progress: Progress) -> None:
    """Forgets everything but the scope."""
    progress.synced_through = None
    progress.passes_ended = 0
    progress.last_page = 0
    progress.highest_id = 0
    progress.current = None
    progress.unfinished = {}
    progress.contacts_synced_through = {}


def in_scope(
    progress: Progress, base_url: str, start_date: Instant | None, shard: str | None = None
) -> Progress:
    """What of the remembered progress holds for these settings.

    Another server starts from nothing, and so does another shard. An earlier `start_date` opens
    every contact again, down to the new bound.
    """
    if (progress.base_url, progress.shard) != (base_url, shard):
        return Progress(base_url, shard=shard, start_date=start_date)
    if lower(start_date, progress.start_date) != progress.start_date:
        abandon(progress)
        progress = replace(progress, synced_through=None, contacts_synced_through={})
    return replace(progress, start_date=start_date)
