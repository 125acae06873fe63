"""Dagster runs the definitions: its schedule and its command, on workers without a past."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from chatbotx_source.sandbox import Fault, Sandbox, synthetic
from chatbotx_source.tables.columns import TABLES
from tests.support.loading import SPRING
from tests.support.oracle import expected
from tests.support.orchestration import JOBS, Worker, differences
from tests.support.sandbox import Clock

dg = pytest.importorskip("dagster")

import dagster_definitions as definitions  # noqa: E402

LIMIT = 14
"""Requests an hour: a third of what the first sync of a workspace takes here."""

COMMAND = [
    *("-m", "dagster", "asset", "materialize", "-f", str(JOBS / "dagster_definitions.py")),
    *("--select", "group:chatbotx", "--partition", "main"),
]

# What the daemon does at a tick of the schedule, in the process of a worker.
TICK = """
import sys
from datetime import datetime
import dagster as dg
from dagster_definitions import defs, hourly, job

with dg.DagsterInstance.get() as instance:
    at = datetime.fromisoformat(sys.argv[1])
    context = dg.build_schedule_context(instance, at, repository_def=defs.get_repository_def())
    for request in hourly.evaluate_tick(context).run_requests:
        defs.resolve_job_def(job.name).execute_in_process(
            instance=instance, partition_key=request.partition_key, tags=request.tags
        )
"""


class Dagster:
    """An instance of Dagster that knows some workspaces.

    Args:
        place: its directory, and the working directory of its workers.
        sandboxes: the workspaces, by name.
    """

    def __init__(self, place: Path, sandboxes: dict[str, Sandbox]) -> None:
        self._place = place
        home = place / "dagster"
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        self.settings = {"DAGSTER_HOME": str(home), "PYTHONPATH": str(JOBS)}
        self.settings |= settings_of(sandboxes)
        self.instance = dg.DagsterInstance.from_config(str(home))
        self.instance.add_dynamic_partitions("chatbotx_workspaces", list(sandboxes))

    def run(self, *arguments: str, **options: Any) -> tuple[int, str]:
        """Runs Python on a worker of its own; the options are those of `run`."""
        name = f"worker_{len(list(self._place.glob('worker_*')))}"
        (self._place / name).mkdir()
        return Worker(self._place, name, self.settings).run(*arguments, **options)

    def tick(self, at: datetime) -> None:
        """Lets the schedule tick, on a worker that makes the runs it asks for."""
        status, printed = self.run("-c", TICK, at.isoformat())
        assert status == 0, printed

    def facts(self, table: str = "messages") -> list[dict[str, Any]]:
        """The metadata of the materializations of a table, the last one first."""
        found = self.instance.fetch_materializations(definitions.key_of(table), limit=10).records
        return [
            {name: each.value for name, each in record.asset_materialization.metadata.items()}
            for record in found
        ]

    def checked(self) -> list[tuple[bool, str]]:
        """Whether something was unfinished, and how bad that is: as checked, the last one first."""
        key = dg.AssetCheckKey(definitions.key_of("messages"), "nothing_unfinished")
        records = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        made = [record for record in records if record.status.value != "PLANNED"]
        evaluations = [record.event.dagster_event.event_specific_data for record in made]
        return [(each.passed, each.severity.value) for each in evaluations]


def settings_of(sandboxes: dict[str, Sandbox]) -> dict[str, str]:
    """The environment that leads dlt to workspaces by their names."""
    settings = {"SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0"}
    for name, sandbox in sandboxes.items():
        settings[f"SOURCES__CHATBOTX__{name.upper()}__BASE_URL"] = sandbox.base_url
        settings[f"SOURCES__CHATBOTX__{name.upper()}__API_TOKEN"] = sandbox.token
    return settings


def test_a_limited_backfill_takes_three_runs_and_one_that_is_killed(tmp_path: Path) -> None:
    clock = Clock(datetime.now(timezone.utc))
    workspace = synthetic(contacts=30, now=SPRING, clock=clock)
    with Sandbox(workspace, rate_limit=(LIMIT, 3600.0)) as sandbox:
        dagster = Dagster(tmp_path, {"main": sandbox})
        dagster.tick(clock())
        clock.tick(hours=1)
        killed = dagster.run(*COMMAND, kill=(sandbox, len(sandbox.requests) + 5))
        assert killed[0] < 0
        for _ in range(2):
            clock.tick(hours=2)
            dagster.tick(clock())
    assert dagster.checked() == [(True, "WARN"), (False, "WARN"), (False, "WARN")]
    assert [facts["complete"] for facts in dagster.facts()] == [True, False, False]
    assert differences(tmp_path, "main", sandbox) == []
    assert len(dagster.facts("analytics")) == 3


def test_the_command_loads_a_workspace(tmp_path: Path) -> None:
    with Sandbox(synthetic(contacts=3, now=SPRING)) as sandbox:
        status, printed = Dagster(tmp_path, {"main": sandbox}).run(*COMMAND)
    assert status == 0, printed
    assert differences(tmp_path, "main", sandbox) == []


@pytest.fixture
def instance() -> Iterator[Any]:
    with dg.instance_for_test() as instance:
        yield instance


def materialize(instance: Any, name: str, sandbox: Sandbox) -> Any:
    """Loads a workspace within this process."""
    os.environ.update(settings_of({name: sandbox}))
    instance.add_dynamic_partitions("chatbotx_workspaces", [name])
    return dg.materialize(
        [definitions.tables], instance=instance, partition_key=name, raise_on_error=False
    )


def test_every_table_is_an_asset_with_its_columns_rows_and_freshness(instance: Any) -> None:
    with Sandbox(synthetic(contacts=5, now=SPRING)) as sandbox:
        result = materialize(instance, "main", sandbox)
    assert result.success
    truth = expected(sandbox.workspace)
    specs = {spec.key: spec for spec in definitions.tables.specs}
    events = result.asset_materializations_for_node("chatbotx_tables")
    assert [event.asset_key for event in events] == list(specs)
    for event in events:
        table = event.asset_key.path[-1]
        columns = specs[event.asset_key].metadata["dagster/column_schema"].columns
        assert [each.name for each in columns] == [each.name for each in TABLES[table].columns]
        metadata = {name: each.value for name, each in event.metadata.items()}
        assert metadata["complete"]
        assert metadata["dagster/partition_row_count"] == len(truth[table])
        assert metadata["synced_through"] > SPRING.timestamp()
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_what_stays_unfinished_for_long_is_an_error(instance: Any) -> None:
    workspace = synthetic(contacts=5, now=SPRING, clock=Clock(SPRING + timedelta(days=1)))
    contact = next(iter(workspace.truth().contact_of.values()))
    with Sandbox(workspace) as sandbox:
        sandbox.faults.add(Fault("empty", contact_id=contact, times=None))
        result = materialize(instance, "main", sandbox)
    assert result.success
    [check] = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert (check.check_name, check.severity.value) == ("nothing_unfinished", "ERROR")
    assert check.metadata["contacts"].value == [contact]
    assert check.description.startswith("main: not complete: 1 contact unfinished")


def test_a_sync_that_is_stuck_fails_and_the_next_one_goes_on(instance: Any, tmp_path: Path) -> None:
    with Sandbox(synthetic(contacts=30, now=SPRING)) as sandbox:
        sandbox.faults.add(Fault("empty", on="messages", times=None))
        assert not materialize(instance, "main", sandbox).success
        sandbox.faults.clear()
        assert materialize(instance, "main", sandbox).success
    assert differences(tmp_path, "main", sandbox) == []


def test_the_schedule_leaves_out_what_is_under_way(instance: Any) -> None:
    def tick(**later: float) -> list[str]:
        at = datetime.now(timezone.utc) + timedelta(**later)
        context = dg.build_schedule_context(
            instance, at, repository_def=definitions.defs.get_repository_def()
        )
        requests = definitions.hourly.evaluate_tick(context).run_requests
        return [request.partition_key for request in requests]

    assert tick() == []
    instance.add_dynamic_partitions("chatbotx_workspaces", ["asia", "europe"])
    assert tick() == ["asia", "europe"]
    instance.create_run_for_job(
        definitions.defs.resolve_job_def("chatbotx"),
        tags={"dagster/partition": "asia"},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert tick() == ["europe"]
    assert tick(hours=2) == ["asia", "europe"]


def test_the_definitions_need_no_settings_no_network_and_no_time(tmp_path: Path) -> None:
    told = Worker(tmp_path, "worker", {"PYTHONPATH": str(JOBS)}).parse(
        "import dagster",
        "from dagster_definitions import defs\n"
        "defs.validate_loadable(defs)\n"
        "found = [job.name for job in defs.resolve_all_job_defs()]",
    )
    assert "chatbotx" in told["found"]
    assert told["network"] == []
    assert told["seconds"] < 2
