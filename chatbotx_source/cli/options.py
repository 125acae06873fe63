"""The options of the command."""

from __future__ import annotations

import argparse

from chatbotx_source import settings

AT_ONCE = 4
"""Workspaces loaded side by side: each of them waits for its own server most of the time."""

DESCRIPTION = """\
Loads the contacts and messages of a ChatbotX workspace into DuckDB or any dlt destination, and
keeps them up to date: run it again, and it reads what is new, as cheaply as the API allows."""

EPILOG = """\
The token comes from Settings > Integrations > ChatbotX API Access Token, and goes into the
environment as SOURCES__CHATBOTX__API_TOKEN or into .dlt/secrets.toml. Every option can also be
configured as dlt does it ([sources.chatbotx] in .dlt/config.toml); an option given here wins.

examples:
  chatbotx-pipeline --sandbox                     no account needed: a synthetic workspace
  chatbotx-pipeline --dry-run                     what a first run will cost, in requests and hours
  chatbotx-pipeline --contact email:ana@example.com --start-date 2026-01-01
  chatbotx-pipeline --max-requests 30             in a crontab, under the limit of 30 an hour
  chatbotx-pipeline --workspace all               each [sources.chatbotx.NAME] with an api_token

exit status:
  0 complete, 1 failed, 3 loaded but not complete: run again, 130 interrupted;
  of several workspaces the worst: 1 before 130 before 3 before 0"""


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser(
        prog="chatbotx-pipeline",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[workspaces_parser(), afterwards_parser()],
    )
    where = made.add_argument_group("where from, where to")
    where.add_argument(
        "--sandbox",
        action="store_true",
        help="read a synthetic workspace from a local stand-in of the API, with no account",
    )
    where.add_argument("--base-url", metavar="URL", help="https://DOMAIN/api of your own server")
    where.add_argument("--destination", metavar="NAME", help="a dlt destination (default: duckdb)")
    where.add_argument(
        "--dataset-name",
        metavar="NAME",
        help="default: chatbotx_data; {workspace} in it gives each workspace one of its own",
    )
    where.add_argument(
        "--pipeline-name",
        metavar="NAME",
        help="default: chatbotx; names the DuckDB file, and keeps progress of its own",
    )
    what = made.add_argument_group("what to read")
    what.add_argument(
        "--contact",
        action="append",
        metavar="IDENTIFIER",
        help="only this contact: id:1, email:a@example.com or phone:+84900000001; repeatable",
    )
    what.add_argument("--limit-contacts", type=int, metavar="N", help="only N contacts, as a look")
    what.add_argument(
        "--shard",
        metavar="I/N",
        help="read the I-th of N parts of the contacts, for N workers; above 100,000 contacts",
    )
    what.add_argument("--start-date", metavar="DATE", help="no messages older than that")
    what.add_argument(
        "--lookback-days",
        type=float,
        metavar="DAYS",
        help=f"read recent messages again for edits (default: {settings.LOOKBACK_DAYS:g})",
    )
    what.add_argument("--reconcile", action="store_true", help="read every contact whole")
    what.add_argument("--full-refresh", action="store_true", help="drop the tables, begin anew")
    what.add_argument(
        "--dry-run",
        action="store_true",
        help="load nothing; with two requests, say what to expect",
    )
    cost = made.add_argument_group("how fast, and for how long")
    cost.add_argument(
        "--page-size",
        type=int,
        metavar="N",
        help=f"messages a request (default: {settings.PAGE_SIZE})",
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
        help=f"requests under way at once (default: {settings.WORKERS})",
    )
    cost.add_argument("--max-requests", type=int, metavar="N", help="end after N requests")
    cost.add_argument("--max-messages", type=int, metavar="N", help="end after N messages")
    cost.add_argument("--max-duration", type=float, metavar="SECONDS", help="end after so long")
    shown = made.add_argument_group("what to show")
    shown.add_argument(
        "--progress",
        choices=("log", "tqdm", "enlighten", "alive_progress"),
        help="show progress by one of dlt's collectors; all but log have to be installed",
    )
    shown.add_argument("--verbose", action="store_true", help="log requests, show whole errors")
    return made


def workspaces_parser() -> argparse.ArgumentParser:
    """The options that are about several workspaces."""
    made = argparse.ArgumentParser(add_help=False)
    group = made.add_argument_group("several workspaces")
    group.add_argument(
        "--workspace",
        action="append",
        metavar="NAME",
        help="what [sources.chatbotx.NAME] configures; repeatable, or `all`",
    )
    group.add_argument(
        "--parallel",
        type=int,
        default=AT_ONCE,
        metavar="N",
        help=f"load N workspaces at a time, each in a process (default: {AT_ONCE})",
    )
    return made


def afterwards_parser() -> argparse.ArgumentParser:
    """The options that are about what follows a load."""
    made = argparse.ArgumentParser(add_help=False)
    group = made.add_argument_group("what to make of it")
    group.add_argument(
        "--analytics",
        action="store_true",
        help="build the analytics tables afterwards, in a schema beside the dataset",
    )
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write an HTML report of the analytics tables afterwards, one file without a network",
    )
    return made
