"""Runs the command for several workspaces, each in its own process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from chatbotx_source import settings, workspaces
from chatbotx_source.cli.afterwards import check_afterwards, run_afterwards
from chatbotx_source.cli.options import afterwards_parser, workspaces_parser
from chatbotx_source.cli.pipelines import WORKSPACE, pipeline_of
from chatbotx_source.cli.statuses import FAILED, INTERRUPTED, STATUSES
from chatbotx_source.errors import ConfigurationError


def run_each(names: Sequence[str], options: argparse.Namespace, argv: Sequence[str] | None) -> int:
    """Runs the command for each workspace and returns the worst of their exit statuses.

    Where they share a dataset, analytics and the report run once, after all workspaces finish.
    """
    if options.sandbox:
        raise ConfigurationError("The sandbox has one workspace, without a name: drop --workspace.")
    if options.parallel < 1:
        raise ConfigurationError(f"--parallel is {options.parallel}, but must be at least 1.")
    arguments = workspaces_parser().parse_known_args(argv)[1]
    together = None
    if WORKSPACE in (options.dataset_name or ""):
        if options.report and WORKSPACE not in options.report:
            raise ConfigurationError(
                f"--report {options.report} names one file for several datasets: put {WORKSPACE} "
                "into its name too."
            )
    elif not options.dry_run:
        _refuse_two_installations(names, options.base_url)
        if options.analytics or options.report:
            arguments = afterwards_parser().parse_known_args(arguments)[1]
            together = pipeline_of(options, None)
            check_afterwards(together, options)
    program = [sys.executable, "-m", "chatbotx_source.cli", *arguments, "--workspace"]
    ended = workspaces.run_each(
        {name: [*program, name] for name in names},
        parallel=options.parallel,
        tell=lambda name, line: print(f"{name}: {line}", flush=True),
    )
    statuses = {name: _told(status) for name, status in ended.items()}
    print()
    for status, word in STATUSES.items():
        alike = [name for name in names if statuses[name] == status]
        if alike:
            print(f"{len(alike):,} {word}: {', '.join(alike)}")
    if together and INTERRUPTED not in statuses.values():
        run_afterwards(together, options)
    return min(statuses.values(), key=list(STATUSES).index)


def _told(status: int) -> int:
    """Translates how a process ended into an exit status of the command."""
    if status == workspaces.NOT_STARTED:
        return INTERRUPTED
    return status if status in STATUSES else FAILED


def _refuse_two_installations(names: Sequence[str], base_url: str | None) -> None:
    """Refuses to mix workspaces whose ids may be equal.

    Raises:
        ConfigurationError: the workspaces belong to different servers.
    """
    servers: dict[str, list[str]] = {}
    for name in names:
        configured = workspaces.setting("base_url", base_url, str, name) or settings.BASE_URL
        servers.setdefault(configured.rstrip("/"), []).append(name)
    if len(servers) > 1:
        one, other, *_ = (each[0] for each in servers.values())
        raise ConfigurationError(
            f"{one} and {other} belong to two installations, whose ids may be equal: load them "
            "into datasets of their own, with --dataset-name 'chatbotx_data_{workspace}'."
        )
