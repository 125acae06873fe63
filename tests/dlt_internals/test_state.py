"""Where dlt keeps the state of a resource, and what it says of a pipeline and of what it lacks."""

from __future__ import annotations

from typing import Any

import dlt
import pytest
from dlt.common.destination.exceptions import DestinationUndefinedEntity, SqlClientNotAvailable
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.pipeline.exceptions import PipelineStepFailed

from tests.dlt_internals.conftest import Pipelines, query, things


def test_the_state_of_a_resource_is_under_its_source(to_files: Pipelines) -> None:
    inside: list[dict[str, Any]] = []

    def noting() -> Any:
        dlt.current.resource_state("counted")["mark"] = 1
        inside.append(dict(dlt.current.source_state().get("resources", {})))
        yield {"id": 1}

    @dlt.source(name="chats")
    def chats() -> Any:
        return dlt.resource(noting, name="counted")

    pipeline = to_files()
    pipeline.run(chats())
    assert inside == [{"counted": {"mark": 1}}]
    assert pipeline.state["sources"]["chats"]["resources"] == inside[0]
    pipeline.run(chats(), refresh="drop_resources")
    assert pipeline.state["sources"]["chats"]["resources"] == inside[0]


def test_a_state_that_is_changed_between_loads_is_a_package(to_files: Pipelines) -> None:
    pipeline = to_files()
    pipeline.run(things())
    assert not pipeline.has_pending_data
    with pipeline.managed_state(extract_state=True) as state:
        state["sources"] = {"chats": {"mark": 2}}
    assert pipeline.has_pending_data
    pipeline.normalize()
    pipeline.load()
    pipeline.drop()
    pipeline.sync_destination()
    assert pipeline.state["sources"] == {"chats": {"mark": 2}}


def test_a_table_that_is_not_there_is_an_error_of_its_own(pipeline: dlt.Pipeline) -> None:
    with pytest.raises(DatabaseUndefinedRelation) as caught:
        query(pipeline, "SELECT * FROM {things}")
    assert isinstance(caught.value, DestinationUndefinedEntity)


def test_a_destination_without_sql_says_so() -> None:
    @dlt.destination
    def taking(_items: Any, _table: Any) -> None:
        """Takes rows."""

    with pytest.raises(SqlClientNotAvailable):
        dlt.pipeline("function", destination=taking).sql_client()


def test_a_step_that_fails_names_the_package_and_keeps_the_cause(to_files: Pipelines) -> None:
    def failing() -> Any:
        yield {"id": 1}
        raise ValueError("no more")

    with pytest.raises(PipelineStepFailed) as caught:
        to_files().extract(dlt.resource(failing, name="things"))
    assert caught.value.load_id
    assert "no more" in str(caught.value.exception)
