"""Finds the one sentence of an error that helps."""

from __future__ import annotations

from chatbotx_source.errors import cause_of, causes


def explain(error: BaseException) -> str:
    """Finds the one sentence of an error that helps.

    dlt wraps what a source raises in its own errors, which add how the pipeline works inside.
    """
    ours = cause_of(error)
    if ours:
        return str(ours)
    *_, innermost = causes(error)
    first, *more = str(innermost).strip().splitlines() or [type(innermost).__name__]
    return f"{first} (--verbose shows the rest)" if more else first
