"""Writes the report: one HTML file over the analytics tables, which needs no network to be read.

from chatbotx_source import report

report.write(pipeline, "report.html")
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity, SqlClientNotAvailable

from chatbotx_source import clock
from chatbotx_source.analytics import schema_of
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.report.page import page
from chatbotx_source.report.questions import ask


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        path: the file.
        bytes: its size.
        days: how many days it covers.
        left_out: messages of days that there was no room for.
    """

    path: Path
    bytes: int
    days: int
    left_out: int

    def __str__(self) -> str:
        cut = f", {self.left_out:,} messages of other days left out" if self.left_out else ""
        return f"report of {self.days:,} days in {self.path}: {self.bytes / 1e6:.2f} MB{cut}"


def write(
    pipeline: dlt.Pipeline, path: str | os.PathLike[str], *, now: datetime | None = None
) -> Written:
    """Writes the report on what a pipeline has loaded, as the analytics tables tell it.

    The file holds figures by day and channel, the names of agents, and those of the contacts who
    wait for an answer; no text of a message, no address and no phone number.

    Args:
        pipeline: whose analytics tables; any destination that can be queried.
        path: of the file, which is replaced.
        now: the time to put on it, with its zone; default: the time it is.

    Returns:
        What was written.

    Raises:
        ConfigurationError: the destination cannot be queried, there are no analytics tables in it,
            or the folder does not exist.
    """
    target = Path(path)
    check(pipeline, target)
    with pipeline.sql_client() as client:
        schema = schema_of(client.dataset_name)
        try:
            answers = ask(client, schema, now or clock.now())
        except DestinationUndefinedEntity as error:
            raise ConfigurationError(
                f"The report is made of the analytics tables, and not all of them are in schema "
                f"{schema}: build them first, with --analytics."
            ) from error
    text = page(answers)
    part = target.with_name(f"{target.name}.part")
    part.write_text(text, "utf-8")
    part.replace(target)
    return Written(target, target.stat().st_size, answers["days"], answers["left_out"])


def check(pipeline: dlt.Pipeline, path: str | os.PathLike[str]) -> None:
    """Finds out whether a report can be written at all, before anything is loaded.

    Args:
        pipeline: whose tables.
        path: of the file.

    Raises:
        ConfigurationError: the destination cannot be queried, or the folder does not exist.
    """
    if not Path(path).absolute().parent.is_dir():
        raise ConfigurationError(f"There is no folder {Path(path).parent} to write the report to.")
    if Path(path).is_dir():
        raise ConfigurationError(f"{path} is a folder: name a file to write the report to.")
    try:
        pipeline.sql_client()
    except SqlClientNotAvailable:
        raise ConfigurationError(
            "The report needs a destination that can be queried with SQL, and "
            f"{pipeline.destination.destination_name} cannot."
        ) from None
