"""Asks a running load to end soon: SIGINT and SIGTERM are a budget."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


def stop_asked() -> bool:
    """Whether the load under way was asked to end."""
    return _asked.is_set()


@contextmanager
def signals_end_loads() -> Iterator[None]:
    """Makes the first SIGINT or SIGTERM end the load, successfully; the second one interrupts.

    Outside the main thread signals cannot be caught, and nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, _ask)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def _ask(_number: int, _frame: FrameType | None) -> None:
    if _asked.is_set():
        raise KeyboardInterrupt
    _asked.set()
