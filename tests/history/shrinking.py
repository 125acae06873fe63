"""Shortens a failing history to one that a person can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace

from history.steps import History, Run, Step, Sync


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
    """A history as Python, a step a line, defaults left out."""
    steps = "".join(f"        {_written(step)},\n" for step in history.steps)
    world = "".join(
        f"    {name}={value!r},\n" for name, value in _given(history) if name != "steps"
    )
    return f"History(\n    (\n{steps}    ),\n{world})"


def _written(value: object) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(_written(each) for each in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if not hasattr(value, "__dataclass_fields__"):
        return repr(value)
    given = [f"{name}={_written(each)}" for name, each in _given(value)]
    return f"{type(value).__name__}({', '.join(given)})"


def _given(of: object) -> Iterator[tuple[str, object]]:
    for each in fields(of):  # type: ignore[arg-type]
        value = getattr(of, each.name)
        if value != each.default:
            yield each.name, value


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
    for each in fields(history):
        if each.default is not MISSING and getattr(history, each.name) != each.default:
            yield replace(history, **{each.name: each.default})


def _simpler_step(step: Step) -> Iterator[Step]:
    if isinstance(step, (Sync, Run)):
        for name in ("during", "options"):
            inner = getattr(step, name)
            for index in range(len(inner)):
                yield replace(step, **{name: inner[:index] + inner[index + 1 :]})
    for name, _ in _given(step):
        default = next(each.default for each in fields(step) if each.name == name)
        if name not in ("during", "options") and default is not MISSING:
            yield replace(step, **{name: default})
