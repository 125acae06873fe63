"""Tells a progress bar how far a load is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chatbotx_source.extraction.listing import Listing
from chatbotx_source.extraction.outcome import Outcome
from chatbotx_source.settings import LISTING_PAGE

Count = Callable[[str, int, int | None, str | None], None]
"""Takes a name, an increment, and, where known, how many there will be and what is left."""


@dataclass
class Telling:
    """Turns totals into increments.

    Args:
        count: takes each increment.
    """

    count: Count
    _told: dict[str, int] = field(default_factory=dict)

    def tell(self, listing: Listing, walked: int, outcome: Outcome) -> None:
        """Tells what has grown since the last time.

        Args:
            listing: the listing of the load.
            walked: contacts walked.
            outcome: what the load did so far.
        """
        read = listing.pages - listing.pages_left
        rest = None
        if read > 0:
            rest = f"about {round(outcome.requests / read * listing.pages_left):,} left"
        self._count("contacts listed", listing.contacts, listing.pages * LISTING_PAGE or None)
        self._count("contacts walked", walked)
        self._count("messages read", outcome.messages)
        self._count("requests", outcome.requests, message=rest)

    def _count(
        self, name: str, value: int, total: int | None = None, message: str | None = None
    ) -> None:
        more = value - self._told.get(name, 0)
        if more:
            self.count(name, more, total, message)
        self._told[name] = value
