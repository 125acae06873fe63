"""Tells an outage from contacts that fail: the one hits everybody, the others are their own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from chatbotx_source.extraction.outcome import Outcome
from chatbotx_source.rules import passes
from chatbotx_source.rules.gaps import Unfinished
from chatbotx_source.rules.progress import Progress

logger = logging.getLogger(__name__)

OUTAGE = 20
"""Contacts in a row that meet a fault: then it is perhaps the server that fails, not they."""


@dataclass
class Outages:
    """The faults in a row, and the contact that can be asked whether the server is well.

    Attributes:
        well: the last contact whose messages came; None while nobody's have in this load.
        asking: whether that contact is being asked.
    """

    well: str | None = None
    asking: bool = False
    _failed: list[tuple[str, Unfinished]] = field(default_factory=list)
    _reason: str | None = None

    def __str__(self) -> str:
        return (
            f"{len(self._failed)} contacts in a row met a fault ({self._reason}): the server is "
            "failing."
        )

    @property
    def suspected(self) -> bool:
        """Whether so many contacts in a row have failed that it may be the server."""
        return len(self._failed) >= OUTAGE

    def failed(self, contact_id: str, before: Unfinished, reason: str | None) -> None:
        """Counts a fault.

        Args:
            contact_id: whom it hit.
            before: what was open of the contact when it was asked for.
            reason: the fault.
        """
        self._reason = reason
        self._failed.append((contact_id, before))

    def answered(self, contact_id: str, *, with_rows: bool) -> None:
        """Takes an answer without a fault: the server is well."""
        self._failed.clear()
        if with_rows:
            self.well = contact_id

    def still_well(self) -> None:
        """Takes the answer of the contact that was asked: only the others fail."""
        self._failed.clear()

    def end_load(self, progress: Progress, outcome: Outcome) -> None:
        """Ends a load, if so many contacts in a row have failed.

        These contacts are well, and stay as they were, to be walked in this same pass. Where none
        has answered in this load, nobody knows; then they count as asked, or a workspace of
        contacts that never answer would keep the pass where it is for ever.

        Args:
            progress: what is remembered; changed.
            outcome: what the load did; changed.
        """
        if not self.suspected:
            return
        passes.restore(progress, dict(reversed(self._failed)) if self.well else {})
        outcome.ended_by = "outage"
        logger.warning("%s The load ends here, the next one goes on.", self)
