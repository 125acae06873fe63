"""How dlt merges a table: the hints that it reads, and the strategy that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.dlt_internals import hints, runtime
from tests.dlt_internals.conftest import Pipelines, query, things

ROWS = (
    pa.table({"id": [1, 2], "name": ["a", "b"]}),
    pa.table({"id": [1, 3], "name": ["c", "d"]}),
)
FIRST_OF_EACH = "rowid IN (SELECT min(rowid) FROM data_staging.things GROUP BY id)"


@pytest.mark.parametrize(
    ("once", "condition", "expected"),
    [
        (False, None, 3),
        (True, None, 4),
        (True, FIRST_OF_EACH, 3),
        (True, "id > 1", 2),
    ],
    ids=["dlt-chooses", "nobody-chooses", "the-condition-chooses", "the-condition-leaves-out"],
)
def test_a_merge_takes_the_rows_that_the_hints_let_it_take(
    pipeline: dlt.Pipeline, once: bool, condition: str | None, expected: int
) -> None:
    resource = things(*ROWS)
    resource.apply_hints(
        additional_table_hints={**hints.staged_once(once), **hints.merge_only(condition)}
    )
    pipeline.run(resource)
    assert query(pipeline, "SELECT count(*) FROM {things}") == [(expected,)]


def test_hints_that_are_taken_back_leave_the_choice_to_dlt(pipeline: dlt.Pipeline) -> None:
    resource = things(*ROWS)
    for given in ((True, "id > 1"), (False, None)):
        once, condition = given
        resource.apply_hints(
            additional_table_hints={**hints.staged_once(once), **hints.merge_only(condition)}
        )
        pipeline.run(resource)
    assert query(pipeline, "SELECT count(*) FROM {things}") == [(3,)]


def test_a_condition_with_a_brace_is_refused(pipeline: dlt.Pipeline) -> None:
    resource = things()
    resource.apply_hints(additional_table_hints=hints.merge_only("name <> '{x}'"))
    with pytest.raises(PipelineStepFailed, match=r"placeholders `\{x\}`"):
        pipeline.run(resource)


def test_dlt_appends_to_plain_files_what_asks_for_a_merge(
    to_files: Pipelines, tmp_path: Path
) -> None:
    for _ in range(2):
        to_files().run(things())
    assert len(list((tmp_path / "files" / "data" / "things").iterdir())) == 2


@pytest.mark.parametrize(
    ("options", "lacking"),
    [
        ({}, {"things"}),
        ({"table_format": "delta"}, set()),
        ({"write_disposition": "append"}, set()),
    ],
    ids=["plain", "delta", "append"],
)
def test_the_running_load_knows_that_plain_files_cannot_be_merged(
    to_files: Pipelines, options: dict[str, Any], lacking: set[str]
) -> None:
    seen = look(to_files(), options)
    assert seen == (lacking, ["delta", "iceberg"])


def test_the_running_load_knows_that_a_database_can_merge(pipeline: dlt.Pipeline) -> None:
    assert look(pipeline, {}) == (set(), [])


def look(pipeline: dlt.Pipeline, options: dict[str, Any]) -> tuple[set[str], list[str]]:
    """What the functions say while a load is extracted."""
    seen: list[tuple[set[str], list[str]]] = []

    def asking() -> Any:
        selected = runtime.source().selected_resources
        lacking = {name for name, each in selected.items() if hints.lacks_a_merge(each)}
        seen.append((lacking, hints.table_formats()))
        yield {"id": 1}

    @dlt.source(name="watched")
    def both() -> Any:
        return [dlt.resource(asking, name="asking"), things(**options)]

    source: DltSource = both()
    pipeline.extract(source)
    [told] = seen
    return told
