"""What the tests of loading share: a workspace behind the sandbox, and a pipeline that loads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

import dlt
import duckdb
from dlt.common.pipeline import LoadInfo
from dlt.extract import DltSource

from chatbotx_source import SyncSummary, chatbotx, sync
from chatbotx_source.sandbox import Request, Sandbox, Workspace
from tests.support.oracle import Tables, difference, expected, loaded, of_contact

SPRING = datetime(2025, 3, 4, 12, tzinfo=timezone.utc)
"""A past in which a clock can be moved on for months: the server's clock decides what is new."""


class Job:
    """A workspace behind a sandbox, and a pipeline into a DuckDB file of its own.

    Args:
        workspace: what the sandbox tells about.
        place: a directory for the pipeline and the file.
        name: of the pipeline.
        **options: of the sandbox.

    Attributes:
        sandbox: the sandbox.
        workspace: the workspace.
        file: the DuckDB file.
    """

    def __init__(
        self, workspace: Workspace, place: Path, name: str = "job", **options: Any
    ) -> None:
        self.workspace = workspace
        self.sandbox = Sandbox(workspace, **options)
        self.file = place / f"{name}.duckdb"
        self._place = place
        self._name = name

    def __enter__(self) -> Job:
        self.sandbox.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.sandbox.__exit__(exc_type, exc, traceback)

    @property
    def pipeline(self) -> dlt.Pipeline:
        """The pipeline, attached to anew as another process would."""
        return dlt.pipeline(
            self._name,
            pipelines_dir=str(self._place / "pipelines"),
            destination=dlt.destinations.duckdb(str(self.file)),
            dataset_name="data",
        )

    @property
    def options(self) -> dict[str, Any]:
        """Options of the source that lead it here, without a pace and without long waits."""
        return {
            "api_token": self.sandbox.token,
            "base_url": self.sandbox.base_url,
            "max_requests_per_second": 0,
            "max_wait": 0.01,
        }

    def source(self, **options: Any) -> DltSource:
        return chatbotx(**{**self.options, **options})

    def run(self, *resources: str, refresh: Any = None, **options: Any) -> LoadInfo:
        """One load of some resources or of all, as with any dlt source."""
        source = self.source(**options)
        if resources:
            source = source.with_resources(*resources)
        return self.pipeline.run(source, refresh=refresh)

    def sync(self, **options: Any) -> SyncSummary:
        return sync(self.pipeline, **{**self.options, **options})

    def requests(self, kind: str | None = None) -> list[Request]:
        """The requests that the sandbox has met, all of them or those of a kind."""
        return [each for each in self.sandbox.requests if kind in (None, each.kind)]

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with reading(self.file) as connection:
            return connection.execute(sql, parameters).fetchall()

    def cost(self, **options: Any) -> tuple[int, int]:
        """Syncs, and tells how many requests for contacts and for messages that took."""
        before = len(self.sandbox.requests)
        self.sync(reconcile_share=0, **options)
        kinds = [each.kind for each in self.sandbox.requests[before:]]
        return len(kinds) - kinds.count("messages"), kinds.count("messages")

    def tables(self) -> Tables:
        with reading(self.file) as connection:
            return loaded(connection)

    def differences(self, contact: str | None = None) -> list[str]:
        """How the tables differ from the truth, of all contacts or of one; empty: not at all."""
        wanted, found = expected(self.workspace), self.tables()
        if contact is not None:
            wanted, found = of_contact(wanted, contact), of_contact(found, contact)
        return difference(wanted, found)


@contextmanager
def reading(file: Path, schema: str = "data") -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a DuckDB file that a load has written."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute(f"SET search_path = '{schema}'")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
