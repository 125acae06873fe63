"""The folders of a pipeline: what a killed process leaves there, and what dlt makes of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import dlt
import pytest

from chatbotx_source.dlt_internals import packages
from tests.dlt_internals.conftest import Pipelines, query, things

RECORDS = "SELECT (SELECT count(*) FROM {things}), (SELECT count(*) FROM data._dlt_loads)"
UNNAMED = "0a1b2c3d4e5f6071"


@pytest.fixture
def pipeline(to_files: Pipelines) -> dlt.Pipeline:
    """A pipeline that loads into files, which takes no time."""
    return to_files()


def prepare(pipeline: dlt.Pipeline) -> str:
    """Makes a package that is to be loaded."""
    pipeline.extract(things())
    pipeline.normalize()
    [load_id] = packages.normalized(pipeline)
    return load_id


def place(pipeline: dlt.Pipeline, *parts: str) -> Path:
    return Path(pipeline.working_dir, *parts)


def test_packages_are_listed_from_when_they_can_be_loaded_until_they_are(
    pipeline: dlt.Pipeline,
) -> None:
    assert packages.normalized(pipeline) == []
    pipeline.extract(things())
    assert packages.normalized(pipeline) == []
    pipeline.normalize()
    assert packages.normalized(pipeline) == pipeline.list_normalized_load_packages() != []
    pipeline.load()
    assert packages.normalized(pipeline) == []


@pytest.mark.parametrize("finished", [False, True])
def test_a_package_that_is_normalized_and_still_extracted_can_be_loaded(
    pipeline: dlt.Pipeline, tmp_path: Path, finished: bool
) -> None:
    pipeline.extract(things())
    extracted = place(pipeline, "normalize", "extracted")
    shutil.copytree(extracted, tmp_path / "extracted")
    pipeline.normalize()
    shutil.copytree(tmp_path / "extracted", extracted, dirs_exist_ok=True)
    [load_id] = packages.normalized(pipeline)
    if not finished:
        with pytest.raises(Exception, match="normalize"):
            pipeline.normalize()
        return
    for _ in range(2):  # it need not be there
        packages.delete_extracted(pipeline, load_id)
    pipeline.normalize()
    pipeline.load()
    assert pipeline.list_completed_load_packages() == [load_id]


@pytest.mark.parametrize("finished", [False, True])
def test_a_package_that_is_marked_as_loaded_and_not_moved_is_done_with(
    pipeline: dlt.Pipeline, finished: bool
) -> None:
    load_id = prepare(pipeline)
    assert not packages.is_marked_loaded(pipeline, load_id)
    pipeline.load()
    shutil.move(place(pipeline, "load", "loaded", load_id), place(pipeline, "load", "normalized"))
    assert packages.is_marked_loaded(pipeline, load_id)
    if not finished:
        with pytest.raises(Exception, match=load_id):
            pipeline.load()
        return
    packages.move_to_loaded(pipeline, load_id)
    pipeline.load()
    assert pipeline.list_completed_load_packages() == [load_id]


@pytest.mark.parametrize(("finished", "records"), [(False, 2), (True, 1)])
def test_a_package_that_is_recorded_and_not_marked_is_recorded_once(
    to_duckdb: Pipelines, tmp_path: Path, finished: bool, records: int
) -> None:
    pipeline = to_duckdb()
    load_id = prepare(pipeline)
    normalized = place(pipeline, "load", "normalized", load_id)
    shutil.copytree(normalized, tmp_path / "package")
    pipeline.load()
    shutil.rmtree(place(pipeline, "load", "loaded", load_id))
    shutil.move(tmp_path / "package", normalized)
    assert not packages.is_marked_loaded(pipeline, load_id)
    if finished:
        packages.complete(pipeline, load_id)
    pipeline.load()
    assert pipeline.list_completed_load_packages() == [load_id]
    assert query(pipeline, RECORDS) == [(1, records)]


def test_a_schema_is_written_to_a_file_without_a_dot_and_then_renamed(
    pipeline: dlt.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed: list[tuple[Path, Path]] = []
    replace = os.replace

    def watch(old: Any, new: Any, **options: Any) -> None:
        renamed.append((Path(old), Path(new)))
        replace(old, new, **options)

    monkeypatch.setattr(os, "replace", watch)
    pipeline.extract(things())
    schemas = place(pipeline, "schemas")
    written = {
        (old.parent, "." in old.name, new.name) for old, new in renamed if new.parent == schemas
    }
    assert written == {(schemas, False, "watched.schema.json")}


@pytest.mark.parametrize("deleted", [False, True])
def test_a_schema_that_was_not_renamed_stops_every_run(to_files: Pipelines, deleted: bool) -> None:
    pipeline = to_files()
    pipeline.run(things())
    place(pipeline, "schemas", UNNAMED).write_text("{}")
    if not deleted:
        with pytest.raises(Exception, match=UNNAMED):
            to_files().run(things())
        return
    packages.delete_unnamed_schemas(pipeline)
    assert list(to_files().schemas) == ["watched"]
    to_files().run(things())


def test_a_pipeline_whose_schema_is_gone_runs_again_once_it_is_dropped(
    to_files: Pipelines,
) -> None:
    pipeline = to_files()
    assert not packages.misses_its_schema(pipeline)
    pipeline.extract(things())
    assert not packages.misses_its_schema(pipeline)
    shutil.rmtree(place(pipeline, "schemas"))
    assert packages.misses_its_schema(to_files())
    with pytest.raises(Exception, match="watched"):
        to_files().run(things())
    pipeline = to_files()
    pipeline.drop()
    assert not packages.misses_its_schema(pipeline)
    pipeline.run(things())


def test_a_folder_of_ours_stays_until_the_pipeline_is_dropped(pipeline: dlt.Pipeline) -> None:
    ours = packages.folder(pipeline, "analytics")
    ours.mkdir(parents=True)
    pipeline.run(things())
    assert ours.is_dir()
    pipeline.drop()
    assert not ours.exists()
