"""Decides the exit status of the command."""

from __future__ import annotations

from chatbotx_source.summary import SyncSummary

COMPLETE, FAILED, UNFINISHED, INTERRUPTED = 0, 1, 3, 130
"""Everything is loaded; an error; loaded, but worth another run; ended by Ctrl-C or SIGTERM."""

STATUSES = {
    FAILED: "failed",
    INTERRUPTED: "interrupted",
    UNFINISHED: "unfinished",
    COMPLETE: "complete",
}
"""The word for each status, the worst first."""


def status_of(summary: SyncSummary) -> int:
    """Decides the exit status of a sync."""
    if summary.ended_by == "an interrupt":
        return INTERRUPTED
    sampled = summary.mode == "sample" and not summary.unfinished and not summary.ended_by
    return COMPLETE if summary.complete or sampled else UNFINISHED
