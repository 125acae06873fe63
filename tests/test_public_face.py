"""The package exports what handling a run needs, and the example pipelines use nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

import chatbotx_source
from chatbotx_source import AuthenticationError, cause_of, errors
from chatbotx_source.sandbox import Workspace
from tests.support.loading import Job

PIPELINES = sorted((Path(__file__).parent.parent / "pipelines").glob("*.py"))

MODULES = {"analytics", "report"}
"""Documented modules with functions of their own."""


def test_every_error_that_leaves_a_run_is_exported() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ChatbotXError)
    }
    assert defined - {"StoppedError"} == {n for n in chatbotx_source.__all__ if "Error" in n}


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.stem)
def test_a_pipeline_imports_public_names_only(file: Path) -> None:
    imported = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("chatbotx_source")
        for alias in node.names
    }
    public = {("chatbotx_source", name) for name in (*chatbotx_source.__all__, *MODULES)}
    assert imported - public - {("chatbotx_source.cli", "script")} == set()


def test_the_cause_of_a_failed_load_is_found(serve: Callable[..., Job]) -> None:
    with pytest.raises(PipelineStepFailed) as caught:
        serve(Workspace()).sync(api_token="not-the-token")
    assert isinstance(cause_of(caught.value), AuthenticationError)
    assert cause_of(ValueError("of somebody else")) is None
