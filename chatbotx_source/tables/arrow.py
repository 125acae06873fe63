"""Rows of the API into Arrow tables: declared columns, nothing lost, nothing a load dies of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from chatbotx_source.redaction import redact_url
from chatbotx_source.tables.columns import TABLES, Column, Table
from chatbotx_source.tables.json_text import free_key, json_text
from chatbotx_source.tables.misfits import Kind, Misfits
from chatbotx_source.tables.values import converted, fitted, usable_id
from chatbotx_source.texts import clean

__all__ = [
    "TABLES",
    "Column",
    "Misfits",
    "Table",
    "contact_tables",
    "empty",
    "message_tables",
    "sync_table",
    "unfinished_table",
    "walks_table",
]

_BLOCK = 2_000
"""Rows converted at a time: few enough to stay in the processor's cache, a tenth off the time."""

_ABSENT: dict[str, Any] = {}


def contact_tables(
    rows: Sequence[Any],
    *,
    load_id: str,
    misfits: Misfits | None = None,
    keep_signed_urls: bool = False,
) -> dict[str, pa.Table]:
    """Makes the tables of a listing of contacts.

    A contact whose list (of tags, say) is there but empty gets a marker in the table of that list,
    which makes a merge remove what an earlier load put there.

    Args:
        rows: the contacts as decoded from JSON; of two rows with one id the later one counts.
        load_id: the load that the rows belong to.
        misfits: counts, in addition, what was kept in `extra`.
        keep_signed_urls: leave signatures in the URLs kept in `extra`.

    Returns:
        By name: `contacts` and the tables of its four lists.
    """
    load = _Load(load_id, Misfits() if misfits is None else misfits, not keep_signed_urls)
    contacts = load.batch(TABLES["contacts"], rows)
    lists = []
    for key in contacts.table.children:
        elements, without = contacts.elements(key)
        lists.append(contacts.child(key, elements + contacts.markers(without)))
    return {batch.table.name: batch.to_arrow() for batch in (contacts, *lists)}


def message_tables(
    rows: Sequence[tuple[str, Any]],
    *,
    load_id: str,
    loaded_before: datetime | None = None,
    misfits: Misfits | None = None,
    keep_signed_urls: bool = False,
) -> dict[str, pa.Table]:
    """Makes the tables of messages.

    A message without attachments that may have had some in an earlier load gets a marker in
    `messages__attachments`, which makes a merge remove them.

    Args:
        rows: the contact's id and the message as decoded from JSON; of two messages with one id
            the later one counts.
        load_id: the load that the rows belong to.
        loaded_before: messages up to this time may be in an earlier load, unedited or not; None
            leaves only those that were edited since they were sent.
        misfits: counts, in addition, what was kept in `extra`.
        keep_signed_urls: leave signatures in the URLs of attachments.

    Returns:
        By name: `messages` and `messages__attachments`.
    """
    load = _Load(load_id, Misfits() if misfits is None else misfits, not keep_signed_urls)
    contacts = {contact: clean(contact) for contact, _ in rows}
    messages = load.batch(
        TABLES["messages"], [row for _, row in rows], [contacts[contact] for contact, _ in rows]
    )
    elements, without = messages.elements("attachments")
    table = messages.to_arrow()
    known = _may_be_known(table, loaded_before)
    elements += messages.markers(position for position in without if known[position])
    attachments = messages.child("attachments", elements)
    return {messages.table.name: table, attachments.table.name: attachments.to_arrow()}


def sync_table(rows: Sequence[Mapping[str, Any]], *, load_id: str) -> pa.Table:
    """Makes `_chatbotx_syncs` of rows that are already named and typed as its columns.

    Args:
        rows: values by column name; times are datetimes or ISO 8601 texts.
        load_id: the load that the rows belong to.

    Returns:
        The table.

    Raises:
        ValueError: a row has a column that the table has not, or a value of another type.
    """
    return _typed(TABLES["_chatbotx_syncs"], rows, load_id)


def unfinished_table(rows: Sequence[Mapping[str, Any]], *, load_id: str) -> pa.Table:
    """Makes `_chatbotx_unfinished`; arguments, result and errors are those of `sync_table`."""
    return _typed(TABLES["_chatbotx_unfinished"], rows, load_id)


def walks_table(rows: Sequence[Mapping[str, Any]], *, load_id: str) -> pa.Table:
    """Makes `_chatbotx_walks`; arguments, result and errors are those of `sync_table`."""
    return _typed(TABLES["_chatbotx_walks"], rows, load_id)


def empty(name: str) -> pa.Table:
    """The table of that name with all its columns and no row."""
    return TABLES[name].schema.empty_table()


@dataclass(frozen=True)
class _Load:
    """What all batches of one call share."""

    load_id: str
    misfits: Misfits
    redact: bool

    def batch(self, table: Table, rows: Sequence[Any], contacts: list[str] | None = None) -> _Batch:
        """The rows of a top table, each with an id of its own."""
        owners = contacts or [""] * len(rows)
        ids = [
            (usable_id(row.get("id")) if isinstance(row, dict) else None)
            or self._made_id(table, row, owner)
            for row, owner in zip(rows, owners, strict=True)
        ]
        last = {id_: position for position, id_ in enumerate(ids)}
        if len(last) < len(ids):
            self.misfits.add(table.name, Kind.REPEATED, "id", len(ids) - len(last))
        places = sorted(last.values())
        given = {"id": [ids[place] for place in places]}
        if contacts is not None:
            given["contact_id"] = [contacts[place] for place in places]
        batch = _Batch(self, table, [_ABSENT] * len(places), given)
        for position, place in enumerate(places):
            row = rows[place]
            if isinstance(row, dict):
                batch.objects[position] = row
            else:
                batch.keep(position, "(row)", row, Kind.UNFIT)
        return batch

    def _made_id(self, table: Table, row: Any, owner: str) -> str:
        self.misfits.add(table.name, Kind.NAMELESS, "id")
        # Redacted, because a signature would make another row of it in every load.
        written = json_text([owner, row], redact=True)
        return "unidentified:" + hashlib.sha256(written.encode()).hexdigest()[:32]


class _Element(NamedTuple):
    """An element of a list in a row.

    Attributes:
        parent: the position of the row among its like.
        place: the place in the list; None for a marker.
        id: its own id.
        value: what the API sent.
    """

    parent: int
    place: int | None
    id: str
    value: dict[str, Any]


@dataclass
class _Batch:
    """Rows of one table on their way into Arrow.

    Attributes:
        load: the load they belong to.
        table: the table.
        objects: the rows as the API sent them.
        given: by name, the columns whose values do not come out of `objects`.
        extras: by position, what no column takes.
    """

    load: _Load
    table: Table
    objects: list[dict[str, Any]]
    given: dict[str, list[Any]]
    extras: dict[int, dict[str, Any]] = field(default_factory=dict)

    def keep(self, position: int, path: str, value: Any, kind: Kind) -> None:
        """Keeps a value that no column takes."""
        extra = self.extras.setdefault(position, {})
        extra[free_key(path, extra)] = value
        self.load.misfits.add(self.table.name, kind, path)

    def elements(self, key: str) -> tuple[list[_Element], list[int]]:
        """Takes the elements of a list out of the rows.

        Args:
            key: the API's key of the list.

        Returns:
            The elements that can be rows, and the positions of the rows whose list holds none.
        """
        unique_alone = TABLES[self.table.children[key]].primary_key == ("id",)
        taken = set()
        elements: list[_Element] = []
        without = []
        for position, row in enumerate(self.objects):
            listed = row.get(key)
            if listed is None:
                continue
            if not isinstance(listed, list):
                self.keep(position, key, listed, Kind.UNFIT)
                continue
            before = len(elements)
            for index, element in enumerate(listed):
                if not isinstance(element, dict):
                    self.keep(position, f"{key}[{index}]", element, Kind.UNFIT)
                    continue
                id_ = usable_id(element.get("id"))
                if id_ is None:
                    id_ = f"unidentified:{self.given['id'][position]}:{index}"
                identity = id_ if unique_alone else (position, id_)
                if identity in taken:
                    self.keep(position, f"{key}[{index}]", element, Kind.DOUBLED)
                    continue
                taken.add(identity)
                elements.append(_Element(position, index, id_, element))
            if len(elements) == before:
                without.append(position)
        return elements, without

    def markers(self, positions: Iterable[int]) -> list[_Element]:
        """Stand-ins for the elements of rows that have none any more."""
        ids = self.given["id"]
        return [_Element(place, None, f"removed:{ids[place]}", _ABSENT) for place in positions]

    def child(self, key: str, elements: Sequence[_Element]) -> _Batch:
        """Makes rows of the elements of a list."""
        table = TABLES[self.table.children[key]]
        ids = self.given["id"]
        contacts = self.given.get("contact_id", ids)
        given = {
            "id": [element.id for element in elements],
            "contact_id": [contacts[element.parent] for element in elements],
            "message_id": [ids[element.parent] for element in elements],
            "list_index": [element.place for element in elements],
            "_removed": [element.place is None for element in elements],
        }
        names = {column.name for column in table.columns}
        return _Batch(
            self.load,
            table,
            [element.value for element in elements],
            {name: values for name, values in given.items() if name in names},
        )

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table with every declared column."""
        blocks = [
            self._block(start).block_to_arrow() for start in range(0, len(self.objects), _BLOCK)
        ]
        return pa.concat_tables(blocks) if blocks else empty(self.table.name)

    def _block(self, start: int) -> _Batch:
        end = start + _BLOCK
        return _Batch(
            self.load,
            self.table,
            self.objects[start:end],
            {name: values[start:end] for name, values in self.given.items()},
            {n - start: self.extras[n] for n in range(start, end) if n in self.extras},
        )

    def block_to_arrow(self) -> pa.Table:
        """What `to_arrow` makes, for no more rows than the processor's cache takes."""
        arrays: dict[str, pa.Array] = {}
        self._fill_below((), self.objects, arrays)
        for column in self.table.columns:
            if column.name in self.given:
                arrays[column.name] = pa.array(self.given[column.name], column.arrow_type)
        size = len(self.objects)
        extras = [self.extras.get(position) for position in range(size)]
        arrays["extra"] = pa.array(
            [extra and json_text(extra, redact=self.load.redact) for extra in extras], pa.string()
        )
        arrays["_dlt_load_id"] = pa.repeat(self.load.load_id, size)
        return pa.table(
            [
                arrays.get(column.name, pa.nulls(size, column.arrow_type))
                for column in self.table.columns
            ],
            schema=self.table.schema,
        )

    def _fill_below(
        self, prefix: tuple[str, ...], objects: list[dict[str, Any]], arrays: dict[str, pa.Array]
    ) -> None:
        """Fills the columns of the objects found under a path, and of the objects in them."""
        depth = len(prefix)
        below = [c for c in self.table.columns if c.path[:depth] == prefix and len(c.path) > depth]
        keys = dict.fromkeys(column.path[depth] for column in below)
        children = () if prefix else self.table.children
        values, alike = _transposed(objects, [*keys, *(key for key in children if key not in keys)])
        for column in below:
            if len(column.path) == depth + 1:
                self._fill_column(column, values[column.path[depth]], arrays)
        for key in dict.fromkeys(c.path[depth] for c in below if len(c.path) > depth + 1):
            if values[key].count(None) < len(objects):
                path = (*prefix, key)
                self._fill_below(
                    path, [self._object(n, path, v) for n, v in enumerate(values[key])], arrays
                )
        for position, row in enumerate(() if alike else objects):
            if not row.keys() <= values.keys():
                for key in row:  # in the row's order, so that `extra` is the same in every load
                    if key not in values:
                        self.keep(position, ".".join((*prefix, key)), row[key], Kind.UNDECLARED)

    def _object(self, position: int, path: tuple[str, ...], value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self.keep(position, ".".join(path), value, Kind.UNFIT)
        return _ABSENT

    def _fill_column(
        self, column: Column, values: Sequence[Any], arrays: dict[str, pa.Array]
    ) -> None:
        path = ".".join(column.path)
        if column.name in self.given:
            # The source knows better: what the API says instead must agree, or is kept.
            given = self.given[column.name]
            misfits = [
                position
                for position, value in enumerate(values)
                if value is not None
                and value != given[position]
                and fitted(column, value) != given[position]
            ]
        elif column.form == "url" and self.load.redact:
            redacted = [redact_url(v) if isinstance(v, str) else v for v in values]
            arrays[column.name], misfits = converted(column, redacted)
        else:
            arrays[column.name], misfits = converted(column, values)
        for position in misfits:
            self.keep(position, path, values[position], Kind.UNFIT)


def _transposed(
    objects: list[dict[str, Any]], keys: list[str]
) -> tuple[dict[str, Sequence[Any]], bool]:
    """The values of each key, and whether no object has any other key."""
    first = objects[0] if objects else {}
    present = [key for key in keys if key in first]
    if len(present) == len(first) > 1 and set(map(len, objects)) == {len(first)}:
        try:  # most often all objects have the same keys, which are then looked up in one go
            columns = zip(*map(itemgetter(*present), objects), strict=True)
            nothing: Sequence[Any] = (None,) * len(objects)
            return dict.fromkeys(keys, nothing) | dict(zip(present, columns, strict=True)), True
        except KeyError:
            pass
    return {key: [row.get(key) for row in objects] for key in keys}, False


def _may_be_known(messages: pa.Table, loaded_before: datetime | None) -> list[bool]:
    """Whether each message may be in an earlier load, with attachments that it has lost since."""
    created, updated = messages["created_at"], messages["updated_at"]
    known = pc.not_equal(created, updated)
    if loaded_before is not None:
        known = pc.or_kleene(known, pc.less_equal(created, pa.scalar(loaded_before, created.type)))
    answer: list[bool] = known.fill_null(True).to_pylist()
    return answer


def _typed(table: Table, rows: Sequence[Mapping[str, Any]], load_id: str) -> pa.Table:
    names = {column.name for column in table.columns}
    if unknown := {name for row in rows for name in row} - names:
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    arrays = []
    for column in table.columns:
        values = [row.get(column.name) for row in rows]
        if column.name == "_dlt_load_id":
            values = [load_id] * len(rows)
        array, misfits = converted(column, values)
        if misfits:
            raise ValueError(
                f"{table.name}.{column.name} is {column.type}, not {values[misfits[0]]!r}"
            )
        arrays.append(array)
    return pa.table(arrays, schema=table.schema)
