"""Several workspaces in one dataset: each has its own pipeline, and none touches another's rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dlt
import pytest

from chatbotx_source import SyncSummary, cli, sync
from chatbotx_source.sandbox import Fault, Request, Sandbox, synthetic
from tests.support.installation import installation, truth
from tests.support.loading import SPRING, reading
from tests.support.oracle import difference, expected, loaded

Sandboxes = dict[str, Sandbox]


@pytest.fixture
def sandboxes() -> Iterator[Sandboxes]:
    """Three workspaces of one installation."""
    workspaces = {
        name: synthetic(seed=number, contacts=8, now=SPRING, number=number)
        for number, name in enumerate(("africa", "asia", "europe"))
    }
    with installation(workspaces) as sandboxes:
        yield sandboxes


@pytest.fixture
def sync_into_one(tmp_path: Path) -> Callable[..., SyncSummary]:
    """Syncs a workspace, by its own pipeline, into the dataset that all of them share."""

    def sync_one(workspace: str, **options: object) -> SyncSummary:
        pipeline = dlt.pipeline(
            f"chatbotx_{workspace}",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.duckdb(str(tmp_path / "all.duckdb")),
            dataset_name="data",
        )
        return sync(pipeline, workspace=workspace, **options)  # type: ignore[arg-type]

    return sync_one


Sync = Callable[..., SyncSummary]


def query(sql: str) -> list[tuple[object, ...]]:
    with reading(Path("all.duckdb")) as connection:
        return connection.execute(sql).fetchall()


def test_one_dataset_holds_all_of_them(sandboxes: Sandboxes, sync_into_one: Sync) -> None:
    for _ in range(2):
        assert all(sync_into_one(name).complete for name in sandboxes)
    with reading(Path("all.duckdb")) as connection:
        assert difference(truth(sandboxes), loaded(connection)) == []
    assert query("SELECT pipeline, count(*) FROM _chatbotx_syncs GROUP BY ALL ORDER BY ALL") == [
        (f"chatbotx_{name}", 2) for name in sandboxes
    ]


@pytest.mark.long
def test_what_one_leaves_unfinished_stays_until_itself_is_done(
    sandboxes: Sandboxes, sync_into_one: Sync
) -> None:
    left = "SELECT pipeline, count(*) > 0 FROM _chatbotx_unfinished GROUP BY ALL ORDER BY ALL"
    for name in ("africa", "asia"):
        assert sync_into_one(name, max_requests=3).unfinished
    assert query(left) == [("chatbotx_africa", True), ("chatbotx_asia", True)]
    assert sync_into_one("europe").complete
    assert sync_into_one("asia").complete
    assert query(left) == [("chatbotx_africa", True)]


@pytest.mark.long
def test_only_the_contacts_of_the_workspace_that_was_listed_can_be_gone(
    sandboxes: Sandboxes, sync_into_one: Sync
) -> None:
    for name in sandboxes:
        sync_into_one(name)
    asia = sandboxes["asia"].workspace
    gone = next(iter(asia.truth().contacts))
    asia.delete_contact(gone)
    for name in sandboxes:
        sync_into_one(name)
    assert query("SELECT id FROM contacts WHERE removed_at IS NOT NULL") == [(gone,)]


def test_the_command_loads_them_side_by_side_and_one_failure_stops_no_other(
    sandboxes: Sandboxes, capfd: pytest.CaptureFixture[str]
) -> None:
    os.environ["SOURCES__CHATBOTX__ASIA__API_TOKEN"] = "wrong"
    sandboxes["europe"].faults.add(Fault("status", on="messages", status=500, times=None))
    status = cli.main(["--workspace", "all", "--parallel", "2"])
    out = capfd.readouterr().out
    assert status == 1
    assert "africa: complete, every contact read whole" in out
    assert "asia: Error: " in out
    assert "refused the API token" in out
    assert out.endswith("1 failed: asia\n1 unfinished: europe\n1 complete: africa\n")
    with reading(Path("chatbotx.duckdb"), "chatbotx_data") as connection:
        found = loaded(connection)
    messages = {"messages", "messages__attachments"}
    wanted = expected(sandboxes["africa"].workspace)
    assert difference({**found, **{name: wanted[name] for name in messages}}, found) == []


def test_an_interrupt_ends_all_of_them_with_what_they_have_read() -> None:
    workspaces = {
        name: synthetic(contacts=60, now=SPRING, number=number)
        for number, name in enumerate(("asia", "europe"))
    }
    with installation(workspaces) as sandboxes:
        sandboxes["asia"].faults.add(Fault("slow", on="messages", times=None, seconds=0.2))
        with subprocess.Popen(
            [sys.executable, "-m", "chatbotx_source.cli", "--workspace", "all", "--parallel", "1"],
            stdout=subprocess.PIPE,
            text=True,
        ) as command:

            def interrupt(request: Request) -> None:
                if request.number == 8:
                    command.send_signal(signal.SIGTERM)

            sandboxes["asia"].before.append(interrupt)
            out, _ = command.communicate()
        assert command.returncode == 130
        assert "asia: not complete: " in out
        assert out.endswith("2 interrupted: asia, europe\n")
        assert sandboxes["europe"].requests == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workspace", "atlantis"], "has no token"),
        (["--workspace", "a-b"], "cannot name a workspace"),
        (["--workspace", "all", "--parallel", "0"], "--parallel"),
        (["--workspace", "all", "--sandbox"], "sandbox has one workspace"),
    ],
)
def test_what_cannot_be_run_is_refused(
    sandboxes: Sandboxes, capfd: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert cli.main(arguments) == 1
    assert words in capfd.readouterr().err
    assert not any(sandbox.requests for sandbox in sandboxes.values())


def test_two_installations_are_not_mixed(
    sandboxes: Sandboxes, capfd: pytest.CaptureFixture[str]
) -> None:
    os.environ["SOURCES__CHATBOTX__ASIA__BASE_URL"] = "https://chat.example.com/api"
    assert cli.main(["--workspace", "all"]) == 1
    assert "two installations, whose ids may be equal" in capfd.readouterr().err


def test_none_configured_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--workspace", "all"]) == 1
    assert "No workspace is configured" in capfd.readouterr().err


def test_names_come_from_the_file_of_secrets_and_the_environment(sandboxes: Sandboxes) -> None:
    Path(".dlt").mkdir()
    Path(".dlt/secrets.toml").write_text('[sources.chatbotx.oceania]\napi_token = "wrong"\n')
    run = subprocess.run(
        [sys.executable, "-m", "chatbotx_source.cli", "--workspace", "all", "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "asia: about 8 contacts" in run.stdout
    assert run.stdout.endswith("1 failed: oceania\n3 complete: africa, asia, europe\n")
