"""What the destination of a load cannot do, and what is done about it before the first row."""

from __future__ import annotations

from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource, DltSource

from chatbotx_source.columns import TABLES
from chatbotx_source.errors import ConfigurationError

POSTGRES = "dlt.destinations.postgres"
_TEXT: TColumnSchema = {"data_type": "text"}
JSON_AS_TEXT = frozenset({"dlt.destinations.bigquery", "dlt.destinations.sqlalchemy"})


def adapt(source: DltSource, destination_type: str) -> None:
    """Makes the resources fit the destination.

    JSON becomes text where dlt cannot write it as JSON: BigQuery refuses it in Parquet files, and
    SQLAlchemy would encode it a second time. PostgreSQL gets INSERT statements: the CSV that dlt
    would make of Arrow tables turns empty texts into nulls.

    Args:
        source: whose resources are about to be loaded; changed.
        destination_type: dlt's name of the kind of destination.

    Raises:
        ConfigurationError: rows that are read again would be there twice.
    """
    capabilities = Container()[DestinationCapabilitiesContext]
    for name, resource in source.selected_resources.items():
        if name not in TABLES:
            continue
        _refuse_duplicates(resource, capabilities, destination_type)
        if destination_type == POSTGRES:
            resource.apply_hints(file_format="insert_values")
        if destination_type in JSON_AS_TEXT:
            columns = {each.name: _TEXT for each in TABLES[name].columns if each.type == "json"}
            if columns:  # dlt takes an empty dictionary for: forget all hints, and the keys
                resource.apply_hints(columns=columns)


def _refuse_duplicates(
    resource: DltResource, capabilities: DestinationCapabilitiesContext, destination_type: str
) -> None:
    formats = [each for each in capabilities.supported_table_formats or () if each != "hive"]
    if not formats:
        return
    table = resource.compute_table_schema()
    merges = table.get("write_disposition") == "merge"
    if merges and resolve_merge_strategy({resource.name: table}, table, capabilities) is None:
        raise ConfigurationError(
            f"The destination {destination_type.rpartition('.')[2]!r} only appends to its files as "
            "they are: what is read again would be there twice. Set sources.chatbotx.table_format "
            f"to {' or '.join(map(repr, sorted(formats)))}."
        )
