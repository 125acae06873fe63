"""Runs the Airbyte connector of `airbyte_connector.py` by PyAirbyte, into its DuckDB cache.

The connector is a process of its own, as on the platform: given as a `source_manifest`, it would
not get its state (airbytehq/PyAirbyte#1146), and read everything in every run.
"""

import os
from pathlib import Path

import airbyte
from airbyte.caches import DuckDBCache

source = airbyte.get_source(
    "source-chatbotx",
    config={"api_token": os.environ["CHATBOTX_TOKEN"]},
    local_executable=Path(__file__).parent / "airbyte_connector.py",
    streams="*",
)
folder = Path.cwd()
source.read(cache=DuckDBCache(db_path=folder / "data.duckdb", schema_name="loaded", cache_dir=folder))
