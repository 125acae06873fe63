"""What dlt has around a running load: its signals, its progress, its log and its context."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dlt
from dlt.extract import DltSource


@contextmanager
def signals_left_alone(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keeps dlt from handling signals while a pipeline normalizes and loads.

    Loudly: without the setting, no sync begins.
    Silently: if dlt does not look at it, SIGTERM leaves a package half loaded, and the run fails.

    Args:
        pipeline: whose steps are run meanwhile.
    """
    runtime = pipeline.runtime_config
    before = runtime.intercept_signals
    runtime.intercept_signals = False
    try:
        yield
    finally:
        runtime.intercept_signals = before


def counter(pipeline: dlt.Pipeline) -> Callable[[str, int, int | None, str | None], None]:
    """Makes a function that counts in the progress which a pipeline shows.

    Loudly: without a collector, or with other arguments, every load fails.

    Args:
        pipeline: that runs.

    Returns:
        What takes the name of a count, how many more, of how many, and a message.
    """
    collector = pipeline.collector

    def count(name: str, more: int, total: int | None, message: str | None) -> None:
        collector.update(name, more, total=total, message=message)  # type: ignore[arg-type]

    return count


def source() -> DltSource:
    """Gives the source that is being extracted, with the resources that were selected.

    Loudly: without it, every load fails.
    Silently: if dlt has read the hints of its resources by then, what the destination needs comes
    too late: JSON that it cannot write as such, and keys that are staged twice.
    """
    return dlt.current.source()


def load_id() -> str:
    """Gives the id of the load that is being extracted: its rows have it in `_dlt_load_id`.

    Loudly: without it, every load fails.
    Silently: if the id of a later load is not the larger text, what is gone is not marked removed,
    or what is still there is.
    """
    return str(dlt.current.load_package_state()["load_id"])


def silence_known_warnings(tables: Iterable[str]) -> None:
    """Keeps two warnings about tables of ours out of dlt's log, which repeats them in every load.

    Arrow has JSON as text, which dlt tells apart from the JSON of a hint; and a destination that
    only upserts has no use for a merge key. Both are meant so.

    Silently: if dlt words them otherwise, or logs elsewhere, they are back; if it words others
    like them, those are gone.

    Args:
        tables: names of the tables.
    """
    logger = logging.getLogger("dlt")
    known = _Known(tuple(tables))
    if known not in logger.filters:
        logger.addFilter(known)


@dataclass(frozen=True)
class _Known:
    """A filter of a log: tells whether a record is news."""

    tables: tuple[str, ...]

    def filter(self, record: logging.LogRecord) -> bool:
        message = str(record.msg)
        return not any(
            f"In resource: {name}, when merging arrow schema with dlt schema" in message
            or f"Found `merge_key` for table `{name}` with `upsert`" in message
            for name in self.tables
        )
