"""SQL that is written against the tables runs after the first load, whatever is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbotx_source.sandbox import Workspace, synthetic
from chatbotx_source.tables.columns import TABLES
from tests.support.loading import SPRING, Job, reading

Columns = dict[str, list[tuple[str, str, str]]]

NAMES = {
    "contacts",
    "contacts__tags",
    "contacts__contact_custom_fields",
    "contacts__contact_notes",
    "contacts__contact_inboxes",
    "messages",
    "messages__attachments",
    "_chatbotx_syncs",
    "_chatbotx_unfinished",
}
TYPES = {
    "text": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "bool": "BOOLEAN",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "json": "JSON",
}


def with_nothing_but_nulls() -> Workspace:
    """Rows that hold nothing that may be missing."""
    workspace = Workspace()
    nothing: dict[str, Any] = dict.fromkeys(
        ("firstName", "lastName", "fullName", "emailVerified", "emailOptIn", "createdAt")
    )
    contact = workspace.add_contact(**nothing)
    workspace.add_contact(channels=(), conversation=False, **nothing)
    workspace.add_message(
        contact,
        text=None,
        sourceId=None,
        contentType=None,
        type=None,
        workspaceId=None,
        attachments=[{"fileType": "file", "mimeType": "a/b", "name": None, "size": None}],
    )
    return workspace


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """DuckDB files of an empty workspace, of one full of nulls and of one full of everything."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        place = tmp_path_factory.mktemp("workspaces")
        loaded = {}
        for name, workspace in {
            "empty": Workspace(),
            "nulls": with_nothing_but_nulls(),
            "full": synthetic(contacts=60, now=SPRING),
        }.items():
            with Job(workspace, place, name) as job:
                assert job.sync().complete
                loaded[name] = job.file
        yield loaded


def columns(file: Path) -> Columns:
    with reading(file) as connection:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable "
            "FROM information_schema.columns WHERE table_schema = 'data' ORDER BY ordinal_position"
        ).fetchall()
    found: Columns = {}
    for table, *column in rows:
        if not table.startswith("_dlt"):
            found.setdefault(table, []).append((column[0], column[1], column[2]))
    return found


@pytest.mark.parametrize("name", ["empty", "nulls", "full"])
def test_every_table_has_every_column_in_its_type(files: dict[str, Path], name: str) -> None:
    found = columns(files[name])
    assert found.keys() == TABLES.keys() >= NAMES
    for table, declared in TABLES.items():
        assert found[table] == [
            (column.name, TYPES[column.type], "YES" if column.nullable else "NO")
            for column in declared.columns
        ]


@pytest.mark.parametrize("name", ["empty", "nulls", "full"])
def test_every_column_can_be_asked_for(files: dict[str, Path], name: str) -> None:
    with reading(files[name]) as connection:
        for table, declared in TABLES.items():
            names = ", ".join(f"t.{column.name}" for column in declared.columns)
            connection.execute(f"SELECT {names} FROM {table} AS t").fetchall()
        joined = connection.execute(
            "SELECT m.text, c.conversation__assigned_user__name, a.url, i.inbox__name, t.name "
            "FROM messages m JOIN contacts c ON c.id = m.contact_id "
            "LEFT JOIN messages__attachments a ON a.message_id = m.id "
            "LEFT JOIN contacts__contact_inboxes i ON i.id = m.contact_inbox_id "
            "LEFT JOIN contacts__tags t ON t.contact_id = c.id WHERE m.deleted_at IS NULL "
            "AND m.removed_at IS NULL AND c.blocked_at IS NULL"
        ).fetchall()
    assert bool(joined) == (name != "empty")


def test_tables_and_columns_are_described_in_the_schema(tmp_path: Path) -> None:
    with Job(Workspace(), tmp_path) as job:
        job.sync()
        schema = job.pipeline.default_schema
        for table in NAMES:
            assert schema.tables[table].get("description")
            for name, column in schema.tables[table]["columns"].items():
                assert column.get("description") or name.startswith("_dlt"), (table, name)


def test_a_workspace_that_fills_up_keeps_its_schema(tmp_path: Path) -> None:
    workspace = Workspace()
    with Job(workspace, tmp_path) as job:
        job.sync()
        before = columns(job.file)
        version = job.pipeline.default_schema.version_hash
        contact = workspace.add_contact(location={"lat": 1.5}, email="ana@example.com")
        workspace.add_tag(contact, "vip")
        workspace.add_message(contact, attachments=1, attributes=[1], unheardOf={"a": 1})
        job.sync()
        assert columns(job.file) == before
        assert job.pipeline.default_schema.version_hash == version
        assert job.query("SELECT extra->>'$.unheardOf.a' FROM messages") == [("1",)]
