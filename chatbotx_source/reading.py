"""One load: reads the listing, walks what is due, and hands over Arrow tables batch by batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatbotx_source import progress as remembered
from chatbotx_source.client import Answer, Client
from chatbotx_source.errors import (
    AuthenticationError,
    ChatbotXError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestFailedError,
    ServerFaultError,
    StoppedError,
    WrongAddressError,
)
from chatbotx_source.instants import Instant, from_datetime, minus, to_datetime
from chatbotx_source.progress import Contact, Gap, Pass, Progress, Unfinished
from chatbotx_source.settings import LISTING_PAGE, Settings
from chatbotx_source.tables import (
    Misfits,
    contact_tables,
    message_tables,
    sync_table,
    unfinished_table,
    walks_table,
)
from chatbotx_source.walk import Page, Whole, walk

logger = logging.getLogger(__name__)

BATCH_ROWS = 10_000
"""Rows in a batch: Parquet row groups of fewer cost DuckDB more than they save in memory."""

OUTAGE = 20
"""Contacts in a row that meet a fault: then it is the server that fails, not these contacts."""

NO_SUCH_CONTACT = "no such contact in this workspace"


@dataclass
class Outcome:
    """What a load did.

    Attributes:
        began: when it began to read.
        requests: requests sent, retries included.
        answers: requests that were decided, one way or the other.
        contacts: contacts whose messages were asked for.
        rows: rows handed over, by table, markers of removals aside.
        messages: messages read, handed over or not yet.
        mode: as in `_chatbotx_syncs`.
        pass_number: the pass that it belongs to.
        pass_started: the instant up to which that pass brings everything.
        ended_by: what ended it before the pass was over.
        retry_after: seconds that the server wants to be left alone.
        pages_left: pages of the listing that the pass has yet to read.
        over: whether the pass ended with it.
        listed_since: the load that began the pass, if that has listed all contacts to the end:
            who was not written since is gone.
        complete: whether, then, nothing is missing.
        reconciled: whether, in addition, every contact was read whole.
    """

    began: Instant
    requests: int = 0
    answers: int = 0
    contacts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    mode: str = "incremental"
    pass_number: int = 0
    pass_started: Instant | None = None
    ended_by: str | None = None
    retry_after: float | None = None
    pages_left: int = 0
    over: bool = False
    listed_since: str | None = None
    complete: bool = False
    reconciled: bool = False

    def to_state(self) -> dict[str, Any]:
        """As JSON data, without what is nothing."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Batch:
    """Rows to hand over together.

    Attributes:
        tables: by table name.
        progress: what may be remembered once all of these rows are handed over, as JSON data.
        outcome: what the load did so far.
    """

    tables: Mapping[str, pa.Table]
    progress: Mapping[str, Any]
    outcome: Outcome


@dataclass
class Reading:
    """One load of one workspace.

    Args:
        client: makes the requests.
        settings: what was set.
        progress: what is remembered of the workspace; changed as the load goes on.
        load_id: the load package that the rows belong to.
        walks: False reads the contacts only.
        stop: asked between requests; True ends the load at the next page boundary.
        count: tells how far the load is: a name, an increment, and, where they are known, how many
            there will be and what is left.
    """

    client: Client
    settings: Settings
    progress: Progress
    load_id: str
    walks: bool = True
    stop: Callable[[], bool] = lambda: False
    count: Callable[[str, int, int | None, str | None], None] = lambda *_told: None
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        self.outcome = Outcome(began=_now())
        self._started = time.monotonic()
        self._requests_before = self.client.requests
        self._listed = 0
        self._pages = 0
        self._told: dict[str, int] = {}
        self._contact_rows: list[Any] = []
        self._message_rows: list[tuple[str, Any]] = []
        self._whole: list[tuple[str, Whole]] = []
        self._misfits: Misfits = Misfits()
        self._handed_over: set[str] = set()
        self._walked: set[str] = set()
        self._outage: list[tuple[str, Unfinished]] = []
        self._well: str | None = None
        self._first_batch = True

    def batches(self) -> Iterator[Batch]:
        """Reads until the pass is over or a budget is.

        Yields:
            Batches of rows; the last one also holds what the load did.

        Raises:
            ChatbotXError: the server cannot be read at all. What was read before, if the trouble
                came later, is handed over instead, and the next load meets the error.
        """
        try:
            for _ in self._answers():
                self._tell()
                if len(self._message_rows) + len(self._contact_rows) >= BATCH_ROWS:
                    yield self._batch()
        except RateLimitError as error:
            self.outcome.retry_after = error.retry_after
            self._cut("rate limit", error)
        except StoppedError as error:
            self._cut("stopped", error)
        except (
            AuthenticationError,
            PermissionDeniedError,
            ConfigurationError,
            WrongAddressError,
        ):
            raise
        except ChatbotXError as error:
            if not self.outcome.answers:
                raise
            self._cut("fault", error)
        self._end()
        yield self._batch(last=True)

    def _answers(self) -> Iterator[None]:
        """Goes on with the pass, one answer a step."""
        again: list[str] = []
        queue = self._open_contacts()
        while True:
            for contact_id in queue:
                yield from self._walk(contact_id, again)
                if self.outcome.ended_by or self._over():
                    return
            current = self.progress.current
            if current is None or not current.listed:
                # What has to be asked again comes after other contacts, for their answers prove
                # that the server is well.
                queue, again = [*self._list(), *again], []
                yield
                if self._over():
                    return
            elif again:
                queue, again = again, []
            else:
                return

    def _open_contacts(self) -> list[str]:
        current = self._pass_to_go_on_with()
        if current is None:
            self.progress = remembered.abandon(self.progress)
        if current is None or not self.walks:
            return []
        return [
            contact_id
            for contact_id, entry in self.progress.unfinished.items()
            if entry.listed == current.number and entry.gaps
        ]

    def _pass_to_go_on_with(self) -> Pass | None:
        current = self.progress.current
        if current is None or current.identifiers != self.settings.contacts:
            return None
        if self.settings.reconcile and current.mode != "reconcile":
            return None
        return current

    # Listing

    def _list(self) -> list[str]:
        """Reads the next page of the listing; the contacts on it that are due."""
        current = self.progress.current or remembered.begin(
            self.progress,
            now=_now(),
            load_id=self.load_id,
            mode="reconcile" if self.settings.reconcile else "incremental",
            identifiers=self.settings.contacts,
        )
        if current.identifiers:
            return self._list_one(current, current.identifiers)
        answer = self._ask(current, lambda: self.client.contacts(current.probe or current.page))
        current = self.progress.current or current
        rows = answer.body["data"]
        pages = int(answer.body.get("pageCount") or 0)
        self._pages = max(self._pages, pages)
        if current.probe is not None:
            self.progress.current = remembered.probed(
                current,
                rows=len(rows),
                page_count=pages,
                capped=bool(answer.body.get("totalCountCapped")),
            )
            self.progress.last_page = self.progress.current.page or self.progress.last_page
            return []
        if not rows and pages >= current.page:
            raise ServerFaultError(
                f"Page {current.page} of the contact listing came empty, though the server counts "
                f"{pages} pages: run again, nothing is lost."
            )
        return self._take_listing(current, rows)

    def _take_listing(self, current: Pass, rows: list[Any]) -> list[str]:
        if not self._in_workspace(rows):
            return []
        ids = [remembered.number(str(row.get("id"))) for row in rows]
        if any(a >= b for a, b in pairwise(ids)):
            raise WrongAddressError(
                "The server does not list contacts by ascending id, so some would be missed: "
                "check that base_url leads to a ChatbotX server of 2026 or later."
            )
        # A deletion shifts contacts to lower pages: those were read on the page before.
        limit = self.settings.limit_contacts
        left = None if limit is None else limit - self._listed
        fresh = [
            row
            for row, id_ in zip(rows, ids, strict=True)
            if current.lowest is None or id_ < current.lowest
        ][:left]
        current = remembered.take_page(current, ids)
        if left is not None and len(fresh) >= left:
            current = replace(current, page=0)
        self.progress.current = current
        return self._admit(fresh)

    def _list_one(self, current: Pass, identifiers: tuple[str, ...]) -> list[str]:
        identifier = identifiers[current.page - 1]
        try:
            row = self._ask(current, lambda: self.client.contact(identifier)).body
        except NotFoundError:
            self.progress.current = replace(self.progress.current or current, page=current.page - 1)
            self._not_found(identifier, identifiers)
            return []
        current = self.progress.current or current
        self.progress.current = replace(current, page=current.page - 1)
        self.progress.unfinished.pop(identifier, None)
        if not self._in_workspace([row]):
            return []
        id_ = str(row.get("id"))
        if self.progress.dates.get(id_) == current.started or id_ in self._walked:
            return []  # another identifier of a contact that was read already
        return self._admit([row])

    def _not_found(self, identifier: str, identifiers: tuple[str, ...]) -> None:
        number = self.progress.passes + 1
        gap = Gap(None, reason=NO_SUCH_CONTACT, blocked=number)
        known = self.progress.unfinished.get(identifier)
        since = known.since if known else _now()
        self.progress.unfinished[identifier] = Unfinished((gap,), since=since, listed=number)
        unknown = [each for each in identifiers if each in self.progress.unfinished]
        if len(unknown) == len(identifiers):
            raise ConfigurationError(
                f"No contact of this workspace answers to {', '.join(unknown)}: check `contacts`. "
                "E-mail addresses are case-sensitive, phone numbers need the plus."
            )

    def _admit(self, rows: list[Any]) -> list[str]:
        self._contact_rows += rows
        self._listed += len(rows)
        due = []
        for row in rows:
            contact = Contact.from_row(row)
            if not self.walks:
                continue
            if remembered.admit(
                contact,
                self.progress,
                lookback_days=self.settings.lookback_days,
                reconcile_share=self.settings.reconcile_share,
                now=_now(),
            ):
                due.append(contact.id)
        return due

    def _in_workspace(self, rows: list[Any]) -> bool:
        """Whether the rows are of the remembered workspace; if not, starts from nothing."""
        workspace_id = next((str(row["workspaceId"]) for row in rows if row.get("workspaceId")), "")
        known = self.progress.workspace_id
        if not workspace_id or known == workspace_id:
            return True
        if known is None:
            self.progress.workspace_id = workspace_id
            return True
        logger.warning(
            "The token leads to workspace %s, but %s was loaded before: its messages are read from "
            "the beginning.",
            workspace_id,
            known,
        )
        self.progress = Progress(
            self.progress.base_url, workspace_id, start_date=self.progress.start_date
        )
        return False

    def _ask(self, current: Pass, request: Callable[[], Answer]) -> Answer:
        """Makes a request of the listing; the first answer of a pass says when it started."""
        answer = request()
        self.outcome.answers += 1
        if self.progress.current is None:
            self.progress.current = replace(
                current, started=min(current.started, _by_the_server(answer, current.started))
            )
        return answer

    # Walks

    def _walk(self, contact_id: str, again: list[str]) -> Iterator[None]:
        current = self.progress.current
        before = self.progress.unfinished.get(contact_id)
        if current is None or before is None:
            return
        steps = walk(
            contact_id,
            before,
            current,
            fetch=self._fetch,
            page_size=self.settings.page_size,
            load_id=self.load_id,
            may_ask=lambda: not self._over(),
            begun=contact_id in self._handed_over,
        )
        for page in steps:
            self._take(page, before)
            if page.next == "ask again":
                again.append(contact_id)
            yield
            if self.outcome.ended_by:
                return

    def _fetch(self, contact_id: str, per_page: int, cursor: str | None) -> Mapping[str, Any]:
        self._walked.add(contact_id)
        answer = self.client.messages(f"id:{contact_id}", per_page=per_page, cursor=cursor)
        return answer.body

    def _take(self, page: Page, before: Unfinished) -> None:
        self.outcome.answers += 1
        self.outcome.messages += len(page.rows)
        if page.rows:
            self._handed_over.add(page.contact_id)
            self._message_rows += [(page.contact_id, row) for row in page.rows]
        if page.whole:
            self._whole.append((page.contact_id, page.whole))
        remembered.settle(self.progress, page.contact_id, page.entry)
        self._log_fault(page)
        if not page.fault:
            self._outage.clear()
            self._well = page.contact_id if page.rows else self._well
            return
        self._outage.append((page.contact_id, before))
        if len(self._outage) < OUTAGE or self._over():
            return
        if self._well and self._still_well(self._well):
            self._outage.clear()
            return
        if self._well:
            # These contacts are well: they stay as they were, to be walked in this same pass.
            # Where none has answered in this load, nobody knows; then they count as asked, or a
            # workspace of contacts that never answer would keep the pass here for ever.
            self.progress.unfinished.update(self._outage)
        self.outcome.ended_by = "outage"
        logger.warning(
            "%d contacts in a row met a fault (%s): the server is failing. The load ends here, "
            "the next one goes on.",
            OUTAGE,
            _reason(page.entry),
        )

    def _still_well(self, contact_id: str) -> bool:
        """Whether a contact that has answered before still does: then the server is not failing."""
        self.outcome.answers += 1
        try:
            return bool(self._fetch(contact_id, 1, None)["data"])
        except RequestFailedError:
            return False

    def _log_fault(self, page: Page) -> None:
        reason = _reason(page.entry)
        if reason and (page.fault or not page.rows):
            logger.info("Contact %s: %s.", page.contact_id, reason)

    def _tell(self) -> None:
        """Counts what the last answer added."""
        current = self.progress.current
        listed, contacts, requests = self._listed, self._pages * LISTING_PAGE, self._requests()
        left = None
        if current is not None and current.probe is None and self._pages > current.page:
            pages_read = self._pages - current.page
            left = f"about {round(requests / pages_read * current.page):,} left"
        for name, value, total, message in (
            ("contacts listed", listed, contacts or None, None),
            ("contacts walked", len(self._walked), None, None),
            ("messages read", self.outcome.messages, None, None),
            ("requests", requests, None, left),
        ):
            more = value - self._told.get(name, 0)
            if more:
                self.count(name, more, total, message)
            self._told[name] = value

    # Budgets

    def _over(self) -> bool:
        """Whether the load has to end: asked after an answer, so that every load has one."""
        if self.stop():
            self.outcome.ended_by = "stopped"
        elif self.outcome.answers:
            settings = self.settings
            elapsed = time.monotonic() - self._started
            if settings.max_requests is not None and self._requests() >= settings.max_requests:
                self.outcome.ended_by = "max_requests"
            elif (
                settings.max_messages is not None and self.outcome.messages >= settings.max_messages
            ):
                self.outcome.ended_by = "max_messages"
            elif settings.max_duration is not None and elapsed >= settings.max_duration:
                self.outcome.ended_by = "max_duration"
        return self.outcome.ended_by is not None

    def _requests(self) -> int:
        return self.client.requests - self._requests_before

    def _cut(self, why: str, error: ChatbotXError) -> None:
        self.outcome.ended_by = why
        logger.log(logging.INFO if why == "stopped" else logging.WARNING, "%s", error)

    def _end(self) -> None:
        outcome = self.outcome
        current = self.progress.current
        outcome.contacts = len(self._walked)
        if current is None:
            return
        outcome.pass_number = current.number
        outcome.pass_started = current.started
        outcome.mode = self._mode(current)
        outcome.pages_left = current.page if current.probe is None else current.probe - 1
        if self.walks and remembered.may_end(self.progress):
            listing = current.identifiers is None and self.settings.limit_contacts is None
            verdict = remembered.end(self.progress, whole_listing=listing)
            outcome.over = True
            outcome.listed_since = current.first_load if listing else None
            outcome.complete = verdict.complete and outcome.mode != "sample"
            outcome.reconciled = verdict.reconciled and listing

    def _mode(self, current: Pass) -> str:
        if current.identifiers is not None:
            return "contacts"
        if self.settings.limit_contacts is not None:
            return "sample"
        if current.mode == "reconcile":
            return "reconcile"
        return "incremental" if self.progress.synced_through else "full"

    # Batches

    def _batch(self, *, last: bool = False) -> Batch:
        tables: dict[str, pa.Table] = {}
        through = self.progress.synced_through
        if self._contact_rows or self._first_batch:
            tables |= contact_tables(
                self._contact_rows,
                load_id=self.load_id,
                misfits=self._misfits,
                keep_signed_urls=self.settings.keep_signed_urls,
            )
        if self._message_rows or self._first_batch:
            tables |= message_tables(
                self._message_rows,
                load_id=self.load_id,
                loaded_before=to_datetime(through) if through else None,
                misfits=self._misfits,
                keep_signed_urls=self.settings.keep_signed_urls,
            )
        if self._whole or self._first_batch:
            tables["_chatbotx_walks"] = walks_table(
                [_walk_row(*each) for each in self._whole], load_id=self.load_id
            )
        rows = self.outcome.rows
        for name, table in tables.items():
            if name.startswith("_"):
                continue
            count = table.num_rows - _markers(table)
            if count:
                rows[name] = rows.get(name, 0) + count
        self.outcome.requests = self._requests()
        if last:
            tables["_chatbotx_syncs"] = sync_table([self._sync_row()], load_id=self.load_id)
            tables["_chatbotx_unfinished"] = unfinished_table(
                list(unfinished_rows(self.progress)), load_id=self.load_id
            )
            self._warn_of_misfits()
        self._contact_rows, self._message_rows, self._whole = [], [], []
        self._first_batch = False
        return Batch(tables, remembered.to_state(self.progress), self.outcome)

    def _sync_row(self) -> dict[str, Any]:
        outcome = self.outcome
        entries = self.progress.unfinished.values()
        believed = sum(entry.believed_empty for entry in entries)
        return {
            "pass": outcome.pass_number,
            "workspace_id": self.progress.workspace_id,
            "base_url": self.progress.base_url,
            "began": outcome.began,
            "ended": _now(),
            "mode": outcome.mode,
            "complete": outcome.complete,
            "reconciled": outcome.reconciled,
            "contacts_listed": outcome.rows.get("contacts", 0),
            "contacts": outcome.contacts,
            "requests": outcome.requests,
            "messages": outcome.rows.get("messages", 0),
            "attachments": outcome.rows.get("messages__attachments", 0),
            "unfinished": len(entries) - believed,
            "believed_empty": believed,
            "pages_left": outcome.pages_left,
            "synced_through": self.progress.synced_through,
            "ended_by": outcome.ended_by,
            "retry_after": outcome.retry_after,
        }

    def _warn_of_misfits(self) -> None:
        for (table, path), times in sorted(self._misfits.items()):
            logger.warning(
                "%s: %s did not fit a column %d times; kept in the column extra.",
                table,
                path,
                times,
            )


def unfinished_rows(progress: Progress) -> Iterable[dict[str, Any]]:
    """The rows of `_chatbotx_unfinished`: one for each contact that is not read through."""
    for contact_id, entry in progress.unfinished.items():
        gap = next((each for each in entry.gaps if each.reason), entry.gaps[0])
        yield {
            "contact_id": contact_id,
            "reason": gap.reason or ("cut by a budget" if gap.cursor else "not begun"),
            "conversation_id": gap.conversation_id,
            "position": gap.last[0] if gap.last else None,
            "position_id": str(gap.last[1]) if gap.last else None,
            "floor": gap.floor,
            "since": entry.since,
            "believed_empty": entry.believed_empty,
        }


def _walk_row(contact_id: str, whole: Whole) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "conversation_id": whole.conversation_id,
        "first_at": whole.first[0],
        "first_id": str(whole.first[1]),
        "first_load_id": whole.first_load,
        "ended": _now(),
    }


def _reason(entry: Unfinished) -> str | None:
    return next((gap.reason for gap in entry.gaps if gap.reason), None)


def _markers(table: pa.Table) -> int:
    return pc.sum(table["_removed"]).as_py() or 0 if "_removed" in table.column_names else 0


def _by_the_server(answer: Answer, otherwise: Instant) -> Instant:
    if answer.date is None:
        logger.warning("The server sent no date: the sync relies on the clock of this machine.")
        return otherwise
    if answer.age:
        logger.warning("The answer comes from a cache %.0f s old: check the proxy.", answer.age)
    off = (answer.date - datetime.now(timezone.utc)).total_seconds()
    if abs(off) > 60 * remembered.CLOCK_MARGIN_MINUTES:
        logger.warning("The clocks of the server and of this machine differ by %.0f s.", abs(off))
    return minus(from_datetime(answer.date), minutes=remembered.CLOCK_MARGIN_MINUTES)


def _now() -> Instant:
    return from_datetime(datetime.now(timezone.utc))
