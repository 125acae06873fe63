"""Lets SIGINT and SIGTERM end a running load soon, as a budget would."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


def stop_asked() -> bool:
    """Whether the load under way was asked to end."""
    return _asked.is_set()


@contextmanager
def signals_end_loads() -> Iterator[None]:
    """Makes the first SIGINT or SIGTERM end the load successfully, and the second interrupt it.

    Outside the main thread signals cannot be caught: there it changes nothing.
    """
    try:
        with on_signals(_ask):
            yield
    finally:
        if _in_main_thread():  # a load in another thread was not asked to end
            _asked.clear()


@contextmanager
def on_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handles SIGINT and SIGTERM, and restores the former handlers at the end.

    Outside the main thread signals cannot be caught: there it changes nothing.

    Args:
        handler: called in the main thread, between two instructions.
    """
    if not _in_main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _ask(_number: int, _frame: FrameType | None) -> None:
    if _asked.is_set():
        raise KeyboardInterrupt
    _asked.set()
