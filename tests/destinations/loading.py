"""A job whose tables are in any of the destinations, read by the rules that the docs give."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dlt

from chatbotx_source.sandbox import Workspace
from chatbotx_source.tables.columns import TABLES
from tests.destinations.stores import DATASET, Row, Store
from tests.support.loading import Job
from tests.support.oracle import KEYS, Tables, canonical


class StoredJob(Job):
    """A workspace behind a sandbox, and a pipeline into a destination.

    Args:
        workspace: what the sandbox tells about.
        store: the destination.
        place: a directory for the pipeline.
        **options: of the sandbox.
    """

    def __init__(self, workspace: Workspace, store: Store, place: Path, **options: Any) -> None:
        super().__init__(workspace, place, **options)
        self.store = store

    @property
    def pipeline(self) -> dlt.Pipeline:
        return dlt.pipeline(
            "job",
            pipelines_dir=str(self._place / "pipelines"),
            destination=self.store.destination(),
            dataset_name=DATASET,
        )

    @property
    def options(self) -> dict[str, Any]:
        return super().options | {"table_format": self.store.table_format}

    def tables(self) -> Tables:
        stored = {name: self.store.rows(name) for name in KEYS}
        if self.store.upserts:
            stored = {name: current(name, rows, stored) for name, rows in stored.items()}
        return {
            name: sorted(
                (read_back(name, row) for row in rows),
                key=lambda row: tuple(row[part] for part in KEYS[name]),
            )
            for name, rows in stored.items()
        }


def current(name: str, rows: list[Row], stored: dict[str, list[Row]]) -> list[Row]:
    """The rows that are not outdated: those of the load that has last written their parent."""
    parent, _, is_child = name.partition("__")
    if not is_child:
        return rows
    written = {row["id"]: row["_dlt_load_id"] for row in stored[parent]}
    key = "message_id" if parent == "messages" else "contact_id"
    return [
        row for row in rows if not row["_removed"] and row["_dlt_load_id"] == written.get(row[key])
    ]


def read_back(name: str, row: Row) -> Row:
    """A row in the form of the oracle: times and JSON as texts of one form."""
    types = {column.name: column.type for column in TABLES[name].columns}
    assert row.keys() - {"_dlt_id"} == types.keys()
    assert not row["_removed"] if "_removed" in row else True, "a marker has stayed"
    return {
        column: plain(value, types[column])
        for column, value in row.items()
        if not column.startswith("_")
    }


def plain(value: Any, type_: str) -> Any:
    """A value in the form of the oracle."""
    if value is None:
        return None
    if type_ == "json":
        return canonical(json.loads(value))
    if type_ == "bool":
        return bool(value)
    if type_ == "timestamp":
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        zoned = time.replace(tzinfo=time.tzinfo or timezone.utc).astimezone(timezone.utc)
        return zoned.isoformat(timespec="milliseconds")[:23] + "Z"
    return value
