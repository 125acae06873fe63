"""One deadline holds for a whole request, whatever a peer does, and nobody waits beyond it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chatbotx_source.api.client import Client
from chatbotx_source.api.pool import ThreadPool
from chatbotx_source.errors import ServerFaultError, StoppedError, UnreachableError
from tests.support.client import EMPTY_LISTING, TOKEN, client_at, reply, scripted
from tests.support.peers import (
    Behaviour,
    drips_a_body,
    drips_a_handshake,
    drips_a_header,
    peer,
    sends_interim_answers,
    silent,
)

SOON = 0.2
"""Seconds that a request may take where the peer never answers."""

AT_LAST = 4.0
"""Seconds within which everything happens that has to."""


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Threads that were left behind end soon, for their connections are cut."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("chatbotx"):
            thread.join(AT_LAST)
            assert not thread.is_alive(), thread


@pytest.mark.parametrize("behaviour", [silent, drips_a_header, drips_a_body, sends_interim_answers])
def test_a_request_ends_at_its_deadline_and_hangs_up(behaviour: Behaviour) -> None:
    with peer(behaviour) as server:
        client = client_at(server.base_url, request_timeout=SOON, max_attempts=1)
        with pytest.raises(ServerFaultError, match=r"page=1 took more than 0\.2 s: set a smaller"):
            client.contacts(1)
        assert server.gone.acquire(timeout=AT_LAST)


@pytest.mark.parametrize("behaviour", [silent, drips_a_handshake])
def test_a_handshake_ends_at_the_deadline_of_its_request(behaviour: Behaviour) -> None:
    with peer(behaviour) as server:
        url = server.base_url.replace("http:", "https:")
        client = client_at(url, request_timeout=SOON, max_attempts=1)
        with pytest.raises(ServerFaultError, match=r"took more than 0\.2 s"):
            client.contacts(1)
        assert server.gone.acquire(timeout=AT_LAST)
        assert server.received.startswith(b"\x16")


@pytest.mark.parametrize("behaviour", [silent, drips_a_header])
def test_a_tunnel_of_a_proxy_ends_at_the_deadline_of_its_request(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(behaviour) as proxy:
        monkeypatch.setenv("https_proxy", proxy.base_url)
        monkeypatch.setenv("no_proxy", "")
        client = client_at("https://chat.example.com/api", request_timeout=SOON, max_attempts=1)
        with pytest.raises(ServerFaultError, match=r"took more than 0\.2 s"):
            client.contacts(1)
        assert proxy.gone.acquire(timeout=AT_LAST)
        assert proxy.received.startswith(b"CONNECT chat.example.com:443 ")


class Lookup:
    """A name lookup that is stuck until the test lets it go on."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.begun = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, *_asked: Any, **_options: Any) -> list[Any]:
        self.begun.set()
        self.goes_on.wait(AT_LAST)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", self.port))]


def test_a_name_lookup_ends_at_the_deadline_of_its_request_and_nothing_is_sent_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with peer(silent) as server:
        lookup = Lookup(server.port)
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        client = client_at(
            "http://chat.example.com/api", allow_http=True, request_timeout=SOON, max_attempts=1
        )
        with pytest.raises(UnreachableError, match=r"in 0\.2 s\. Check base_url, the name server"):
            client.contacts(1)
        lookup.goes_on.set()
        assert server.gone.acquire(timeout=AT_LAST)
        assert server.received == b""


def test_every_attempt_has_a_deadline_of_its_own() -> None:
    with peer(silent) as server:
        client = client_at(server.base_url, request_timeout=SOON / 2, max_attempts=3)
        with pytest.raises(ServerFaultError) as caught:
            client.contacts(1)
        assert caught.value.attempts == client.requests == 3
        assert all(server.gone.acquire(timeout=AT_LAST) for _ in range(3))


def test_an_answer_after_a_deadline_is_taken_from_a_connection_of_its_own() -> None:
    answers = iter([drips_a_header, _answers])
    with peer(lambda *connection: next(answers)(*connection)) as server:
        client = client_at(server.base_url, request_timeout=1)
        assert client.contacts(1).attempts == 2
        client.close()


def _answers(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(reply(200, EMPTY_LISTING))


def test_a_request_that_is_given_up_ends_at_once_and_is_not_sent_again() -> None:
    with peer(silent) as server:
        client, pool = client_at(server.base_url), ThreadPool(1)
        pool.submit(lambda: client.contacts(1), lambda answer: answer)
        assert server.met.acquire(timeout=AT_LAST)
        assert pool.next_answer(0) is None
        client.give_up()
        answered = pool.next_answer(AT_LAST)
        pool.close()
        assert answered is not None
        assert isinstance(answered[1], StoppedError)
        assert client.requests == 1
        assert server.gone.acquire(timeout=AT_LAST)


def test_a_request_that_is_given_up_while_it_waits_for_its_next_attempt_is_not_sent_again() -> None:
    waits, pool = threading.Semaphore(0), ThreadPool(1)
    with scripted(reply(503, b"", "Retry-After: 100")) as server:
        client = Client(
            server.base_url,
            TOKEN,
            max_requests_per_second=0,
            sleep=lambda _seconds: waits.release(),
        )
        pool.submit(lambda: client.contacts(1), lambda answer: answer)
        assert waits.acquire(timeout=AT_LAST)
        client.give_up()
        answered = pool.next_answer(AT_LAST)
        pool.close()
    assert answered is not None
    assert isinstance(answered[1], StoppedError)
    assert len(server.heads) == 1


def test_what_is_given_up_does_not_disturb_what_is_asked_for_afterwards() -> None:
    answers = iter([silent, _answers])
    with peer(lambda *connection: next(answers)(*connection)) as server:
        client, pool = client_at(server.base_url), ThreadPool(2)
        pool.submit(lambda: client.contacts(1), lambda answer: answer)
        assert server.met.acquire(timeout=AT_LAST)
        client.give_up()
        assert client.contacts(2).attempts == 1
        pool.close()
        client.close()
