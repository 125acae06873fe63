"""How dlt merges a table: hints that it reads and does not document, and the strategy it takes."""

from __future__ import annotations

from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.extract import DltResource


def merge_only(condition: str | None) -> dict[str, Any]:
    """Makes a merge take only those staged rows for which a condition holds.

    Loudly: a condition with a brace in it is refused, as dlt looks for placeholders.
    Silently: if dlt does not read the hint, a key that is staged twice is in the table twice, as
    `staged_once` has told it not to look.

    Args:
        condition: in SQL, on the columns of the staging table; None for all rows.

    Returns:
        Additional hints of the table.
    """
    return {"x-merge-source-filter": condition}


def staged_once(holds: bool) -> dict[str, Any]:
    """Says that the rows of a merge have each key once, so that dlt need not choose among them.

    Silently: if dlt does not read the hint, the rows are right, but a merge into DuckDB takes
    twice the time, and more memory than the rows themselves.

    Args:
        holds: whether it is so.

    Returns:
        Additional hints of the table.
    """
    return {"x-stage-data-deduplicated": True if holds else None}


def table_formats() -> list[str]:
    """Lists the formats of tables that the destination of the running load gives a choice of.

    Loudly: without capabilities in dlt's container, every load fails.
    Silently: if they no longer list the formats, nobody is told to set `table_format`, and rows
    that are read again are in the files twice: dlt appends them, with a warning.

    Returns:
        Names of formats, such as `delta`; none for most databases.
    """
    return list(Container()[DestinationCapabilitiesContext].supported_table_formats or ())


def lacks_a_merge(resource: DltResource) -> bool:
    """Tells whether a resource asks for a merge that the destination of the running load has not.

    Loudly: without these functions, nothing can be imported, or every load fails.
    Silently: if dlt finds the strategy in another way, a resource is refused that it would merge,
    or one is taken that it would append, as `table_formats` says.

    Args:
        resource: about to be loaded.
    """
    table = resource.compute_table_schema()
    return (
        table.get("write_disposition") == "merge"
        and resolve_merge_strategy(
            {resource.name: table}, table, Container()[DestinationCapabilitiesContext]
        )
        is None
    )
