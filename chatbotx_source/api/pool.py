"""Makes requests side by side, and gives back each answer as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from chatbotx_source.api.client import Answer
from chatbotx_source.errors import ChatbotXError

LOOK_INTERVAL = 0.25
"""Seconds between two looks at whether to wait on. Python handles a signal in the main thread, and
only while that is awake: one that arrives just before it falls asleep does not wake it."""

Ask = Callable[[], Answer]
Take = Callable[[Answer | ChatbotXError], Any]
"""What is done with an answer, or with what went wrong in its place."""


class Pool(Protocol):
    """Requests under way.

    Nothing is decided here: whoever waits for an answer takes it, one after the other.
    """

    def __len__(self) -> int:
        """Requests under way."""

    def submit(self, ask: Ask, take: Take) -> None:
        """Makes a request."""

    def next_answer(self, seconds: float) -> tuple[Take, Answer | ChatbotXError] | None:
        """Waits for one of the requests under way, so long at most; None when none came."""

    def close(self) -> None:
        """Makes no further request, and waits for none."""


def side_by_side(
    pool: Pool,
    workers: int,
    next_request: Callable[[], tuple[Ask, Take] | None],
    gives_up: Callable[[], bool],
) -> Iterator[None]:
    """Makes requests while there are any to make, and takes their answers one by one.

    Args:
        pool: holds the requests under way.
        workers: requests under way at once, at most.
        next_request: what to ask for, and what takes the answer; None to wait for answers first.
        gives_up: asked while no answer comes: whether to wait for no more of them.

    Yields:
        None after each answer.

    Raises:
        ChatbotXError: what the first taker raised, once all that was under way is taken.
    """
    failure: ChatbotXError | None = None
    while True:
        while failure is None and len(pool) < workers:
            request = next_request()
            if request is None:
                break
            pool.submit(*request)
        if not pool:
            break
        answered = pool.next_answer(LOOK_INTERVAL)
        if answered is None:
            if gives_up():
                break
            continue
        take, answer = answered
        try:
            take(answer)
        except ChatbotXError as error:
            failure = failure or error  # what is under way is paid for: it is taken, too
        yield
    if failure is not None:
        raise failure


class ThreadPool:
    """A thread for each request under way.

    The threads are of its own: those of `concurrent.futures` keep the process from ending until
    each of them has.

    Args:
        workers: requests under way at once, at most.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._under_way = 0
        self._asked: SimpleQueue[tuple[Ask, Take] | None] = SimpleQueue()
        self._answered: SimpleQueue[tuple[Take, Answer | BaseException]] = SimpleQueue()
        for _ in range(workers):
            threading.Thread(target=self._answer, name="chatbotx", daemon=True).start()

    def __len__(self) -> int:
        return self._under_way

    def submit(self, ask: Ask, take: Take) -> None:
        """Makes a request in a thread of its own."""
        self._under_way += 1
        self._asked.put((ask, take))

    def next_answer(self, seconds: float) -> tuple[Take, Answer | ChatbotXError] | None:
        """Waits for one of the requests under way.

        Args:
            seconds: how long, at most. A signal interrupts it, where its handler raises.

        Returns:
            What takes the answer, and the answer or what went wrong; None when none came.
        """
        try:
            take, answer = self._answered.get(timeout=seconds)
        except Empty:
            return None
        self._under_way -= 1
        if isinstance(answer, Answer | ChatbotXError):
            return take, answer
        raise answer

    def close(self) -> None:
        """Lets each thread end once its request does."""
        for _ in range(self._workers):
            self._asked.put(None)

    def _answer(self) -> None:
        while (request := self._asked.get()) is not None:
            ask, take = request
            answer: Answer | BaseException
            try:
                answer = ask()
            except BaseException as error:
                answer = error
            self._answered.put((take, answer))
            del request, ask, take, answer  # an answer may be large, and the next one far
