"""What a history happens in: a workspace behind a sandbox, one clock, and notes of every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

from chatbotx_source.sandbox import Fault, Request, Sandbox, Workspace

BEGINNING = datetime(2023, 3, 1, 12, tzinfo=timezone.utc)
TICK = timedelta(milliseconds=7)
"""What every request takes, so that no two are at one moment."""


@dataclass(frozen=True)
class Answered:
    """A request as it was answered.

    Attributes:
        request: the request.
        events: how many events the workspace had logged before the answer.
        shown: ids of the contacts on a page of the listing.
        fault: the kind of fault that it was answered with.
    """

    request: Request
    events: int
    shown: tuple[str, ...]
    fault: str | None


@dataclass
class Trouble:
    """A fault to come.

    Attributes:
        kind: as the sandbox names it.
        times: how many requests are still to be hit; None for every one.
        on: only requests of this kind.
        contact_id: only requests about this contact.
        params: of the fault.
    """

    kind: str
    times: int | None = 1
    on: str | None = None
    contact_id: str | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def fault(self) -> Fault:
        """The fault for one request."""
        return Fault(self.kind, on=self.on, contact_id=self.contact_id, **self.params)


class World:
    """A workspace, the server before it, and the clock of both.

    Args:
        listing_page: contacts a page of the listing.

    Attributes:
        now: the time.
        own_skew: seconds by which the clock of the machine that loads is ahead.
        due: what is to happen when a request arrives, by its number.
        troubles: the faults to come.
        answered: all requests so far.
    """

    def __init__(self, listing_page: int) -> None:
        self.now = BEGINNING
        self.own_skew = 0.0
        self.due: dict[int, list[Callable[[World], None]]] = {}
        self.troubles: list[Trouble] = []
        self.answered: list[Answered] = []
        self.workspace = Workspace(clock=lambda: self.now)
        self.sandbox = Sandbox(self.workspace)
        self.sandbox.before.append(self._arrived)
        self._listing_page = listing_page

    def __enter__(self) -> World:
        self.sandbox.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.sandbox.__exit__(exc_type, exc, traceback)

    @property
    def contacts(self) -> list[str]:
        """Ids of the contacts that there are, in the order of the listing."""
        return list(self.workspace.state.contacts)

    @property
    def own_clock(self) -> datetime:
        """The time on the machine that loads."""
        return self.now + timedelta(seconds=self.own_skew)

    def _arrived(self, request: Request) -> None:
        self.now += TICK
        for happen in self.due.pop(request.number, ()):
            happen(self)
        trouble = self._strikes(request)
        page = int(request.page or 0)
        size = self._listing_page
        shown = self.contacts[(page - 1) * size : page * size] if page else ()
        events = len(self.workspace.events)
        kind = trouble.kind if trouble else None
        self.answered.append(Answered(request, events, tuple(shown), kind))

    def _strikes(self, request: Request) -> Trouble | None:
        """Lets the sandbox answer wrongly what a trouble is about."""
        self.sandbox.faults.clear()
        for trouble in self.troubles:
            if trouble.fault().fits(request):
                self.sandbox.faults.add(trouble.fault())
                if trouble.times is not None:
                    trouble.times -= 1
                self.troubles = [each for each in self.troubles if each.times != 0]
                return trouble
        return None
