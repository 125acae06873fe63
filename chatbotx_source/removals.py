"""Marks what was proved gone: sets `removed_at`, and never deletes.

A conversation that was read from top to bottom (`_chatbotx_walks`) has written every message that
is still there again, so what an earlier load has of it is gone. The same holds for contacts and
a complete listing. Marking twice changes nothing, so a crash before it is made good by the next.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone

import dlt
from dlt.destinations.impl.duckdb.sql_client import WithTableScanners

logger = logging.getLogger(__name__)

# Ids are texts of digits: of two with equal length the larger text is the larger number.
MESSAGES = """
    UPDATE {messages} SET removed_at = %s
    WHERE removed_at IS NULL AND EXISTS (
        SELECT 1 FROM {walks} AS walks
        WHERE walks._dlt_load_id IN ({loaded}) AND walks.contact_id = {messages}.contact_id
        AND walks.conversation_id = {messages}.conversation_id
        AND {messages}._dlt_load_id < walks.first_load_id
        AND (
            {messages}.created_at < walks.first_at
            OR {messages}.created_at = walks.first_at
            AND (
                LENGTH({messages}.id) < LENGTH(walks.first_id)
                OR LENGTH({messages}.id) = LENGTH(walks.first_id)
                AND {messages}.id <= walks.first_id
            )
        )
    )
"""

# A load that was killed may have left its walks, but not the messages that they speak of.
LOADED = "SELECT load_id FROM {loads} WHERE status = 0"

DONE = "DELETE FROM {walks} WHERE _dlt_load_id IN ({loaded})"

CONTACTS = """
    UPDATE {contacts} SET removed_at = %s
    WHERE removed_at IS NULL AND _dlt_load_id < %s AND workspace_id = %s
"""


def mark_removed(
    pipeline: dlt.Pipeline, *, listed_since: str | None = None, workspace_id: str | None = None
) -> None:
    """Marks the messages, and the contacts, that are proved gone.

    Args:
        pipeline: whose tables; they must have been loaded.
        listed_since: the load that began a complete listing of contacts; None for none.
        workspace_id: the workspace that was listed.
    """
    now = datetime.now(timezone.utc)
    with pipeline.sql_client() as client:
        if isinstance(client, WithTableScanners):
            logger.info("removed_at is not marked: this destination takes no SQL that changes rows")
            return
        names = {
            name: client.make_qualified_table_name(table)
            for name, table in (
                ("messages", "messages"),
                ("contacts", "contacts"),
                ("walks", "_chatbotx_walks"),
                ("loads", pipeline.default_schema.loads_table_name),
            )
        }
        names["loaded"] = LOADED.format(**names)
        with client.begin_transaction():
            client.execute_sql(MESSAGES.format(**names), now)
            client.execute_sql(DONE.format(**names))
            if listed_since and workspace_id:
                client.execute_sql(CONTACTS.format(**names), now, listed_since, workspace_id)
