"""What the tables hold, as plain rows: read anew after every step."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb

from tests.support.oracle import KEYS

Row = dict[str, Any]
UNSEEN = {"_dlt_load_id", "_dlt_id", "_removed"}


@dataclass(frozen=True)
class Tables:
    """The rows of all tables.

    Attributes:
        rows: by table.
        load_ids: by table, the load that wrote each row.
    """

    rows: dict[str, list[Row]]
    load_ids: dict[str, list[str]]

    def by_id(self, name: str, key: str = "id") -> dict[str, Row]:
        """The rows of a table by a column."""
        return {row[key]: row for row in self.rows.get(name, ())}

    def grouped(self, name: str, key: str) -> dict[str, list[Row]]:
        """The rows of a table by a column that several may share."""
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows.get(name, ()):
            groups[row[key]].append(row)
        return groups

    @property
    def loads(self) -> list[tuple[str, Row]]:
        """The rows of `_chatbotx_syncs` with the ids of the loads, in their order."""
        name = "_chatbotx_syncs"
        ids = self.load_ids.get(name, [])
        return sorted(zip(ids, self.rows.get(name, []), strict=True), key=lambda each: each[0])

    def twice(self) -> list[str]:
        """Rows that are there twice."""
        found = []
        for name, key in KEYS.items():
            keys = [tuple(row[part] for part in key) for row in self.rows.get(name, ())]
            found += [f"{name} {each}" for each in {*keys} if keys.count(each) > 1]
        return found


def read(file: Path, schema: str) -> Tables:
    """Reads all tables of the source; none before the first load."""
    rows: dict[str, list[Row]] = {}
    load_ids: dict[str, list[str]] = {}
    if not file.exists():
        return Tables(rows, load_ids)
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        known = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?", [schema]
        ).fetchall()
        for (name,) in known:
            if name.startswith("_dlt"):
                continue
            cursor = connection.execute(f"SELECT * FROM {schema}.{name}")
            columns = [each[0] for each in cursor.description or ()]
            found = [dict(zip(columns, each, strict=True)) for each in cursor.fetchall()]
            load_ids[name] = [row["_dlt_load_id"] for row in found]
            rows[name] = [
                {key: _plain(value) for key, value in row.items() if key not in UNSEEN}
                for row in found
            ]
    return Tables(rows, load_ids)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"
    return value
