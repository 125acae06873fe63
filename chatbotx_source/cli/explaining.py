"""Picks the one sentence of an error that helps the user."""

from __future__ import annotations

from chatbotx_source.errors import cause_of, causes


def explain(error: BaseException) -> str:
    """Picks the one sentence of an error that helps the user.

    dlt wraps what a source raises in errors of its own, which describe the inside of the pipeline.
    """
    ours = cause_of(error)
    if ours:
        return str(ours)
    *_, innermost = causes(error)
    first, *more = str(innermost).strip().splitlines() or [type(innermost).__name__]
    return f"{first} (--verbose shows the rest)" if more else first
