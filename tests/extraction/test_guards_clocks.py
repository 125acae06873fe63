"""What time it is, and what the server hides behind times: a pass is never dated too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from chatbotx_source.sandbox import Sandbox, Workspace
from tests.support.guards import Serve, World, loaded, warnings

MARGIN = timedelta(minutes=5)


def ahead(sandbox: Sandbox) -> None:
    sandbox.clock_skew = timedelta(days=1)


def behind(sandbox: Sandbox) -> None:
    sandbox.clock_skew = timedelta(hours=-3)


def missing(sandbox: Sandbox) -> None:
    sandbox.date_header = None


def cached(sandbox: Sandbox) -> None:
    an_hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    sandbox.date_header = format_datetime(an_hour_ago, usegmt=True)
    sandbox.age_header = "3600"


@pytest.mark.parametrize(
    ("trouble", "warning", "earlier"),
    [
        (ahead, "clocks of the server and of this machine differ", timedelta(0)),
        (behind, "clocks of the server and of this machine differ", timedelta(hours=3)),
        (missing, "the server sent no date", timedelta(0)),
        (cached, "comes from a cache 3600 s old", timedelta(hours=1)),
    ],
)
def test_a_date_that_cannot_be_trusted_is_warned_of_and_dates_no_pass_too_late(
    serve: Serve,
    trouble: Callable[[Sandbox], None],
    warning: str,
    earlier: timedelta,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = serve(Workspace())
    trouble(job.sandbox)
    before = datetime.now(timezone.utc)
    summary = job.sync()
    after = datetime.now(timezone.utc)
    assert warning.lower() in warnings(caplog).lower()
    assert summary.synced_through
    # The Date header has whole seconds.
    assert before - MARGIN - earlier - timedelta(seconds=1) <= summary.synced_through
    assert summary.synced_through <= after - MARGIN - earlier


def test_a_clock_that_agrees_is_no_reason_to_warn(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    assert serve(Workspace()).sync().complete
    assert warnings(caplog) == ""


def test_a_message_after_a_pass_is_found_though_the_servers_clock_was_ahead(serve: Serve) -> None:
    workspace = Workspace()
    contact = workspace.add_contact(created_at="2024-01-01T00:00:00.000Z")
    job = serve(workspace)
    ahead(job.sandbox)
    job.sync()
    workspace.add_message(contact)
    assert job.sync(lookback_days=0, reconcile_share=0).complete
    assert job.differences() == []


def test_messages_beyond_the_first_pages_window_are_loaded_once_it_has_moved(
    serve: Serve,
) -> None:
    world = World()
    contact = world.writer(3)
    world.import_message(contact, world.time() + timedelta(hours=3))
    job = serve(world)
    assert job.sync().complete
    assert (loaded(job, contact), job.differences()) == (3, [])
    world.time.tick(hours=4)
    world.add_message(contact)
    assert job.sync(reconcile_share=0).complete
    assert (loaded(job, contact), job.differences()) == (5, [])
