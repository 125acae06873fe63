"""The limit: a loop with requests, orjson, pyarrow and one DuckDB insert; no state, no merge.

One thread, every row in memory. `--listing` reads the contacts alone.
"""

import os
import sys
from collections.abc import Iterator

import duckdb
import orjson
import pyarrow as pa
import requests

URL = os.environ["CHATBOTX_URL"] + "/v1/contacts"
SORT = '[{"id":"id","desc":false}]'
TIMES = ("createdAt", "updatedAt", "deletedAt", "messageCreatedAt")
JSON = ("contentAttributes", "attributes")
TABLES = {
    "contacts": ("id", "createdAt", "updatedAt", "phoneNumber", "email", "fullName"),
    "messages": (
        *("id", "createdAt", "updatedAt", "conversationId", "contactInboxId", "workspaceId"),
        *("text", "contentAttributes", "messageType", "contentType", "senderType", "senderId"),
        *("sourceId", "deletedAt", "type", "parentId", "attributes", "contactId"),
    ),
    "attachments": (
        *("id", "createdAt", "updatedAt", "workspaceId", "conversationId", "messageId"),
        *("messageCreatedAt", "fileType", "sourceId", "mimeType", "width", "height", "size"),
        *("thumbnailPath", "originPath", "name", "url"),
    ),
}
session = requests.Session()
session.headers["Authorization"] = "Bearer " + os.environ["CHATBOTX_TOKEN"]


def contacts() -> Iterator[dict]:
    """Every contact of the listing."""
    page = pages = 1
    while page <= pages:
        answer = session.get(URL, params={"page": page, "perPage": 50, "sort": SORT})
        body = orjson.loads(answer.content)
        yield from body["data"]
        page, pages = page + 1, body["pageCount"]


def messages(contact_id: str) -> Iterator[dict]:
    """Every message of a contact."""
    params = {"perPage": 500}
    while True:
        answer = session.get(f"{URL}/id:{contact_id}/messages", params=params)
        body = orjson.loads(answer.content)
        for row in body["data"]:
            row["contactId"] = contact_id
            yield row
        if body["nextCursor"] is None:
            return
        params["cursor"] = body["nextCursor"]


def table(rows: list[dict], names: tuple[str, ...]) -> pa.Table:
    """Rows as an Arrow table."""
    columns = {}
    for name in names:
        values = [row[name] for row in rows]
        if name in JSON:
            values = [None if v is None else orjson.dumps(v).decode() for v in values]
        column = pa.array(values)
        columns[name] = column.cast(pa.timestamp("ms", "UTC")) if name in TIMES else column
    return pa.table(columns)


people = list(contacts())
rows = {"contacts": people, "messages": []}
if "--listing" not in sys.argv:
    for person in people:
        if person["conversation"]:
            rows["messages"] += messages(person["id"])
    rows["attachments"] = [each for row in rows["messages"] for each in row["attachments"]]
    with duckdb.connect("data.duckdb") as connection:
        for name, columns in TABLES.items():
            arrow = table(rows[name], columns)
            connection.execute(f"create table {name} as from arrow")
