"""A dlt source that turns a ChatbotX workspace into analytics tables.

import dlt
from chatbotx_source import chatbotx, sync

pipeline = dlt.pipeline("chatbotx", destination="duckdb", dataset_name="chatbotx_data")
pipeline.run(chatbotx())  # one load
print(sync(pipeline))     # as many loads as it takes, saved one by one
"""

from __future__ import annotations

from chatbotx_source.errors import ChatbotXError
from chatbotx_source.loads import sync
from chatbotx_source.source import chatbotx
from chatbotx_source.summary import SyncSummary

__all__ = ["ChatbotXError", "SyncSummary", "chatbotx", "sync"]
