"""Where rows that are read again would be there twice, nothing is loaded, and that is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.common.destination import Destination
from dlt.common.schema.typing import TTableSchema
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.cli.explaining import explain
from chatbotx_source.sandbox import synthetic
from tests.support.loading import SPRING, Job
from tests.support.oracle import visible

Serve = Callable[..., Job]


def pipeline_to(destination: Destination[Any, Any], place: Path) -> dlt.Pipeline:
    return dlt.pipeline(
        "other", pipelines_dir=str(place), destination=destination, dataset_name="data"
    )


def test_plain_files_are_refused_with_the_alternatives(serve: Serve, tmp_path: Path) -> None:
    job = serve(synthetic(contacts=3, now=SPRING))
    files = dlt.destinations.filesystem((tmp_path / "files").as_uri())
    with pytest.raises(PipelineStepFailed) as failure:
        pipeline_to(files, tmp_path).run(job.source())
    assert explain(failure.value) == (
        "The destination 'filesystem' only appends to its files as they are: what is read again "
        "would be there twice. Set sources.chatbotx.table_format to 'delta' or 'iceberg'."
    )
    assert job.requests() == []


def test_plain_files_are_taken_by_who_asks_for_every_version_of_a_row(
    serve: Serve, tmp_path: Path
) -> None:
    job = serve(synthetic(contacts=3, now=SPRING))
    files = dlt.destinations.filesystem((tmp_path / "files").as_uri())
    for _ in range(2):
        pipeline_to(files, tmp_path).run(
            job.source(reconcile_share=1), write_disposition="append", loader_file_format="parquet"
        )
    rows = f"FROM read_parquet('{tmp_path / 'files' / 'data'}/messages/*.parquet')"
    newest = "QUALIFY row_number() OVER (PARTITION BY id ORDER BY _dlt_load_id DESC) = 1"
    with duckdb.connect() as connection:
        [(versions,)] = connection.execute(f"SELECT count(*) {rows}").fetchall()
        ids = connection.execute(f"SELECT id {rows} {newest}").fetchall()
    assert {id_ for (id_,) in ids} == visible(job.workspace)
    assert versions == 2 * len(ids)


def test_a_function_of_ones_own_gets_the_rows(serve: Serve, tmp_path: Path) -> None:
    got: set[str] = set()

    @dlt.destination(loader_file_format="parquet", batch_size=0)
    def collect(_: Any, table: TTableSchema) -> None:
        got.add(str(table["name"]))

    job = serve(synthetic(contacts=3, now=SPRING))
    pipeline_to(collect(), tmp_path).run(job.source())
    assert got >= {"contacts", "messages"}
