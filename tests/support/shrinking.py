"""Shortens a failing history to one that a person can follow.

A history is any dataclass with `steps`, each of them a dataclass too; what else it has is the size
of the world that it happens in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any, TypeVar

History = TypeVar("History")

_LISTS = ("during", "options")
"""Attributes of steps of which one element after the other is left out."""

_COUNTED = {"contact": 0, "message": 0, "messages": 0, "count": 1}
"""Attributes of steps that are made smaller one by one, and the smallest value of each."""


def shrink(history: History, fails: Callable[[History], bool]) -> History:
    """The shortest history found by leaving out and simplifying that still fails."""
    improved = True
    while improved:
        improved = False
        for simpler in _simpler(history):
            if fails(simpler):
                history, improved = simpler, True
                break
    return history


def written(history: object) -> str:
    """A history as Python, a step a line, defaults left out."""
    given = dict(_given(history))
    steps = "".join(f"        {_written(step)},\n" for step in given.pop("steps", ()))
    world = "".join(f"    {name}={value!r},\n" for name, value in given.items())
    return f"History(\n    (\n{steps}    ),\n{world})"


def _written(value: object) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(_written(each) for each in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if not hasattr(value, "__dataclass_fields__"):
        return repr(value)
    given = [f"{name}={_written(each)}" for name, each in _given(value)]
    return f"{type(value).__name__}({', '.join(given)})"


def _given(of: Any) -> Iterator[tuple[str, Any]]:
    for each in fields(of):
        value = getattr(of, each.name)
        if value != each.default:
            yield each.name, value


def _simpler(history: Any) -> Iterator[Any]:
    steps = history.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(history, steps=steps[:start] + steps[start + size :])
        size //= 2
    for index, step in enumerate(steps):
        for simpler in _simpler_step(step):
            yield replace(history, steps=(*steps[:index], simpler, *steps[index + 1 :]))
    yield from _with_a_default(history)


def _simpler_step(step: Any) -> Iterator[Any]:
    for name, value in _given(step):
        if name in _LISTS:
            for index in range(len(value)):
                yield replace(step, **{name: value[:index] + value[index + 1 :]})
        elif name in _COUNTED and isinstance(value, int):
            for less in range(_COUNTED[name], value):
                yield replace(step, **{name: less})
    yield from _with_a_default(step)


def _with_a_default(of: Any) -> Iterator[Any]:
    given = dict(_given(of))
    for each in fields(of):
        if each.name in given and each.default is not MISSING and each.name not in _LISTS:
            yield replace(of, **{each.name: each.default})
