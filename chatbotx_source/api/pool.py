"""Makes requests side by side, and gives back each answer as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from chatbotx_source.api.client import Answer
from chatbotx_source.errors import ChatbotXError

# Seconds. Python handles a signal in the main thread, and only while that is awake; a signal that
# arrives just before it falls asleep does not wake it.
WAKE_INTERVAL = 1.0

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

    def next_answer(self) -> tuple[Take, Answer | ChatbotXError]:
        """Waits for one of the requests under way."""

    def close(self) -> None:
        """Makes no further request."""


def side_by_side(
    pool: Pool, workers: int, next_request: Callable[[], tuple[Ask, Take] | None]
) -> Iterator[None]:
    """Makes requests while there are any to make, and takes their answers one by one.

    Args:
        pool: holds the requests under way.
        workers: requests under way at once, at most.
        next_request: what to ask for, and what takes the answer; None to wait for answers first.

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
        take, answer = pool.next_answer()
        try:
            take(answer)
        except ChatbotXError as error:
            failure = failure or error  # what is under way is paid for: it is taken, too
        yield
    if failure is not None:
        raise failure


class ThreadPool:
    """A thread for each request under way.

    Args:
        workers: requests under way at once, at most.
    """

    def __init__(self, workers: int) -> None:
        self._executor = ThreadPoolExecutor(workers, "chatbotx")
        self._under_way: dict[Future[Answer], Take] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def submit(self, ask: Ask, take: Take) -> None:
        """Makes a request in a thread of its own."""
        self._under_way[self._executor.submit(ask)] = take

    def next_answer(self) -> tuple[Take, Answer | ChatbotXError]:
        """Waits for one of the requests under way.

        Returns:
            What takes the answer, and the answer or what went wrong.
        """
        while not (done := wait(self._under_way, WAKE_INTERVAL, FIRST_COMPLETED).done):
            pass
        first = next(iter(done))
        take = self._under_way.pop(first)
        try:
            return take, first.result()
        except ChatbotXError as error:
            return take, error

    def close(self) -> None:
        """Lets the requests under way end, so that none is sent after the load."""
        self._executor.shutdown(cancel_futures=True)
