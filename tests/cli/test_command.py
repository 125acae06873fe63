"""The command: what it prints, where it loads, what it costs, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import dlt
import pytest

from chatbotx_source import cli
from chatbotx_source.cli import sandboxed
from chatbotx_source.sandbox import Fault, Request, Sandbox, Workspace, synthetic
from tests.support.loading import SPRING, reading
from tests.support.oracle import difference, expected, loaded

REPOSITORY = Path(__file__).parents[2]
SCRIPT = [sys.executable, str(REPOSITORY / "pipelines" / "chatbotx_pipeline.py")]
MODULE = [sys.executable, "-m", "chatbotx_source.cli"]


class Ended(NamedTuple):
    """What a run of the command came to."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> dict[str, int]:
        """The rows it says it has loaded, by table."""
        lines = re.findall(r"^ +([\d,]+)  (\w+)$", self.out, re.MULTILINE)
        return {name: int(count.replace(",", "")) for count, name in lines}


Command = Callable[..., Ended]


class Running:
    """The command in a process of its own."""

    def __init__(self, *arguments: str, program: list[str] = MODULE) -> None:
        self.process = subprocess.Popen(
            [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self) -> Ended:
        """Waits for its end."""
        out, err = self.process.communicate(timeout=60)
        return Ended(self.process.returncode, out, err)


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process."""

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        status = cli.main(arguments)
        return Ended(status, *capfd.readouterr())

    return run


@pytest.fixture
def workspace() -> Workspace:
    return synthetic(contacts=10, now=SPRING)


@pytest.fixture
def sandbox(workspace: Workspace) -> Iterator[Sandbox]:
    """A sandbox that the environment leads to, as it would to a server."""
    with Sandbox(workspace) as sandbox:
        os.environ |= {
            "SOURCES__CHATBOTX__BASE_URL": sandbox.base_url,
            "SOURCES__CHATBOTX__API_TOKEN": sandbox.token,
            "SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0",
            "SOURCES__CHATBOTX__MAX_WAIT": "0.01",
        }
        yield sandbox


def differences(workspace: Workspace, file: str = "chatbotx.duckdb") -> list[str]:
    with reading(Path(file), "chatbotx_data") as connection:
        return difference(expected(workspace), loaded(connection))


def query(sql: str, file: str = "chatbotx.duckdb") -> list[tuple[object, ...]]:
    with reading(Path(file), "chatbotx_data") as connection:
        return connection.execute(sql).fetchall()


def is_one_sentence(ended: Ended) -> bool:
    """Whether an error is told in one line, and nothing else is."""
    return not ended.out and bool(re.fullmatch(r"Error: [^\n]+\n", ended.err))


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port of the system's choice in the place of the fixed one of `--sandbox`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    monkeypatch.setattr(sandboxed, "SANDBOX_PORT", port)
    return port


def test_the_sandbox_is_loaded_without_an_account(command: Command, free_port: int) -> None:
    before = dict(os.environ)
    first = command("--sandbox")
    assert first.status == 0
    assert first.rows["contacts"] == 200
    assert first.rows["messages"] > 4_000
    second = command("--sandbox")
    assert second.status == 0
    assert second.rows["messages"] < first.rows["messages"] / 4
    for name in first.rows:
        [(count,)] = query(f"SELECT count(*) FROM {name}", "chatbotx_sandbox.duckdb")
        assert count == first.rows[name]
    assert [name for name in os.environ.keys() - before.keys() if "CHATBOTX" in name] == []


def test_the_sandbox_is_loaded_into_the_directory_that_it_is_tried_in(
    command: Command, free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    for name in ("one", "another", "one"):
        place = tmp_path / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        monkeypatch.chdir(place)
        rows.append(command("--sandbox", "--limit-contacts", "3").rows)
        [(count,)] = query("SELECT count(*) FROM messages", "chatbotx_sandbox.duckdb")
        assert count == rows[0]["messages"] > 0
    assert rows == [rows[0]] * 3


def test_the_sandbox_makes_way_when_its_port_is_taken(command: Command, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        assert command("--sandbox", "--limit-contacts", "1").status == 0


def test_a_run_loads_everything_and_the_next_one_nothing(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    first = command()
    assert first.status == 0
    assert "complete, every contact read whole" in first.out
    assert differences(workspace) == []
    assert first.rows == {name: len(rows) for name, rows in expected(workspace).items()}
    before = len(sandbox.requests)
    os.environ["SOURCES__CHATBOTX__RECONCILE_SHARE"] = "0"
    os.environ["SOURCES__CHATBOTX__LOOKBACK_DAYS"] = "0"
    assert command().status == 0
    assert len(sandbox.requests) - before == 2
    assert differences(workspace) == []


def test_the_query_that_it_suggests_runs(command: Command, sandbox: Sandbox) -> None:
    suggested = command().out.splitlines()[-1].strip()
    shown = subprocess.run(suggested, shell=True, capture_output=True, text=True)  # noqa: S602
    assert shown.returncode == 0
    assert "incoming" in shown.stdout


def test_a_wrong_token_costs_one_request_and_one_sentence(
    command: Command, sandbox: Sandbox
) -> None:
    os.environ["SOURCES__CHATBOTX__API_TOKEN"] = "not-the-token"
    ended = command()
    assert ended.status == 1
    assert is_one_sentence(ended)
    assert "refused the API token" in ended.err
    assert len(sandbox.requests) == 1


def test_a_missing_token_costs_no_request(command: Command, sandbox: Sandbox) -> None:
    del os.environ["SOURCES__CHATBOTX__API_TOKEN"]
    for options in ([], ["--dry-run"]):
        ended = command(*options)
        assert ended.status == 1
        assert is_one_sentence(ended)
        assert "SOURCES__CHATBOTX__API_TOKEN" in ended.err
    assert sandbox.requests == []


def test_a_server_that_is_down_is_named(command: Command, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/api"
    ended = command("--base-url", nobody)
    assert ended.status == 1
    assert is_one_sentence(ended)
    assert nobody in ended.err


def test_an_address_without_api_is_answered_with_the_right_one(
    command: Command, sandbox: Sandbox
) -> None:
    ended = command("--base-url", sandbox.base_url.removesuffix("/api"))
    assert ended.status == 1
    assert is_one_sentence(ended)
    assert sandbox.base_url in ended.err
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--contact", "ana@example.com"], "email:ana@example.com"),
        (["--contact", "name:Ana"], "id:<digits>"),
        (["--page-size", "0"], "page_size"),
        (["--start-date", "soon"], "2026-01-31"),
        (["--limit-contacts", "0"], "limit_contacts"),
        (["--max-requests", "0"], "max_requests"),
        (["--lookback-days", "-1"], "lookback_days"),
        (["--max-requests-per-second", "-1"], "max_requests_per_second"),
        (["--base-url", "http://chat.example.com/api"], "https://"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_request(
    command: Command, sandbox: Sandbox, arguments: list[str], advice: str
) -> None:
    ended = command(*arguments)
    assert ended.status == 1
    assert is_one_sentence(ended)
    assert advice in ended.err
    assert sandbox.requests == []


def test_an_unknown_contact_is_an_error_alone_and_unfinished_among_others(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    ended = command("--contact", "id:999")
    assert ended.status == 1
    assert is_one_sentence(ended)
    assert "id:999" in ended.err
    known = next(iter(workspace.truth().contacts))
    ended = command("--contact", "id:999", "--contact", f"id:{known}")
    assert ended.status == 3
    assert "contact id:999: no such contact" in ended.out
    assert ended.rows["contacts"] == 1


def test_a_contact_without_a_conversation_is_complete(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    silent = workspace.add_contact(conversation=False)
    ended = command("--contact", f"id:{silent}")
    assert ended.status == 0
    assert (ended.rows["contacts"], ended.rows["messages"]) == (1, 0)
    assert [each.kind for each in sandbox.requests] == ["contact"]


@pytest.mark.parametrize("workspace", [Workspace()])
def test_an_empty_workspace_is_complete(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    ended = command()
    assert ended.status == 0
    assert set(ended.rows.values()) == {0}
    assert command("--dry-run").status == 0


@pytest.mark.long
@pytest.mark.parametrize("workspace", [synthetic(seed=3, contacts=2, messages=20, now=SPRING)])
def test_one_request_a_run_comes_to_an_end(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    statuses: list[int] = []
    while not statuses or (statuses[-1] and len(statuses) < 20):
        statuses.append(command("--max-requests", "1").status)
        assert len(sandbox.requests) == len(statuses)
    assert statuses == [3] * (len(statuses) - 1) + [0]
    assert differences(workspace) == []


def test_a_dry_run_asks_twice_and_loads_nothing(
    command: Command, sandbox: Sandbox, tmp_path: Path
) -> None:
    ended = command("--dry-run")
    assert ended.status == 0
    assert "10 contacts" in ended.out
    assert len(sandbox.requests) == 2
    assert not list(tmp_path.rglob("*"))


def test_a_sample_is_a_sample_and_moves_nothing(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    assert command("--limit-contacts", "2").rows["contacts"] == 2
    assert command().status == 0
    assert differences(workspace) == []


def test_a_reconcile_reads_every_contact_whole(command: Command, sandbox: Sandbox) -> None:
    command()
    talking = {each.contact_id for each in sandbox.requests if each.kind == "messages"}
    sandbox.requests.clear()
    ended = command("--reconcile")
    assert "every contact read whole" in ended.out
    assert {each.contact_id for each in sandbox.requests if each.kind == "messages"} == talking


def test_a_full_refresh_begins_anew(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    command()
    gone = next(iter(workspace.truth().contacts))
    workspace.delete_contact(gone)
    command()
    assert query(f"SELECT count(*) FROM contacts WHERE id = '{gone}'") == [(1,)]
    assert command("--full-refresh").status == 0
    assert differences(workspace) == []


def test_a_full_refresh_that_fails_drops_nothing(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    command()
    os.environ["SOURCES__CHATBOTX__API_TOKEN"] = "not-the-token"
    assert command("--full-refresh").status == 1
    assert differences(workspace) == []
    os.environ["SOURCES__CHATBOTX__API_TOKEN"] = sandbox.token
    assert command().status == 0
    assert differences(workspace) == []


def test_options_win_over_the_configuration(command: Command, sandbox: Sandbox) -> None:
    os.environ["SOURCES__CHATBOTX__PAGE_SIZE"] = "7"
    command("--limit-contacts", "2")
    assert {each.per_page for each in sandbox.requests if each.kind == "messages"} == {"7"}
    sandbox.requests.clear()
    command("--limit-contacts", "2", "--page-size", "11", "--pipeline-name", "other")
    assert {each.per_page for each in sandbox.requests if each.kind == "messages"} == {"11"}
    assert Path("other.duckdb").exists()


def test_the_places_that_are_configured_are_used(
    command: Command, sandbox: Sandbox, workspace: Workspace, tmp_path: Path
) -> None:
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = f"duckdb:///{tmp_path / 'elsewhere.db'}"
    ended = command()
    assert ended.status == 0
    assert differences(workspace, "elsewhere.db") == []
    assert str(tmp_path / "elsewhere.db") in ended.out
    assert not Path("chatbotx.duckdb").exists()
    assert (tmp_path / "dlt" / "pipelines" / "chatbotx").is_dir()


@pytest.mark.parametrize(("configured", "limit"), [(None, "114.4 MiB"), ("256MB", "244.1 MiB")])
def test_duckdb_is_kept_small_unless_it_is_configured(
    command: Command, sandbox: Sandbox, configured: str | None, limit: str
) -> None:
    if configured:
        os.environ["DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG"] = json.dumps(
            {"memory_limit": configured}
        )
    command("--limit-contacts", "1")
    with dlt.attach("chatbotx").sql_client() as client:
        assert client.execute_sql("SELECT current_setting('memory_limit')") == [(limit,)]


def test_progress_counts_what_is_loaded(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    ended = command("--progress", "log")
    extracted = (ended.out + ended.err).partition("Normalize")[0]
    messages = len(expected(workspace)["messages"])
    assert {int(each) for each in re.findall(r"^messages: (\d+)", extracted, re.MULTILINE)} == {
        messages
    }


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_signal_ends_the_load_and_keeps_what_was_read(
    command: Command, sandbox: Sandbox, workspace: Workspace, number: signal.Signals
) -> None:
    signalled = threading.Event()

    def send(request: Request) -> None:
        if request.kind == "messages" and not signalled.is_set():
            signalled.set()
            running.process.send_signal(number)

    sandbox.before.append(send)
    running = Running("--page-size", "5")
    ended = running.end()
    assert ended.status == 130
    assert "Traceback" not in ended.err
    assert "an interrupt" in ended.out
    read = ended.rows["messages"]
    assert 0 < read < len(expected(workspace)["messages"])
    assert query("SELECT count(*) FROM messages") == [(read,)]
    assert command().status == 0
    assert differences(workspace) == []


def test_a_signal_does_not_wait_for_the_server_to_have_patience(
    sandbox: Sandbox, workspace: Workspace
) -> None:
    def send(request: Request) -> None:
        if request.number == 6:
            running.process.send_signal(signal.SIGTERM)

    os.environ["SOURCES__CHATBOTX__MAX_WAIT"] = "300"
    sandbox.before.append(send)
    sandbox.faults.add(Fault("status", requests={6}, status=429, retry_after=200))
    running = Running("--workers", "1")
    ended = running.end()
    assert ended.status == 130
    assert len(sandbox.requests) == 6
    assert query("SELECT count(*) FROM messages") == [(ended.rows["messages"],)]


def test_a_process_that_is_killed_leaves_nothing_out(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    assert command("--max-requests", "5").status == 3

    def kill(request: Request) -> None:
        if request.number == 9:
            running.process.kill()

    sandbox.before.append(kill)
    running = Running("--page-size", "20")
    assert running.end().status == -signal.SIGKILL
    sandbox.before.clear()
    assert command().status == 0
    assert differences(workspace) == []


def test_a_server_that_asks_for_patience_is_left_alone(
    command: Command, sandbox: Sandbox, workspace: Workspace
) -> None:
    sandbox.faults.add(Fault("status", requests={7}, status=429, retry_after=1_800))
    ended = command("--workers", "1")
    assert ended.status == 3
    assert "the server asks to wait 1,800 s" in ended.out
    assert len(sandbox.requests) == 7
    assert query("SELECT retry_after, complete FROM _chatbotx_syncs") == [(1800, False)]
    assert command().status == 0
    assert differences(workspace) == []


def test_configuration_files_are_read(sandbox: Sandbox, tmp_path: Path) -> None:
    base_url, token = sandbox.base_url, os.environ.pop("SOURCES__CHATBOTX__API_TOKEN")
    del os.environ["SOURCES__CHATBOTX__BASE_URL"]
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        f'[sources.chatbotx]\nbase_url = "{base_url}"\npage_size = 7\nlimit_contacts = 2\n'
    )
    (tmp_path / ".dlt" / "secrets.toml").write_text(f'[sources.chatbotx]\napi_token = "{token}"\n')
    ended = Running("--page-size", "11", program=SCRIPT).end()
    assert ended.status == 0
    assert ended.rows["contacts"] == 2
    assert {each.per_page for each in sandbox.requests if each.kind == "messages"} == {"11"}


def test_the_script_takes_the_same_options() -> None:
    running = Running("--help"), Running("--help", program=SCRIPT)
    module, script = (each.end() for each in running)
    assert module == script
    assert module.out.startswith("usage: chatbotx-pipeline")


def test_verbose_logs_each_request_and_shows_where_an_error_comes_from(sandbox: Sandbox) -> None:
    ended = Running("--verbose", "--limit-contacts", "1").end()
    assert ended.status == 0
    assert ended.err.count("GET v1/contacts") == len(sandbox.requests)
    assert sandbox.token not in ended.out + ended.err
    os.environ["SOURCES__CHATBOTX__API_TOKEN"] = "not-the-token"
    ended = Running("--verbose").end()
    assert ended.status == 1
    assert "Traceback" in ended.err
    assert "not-the-token" not in ended.err
