"""What dlt and DuckDB make of the tables: types, merges, removals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest

from chatbotx_source.tables.arrow import (
    TABLES,
    contact_tables,
    empty,
    message_tables,
    sync_table,
    unfinished_table,
    walks_table,
)

TIME = "2026-07-28T05:43:24.674Z"
LATER = "2026-07-28T06:00:00.000Z"
DEEP = 1_000
DUCKDB_TYPES = {
    "text": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "bool": "BOOLEAN",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "json": "JSON",
}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def message(id_: str, *attachments: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return "1", {
        "id": id_,
        "createdAt": TIME,
        "updatedAt": TIME,
        "attachments": [{"id": name, "name": name} for name in attachments],
        **fields,
    }


def contact(id_: str, *tags: str) -> dict[str, Any]:
    return {"id": id_, "tags": [{"id": name, "name": name} for name in tags]}


@dataclass
class Warehouse:
    """A pipeline into a DuckDB file of its own."""

    pipeline: dlt.Pipeline

    def load(self, tables: Mapping[str, pa.Table]) -> None:
        self.pipeline.run(
            [
                dlt.resource(
                    [table],
                    name=name,
                    columns=TABLES[name].hints,
                    write_disposition=TABLES[name].write_disposition,
                )
                for name, table in tables.items()
            ]
        ).raise_on_failed_jobs()

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.pipeline.sql_client() as client:
            return [tuple(row) for row in client.execute_sql(sql, *parameters) or []]


@pytest.fixture(scope="module", autouse=True)
def no_telemetry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        yield


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, no_telemetry: None) -> Warehouse:
    """Two loads, the second of which edits what the first has brought."""
    place: Path = tmp_path_factory.mktemp("warehouse")
    pipeline = dlt.pipeline(
        "tables",
        pipelines_dir=str(place / "pipelines"),
        destination=dlt.destinations.duckdb(str(place / "tables.duckdb")),
        dataset_name="data",
    )
    warehouse = Warehouse(pipeline)
    warehouse.load(
        {
            **contact_tables(
                [contact("1", "a", "b"), contact("2", "a"), contact("3", "a")], load_id="1"
            ),
            **message_tables(
                [
                    message("1", "1a", "1b"),
                    message("2", "2a"),
                    message("3", "3a"),
                    message("4"),
                    message("5", attributes={"big": 2**70, "nul": "\0", "surrogate": "\ud800"}),
                    message("6", attributes=nested(DEEP)),
                    message("7", attributes="just text", shoeSize=[2**70, 0.1]),
                ],
                load_id="1",
            ),
            "_chatbotx_syncs": sync_table([{"pass": 1, "began": TIME}], load_id="1"),
            "_chatbotx_unfinished": unfinished_table(
                [{"pipeline": name, "contact_id": "1"} for name in ("asia", "europe")],
                load_id="1",
            ),
            "_chatbotx_walks": walks_table([{"contact_id": "1"}], load_id="1"),
        }
    )
    warehouse.load(
        {
            **contact_tables([contact("1", "b"), contact("2")], load_id="2"),
            **message_tables(
                [message("1", "1b", updatedAt=LATER), message("2", updatedAt=LATER), message("4")],
                load_id="2",
                loaded_before=datetime(2026, 8, 1, tzinfo=timezone.utc),
            ),
            "_chatbotx_syncs": sync_table([{"pass": 1, "began": LATER}], load_id="2"),
            "_chatbotx_unfinished": unfinished_table(
                [{"pipeline": "asia", "contact_id": "", "_removed": True}], load_id="2"
            ),
        }
    )
    return warehouse


def types_in(warehouse: Warehouse, table: str) -> dict[str, str]:
    return dict(
        warehouse.query(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'data' AND table_name = %s ORDER BY ordinal_position",
            table,
        )
    )


@pytest.mark.parametrize("name", TABLES)
def test_every_column_arrives_under_its_name_in_its_type(warehouse: Warehouse, name: str) -> None:
    declared = {column.name: DUCKDB_TYPES[column.type] for column in TABLES[name].columns}
    assert types_in(warehouse, name) == declared


@pytest.mark.long
def test_empty_tables_are_created_with_every_column(tmp_path: Path, warehouse: Warehouse) -> None:
    pipeline = dlt.pipeline(
        "empty",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "empty.duckdb")),
        dataset_name="data",
    )
    nothing = Warehouse(pipeline)
    nothing.load({name: empty(name) for name in TABLES})
    for name in TABLES:
        assert types_in(nothing, name) == types_in(warehouse, name)
        assert nothing.query(f"SELECT count(*) FROM {name}") == [(0,)]


def test_attachments_that_a_message_has_lost_are_gone(warehouse: Warehouse) -> None:
    rows = warehouse.query("SELECT message_id, id FROM messages__attachments ORDER BY id")
    assert rows == [("1", "1b"), ("3", "3a")]


def test_tags_that_a_contact_has_lost_are_gone(warehouse: Warehouse) -> None:
    rows = warehouse.query("SELECT contact_id, id FROM contacts__tags ORDER BY 1, 2")
    assert rows == [("1", "b"), ("3", "a")]


def test_rows_are_replaced_by_key_and_never_doubled(warehouse: Warehouse) -> None:
    assert warehouse.query("SELECT id, _dlt_load_id FROM messages ORDER BY id") == [
        ("1", "2"),
        ("2", "2"),
        ("3", "1"),
        ("4", "2"),
        ("5", "1"),
        ("6", "1"),
        ("7", "1"),
    ]


def test_syncs_add_up_and_a_pipeline_replaces_its_own_unfinished_contacts(
    warehouse: Warehouse,
) -> None:
    assert warehouse.query("SELECT _dlt_load_id FROM _chatbotx_syncs ORDER BY 1") == [
        ("1",),
        ("2",),
    ]
    assert warehouse.query("SELECT pipeline, contact_id FROM _chatbotx_unfinished") == [
        ("europe", "1")
    ]


def test_times_keep_their_instant(warehouse: Warehouse) -> None:
    [(milliseconds,)] = warehouse.query("SELECT epoch_ms(created_at) FROM messages WHERE id = '3'")
    assert milliseconds == 1785217404674


def test_json_can_be_queried_and_is_exact(warehouse: Warehouse) -> None:
    def attribute(id_: str, path: str) -> Any:
        return warehouse.query(
            "SELECT json_extract_string(attributes, %s) FROM messages WHERE id = %s", path, id_
        )[0][0]

    assert attribute("5", "$.big") == str(2**70)
    assert attribute("5", "$.nul") == attribute("5", "$.surrogate") == "�"
    assert attribute("7", "$") == "just text"
    [(deep,)] = warehouse.query("SELECT attributes::VARCHAR FROM messages WHERE id = '6'")
    assert deep == "[" * DEEP + "1" + "]" * DEEP
    [(extra,)] = warehouse.query("SELECT extra::VARCHAR FROM messages WHERE id = '7'")
    assert json.loads(extra) == {"shoeSize": [2**70, 0.1]}
