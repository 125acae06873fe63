"""Shortens a failing history to one that a person can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from tests.twin.events import History, Load, Step


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
        for simpler in _simpler_step(step):
            yield replace(history, steps=(*steps[:index], simpler, *steps[index + 1 :]))
    for name, value in (("reconcile_share", 0.0), ("outage", 20), ("listing_page", 3)):
        if getattr(history, name) != value:
            yield replace(history, **{name: value})


def _simpler_step(step: Step) -> Iterator[Step]:
    if isinstance(step, Load):
        for index in range(len(step.during)):
            yield replace(step, during=step.during[:index] + step.during[index + 1 :])
    for each in fields(step):
        value = getattr(step, each.name)
        if each.name in ("contact", "message", "count", "messages"):
            smaller = range(1 if each.name == "count" else 0, value or 0)
            yield from (replace(step, **{each.name: less}) for less in smaller)
        elif each.name != "during" and value != each.default and each.default is not each.default_factory:
            yield replace(step, **{each.name: each.default})
