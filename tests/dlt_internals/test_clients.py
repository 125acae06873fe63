"""What dlt's clients of a destination can do: staging, datasets, tables of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from chatbotx_source.dlt_internals import clients
from tests.dlt_internals.conftest import Pipelines, query, things


def test_a_database_answers_sql_from_its_tables(pipeline: dlt.Pipeline) -> None:
    client = pipeline.destination_client()
    assert not clients.keeps_files(client)
    assert clients.answers_sql(client)
    assert not clients.answers_from_views(client)
    pipeline.run(things())
    assert query(pipeline, "UPDATE {things} SET name = 'two' RETURNING name") == [("two",)]


def test_files_answer_sql_from_views_that_nobody_can_change(to_files: Pipelines) -> None:
    pipeline = to_files()
    pipeline.run(things())
    client = pipeline.destination_client()
    assert clients.keeps_files(client)
    assert clients.answers_sql(client)
    assert clients.answers_from_views(client)
    assert query(pipeline, "SELECT name FROM {things}") == [("one",)]
    with pytest.raises(Exception, match="base table"):
        query(pipeline, "UPDATE {things} SET name = 'two'")


def test_a_function_answers_no_sql() -> None:
    @dlt.destination
    def taking(_items: Any, _table: Any) -> None:
        """Takes rows."""

    client = dlt.pipeline("function", destination=taking).destination_client()
    assert not clients.answers_sql(client)
    assert not clients.keeps_files(client)


def test_plain_files_are_no_table_that_can_be_opened(to_files: Pipelines) -> None:
    pipeline = to_files()
    pipeline.run(things())
    with pipeline.destination_client() as client:
        assert clients.open_table(client, "things") is None
        assert clients.open_table(client, "nothing") is None


@pytest.mark.parametrize(
    ("table_format", "library", "kind"),
    [("delta", "deltalake", "DeltaTable"), ("iceberg", "pyiceberg", "Table")],
)
def test_a_table_of_files_is_opened_by_its_own_library(
    to_files: Pipelines, table_format: str, library: str, kind: str
) -> None:
    pytest.importorskip(library)
    pipeline = to_files()
    pipeline.run(things(table_format=table_format))
    with pipeline.destination_client() as client:
        opened = clients.open_table(client, "things")
        assert opened is not None
        assert (opened[0], type(opened[1]).__name__) == (table_format, kind)
        assert clients.open_table(client, "nothing") is None


def test_finished_loads_are_read_off_the_names_of_files(to_files: Pipelines) -> None:
    pipeline = to_files()
    made = [pipeline.run(things()).loads_ids[0] for _ in range(2)]
    with pipeline.destination_client() as client:
        assert sorted(clients.loads_in_files(client, pipeline)) == made


def test_a_load_is_recorded_with_status_0_when_it_is_finished(pipeline: dlt.Pipeline) -> None:
    [load_id] = pipeline.run(things()).loads_ids
    table = clients.loads_table(pipeline)
    assert query(pipeline, f"SELECT load_id, status FROM data.{table}") == [(load_id, 0)]
    assert query(pipeline, "SELECT _dlt_load_id FROM {things}") == [(load_id,)]


def test_merged_rows_stay_in_the_staging_tables_until_they_are_emptied(
    pipeline: dlt.Pipeline,
) -> None:
    client = pipeline.sql_client()
    staged = clients.staging_table(client, "things")
    assert staged.replace('"', "").endswith(f"{clients.staging_dataset(client)}.things")
    counts = f"SELECT (SELECT count(*) FROM {{things}}), (SELECT count(*) FROM {staged})"
    pipeline.run(things())
    assert query(pipeline, counts) == [(1, 1)]
    with clients.connected(client) as is_open:
        assert is_open
        clients.empty_staging(client, ["things"])
    assert query(pipeline, counts) == [(1, 0)]


def test_a_table_in_another_dataset_is_named_and_the_client_keeps_its_own(
    pipeline: dlt.Pipeline,
) -> None:
    client = pipeline.sql_client()
    own = client.make_qualified_table_name("things")
    other = clients.table_in(client, "data_analytics", "things")
    assert other == own.replace("data", "data_analytics", 1) != own
    assert client.make_qualified_table_name("things") == own


def test_a_file_is_compressed_once_while_a_connection_is_open(
    pipeline: dlt.Pipeline, tmp_path: Path
) -> None:
    unwritten = tmp_path / "watched.duckdb.wal"
    with clients.connected(pipeline.sql_client()):
        pipeline.run(things())
        assert unwritten.exists()
    assert not unwritten.exists()
    pipeline.run(things())
    assert not unwritten.exists()


def test_an_obstacle_to_a_connection_is_told_and_not_raised(to_duckdb: Pipelines) -> None:
    client = to_duckdb(file="no/such/folder.duckdb").sql_client()
    with clients.connected(client) as is_open:
        assert not is_open


def test_the_file_of_a_client_can_be_opened_by_others(pipeline: dlt.Pipeline) -> None:
    pipeline.run(things())
    with duckdb.connect(clients.duckdb_file(pipeline.sql_client())) as connection:
        assert connection.execute("SELECT name FROM data.things").fetchall() == [("one",)]


def test_the_connection_string_of_a_client_is_what_libpq_takes() -> None:
    extensions = pytest.importorskip("psycopg2.extensions")
    address = "postgresql://loader:hunter2@127.0.0.1:5433/chats"
    pipeline = dlt.pipeline(
        "server", destination=dlt.destinations.postgres(address), dataset_name="data"
    )
    told = extensions.parse_dsn(clients.connection_string(pipeline.sql_client()))
    expected = {"user": "loader", "password": "hunter2", "host": "127.0.0.1", "port": "5433"}
    assert {name: told[name] for name in expected} == expected
    assert told["dbname"] == "chats"


def test_the_last_place_is_the_file_that_was_loaded_into(
    to_duckdb: Pipelines, tmp_path: Path
) -> None:
    pipeline = to_duckdb()
    assert clients.last_place(pipeline) is None
    pipeline.run(things())
    assert clients.last_place(pipeline) == f"duckdb:///{tmp_path / 'watched.duckdb'}"
