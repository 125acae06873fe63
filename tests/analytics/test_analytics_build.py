"""Building the analytics tables: from the command, from Python, and how it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dlt
import pytest
import yaml

from chatbotx_source import analytics, cli, sync
from chatbotx_source.errors import AnalyticsError, ConfigurationError
from chatbotx_source.sandbox import Sandbox, synthetic
from tests.support.analytics import TABLES, postgres, postgres_table, table
from tests.support.installation import installation
from tests.support.loading import Job

pytestmark = pytest.mark.analytics


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with Job(synthetic(contacts=10), tmp_path) as job:
        job.sync()
        yield job


def test_the_command_builds_the_tables(capfd: pytest.CaptureFixture[str]) -> None:
    with Sandbox(synthetic(contacts=10)) as sandbox:
        os.environ |= {
            "SOURCES__CHATBOTX__BASE_URL": sandbox.base_url,
            "SOURCES__CHATBOTX__API_TOKEN": sandbox.token,
            "CHATBOTX_ANALYTICS__TIMEZONE": "Asia/Ho_Chi_Minh",
        }
        assert cli.main(["--analytics"]) == 0
    assert (
        f"{len(TABLES)} analytics tables in schema chatbotx_data_analytics: "
        in capfd.readouterr().out
    )
    rows = table("chatbotx__messages", "chatbotx_data_analytics")
    assert len(rows) > 200
    assert {(row["sent_at"].hour + 7) % 24 - row["local_hour"] for row in rows} == {0}


@pytest.fixture
def two() -> Iterator[list[str]]:
    """The names of two workspaces that are configured."""
    workspaces = {
        name: synthetic(seed=number, contacts=5, number=number)
        for number, name in enumerate(("asia", "europe"))
    }
    with installation(workspaces):
        yield list(workspaces)


def test_of_several_workspaces_in_one_dataset_they_are_built_once(
    two: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--workspace", "all", "--analytics", "--report", "all.html"]) == 0
    out = capfd.readouterr().out
    assert out.count(" analytics tables in schema chatbotx_data_analytics: ") == 1
    assert out.count("report of ") == 1
    rows = table("chatbotx__messages", "chatbotx_data_analytics")
    assert len({row["workspace_id"] for row in rows}) == 2
    assert Path("all.html").exists()


def test_of_several_workspaces_in_datasets_of_their_own_each_has_its_own(
    two: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    apart = ["--workspace", "all", "--dataset-name", "of_{workspace}", "--analytics", "--report"]
    assert cli.main([*apart, "report.html"]) == 1
    assert "put {workspace} into its name too" in capfd.readouterr().err
    assert cli.main([*apart, "{workspace}.html"]) == 0
    for name in two:
        rows = table("chatbotx__messages", f"of_{name}_analytics")
        assert len({row["workspace_id"] for row in rows}) == 1
        assert Path(f"{name}.html").exists()


def test_a_build_says_what_it_did(job: Job) -> None:
    built = analytics.build(job.pipeline)
    assert (built.schema, sorted(built.tables)) == ("data_analytics", TABLES)
    assert built.tests > 100
    again = analytics.build(job.pipeline, tests=False, full_refresh=True)
    assert (again.tables, again.tests) == (built.tables, 0)


def test_nothing_is_written_into_the_package(job: Job) -> None:
    before = sorted(analytics.PROJECT.rglob("*"))
    analytics.build(job.pipeline, tests=False)
    assert [p for p in sorted(analytics.PROJECT.rglob("*")) if p not in before] == []


def test_a_password_is_written_nowhere(tmp_path: Path) -> None:
    with (
        Sandbox(synthetic(contacts=3)) as sandbox,
        postgres(tmp_path / "server") as address,
    ):
        pipeline = dlt.pipeline(
            "there",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.postgres(address.replace(":none@", ":s3cret-word@")),
            dataset_name="data",
        )
        sync(pipeline, api_token=sandbox.token, base_url=sandbox.base_url)
        for name in ("PGHOST", "PGUSER", "PGDATABASE"):
            del os.environ[name]  # the pipeline knows them
        analytics.build(pipeline)
        os.environ |= {"PGHOST": str(tmp_path / "server")}
        assert len(postgres_table("chatbotx__contacts")) == 3
    written = [path for path in (tmp_path / "pipelines").rglob("*") if path.is_file()]
    assert any(path.name == "dbt.log" for path in written)
    assert [path for path in written if b"s3cret-word" in path.read_bytes()] == []


def test_a_variable_that_is_none_is_refused(job: Job) -> None:
    with pytest.raises(ConfigurationError, match=r"no analytics variable time_zone.* timezone"):
        analytics.build(job.pipeline, time_zone="UTC")


def test_what_dbt_says_is_told_in_a_sentence(job: Job) -> None:
    with pytest.raises(
        AnalyticsError, match=r"could not be built: .*Mars/Olympus.* has more"
    ) as told:
        analytics.build(job.pipeline, timezone="Mars/Olympus")
    assert "\n" not in str(told.value)
    with pytest.raises(AnalyticsError, match=r"takes weekdays with two times.* fryday"):
        analytics.build(job.pipeline, business_hours={"fryday": ["09:00", "18:00"]})


def test_another_destination_is_refused_before_anything_is_loaded(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["--analytics", "--destination", "filesystem"]) == 1
    assert "built on duckdb and postgres, not on filesystem" in capfd.readouterr().err


def test_without_dbt_the_extra_is_named(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "dbt"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "dbt").exists()])
    assert cli.main(["--analytics"]) == 1
    assert "pip install 'chatbotx-source[analytics]'" in capfd.readouterr().err


def test_every_table_and_every_column_is_described(job: Job) -> None:
    analytics.build(job.pipeline, tests=False)
    described = {
        model["name"]: {column["name"] for column in model["columns"] if column["description"]}
        for path in analytics.PROJECT.glob("models/*/*.yml")
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", [])
        if model["description"]
    }
    columns = job.query(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'data_analytics'"
    )
    found = {name: {c for t, c in columns if t == name} for name, _ in columns}
    assert found == described
