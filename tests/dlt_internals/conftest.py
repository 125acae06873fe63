"""Pipelines that load next to nothing, to see what dlt makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.extract import DltResource

Pipelines = Callable[..., dlt.Pipeline]


@pytest.fixture
def to_duckdb(tmp_path: Path) -> Pipelines:
    """Attaches to a pipeline that loads into a DuckDB file, as another process would."""

    def attach(name: str = "watched", file: str = "watched.duckdb", **options: Any) -> dlt.Pipeline:
        made: dlt.Pipeline = dlt.pipeline(
            name,
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.duckdb(str(tmp_path / file)),
            **{"dataset_name": "data", **options},
        )
        return made

    return attach


@pytest.fixture
def to_files(tmp_path: Path) -> Pipelines:
    """Attaches to a pipeline that loads into files."""

    def attach(name: str = "watched") -> dlt.Pipeline:
        return dlt.pipeline(
            name,
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.filesystem(str(tmp_path / "files")),
            dataset_name="data",
        )

    return attach


@pytest.fixture
def pipeline(to_duckdb: Pipelines) -> dlt.Pipeline:
    """A pipeline that has loaded nothing yet."""
    return to_duckdb()


def things(*batches: Any, **hints: Any) -> DltResource:
    """A table of things, which are merged by their id.

    Args:
        *batches: rows, or Arrow tables; by default one row.
        **hints: of the resource.
    """
    made: DltResource = dlt.resource(
        list(batches) or [{"id": 1, "name": "one"}],
        name="things",
        **{"write_disposition": "merge", "primary_key": "id", **hints},
    )
    return made


def query(pipeline: dlt.Pipeline, sql: str) -> list[tuple[Any, ...]]:
    """Asks the database of a pipeline; `{things}` is its table."""
    with pipeline.sql_client() as client:
        table = client.make_qualified_table_name("things")
        return [tuple(row) for row in client.execute_sql(sql.format(things=table)) or ()]
