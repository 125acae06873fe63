"""Which contacts there are: the listing from its last page down, or contacts one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from chatbotx_source import clock
from chatbotx_source.api.client import Answer, Client
from chatbotx_source.errors import (
    ChatbotXError,
    ConfigurationError,
    NotFoundError,
    ServerFaultError,
    WrongAddressError,
)
from chatbotx_source.instants import Instant, from_datetime, minus
from chatbotx_source.rules import passes
from chatbotx_source.rules.due import Contact
from chatbotx_source.rules.gaps import number
from chatbotx_source.rules.progress import Pass, Progress
from chatbotx_source.rules.walk import Row
from chatbotx_source.settings import Settings

logger = logging.getLogger(__name__)


@dataclass
class Listing:
    """The listing of one load.

    Args:
        client: makes the requests.
        settings: what was set.
        progress: what is remembered; changed as answers come.
        load_id: the load.

    Attributes:
        contacts: contacts listed in this load.
        pages: pages of the listing, as far as the server has told.
    """

    client: Client
    settings: Settings
    progress: Progress
    load_id: str
    contacts: int = 0
    pages: int = 0
    _asked: Pass = field(init=False)

    @property
    def pages_left(self) -> int:
        """Pages of the listing that are still to be read, as far as the server has told."""
        current = self.progress.current
        return self.pages if current is None or current.probe else current.page

    def next_request(self) -> Callable[[], Answer] | None:
        """What to ask for next; None when the pass has listed everything.

        Without a pass under way it begins one, with the first answer.
        """
        current = self.progress.current or self._begin()
        if current.listed:
            return None
        self._asked = current
        if current.identifiers:
            identifier = current.identifiers[current.page - 1]
            return lambda: self.client.contact(identifier)
        page = current.probe or current.page
        return lambda: self.client.contacts(page)

    def take(self, answer: Answer | ChatbotXError) -> list[Row]:
        """Counts an answer.

        Args:
            answer: to the last request.

        Returns:
            The rows of contacts that were not listed in this pass before.

        Raises:
            ChatbotXError: the listing cannot be read.
        """
        identifiers = self._asked.identifiers
        if isinstance(answer, NotFoundError) and identifiers:
            if self.progress.current is None:  # it tells nothing of the server's clock
                passes.open_pass(self.progress, self._asked, self._asked.started)
            self._take_unknown(identifiers)
            return []
        if isinstance(answer, ChatbotXError):
            raise answer
        if self.progress.current is None:
            server = _by_the_server(answer, self._asked.started)
            self._asked = passes.open_pass(self.progress, self._asked, server)
        if identifiers:
            fresh = self._take_contact(answer.body)
        elif self._asked.probe is not None:
            fresh = self._take_probe(answer.body)
        else:
            fresh = self._take_page(answer.body)
        self.contacts += len(fresh)
        return fresh

    def _begin(self) -> Pass:
        return passes.begin(
            self.progress,
            now=clock.present(),
            load_id=self.load_id,
            mode="reconcile" if self.settings.reconcile else "incremental",
            identifiers=self.settings.contacts,
        )

    def _take_probe(self, body: dict[str, Any]) -> list[Row]:
        self.pages = max(self.pages, _page_count(body))
        passes.take_probe(
            self.progress,
            rows=len(body["data"]),
            page_count=_page_count(body),
            capped=bool(body.get("totalCountCapped")),
        )
        return []

    def _take_page(self, body: dict[str, Any]) -> list[Row]:
        rows: list[Row] = body["data"]
        current = self._asked
        self.pages = max(self.pages, _page_count(body))
        if not rows and _page_count(body) >= current.page:
            raise ServerFaultError(
                f"Page {current.page} of the contact listing came empty, though the server counts "
                f"{_page_count(body)} pages: run again, nothing is lost."
            )
        if not self._in_workspace(rows):
            return []
        ids = [number(str(row.get("id"))) for row in rows]
        if any(a >= b for a, b in pairwise(ids)):
            raise WrongAddressError(
                "The server does not list contacts by ascending id, so some would be missed: "
                "check that base_url leads to a ChatbotX server of 2026 or later."
            )
        # A deletion shifts contacts to lower pages: those were read on the page before.
        limit = self.settings.limit_contacts
        left = None if limit is None else limit - self.contacts
        shard = self.settings.shard
        fresh = [
            row
            for row, id_ in zip(rows, ids, strict=True)
            if (current.lowest_id is None or id_ < current.lowest_id)
            and (shard is None or shard.holds(str(row.get("id"))))
        ][:left]
        passes.take_page(self.progress, ids)
        if left is not None and len(fresh) >= left:
            passes.list_no_more(self.progress)
        return fresh

    def _take_contact(self, row: Row) -> list[Row]:
        passes.take_known(self.progress, passes.take_identifier(self.progress))
        if not self._in_workspace([row]) or passes.is_repeated(self.progress, str(row.get("id"))):
            return []
        return [row]

    def _take_unknown(self, identifiers: tuple[str, ...]) -> None:
        identifier = passes.take_identifier(self.progress)
        passes.take_unknown(self.progress, identifier, now=clock.present())
        unknown = [each for each in identifiers if each in self.progress.unfinished]
        if len(unknown) == len(identifiers):
            raise ConfigurationError(
                f"No contact of this workspace answers to {', '.join(unknown)}: check `contacts`. "
                "E-mail addresses are case-sensitive, phone numbers need the plus."
            )

    def _in_workspace(self, rows: list[Row]) -> bool:
        """Whether the rows are of the remembered workspace; if not, starts from nothing."""
        workspace_id = next((str(row["workspaceId"]) for row in rows if row.get("workspaceId")), "")
        forgotten = passes.claim(self.progress, workspace_id) if workspace_id else None
        if forgotten is None:
            return True
        logger.warning(
            "The token leads to workspace %s, but %s was loaded before: its messages are read from "
            "the beginning.",
            workspace_id,
            forgotten,
        )
        return False

    def admit(self, rows: list[Row]) -> list[str]:
        """The ids of those that are due, which the pass now waits for."""
        now = clock.present()
        contacts = map(Contact.from_row, rows)
        return [
            contact.id
            for contact in contacts
            if passes.admit(
                contact,
                self.progress,
                lookback_days=self.settings.lookback_days,
                reconcile_share=self.settings.reconcile_share,
                now=now,
            )
        ]


def _page_count(body: dict[str, Any]) -> int:
    return int(body.get("pageCount") or 0)


def _by_the_server(answer: Answer, otherwise: Instant) -> Instant:
    if answer.date is None:
        logger.warning("The server sent no date: the sync relies on the clock of this machine.")
        return otherwise
    if answer.age:
        logger.warning("The answer comes from a cache %.0f s old: check the proxy.", answer.age)
    off = (answer.date - clock.now()).total_seconds()
    if abs(off) > 60 * passes.CLOCK_MARGIN_MINUTES:
        logger.warning("The clocks of the server and of this machine differ by %.0f s.", abs(off))
    return minus(from_datetime(answer.date), minutes=passes.CLOCK_MARGIN_MINUTES)
