"""Finds the one sentence of an error that helps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatbotx_source.errors import ChatbotXError


def explain(error: BaseException) -> str:
    """The one sentence of an error that helps.

    dlt wraps what a source raises in its own errors, which add how the pipeline works inside.
    """
    causes = list(_causes(error))
    ours = next((cause for cause in causes if isinstance(cause, ChatbotXError)), None)
    if ours:
        return str(ours)
    first, *more = str(causes[-1]).strip().splitlines() or [type(causes[-1]).__name__]
    return f"{first} (--verbose shows the rest)" if more else first


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it, the innermost last."""
    seen: set[int] = set()
    following: Any = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = getattr(following, "exception", None) or following.__cause__
