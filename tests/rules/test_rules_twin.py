"""The rules of the sync keep its promise in random histories, and cost no more than they should."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.twin.drawing import draw_history
from tests.twin.events import (
    HardDelete,
    History,
    Load,
    NewContact,
    Poison,
    Step,
    Wait,
)
from tests.twin.hard import HARD
from tests.twin.history import Play, play

DAY, HOUR = 86_400.0, 3_600.0


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.integers(0, 2**32))
def test_the_promise_holds_in_every_history(seed: int) -> None:
    # Hypothesis cannot shorten what a seed draws: `python -m tests.twin --seed N` does.
    play(draw_history(Random(seed)))


@pytest.mark.parametrize("history", HARD.values(), ids=HARD)
def test_the_promise_holds_in_hard_histories(history: History) -> None:
    play(history)


def after(*steps: Step, lookback: int = 86_400, listing_page: int = 50) -> Play:
    """A history up to a point at which requests are counted."""
    played = Play(History(steps, lookback=lookback, listing_page=listing_page))
    for step in steps:
        played.step(step)
    return played


def requests(played: Play, load: Load) -> int:
    """What one load costs."""
    before = played.server.requests
    played.load(load)
    return played.server.requests - before


def complete(played: Play, load: Load) -> tuple[int, int]:
    """Requests and loads until a pass is complete."""
    before = played.server.requests
    for loads in range(1, 1_000):
        outcome = played.load(load)
        if outcome and outcome.complete:
            return played.server.requests - before, loads
    raise AssertionError("never complete")


@given(contacts=st.integers(1, 30), listing_page=st.integers(1, 10))
@settings(max_examples=30, deadline=None)
def test_a_pass_without_news_costs_the_listing_and_one_request(
    contacts: int, listing_page: int
) -> None:
    newcomers = [NewContact(3) for _ in range(contacts)]
    played = after(*newcomers, Wait(3 * DAY), Load(), Wait(DAY), listing_page=listing_page)
    assert requests(played, Load()) == -(-contacts // listing_page) + 1


@given(
    messages=st.integers(1, 60),
    position=st.integers(0, 60),
    page_size=st.integers(1, 500),
    passes=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_a_poisoned_message_costs_few_requests_in_each_pass(
    messages: int, position: int, page_size: int, passes: int
) -> None:
    played = after(NewContact(messages), Poison(0, message=position))
    pages = -(-messages // page_size)
    halvings = page_size.bit_length()
    for _ in range(passes):
        assert requests(played, Load(page_size=page_size)) <= 3 + pages + 2 * halvings
        played.server.now += 1_000 * int(HOUR)


@given(
    messages=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    page_size=st.integers(1, 5),
    budget=st.integers(1, 10),
)
@settings(max_examples=60, deadline=None)
def test_budgets_cost_no_more_than_one_request_a_load(
    messages: list[int], page_size: int, budget: int
) -> None:
    newcomers = [NewContact(each) for each in messages]
    whole, _ = complete(after(*newcomers), Load(page_size=page_size))
    parts, loads = complete(after(*newcomers), Load(page_size=page_size, max_requests=budget))
    assert whole <= parts <= whole + loads


def test_contacts_that_never_answer_do_not_cost_the_others_a_load() -> None:
    silent = [NewContact() for _ in range(60)]
    gone = [HardDelete(each) for each in range(60)]
    played = after(*silent, *gone, NewContact())
    outcome = played.load(Load())
    assert outcome is not None
    assert outcome.over
    _, loads = complete(played, Load())
    assert loads == 2
