"""The destinations, each in a place of its own, and their tables read without dlt."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import dlt
import duckdb
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.destinations.impl.ducklake.configuration import DuckLakeCredentials

Row = dict[str, Any]

DATASET = "data"
BUCKET = "lake"


class Store(ABC):
    """A destination.

    Args:
        place: a directory for what it stores on disk.
        address: of the server behind it; empty where there is none.

    Attributes:
        table_format: what its files are to be, as the source takes it; None for a database.
        upserts: whether rows that a load no longer has stay: it replaces by key and no more.
        types_of: what it calls the types of JSON and times.
    """

    table_format: str | None = None
    upserts = False
    types_of: ClassVar[Mapping[str, str]]

    def __init__(self, place: Path, address: str = "") -> None:
        self.place = place
        self.address = address

    @abstractmethod
    def destination(self) -> Destination[Any, Any]:
        """The destination as dlt takes it."""

    @abstractmethod
    def rows(self, name: str) -> list[Row]:
        """All rows of a table, JSON as text."""

    @abstractmethod
    def types(self, name: str) -> dict[str, str]:
        """The types of the columns of a table, by name; what the destination calls them."""


class DuckDB(Store):
    """A DuckDB file."""

    types_of: ClassVar = {"json": "JSON", "timestamp": "TIMESTAMP WITH TIME ZONE"}

    def destination(self) -> Destination[Any, Any]:
        return dlt.destinations.duckdb(str(self.place / "store.duckdb"))

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(self.place / "store.duckdb"), read_only=True) as connection:
            yield connection

    def rows(self, name: str) -> list[Row]:
        with self.connected() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.execute(f"SELECT * FROM {DATASET}.{name}")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def types(self, name: str) -> dict[str, str]:
        with self.connected() as connection:
            described = connection.execute(f"DESCRIBE {DATASET}.{name}").fetchall()
        return {column: type_ for column, type_, *_ in described}


class DuckLake(DuckDB):
    """A lake of Parquet files whose catalog is a SQLite file."""

    def destination(self) -> Destination[Any, Any]:
        return dlt.destinations.ducklake(
            DuckLakeCredentials(
                "lake",
                catalog=f"duckdb:///{self.place / 'catalog.duckdb'}",
                storage=(self.place / "files").as_uri(),
            )
        )

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH 'ducklake:{self.place / 'catalog.duckdb'}' AS lake")
            connection.execute("USE lake")
            yield connection


class Postgres(Store):
    """A database of a PostgreSQL server."""

    types_of: ClassVar = {"json": "jsonb", "timestamp": "timestamp with time zone"}

    def destination(self) -> Destination[Any, Any]:
        return dlt.destinations.postgres(self.address)

    def _ask(self, sql: str, *values: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        import psycopg2

        with closing(psycopg2.connect(self.address)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [column.name for column in cursor.description or ()], cursor.fetchall()

    def rows(self, name: str) -> list[Row]:
        columns = ", ".join(
            f"{column}::text" if type_ == "jsonb" else column
            for column, type_ in self.types(name).items()
        )
        names, rows = self._ask(f"SELECT {columns} FROM {DATASET}.{name}")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def types(self, name: str) -> dict[str, str]:
        _, rows = self._ask(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s",
            DATASET,
            name,
        )
        return dict(rows)


class SQLite(Store):
    """A SQLite file, through SQLAlchemy: its times are UTC, and do not say so."""

    types_of: ClassVar = {"json": "TEXT", "timestamp": "DATETIME"}

    def destination(self) -> Destination[Any, Any]:
        return dlt.destinations.sqlalchemy(f"sqlite:///{self.place / 'store.db'}")

    def _ask(self, sql: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.place / f"store__{DATASET}.db")) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql).fetchall()

    def rows(self, name: str) -> list[Row]:
        return [dict(row) for row in self._ask(f"SELECT * FROM {name}")]

    def types(self, name: str) -> dict[str, str]:
        rows = self._ask(f"SELECT * FROM pragma_table_info('{name}')")
        return {row["name"]: row["type"] for row in rows}


class Files(Store):
    """A folder of files, or a bucket of a server that speaks as S3 does."""

    upserts = True
    types_of: ClassVar = {"json": "string", "timestamp": "timestamp[us, tz=UTC]"}

    def destination(self) -> Destination[Any, Any]:
        if not self.address:
            return dlt.destinations.filesystem((self.place / "files").as_uri())
        return dlt.destinations.filesystem(
            f"s3://{BUCKET}/{self.place.name}",
            credentials={
                "aws_access_key_id": "any",
                "aws_secret_access_key": "any",
                "region_name": "us-east-1",
                "endpoint_url": self.address,
            },
            deltalake_storage_options={"AWS_ALLOW_HTTP": "true"},
        )

    def location(self, name: str) -> str:
        """Where a table is."""
        bucket = f"s3://{BUCKET}/{self.place.name}"
        return f"{bucket if self.address else self.place / 'files'}/{DATASET}/{name}"

    @abstractmethod
    def arrow(self, name: str) -> pa.Table:
        """A table as its library reads it."""

    def rows(self, name: str) -> list[Row]:
        rows: list[Row] = self.arrow(name).to_pylist()
        return rows

    def types(self, name: str) -> dict[str, str]:
        return {field.name: str(field.type) for field in self.arrow(name).schema}


class Delta(Files):
    """Delta tables."""

    table_format = "delta"

    def arrow(self, name: str) -> pa.Table:
        from deltalake import DeltaTable

        options = {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        return DeltaTable(
            self.location(name), storage_options=options if self.address else None
        ).to_pyarrow_table()


class Iceberg(Files):
    """Iceberg tables, with no catalog but their files."""

    table_format = "iceberg"
    types_of: ClassVar = {"json": "large_string", "timestamp": "timestamp[us, tz=UTC]"}

    def arrow(self, name: str) -> pa.Table:
        import fsspec
        from pyiceberg.table import StaticTable

        credentials = {
            "endpoint_url": self.address,
            "key": "any",
            "secret": "any",
            "skip_instance_cache": True,  # others write what it would not look for again
        }
        files, path = fsspec.url_to_fs(self.location(name), **(credentials if self.address else {}))
        newest = max(files.glob(f"{path}/metadata/*.metadata.json"))
        properties = {
            "s3.endpoint": self.address,
            "s3.access-key-id": "any",
            "s3.secret-access-key": "any",
            "s3.region": "us-east-1",
        }
        table = StaticTable.from_metadata(
            files.unstrip_protocol(newest), properties if self.address else {}
        )
        return table.scan().to_arrow()
