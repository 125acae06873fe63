"""A DuckDB file holds what was loaded, and nothing that was only on its way there."""

from __future__ import annotations

from collections.abc import Callable

from chatbotx_source.sandbox import synthetic
from tests.support.loading import Job

STAGED = """
    SELECT table_name, estimated_size
    FROM duckdb_tables()
    WHERE schema_name = 'data_staging' AND table_name NOT LIKE '\\_dlt%' ESCAPE '\\'
"""


def test_nothing_stays_in_the_staging_tables(serve: Callable[..., Job]) -> None:
    job = serve(synthetic(seed=1, contacts=5))
    job.run()
    assert any(rows for _, rows in job.query(STAGED)), "dlt leaves them full"
    job.sync(reconcile=True)
    assert {rows for _, rows in job.query(STAGED)} == {0}
    assert job.differences() == []
