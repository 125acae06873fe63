"""The pipeline that the options of the command ask for."""

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
"""Where the name of a workspace goes in that of a dataset or a file."""

MEMORY_LIMIT = "120MB"
"""DuckDB takes most of the machine by default; with this much, a load of `settings.LOAD_MESSAGES`
takes a tenth longer, and the memory stays the same however large the tables are."""

M_ARENA_MAX = -8
"""Of glibc's `mallopt`: how many heaps threads may have, by default eight for each processor."""


def pipeline_of(options: argparse.Namespace, workspace: str | None) -> dlt.Pipeline:
    """The pipeline of a workspace, or of the only one."""
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
    """A name with that of the workspace in the place of `{workspace}`."""
    return pattern.replace(WORKSPACE, workspace or "")


def _check_destination(name: str) -> None:
    if not knows_destination(name):
        raise ConfigurationError(
            f"--destination {name!r} is none that dlt knows, such as duckdb, postgres, bigquery, "
            "snowflake or filesystem, and none that your dlt configuration names."
        )


def _limit_memory() -> None:
    """Keeps DuckDB small, unless the user has configured it, and freed memory free."""
    pa.set_memory_pool(pa.system_memory_pool())  # the default one keeps 80 MB to itself
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_ARENA_MAX, 1)  # each heap keeps what the largest load has needed of it
    key = "destination.duckdb.credentials.global_config"
    if dlt.config.get(key) is None and dlt.secrets.get(key) is None:
        os.environ[key.replace(".", "__").upper()] = f'{{"memory_limit": "{MEMORY_LIMIT}"}}'


def _share_file(name: str) -> None:
    """Names the DuckDB file, unless the user has: dlt would make one for each pipeline."""
    key = "destination.duckdb.credentials"
    configured: Any = dlt.config.get(key) or dlt.secrets.get(key) or {}
    if isinstance(configured, dict) and "database" not in configured:
        os.environ.setdefault(f"{key}.database".replace(".", "__").upper(), name)


def _collector(name: str | None) -> Any:
    # dlt's own `log` warns on every run that psutil is not there.
    if name != "log":
        return name
    return dlt.progress.log(dump_system_stats=False)  # type: ignore[attr-defined]
