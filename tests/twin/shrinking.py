"""Shortens a failing history to one that a person can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from .events import History, Load, Step

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


def written(history: History) -> str:
    """A history as Python, a step a line."""
    world = ", ".join(
        f"{each.name}={getattr(history, each.name)!r}"
        for each in fields(history)
        if each.name != "steps" and getattr(history, each.name) != each.default
    )
    steps = "".join(f"        {_written(step)},\n" for step in history.steps)
    return f"History(\n    (\n{steps}    ),\n    {world}\n)"


def _written(step: object) -> str:
    if isinstance(step, tuple):
        inner = ", ".join(_written(each) for each in step)
        return f"({inner},)" if len(step) == 1 else f"({inner})"
    if not hasattr(step, "__dataclass_fields__"):
        return repr(step)
    given = [
        f"{each.name}={_written(getattr(step, each.name))}"
        for each in fields(step)  # type: ignore[arg-type]
        if getattr(step, each.name) != each.default
    ]
    return f"{type(step).__name__}({', '.join(given)})"


def _simpler(history: History) -> Iterator[History]:
    steps = history.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(history, steps=steps[:start] + steps[start + size :])
        size //= 2
    for index, step in enumerate(steps):
        for simpler_step in _simpler_step(step):
            yield replace(history, steps=(*steps[:index], simpler_step, *steps[index + 1 :]))
    for simpler in (
        replace(history, reconcile_share=0.0),
        replace(history, outage=History.outage),
        replace(history, budget_at_rest=None),
        replace(history, shard=None),
        replace(history, listing_page=History.listing_page),
    ):
        if simpler != history:
            yield simpler


def _simpler_step(step: Step) -> Iterator[Step]:
    if isinstance(step, Load):
        for index in range(len(step.during)):
            yield replace(step, during=step.during[:index] + step.during[index + 1 :])
    for each in fields(step):
        value: object = getattr(step, each.name)
        if each.name in _COUNTED and isinstance(value, int):
            smaller = range(_COUNTED[each.name], value)
            yield from (_with(step, each.name, less) for less in smaller)
        elif each.name != "during" and each.default not in (value, MISSING):
            yield _with(step, each.name, each.default)


def _with(step: Step, name: str, value: object) -> Step:
    changes: dict[str, Any] = {name: value}
    return replace(step, **changes)
