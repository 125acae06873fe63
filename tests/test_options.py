"""Options that do not exist are named, with the nearest that does, before anything happens."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import get_type_hints

import pytest

from chatbotx_source import ConfigurationError, chatbotx, sync
from chatbotx_source.sandbox import Workspace
from chatbotx_source.source import SourceOptions
from tests.support.loading import Job

Serve = Callable[..., Job]


def test_the_options_that_sync_hands_on_are_those_of_the_source() -> None:
    source, whole_call = inspect.signature(chatbotx), inspect.signature(sync)
    handed_on = source.parameters.keys() - whole_call.parameters.keys()
    assert SourceOptions.__annotations__.keys() == handed_on
    types = get_type_hints(inspect.unwrap(chatbotx))
    assert get_type_hints(SourceOptions) == {name: types[name] for name in handed_on}


# mypy sees these typos too: it would complain of a comment below that ignores nothing.


def test_a_typo_in_a_call_of_sync_names_the_nearest_option(serve: Serve) -> None:
    job = serve(Workspace())
    with pytest.raises(ConfigurationError, match=r"'max_mesages': .* is 'max_messages'\."):
        sync(job.pipeline, max_mesages=10)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match=r"'full_refesh': .* is 'full_refresh'\."):
        sync(job.pipeline, full_refesh=True)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match=r"'base_uri': .* is 'base_url'\."):
        sync(job.pipeline, base_uri=job.sandbox.base_url)  # type: ignore[call-arg]
    assert not job.file.exists()


def test_a_typo_in_a_call_of_the_source_is_refused_where_it_is_built() -> None:
    with pytest.raises(TypeError, match="'page_sise'"):
        chatbotx(page_sise=10)  # type: ignore[call-arg]
