"""What dlt has around a running load: its signals, its progress, its log and its context."""

from __future__ import annotations

import io
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest

from chatbotx_source.dlt_internals import runtime
from tests.dlt_internals.conftest import Pipelines, query, things

JSON = pa.table({"id": ["1"], "more": ['{"a": 1}']})
JSON_HINTS: Any = {"more": {"data_type": "json"}}


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The SIGTERMs that our own handler has seen."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    yield seen
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What dlt logs; filters that a test adds do not outlive it."""
    logger = logging.getLogger("dlt")
    filters = list(logger.filters)
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logger.addHandler(handler)
    yield text
    logger.removeHandler(handler)
    logger.filters[:] = filters


@pytest.mark.parametrize("left_alone", [False, True])
def test_a_signal_reaches_our_own_handler_when_they_are_left_alone(
    tmp_path: Path, signals: list[int], left_alone: bool
) -> None:
    @dlt.destination(batch_size=1)
    def ending(_items: Any, _table: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    pipeline = dlt.pipeline("ended", pipelines_dir=str(tmp_path / "p"), destination=ending)
    with runtime.signals_left_alone(pipeline) if left_alone else nullcontext():
        pipeline.run([{"id": 1}], table_name="things")
    assert bool(signals) == left_alone
    assert pipeline.runtime_config.intercept_signals


def test_counts_are_in_the_progress_that_a_pipeline_shows(to_duckdb: Pipelines) -> None:
    shown = io.StringIO()
    log: Any = dlt.progress.log  # type: ignore[attr-defined]
    pipeline = to_duckdb(progress=log(0, shown, dump_system_stats=False))

    def counting() -> Any:
        count = runtime.counter(dlt.current.pipeline())
        count("contacts walked", 2, 7, None)
        yield {"id": 1}

    pipeline.extract(dlt.resource(counting, name="counted"))
    assert "contacts walked: 2/7" in shown.getvalue()


def test_hints_that_are_given_while_a_source_is_extracted_hold(pipeline: dlt.Pipeline) -> None:
    chosen: list[set[str]] = []

    def deciding() -> Any:
        selected = runtime.source().selected_resources
        chosen.append(set(selected))
        selected["things"].apply_hints(columns={"more": {"data_type": "text"}})
        yield JSON

    @dlt.source(name="watched")
    def watched() -> Any:
        batches = dlt.resource(deciding, name="batches", selected=False)
        return [
            dlt.transformer(lambda rows: rows, data_from=batches, name=name, columns=JSON_HINTS)
            for name in ("things", "others")
        ]

    pipeline.run(watched().with_resources("things"))
    assert chosen == [{"things"}]
    assert query(pipeline, "SELECT typeof(more) FROM {things}") == [("VARCHAR",)]


def test_the_id_of_a_load_is_that_of_its_rows_and_the_larger_text_later(
    pipeline: dlt.Pipeline,
) -> None:
    seen = []

    def noting() -> Any:
        seen.append(runtime.load_id())
        yield {"id": len(seen)}

    made = [
        pipeline.run(dlt.resource(noting, name="things", write_disposition="append")).loads_ids[0]
        for _ in range(2)
    ]
    assert seen == made == sorted(set(made))
    assert query(pipeline, "SELECT _dlt_load_id FROM {things} ORDER BY id") == [
        (load_id,) for load_id in made
    ]


@pytest.mark.parametrize("silenced", [False, True])
def test_the_warning_that_hints_differ_is_silenced_for_our_tables_only(
    pipeline: dlt.Pipeline, logged: io.StringIO, silenced: bool
) -> None:
    if silenced:
        for _ in range(2):  # once is enough
            runtime.silence_known_warnings(["things"])
        assert len(logging.getLogger("dlt").filters) <= 2
    other = dlt.resource([JSON], name="other_things", columns=JSON_HINTS)
    pipeline.extract([things(JSON, columns=JSON_HINTS), other])
    assert ("In resource: things," in logged.getvalue()) != silenced
    assert "In resource: other_things," in logged.getvalue()


@pytest.mark.parametrize("silenced", [False, True])
def test_the_warning_of_a_merge_key_without_a_use_is_silenced(
    to_duckdb: Pipelines, to_files: Pipelines, logged: io.StringIO, silenced: bool
) -> None:
    if silenced:
        runtime.silence_known_warnings(["things"])
    upserted: Any = {"disposition": "merge", "strategy": "upsert"}
    hints: dict[str, Any] = {"write_disposition": upserted, "merge_key": "name"}
    if find_spec("deltalake"):  # a DuckDB before 1.4 has no upsert
        to_files().run(things(table_format="delta", **hints))
    else:
        to_duckdb().run(things(**hints))
    assert ("`merge_key` for table `things`" in logged.getvalue()) != silenced
