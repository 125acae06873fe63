"""What dlt's clients of a destination can do beyond a query: staging, datasets, tables of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import dlt
from dlt.common.destination.client import SupportsOpenTables
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.destinations.fs_client import FSClientBase
from dlt.destinations.impl.duckdb.sql_client import WithTableScanners
from dlt.destinations.sql_client import SqlClientBase, WithSqlClient


def keeps_files(client: Any) -> bool:
    """Tells whether the tables of a destination are files, and not tables of a database.

    Loudly: without these classes, nothing can be imported.
    Silently: if the client of files is of neither class, nothing is marked removed in files; a
    line in the log says so.

    Args:
        client: of the destination, as `Pipeline.destination_client` makes it.
    """
    return isinstance(client, SupportsOpenTables) and isinstance(client, FSClientBase)


def answers_sql(client: Any) -> bool:
    """Tells whether a destination can be asked with SQL.

    Loudly: without this class, nothing can be imported.
    Silently: if the client of a database is not of it, nothing is marked removed there, and a load
    that a killed process has recorded is recorded twice.

    Args:
        client: of the destination, as `Pipeline.destination_client` makes it.
    """
    return isinstance(client, WithSqlClient)


def answers_from_views(client: Any) -> bool:
    """Tells whether a destination is asked by views in a DuckDB of dlt's own: none can be changed.

    Loudly: without this class, nothing can be imported; the UPDATE of a view is an error.

    Args:
        client: of a destination that answers SQL.
    """
    return issubclass(client.sql_client_class, WithTableScanners)


def open_table(client: Any, name: str) -> tuple[str, Any] | None:
    """Opens a Delta or Iceberg table with the library of its format.

    Loudly: without these methods, a sync fails after each load, whose rows are in the tables.
    Silently: if no table is said to be of a format, nothing is marked removed in files.

    Args:
        client: of a destination that keeps files.
        name: of the table.

    Returns:
        Its format, `delta` or `iceberg`, and the table; None when there is none of that name.
    """
    for table_format in ("delta", "iceberg"):
        if name in client.schema.tables and client.is_open_table(table_format, name):
            try:
                return table_format, client.load_open_table(table_format, name)
            except DestinationUndefinedEntity:
                return None
    return None


def loads_in_files(client: Any, pipeline: dlt.Pipeline) -> list[str]:
    """Lists the loads that are finished, where tables are files: each has one named after it.

    Loudly: without the method, a sync fails after each load, whose rows are in the tables.
    Silently: if the load id is not the last part of the name, no load seems finished, and nothing
    is marked removed in files.

    Args:
        client: of a destination that keeps files.
        pipeline: that made the loads.

    Returns:
        Their load ids.
    """
    files = client.list_table_files(loads_table(pipeline))
    return [PurePath(file).stem.rpartition("__")[2] for file in files]


def loads_table(pipeline: dlt.Pipeline) -> str:
    """Gives the name of the table in which dlt records the loads that are finished.

    Loudly: another name is an error of the database.

    Args:
        pipeline: whose naming convention is meant.
    """
    return str(pipeline.default_schema.loads_table_name)


def staging_dataset(client: SqlClientBase[Any]) -> str:
    """Gives the name of the dataset in which rows wait to be merged.

    Loudly: without it, no load into DuckDB begins.
    Silently: with another name, the condition given to `hints.merge_only` holds for every row,
    those that are staged twice too.

    Args:
        client: of a database.
    """
    return str(client.staging_dataset_name)


def staging_table(client: SqlClientBase[Any], table: str) -> str:
    """Gives the name of a staging table, as SQL has it.

    Loudly: another name is an error of the database, in the load.

    Args:
        client: of a database.
        table: that the rows are merged into.
    """
    return client.get_qualified_table_names(table)[1]


def table_in(client: SqlClientBase[Any], dataset: str, table: str) -> str:
    """Gives the name of a table in a dataset beside the client's own, as SQL has it.

    Loudly: another name is an error of the database, when a report is written.

    Args:
        client: of a database.
        dataset: that the table is in.
        table: its name.
    """
    with client.with_alternative_dataset_name(dataset):
        return client.make_qualified_table_name(table)


def empty_staging(client: SqlClientBase[Any], tables: Iterable[str]) -> None:
    """Empties staging tables, as dlt does before the next load.

    Loudly: without these methods, a sync fails after its first load into DuckDB.
    Silently, and fatally: if it no longer meant the staging dataset, the tables of the user would
    be empty. The test sees to that first.

    Args:
        client: of a database, connected.
        tables: that were loaded.
    """
    with client.with_staging_dataset():
        client.truncate_tables(*tables)


@contextmanager
def connected(client: SqlClientBase[Any]) -> Iterator[bool]:
    """Keeps a connection open, while dlt opens and closes others to the same database.

    Loudly: without these methods, no load into DuckDB begins.
    Silently: if dlt opened the file for each connection anew, DuckDB would compress it several
    times in a load, which takes longer and leaves it larger.

    Args:
        client: of a database.

    Yields:
        Whether it is open. Where there is an obstacle, the load meets the same, and tells of it.
    """
    try:
        client.open_connection()
        is_open = True
    except DestinationConnectionError:
        is_open = False
    try:
        yield is_open
    finally:
        if is_open:
            client.close_connection()


def duckdb_file(client: SqlClientBase[Any]) -> str:
    """Gives the path of the DuckDB file that a client is of.

    Loudly: without it, the analytics tables are not built on DuckDB; with another one, dbt says
    that the tables are missing.

    Args:
        client: of DuckDB.
    """
    return str(client.credentials.database)


def connection_string(client: SqlClientBase[Any]) -> str:
    """Gives what libpq needs to connect where a client does, with the password.

    Loudly: without it, the analytics tables are not built on PostgreSQL.

    Args:
        client: of PostgreSQL.
    """
    return str(client.credentials.to_native_representation())


def last_place(pipeline: dlt.Pipeline) -> str | None:
    """Says where the last load of this process went, as dlt shows it to people: no password.

    Loudly: without it, the command fails after the load, which is complete.
    Silently: if it is put otherwise, the command no longer shows a query to paste.

    Args:
        pipeline: that has loaded.

    Returns:
        An address; of a DuckDB file `duckdb:///` and its path. None where nothing was loaded.
    """
    trace = pipeline.last_trace
    loaded = trace.last_load_info if trace else None
    return loaded.destination_displayable_credentials if loaded else None
