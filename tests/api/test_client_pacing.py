"""All threads of a client keep one pace, and a wait can be ended."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source.api.client import STOP_CHECK_INTERVAL
from chatbotx_source.api.pacing import Pace
from chatbotx_source.errors import RateLimitError, StoppedError
from tests.support.client import EMPTY_LISTING, Clock, client_at, reply, scripted

GOOD = reply(200, EMPTY_LISTING)


def test_requests_are_spaced_evenly() -> None:
    clock = Clock()
    moments = []
    with scripted(GOOD) as server:
        client = client_at(server.base_url, clock, max_requests_per_second=4)
        for _ in range(5):
            client.contacts(1)
            moments.append(clock.passed)
    assert moments == [0, 0.25, 0.5, 0.75, 1.0]


def test_a_pace_of_zero_is_none() -> None:
    clock = Clock()
    with scripted(GOOD) as server:
        client = client_at(server.base_url, clock, max_requests_per_second=0)
        for _ in range(5):
            client.contacts(1)
    assert clock.passed == 0


def test_thirty_requests_an_hour_are_two_minutes_apart() -> None:
    clock = Clock()
    with scripted(GOOD) as server:
        client = client_at(server.base_url, clock, max_requests_per_second=30 / 3600)
        for _ in range(3):
            client.contacts(1)
    assert clock.passed == pytest.approx(240)


@given(
    rate=st.floats(0.01, 100),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60),
    window=st.floats(0.1, 60),
)
def test_no_window_sees_more_than_its_length_times_the_rate(
    rate: float, pauses: list[float], window: float
) -> None:
    clock = Clock()
    pace = Pace(rate, clock.monotonic)
    sent = []
    for pause in pauses:
        clock.sleep(pause)
        while (seconds := pace.claim()) > 0:
            clock.sleep(seconds)
        sent.append(clock.passed)
    for start in sent:
        assert sum(start <= moment < start + window for moment in sent) <= rate * window + 1


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_of_several_holds_the_longest_counts(holds: list[float]) -> None:
    pace = Pace(0, Clock().monotonic)
    for seconds in holds:
        pace.hold(seconds)
    assert pace.claim() == max(holds)


def test_threads_share_the_pace() -> None:
    clock = Clock()
    with scripted(GOOD) as server:
        client = client_at(server.base_url, clock, max_requests_per_second=10)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(client.contacts, range(1, 21)))
    assert clock.passed >= 1.9 - 1e-9
    assert client.requests == len(server.heads) == len(answers) == 20


def test_threads_get_their_own_answers() -> None:
    with scripted(*[reply(200, b'{"data":[],"pageCount":%d}' % n) for n in range(80)]) as server:
        client = client_at(server.base_url)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.contacts(1), range(80)))
    assert sorted(answer.body["pageCount"] for answer in answers) == list(range(80))


def test_a_rate_limit_holds_back_the_other_threads() -> None:
    clock = Clock()
    arrivals: list[float] = []

    def sleep(seconds: float) -> None:
        if not arrivals:
            arrivals.append(clock.passed)
            other = threading.Thread(target=lambda: client.contacts(2))
            other.start()
            other.join()
            arrivals.append(clock.passed)
        clock.sleep(seconds)

    with scripted(reply(429, b"", "Retry-After: 40"), GOOD) as server:
        client = client_at(server.base_url, clock, sleep=sleep)
        client.contacts(1)
    assert arrivals == [0, 40]
    assert [target.split("&")[0][-1] for target in server.targets] == ["1", "2", "1"]


def test_a_pace_slower_than_max_wait_is_told_with_the_wait() -> None:
    with scripted(GOOD) as server:
        client = client_at(server.base_url, max_requests_per_second=0.001, max_wait=300)
        client.contacts(1)
        with pytest.raises(RateLimitError, match="longer than max_wait = 300 s") as caught:
            client.contacts(2)
    assert caught.value.retry_after == pytest.approx(1000)
    assert len(server.heads) == 1


def test_queueing_for_a_turn_is_no_reason_to_give_up() -> None:
    clock = Clock()
    with scripted(GOOD) as server:
        client = client_at(server.base_url, clock, max_requests_per_second=0.01, max_wait=150)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(client.contacts, range(1, 7)))
    assert [answer.attempts for answer in answers] == [1] * 6


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_ends_soon_after_the_run_is_asked_to_stop(status: int) -> None:
    clock = Clock()
    with scripted(reply(status, b"", "Retry-After: 200"), GOOD) as server:
        client = client_at(server.base_url, clock, stop=lambda: clock.passed >= 3)
        with pytest.raises(StoppedError) as caught:
            client.contacts(1)
    assert caught.value.attempts == len(server.heads) == 1
    assert clock.passed <= 3 + STOP_CHECK_INTERVAL


def test_a_request_that_need_not_wait_is_sent_even_when_asked_to_stop() -> None:
    with scripted(GOOD) as server:
        assert client_at(server.base_url, stop=lambda: True).contacts(1).attempts == 1
