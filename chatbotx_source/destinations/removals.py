"""Marks what was proved gone: sets `removed_at`, and never deletes.

A conversation that was read from top to bottom (`_chatbotx_walks`) has written every message that
is still there again, so what an earlier load has of it is gone. The same holds for contacts and
a complete listing. Marking twice changes nothing, so a crash before it is made good by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dlt
import duckdb
import pyarrow as pa

from chatbotx_source import clock
from chatbotx_source.destinations.table_files import OpenTable, open_table
from chatbotx_source.dlt_internals.clients import (
    answers_from_views,
    answers_sql,
    keeps_files,
    loads_in_files,
    loads_table,
)
from chatbotx_source.shards import Shard

logger = logging.getLogger(__name__)

# No column is qualified: databases differ in how the table of an UPDATE is to be named.
# Ids are texts of digits: of two with equal length the larger text is the larger number.
GONE_MESSAGES = """
    removed_at IS NULL AND EXISTS (
        SELECT 1 FROM (
            SELECT contact_id AS walked_contact, conversation_id AS walked_conversation,
                first_at, first_id, first_load_id
            FROM {walks} WHERE _dlt_load_id IN ({loaded})
        ) AS walked
        WHERE walked_contact = contact_id AND walked_conversation = conversation_id
        AND _dlt_load_id < first_load_id
        AND (
            created_at < first_at
            OR created_at = first_at
            AND (
                LENGTH(id) < LENGTH(first_id) OR LENGTH(id) = LENGTH(first_id) AND id <= first_id
            )
        )
    )
"""
GONE_CONTACTS = "removed_at IS NULL AND _dlt_load_id < {since} AND workspace_id = {workspace}"

# A load that was killed may have left its walks, but not the messages that they speak of.
LOADED = "SELECT load_id FROM {loads} WHERE status = 0"

WALKED = "SELECT DISTINCT _dlt_load_id FROM {walks} WHERE _dlt_load_id IN ({loaded})"
MARK = "UPDATE {table} SET removed_at = %s WHERE "
FIND = "SELECT id FROM {table} WHERE "
DONE = "DELETE FROM {walks} WHERE _dlt_load_id IN ({loaded})"

_OF_WALKS = [
    *("contact_id", "conversation_id", "first_at", "first_id", "first_load_id", "_dlt_load_id"),
]
_OF_MESSAGES = ["id", "contact_id", "conversation_id", "created_at", "removed_at", "_dlt_load_id"]

_NO_UPDATE = frozenset({"dlt.destinations.clickhouse"})
"""Destinations with an SQL of their own that has no such UPDATE."""

_IDS_AT_ONCE = 1_000
"""Databases limit the parameters of a statement."""


@dataclass(frozen=True)
class Listed:
    """A complete listing of contacts: who was not written since is gone.

    Attributes:
        since: the load that began it.
        workspace_id: the workspace.
        shard: the part of the contacts that it has written; None for all.
    """

    since: str
    workspace_id: str
    shard: Shard | None = None

    def own(self, ids: Iterable[str]) -> list[str]:
        """The contacts that it speaks of."""
        return [id_ for id_ in ids if self.shard is None or self.shard.holds(id_)]


def mark_removed(pipeline: dlt.Pipeline, listing: Listed | None = None) -> None:
    """Marks the messages, and the contacts, that are proved gone.

    Args:
        pipeline: whose tables; they must have been loaded.
        listing: a complete listing of contacts; None for none.
    """
    now = clock.now()
    client = pipeline.destination_client()
    if keeps_files(client):
        _mark_in_files(pipeline, client, listing, now)
    elif _takes_updates(pipeline, client):
        _mark_in_database(pipeline, listing, now)
    else:
        logger.info("removed_at is not marked: this destination takes no SQL that changes rows")


def _takes_updates(pipeline: dlt.Pipeline, client: Any) -> bool:
    return (
        answers_sql(client)
        and not answers_from_views(client)
        and pipeline.destination.destination_type not in _NO_UPDATE
    )


def _mark_in_database(pipeline: dlt.Pipeline, listing: Listed | None, now: datetime) -> None:
    with pipeline.sql_client() as client:
        names = {
            name: client.make_qualified_table_name(table)
            for name, table in (
                ("messages", "messages"),
                ("contacts", "contacts"),
                ("walks", "_chatbotx_walks"),
                ("loads", loads_table(pipeline)),
            )
        }
        loaded = LOADED.format(**names)
        find = (FIND + GONE_CONTACTS).format(table=names["contacts"], since="%s", workspace="%s")
        with client.begin_transaction():
            # Asked once: another pipeline may add walks before they are marked, and deleted.
            found = client.execute_sql(WALKED.format(**names, loaded=loaded))
            walked = [load_id for (load_id,) in found or ()]
            if walked:
                names["loaded"] = _places(walked)
                mark = (MARK + GONE_MESSAGES).format(table=names["messages"], **names)
                client.execute_sql(mark, now, *walked)
                client.execute_sql(DONE.format(**names), *walked)
            if listing:
                found = client.execute_sql(find, listing.since, listing.workspace_id)
                gone = listing.own(id_ for (id_,) in found or ())
                for start in range(0, len(gone), _IDS_AT_ONCE):
                    ids = gone[start : start + _IDS_AT_ONCE]
                    mark = MARK.format(table=names["contacts"]) + f"id IN ({_places(ids)})"
                    client.execute_sql(mark, now, *ids)


def _places(values: list[str]) -> str:
    return ", ".join(["%s"] * len(values))


def _mark_in_files(
    pipeline: dlt.Pipeline, client: Any, listing: Listed | None, now: datetime
) -> None:
    with client:
        walks, messages, contacts = (
            open_table(client, name) for name in ("_chatbotx_walks", "messages", "contacts")
        )
        if walks and messages:
            _mark_walked(walks, messages, loads_in_files(client, pipeline), now)
        if listing and contacts:
            found = _find(
                GONE_CONTACTS.format(since="?", workspace="?"),
                contacts.rows(["id", "workspace_id", "removed_at", "_dlt_load_id"]),
                listing.since,
                listing.workspace_id,
            )
            contacts.mark_removed(listing.own(found), now)


def _mark_walked(walks: OpenTable, messages: OpenTable, loads: list[str], now: datetime) -> None:
    walked = walks.rows(_OF_WALKS)
    if not len(walked):
        return
    gone = _find(
        GONE_MESSAGES.format(walks="walks", loaded="SELECT load_id FROM loads"),
        messages.rows(_OF_MESSAGES, set(walked["contact_id"].to_pylist())),
        walks=walked,
        loads=pa.table({"load_id": pa.array(loads, pa.string())}),
    )
    messages.mark_removed(gone, now)
    walks.delete_loads(sorted(set(walked["_dlt_load_id"].to_pylist()) & set(loads)))


def _find(condition: str, rows: pa.Table, *values: str, **others: pa.Table) -> list[str]:
    """Ids of the rows that meet a condition, found by a DuckDB in memory."""
    with duckdb.connect() as connection:
        for name, table in {"found_rows": rows, **others}.items():
            connection.register(name, table)
        found = connection.execute(FIND.format(table="found_rows") + condition, values).fetchall()
    return [id_ for (id_,) in found]
