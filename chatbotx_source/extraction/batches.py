"""Gathers rows until there are enough of them, and makes them batches of Arrow tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatbotx_source import clock
from chatbotx_source.extraction.outcome import Outcome, sync_row, unfinished_report
from chatbotx_source.extraction.remembered import Package, progress_to_state
from chatbotx_source.instants import Instant, to_datetime
from chatbotx_source.rules.progress import Progress
from chatbotx_source.rules.walk import FullWalk, Page, Row
from chatbotx_source.tables.arrow import (
    Misfits,
    contact_tables,
    message_tables,
    sync_table,
    unfinished_table,
    walks_table,
)

logger = logging.getLogger(__name__)

ENOUGH_ROWS = 10_000
"""Rows in a batch: Parquet row groups of fewer cost DuckDB more than they save in memory."""


@dataclass(frozen=True)
class Batch:
    """Tables to hand over together, and what may be remembered when that is done.

    Attributes:
        package: the load package that they belong to.
        mark: of this batch.
        tables: by name.
        progress: how far the workspace is read once all of these rows are handed over: JSON data.
        outcome: what the load did so far: JSON data.
    """

    package: Package
    mark: int
    tables: Mapping[str, pa.Table]
    progress: Mapping[str, Any]
    outcome: Mapping[str, Any]


@dataclass
class Rows:
    """Rows as they came, on their way into tables.

    Attributes:
        contacts: rows of the listing.
        messages: rows of messages, each with its contact's id.
        full_walks: contacts that were read from top to bottom.
    """

    contacts: list[Row] = field(default_factory=list)
    messages: list[tuple[str, Row]] = field(default_factory=list)
    full_walks: list[tuple[str, FullWalk]] = field(default_factory=list)


@dataclass
class Gathering:
    """Gathers rows, and makes tables of them.

    Args:
        package: the load package that they belong to.
        pipeline: name of the pipeline, which may share its dataset with others.
        keep_signed_urls: keep the signatures in URLs.
        loaded_before: up to when messages may have been loaded by an earlier sync.
    """

    package: Package
    pipeline: str = ""
    keep_signed_urls: bool = False
    loaded_before: Instant | None = None
    _rows: Rows = field(default_factory=Rows)
    _misfits: Misfits = field(default_factory=Misfits)
    _batches: int = 0

    def add_contacts(self, rows: Sequence[Row]) -> None:
        """Takes rows of the listing."""
        self._rows.contacts += rows

    def add_messages(self, page: Page) -> None:
        """Takes the messages of an answer, and what it proves."""
        self._rows.messages += [(page.contact_id, row) for row in page.rows]
        if page.full_walk:
            self._rows.full_walks.append((page.contact_id, page.full_walk))

    @property
    def enough(self) -> bool:
        """Whether a batch is full."""
        return len(self._rows.messages) + len(self._rows.contacts) >= ENOUGH_ROWS

    def take(self) -> Rows:
        """Hands over what was gathered, and begins again."""
        rows, self._rows = self._rows, Rows()
        return rows

    def batch(self, progress: Progress, outcome: Outcome, *, last: bool = False) -> Batch:
        """Hands over what was gathered as a batch, and begins again.

        The first one has all tables, also those without a row: they create the columns.

        Args:
            progress: what may be remembered with it.
            outcome: what the load did so far; the rows of the batch are added to it.
            last: whether it is the last one of the load, which also has the rows about the load.

        Returns:
            The batch.
        """
        now, load_id = clock.present(), self.package.load_id
        tables = self._tables(now)
        outcome.add_rows(count_rows(tables))
        if last:
            sync = sync_row(outcome, progress, self.pipeline, ended=now)
            tables["_chatbotx_syncs"] = sync_table([sync], load_id=load_id)
            unfinished = unfinished_report(progress, self.pipeline)
            tables["_chatbotx_unfinished"] = unfinished_table(unfinished, load_id=load_id)
            self._warn_of_misfits()
        mark = self.package.first_mark + self._batches
        self._batches += 1
        return Batch(self.package, mark, tables, progress_to_state(progress), outcome.to_state())

    def _tables(self, now: Instant) -> dict[str, pa.Table]:
        rows, first = self.take(), not self._batches
        tables: dict[str, pa.Table] = {}
        how: dict[str, Any] = {
            "load_id": self.package.load_id,
            "misfits": self._misfits,
            "keep_signed_urls": self.keep_signed_urls,
        }
        if rows.contacts or first:
            tables |= contact_tables(rows.contacts, **how)
        if rows.messages or first:
            before = to_datetime(self.loaded_before) if self.loaded_before else None
            tables |= message_tables(rows.messages, loaded_before=before, **how)
        if rows.full_walks or first:
            walked = [_walk_row(contact_id, walk, now) for contact_id, walk in rows.full_walks]
            tables["_chatbotx_walks"] = walks_table(walked, load_id=self.package.load_id)
        return tables

    def _warn_of_misfits(self) -> None:
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


def _walk_row(contact_id: str, walk: FullWalk, now: Instant) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "conversation_id": walk.conversation_id,
        "first_at": walk.first[0],
        "first_id": str(walk.first[1]),
        "first_load_id": walk.first_load,
        "ended": now,
    }
