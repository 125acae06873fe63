"""What `sync` says of itself: values to decide by, and JSON data for a scheduler."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import get_args

from chatbotx_source import EndedBy, SyncSummary
from chatbotx_source.sandbox import synthetic
from tests.support.loading import Job


def test_a_sync_tells_an_aware_datetime_and_a_scheduler_gets_its_text(
    serve: Callable[..., Job],
) -> None:
    job = serve(synthetic(contacts=4))
    summary = job.sync()
    assert summary.synced_through is not None
    assert summary.synced_through.utcoffset() == timedelta(0)
    figures = json.loads(json.dumps(summary.figures))
    assert figures["synced_through"].endswith("Z")
    assert (
        datetime.fromisoformat(figures["synced_through"][:-1]).replace(tzinfo=timezone.utc)
        == summary.synced_through
    )
    assert figures["synced_through"] in summary.verdict
    assert (figures["mode"], figures["ended_by"]) == ("full", None)


def test_before_a_pass_has_ended_there_is_no_date(serve: Callable[..., Job]) -> None:
    summary = serve(synthetic(contacts=4)).sync(max_requests=1)
    assert (summary.synced_through, summary.figures["synced_through"]) == (None, None)
    assert (summary.mode, summary.ended_by) == ("full", "max_requests")


def test_only_an_end_that_nothing_has_asked_for_is_a_sync_that_is_stuck() -> None:
    stuck = {reason for reason in get_args(EndedBy) if SyncSummary(ended_by=reason).stalled}
    assert stuck == {"outage", "a load that read nothing", "a load that got no further"}
    assert not SyncSummary().stalled
