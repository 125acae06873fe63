"""Room on the stack for the histories, whose calls are the deepest."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def _with_room(call: Callable[[], None]) -> None:
    call()


# CPython keeps frames in pieces of 16 KB, and maps and unmaps memory at every call that crosses
# the end of one. hypothesis, pytest and dlt together call so deep that these tests, and only these,
# take a fifth to a half longer for it: a frame that wants as much as this one gets a piece that
# holds all those above it.
_with_room.__code__ = _with_room.__code__.replace(co_stacksize=70_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and item.path.parent == HERE:
            item.obj = _roomy(item.obj)


def _roomy(test: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(test)
    def roomy(*args: Any, **named: Any) -> None:
        _with_room(functools.partial(test, *args, **named))

    return roomy
