"""What dlt is configured to do, where there is no documented way to ask it or to set it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration import known_sections, resolve_configuration
from dlt.common.configuration.exceptions import ConfigurationValueError
from dlt.common.destination import Destination
from dlt.common.destination.client import DestinationClientDwhConfiguration
from dlt.common.destination.exceptions import UnknownDestinationModule
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.load.configuration import LoaderConfiguration


def secret_sections(name: str, *parents: str) -> Iterator[Mapping[str, Any]]:
    """Finds a section in everything that dlt reads secrets from and that knows sections.

    `dlt.secrets` gives values whose names one knows. The environment knows no sections.

    Loudly: without `get_value`, or with other arguments, `--workspace all` fails.
    Silently: if files no longer answer with a section, `--workspace all` knows only workspaces
    whose tokens are in the environment.

    Args:
        name: of the section.
        *parents: the sections that it is in, the outermost first.

    Yields:
        What is in it, in the order in which dlt looks.
    """
    for provider in dlt.secrets.config_providers:
        section, _ = provider.get_value(name, dict, "", *parents)
        if isinstance(section, Mapping):
            yield section


def fails_with_its_jobs() -> bool:
    """Tells whether a load fails when one of its jobs does, as `load.raise_on_failed_jobs` says.

    Loudly: without the setting, every load fails.
    Silently: if dlt looks at another one, it may drop rows that it could not load and go on, and
    the sync never reads them again.
    """
    configured = resolve_configuration(
        LoaderConfiguration(), sections=(known_sections.LOAD,), accept_partial=True
    )
    return bool(configured.raise_on_failed_jobs)


def restores(pipeline: dlt.Pipeline) -> bool:
    """Tells whether a run of a pipeline first takes over the state that the destination has.

    Loudly: without the settings, no sync begins.
    Silently: if dlt looks at another one, a sync takes over a state that the user said to ignore.

    Args:
        pipeline: whose settings.
    """
    return bool(pipeline.config.restore_from_destination) and not pipeline.dev_mode


def has_one_dataset(pipeline: dlt.Pipeline) -> bool:
    """Tells whether a pipeline loads all its schemas into one dataset.

    Loudly: without the setting, no load into DuckDB begins.
    Silently: if dlt looks at another one, the condition given to `hints.merge_only` may be about
    the tables of another dataset, and holds for every row.

    Args:
        pipeline: whose settings.
    """
    return bool(pipeline.config.use_single_dataset)


def knows_destination(name: str) -> bool:
    """Tells whether dlt has a destination of that name, or its configuration does.

    Loudly: if dlt says by another error that it has not, users see that one, and no advice.

    Args:
        name: as `dlt.pipeline` takes it.
    """
    try:
        Destination.from_reference(name)
    except UnknownDestinationModule:
        return False
    return True


def location(pipeline: dlt.Pipeline) -> str:
    """Says where a pipeline loads to: the same words for the same place.

    Loudly: if the configuration of a destination does not know, no sync begins.
    Silently: if the words differ from one process to the next, two of them load at once, where
    DuckDB refuses the second; if they are the same for two places, one waits without need.

    Args:
        pipeline: whose destination.

    Returns:
        Words without a password.
    """
    config = pipeline.destination_client().config
    try:
        return str(config.data_location())
    except ConfigurationValueError:  # a database on a socket, or a function of the user's
        return str(config)


def stage_under(pipeline: dlt.Pipeline, suffix: str) -> None:
    """Appends to the name of a pipeline's staging dataset, unless the user has named it.

    The setting is documented; here it is set on a destination that is already made.

    Loudly: without parameters of a destination, no sync of a named workspace begins.
    Silently: if dlt does not look at them again, workspaces that are loaded on several machines
    empty each other's staging tables, and lose rows.

    Args:
        pipeline: changed, for its next load.
        suffix: of the name.
    """
    layout = getattr(pipeline.destination_client().config, "staging_dataset_name_layout", None)
    if layout == DestinationClientDwhConfiguration.staging_dataset_name_layout:
        parameters = pipeline.destination.config_params
        parameters["staging_dataset_name_layout"] = f"{layout}_{suffix}"


def pipelines_apart(name: str) -> dict[str, str]:
    """Gives the environment in which dlt keeps pipelines in a folder of their own.

    Silently: if dlt does not read the variable, they are among the user's other pipelines, and
    one that was run in another directory goes on with the files there.

    Args:
        name: of the folder, beside the user's pipelines.

    Returns:
        Values of environment variables, by name.
    """
    return {"PIPELINES_DIR": str(Path(get_dlt_pipelines_dir()) / name)}
