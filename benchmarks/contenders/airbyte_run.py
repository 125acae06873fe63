"""Runs the Airbyte low-code manifest by PyAirbyte, into its DuckDB cache.

With `--process` the connector is a process of its own, as on the platform. Without, it is faster,
but does not get its state (airbytehq/PyAirbyte#1146), and reads everything in every run.
"""

import os
import sys
from pathlib import Path

import airbyte
from airbyte.caches import DuckDBCache
from airbyte_manifest import MANIFEST

CONNECTOR = Path(__file__).parent / "airbyte_connector.py"
how = {"local_executable": CONNECTOR} if "--process" in sys.argv else {"source_manifest": MANIFEST}
config = {"api_token": os.environ["CHATBOTX_TOKEN"]}
source = airbyte.get_source("source-chatbotx", config=config, streams="*", **how)
folder = Path.cwd()
source.read(DuckDBCache(db_path=folder / "data.duckdb", schema_name="loaded", cache_dir=folder))
