"""What the exit status of the command says."""

from __future__ import annotations

from chatbotx_source.summary import SyncSummary

COMPLETE, FAILED, UNFINISHED, INTERRUPTED = 0, 1, 3, 130
"""Exit status: everything is loaded; an error; loaded, but worth another run; Ctrl-C or SIGTERM."""

STATUSES = {
    FAILED: "failed",
    INTERRUPTED: "interrupted",
    UNFINISHED: "unfinished",
    COMPLETE: "complete",
}
"""What each says of a workspace, the worst first."""


def status_of(summary: SyncSummary) -> int:
    """The exit status of a sync."""
    if summary.ended_by == "an interrupt":
        return INTERRUPTED
    sampled = summary.mode == "sample" and not summary.unfinished and not summary.ended_by
    return COMPLETE if summary.complete or sampled else UNFINISHED
