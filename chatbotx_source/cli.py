"""The command `chatbotx-pipeline`: loads a ChatbotX workspace, and says what was loaded."""

from __future__ import annotations

import argparse
import atexit
import ctypes
import gc
import hashlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

import dlt
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import UnknownDestinationModule
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.common.runtime.collector import LogCollector

from chatbotx_source import analytics, report, settings, workspaces
from chatbotx_source.destinations.turns import turn
from chatbotx_source.errors import ChatbotXError, ConfigurationError
from chatbotx_source.forecast import forecast
from chatbotx_source.loads import SyncSummary, sync
from chatbotx_source.shards import Shard

COMPLETE, FAILED, UNFINISHED, INTERRUPTED = 0, 1, 3, 130
"""Exit status: everything is loaded; an error; loaded, but worth another run; Ctrl-C or SIGTERM."""

STATUSES = {
    FAILED: "failed",
    INTERRUPTED: "interrupted",
    UNFINISHED: "unfinished",
    COMPLETE: "complete",
}
"""What each says of a workspace, the worst first."""

WORKSPACE = "{workspace}"
"""Where the name of a workspace goes in that of a dataset or a file."""

AT_ONCE = 4
"""Workspaces loaded side by side: each of them waits for its own server most of the time."""

MEMORY_LIMIT = "120MB"
"""DuckDB takes most of the machine by default; with this much, a load of `settings.LOAD_MESSAGES`
takes a tenth longer, and the memory stays the same however large the tables are."""

M_ARENA_MAX = -8
"""Of glibc's `mallopt`: how many heaps threads may have, by default eight for each processor."""

SANDBOX_NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""The same workspace in every run, so that a second run finds nothing new."""

SANDBOX_PORT = 8787
"""Progress belongs to a base URL: the same port lets a second run go on where the first ended."""

QUERY = "select message_type, count(*) from {dataset}.messages group by all order by all"

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


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its arguments; default those of the process.

    Returns:
        The exit status: 0 complete, 1 failed, 3 something is unfinished, 130 interrupted.
    """
    options = parser().parse_args(argv)
    if options.verbose:
        os.environ["RUNTIME__LOG_LEVEL"] = "INFO"
        logging.basicConfig(format="%(asctime)s %(message)s")
        logging.getLogger("chatbotx_source").setLevel(logging.DEBUG)
    try:
        with ExitStack() as stack:
            if options.sandbox:
                stack.enter_context(_sandbox())
            names = workspaces.chosen(options.workspace) if options.workspace else []
            if len(names) > 1 or workspaces.ALL in (options.workspace or ()):
                return _run_each(names, options, argv)
            name = names[0] if names else None
            return _dry_run(options, name) if options.dry_run else _load(options, name)
    except KeyboardInterrupt:
        print("Interrupted: what was loaded before stays; run again to go on.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.verbose:
            traceback.print_exc()
        print(f"Error: {explain(error)}", file=sys.stderr)
        return FAILED


def script() -> NoReturn:
    """The entry point of the installed command."""
    gc.freeze()  # all that is imported stays, and need not be looked through again and again
    try:
        status = main()
    except SystemExit as ended:  # of argparse, after --help or an option that is wrong
        status = int(ended.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # DuckDB 2.0 complains of itself on stderr, in forty lines, when the interpreter tears it down.
    os._exit(status)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser(
        prog="chatbotx-pipeline",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_workspaces_parser(), _afterwards_parser()],
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


def _workspaces_parser() -> argparse.ArgumentParser:
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


def _afterwards_parser() -> argparse.ArgumentParser:
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


def _run_each(names: Sequence[str], options: argparse.Namespace, argv: Sequence[str] | None) -> int:
    """Runs the command for each workspace; returns the worst of their exit statuses.

    What they load into one dataset is made something of once, when all of them have ended.
    """
    if options.sandbox:
        raise ConfigurationError("The sandbox has one workspace, without a name.")
    if options.parallel < 1:
        raise ConfigurationError(f"--parallel is {options.parallel}, but must be at least 1.")
    arguments = _workspaces_parser().parse_known_args(argv)[1]
    together = None
    if WORKSPACE in (options.dataset_name or ""):
        if options.report and WORKSPACE not in options.report:
            raise ConfigurationError(
                f"--report {options.report} is one file for several datasets: put {WORKSPACE} "
                "into its name too."
            )
    elif not options.dry_run:
        _refuse_two_installations(names, options.base_url)
        if options.analytics or options.report:
            arguments = _afterwards_parser().parse_known_args(arguments)[1]
            together = _pipeline(options, None)
            _check_afterwards(together, options)
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
        _make_of_it(together, options)
    return min(statuses.values(), key=list(STATUSES).index)


def _told(status: int) -> int:
    """The exit status of a process, also where a signal has ended it."""
    if status == workspaces.NOT_STARTED:
        return INTERRUPTED
    return status if status in STATUSES else FAILED


def _refuse_two_installations(names: Sequence[str], base_url: str | None) -> None:
    """Refuses to mix what may have equal ids.

    Raises:
        ConfigurationError: the workspaces are of different servers.
    """
    servers: dict[str, list[str]] = {}
    for name in names:
        configured = workspaces.setting("base_url", base_url, str, name) or settings.BASE_URL
        servers.setdefault(configured.rstrip("/"), []).append(name)
    if len(servers) > 1:
        one, other, *_ = (each[0] for each in servers.values())
        raise ConfigurationError(
            f"{one} and {other} are workspaces of two installations, whose ids may be equal: load "
            "them apart, with --dataset-name 'chatbotx_data_{workspace}'."
        )


def _pipeline(options: argparse.Namespace, workspace: str | None) -> dlt.Pipeline:
    base = options.pipeline_name or ("chatbotx_sandbox" if options.sandbox else "chatbotx")
    name = f"{base}_{workspace}" if workspace else base
    shard = workspaces.setting("shard", options.shard, str, workspace)
    if shard:
        name = f"{name}_shard_{Shard.parse(shard).index}"
    destination = options.destination or "duckdb"
    _check_destination(destination)
    if destination == "duckdb":
        _limit_memory()
        if name != base:
            _share_file(f"{base}.duckdb")
    return dlt.pipeline(
        name,
        destination=destination,
        dataset_name=_named(options.dataset_name or "chatbotx_data", workspace),
        progress=_collector(options.progress),
    )


def _named(pattern: str, workspace: str | None) -> str:
    return pattern.replace(WORKSPACE, workspace or "")


def _load(options: argparse.Namespace, workspace: str | None) -> int:
    if options.report:
        options.report = _named(options.report, workspace)
    pipeline = _pipeline(options, workspace)
    _check_afterwards(pipeline, options)
    given = {
        name: getattr(options, name)
        for name in (
            *("base_url", "shard", "start_date", "lookback_days", "limit_contacts", "page_size"),
            *("workers", "max_requests_per_second", "max_requests", "max_messages", "max_duration"),
        )
        if getattr(options, name) is not None
    }
    if options.contact:
        given["contacts"] = options.contact
    summary = sync(
        pipeline,
        workspace=workspace,
        reconcile=options.reconcile,
        full_refresh=options.full_refresh,
        **given,
    )
    print(summary)
    status = _status(summary)
    if (options.analytics or options.report) and status != INTERRUPTED:
        _make_of_it(pipeline, options)
    _show_where(pipeline)
    return status


def _check_afterwards(pipeline: dlt.Pipeline, options: argparse.Namespace) -> None:
    """Finds out before the load what could not be done after it.

    Raises:
        ConfigurationError: what is missing.
    """
    if options.analytics:
        analytics.check(pipeline)
    if options.report:
        report.check(pipeline, options.report)


def _make_of_it(pipeline: dlt.Pipeline, options: argparse.Namespace) -> None:
    with turn(pipeline):
        if options.analytics:
            print(analytics.build(pipeline, full_refresh=options.full_refresh))
        if options.report:
            print(report.write(pipeline, options.report))


def _status(summary: SyncSummary) -> int:
    if summary.ended_by == "an interrupt":
        return INTERRUPTED
    sampled = summary.mode == "sample" and not summary.unfinished and not summary.ended_by
    return COMPLETE if summary.complete or sampled else UNFINISHED


def _dry_run(options: argparse.Namespace, workspace: str | None) -> int:
    given = {
        name: getattr(options, name)
        for name in ("base_url", "page_size", "max_requests_per_second")
        if getattr(options, name) is not None
    }
    print(forecast(workspace, **given))
    return COMPLETE


def _show_where(pipeline: dlt.Pipeline) -> None:
    """Says where the tables are, with a query to paste."""
    query = QUERY.format(dataset=pipeline.dataset_name)
    trace = pipeline.last_trace
    loaded = trace.last_load_info if trace else None
    where = loaded.destination_displayable_credentials if loaded else None
    if not where or not where.startswith("duckdb:///"):
        print(f"\nin dataset {pipeline.dataset_name} of {where or 'the destination'}; try")
        print(f"  {query}")
        return
    path = where.removeprefix("duckdb:///")
    command = f"import duckdb; duckdb.connect('{path}').sql('{query}').show()"
    print(f'\nin {path}; try\n  {sys.executable} -c "{command}"')


def _check_destination(name: str) -> None:
    try:
        Destination.from_reference(name)
    except UnknownDestinationModule:
        raise ConfigurationError(
            f"--destination {name!r} is none that dlt knows, such as duckdb, postgres, bigquery, "
            "snowflake or filesystem, and none that your dlt configuration names."
        ) from None


def _limit_memory() -> None:
    """Keeps DuckDB small, unless the user has configured it, and freed memory free."""
    pa.set_memory_pool(pa.system_memory_pool())  # the default one keeps 80 MB to itself
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_ARENA_MAX, 1)  # each heap keeps what the largest load has needed of it
    key = "destination.duckdb.credentials.global_config"
    if dlt.config.get(key) is None and dlt.secrets.get(key) is None:
        os.environ[key.replace(".", "__").upper()] = f'{{"memory_limit": "{MEMORY_LIMIT}"}}'


def _share_file(name: str) -> None:
    """Names the DuckDB file, unless the user has: dlt would make one for each pipeline."""
    key = "destination.duckdb.credentials"
    configured: Any = dlt.config.get(key) or dlt.secrets.get(key) or {}
    if isinstance(configured, dict) and "database" not in configured:
        os.environ.setdefault(f"{key}.database".replace(".", "__").upper(), name)


def _collector(name: str | None) -> Any:
    # dlt's own `log` warns on every run that psutil is not there.
    return LogCollector(dump_system_stats=False) if name == "log" else name


def _pipelines_dir_here() -> str:
    """Where dlt keeps the pipelines of this directory alone.

    In its own place, which is one for all, a pipeline stays with the files of the directory that
    it first ran in; the sandbox is to be tried in as many as one likes.
    """
    here = hashlib.sha256(os.fsencode(Path.cwd())).hexdigest()[:16]
    return str(Path(get_dlt_pipelines_dir()) / f"sandbox_{here}")


@contextmanager
def _sandbox() -> Iterator[None]:
    """Runs the stand-in of the API, and points the source to it.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        from chatbotx_source.sandbox import Sandbox, synthetic
    except ImportError:
        raise ConfigurationError(
            "The sandbox needs an extra: pip install 'chatbotx-source[sandbox]'."
        ) from None
    workspace = synthetic(seed=7, contacts=200, now=SANDBOX_NOW)
    with ExitStack() as stack:
        try:
            sandbox = stack.enter_context(Sandbox(workspace, port=SANDBOX_PORT))
        except OSError:  # the port is taken
            sandbox = stack.enter_context(Sandbox(workspace))
        stack.enter_context(
            _environment(
                SOURCES__CHATBOTX__BASE_URL=sandbox.base_url,
                SOURCES__CHATBOTX__API_TOKEN=sandbox.token,
                SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND="0",
                PIPELINES_DIR=_pipelines_dir_here(),
            )
        )
        yield


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it, the innermost last."""
    seen: set[int] = set()
    following: Any = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = getattr(following, "exception", None) or following.__cause__


if __name__ == "__main__":
    script()
