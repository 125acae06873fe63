"""Delta and Iceberg tables: what a database does by SQL, done through their own libraries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from chatbotx_source.dlt_internals import clients

_KEYS_AT_ONCE = 1_000
"""Iceberg has to look at every key of a filter for every file."""


class OpenTable(Protocol):
    """A table of files that is read and changed in place."""

    def rows(self, columns: Sequence[str], contacts: Collection[str] | None = None) -> pa.Table:
        """Reads some columns, of all rows or of those of some contacts."""

    def mark_removed(self, ids: Sequence[str], at: datetime) -> None:
        """Sets `removed_at` of the rows with these ids."""

    def delete_loads(self, load_ids: Sequence[str]) -> None:
        """Deletes the rows that these loads have written."""


def open_table(client: Any, name: str) -> OpenTable | None:
    """Opens a table of a destination that keeps Delta or Iceberg tables.

    Args:
        client: of the destination, as `Pipeline.destination_client` makes it.
        name: of the table.

    Returns:
        The table; None when there is none of that name.
    """
    opened = clients.open_table(client, name)
    if opened is None:
        return None
    table_format, table = opened
    return _DeltaTable(table) if table_format == "delta" else _IcebergTable(table)


class _DeltaTable:
    def __init__(self, table: Any) -> None:
        self._table = table

    def rows(self, columns: Sequence[str], contacts: Collection[str] | None = None) -> pa.Table:
        from deltalake import QueryBuilder

        # Not `to_pyarrow_table`: deltalake 1.6 fails there on every filter of a text.
        where = "" if contacts is None else f" WHERE contact_id IN ({_listed(contacts)})"
        query = f"SELECT {', '.join(columns)} FROM delta{where}"  # noqa: S608
        return pa.table(QueryBuilder().register("delta", self._table).execute(query))

    def mark_removed(self, ids: Sequence[str], at: datetime) -> None:
        if not ids:
            return
        marks = pa.table({"id": pa.array(ids, pa.string()), "at": pa.array([at] * len(ids), _TIME)})
        merge = self._table.merge(
            marks, "target.id = source.id", source_alias="source", target_alias="target"
        )
        merge.when_matched_update({"removed_at": "source.at"}).execute()

    def delete_loads(self, load_ids: Sequence[str]) -> None:
        self._table.delete(f"_dlt_load_id IN ({_listed(load_ids)})")


class _IcebergTable:
    def __init__(self, table: Any) -> None:
        self._table = table

    def rows(self, columns: Sequence[str], contacts: Collection[str] | None = None) -> pa.Table:
        from pyiceberg.expressions import AlwaysTrue, In

        of_contacts = AlwaysTrue() if contacts is None else In("contact_id", contacts)
        return self._table.scan(of_contacts, selected_fields=tuple(columns)).to_arrow()

    def mark_removed(self, ids: Sequence[str], at: datetime) -> None:
        from pyiceberg.expressions import In

        for some in _chunks(ids):
            rows = self._table.scan(In("id", some)).to_arrow()
            place = rows.schema.get_field_index("removed_at")
            marked = pa.array([at] * len(rows), rows.schema.field(place).type)
            rows = rows.set_column(place, rows.schema.field(place), marked)
            self._table.overwrite(rows, In("id", some))

    def delete_loads(self, load_ids: Sequence[str]) -> None:
        from pyiceberg.expressions import In

        for some in _chunks(load_ids):
            self._table.delete(In("_dlt_load_id", some))


_TIME = pa.timestamp("us", tz="UTC")


def _listed(keys: Iterable[str]) -> str:
    return ", ".join("'" + key.replace("'", "''") + "'" for key in keys)


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + _KEYS_AT_ONCE] for start in range(0, len(keys), _KEYS_AT_ONCE))
