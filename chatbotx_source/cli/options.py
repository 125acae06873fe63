"""Declares the options of the command, grouped as `--help` shows them."""

from __future__ import annotations

import argparse

from chatbotx_source import settings

AT_ONCE = 4
"""Workspaces loaded side by side: each spends most of its time waiting for its server."""

DESCRIPTION = """\
Loads the contacts and messages of a ChatbotX workspace into DuckDB or any other dlt destination,
and keeps them up to date: each further run reads only what is new, as cheaply as the API allows."""

EPILOG = """\
Create a token in ChatbotX (Settings > Integrations > ChatbotX API Access Token) and put it into the
environment as SOURCES__CHATBOTX__API_TOKEN, or into .dlt/secrets.toml. What is read, and how fast,
can also be set in [sources.chatbotx] of .dlt/config.toml; the command line takes precedence.

examples:
  chatbotx-pipeline --sandbox                     try it without an account: a synthetic workspace
  chatbotx-pipeline --dry-run                     estimate the requests and hours of a first run
  chatbotx-pipeline --contact email:ana@example.com --start-date 2026-01-01
  chatbotx-pipeline --max-requests 30             in a crontab, under a limit of 30 an hour
  chatbotx-pipeline --workspace all               every [sources.chatbotx.NAME] with an api_token

exit status:
  0 complete, 1 failed, 3 loaded but not complete: run it again, 130 interrupted;
  for several workspaces the worst of them: 1 before 130 before 3 before 0"""


def parser() -> argparse.ArgumentParser:
    """Makes the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="chatbotx-pipeline",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[workspaces_parser(), afterwards_parser()],
    )
    where = made.add_argument_group("source and destination")
    where.add_argument(
        "--sandbox",
        action="store_true",
        help="load a synthetic workspace from a local stand-in of the API; needs no account",
    )
    where.add_argument("--base-url", metavar="URL", help="your own server: https://DOMAIN/api")
    where.add_argument("--destination", metavar="NAME", help="a dlt destination (default: duckdb)")
    where.add_argument(
        "--dataset-name",
        metavar="NAME",
        help="default: chatbotx_data; with {workspace} in it, each workspace gets its own dataset",
    )
    where.add_argument(
        "--pipeline-name",
        metavar="NAME",
        help="default: chatbotx; names the DuckDB file, and progress is kept under this name",
    )
    what = made.add_argument_group("what to read")
    what.add_argument(
        "--contact",
        action="append",
        metavar="IDENTIFIER",
        help="load only this contact: id:1, email:a@example.com or phone:+84900000001; repeatable",
    )
    what.add_argument(
        "--limit-contacts", type=int, metavar="N", help="load only N contacts as a preview"
    )
    what.add_argument(
        "--shard",
        metavar="I/N",
        help="load part I of N of the contacts, one part per worker; for over 100,000 contacts",
    )
    what.add_argument("--start-date", metavar="DATE", help="skip messages older than this")
    what.add_argument(
        "--lookback-days",
        type=float,
        metavar="DAYS",
        help=f"re-read recent messages to catch edits (default: {settings.LOOKBACK_DAYS:g})",
    )
    what.add_argument(
        "--reconcile", action="store_true", help="re-read every contact's full history"
    )
    what.add_argument(
        "--full-refresh", action="store_true", help="drop the tables and load everything again"
    )
    what.add_argument(
        "--dry-run",
        action="store_true",
        help="estimate the cost with two requests, load nothing",
    )
    cost = made.add_argument_group("pace and budgets")
    cost.add_argument(
        "--page-size",
        type=int,
        metavar="N",
        help=f"messages per request (default: {settings.PAGE_SIZE})",
    )
    cost.add_argument(
        "--max-requests-per-second",
        type=float,
        metavar="RATE",
        help=f"0.0083 is 30 an hour, 0 is no limit (default: {settings.REQUESTS_PER_SECOND:g})",
    )
    cost.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help=f"requests in flight at once (default: {settings.WORKERS})",
    )
    cost.add_argument("--max-requests", type=int, metavar="N", help="stop after N requests")
    cost.add_argument("--max-messages", type=int, metavar="N", help="stop after N messages")
    cost.add_argument(
        "--max-duration", type=float, metavar="SECONDS", help="stop after this many seconds"
    )
    shown = made.add_argument_group("output")
    shown.add_argument(
        "--progress",
        choices=("log", "tqdm", "enlighten", "alive_progress"),
        help="show progress with one of dlt's collectors; all but log must be installed",
    )
    shown.add_argument(
        "--verbose", action="store_true", help="log every request, show errors in full"
    )
    return made


def workspaces_parser() -> argparse.ArgumentParser:
    """Makes the parser of the options that choose among several workspaces."""
    made = argparse.ArgumentParser(add_help=False)
    group = made.add_argument_group("several workspaces")
    group.add_argument(
        "--workspace",
        action="append",
        metavar="NAME",
        help="load the workspace that [sources.chatbotx.NAME] configures; repeatable, or `all`",
    )
    group.add_argument(
        "--parallel",
        type=int,
        default=AT_ONCE,
        metavar="N",
        help=f"load N workspaces at a time, each in its own process (default: {AT_ONCE})",
    )
    return made


def afterwards_parser() -> argparse.ArgumentParser:
    """Makes the parser of the options for what follows a load."""
    made = argparse.ArgumentParser(add_help=False)
    group = made.add_argument_group("after the load")
    group.add_argument(
        "--analytics",
        action="store_true",
        help="build the analytics tables, in a schema next to the dataset",
    )
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write an HTML report on the analytics tables: one file that needs no network",
    )
    return made
