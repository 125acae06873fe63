"""Builds the analytics tables: runs the dbt package in this folder over what a pipeline has loaded.

from chatbotx_source import analytics

analytics.build(pipeline, timezone="Asia/Ho_Chi_Minh")
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dlt
import yaml
from dlt.destinations.sql_client import SqlClientBase

from chatbotx_source.dlt_internals.clients import connection_string, duckdb_file
from chatbotx_source.dlt_internals.packages import folder
from chatbotx_source.errors import AnalyticsError, ConfigurationError

PROJECT = Path(__file__).parent
"""The dbt project, for whoever runs dbt by hand or from a project of their own."""

RESULTS = "run_results.json"

_PREFIX = "chatbotx_"
_SECTION = "chatbotx_analytics"
_OURS = ("dataset", "database")
"""Variables that follow from the pipeline."""


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes:
        schema: where the tables are.
        tables: the tables and views, in the order in which they were built.
        tests: how many tests passed.
        seconds: how long it took, without dbt's own beginning.
    """

    schema: str
    tables: list[str]
    tests: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{len(self.tables)} analytics tables in schema {self.schema}: {self.tests} tests "
            f"passed, {self.seconds:.1f} s"
        )


def schema_of(dataset: str) -> str:
    """Names the schema of the analytics tables that belong to a dataset."""
    return f"{dataset}_analytics"


def build(
    pipeline: dlt.Pipeline, *, full_refresh: bool = False, tests: bool = True, **variables: Any
) -> Built:
    """Brings the analytics tables up to date with what the pipeline has loaded.

    They go into a schema beside the dataset, which is named after it with `_analytics` at the end.
    Only what is new is computed, unless a variable has changed.

    Args:
        pipeline: whose tables; its destination must be DuckDB or PostgreSQL.
        full_refresh: compute every row anew.
        tests: run the tests of the package too; an error among them fails the build.
        **variables: those of `dbt_project.yml`, without their prefix, such as `timezone`. Others
            come from `[chatbotx_analytics]` in `.dlt/config.toml`, or are the defaults.

    Returns:
        What was built.

    Raises:
        ConfigurationError: dbt is not installed, the destination is another one, or there is no
            such variable.
        AnalyticsError: a table could not be built, or a test failed.
    """
    check(pipeline)
    client = pipeline.sql_client()
    schema = schema_of(client.dataset_name)
    given = {"chatbotx_dataset": client.dataset_name, **_given(variables)}
    arguments = ["--vars", json.dumps(given), *(["--full-refresh"] if full_refresh else [])]
    place = folder(pipeline, "analytics")
    environment = {"CHATBOTX_SCHEMA": schema, **_connection(_type(pipeline), client)}
    _run("build" if tests else "run", arguments, place, environment)
    results = _results(place)
    nodes = results["results"]
    return Built(
        schema=schema,
        tables=[_name(node) for node in nodes if node["unique_id"].startswith("model.")],
        tests=sum(node["status"] == "pass" for node in nodes),
        seconds=results["elapsed_time"],
    )


def check(pipeline: dlt.Pipeline) -> None:
    """Finds out whether the tables can be built at all, before anything is loaded.

    Args:
        pipeline: whose tables.

    Raises:
        ConfigurationError: dbt is not installed, or the destination is not supported.
    """
    type_ = _type(pipeline)
    if type_ not in ("duckdb", "postgres"):
        raise ConfigurationError(
            f"The analytics tables are built on duckdb and postgres, not on {type_}: there, run "
            f"the dbt package in {PROJECT} with a profile of your own."
        )
    if not (
        _installed("dbt") and _installed("dbt.adapters") and _installed(f"dbt.adapters.{type_}")
    ):
        raise ConfigurationError(
            "The analytics tables need an extra: pip install 'chatbotx-source[analytics]'."
        )


def _installed(module: str) -> bool:
    return find_spec(module) is not None


def _type(pipeline: dlt.Pipeline) -> str:
    return pipeline.destination.destination_type.rpartition(".")[2]


def _given(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables as dbt takes them: arguments, or else dlt's configuration.

    Raises:
        ConfigurationError: there is no variable of that name.
    """
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))
    defaults = {
        name.removeprefix(_PREFIX): default for name, default in project["vars"]["chatbotx"].items()
    }
    known = [name for name in defaults if name not in _OURS]
    if unknown := sorted(set(variables) - set(known)):
        raise ConfigurationError(
            f"There is no analytics variable {', '.join(unknown)}; there are {', '.join(known)}."
        )
    given = {name: dlt.config.get(f"{_SECTION}.{name}", type(defaults[name])) for name in known}
    given = {name: value for name, value in given.items() if value is not None} | dict(variables)
    return {_PREFIX + name: value for name, value in given.items()}


def _connection(type_: str, client: SqlClientBase[Any]) -> dict[str, str]:
    """The environment that the profile of the package reads."""
    if type_ == "duckdb":
        return {"CHATBOTX_TARGET": type_, "CHATBOTX_DUCKDB": duckdb_file(client)}
    from psycopg2.extensions import parse_dsn

    names = {"dbname": "PGDATABASE", "password": "DBT_ENV_SECRET_PGPASSWORD"}
    return {"CHATBOTX_TARGET": type_} | {
        names.get(part, f"PG{part.upper()}"): value
        for part, value in parse_dsn(connection_string(client)).items()
    }


def _run(command: str, arguments: list[str], place: Path, environment: Mapping[str, str]) -> None:
    """Runs dbt in a process of its own, where its logging and our secrets disturb nobody.

    Raises:
        AnalyticsError: it failed.
    """
    place.mkdir(parents=True, exist_ok=True)
    (place / RESULTS).unlink(missing_ok=True)
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    folders += ["--target-path", str(place), "--log-path", str(place)]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "dbt.cli.main", command, *folders, *arguments],
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        failed = [n for n in _results(place)["results"] if n["status"] in ("error", "fail")]
        told = f"{_name(failed[0])}: {failed[0]['message']}" if failed else done.stdout[-2_000:]
        raise AnalyticsError(
            f"The analytics tables could not be built: {' '.join(told.split())} "
            f"({place / 'dbt.log'} has more)"
        )


def _results(place: Path) -> dict[str, Any]:
    """What dbt has written about its last run; it writes nothing when it cannot begin."""
    path = place / RESULTS
    if not path.exists():
        return {"results": [], "elapsed_time": 0.0}
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


def _name(node: Mapping[str, Any]) -> str:
    return str(node["unique_id"]).split(".")[2]
