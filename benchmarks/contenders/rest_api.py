"""dlt's declarative `rest_api_source` for the same two endpoints: contacts and their messages.

    python rest_api.py FILE_FORMAT FORM

The file format is one of dlt's, or `default`. The form is what a second run asks for:

- `full`: every contact, whole.
- `incremental`: every contact, of which only messages later than the latest known are kept.
  dlt keeps one latest time for all contacts, so that even a first load loses most messages.
- `quiet`: only contacts whose `lastActivityAt` has grown, whole.
"""

import os
import sys

import dlt
from dlt.sources.rest_api import rest_api_source

file_format, form = sys.argv[1:]
contacts = {
    "name": "contacts",
    "primary_key": "id",
    "write_disposition": "merge",
    "endpoint": {
        "path": "v1/contacts",
        "params": {"perPage": 50, "sort": '[{{"id":"id","desc":false}}]'},
        "data_selector": "data",
        "paginator": {"type": "page_number", "base_page": 1, "total_path": "pageCount"},
    },
}
messages = {
    "name": "messages",
    "primary_key": "id",
    "write_disposition": "merge",
    "include_from_parent": ["id"],
    "parallelized": True,
    "endpoint": {
        "path": "v1/contacts/id:{resources.contacts.id}/messages",
        "params": {"perPage": 500},
        "data_selector": "data",
        "paginator": {
            "type": "cursor",
            "cursor_path": "nextCursor",
            "cursor_param": "cursor",
        },
        "response_actions": [{"status_code": 404, "action": "ignore"}],
    },
}
if form == "quiet":
    contacts["endpoint"]["incremental"] = {
        "cursor_path": "conversation.lastActivityAt",
        "on_cursor_value_missing": "include",
    }
elif form == "incremental":
    messages["endpoint"]["incremental"] = {"cursor_path": "createdAt"}

pipeline = dlt.pipeline("data", destination="duckdb", dataset_name="loaded")
source = rest_api_source(
    {
        "client": {
            "base_url": os.environ["CHATBOTX_URL"],
            "auth": {"type": "bearer", "token": os.environ["CHATBOTX_TOKEN"]},
        },
        "resources": [contacts, messages],
    }
)
pipeline.run(source, loader_file_format=None if file_format == "default" else file_format)
