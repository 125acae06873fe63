"""What dlt is configured to do: the settings that it looks at, and what it makes of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs import PluggableRunContext
from dlt.common.destination.exceptions import DestinationTerminalException, UnknownDestinationModule
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.dlt_internals import configuration
from tests.dlt_internals.conftest import Pipelines, query, things

SECRETS = """
[sources.chatbotx]
api_token = "all"

[sources.chatbotx.asia]
api_token = "one"
"""
DATASETS = "SELECT DISTINCT table_schema FROM information_schema.tables ORDER BY 1"


@pytest.fixture
def secrets() -> Iterator[None]:
    """A file of secrets, read anew: dlt reads its files once in a process."""
    providers = Container()[PluggableRunContext]
    Path(".dlt").mkdir()
    Path(".dlt/secrets.toml").write_text(SECRETS)
    providers.reload_providers()
    yield
    Path(".dlt/secrets.toml").unlink()
    providers.reload_providers()


@pytest.mark.usefixtures("secrets")
def test_a_section_of_the_secrets_is_found_with_all_that_is_in_it() -> None:
    os.environ["SOURCES__CHATBOTX"] = "no section"
    [section] = configuration.secret_sections("chatbotx", "sources")
    assert section == {"api_token": "all", "asia": {"api_token": "one"}}
    assert not list(configuration.secret_sections("nowhere", "sources"))


@pytest.mark.parametrize("setting", [None, "true", "false"])
def test_a_load_fails_with_its_jobs_unless_it_is_told_not_to(
    tmp_path: Path, setting: str | None
) -> None:
    @dlt.destination(batch_size=1)
    def refusing(_items: Any, _table: Any) -> None:
        raise DestinationTerminalException("no such rows")

    if setting:
        os.environ["LOAD__RAISE_ON_FAILED_JOBS"] = setting
    pipeline = dlt.pipeline(
        "refused", pipelines_dir=str(tmp_path / "pipelines"), destination=refusing
    )
    assert configuration.fails_with_its_jobs() == (setting != "false")
    if configuration.fails_with_its_jobs():
        with pytest.raises(PipelineStepFailed, match="no such rows"):
            pipeline.run(things())
    else:
        assert pipeline.run(things()).has_failed_jobs


@pytest.mark.parametrize("setting", [None, "false"])
def test_a_run_on_a_new_machine_restores_unless_it_is_told_not_to(
    to_files: Pipelines, setting: str | None
) -> None:
    def counting() -> Any:
        state = dlt.current.resource_state()
        state["runs"] = state.get("runs", 0) + 1
        yield {"id": state["runs"]}

    counted = dlt.resource(counting, name="counted")
    to_files().run(counted)
    to_files().drop()
    if setting:
        os.environ["RESTORE_FROM_DESTINATION"] = setting
    pipeline = to_files()
    pipeline.run(counted)
    [source] = pipeline.state["sources"].values()
    assert source["resources"]["counted"]["runs"] == (2 if configuration.restores(pipeline) else 1)
    assert configuration.restores(pipeline) == (setting is None)


def test_a_pipeline_for_development_does_not_restore(to_duckdb: Pipelines) -> None:
    assert not configuration.restores(to_duckdb(dev_mode=True))


@pytest.mark.parametrize("setting", [None, "false"])
def test_all_schemas_are_in_one_dataset_unless_there_is_one_for_each(
    to_files: Pipelines, tmp_path: Path, setting: str | None
) -> None:
    if setting:
        os.environ["USE_SINGLE_DATASET"] = setting
    pipeline = to_files()
    for name in ("first", "second"):
        pipeline.run(things(write_disposition="append"), schema=dlt.Schema(name))
    one = configuration.has_one_dataset(pipeline)
    assert one == (setting is None)
    made = {place.name for place in (tmp_path / "files").iterdir() if place.is_dir()}
    assert made == ({"data"} if one else {"data", "data_second"})


@pytest.mark.parametrize("name", ["duckdb", "dlt.destinations.duckdb", "mine"])
def test_destinations_are_known_by_dlt_or_by_its_configuration(name: str) -> None:
    os.environ["DESTINATION__MINE__DESTINATION_TYPE"] = "duckdb"
    assert configuration.knows_destination(name)
    dlt.pipeline("known", destination=name)


def test_a_destination_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert not configuration.knows_destination("nowhere")
    with pytest.raises(UnknownDestinationModule):
        dlt.pipeline("unknown", pipelines_dir=str(tmp_path), destination="nowhere")


def test_one_location_is_said_in_the_same_words(to_duckdb: Pipelines, to_files: Pipelines) -> None:
    place = configuration.location(to_duckdb("first"))
    assert place == configuration.location(to_duckdb("second", dataset_name="other"))
    assert place != configuration.location(to_duckdb("third", file="other.duckdb"))
    files = configuration.location(to_files("fourth"))
    assert files == configuration.location(to_files("fifth"))


def test_a_location_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg2")
    address = "postgresql://loader:hunter2@127.0.0.1:5433/chats"
    pipeline = dlt.pipeline(
        "server", destination=dlt.destinations.postgres(address), dataset_name="data"
    )
    assert configuration.location(pipeline) == "127.0.0.1:5433/chats"


def test_a_location_that_dlt_cannot_tell_is_put_in_the_words_of_its_configuration() -> None:
    pytest.importorskip("sqlalchemy")
    pipeline = dlt.pipeline(
        "memory", destination=dlt.destinations.sqlalchemy("sqlite://"), dataset_name="data"
    )
    assert "sqlite" in configuration.location(pipeline)


@pytest.mark.parametrize("given", [None, "mine"])
def test_rows_are_staged_under_the_suffix_unless_the_user_has_named_the_dataset(
    to_duckdb: Pipelines, given: str | None
) -> None:
    if given:
        os.environ["DESTINATION__DUCKDB__STAGING_DATASET_NAME_LAYOUT"] = given
    pipeline = to_duckdb()
    for _ in range(2):  # twice is as good as once
        configuration.stage_under(pipeline, "asia")
    pipeline.run(things())
    assert query(pipeline, DATASETS) == [("data",), (given or "data_staging_asia",)]


def test_pipelines_can_be_kept_apart(tmp_path: Path) -> None:
    usual = Path(dlt.pipeline("watched").pipelines_dir)
    apart = configuration.pipelines_apart("sandbox")
    os.environ |= apart
    assert dlt.pipeline("watched").pipelines_dir == str(usual / "sandbox")
