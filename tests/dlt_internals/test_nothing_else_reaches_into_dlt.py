"""Outside of the room, the package uses of dlt what its user guide describes, types and errors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatbotx_source

PACKAGE = Path(chatbotx_source.__file__).parent
ROOM = PACKAGE / "dlt_internals"

ERRORS = frozenset(
    {"dlt.common.destination.exceptions", "dlt.destinations.exceptions", "dlt.pipeline.exceptions"}
)
TYPES = frozenset({"dlt.common.schema.typing", "dlt.common.typing"})
NAMES = {
    "dlt.common.configuration": {"with_config"},
    "dlt.destinations.sql_client": {"SqlClientBase"},
    "dlt.extract": {"DltResource", "DltSource"},
}
"""What may be imported beside `dlt`. An error or a type that is gone fails every import, loudly."""

OF_DLT = frozenset(
    {
        *("Pipeline", "config", "current", "destinations", "pipeline", "progress", "resource"),
        *("secrets", "source", "transformer"),
    }
)
OF_CURRENT = frozenset({"pipeline", "resource_state", "source_state"})

INSIDE = frozenset(
    {
        # of a pipeline
        *("collector", "destination_displayable_credentials", "dev_mode", "intercept_signals"),
        *("raise_on_failed_jobs", "restore_from_destination", "runtime_config", "schemas"),
        *("use_single_dataset", "working_dir"),
        # of the configuration
        *("PIPELINES_DIR", "config_params", "config_providers", "data_location", "from_reference"),
        *("get_value", "staging_dataset_name_layout"),
        # of a client
        *("capabilities", "close_connection", "credentials", "get_qualified_table_names"),
        *("is_open_table", "list_table_files", "load_open_table", "loads_table_name"),
        *("open_connection", "sql_client_class", "staging_dataset_name", "truncate_tables"),
        *("with_alternative_dataset_name", "with_staging_dataset"),
        # of a running load
        *("compute_table_schema", "load_package_state", "supported_table_formats"),
        *("x-merge-source-filter", "x-stage-data-deduplicated"),
    }
)
"""Attributes, settings and hints that only the room may name."""


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if ROOM not in path.parents]


def reaching(program: str) -> list[str]:
    """What of a program reaches into dlt, as `line: name`."""
    tree = ast.parse(program)
    return [
        f"{getattr(node, 'lineno', '?')}: {name}"
        for node in ast.walk(tree)
        for name in (*imported(node), *named(node))
    ]


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names if each.name.startswith("dlt."))
    elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "dlt":
        for each in node.names:
            if not (
                node.module in ERRORS
                or (node.module in TYPES and each.name.startswith("T"))
                or each.name in NAMES.get(node.module, ())
            ):
                yield f"{node.module}.{each.name}"


def named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        of = ast.unparse(node.value)
        documented = {"dlt": OF_DLT, "dlt.current": OF_CURRENT}.get(of)
        if documented is not None:
            inside = node.attr not in documented
        else:
            private = of.endswith("pipeline") and node.attr.startswith("_")
            inside = private or node.attr in INSIDE or of.endswith("pipeline.config")
        if inside:
            yield f"{of}.{node.attr}"
    elif isinstance(node, ast.keyword) and node.arg in INSIDE:
        yield node.arg
    elif isinstance(node, ast.Constant) and node.value in INSIDE:
        yield str(node.value)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_uses_what_dlt_documents(path: Path) -> None:
    assert reaching(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("from dlt.common.storages import LoadStorage", "dlt.common.storages.LoadStorage"),
        ("from dlt.common.configuration import resolve_configuration", "resolve_configuration"),
        ("from dlt import hub", "dlt.hub"),
        ("import dlt.load", "dlt.load"),
        ("def late():\n    from dlt.load import Load", "dlt.load.Load"),
        ("dlt.common.runtime.signals", "dlt.common"),
        ("dlt.current.load_package_state()", "dlt.current.load_package_state"),
        ("self.pipeline.working_dir", "working_dir"),
        ("getattr(config, 'staging_dataset_name_layout', None)", "staging_dataset_name_layout"),
        ("pipeline.config.use_single_dataset", "use_single_dataset"),
        ("pipeline.config.refresh", "refresh"),
        ("pipeline._schema_storage", "_schema_storage"),
        ("hints = {'x-merge-source-filter': '1 = 1'}", "x-merge-source-filter"),
        ("environment(PIPELINES_DIR='here')", "PIPELINES_DIR"),
    ],
)
def test_what_reaches_deeper_is_seen(program: str, found: str) -> None:
    assert any(each.endswith(found) for each in reaching(program))


def test_what_is_documented_may_be_used() -> None:
    assert not reaching(
        "import dlt\n"
        "from dlt.extract import DltResource\n"
        "from dlt.common.typing import TSecretStrValue\n"
        "from dlt.pipeline.exceptions import PipelineStepFailed\n"
        "dlt.config.get('a'), dlt.current.pipeline().run(dlt.current.resource_state())\n"
    )
