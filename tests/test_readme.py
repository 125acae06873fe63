"""The README says what is so: its SQL and its Python run, its tables are whole."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from readme_columns import with_columns

from chatbotx_source import chatbotx, sync
from chatbotx_source.cli.options import parser
from chatbotx_source.sandbox import Sandbox, synthetic

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


ANALYTICS = "## Analytics\n" + README.split("\n## Analytics\n")[1].split("\n## ")[0]
"""What the tests of the analytics tables run."""

REST = README.replace(ANALYTICS, "")


def blocks(language: str, text: str = REST) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@contextmanager
def followed(folder: Path, contacts: int, text: str = REST) -> Iterator[None]:
    """Runs the Python of a text in a folder, against a sandbox with so many contacts."""
    workspace = synthetic(seed=7, contacts=contacts)
    with pytest.MonkeyPatch.context() as patch, Sandbox(workspace) as sandbox:
        patch.chdir(folder)
        patch.setenv("DLT_DATA_DIR", str(folder / "dlt"))
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("SOURCES__CHATBOTX__BASE_URL", sandbox.base_url)
        patch.setenv("SOURCES__CHATBOTX__API_TOKEN", sandbox.token)
        for code in blocks("python", text):
            exec(compile(code, "README.md", "exec"), {})  # noqa: S102
        yield


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the README's Python has run against the sandbox."""
    folder = tmp_path_factory.mktemp("readme")
    with followed(folder, contacts=40):
        yield folder


@pytest.mark.parametrize("sql", blocks("sql"))
def test_every_query_runs(loaded: Path, sql: str) -> None:
    with duckdb.connect(str(loaded / "chatbotx.duckdb"), read_only=True) as connection:
        connection.execute(sql).fetchall()


def test_the_queries_find_something(loaded: Path) -> None:
    with duckdb.connect(str(loaded / "chatbotx.duckdb"), read_only=True) as connection:
        empty = [sql for sql in blocks("sql") if not connection.execute(sql).fetchall()]
    assert [sql for sql in empty if "_chatbotx_unfinished" not in sql] == []


def test_the_columns_are_those_of_the_tables() -> None:
    assert with_columns(README) == README, "run `make docs`"


def test_every_option_of_the_source_and_of_sync_is_described() -> None:
    described = README.split("## Configuration")[1].split("\n## ")[0]
    options = inspect.signature(chatbotx).parameters.keys() | inspect.signature(sync).parameters
    own = {"pipeline", "source_options"}
    assert [name for name in options - own if f"`{name}`" not in described] == []


def test_every_option_of_the_command_is_an_argument_or_described() -> None:
    flags = [flag for action in parser()._actions for flag in action.option_strings]
    names = {flag.removeprefix("--").replace("-", "_") for flag in flags if flag.startswith("--")}
    described = {
        name for name in names if f"--{name.replace('_', '-')}" in README or f"`{name}`" in README
    }
    assert names - described == {"help"}


def test_the_two_commands_are_targets() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    assert re.findall(r"^make (\w+)", README, flags=re.MULTILINE)[:2] == ["demo", "test"]
