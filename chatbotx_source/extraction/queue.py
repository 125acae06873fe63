"""Whose messages are asked for next, within one load."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from chatbotx_source.rules.gaps import Unfinished
from chatbotx_source.rules.progress import Progress
from chatbotx_source.rules.walk import Page, Request, next_request


class Walk(NamedTuple):
    """A request for messages of a contact, and what was open of it when it was made."""

    contact_id: str
    entry: Unfinished
    request: Request


@dataclass
class Queue:
    """The contacts that wait for a request.

    Args:
        page_size: messages a request.

    Attributes:
        walked: contacts whose messages were asked for.
    """

    page_size: int
    walked: set[str] = field(default_factory=set)
    _waiting: deque[str] = field(default_factory=deque)
    _again: list[str] = field(default_factory=list)
    _handed_over: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._waiting)

    def extend(self, contact_ids: Iterable[str]) -> None:
        """Lets contacts wait, and after them those that have to be asked again.

        The answers of others prove that the server is well.
        """
        self._waiting.extend([*contact_ids, *self._again])
        self._again = []

    def next(self, progress: Progress) -> Walk | None:
        """The next request; None when no contact waits for one."""
        while self._waiting:
            contact_id = self._waiting.popleft()
            current, entry = progress.current, progress.unfinished.get(contact_id)
            if current is None or entry is None:
                continue
            begun = contact_id in self._handed_over
            request = next_request(entry, current, page_size=self.page_size, begun=begun)
            if request is not None:
                self.walked.add(contact_id)
                return Walk(contact_id, entry, request)
        return None

    def take(self, page: Page) -> None:
        """Takes an answer: what its contact needs next."""
        if page.rows:
            self._handed_over.add(page.contact_id)
        if page.next == "go on":
            self._waiting.appendleft(page.contact_id)
        elif page.next == "ask again":
            self._again.append(page.contact_id)
