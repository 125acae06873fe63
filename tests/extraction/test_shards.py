"""Shards: several workers share the contacts of one workspace, without overlap or gap."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source import ChatbotXError, SyncSummary, chatbotx, sync
from chatbotx_source.rules.due import is_chosen
from chatbotx_source.sandbox import synthetic
from chatbotx_source.shards import Shard
from tests.support.loading import SPRING, Job

Serve = Callable[..., Job]


def shards(count: int) -> list[Shard]:
    return [Shard(index, count) for index in range(1, count + 1)]


@given(contact_id=st.text(), count=st.integers(1, 9999))
def test_every_contact_is_of_one_shard(contact_id: str, count: int) -> None:
    contact_id = contact_id.encode(errors="replace").decode()
    assert sum(shard.holds(contact_id) for shard in shards(count)) == 1


@given(first=st.integers(2**53, 2**63), count=st.integers(2, 16))
def test_shards_are_alike_in_size_and_in_turns_to_be_read_whole(first: int, count: int) -> None:
    ids = [str(first + n) for n in range(4_000)]
    for shard in shards(count):
        own = [id_ for id_ in ids if shard.holds(id_)]
        assert len(own) == pytest.approx(len(ids) / count, rel=0.35)
        chosen = sum(is_chosen(id_, 7, share=0.1) for id_ in own)
        assert 0 < chosen < len(own) / 4


@pytest.mark.parametrize("text", ["0/8", "9/8", "8", "1/0", "a/b", "1/8/2", "-1/8", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ChatbotXError, match="must be one of n parts"):
        Shard.parse(text)


def test_a_list_of_contacts_is_not_shared_out() -> None:
    with pytest.raises(ChatbotXError, match="leave out one of the two"):
        chatbotx(contacts=["id:1"], shard="1/2")


@pytest.fixture
def job(serve: Serve) -> Job:
    return serve(synthetic(contacts=40, now=SPRING))


@pytest.fixture
def sync_shard(job: Job, tmp_path: Path) -> Callable[..., SyncSummary]:
    """Syncs a shard by a pipeline of its own, into the one dataset."""

    def sync_one(shard: str, **options: Any) -> SyncSummary:
        pipeline = dlt.pipeline(
            f"job_shard_{Shard.parse(shard).index}",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.duckdb(str(job.file)),
            dataset_name="data",
        )
        return sync(pipeline, shard=shard, **job.options, **options)

    return sync_one


Sync = Callable[..., SyncSummary]


def test_all_shards_together_are_the_workspace(job: Job, sync_shard: Sync) -> None:
    for shard in map(str, shards(3)):
        summary = sync_shard(shard)
        assert summary.complete
        assert summary.verdict.startswith(f"shard {shard}: complete")
    assert job.differences() == []
    assert job.query(
        "SELECT shard, sum(contacts_listed) > 0 FROM _chatbotx_syncs GROUP BY 1 ORDER BY 1"
    ) == [(str(shard), True) for shard in shards(3)]
    [(listed,)] = job.query("SELECT sum(contacts_listed) FROM _chatbotx_syncs")
    assert listed == 40
    walked = [each.contact_id for each in job.requests("messages")]
    assert len(walked) == len(set(walked))


@pytest.mark.long
def test_a_shard_marks_its_own_contacts_alone(job: Job, sync_shard: Sync) -> None:
    for shard in shards(3):
        sync_shard(str(shard))
    gone = {
        shard: next(each for each in job.workspace.truth().contacts if shard.holds(each))
        for shard in shards(3)
    }
    for contact_id in gone.values():
        job.workspace.delete_contact(contact_id)
    marked: list[tuple[str]] = []
    for shard, contact_id in gone.items():
        sync_shard(str(shard))
        marked = sorted([*marked, (contact_id,)])
        assert job.query("SELECT id FROM contacts WHERE removed_at NOTNULL ORDER BY 1") == marked


@pytest.mark.long
def test_another_number_of_shards_starts_from_nothing(
    job: Job, sync_shard: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    for shard in ("1/2", "2/2"):
        sync_shard(shard)
    with caplog.at_level(logging.WARNING, "chatbotx_source"):
        for shard in ("1/3", "2/3", "3/3"):
            assert sync_shard(shard).mode == "full"
    assert "shard 1/2 was read before, now it is shard 1/3" in caplog.text
    assert job.differences() == []


def test_a_shard_goes_on_where_it_ended(job: Job, sync_shard: Sync) -> None:
    assert not sync_shard("1/2", max_requests=5).complete
    walked = {each.contact_id for each in job.requests("messages")}
    before = len(job.requests())
    assert sync_shard("1/2").complete
    again = {each.contact_id for each in job.requests()[before:] if each.kind == "messages"}
    assert len(again & walked) <= 1
    assert sync_shard("1/2").mode == "incremental"


def test_a_full_refresh_of_one_shard_is_refused(job: Job, sync_shard: Sync) -> None:
    sync_shard("1/2")
    with pytest.raises(ChatbotXError, match="would drop the rows of all the others"):
        sync_shard("1/2", full_refresh=True)
    assert job.query("SELECT count(*) > 0 FROM messages") == [(True,)]


def test_the_shards_share_the_pace_of_the_workspace(job: Job) -> None:
    alone = job.sync(max_requests_per_second=1).retry_after
    shared = job.sync(max_requests_per_second=1, shard="1/8").retry_after
    assert alone is not None
    assert shared is not None
    assert alone <= 1 < 7 < shared <= 8
