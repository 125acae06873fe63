"""Tables, states and selections may come and go: the next full sync ends equal to the truth."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import get_args

import pytest
from dlt.common.typing import TRefreshMode
from dlt.pipeline.helpers import pipeline_drop

from chatbotx_source import chatbotx
from tests.support.durability import Town
from tests.support.loading import Job

Serve = Callable[..., Job]

TABLES = sorted(chatbotx().selected_resources)
PAIRS = [
    ("contacts", "messages"),
    ("messages", "messages__attachments"),
    ("contacts__tags", "messages__attachments"),
]
SELECTIONS = [*((name,) for name in TABLES), *PAIRS]


@pytest.fixture
def town() -> Town:
    """Contacts who have been silent for long: only what is remembered decides what is read."""
    return Town(Random(2), contacts=3)


@pytest.fixture
def job(serve: Serve, town: Town) -> Job:
    """A workspace that was synced."""
    job = serve(town.workspace)
    job.sync()
    return job


def is_made_good(job: Job) -> bool:
    """Whether one more sync, which reads no more than it thinks it has to, completes the tables."""
    return job.sync(reconcile_share=0).complete and job.differences() == []


@pytest.mark.long
def test_news_that_only_some_tables_were_told_are_news_to_the_sync(job: Job, town: Town) -> None:
    for names in SELECTIONS:
        town.live(5)
        job.run(*names)
        town.settle()
        assert is_made_good(job), names


@pytest.mark.parametrize("names", [("messages",), ("contacts",), PAIRS[0]], ids="+".join)
def test_a_first_load_of_some_tables_leaves_the_rest_to_the_sync(
    serve: Serve, town: Town, names: tuple[str, ...]
) -> None:
    job = serve(town.workspace)
    job.run(*names)
    assert is_made_good(job)


@pytest.mark.long
@pytest.mark.parametrize("mode", get_args(TRefreshMode))
def test_what_was_refreshed_is_whole_again(job: Job, mode: TRefreshMode) -> None:
    for names in [("contacts__tags",), ("messages",), ()]:
        job.run(*names, refresh=mode, limit_contacts=1)
        assert is_made_good(job), names


@pytest.mark.long
def test_a_resource_that_was_dropped_is_whole_again(job: Job) -> None:
    for name in TABLES:
        pipeline_drop(job.pipeline, resources=[name])()
        assert is_made_good(job), name


@pytest.mark.long
def test_a_state_that_was_dropped_costs_no_rows(job: Job, town: Town) -> None:
    for name in TABLES:
        pipeline_drop(job.pipeline, resources=[name], state_only=True)()
        town.live(3)
        assert is_made_good(job), name


def test_everything_that_was_dropped_comes_again(job: Job) -> None:
    pipeline_drop(job.pipeline, drop_all=True)()
    assert is_made_good(job)


@pytest.mark.parametrize("name", ["contacts", "messages"])
def test_a_limit_on_a_resource_is_no_end_of_it(serve: Serve, town: Town, name: str) -> None:
    job = serve(town.workspace)
    source = job.source(max_messages=5)
    source.resources[name].add_limit(1)
    job.pipeline.run(source)
    assert is_made_good(job)


@pytest.mark.long
def test_a_limit_on_the_source_is_no_end_of_it(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.pipeline.run(job.source().add_limit(1))
    assert is_made_good(job)
    town.live(5)
    job.pipeline.run(job.source().add_limit(1))
    town.settle()
    assert is_made_good(job)
