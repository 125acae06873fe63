"""The folders in which dlt keeps the schemas and the load packages of a pipeline.

dlt makes some changes there in two steps, and fails for good where it was killed between them.
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


def misses_its_schema(pipeline: dlt.Pipeline) -> bool:
    """Tells whether a pipeline names a default schema whose file is not there.

    dlt empties the folder of a pipeline file by file where the destination is gone: the state,
    which has the name, may be the last.

    Loudly: where that is not noticed, every later run fails for want of the schema.

    Args:
        pipeline: that no other process runs.
    """
    name = pipeline.default_schema_name
    return name is not None and name not in pipeline.schemas


def delete_unnamed_schemas(pipeline: dlt.Pipeline) -> None:
    """Deletes schemas that were written, and not yet renamed.

    dlt writes a file without a dot in its name, and then renames it. It takes every file in the
    folder for a schema.

    Loudly: where one stays, every later run fails for want of a schema of that name.
    Silently: if the files of finished schemas had no dot in their names, this would delete them
    all; dlt gets them back from the destination.

    Args:
        pipeline: that no other process runs.
    """
    storage = pipeline.schemas.storage
    for name in storage.list_folder_files(".", to_root=False):
        if "." not in name:
            storage.delete(name)


def normalized(pipeline: dlt.Pipeline) -> list[str]:
    """Lists the packages that are to be loaded, or were when a process was killed.

    Silently: if dlt keeps them in another folder, there seem to be none, and what a killed process
    has left half done stays so; then every later run fails, or a load is recorded twice.

    Args:
        pipeline: whose packages.

    Returns:
        Their load ids, in order.
    """
    loads = _loads(pipeline)
    # Of the three folders that dlt makes, this is the last: without it, they may be half made.
    is_made = loads.storage.has_folder(LoadStorage.LOADED_FOLDER)
    return list(loads.list_normalized_packages()) if is_made else []


def delete_extracted(pipeline: dlt.Pipeline, load_id: str) -> None:
    """Deletes what a normalized package was made of: the second step of normalizing.

    Loudly: where it is left, dlt normalizes it again, and cannot put the package into its place.
    Silently: if dlt keeps it in another folder, nothing is deleted, and that happens.

    Args:
        pipeline: that no other process runs.
        load_id: the package; it may be whole, in part or not there.
    """
    place = Path(pipeline.working_dir) / "normalize"
    extracts = NormalizeStorage(False, NormalizeStorageConfiguration(str(place)))
    extracts.extracted_packages.delete_package(load_id, not_exists_ok=True)


def is_marked_loaded(pipeline: dlt.Pipeline, load_id: str) -> bool:
    """Tells whether the first step of completing a package was made: it has the mark.

    Loudly: where that is not noticed, every later run fails, because dlt loads no package that has
    the mark.

    Args:
        pipeline: that no other process runs.
        load_id: a normalized package.
    """
    return _loads(pipeline).get_load_package_info(load_id).state == "loaded"


def move_to_loaded(pipeline: dlt.Pipeline, load_id: str) -> None:
    """Moves a package to those that are loaded: the second step of completing it.

    Loudly: without these methods, a sync after a killed one does not begin.
    Silently: if dlt keeps loaded packages in another folder, the list of them lacks this one.

    Args:
        pipeline: that no other process runs.
        load_id: a normalized package that is marked as loaded.
    """
    loads = _loads(pipeline)
    target = loads.get_loaded_package_path(load_id)
    loads.storage.rename_tree(loads.get_normalized_package_path(load_id), target)


def complete(pipeline: dlt.Pipeline, load_id: str) -> None:
    """Completes a package whose rows and record are at the destination already.

    Loudly: without this method, a sync after a killed one does not begin.
    Silently: if it left the package in its place, dlt would load and record it a second time.

    Args:
        pipeline: that no other process runs.
        load_id: a normalized package.
    """
    _loads(pipeline).complete_load_package(load_id, aborted=False)


def folder(pipeline: dlt.Pipeline, name: str) -> Path:
    """Gives a folder of our own among those that dlt keeps for a pipeline, and deletes with it.

    Loudly: without a working directory, the analytics tables are not built.
    Silently: if dlt began to use the same name, each would find the other's files.

    Args:
        pipeline: whose folder.
        name: of the folder.

    Returns:
        Its path; it need not be there.
    """
    return Path(pipeline.working_dir) / name


def _loads(pipeline: dlt.Pipeline) -> LoadStorage:
    place = Path(pipeline.working_dir) / "load"
    return LoadStorage(False, (), LoadStorageConfiguration(str(place)))
