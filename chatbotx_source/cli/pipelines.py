"""Makes the dlt pipeline that the options of the command describe."""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from typing import Any

import dlt
import pyarrow as pa

from chatbotx_source import workspaces
from chatbotx_source.dlt_internals.configuration import knows_destination
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.shards import Shard

WORKSPACE = "{workspace}"
"""Stands for the name of the workspace in the name of a dataset or a file."""

MEMORY_LIMIT = "120MB"
"""By default DuckDB takes most of the machine. With this limit a load of `settings.LOAD_MESSAGES`
takes a tenth longer, and its memory does not grow with the tables."""

M_ARENA_MAX = -8
"""Parameter of glibc's `mallopt`: the number of heaps, by default eight per processor."""


def pipeline_of(options: argparse.Namespace, workspace: str | None) -> dlt.Pipeline:
    """Makes the pipeline of a workspace, or of the only one."""
    base = options.pipeline_name or ("chatbotx_sandbox" if options.sandbox else "chatbotx")
    name = f"{base}_{workspace}" if workspace else base
    shard = workspaces.setting("shard", options.shard, str, workspace)
    if shard:
        name = f"{name}_shard_{Shard.parse(shard).index}"
    destination = options.destination or "duckdb"
    _check_destination(destination)
    if destination == "duckdb":
        _limit_memory()
        if name != base:
            _share_file(f"{base}.duckdb")
    return dlt.pipeline(
        name,
        destination=destination,
        dataset_name=named(options.dataset_name or "chatbotx_data", workspace),
        progress=_collector(options.progress),
    )


def named(pattern: str, workspace: str | None) -> str:
    """Puts the name of the workspace in the place of `{workspace}`."""
    return pattern.replace(WORKSPACE, workspace or "")


def _check_destination(name: str) -> None:
    if not knows_destination(name):
        raise ConfigurationError(
            f"--destination {name!r} is unknown: use one that dlt knows, such as duckdb, postgres, "
            "bigquery, snowflake or filesystem, or one that your dlt configuration names."
        )


def _limit_memory() -> None:
    """Limits DuckDB's memory, unless the user has, and gives freed memory back to the system."""
    pa.set_memory_pool(pa.system_memory_pool())  # the default pool keeps 80 MB for itself
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_ARENA_MAX, 1)  # each heap keeps its peak
    key = "destination.duckdb.credentials.global_config"
    if dlt.config.get(key) is None and dlt.secrets.get(key) is None:
        os.environ[key.replace(".", "__").upper()] = f'{{"memory_limit": "{MEMORY_LIMIT}"}}'


def _share_file(name: str) -> None:
    """Names the DuckDB file, unless the user has: dlt would make one per pipeline."""
    key = "destination.duckdb.credentials"
    configured: Any = dlt.config.get(key) or dlt.secrets.get(key) or {}
    if isinstance(configured, dict) and "database" not in configured:
        os.environ.setdefault(f"{key}.database".replace(".", "__").upper(), name)


def _collector(name: str | None) -> Any:
    # dlt's own `log` warns on every run that psutil is not there.
    if name != "log":
        return name
    return dlt.progress.log(dump_system_stats=False)  # type: ignore[attr-defined]
