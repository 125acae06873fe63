"""All loads of a sync share one client, with what it has learnt of the server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from chatbotx_source import sync
from chatbotx_source.api.client import Client
from chatbotx_source.api.connections import connection, one_client
from chatbotx_source.sandbox import Fault
from tests.support.guards import World
from tests.support.loading import Job

ADDRESS = "https://chat.example.com/api"


def test_a_web_page_at_the_beginning_of_a_later_load_is_no_wrong_address(
    serve: Callable[..., Job],
) -> None:
    world = World()
    for _ in range(3):
        world.writer(2)
    job = serve(world)
    pipeline, loads = job.pipeline, 0

    def run(source: Any, **options: Any) -> None:
        nonlocal loads
        loads += 1
        if loads == 2:
            page = Fault("status", status=200, body=b"<html>", content_type="text/html")
            job.sandbox.faults.add(page)
        pipeline.run(source, **options)

    options = {**job.options, "max_wait": 5, "workers": 1}
    summary = sync(pipeline, run=run, load_messages=2, **options)
    assert (summary.complete, loads > 2) == (True, True)
    assert job.differences() == []


def test_a_client_is_shared_within_a_sync_and_closed_after_it() -> None:
    with one_client():
        with connection(ADDRESS, "token", max_wait=1.0) as first:
            pass
        with connection(ADDRESS, "token", max_wait=1.0) as second:
            pass
        with connection(ADDRESS, "token", max_wait=2.0) as other:
            pass
        assert first is second
        assert first is not other
    with connection(ADDRESS, "token", max_wait=1.0) as later:
        assert later is not first


def test_a_sync_inside_another_one_leaves_its_client_alone() -> None:
    with one_client(), connection(ADDRESS, "token") as outer:
        with one_client(), connection(ADDRESS, "token") as inner:
            assert inner is not outer
        with connection(ADDRESS, "token") as again:
            assert again is outer


@pytest.mark.parametrize("shared", [True, False])
def test_a_client_is_closed_when_its_sync_or_its_load_ends(
    serve: Callable[..., Job], shared: bool
) -> None:
    job = serve(World())
    with one_client() if shared else nullcontext():
        with connection(job.sandbox.base_url, job.sandbox.token) as client:
            client.contacts(1)
            assert open_connections(client) == 1
        assert open_connections(client) == int(shared)
    assert open_connections(client) == 0


def open_connections(client: Client) -> int:
    adapter: Any = client._session.get_adapter(client.base_url)
    return len(adapter.poolmanager.pools)
