"""Requests under way side by side bring the same rows at the same cost, within the same budgets."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from threading import Barrier, Event

import pytest

from chatbotx_source.api.client import Answer
from chatbotx_source.api.pool import ThreadPool, side_by_side
from chatbotx_source.errors import ChatbotXError
from chatbotx_source.sandbox import synthetic
from chatbotx_source.stopping import on_signals
from tests.support.loading import SPRING, Job

ANSWER = Answer({"data": []}, None, None)


def test_as_many_requests_are_under_way_as_there_are_workers() -> None:
    pool, together = ThreadPool(3), Barrier(3)

    def ask() -> Answer:
        together.wait(timeout=20)
        return ANSWER

    for _ in range(3):
        pool.submit(ask, lambda answer: answer)
    answers = [pool.next_answer(20) for _ in range(3)]
    assert [answered and answered[1] for answered in answers] == [ANSWER] * 3
    assert (len(pool), pool.next_answer(0)) == (0, None)
    pool.close()


def test_a_signal_is_handled_while_all_answers_are_awaited() -> None:
    pool, handled = ThreadPool(1), Event()
    main = threading.get_ident()

    def ask() -> Answer:
        while sys._current_frames()[main].f_code is not ThreadPool.next_answer.__code__:
            pass
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # which wakes no other thread
        assert handled.wait(timeout=5)
        return ANSWER

    taken: list[Answer | ChatbotXError] = []
    requests = iter([(ask, taken.append)])
    with on_signals(lambda _number, _frame: handled.set()):
        for _ in side_by_side(pool, 1, lambda: next(requests, None), lambda: False):
            pass
    assert taken == [ANSWER]
    pool.close()


@pytest.mark.long
def test_any_number_of_workers_brings_the_same_at_the_same_cost(tmp_path: Path) -> None:
    workspace, costs = synthetic(contacts=120, messages=900, now=SPRING), set()
    for workers in (1, 3, 16):
        with Job(workspace, tmp_path, name=f"workers_{workers}") as job:
            assert job.sync(workers=workers, page_size=20).reconciled
            assert job.differences() == []
            costs.add((len(job.requests("contacts")), len(job.requests("messages"))))
    assert len(costs) == 1


@pytest.mark.parametrize("most", [*(pytest.param(n, marks=pytest.mark.long) for n in (1, 2)), 7])
def test_a_budget_of_requests_holds_for_all_workers_together(tmp_path: Path, most: int) -> None:
    with Job(synthetic(contacts=3, messages=12, now=SPRING), tmp_path) as job:
        spent, complete = [0], False
        while not complete:
            complete = job.sync(workers=8, page_size=5, max_requests=most).complete
            spent.append(len(job.requests()))
            assert spent[-1] - spent[-2] <= most
        assert job.differences() == []
