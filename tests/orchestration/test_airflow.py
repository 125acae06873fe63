"""Airflow runs the DAG as a team drops it in: by its own command, on workers without a past."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from chatbotx_source.sandbox import Fault, Sandbox, synthetic
from tests.support.loading import SPRING
from tests.support.orchestration import JOBS, Worker, differences
from tests.support.sandbox import Clock

pytest.importorskip("airflow")

LIMIT = 14
"""Requests an hour: a third of what the first sync of a workspace takes here."""

NOT_RUN = "upstream_failed"


@dataclass
class Run:
    """What became of a run.

    Attributes:
        status: of the command.
        states: by task, the state of each of its instances, in the order of the workspaces.
        tries: by task, how often each of them was tried.
        figures: what the loads have returned.
    """

    status: int
    states: dict[str, list[str]]
    tries: dict[str, list[int]]
    figures: list[dict[str, Any]]


class Airflow:
    """An installation of Airflow, with the DAG in its folder.

    Args:
        place: its directory, and the working directory of its workers.
        sandboxes: the workspaces to load, by name.
    """

    def __init__(self, place: Path, migrated: Path, sandboxes: Mapping[str, Sandbox]) -> None:
        self._place = place
        self._dates = (f"2026-01-01T{hour:02}:00" for hour in count())
        self._database = place / "airflow.db"
        shutil.copy(migrated, self._database)
        (place / "dags").mkdir()
        shutil.copy(JOBS / "airflow_dag.py", place / "dags")
        self.settings = home(place) | {
            "AIRFLOW_VAR_CHATBOTX_WORKSPACES": json.dumps(list(sandboxes)),
        }
        for name, sandbox in sandboxes.items():
            self.settings[f"AIRFLOW_CONN_CHATBOTX_{name.upper()}"] = json.dumps(
                {"conn_type": "http", "host": sandbox.base_url, "password": sandbox.token}
            )

    def run(self, **options: Any) -> Run:
        """Makes the next scheduled run, on a worker of its own; the options are those of `run`."""
        date = next(self._dates)
        worker = Worker(self._place, f"worker_{date[11:13]}", self.settings)
        status, _ = worker.run("-m", "airflow", "dags", "test", "chatbotx", date, **options)
        run = Run(status, {}, {}, [])
        for task, state, tries in self._last(
            "SELECT task_id, state, try_number FROM task_instance"
        ):
            run.states.setdefault(task, []).append(state)
            run.tries.setdefault(task, []).append(tries)
        for task, key, value in self._last("SELECT task_id, key, value FROM xcom"):
            if (task, key) == ("each.load", "return_value"):
                run.figures.append(json.loads(value))
        return run

    def _last(self, select: str) -> list[Any]:
        with closing(sqlite3.connect(self._database)) as connection:
            return connection.execute(
                f"{select} WHERE run_id = (SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1) "
                "ORDER BY task_id, map_index"
            ).fetchall()


def home(place: Path) -> dict[str, str]:
    """The settings of an Airflow that lives in a directory."""
    return {
        "AIRFLOW_HOME": str(place),
        "AIRFLOW__CORE__DAGS_FOLDER": str(place / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
    }


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a new Airflow."""
    place = tmp_path_factory.mktemp("airflow")
    status, printed = Worker(place, "worker", home(place)).run("-m", "airflow", "db", "migrate")
    assert status == 0, printed
    return place / "airflow.db"


def test_a_limited_backfill_takes_three_runs_and_one_that_is_killed(
    tmp_path: Path, migrated: Path
) -> None:
    clock = Clock(SPRING + timedelta(days=1))
    workspace = synthetic(contacts=30, now=SPRING, clock=clock)
    with Sandbox(workspace, rate_limit=(LIMIT, 3600.0)) as sandbox:
        airflow = Airflow(tmp_path, migrated, {"main": sandbox})
        for kill in (None, 5, None):
            clock.tick(hours=1)
            before = len(sandbox.requests)
            run = airflow.run(kill=kill and (sandbox, before + kill))
            if kill:
                assert run.status < 0
                continue
            assert (run.status, run.states["each.complete"]) == (0, ["skipped"])
            assert run.figures[0]["ended_by"] == "rate limit"
        clock.tick(hours=1)
        run = airflow.run()
    assert (run.status, run.states["each.complete"]) == (0, ["success"])
    assert run.states["analytics"] == ["success"]
    assert differences(tmp_path, "main", sandbox) == []


def test_each_workspace_has_its_own_fate(tmp_path: Path, migrated: Path) -> None:
    long_ago = Clock(SPRING + timedelta(days=1))
    sandboxes = {
        "fine": Sandbox(synthetic(seed=1, contacts=30, now=SPRING)),
        "down": Sandbox(synthetic(seed=2, contacts=150, now=SPRING)),
        "stale": Sandbox(synthetic(seed=3, contacts=5, now=SPRING, clock=long_ago)),
        "refused": Sandbox(synthetic(contacts=3, now=SPRING)),
    }
    once: dict[str, Any] = {"status": 403, "code": "FORBIDDEN"}
    sandboxes["fine"].faults.add(Fault("status", after=5, times=1, **once))
    sandboxes["down"].faults.add(Fault("empty", on="messages", times=None))
    contact = next(iter(sandboxes["stale"].workspace.truth().contact_of.values()))
    sandboxes["stale"].faults.add(Fault("empty", contact_id=contact, times=None))
    with ExitStack() as stack:
        for sandbox in sandboxes.values():
            stack.enter_context(sandbox)
        airflow = Airflow(tmp_path, migrated, sandboxes)
        airflow.settings |= {
            "AIRFLOW_CONN_CHATBOTX_REFUSED": "http://:not-the-token@",
            "SOURCES__CHATBOTX__REFUSED__BASE_URL": sandboxes["refused"].base_url,
        }
        run = airflow.run()
    assert run.status == 1
    assert run.states["each.load"] == ["success", "failed", "success", "failed"]
    assert run.tries["each.load"] == [2, 4, 1, 4]
    assert run.states["each.complete"] == ["success", NOT_RUN, "failed", NOT_RUN]
    assert run.states["analytics"] == ["success", "success", "success", "skipped"]
    assert [each["unfinished"] for each in run.figures] == [0, 1]
    assert differences(tmp_path, "fine", sandboxes["fine"]) == []


def test_parsing_needs_no_settings_no_network_and_no_time(tmp_path: Path, migrated: Path) -> None:
    Airflow(tmp_path, migrated, {})
    told = Worker(tmp_path, "worker", home(tmp_path)).parse(
        "import airflow.sdk; from airflow.dag_processing.dagbag import DagBag",
        "bag = DagBag('dags')\nfound = [bag.import_errors, list(bag.dags), 'dlt' in sys.modules]",
    )
    assert told["found"] == [{}, ["chatbotx"], False]
    assert told["network"] == []
    assert told["seconds"] < 2
