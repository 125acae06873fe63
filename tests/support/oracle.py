"""What the tables have to hold, computed from the sandbox's own truth, and what they do hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import duckdb

from chatbotx_source.sandbox import Workspace

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]

KEYS = {
    "contacts": ("id",),
    "contacts__tags": ("contact_id", "id"),
    "contacts__contact_custom_fields": ("contact_id", "id"),
    "contacts__contact_notes": ("contact_id", "id"),
    "contacts__contact_inboxes": ("contact_id", "id"),
    "messages": ("id",),
    "messages__attachments": ("id",),
}
LISTS = {
    "tags": "contacts__tags",
    "contactCustomFields": "contacts__contact_custom_fields",
    "contactNotes": "contacts__contact_notes",
    "contactInboxes": "contacts__contact_inboxes",
}
OBJECTS = {"conversation", "assignedUser", "assignedInboxTeam", "inbox", "user", "contact"}
JSON_KEYS = {"location", "additionalAttributes", "contentAttributes", "attributes"}
BOOKKEEPING = {"_dlt_load_id", "_dlt_id"}


def expected(workspace: Workspace) -> Tables:
    """The rows that a complete load has to bring: all that the server can show."""
    truth = workspace.truth()
    tables: dict[str, list[Row]] = {name: [] for name in KEYS}
    for contact_id, contact in truth.contacts.items():
        own = {key: value for key, value in contact.items() if key not in LISTS}
        tables["contacts"].append(flat(own))
        for key, table in LISTS.items():
            elements = contact.get(key, [])
            tables[table] += [flat(each) | {"contact_id": contact_id} for each in elements]
    for message_id in visible(workspace):
        message = truth.messages[message_id]
        contact_id = truth.contact_of[message_id]
        own = {key: value for key, value in message.items() if key != "attachments"}
        tables["messages"].append(flat(own) | {"contact_id": contact_id})
        tables["messages__attachments"] += [
            flat(each) | {"contact_id": contact_id, "list_index": place}
            for place, each in enumerate(message["attachments"])
        ]
    return _in_order(tables)


def visible(workspace: Workspace) -> set[str]:
    """Ids of the messages that the server shows.

    They are those of the conversations that are served, and not later than the window of the
    first page.
    """
    truth = workspace.truth()
    ends = {
        conversation: workspace.window_end(conversation)
        for conversation in truth.served.values()
        if conversation is not None
    }
    return {
        message_id
        for message_id, message in truth.messages.items()
        if message["conversationId"] in ends
        and message["createdAt"] <= (ends[message["conversationId"]] or message["createdAt"])
    }


def flat(row: Row, prefix: str = "") -> Row:
    """A row of the API under the names and in the form of a table."""
    columns: Row = {}
    for key, value in row.items():
        snake_case: str = re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), key)
        name = prefix + snake_case
        if key in OBJECTS:
            columns |= flat(value or {}, f"{name}__")
        elif key in JSON_KEYS:
            columns[name] = None if value is None else canonical(value)
        else:
            columns[name] = value.replace("\0", "\ufffd") if isinstance(value, str) else value
    return columns


def canonical(value: Any) -> str:
    """One text for each JSON value: numbers of two kinds differ, the order of members does not."""
    return json.dumps(value, sort_keys=True).replace("\\u0000", "\\ufffd")


def loaded(connection: duckdb.DuckDBPyConnection) -> Tables:
    """The rows in the tables, in the same form."""
    return _in_order({name: list(_rows(connection, name)) for name in KEYS})


def of_contact(tables: Tables, contact_id: str) -> Tables:
    """The rows of one contact."""
    return {
        name: [
            row for row in rows if contact_id == row["id" if name == "contacts" else "contact_id"]
        ]
        for name, rows in tables.items()
    }


def difference(expected: Tables, loaded: Tables) -> list[str]:
    """Tells in a few lines how the tables differ; empty when they do not."""
    lines = []
    for name, key in KEYS.items():
        wanted = {tuple(row[part] for part in key): row for row in expected[name]}
        found = {tuple(row[part] for part in key): row for row in loaded[name]}
        if len(found) < len(loaded[name]):
            lines.append(f"{name}: {len(loaded[name]) - len(found)} rows are there twice")
        if missing := wanted.keys() - found.keys():
            lines.append(f"{name}: {len(missing)} rows are missing, such as {min(missing)}")
        if surplus := found.keys() - wanted.keys():
            lines.append(f"{name}: {len(surplus)} rows too many, such as {min(surplus)}")
        for each in sorted(wanted.keys() & found.keys()):
            lines += [f"{name}{each}.{text}" for text in _unlike(wanted[each], found[each])]
    return lines[:20]


def _unlike(wanted: Row, found: Row) -> list[str]:
    return [
        f"{column} is {found.get(column)!r:.200}, not {wanted.get(column)!r:.200}"
        for column in wanted.keys() | found.keys()
        if found.get(column, ...) != wanted.get(column)
    ]


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Iterable[Row]:
    columns = [
        (name, type_)
        for name, type_, *_ in connection.execute(f"DESCRIBE {table}").fetchall()
        if name not in BOOKKEEPING
    ]
    selected = [
        f"json_extract({name}, '$')::VARCHAR" if type_ == "JSON" else name
        for name, type_ in columns
    ]
    for values in connection.execute(f"SELECT {', '.join(selected)} FROM {table}").fetchall():
        row = {
            name: _read_back(value, type_)
            for (name, type_), value in zip(columns, values, strict=True)
        }
        assert not row.pop("_removed", None), f"{table}: a marker of removed rows has stayed"
        yield row


def _read_back(value: Any, type_: str) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"
    return value if value is None or type_ != "JSON" else canonical(json.loads(value))


def _in_order(tables: Mapping[str, list[Row]]) -> Tables:
    return {
        name: sorted(rows, key=lambda row: tuple(row[part] for part in KEYS[name]))
        for name, rows in tables.items()
    }
