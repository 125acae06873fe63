"""Several pipelines that load into one dataset: they take turns, and stage their rows apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import dlt
from filelock import BaseFileLock, FileLock

from chatbotx_source.destinations.adapting import DUCKDB
from chatbotx_source.dlt_internals.configuration import location, stage_under


def turn(pipeline: dlt.Pipeline) -> BaseFileLock:
    """What holds back all other pipelines on this machine that write where this one does.

    DuckDB lets one process open a file. Other destinations keep the rows that are to be merged in
    tables which every load of the dataset empties first, and create tables that are missing.

    Args:
        pipeline: which reads or writes at its destination.

    Returns:
        A lock, not yet taken: to be held while it does so, as often as it does.
    """
    key = hashlib.sha256(_place(pipeline).encode()).hexdigest()[:16]
    path = Path(pipeline.pipelines_dir) / f"{key}.turn.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def stage_apart(pipeline: dlt.Pipeline) -> None:
    """Gives a pipeline staging tables of its own, for on other machines nothing waits for a turn.

    What the user has configured stays, and a DuckDB file is written by one machine only.

    Args:
        pipeline: changed, for its next load.
    """
    if pipeline.destination.destination_type != DUCKDB:
        stage_under(pipeline, pipeline.pipeline_name)


def _place(pipeline: dlt.Pipeline) -> str:
    """What a turn is about: a DuckDB file, elsewhere a dataset."""
    type_ = pipeline.destination.destination_type
    return f"{type_} {location(pipeline)} {'' if type_ == DUCKDB else pipeline.dataset_name}"
