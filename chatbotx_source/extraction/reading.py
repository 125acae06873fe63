"""One load: reads the listing, walks what is due, and hands over Arrow tables batch by batch."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from chatbotx_source import instants
from chatbotx_source.api.client import Answer, Client
from chatbotx_source.api.pool import Ask, Pool, Take, ThreadPool
from chatbotx_source.errors import (
    AuthenticationError,
    ChatbotXError,
    ConfigurationError,
    PermissionDeniedError,
    RateLimitError,
    RequestFailedError,
    StoppedError,
    WrongAddressError,
)
from chatbotx_source.extraction.batches import Gathering, count_rows
from chatbotx_source.extraction.listing import Listing
from chatbotx_source.extraction.outcome import Outcome, sync_row, unfinished_report
from chatbotx_source.extraction.patience import WAIT, Patience
from chatbotx_source.forecast import under_a_limit
from chatbotx_source.rules import passes
from chatbotx_source.rules.gaps import Unfinished
from chatbotx_source.rules.progress import Pass, Progress, to_state
from chatbotx_source.rules.walk import Page, Request, next_request, take_answer
from chatbotx_source.settings import LISTING_PAGE, Settings
from chatbotx_source.tables.arrow import sync_table, unfinished_table

logger = logging.getLogger(__name__)

OUTAGE = 20
"""Contacts in a row that meet a fault: then it is the server that fails, not these contacts."""

FATAL = (AuthenticationError, PermissionDeniedError, ConfigurationError, WrongAddressError)
"""Errors that the next load would meet again, whatever was read before."""


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

    Requests are under way side by side; their answers are taken one by one, so that every
    decision finds the progress as the last answer has left it.

    Args:
        client: makes the requests.
        settings: what was set.
        progress: what is remembered of the workspace; changed as the load goes on.
        load_id: the load package that the rows belong to.
        pipeline: name of the pipeline, which may share its dataset with others.
        walks: False reads the contacts only.
        stop: asked again and again; True ends the load.
        count: tells how far the load is: a name, an increment, and, where they are known, how many
            there will be and what is left.
        pool: holds the requests under way.
    """

    client: Client
    settings: Settings
    progress: Progress
    load_id: str
    pipeline: str = ""
    walks: bool = True
    stop: Callable[[], bool] = lambda: False
    count: Callable[[str, int, int | None, str | None], None] = lambda *_told: None
    pool: Callable[[int], Pool] = ThreadPool
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        self.outcome = Outcome(began=instants.present())
        self._began = time.monotonic()
        self._requests_before = self.client.requests
        self._listing = Listing(self.client, self.settings, self.progress, self.load_id)
        self._gathering = Gathering(
            self.load_id,
            keep_signed_urls=self.settings.keep_signed_urls,
            loaded_before=self.outcome.began if self.progress.read_before else None,
        )
        self._under_way: Pool = self.pool(self.settings.workers)
        self._patience = Patience(self.settings.grace)
        self._listing_under_way = False
        self._queue: deque[str] = deque()
        self._again: list[str] = []
        self._handed_over: set[str] = set()
        self._walked: set[str] = set()
        self._outage: list[tuple[str, Unfinished]] = []
        self._well: str | None = None
        self._told: dict[str, int] = {}

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
                if self._gathering.enough:
                    yield self._batch()
        except RateLimitError as error:
            self.outcome.retry_after = error.retry_after
            self._cut("rate limit", error)
            logger.warning("For this workspace: %s.", self._under_the_limit(error.retry_after))
        except StoppedError as error:
            self._cut("stopped", error)
        except FATAL:
            raise
        except ChatbotXError as error:
            if not self.outcome.answers:
                raise
            self._cut("fault", error)
        finally:
            self._under_way.close()
            self.client.give_up()
        self._end()
        yield self._batch(last=True)

    # Requests

    def _answers(self) -> Iterator[None]:
        """Goes on with the pass, one answer a step."""
        failure: ChatbotXError | None = None
        self._queue.extend(self._open_contacts())
        while True:
            while failure is None and len(self._under_way) < self.settings.workers:
                request = self._next_request()
                if request is None:
                    break
                self._under_way.submit(*request)
            if not self._under_way:
                break
            answered = self._under_way.next_answer(WAIT)
            if answered is None:
                if self._gives_up():
                    break
                continue
            take, answer = answered
            try:
                take(answer)
            except ChatbotXError as error:
                failure = failure or error  # what is under way is paid for: it is taken, too
            yield
        if failure is not None:
            raise failure

    def _open_contacts(self) -> list[str]:
        current = self._pass_to_go_on_with()
        if current is None:
            passes.abandon(self.progress)
            return []
        if not self.walks:
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

    def _next_request(self) -> tuple[Ask, Take] | None:
        """What may be asked for now, and what takes the answer; None to wait for answers first."""
        if not self._may_ask():
            return None
        while True:
            # The next page of the listing is under way before the last contacts of this one are.
            if len(self._queue) < self.settings.workers and not self._listing_under_way:
                ask = self._listing.next_request()
                if ask is not None:
                    self._listing_under_way = True
                    return ask, self._take_listing
            if not self._queue and not self._under_way:
                self._queue.extend(self._again)
                self._again = []
            if not self._queue:
                return None
            request = self._walk_request(self._queue.popleft())
            if request is not None:
                return request

    def _walk_request(self, contact_id: str) -> tuple[Ask, Take] | None:
        current, entry = self.progress.current, self.progress.unfinished.get(contact_id)
        if current is None or entry is None:
            return None
        request = next_request(
            entry,
            current,
            page_size=self.settings.page_size,
            begun=contact_id in self._handed_over,
        )
        if request is None:
            return None
        self._walked.add(contact_id)

        def ask() -> Answer:
            return self._messages(contact_id, request.per_page, request.cursor)

        def take(answer: Answer | ChatbotXError) -> None:
            self._take_messages(contact_id, entry, request, answer)

        return ask, take

    def _messages(self, contact_id: str, per_page: int, cursor: str | None) -> Answer:
        return self.client.messages(f"id:{contact_id}", per_page=per_page, cursor=cursor)

    # Answers

    def _take_listing(self, answer: Answer | ChatbotXError) -> None:
        self._listing_under_way = False
        rows = self._listing.take(answer)
        self.outcome.answers += 1
        self._gathering.contacts += rows
        if self.walks:
            # What has to be asked again comes after other contacts, for their answers prove that
            # the server is well.
            self._queue.extend([*self._listing.admit(rows), *self._again])
            self._again = []

    def _take_messages(
        self,
        contact_id: str,
        entry: Unfinished,
        request: Request,
        answer: Answer | ChatbotXError,
    ) -> None:
        if isinstance(answer, ChatbotXError) and not isinstance(answer, RequestFailedError):
            raise answer
        if self.progress.unfinished.get(contact_id) is not entry:
            return  # of another workspace, as the listing has shown meanwhile
        body = answer if isinstance(answer, RequestFailedError) else answer.body
        current = self.progress.under_way()
        self._take(take_answer(contact_id, entry, request, body, current, self.load_id), entry)

    def _take(self, page: Page, before: Unfinished) -> None:
        if page.fault and self.outcome.ended_by == "outage":
            return  # the contact stays as it was
        self.outcome.answers += 1
        self.outcome.messages += len(page.rows)
        self._gathering.add(page)
        if page.rows:
            self._handed_over.add(page.contact_id)
        passes.settle(self.progress, page.contact_id, page.entry)
        if page.next == "go on":
            self._queue.appendleft(page.contact_id)
        elif page.next == "ask again":
            self._again.append(page.contact_id)
        if page.entry.reason and (page.fault or not page.rows):
            logger.info("Contact %s: %s.", page.contact_id, page.entry.reason)
        if page.fault:
            self._take_fault(page, before)
        else:
            self._outage.clear()
            self._well = page.contact_id if page.rows else self._well

    def _take_fault(self, page: Page, before: Unfinished) -> None:
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
            self.progress.unfinished.update(reversed(self._outage))
        self.outcome.ended_by = "outage"
        logger.warning(
            "%d contacts in a row met a fault (%s): the server is failing. The load ends here, "
            "the next one goes on.",
            OUTAGE,
            page.entry.reason,
        )

    def _still_well(self, contact_id: str) -> bool:
        """Whether a contact that has answered before still does: then the server is not failing."""
        self.outcome.answers += 1
        try:
            return bool(self._messages(contact_id, 1, None).body["data"])
        except RequestFailedError:
            return False

    def _tell(self) -> None:
        """Counts what the last answer added."""
        current = self.progress.current
        listed, pages, requests = self._listing.contacts, self._listing.pages, self._requests()
        left = None
        if current is not None and current.probe is None and pages > current.page:
            pages_read = pages - current.page
            left = f"about {round(requests / pages_read * current.page):,} left"
        for name, value, total, message in (
            ("contacts listed", listed, pages * LISTING_PAGE or None, None),
            ("contacts walked", len(self._walked), None, None),
            ("messages read", self.outcome.messages, None, None),
            ("requests", requests, None, left),
        ):
            more = value - self._told.get(name, 0)
            if more:
                self.count(name, more, total, message)
            self._told[name] = value

    # Budgets

    def _may_ask(self) -> bool:
        if self._over():
            return False
        if not self.outcome.answers:
            return not self._under_way  # the first answer proves the token, and dates the pass
        most = self.settings.max_requests
        return most is None or self._requests() + len(self._under_way) < most

    def _over(self) -> bool:
        """Whether the load has to end: asked after an answer, so that every load has one."""
        if self.outcome.ended_by:
            return True
        if self.stop():
            self.outcome.ended_by = "stopped"
        elif self.outcome.answers:
            settings = self.settings
            elapsed = time.monotonic() - self._began
            durations = (settings.max_duration, settings.load_duration)
            if settings.max_requests is not None and self._requests() >= settings.max_requests:
                self.outcome.ended_by = "max_requests"
            elif (
                settings.max_messages is not None and self.outcome.messages >= settings.max_messages
            ):
                self.outcome.ended_by = "max_messages"
            elif any(most is not None and elapsed >= most for most in durations):
                self.outcome.ended_by = "max_duration"
        return self.outcome.ended_by is not None

    def _gives_up(self) -> bool:
        """Whether what is under way is waited for no longer; the next load asks for it again."""
        stopped, most = self.stop(), self.settings.max_duration
        late = most is not None and time.monotonic() - self._began >= most
        if not self._patience.is_over(must_end=stopped or late):
            return False
        self.outcome.ended_by = self.outcome.ended_by or ("stopped" if stopped else "max_duration")
        logger.log(
            logging.INFO if stopped else logging.WARNING,
            "The load ends, though %d requests have no answer yet: the next load sends them again.",
            len(self._under_way),
        )
        return True

    def _requests(self) -> int:
        return self.client.requests - self._requests_before

    def _cut(self, why: str, error: ChatbotXError) -> None:
        self.outcome.ended_by = why
        logger.log(logging.INFO if why == "stopped" else logging.WARNING, "%s", error)

    def _under_the_limit(self, retry_after: float) -> str:
        seconds = time.monotonic() - self._began + retry_after
        return under_a_limit(self.outcome.answers, seconds, self._listing.pages)

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
        if self.walks and passes.may_end(self.progress):
            listing = current.identifiers is None and self.settings.limit_contacts is None
            verdict = passes.end(self.progress, whole_listing=listing)
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
        now = instants.present()
        tables = self._gathering.take(now=now)
        for name, count in count_rows(tables).items():
            self.outcome.rows[name] = self.outcome.rows.get(name, 0) + count
        self.outcome.requests = self._requests()
        if last:
            sync = sync_row(self.outcome, self.progress, self.pipeline, ended=now)
            tables["_chatbotx_syncs"] = sync_table([sync], load_id=self.load_id)
            tables["_chatbotx_unfinished"] = unfinished_table(
                unfinished_report(self.progress, self.pipeline), load_id=self.load_id
            )
            self._gathering.warn_of_misfits()
        return Batch(tables, to_state(self.progress), self.outcome)
