"""A full refresh begins anew: whole in the end, never at the cost of somebody else's rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import dlt
import pytest

from chatbotx_source import sync
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.sandbox import Sandbox, Workspace
from tests.kills.worker import Death, sync_apart
from tests.support.durability import Town, living
from tests.support.loading import SPRING, Job
from tests.support.oracle import difference, expected
from tests.support.sandbox import Clock

Serve = Callable[..., Job]

OTHER = "30000000000000002"


@pytest.fixture
def town() -> Town:
    return Town(Random(4), contacts=3)


def other_workspace() -> Workspace:
    """A workspace with ids of its own."""
    workspace = Workspace(Clock(SPRING))
    for _ in range(1_000):
        workspace.new_id()
    for _ in range(2):
        contact = workspace.add_contact(workspaceId=OTHER)
        workspace.add_message(contact, attachments=[{"workspaceId": OTHER}], workspaceId=OTHER)
    workspace.clock = Clock(SPRING.replace(year=2026))
    return workspace


def test_what_is_gone_goes(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    town.live(8, losses=True)
    town.workspace.delete_contact(town.contacts[0])
    assert job.sync(full_refresh=True).complete
    assert job.differences() == []


@pytest.mark.long
def test_a_refresh_of_many_loads_begins_anew_once(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    assert job.sync(full_refresh=True, load_messages=5, page_size=3, workers=1).loads > 1
    assert job.differences() == []


def test_rows_of_another_workspace_are_not_dropped(serve: Serve, town: Town) -> None:
    job, other = serve(town.workspace), serve(other_workspace(), name="other")
    job.sync()
    beside = dlt.pipeline(
        "beside",
        pipelines_dir=str(job.file.parent / "pipelines"),
        destination=dlt.destinations.duckdb(str(job.file)),
        dataset_name="data",
    )
    sync(beside, **other.options)
    before = job.tables()
    for pipeline, options in ((job.pipeline, job.options), (beside, other.options)):
        with pytest.raises(ConfigurationError, match=r"drop the rows of \d+ .* dataset of its own"):
            sync(pipeline, full_refresh=True, **options)
    assert job.tables() == before


@pytest.mark.long
@pytest.mark.parametrize("fresh", [False, True], ids=["same worker", "fresh worker"])
@pytest.mark.parametrize(
    "death",
    [
        Death("request", 3),
        Death("statement", about="DROP TABLE"),
        Death("statement", about="read_parquet"),
        Death("statement", about='DELETE FROM "data"."messages" '),
        Death("statement", about='INSERT INTO "data"."_dlt_loads"'),
    ],
    ids=lambda death: death.about or death.kind,
)
def test_a_refresh_that_dies_is_made_good(
    serve: Serve, town: Town, tmp_path: Path, death: Death, fresh: bool
) -> None:
    job = serve(town.workspace)
    job.sync()
    assert sync_apart(job, death, full_refresh=True) is None
    if fresh:
        shutil.rmtree(tmp_path / "pipelines")
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


def test_another_workspace_begins_at_its_beginning(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    port = job.sandbox.port
    job.sandbox.__exit__(None, None, None)
    before = expected(town.workspace)
    job.workspace = other_workspace()
    job.sandbox = Sandbox(job.workspace, port=port)
    job.sandbox.__enter__()
    assert job.sync(reconcile_share=0).complete
    own = expected(job.workspace)
    assert difference({name: [*before[name], *own[name]] for name in own}, job.tables()) == []
    assert living(job.tables()) == job.tables()
    assert job.sync(reconcile_share=0).complete
    assert living(job.tables()) == job.tables()
