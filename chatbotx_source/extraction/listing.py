"""Which contacts there are: the listing from its last page down, or contacts one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from chatbotx_source.rules.gaps import Gap, Unfinished, number
from chatbotx_source.rules.progress import Pass, Progress
from chatbotx_source.rules.walk import Row
from chatbotx_source.settings import Settings

logger = logging.getLogger(__name__)

NO_SUCH_CONTACT = "no such contact in this workspace"


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
        if isinstance(answer, NotFoundError) and self._asked.identifiers:
            return self._take_unknown(self._asked.identifiers)
        if isinstance(answer, ChatbotXError):
            raise answer
        if self.progress.current is None:
            started = min(self._asked.started, _by_the_server(answer, self._asked.started))
            self._asked = self.progress.current = replace(self._asked, started=started)
        if self._asked.identifiers:
            fresh = self._take_contact(self._asked.identifiers, answer.body)
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
        current = passes.probed(
            self._asked,
            rows=len(body["data"]),
            page_count=_page_count(body),
            capped=bool(body.get("totalCountCapped")),
        )
        self.progress.current = current
        self.progress.last_page = current.page or self.progress.last_page
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
            if (current.lowest is None or id_ < current.lowest)
            and (shard is None or shard.holds(str(row.get("id"))))
        ][:left]
        current = passes.take_page(self.progress.under_way(), ids)
        if left is not None and len(fresh) >= left:
            current = replace(current, page=0)
        self.progress.current = current
        return fresh

    def _take_contact(self, identifiers: tuple[str, ...], row: Row) -> list[Row]:
        identifier = self._next_identifier(identifiers)
        self.progress.unfinished.pop(identifier, None)
        if not self._in_workspace([row]):
            return []
        current, id_ = self.progress.under_way(), str(row.get("id"))
        known = self.progress.unfinished.get(id_)
        if self.progress.dates.get(id_) == current.started or (
            known is not None and known.listed == current.number
        ):
            return []  # another identifier of a contact that this pass has already
        return [row]

    def _take_unknown(self, identifiers: tuple[str, ...]) -> list[Row]:
        self.progress.current = self.progress.current or self._asked
        identifier = self._next_identifier(identifiers)
        pass_number = self.progress.under_way().number
        gap = Gap(None, reason=NO_SUCH_CONTACT, blocked=pass_number)
        known = self.progress.unfinished.get(identifier)
        since = known.since if known else clock.present()
        self.progress.unfinished[identifier] = Unfinished((gap,), since=since, listed=pass_number)
        unknown = [each for each in identifiers if each in self.progress.unfinished]
        if len(unknown) == len(identifiers):
            raise ConfigurationError(
                f"No contact of this workspace answers to {', '.join(unknown)}: check `contacts`. "
                "E-mail addresses are case-sensitive, phone numbers need the plus."
            )
        return []

    def _next_identifier(self, identifiers: tuple[str, ...]) -> str:
        current = self.progress.under_way()
        self.progress.current = replace(current, page=current.page - 1)
        return identifiers[current.page - 1]

    def _in_workspace(self, rows: list[Row]) -> bool:
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
        passes.start_over(self.progress, workspace_id)
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
