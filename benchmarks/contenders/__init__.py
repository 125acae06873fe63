"""Who is measured: one command each, and where it leaves its rows.

A contender runs in a folder of its own, reads `CHATBOTX_URL` with `CHATBOTX_TOKEN`, and loads
what it reads into a DuckDB file there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TOKEN = "benchmark-token"  # noqa: S105 - of no server but ours
LISTED_JSON = "SELECT sum(json_array_length(attachments)) FROM loaded.messages"


@dataclass(frozen=True)
class Contender:
    """A way to load the workspace.

    Attributes:
        title: what the tables call it.
        command: what is run; `python` is that of the environment.
        environment: name of the requirements file of its virtual environment; None: ours.
        variables: environment variables of its own.
        rows: by table, the query of DuckDB that counts its rows. None: it keeps no rows.
        file: name of its DuckDB file.
        state: file of what it remembers for the next run.
    """

    title: str
    command: tuple[str, ...]
    environment: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] | None = None
    file: str = "data.duckdb"
    state: str | None = None


def _counts(schema: str, attachments: str) -> dict[str, str]:
    return {
        "contacts": f"SELECT count(*) FROM {schema}contacts",
        "messages": f"SELECT count(*) FROM {schema}messages",
        "attachments": attachments,
    }


def _chatbotx(title: str, **settings: str) -> Contender:
    return Contender(
        f"chatbotx_source{title}",
        (str(Path(sys.executable).with_name("chatbotx-pipeline")),),
        variables={f"SOURCES__CHATBOTX__{name.upper()}": value for name, value in settings.items()},
        rows=_counts("chatbotx_data.", "SELECT count(*) FROM chatbotx_data.messages__attachments"),
        file="chatbotx.duckdb",
        state="dlt/pipelines/chatbotx/state.json",
    )


def _rest_api(title: str, file_format: str, form: str) -> Contender:
    return Contender(
        f"dlt rest_api_source, {title}",
        ("python", str(HERE / "rest_api.py"), file_format, form),
        rows=_counts("loaded.", "SELECT count(*) FROM loaded.messages__attachments"),
        state="dlt/pipelines/data/state.json",
    )


def _singer(title: str, form: str) -> Contender:
    # What `meltano run` does: the target tells which state is loaded, the tap gets the last one.
    target = '{"path":"data.duckdb","default_target_schema":"loaded"}'
    pipe = (
        f"touch state.json && echo '{target}' > target.json"
        f" && python {HERE}/singer_tap.py $([ -s state.json ] && echo --state state.json)"
        " | target-duckdb --config target.json > states.jsonl"
        " && tail -n 1 states.jsonl > state.json"
    )
    return Contender(
        f"Singer SDK tap into target-duckdb{title}",
        ("bash", "-o", "pipefail", "-c", pipe),
        "singer",
        {"CHATBOTX_FORM": form},
        _counts("loaded.", LISTED_JSON),
        state="state.json",
    )


def _airbyte(title: str, form: str, *options: str) -> Contender:
    return Contender(
        f"Airbyte manifest, PyAirbyte{title}",
        ("python", str(HERE / "airbyte_run.py"), *options),
        "airbyte",
        {"CHATBOTX_FORM": form, "AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1"},
        _counts("loaded.", LISTED_JSON),
    )


CONTENDERS = {
    "chatbotx": _chatbotx("", max_requests_per_second="0"),
    "chatbotx-one-worker": _chatbotx(", 1 worker", max_requests_per_second="0", workers="1"),
    "chatbotx-share-0": _chatbotx(
        ", reconcile_share=0", max_requests_per_second="0", reconcile_share="0"
    ),
    "chatbotx-paced": _chatbotx(", default pace"),
    "rest-api": _rest_api("default file format", "default", "full"),
    "rest-api-parquet": _rest_api("parquet", "parquet", "full"),
    "rest-api-incremental": _rest_api("parquet, incremental messages", "parquet", "incremental"),
    "rest-api-quiet": _rest_api("parquet, incremental contacts", "parquet", "quiet"),
    "singer": _singer("", "default"),
    "singer-quiet": _singer(", incremental contacts", "quiet"),
    "airbyte": _airbyte("", "default"),
    "airbyte-process": _airbyte(", connector process", "default", "--process"),
    "airbyte-quiet": _airbyte(", connector process, incremental contacts", "quiet", "--process"),
    "bare-loop": Contender(
        "bare loop: requests, orjson, pyarrow, duckdb",
        ("python", str(HERE / "bare_loop.py")),
        rows=_counts("", "SELECT count(*) FROM attachments"),
    ),
    "bare-listing": Contender(
        "bare loop over the listing alone",
        ("python", str(HERE / "bare_loop.py"), "--listing"),
    ),
}
