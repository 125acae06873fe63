"""The token and the signatures of links are credentials: they leave no trace anywhere."""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbotx_source import cli
from chatbotx_source.sandbox import Fault, Workspace, synthetic
from tests.support.loading import Job, reading

Serve = Callable[..., Job]

TOKEN = "tok-51c7e0aa93-never-to-be-seen"
SIGNATURE = "X-Amz-Signature"
SIGNED = f"https://files.example.com/a.png?X-Amz-Date=20260101T000000Z&{SIGNATURE}=51c7"


@pytest.fixture
def workspace() -> Workspace:
    """A workspace with signed links in every place that can hold one."""
    workspace = synthetic(contacts=6)
    contact = workspace.add_contact(unheardOf={"link": SIGNED})
    workspace.add_message(
        contact,
        attachments=[{"thumbnailPath": SIGNED, "originPath": SIGNED, "previewUrl": [SIGNED]}],
        somethingNew=SIGNED,
    )
    return workspace


def assert_clean(text: str) -> None:
    assert TOKEN not in text
    assert SIGNATURE not in text


def test_nothing_in_the_tables_gives_access(serve: Serve, workspace: Workspace) -> None:
    job = serve(workspace, token=TOKEN)
    job.sync()
    with reading(job.file) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT t::VARCHAR FROM {table} AS t").fetchall():
                assert_clean(str(row))
    assert job.query("SELECT count(*) FROM messages__attachments WHERE extra LIKE '%a.png%'") == [
        (1,)
    ]


def test_nothing_in_the_working_directory_gives_access(
    serve: Serve, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CHATBOTX__API_TOKEN", TOKEN)
    job = serve(workspace, token=TOKEN)
    options = {name: value for name, value in job.options.items() if name != "api_token"}
    assert job.sync(**options).complete
    assert_clean(json.dumps(job.pipeline.state, default=str))
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert TOKEN.encode() not in content, file
            assert SIGNATURE.encode() not in content, file


def test_nothing_in_the_log_gives_access(
    serve: Serve, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    job = serve(workspace, token=TOKEN)
    said = f"refused {TOKEN} at {SIGNED}"
    for place, status in enumerate((500, 503, 400, 404), 4):
        fault = Fault("status", requests={place}, status=status, code="x", message=said)
        job.sandbox.faults.add(fault)
    job.sandbox.faults.add(Fault("not_json", requests={9}, body=said.encode()))
    caplog.set_level(logging.DEBUG)
    for name in ("dlt", "urllib3", "chatbotx_source"):
        caplog.set_level(logging.DEBUG, name)
    summary = job.sync()
    assert sum(fault.hits for fault in job.sandbox.faults) == 5
    assert any(record.name.startswith("chatbotx_source") for record in caplog.records)
    assert_clean("\n".join(str(vars(record)) for record in caplog.records))
    assert_clean(f"{summary} {summary!r}")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "code": "INVALID_CHATBOT_TOKEN"},
        {"status": 403, "code": "FORBIDDEN"},
        {"status": 503, "code": "x"},
        {"status": 400, "code": "BAD_REQUEST"},
    ],
    ids=lambda answer: str(answer["status"]),
)
def test_nothing_in_an_error_gives_access(
    serve: Serve, workspace: Workspace, answer: dict[str, int | str]
) -> None:
    job = serve(workspace, token=TOKEN)
    said = f"refused {TOKEN} at {SIGNED}"
    job.sandbox.faults.add(Fault("status", times=None, message=said, **answer))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="step=extract") as failure:
        job.sync()
    assert_clean("".join(traceback.format_exception(failure.value)))


@pytest.mark.parametrize("options", [[], ["--verbose"], ["--dry-run"]])
def test_nothing_that_the_command_says_gives_access(
    serve: Serve, workspace: Workspace, options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    job = serve(workspace)
    os.environ |= {
        "SOURCES__CHATBOTX__BASE_URL": job.sandbox.base_url,
        "SOURCES__CHATBOTX__API_TOKEN": TOKEN,
    }
    assert cli.main(options) == 1
    said = capfd.readouterr()
    assert ("Traceback" in said.err) == ("--verbose" in options)
    assert_clean(said.out + said.err)
