"""What the command does after a load: the analytics tables, the report."""

from __future__ import annotations

import argparse

import dlt

from chatbotx_source import analytics, report
from chatbotx_source.destinations.turns import turn


def check_afterwards(pipeline: dlt.Pipeline, options: argparse.Namespace) -> None:
    """Finds out before the load what could not be done after it.

    Raises:
        ConfigurationError: what is missing.
    """
    if options.analytics:
        analytics.check(pipeline)
    if options.report:
        report.check(pipeline, options.report)


def run_afterwards(pipeline: dlt.Pipeline, options: argparse.Namespace) -> None:
    """Builds the analytics tables and writes the report, as far as they were asked for."""
    with turn(pipeline):
        if options.analytics:
            print(analytics.build(pipeline, full_refresh=options.full_refresh))
        if options.report:
            print(report.write(pipeline, options.report))
