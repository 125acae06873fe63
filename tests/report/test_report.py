"""What the report asks: equal on both databases, bounded, and honest about what it leaves out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.destination.exceptions import SqlClientNotAvailable
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source import cli, report, sync
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.report import questions
from chatbotx_source.report.page import embedded
from chatbotx_source.report.questions import Days, ask
from chatbotx_source.sandbox import Sandbox, Workspace, synthetic
from tests.support.analytics import Talk, at, dbt, postgres
from tests.support.loading import Job

pytestmark = pytest.mark.analytics

NOW = datetime(2026, 4, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)

Serve = Callable[..., Job]


def asked(job: Job) -> dict[str, Any]:
    """What the page is made of, after the analytics tables are built."""
    dbt("run")
    with job.pipeline.sql_client() as client:
        return ask(client, "data_analytics", NOW)


def summed(answers: dict[str, Any], table: str, column: str) -> int:
    place = answers[table]["columns"].index(column)
    return sum(row[place] for row in answers[table]["rows"])


def test_the_command_writes_it(capfd: pytest.CaptureFixture[str]) -> None:
    with Sandbox(synthetic(contacts=5)) as sandbox:
        arguments = ["--base-url", sandbox.base_url, "--report", "it.html"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SOURCES__CHATBOTX__API_TOKEN", sandbox.token)
            assert cli.main(arguments) == 1
            assert "build them first, with --analytics" in capfd.readouterr().err
            assert not Path("it.html").exists()
            assert cli.main([*arguments, "--analytics"]) == 0
    assert re.search(r"report of \d+ days in it\.html: 0\.\d\d MB\n", capfd.readouterr().out)
    assert Path("it.html").read_text("utf-8").startswith("<!doctype html>")
    assert not Path("it.html.part").exists()


def test_where_it_cannot_be_written_is_told_before_anything_is_loaded(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["--report", "nowhere/report.html"]) == 1
    assert "no folder nowhere" in capfd.readouterr().err
    assert cli.main(["--report", str(tmp_path)]) == 1
    assert "name a file" in capfd.readouterr().err
    os.environ["SOURCES__CHATBOTX__ASIA__API_TOKEN"] = "none"
    assert cli.main(["--workspace", "asia", "--report", "of_{workspace}/report.html"]) == 1
    assert "no folder of_asia" in capfd.readouterr().err


def test_a_destination_without_sql_is_refused() -> None:
    pipeline = dlt.pipeline("elsewhere", destination="dummy")
    with pytest.raises(SqlClientNotAvailable):
        pipeline.sql_client()
    with pytest.raises(ConfigurationError, match="can be queried with SQL, and dummy cannot"):
        report.check(pipeline, "report.html")


def test_both_databases_answer_alike(tmp_path: Path) -> None:
    workspace = synthetic(seed=3, contacts=12)
    with Job(workspace, tmp_path, "chatbotx") as job, postgres(tmp_path / "server") as address:
        job.sync()
        there = dlt.pipeline(
            "there",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.postgres(address),
            dataset_name="data",
        )
        sync(there, **job.options)
        here = asked(job)
        os.environ["CHATBOTX_TARGET"] = "postgres"
        dbt("run")
        with there.sql_client() as client:
            answers = ask(client, "data_analytics", NOW)
    assert here["daily"]["rows"]
    assert json.loads(json.dumps({**answers, "freshness": None})) == json.loads(
        json.dumps({**here, "freshness": None})
    )


def test_a_wrong_clock_does_not_push_the_real_days_out(serve: Serve) -> None:
    workspace = Workspace(clock=lambda: NOW)
    Talk(workspace, "Maya", "2026-03-01 10:00 contact\n2026-03-02 10:00 Ana\n2031-01-01 10:00 bot")
    Talk(workspace, "Noor", "2019-05-05 10:00 contact")
    job = serve(workspace, name="chatbotx")
    job.sync()
    answers = asked(job)
    assert answers["first_day"] == "2024-03-02"
    assert answers["days"] == questions.MOST_DAYS
    assert answers["left_out"] == 2
    assert summed(answers, "daily", "messages_in") == 1


def test_whoever_writes_less_than_the_busiest_is_counted_with_the_others(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "MOST_AGENTS", 1)
    workspace = Workspace(clock=lambda: NOW)
    Talk(workspace, "Maya", "2026-03-01 10:00 contact\n10:01 Ana\n10:02 Ana\n10:03 Ben\n10:04 Ben")
    Talk(workspace, "Noor", "2026-03-01 11:00 contact\n11:20 Ana")
    job = serve(workspace, name="chatbotx")
    job.sync()
    answers = asked(job)
    assert answers["agents"] == ["71", None]
    assert answers["agent_days"]["rows"] == [
        [answers["days"] - 1, 0, 0, 3, 2, 1, 2],
        [answers["days"] - 1, 0, 1, 2, 0, 0, 0],
    ]


def test_days_without_room_are_left_out_whole_and_told(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "MOST_RESPONSES", 2)
    workspace = Workspace(clock=lambda: NOW)
    lines = "2026-03-{day} 10:00 contact\n10:01 bot\n10:20 Ana"
    Talk(workspace, "Maya", "\n".join(lines.format(day=day) for day in ("03", "05", "07")))
    job = serve(workspace, name="chatbotx")
    job.sync()
    answers = asked(job)
    assert (answers["first_day"], answers["days"]) == ("2026-03-06", 2)
    assert answers["left_out"] == 6
    assert [row[3] for row in answers["responses"]["rows"]] == [[1200, 1], [60, 1]]


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(10, 60))
def test_only_whole_days_are_kept_the_newest_of_them(places: list[int], most: int) -> None:
    first = date(2026, 3, 1)
    days = Days(first, first + 9 * DAY)
    rows = [(first + place * DAY,) for place in sorted(places, reverse=True)]
    kept, within = questions._newest(rows[: most + 1], days, most)
    assert len(kept) <= most
    assert kept == [row for row in rows if row[0] >= within.first]
    assert within.last == days.last


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "\u2028", "\ud800", 'a"b\\c'])
def test_text_cannot_leave_the_script_that_it_is_in(text: str) -> None:
    assert "<" not in embedded({"name": text})
    assert json.loads(embedded({"name": text})) == {"name": text}


def test_it_holds_no_more_of_a_contact_than_a_name(serve: Serve, tmp_path: Path) -> None:
    workspace = Workspace(clock=lambda: NOW)
    told = {"email": "maya@example.com", "phoneNumber": "+84900000001"}
    Talk(workspace, "Maya", "2026-03-01 10:00 contact", **told)
    noor = Talk(workspace, "Noor", "2026-03-01 10:00 contact\n10:01 bot")
    workspace.add_message(noor.contact, text="My secret", created_at=at("2026-03-01T10:00"))
    job = serve(workspace, name="chatbotx")
    job.sync()
    dbt("run")
    report.write(job.pipeline, tmp_path / "it.html", now=NOW)
    text = (tmp_path / "it.html").read_text("utf-8")
    assert "Maya" in text  # who waits
    for hidden in (*told.values(), "Noor", "My secret", job.sandbox.token):
        assert hidden not in text
