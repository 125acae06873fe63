"""Builds the analytics tables and writes the report once a load has ended."""

from __future__ import annotations

import argparse

import dlt

from chatbotx_source import analytics, report
from chatbotx_source.destinations.turns import turn


def check_afterwards(pipeline: dlt.Pipeline, options: argparse.Namespace) -> None:
    """Checks before the load what would fail after it.

    Raises:
        ConfigurationError: something that the analytics tables or the report need is missing.
    """
    if options.analytics:
        analytics.check(pipeline)
    if options.report:
        report.check(pipeline, options.report)


def run_afterwards(pipeline: dlt.Pipeline, options: argparse.Namespace) -> None:
    """Builds the analytics tables and writes the report, where the options ask for them."""
    with turn(pipeline):
        if options.analytics:
            print(analytics.build(pipeline, full_refresh=options.full_refresh))
        if options.report:
            print(report.write(pipeline, options.report))
