"""Two syncs of one pipeline would lose the state of one of them: the second is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatbotx_source import ChatbotXError, sync
from chatbotx_source.sandbox import Request, synthetic
from tests.support.loading import SPRING, Job

Serve = Callable[..., Job]


def test_a_second_sync_is_refused_while_the_first_one_runs(serve: Serve) -> None:
    job = serve(synthetic(contacts=5, now=SPRING))
    other = job.pipeline
    refusals: list[ChatbotXError] = []

    def intrude(request: Request) -> None:
        if request.number == 3:
            with pytest.raises(ChatbotXError) as refusal:
                sync(other, **job.options)
            refusals.append(refusal.value)

    job.sandbox.before.append(intrude)
    assert job.sync().complete
    [refusal] = refusals
    assert "Another sync of the pipeline 'job' is running" in str(refusal)
    assert len(job.query("SELECT * FROM _chatbotx_syncs")) == 1
    assert job.differences() == []


def test_the_next_sync_may_run_whatever_came_of_the_last_one(serve: Serve) -> None:
    job = serve(synthetic(contacts=5, now=SPRING))
    with pytest.raises(Exception, match="refused the API token"):
        job.sync(api_token="not-the-token")
    assert job.sync().complete
    assert job.sync().complete
