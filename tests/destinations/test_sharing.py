"""Pipelines that share a dataset take turns on one machine, and stage apart on several."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread
from typing import Any

import dlt
import pytest

from chatbotx_source.destinations.turns import stage_apart, turn


def pipeline(name: str, file: str, dataset: str = "data") -> dlt.Pipeline:
    return dlt.pipeline(name, destination=dlt.destinations.duckdb(file), dataset_name=dataset)


@pytest.mark.parametrize("dataset", ["data", "another"])
def test_a_duckdb_file_is_written_by_one_after_the_other(dataset: str) -> None:
    first, second = pipeline("first", "all.duckdb"), pipeline("second", "all.duckdb", dataset)
    its_turn = Event()

    def wait_and_go() -> None:
        with turn(second):
            its_turn.set()

    thread = Thread(target=wait_and_go)
    with turn(first):
        thread.start()
        assert not its_turn.wait(0.2)
    assert its_turn.wait(30)
    thread.join()


def test_two_files_are_written_side_by_side() -> None:
    with turn(pipeline("first", "first.duckdb")), turn(pipeline("second", "second.duckdb")):
        pass


def staging(pipeline: dlt.Pipeline) -> str:
    stage_apart(pipeline)
    config: Any = pipeline.destination_client().config
    return str(config.normalize_staging_dataset_name(dlt.Schema("any")))


def test_on_servers_each_has_staging_tables_of_its_own(tmp_path: Path) -> None:
    asia, europe = (
        dlt.pipeline(
            name, destination=dlt.destinations.filesystem(str(tmp_path)), dataset_name="data"
        )
        for name in ("asia", "europe")
    )
    assert staging(asia) == staging(asia) == "data_staging_asia"
    assert staging(europe) == "data_staging_europe"
    os.environ["DESTINATION__FILESYSTEM__STAGING_DATASET_NAME_LAYOUT"] = "mine"
    third = dlt.pipeline(
        "third", destination=dlt.destinations.filesystem(str(tmp_path)), dataset_name="data"
    )
    assert staging(third) == "mine"


def test_a_duckdb_file_has_one_set_of_them() -> None:
    assert staging(pipeline("asia", "all.duckdb")) == "data_staging"
