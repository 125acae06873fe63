"""No server holds a run for ever, and none makes it swallow more than it can."""

import gzip
from typing import Any

import pytest

from chatbotx_source.api.client import CHUNK_BYTES
from chatbotx_source.errors import (
    AuthenticationError,
    ConfigurationError,
    UnreadablePageError,
)
from chatbotx_source.sandbox import Fault, Sandbox, Workspace
from tests.support.client import EMPTY_LISTING, EMPTY_PAGE, client_at, reply, scripted


def test_a_server_that_says_nothing_is_left_after_the_read_timeout() -> None:
    with Sandbox(Workspace()) as sandbox:
        sandbox.faults.add(Fault("slow", seconds=0.5))
        client = client_at(sandbox.base_url, api_token=sandbox.token, read_timeout=0.05)
        assert client.contacts(1).attempts == 2


def test_a_dripped_body_in_time_is_whole() -> None:
    workspace = Workspace()
    contact = workspace.add_contact()
    for _ in range(20):
        workspace.add_message(contact)
    with Sandbox(workspace) as sandbox:
        sandbox.faults.add(Fault("slow", seconds=0.05, pieces=50))
        client = client_at(sandbox.base_url, api_token=sandbox.token)
        answer = client.messages(f"id:{contact}", per_page=20, cursor=None)
    assert (len(answer.body["data"]), answer.attempts) == (20, 1)


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_beyond_its_limit_is_not_read_to_its_end(packed: bool) -> None:
    body = EMPTY_PAGE + b" " * 10_000_000
    answer = (
        reply(200, gzip.compress(body), "Content-Encoding: gzip") if packed else reply(200, body)
    )
    with scripted(answer) as server:
        client = client_at(server.base_url, max_body_bytes=100_000)
        with pytest.raises(UnreadablePageError, match="exceeds 100,000 bytes"):
            client.messages("id:7", per_page=500, cursor=None)
    assert len(server.heads) == 1


def test_a_refusal_beyond_the_limit_is_still_that_refusal() -> None:
    with scripted(reply(401, b"x" * 10_000_000)) as server:
        client = client_at(server.base_url, max_body_bytes=100_000)
        with pytest.raises(AuthenticationError):
            client.contacts(1)


@pytest.mark.parametrize("size", [CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])
def test_a_body_of_many_chunks_is_whole(size: int) -> None:
    body = EMPTY_PAGE + b" " * (size - len(EMPTY_PAGE))
    packed = reply(200, gzip.compress(body), "Content-Encoding: gzip")
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece)
        for piece in (body[:10], body[10 : size // 2], body[size // 2 :], b"")
    )
    with scripted(reply(200, body), packed, chunked) as server:
        client = client_at(server.base_url, max_body_bytes=size, max_attempts=1)
        for _ in range(3):
            assert client.messages("id:7", per_page=20, cursor=None).body["data"] == []


def test_a_connection_is_used_again_after_answers_and_after_refusals() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n0\r\n\r\n"
        % (
            len(EMPTY_LISTING),
            EMPTY_LISTING,
        )
    )
    packed = reply(200, gzip.compress(EMPTY_LISTING), "Content-Encoding: gzip")
    good = reply(200, EMPTY_LISTING)
    with scripted(good, chunked, packed, reply(503, b"later"), good) as server:
        client = client_at(server.base_url)
        for _ in range(4):
            client.contacts(1)
        client.close()
    assert (len(server.heads), server.connections) == (5, 1)


@pytest.mark.parametrize(
    "option",
    [
        {"connect_timeout": 0},
        {"read_timeout": -1},
        {"request_timeout": float("nan")},
        {"max_wait": -1},
        {"max_requests_per_second": -0.1},
        {"max_attempts": 0},
        {"max_body_bytes": 0},
    ],
)
def test_an_option_out_of_range_is_named(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        client_at("https://app.chatbotx.io/api", **option)
