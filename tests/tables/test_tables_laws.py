"""Whatever JSON arrives: nothing raises, nothing is lost, every row can be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbotx_source.tables.arrow import TABLES, contact_tables, message_tables
from chatbotx_source.texts import clean

TEXT = st.text(st.characters(exclude_categories=()), max_size=6)
TIMES = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SMALL_IDS = st.integers(0, 3)
VALUES = TIMES | SMALL_IDS.map(str) | SMALL_IDS | JSON


def objects(table: str, prefix: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a table that are right here and wrong there."""
    depth = len(prefix)
    below = [c for c in TABLES[table].columns if c.path[:depth] == prefix and len(c.path) > depth]
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for column in below:
        key = column.path[depth]
        if len(column.path) > depth + 1:
            fields[key] = objects(table, (*prefix, key)) | JSON
        else:
            fields[key] = VALUES
    if not prefix:
        for key, child in TABLES[table].children.items():
            fields[key] = st.lists(objects(child) | JSON, max_size=3) | JSON
    known = st.lists(st.sampled_from(sorted(fields)), max_size=6, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: fields[key] for key in keys})
    )
    return st.builds(
        lambda row, more: {**more, **row}, known, st.dictionaries(TEXT, JSON, max_size=2)
    )


def strict(text: str) -> Any:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def leaves(value: Any) -> Iterator[str]:
    """The scalars in a JSON value, each in one spelling; nulls say nothing."""
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member)
    elif isinstance(value, str):
        yield clean(value)
    elif isinstance(value, datetime):
        yield value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    elif isinstance(value, (bool, int, float)):
        yield json.dumps(value)


def stored(tables: dict[str, pa.Table]) -> Iterator[str]:
    for name, table in tables.items():
        types = {column.name: column.type for column in TABLES[name].columns}
        for row in table.to_pylist():
            for column, value in row.items():
                is_json = types[column] == "json" and value is not None
                yield from leaves(strict(value) if is_json else value)


def check(tables: dict[str, pa.Table]) -> None:
    for name, table in tables.items():
        declared = TABLES[name]
        assert table.schema == declared.schema
        table.validate(full=True)
        keys = [tuple(row[key] for key in declared.primary_key) for row in table.to_pylist()]
        assert len(set(keys)) == len(keys)
        for field in table.schema:
            assert field.nullable or table[field.name].null_count == 0
            if field.type == pa.string():
                assert not any("\0" in text for text in table[field.name].to_pylist() if text)


@settings(max_examples=150, deadline=None)
@given(st.lists(objects("contacts") | JSON, max_size=4))
def test_any_page_of_contacts_makes_tables_that_can_be_stored(rows: list[Any]) -> None:
    check(contact_tables(rows, load_id="1"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXT, objects("messages") | JSON), max_size=4))
def test_any_page_of_messages_makes_tables_that_can_be_stored(rows: list[Any]) -> None:
    check(message_tables(rows, load_id="1", loaded_before=datetime(2026, 1, 1)))


@settings(max_examples=150, deadline=None)
@given(objects("contacts") | JSON)
def test_every_value_of_a_contact_is_found_again(row: Any) -> None:
    tables = contact_tables([row], load_id="1", keep_signed_urls=True)
    assert set(leaves(row)) <= set(stored(tables))


@settings(max_examples=150, deadline=None)
@given(objects("messages") | JSON)
def test_every_value_of_a_message_is_found_again(row: Any) -> None:
    tables = message_tables([("1", row)], load_id="1", keep_signed_urls=True)
    assert set(leaves(row)) <= set(stored(tables))


@settings(max_examples=100, deadline=None)
@given(st.lists(objects("contacts"), max_size=4))
def test_rows_come_out_the_same_alone_and_among_others(rows: list[dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        row["id"] = str(place)
    together = contact_tables(rows, load_id="1")
    alone = [contact_tables([row], load_id="1") for row in rows]
    for name, table in together.items():
        one_by_one = pa.concat_tables(
            [TABLES[name].schema.empty_table()] + [t[name] for t in alone]
        )
        order = [(key, "ascending") for key in TABLES[name].primary_key]
        assert table.sort_by(order).to_pylist() == one_by_one.sort_by(order).to_pylist()
