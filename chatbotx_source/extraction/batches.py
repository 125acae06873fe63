"""Gathers rows until there are enough of them, and makes them Arrow tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatbotx_source.instants import Instant, to_datetime
from chatbotx_source.rules.walk import Page, Row, Whole
from chatbotx_source.tables.arrow import Misfits, contact_tables, message_tables, walks_table

logger = logging.getLogger(__name__)

ENOUGH_ROWS = 10_000
"""Rows in a batch: Parquet row groups of fewer cost DuckDB more than they save in memory."""


@dataclass
class Gathering:
    """Rows on their way into tables.

    Args:
        load_id: the load package that they belong to.
        keep_signed_urls: keep the signatures in URLs.
        loaded_before: up to when messages may have been loaded by an earlier sync.

    Attributes:
        contacts: rows of the listing.
        messages: rows of messages, each with its contact's id.
        whole: contacts that were read from top to bottom.
    """

    load_id: str
    keep_signed_urls: bool = False
    loaded_before: Instant | None = None
    contacts: list[Row] = field(default_factory=list)
    messages: list[tuple[str, Row]] = field(default_factory=list)
    whole: list[tuple[str, Whole]] = field(default_factory=list)
    _misfits: Misfits = field(default_factory=Misfits)
    _first: bool = True

    def add(self, page: Page) -> None:
        """Takes the messages of an answer, and what it proves."""
        self.messages += [(page.contact_id, row) for row in page.rows]
        if page.whole:
            self.whole.append((page.contact_id, page.whole))

    @property
    def enough(self) -> bool:
        """Whether a batch is full."""
        return len(self.messages) + len(self.contacts) >= ENOUGH_ROWS

    def take(self, *, now: Instant) -> dict[str, pa.Table]:
        """Hands over what was gathered, and begins again.

        The first time all tables are there, also those without a row: they create the columns.

        Args:
            now: the present.

        Returns:
            Arrow tables by name.
        """
        tables: dict[str, pa.Table] = {}
        how: dict[str, Any] = {
            "load_id": self.load_id,
            "misfits": self._misfits,
            "keep_signed_urls": self.keep_signed_urls,
        }
        if self.contacts or self._first:
            tables |= contact_tables(self.contacts, **how)
        if self.messages or self._first:
            before = to_datetime(self.loaded_before) if self.loaded_before else None
            tables |= message_tables(self.messages, loaded_before=before, **how)
        if self.whole or self._first:
            rows = [_walk_row(contact_id, whole, now) for contact_id, whole in self.whole]
            tables["_chatbotx_walks"] = walks_table(rows, load_id=self.load_id)
        self.contacts, self.messages, self.whole = [], [], []
        self._first = False
        return tables

    def warn_of_misfits(self) -> None:
        """Says what did not fit the declared columns, if anything."""
        for sentence in self._misfits.told():
            logger.warning("%s", sentence)


def count_rows(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    """Rows by table, of the API's own: markers of removals aside, and tables without any."""
    counts = {
        name: table.num_rows - _markers(table)
        for name, table in tables.items()
        if not name.startswith("_")
    }
    return {name: count for name, count in counts.items() if count}


def _markers(table: pa.Table) -> int:
    return pc.sum(table["_removed"]).as_py() or 0 if "_removed" in table.column_names else 0


def _walk_row(contact_id: str, whole: Whole, now: Instant) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "conversation_id": whole.conversation_id,
        "first_at": whole.first[0],
        "first_id": str(whole.first[1]),
        "first_load_id": whole.first_load,
        "ended": now,
    }
