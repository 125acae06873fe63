"""The README's section on analytics says what is so: its ten answers, its Python, its variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from chatbotx_source import analytics
from tests.support.analytics import TABLES
from tests.test_readme import ANALYTICS, ROOT, blocks, followed

pytestmark = pytest.mark.analytics

QUESTIONS = blocks("sql", ANALYTICS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that the section's Python has loaded and built."""
    folder = tmp_path_factory.mktemp("readme_analytics")
    with followed(folder, contacts=80, text=ANALYTICS):
        yield folder / "chatbotx.duckdb"


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize("sql", QUESTIONS)
def test_every_question_has_an_answer(built: Path, sql: str) -> None:
    with duckdb.connect(str(built), read_only=True) as connection:
        assert connection.execute(sql).fetchall()


def test_every_table_is_listed() -> None:
    listed = re.findall(r"^\| `(chatbotx__\w+)`", ANALYTICS, flags=re.MULTILINE)
    assert sorted(listed) == [name for name in TABLES if not name.startswith("int_")]


def test_every_variable_is_shown() -> None:
    project = yaml.safe_load((analytics.PROJECT / "dbt_project.yml").read_text("utf-8"))
    names = {name.removeprefix("chatbotx_") for name in project["vars"]["chatbotx"]}
    (shown,) = blocks("toml", ANALYTICS)
    missing = {name for name in names if not re.search(rf"\b{name}\b", shown)}
    assert missing == {"dataset", "database"}


def test_what_first_look_asks_is_one_of_the_questions() -> None:
    script = (ROOT / "pipelines" / "first_look.py").read_text("utf-8")
    query = re.search(r'FIRST_RESPONSES = """(.*?)"""', script, flags=re.DOTALL)
    assert query
    asked = " ".join(query[1].format(schema="chatbotx_data_analytics").split())
    assert asked in [" ".join(sql.split()).rstrip(";") for sql in QUESTIONS]
