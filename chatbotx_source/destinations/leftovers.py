"""Finishes what a killed process has left half done among dlt's files of a pipeline.

dlt takes some steps in two, and fails for good where it was killed between them.
"""

from __future__ import annotations

from pathlib import Path

import dlt
from dlt.common.storages import (
    LoadStorage,
    LoadStorageConfiguration,
    NormalizeStorage,
    NormalizeStorageConfiguration,
)
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import WithSqlClient

from chatbotx_source.destinations.table_files import keeps_files


def finish_interrupted(pipeline: dlt.Pipeline) -> None:
    """Takes the second steps that an earlier process of a pipeline did not come to.

    Args:
        pipeline: that no other process runs.
    """
    if pipeline.default_schema_name and pipeline.default_schema_name not in pipeline.schemas:
        pipeline.drop()  # dlt was about to: it does so where the destination is gone
    _delete_unnamed_schemas(pipeline)
    loads = _loads(pipeline)
    if loads is None:
        return
    place = Path(pipeline.working_dir) / "normalize"
    extracts = NormalizeStorage(False, NormalizeStorageConfiguration(str(place)))
    for load_id in loads.list_normalized_packages():
        # What it was made of: dlt would do that again, of what is left.
        extracts.extracted_packages.delete_package(load_id, not_exists_ok=True)
        if loads.get_load_package_info(load_id).state == "loaded":  # dlt refuses to complete it
            normalized = loads.get_normalized_package_path(load_id)
            loads.storage.rename_tree(normalized, loads.get_loaded_package_path(load_id))


def finish_recorded(pipeline: dlt.Pipeline) -> None:
    """Finishes packages that the destination says are loaded: dlt would record them twice.

    Args:
        pipeline: that no other process runs, and whose destination no other process writes to.
    """
    loads = _loads(pipeline)
    if loads is None:
        return
    for load_id in loads.list_normalized_packages():
        if _is_recorded(pipeline, load_id):
            loads.complete_load_package(load_id, aborted=False)


def _loads(pipeline: dlt.Pipeline) -> LoadStorage | None:
    place = Path(pipeline.working_dir) / "load"
    loads = LoadStorage(False, (), LoadStorageConfiguration(str(place)))
    return loads if loads.storage.has_folder(LoadStorage.LOADED_FOLDER) else None  # made last


def _delete_unnamed_schemas(pipeline: dlt.Pipeline) -> None:
    """Deletes schemas that were written but not renamed: dlt takes every file for a schema."""
    storage = pipeline.schemas.storage
    for name in storage.list_folder_files(".", to_root=False):
        if "." not in name:
            storage.delete(name)


def _is_recorded(pipeline: dlt.Pipeline, load_id: str) -> bool:
    """Whether the destination says that a package is loaded."""
    client = pipeline.destination_client()
    if not isinstance(client, WithSqlClient) or keeps_files(client):
        return False  # a record in a file is written again in its place
    try:
        with pipeline.sql_client() as sql_client:
            name = sql_client.make_qualified_table_name(pipeline.default_schema.loads_table_name)
            query = f"SELECT load_id FROM {name} WHERE load_id = %s AND status = 0"  # noqa: S608
            return bool(sql_client.execute_sql(query, load_id))
    except DatabaseUndefinedRelation:
        return False
