"""Passing faults are outlived, lasting ones given up on, and rate limits obeyed."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source.api.pacing import (
    BACKOFF_CAP,
    RATE_LIMIT_WINDOW,
    backoff_delay,
    rate_limit_delay,
)
from chatbotx_source.api.responses import A_YEAR, parse_date, parse_retry_after
from chatbotx_source.errors import (
    ChatbotXError,
    RateLimitError,
    ServerFaultError,
    UnreachableError,
)
from chatbotx_source.sandbox import Fault, Sandbox, Workspace
from tests.support.client import EMPTY_LISTING, EMPTY_PAGE, NOON, Clock, client_at, reply, scripted

GOOD = reply(200, EMPTY_LISTING)
PASSING: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "body": b"<html>Bad gateway</html>"},
    {"kind": "status", "status": 503, "body": b""},
    {"kind": "status", "status": 504, "body": b"<html>Time-out</html>"},
    {"kind": "status", "status": 408},
    {"kind": "not_json", "body": b'{"data":['},
    {"kind": "not_json", "body": b""},
    {"kind": "cut"},
    {"kind": "truncate"},
    {"kind": "status", "status": 429},
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_outlived(fault: dict[str, Any]) -> None:
    with Sandbox(Workspace()) as sandbox:
        sandbox.faults.add(Fault(**fault))
        client = client_at(sandbox.base_url, api_token=sandbox.token)
        answer = client.contacts(1)
    assert answer.attempts == client.requests == len(sandbox.requests) == 2


@pytest.mark.parametrize("fault", PASSING[:-1])
def test_a_lasting_fault_is_given_up_after_the_attempts_allowed(fault: dict[str, Any]) -> None:
    clock = Clock()
    with Sandbox(Workspace()) as sandbox:
        sandbox.faults.add(Fault(**fault, times=None))
        client = client_at(sandbox.base_url, clock, api_token=sandbox.token, max_attempts=4)
        with pytest.raises(ServerFaultError) as caught:
            client.contacts(1)
    assert caught.value.attempts == client.requests == len(sandbox.requests) == 4
    assert clock.passed <= 1 + 2 + 4


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\n"
        + b'{"da',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        + b"%x\r\n%b\r\n" % (len(EMPTY_LISTING), EMPTY_LISTING),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        reply(200, EMPTY_LISTING, "Connection: close", length=len(EMPTY_LISTING) + 1),
        reply(200, b"no gzip", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + EMPTY_LISTING[:-1],
        b"SSH-2.0-server\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=[
        "mid-chunk",
        "no-last-chunk",
        "bad-size",
        "short-body",
        "bad-gzip",
        "no-length",
        "no-http",
        "headers",
    ],
)
def test_an_answer_broken_on_its_way_is_asked_for_again(broken: bytes) -> None:
    with scripted(broken, GOOD) as server:
        assert client_at(server.base_url).contacts(1).attempts == 2


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with scripted(GOOD) as gone:
        pass
    client = client_at(gone.base_url, max_attempts=3)
    with pytest.raises(UnreachableError, match="Connection refused") as caught:
        client.contacts(1)
    assert caught.value.attempts == client.requests == 3
    assert gone.base_url in str(caught.value)


def test_a_server_without_tls_is_unreachable_by_https() -> None:
    with Sandbox(Workspace()) as sandbox:
        client = client_at(sandbox.base_url.replace("http:", "https:"), max_attempts=2)
        with pytest.raises(UnreachableError, match="SSL"):
            client.contacts(1)


def test_silence_of_one_request_does_not_make_the_server_unreachable() -> None:
    workspace = Workspace()
    mute, well = workspace.add_contact(), workspace.add_contact()
    with Sandbox(workspace) as sandbox:
        sandbox.faults.add(Fault("cut", contact_id=mute, times=None))
        client = client_at(sandbox.base_url, api_token=sandbox.token, max_attempts=2)
        with pytest.raises(ServerFaultError):
            client.messages(f"id:{mute}", per_page=20, cursor=None)
        assert client.messages(f"id:{well}", per_page=20, cursor=None).body["data"] == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("Sun, 01 Mar 2026 12:00:40 GMT", 40.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_obeyed(status: int, retry_after: str, seconds: float) -> None:
    clock = Clock()
    refusal = reply(status, b"", f"Retry-After: {retry_after}")
    with scripted(refusal, GOOD) as server:
        client_at(server.base_url, clock).contacts(1)
    most = seconds if status == 429 else max(seconds, 1.0)
    assert seconds <= clock.passed <= most


def test_a_retry_after_date_is_read_by_the_clock_of_the_server() -> None:
    clock = Clock()
    refusal = reply(
        429,
        b"",
        "Date: Sun, 01 Mar 2026 18:00:00 GMT",
        "Retry-After: Sun, 01 Mar 2026 18:00:40 GMT",
    )
    with scripted(refusal, GOOD) as server:
        client_at(server.base_url, clock).contacts(1)
    assert clock.passed == 40.0


@pytest.mark.parametrize("retry_after", ["soon", "-5", "1e3", "nan", ""])
def test_a_retry_after_that_cannot_be_read_is_as_none(retry_after: str) -> None:
    clock = Clock()
    with scripted(reply(429, b"", f"Retry-After: {retry_after}"), GOOD) as server:
        client_at(server.base_url, clock).contacts(1)
    assert clock.passed == RATE_LIMIT_WINDOW


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_beyond_max_wait_is_not_begun(status: int) -> None:
    clock = Clock()
    with scripted(reply(status, b"", "Retry-After: 1800"), GOOD) as server:
        client = client_at(server.base_url, clock, max_wait=300)
        with pytest.raises(RateLimitError, match="max_wait = 300 s") as caught:
            client.contacts(1)
    assert (caught.value.retry_after, caught.value.attempts) == (1800.0, 1)
    assert clock.passed == 0


def test_a_long_rate_limit_is_not_tried_again_by_the_next_request() -> None:
    with scripted(reply(429, b"", "Retry-After: 1800"), GOOD) as server:
        client = client_at(server.base_url)
        for _ in range(3):
            with pytest.raises(RateLimitError) as caught:
                client.contacts(1)
    assert len(server.heads) == 1
    assert (caught.value.retry_after, caught.value.attempts) == (1800.0, 0)


def test_rate_limits_do_not_use_up_the_attempts() -> None:
    refusals = [reply(429, b"", "Retry-After: 1")] * 3
    fault = reply(500, b"")
    with scripted(*refusals, fault, GOOD) as server:
        answer = client_at(server.base_url, max_attempts=2).contacts(1)
    assert answer.attempts == 5


@pytest.mark.parametrize("headers", [[], ["Retry-After: 0"], ["Retry-After: 30"]])
def test_a_rate_limit_without_end_is_given_up(headers: list[str]) -> None:
    clock = Clock()
    with scripted(reply(429, b"", *headers)) as server, pytest.raises(RateLimitError) as caught:
        client_at(server.base_url, clock).contacts(1)
    assert clock.passed <= 300
    assert caught.value.attempts == len(server.heads) <= 7
    assert caught.value.retry_after > 0


def test_the_limit_of_newer_servers_costs_one_request_a_window() -> None:
    clock = Clock()
    with Sandbox(Workspace(), rate_limit=(3, 10.0), monotonic=clock.monotonic) as sandbox:
        client = client_at(sandbox.base_url, clock, api_token=sandbox.token)
        attempts = [client.contacts(1).attempts for _ in range(9)]
    assert attempts == [1, 1, 1, 2, 1, 1, 2, 1, 1]


def test_one_attempt_means_no_retry() -> None:
    clock = Clock()
    with scripted(reply(500, b"")) as server, pytest.raises(ChatbotXError):
        client_at(server.base_url, clock, max_attempts=1).contacts(1)
    assert (len(server.heads), clock.passed) == (1, 0)


def test_the_attempts_of_an_answer_are_its_own() -> None:
    page = reply(200, EMPTY_PAGE)
    with scripted(reply(500, b""), page) as server:
        client = client_at(server.base_url)
        answers = [client.messages("id:7", per_page=20, cursor=None) for _ in range(3)]
    assert [answer.attempts for answer in answers] == [2, 1, 1]
    assert client.requests == 4


@given(faults=st.integers(1, 1000), draw=st.floats(0, 1))
def test_backoff_grows_to_its_cap_and_jitters_down_to_nothing(faults: int, draw: float) -> None:
    assert 0 <= backoff_delay(faults, draw) <= backoff_delay(faults, 1.0) <= BACKOFF_CAP
    assert backoff_delay(faults, 1.0) <= backoff_delay(faults + 1, 1.0)


@given(limits=st.integers(2, 20), retry_after=st.none() | st.floats(0, 1000))
def test_a_rate_limit_met_again_is_waited_for_longer(
    limits: int, retry_after: float | None
) -> None:
    delay = rate_limit_delay(limits, retry_after)
    assert delay >= (retry_after or 0.0)
    assert rate_limit_delay(limits + 1, retry_after) >= delay > 0


@given(st.text() | st.from_regex(r"[-+]?[0-9]{1,400}(\.[0-9]*)?", fullmatch=True))
def test_no_text_in_a_header_breaks_its_reader(text: str) -> None:
    seconds = parse_retry_after(text, since=NOON)
    assert seconds is None or 0 <= seconds <= A_YEAR
    date = parse_date(text)
    assert date is None or date.utcoffset() == timedelta(0)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))
def test_an_http_date_is_read_to_the_second(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=timezone.utc)
    text = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert parse_date(text) == moment
