"""A dlt source that turns a ChatbotX workspace into analytics tables.

import dlt
from chatbotx_source import chatbotx, sync

pipeline = dlt.pipeline("chatbotx", destination="duckdb", dataset_name="chatbotx_data")
pipeline.run(chatbotx())  # one load
print(sync(pipeline))     # as many loads as it takes, each of them a checkpoint
"""

from __future__ import annotations

from chatbotx_source.errors import (
    AnalyticsError,
    AuthenticationError,
    ChatbotXError,
    ConfigurationError,
    DestinationError,
    InvalidOutputError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestFailedError,
    ServerFaultError,
    SyncRunningError,
    UnreachableError,
    UnreadablePageError,
    WrongAddressError,
    cause_of,
)
from chatbotx_source.extraction.outcome import Mode
from chatbotx_source.loads import sync
from chatbotx_source.source import SourceOptions, chatbotx
from chatbotx_source.summary import EndedBy, SyncSummary
from chatbotx_source.tables.columns import DATA_TABLES, TABLES, Column, Table

__all__ = [
    "DATA_TABLES",
    "TABLES",
    "AnalyticsError",
    "AuthenticationError",
    "ChatbotXError",
    "Column",
    "ConfigurationError",
    "DestinationError",
    "EndedBy",
    "InvalidOutputError",
    "InvalidRequestError",
    "Mode",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestFailedError",
    "ServerFaultError",
    "SourceOptions",
    "SyncRunningError",
    "SyncSummary",
    "Table",
    "UnreachableError",
    "UnreadablePageError",
    "WrongAddressError",
    "cause_of",
    "chatbotx",
    "sync",
]
