"""Warehouses that cannot be run here: as far as a load gets without one, dlt takes the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.destination.utils import prepare_load_table, verify_supported_data_types

from chatbotx_source.sandbox import synthetic
from chatbotx_source.tables.columns import TABLES
from tests.support.loading import SPRING, Job

Serve = Callable[..., Job]

FILES_AND_JSON = {
    "bigquery": ("parquet", "text"),
    "clickhouse": ("parquet", "json"),
    "databricks": ("parquet", "json"),
    "motherduck": ("parquet", "json"),
    "snowflake": ("parquet", "json"),
}
"""By name of the destination, the format that it gets and what JSON columns are declared as."""


@pytest.mark.parametrize("name", FILES_AND_JSON)
def test_a_load_is_prepared_in_a_form_that_the_warehouse_takes(
    serve: Serve, tmp_path: Path, name: str
) -> None:
    file_format, json_type = FILES_AND_JSON[name]
    destination: Any = getattr(dlt.destinations, name)()
    job = serve(synthetic(contacts=4, now=SPRING))
    pipeline = dlt.pipeline("other", pipelines_dir=str(tmp_path), destination=destination)
    pipeline.extract(job.source())
    pipeline.normalize()
    [load_id] = pipeline.list_normalized_load_packages()
    jobs = pipeline.get_load_package_info(load_id).jobs["new_jobs"]
    loaded = [each.job_file_info for each in jobs if each.job_file_info.table_name in TABLES]
    assert {each.table_name for each in loaded} == TABLES.keys()
    assert {each.file_format for each in loaded} == {file_format}
    tables = pipeline.default_schema.tables
    assert tables["messages"]["columns"]["attributes"]["data_type"] == json_type
    capabilities = destination.capabilities()
    prepared = [prepare_load_table(tables, tables[each], capabilities) for each in TABLES]
    for table in prepared:  # as the client of Databricks would do it
        table["x-insert-api"] = "copy_into"  # type: ignore[typeddict-unknown-key]
    assert not verify_supported_data_types(prepared, loaded, capabilities, name)
