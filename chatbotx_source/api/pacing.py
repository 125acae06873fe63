"""When the next request may be sent: the pace of all threads, and waits after faults and limits."""

import threading
from collections.abc import Callable

BACKOFF_BASE = 1.0  # seconds
BACKOFF_CAP = 30.0  # seconds
# Newer servers count requests in fixed windows of 10 seconds, and send no Retry-After.
RATE_LIMIT_WINDOW = 10.0


class Pace:
    """Spaces the requests of all threads evenly.

    Without bursts, no window of a server that counts requests in windows ever sees more than its
    length times the rate. One instant under a lock is all it takes, so it is no library.

    Args:
        per_second: requests a second, 0 for no spacing.
        monotonic: clock in seconds.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._monotonic = monotonic
        self._free_at = float("-inf")
        self._lock = threading.Lock()

    def claim(self) -> float:
        """Takes the next turn: 0.0 when it is yours, else the seconds until one is free."""
        with self._lock:
            now = self._monotonic()
            if now < self._free_at:
                return self._free_at - now
            self._free_at = now + self._interval
            return 0.0

    def hold(self, seconds: float) -> None:
        """Gives nobody a turn for that many seconds."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + seconds)


def backoff_delay(faults: int, draw: float) -> float:
    """Seconds to wait after a fault: exponential, with full jitter so that threads part.

    Args:
        faults: faults of this request so far, from 1.
        draw: random number from 0 to 1.
    """
    return draw * min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** (faults - 1))


def rate_limit_delay(limits: int, retry_after: float | None) -> float:
    """Seconds to wait after a 429.

    A whole window costs one more request, shorter waits may cost several. The server's own
    `Retry-After` is believed once; when that was too short, it is only a lower bound.

    Args:
        limits: 429 answers to this request so far, from 1.
        retry_after: seconds the server named, or None.
    """
    if limits == 1 and retry_after is not None:
        return retry_after
    return max(retry_after or 0.0, RATE_LIMIT_WINDOW * 2.0 ** (limits - 1))
