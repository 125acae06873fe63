"""Schedulers build the source at every parse: without a token, without a network, from settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source import ChatbotXError, chatbotx
from chatbotx_source.sandbox import Workspace, synthetic
from tests.support.loading import SPRING, Job

Serve = Callable[..., Job]

DISPOSITIONS = {
    "contacts": "merge",
    "contacts__tags": "merge",
    "contacts__contact_custom_fields": "merge",
    "contacts__contact_notes": "merge",
    "contacts__contact_inboxes": "merge",
    "messages": "merge",
    "messages__attachments": "merge",
    "_chatbotx_syncs": "merge",
    "_chatbotx_unfinished": "merge",
    "_chatbotx_walks": "append",
}

# What of each option is refused, and by which word: that shows that it was read.
REFUSED = {
    "api_token": ("two words", "token"),
    "base_url": ("chat.example.com", "base_url"),
    "contacts": ('["id:1", "ana@example.com"]', "email:ana@example.com"),
    "start_date": ("soon", "start_date"),
    "page_size": ("0", "page_size"),
    "lookback_days": ("-0.5", "lookback_days"),
    "reconcile_share": ("1.5", "reconcile_share"),
    "limit_contacts": ("0", "limit_contacts"),
    "max_requests_per_second": ("-0.5", "max_requests_per_second"),
    "workers": ("0", "workers"),
    "max_wait": ("-1", "max_wait"),
    "request_timeout": ("0", "request_timeout"),
    "max_requests": ("0", "max_requests"),
    "max_messages": ("0", "max_messages"),
    "max_duration": ("-1", "max_duration"),
    "load_duration": ("-1", "load_duration"),
    "grace": ("-1", "grace"),
    "table_format": ("excel", "table_format"),
    "shard": ("9/8", "shard"),
}
SWITCHES = {"reconcile", "allow_http", "keep_signed_urls"}


def test_building_needs_neither_a_token_nor_a_server() -> None:
    source = chatbotx()
    assert (source.name, source.section) == ("chatbotx", "chatbotx")
    assert chatbotx(api_token=None, base_url="https://chat.example.com/api").name == "chatbotx"


def test_building_sends_nothing(serve: Serve) -> None:
    job = serve(Workspace())
    source = job.source()
    assert source.with_resources("contacts").selected_resources.keys() == {"contacts"}
    assert job.requests() == []


def test_the_resources_are_the_tables() -> None:
    source = chatbotx()
    dispositions = {
        name: resource.write_disposition for name, resource in source.selected_resources.items()
    }
    assert dispositions.items() >= DISPOSITIONS.items()


def test_a_missing_token_is_one_sentence_at_the_first_request(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = serve(Workspace())
    source = chatbotx(base_url=job.sandbox.base_url)
    with pytest.raises(PipelineStepFailed) as failure:
        job.pipeline.run(source)
    cause: Any = failure.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    assert isinstance(cause, ChatbotXError)
    assert str(cause).startswith("The ChatbotX API token is missing: set SOURCES__CHATBOTX__API_")
    assert "\n" not in str(cause)
    assert job.requests() == []


def test_every_option_is_among_those_that_are_tested() -> None:
    assert inspect.signature(chatbotx).parameters.keys() == REFUSED.keys() | SWITCHES


@pytest.mark.parametrize("option", REFUSED)
def test_an_option_is_read_from_the_environment(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, word = REFUSED[option]
    monkeypatch.setenv(f"SOURCES__CHATBOTX__{option.upper()}", value)
    with pytest.raises(ChatbotXError, match=word):
        chatbotx()


def test_http_can_be_allowed_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CHATBOTX__BASE_URL", "http://chat.example.com/api")
    with pytest.raises(ChatbotXError, match="https://"):
        chatbotx()
    monkeypatch.setenv("SOURCES__CHATBOTX__ALLOW_HTTP", "true")
    assert chatbotx().name == "chatbotx"


def test_signatures_can_be_kept_in_the_environment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace()
    workspace.add_message(workspace.add_contact(), attachments=1)
    monkeypatch.setenv("SOURCES__CHATBOTX__KEEP_SIGNED_URLS", "true")
    job = serve(workspace)
    job.sync()
    [(url,)] = job.query("SELECT url FROM messages__attachments")
    assert "X-Amz-Signature" in url


def test_a_reconcile_can_be_asked_for_in_the_environment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CHATBOTX__RECONCILE", "true")
    job = serve(synthetic(contacts=3, now=SPRING))
    assert job.sync().reconciled
    assert job.sync().reconciled
    assert job.query("SELECT DISTINCT mode FROM _chatbotx_syncs") == [("reconcile",)]


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CHATBOTX__PAGE_SIZE", "0")
    assert chatbotx(page_size=7).name == "chatbotx"


@pytest.mark.long
def test_each_workspace_has_a_section_of_its_own(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = {
        name: serve(
            synthetic(seed=place, contacts=3, now=SPRING), name=name, token=f"token-of-{name}"
        )
        for place, name in enumerate(("asia", "europe"))
    }
    monkeypatch.setenv("SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND", "0")
    for name, job in jobs.items():
        section = f"SOURCES__CHATBOTX__{name.upper()}"
        monkeypatch.setenv(f"{section}__BASE_URL", job.sandbox.base_url)
        monkeypatch.setenv(f"{section}__API_TOKEN", job.sandbox.token)
    for name, job in jobs.items():
        source = chatbotx.clone(name=name)()
        assert source.name == name
        job.pipeline.run(source)
        assert job.differences() == []
        assert job.pipeline.state["sources"].keys() == {name}


def test_the_source_goes_along_with_others(serve: Serve) -> None:
    job = serve(synthetic(contacts=3, now=SPRING))
    numbers = dlt.resource([{"n": 1}, {"n": 2}], name="numbers")
    job.pipeline.run([job.source(), numbers])
    assert job.differences() == []
    assert job.query("SELECT sum(n) FROM numbers") == [(3,)]
