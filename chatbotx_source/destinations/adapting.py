"""What depends on the destination of a load: what it cannot do, and what it does better."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dlt
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource, DltSource

from chatbotx_source.dlt_internals.clients import (
    connected,
    empty_staging,
    staging_dataset,
    staging_table,
)
from chatbotx_source.dlt_internals.configuration import has_one_dataset
from chatbotx_source.dlt_internals.hints import (
    lacks_a_merge,
    merge_only,
    staged_once,
    table_formats,
)
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.tables.columns import TABLES, Table

DUCKDB = "dlt.destinations.duckdb"
POSTGRES = "dlt.destinations.postgres"
_TEXT: TColumnSchema = {"data_type": "text"}
JSON_AS_TEXT = frozenset({"dlt.destinations.bigquery", "dlt.destinations.sqlalchemy"})


def adapt(source: DltSource, pipeline: dlt.Pipeline) -> None:
    """Makes the resources fit the destination of a pipeline.

    JSON becomes text where dlt cannot write it as JSON: BigQuery refuses it in Parquet files, and
    SQLAlchemy would encode it a second time. PostgreSQL gets INSERT statements: the CSV that dlt
    would make of Arrow tables turns empty texts into nulls. DuckDB finds doubled rows by their
    numbers.

    Args:
        source: whose resources are about to be loaded; changed.
        pipeline: that loads them.

    Raises:
        ConfigurationError: rows that are read again would be there twice.
    """
    destination_type = pipeline.destination.destination_type
    numbered = _numbered(pipeline) if destination_type == DUCKDB else None
    for name, resource in source.selected_resources.items():
        if name not in TABLES:
            continue
        _refuse_duplicates(resource, destination_type)
        if destination_type == POSTGRES:
            resource.apply_hints(file_format="insert_values")
        if destination_type in JSON_AS_TEXT:
            columns = {each.name: _TEXT for each in TABLES[name].columns if each.type == "json"}
            if columns:  # dlt takes an empty dictionary for: forget all hints, and the keys
                resource.apply_hints(columns=columns)
        resource.apply_hints(
            additional_table_hints={
                **merge_only(numbered(TABLES[name]) if numbered else None),
                **staged_once(numbered is not None),
            }
        )


@contextmanager
def compacted(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keeps a DuckDB file small while a load is written to it, which also takes less time.

    DuckDB compresses what was written when the last connection is closed: here that is once, at the
    end, when the staging tables are empty. dlt closes it after every step, and leaves them full.

    Args:
        pipeline: that loads.
    """
    if pipeline.destination.destination_type != DUCKDB:
        yield
        return
    client = pipeline.sql_client()
    with connected(client) as is_open:
        yield
        if is_open:
            merged = [table.name for table in TABLES.values() if table.write_disposition == "merge"]
            empty_staging(client, merged)


def _numbered(pipeline: dlt.Pipeline) -> Callable[[Table], str] | None:
    """Writes a condition that holds for one staged row of each key, by the number of the row.

    A file that is copied into the staging dataset again after a crash is there twice. dlt finds
    that out by a window over whole rows, which takes DuckDB more memory than the rows themselves,
    and half the time of a merge; the key and DuckDB's number of a row are enough.

    Args:
        pipeline: whose dataset is meant. A package that was left may be loaded into another one,
            of which the condition then holds without exception.

    Returns:
        What writes it for a table; None where dlt has a dataset for each schema.
    """
    if not has_one_dataset(pipeline):
        return None
    client = pipeline.sql_client()
    datasets = f"'{client.dataset_name}', '{staging_dataset(client)}'"

    def write(table: Table) -> str:
        staged = staging_table(client, table.name)
        key = ", ".join(f'"{column}"' for column in table.primary_key)
        first = f"SELECT min(rowid) FROM {staged} GROUP BY {key}"  # noqa: S608
        return f"current_schema() NOT IN ({datasets}) OR rowid IN ({first})"

    return write


def _refuse_duplicates(resource: DltResource, destination_type: str) -> None:
    formats = [each for each in table_formats() if each != "hive"]
    if formats and lacks_a_merge(resource):
        raise ConfigurationError(
            f"The destination {destination_type.rpartition('.')[2]!r} only appends to its files as "
            "they are: what is read again would be there twice. Set sources.chatbotx.table_format "
            f"to {' or '.join(map(repr, sorted(formats)))}."
        )
