"""One load: reads the listing, walks what is due, and hands over Arrow tables batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chatbotx_source import clock
from chatbotx_source.api.client import Answer, Client
from chatbotx_source.api.pool import Ask, Pool, Take, ThreadPool, side_by_side
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
from chatbotx_source.extraction.batches import Batch, Gathering
from chatbotx_source.extraction.budgets import Budget
from chatbotx_source.extraction.listing import Listing
from chatbotx_source.extraction.outages import Outages
from chatbotx_source.extraction.outcome import EndedBy, Outcome, cut, end_pass
from chatbotx_source.extraction.patience import Patience
from chatbotx_source.extraction.queue import Queue, Walk
from chatbotx_source.extraction.remembered import Package
from chatbotx_source.extraction.telling import Count, Telling
from chatbotx_source.rules import passes
from chatbotx_source.rules.gaps import Unfinished
from chatbotx_source.rules.progress import Pass, Progress
from chatbotx_source.rules.walk import Page, take_answer
from chatbotx_source.settings import Settings

logger = logging.getLogger(__name__)

FATAL = (AuthenticationError, PermissionDeniedError, ConfigurationError, WrongAddressError)
"""Errors that the next load would meet again, whatever was read before."""


@dataclass
class Reading:
    """One load of one workspace.

    Requests are under way side by side; their answers are taken one by one, so that every
    decision finds the progress as the last answer has left it.

    Args:
        client: makes the requests.
        settings: what was set.
        progress: what is remembered of the workspace; changed as the load goes on.
        package: the load package that the rows belong to.
        pipeline: name of the pipeline, which may share its dataset with others.
        walks: False reads the contacts only.
        stop: asked between answers, and while none comes; True ends the load soon.
        count: tells how far the load is.
        pool: holds the requests under way.

    Attributes:
        outcome: what the load did so far.
    """

    client: Client
    settings: Settings
    progress: Progress
    package: Package
    pipeline: str = ""
    walks: bool = True
    stop: Callable[[], bool] = lambda: False
    count: Count = lambda *_told: None
    pool: Callable[[int], Pool] = ThreadPool
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.outcome = Outcome(began=clock.present())
        self._requests_before = self.client.requests
        self._budget = Budget.of_settings(settings)
        self._patience = Patience(settings.grace)
        self._listing = Listing(self.client, settings, self.progress, self.package.load_id)
        self._gathering = Gathering(
            self.package,
            pipeline=self.pipeline,
            keep_signed_urls=settings.keep_signed_urls,
            loaded_before=self.outcome.began if self.progress.read_before else None,
        )
        self._under_way: Pool = self.pool(settings.workers)
        self._outages = Outages()
        self._telling = Telling(self.count)
        self._queue = Queue(settings.page_size)
        self._listing_under_way = False

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
                self._telling.tell(self._listing, len(self._queue.walked), self.outcome)
                if self._gathering.enough:
                    yield self._batch()
        except FATAL:
            raise
        except ChatbotXError as error:
            if not self.outcome.answers and not isinstance(error, (RateLimitError, StoppedError)):
                raise
            cut(self.outcome, error, elapsed=self._budget.elapsed, pages=self._listing.pages)
        finally:
            self._under_way.close()
            self.client.give_up()
        end_pass(self.outcome, self.progress, self.settings, walks=self.walks)
        yield self._batch(last=True)

    def _answers(self) -> Iterator[None]:
        """Goes on with the pass, one answer a step."""
        current = self.progress.current
        if current and not _goes_on(current, self.settings):
            passes.abandon(self.progress)
        elif current and self.walks:
            self._queue.extend(passes.open_contacts(self.progress))
        return side_by_side(
            self._under_way, self.settings.workers, self._next_request, self._gives_up
        )

    def _next_request(self) -> tuple[Ask, Take] | None:
        """What may be asked for now, and what takes the answer; None to wait for answers first."""
        if self._outages.asking or not self._may_ask():
            return None
        if self._outages.suspected and self._outages.well:
            self._outages.asking = True
            well = self._outages.well
            return lambda: self._messages(well, 1, None), self._take_health
        while True:
            # The next page of the listing is under way before the last contacts of this one are.
            if len(self._queue) < self.settings.workers and not self._listing_under_way:
                ask = self._listing.next_request()
                if ask is not None:
                    self._listing_under_way = True
                    return ask, self._take_listing
            if not self._queue and not self._under_way:
                self._queue.extend([])  # only those that are to be asked again are left
            if not self._queue:
                return None
            walk = self._queue.next(self.progress)
            if walk is not None:
                return self._walking(walk)

    def _walking(self, walk: Walk) -> tuple[Ask, Take]:
        request = walk.request
        return (
            lambda: self._messages(walk.contact_id, request.per_page, request.cursor),
            lambda answer: self._take_messages(walk, answer),
        )

    def _messages(self, contact_id: str, per_page: int, cursor: str | None) -> Answer:
        return self.client.messages(f"id:{contact_id}", per_page=per_page, cursor=cursor)

    def _take_listing(self, answer: Answer | ChatbotXError) -> None:
        self._listing_under_way = False
        rows = self._listing.take(answer)
        self.outcome.answers += 1
        self._gathering.add_contacts(rows)
        if self.walks:
            self._queue.extend(self._listing.admit(rows))

    def _take_messages(self, walk: Walk, answer: Answer | ChatbotXError) -> None:
        contact_id, entry, request = walk
        if isinstance(answer, ChatbotXError) and not isinstance(answer, RequestFailedError):
            raise answer
        if self.progress.unfinished.get(contact_id) is not entry:
            return  # of another workspace, as the listing has shown meanwhile
        body = answer if isinstance(answer, RequestFailedError) else answer.body
        current, load_id = self.progress.under_way(), self.package.load_id
        self._take_page(take_answer(contact_id, entry, request, body, current, load_id), entry)

    def _take_page(self, page: Page, before: Unfinished) -> None:
        if page.fault and self.outcome.ended_by == "outage":
            return  # the contact stays as it was
        self.outcome.answers += 1
        self.outcome.messages += len(page.rows)
        self._gathering.add_messages(page)
        passes.settle(self.progress, page.contact_id, page.entry)
        self._queue.take(page)
        if page.entry.reason and (page.fault or not page.rows):
            logger.info("Contact %s: %s.", page.contact_id, page.entry.reason)
        if not page.fault:
            self._outages.answered(page.contact_id, with_rows=bool(page.rows))
            return
        self._outages.failed(page.contact_id, before, page.entry.reason)
        if not self._outages.well and not self._over():
            self._outages.end_load(self.progress, self.outcome)

    def _take_health(self, answer: Answer | ChatbotXError) -> None:
        """Takes the answer of a contact that has answered before: does it still?"""
        self._outages.asking = False
        if isinstance(answer, ChatbotXError) and not isinstance(answer, RequestFailedError):
            raise answer
        self.outcome.answers += 1
        if isinstance(answer, Answer) and answer.body["data"]:
            self._outages.still_well()
        self._outages.end_load(self.progress, self.outcome)

    def _may_ask(self) -> bool:
        if self._over():
            return False
        if not self.outcome.answers:
            return not self._under_way  # the first answer proves the token, and dates the pass
        return self._budget.allows(self._requests() + len(self._under_way))

    def _over(self) -> bool:
        """Whether the load has to end: asked after an answer, so that every load has one."""
        if self.outcome.ended_by is None and self.stop():
            self.outcome.ended_by = "stopped"
        elif self.outcome.ended_by is None and self.outcome.answers:
            self.outcome.ended_by = self._budget.exhausted(self._requests(), self.outcome.messages)
        return self.outcome.ended_by is not None

    def _gives_up(self) -> bool:
        """Whether what is under way is waited for no longer; the next load asks for it again."""
        why: EndedBy = "stopped" if self.stop() else "max_duration"
        if not self._patience.is_over(must_end=self.stop() or self._budget.is_late):
            return False
        self.outcome.ended_by = self.outcome.ended_by or why
        return True

    def _requests(self) -> int:
        self.outcome.requests = self.client.requests - self._requests_before
        return self.outcome.requests

    def _batch(self, *, last: bool = False) -> Batch:
        self._requests()
        self.outcome.contacts = len(self._queue.walked)
        return self._gathering.batch(self.progress, self.outcome, last=last)


def _goes_on(current: Pass, settings: Settings) -> bool:
    """Whether a pass under way is what the settings ask for."""
    if current.identifiers != settings.contacts:
        return False
    return current.mode == "reconcile" or not settings.reconcile
