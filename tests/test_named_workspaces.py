"""Several workspaces: each has a name, a section of the configuration, and its own pipeline."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatbotx_source import sync
from chatbotx_source.sandbox import Fault, synthetic
from tests.support.loading import SPRING, Job

Serve = Callable[..., Job]


@pytest.fixture
def jobs(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> dict[str, Job]:
    """Two workspaces, configured by name."""
    monkeypatch.setenv("SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND", "0")
    jobs = {
        name: serve(synthetic(seed, contacts=12, now=SPRING), name=name, token=f"token-of-{name}")
        for seed, name in enumerate(("asia", "europe"))
    }
    for name, job in jobs.items():
        section = f"SOURCES__CHATBOTX__{name.upper()}"
        monkeypatch.setenv(f"{section}__BASE_URL", job.sandbox.base_url)
        monkeypatch.setenv(f"{section}__API_TOKEN", job.sandbox.token)
    return jobs


def test_a_name_leads_to_its_own_section(jobs: dict[str, Job]) -> None:
    for name, job in jobs.items():
        assert sync(job.pipeline, workspace=name).complete
        assert job.differences() == []


def test_a_budget_is_that_of_the_name_or_of_all(
    jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CHATBOTX__MAX_REQUESTS", "3")
    monkeypatch.setenv("SOURCES__CHATBOTX__ASIA__MAX_REQUESTS", "5")
    requests = {name: sync(job.pipeline, workspace=name).requests for name, job in jobs.items()}
    assert requests == {"asia": 5, "europe": 3}


@pytest.mark.long
def test_a_full_refresh_begins_anew_under_the_name(jobs: dict[str, Job]) -> None:
    job = jobs["asia"]
    sync(job.pipeline, workspace="asia")
    job.workspace.delete_contact(next(iter(job.workspace.truth().contacts)))
    summary = sync(job.pipeline, workspace="asia", full_refresh=True)
    assert (summary.mode, summary.complete) == ("full", True)
    assert job.differences() == []


def test_the_figures_of_a_sync_are_small(serve: Serve) -> None:
    job = serve(synthetic(contacts=60, now=SPRING))
    figures = job.sync(max_requests=5).figures
    assert figures["unfinished"] > 5
    assert figures["verdict"].startswith("not complete: ")
    assert len(str(figures)) < 1_000


def test_an_outage_stalls_a_sync_and_a_budget_does_not(serve: Serve) -> None:
    job = serve(synthetic(contacts=60, now=SPRING))
    assert not job.sync(max_requests=5).stalled
    job.sandbox.faults.add(Fault("empty", on="messages", times=None))
    assert job.sync().stalled
    job.sandbox.faults.clear()
    assert not job.sync().stalled
    assert job.differences() == []
