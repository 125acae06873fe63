"""What the destination of a load cannot do, and what is done about it before the first row."""

from __future__ import annotations

from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.common.schema.typing import TTableSchema
from dlt.extract import DltResource, DltSource

from chatbotx_source.columns import TABLES
from chatbotx_source.errors import ConfigurationError

POSTGRES = "dlt.destinations.postgres"
SQLALCHEMY = "dlt.destinations.sqlalchemy"
SINK = "dlt.destinations.destination"
"""A function of the user's own: what becomes of rows that come again is up to it."""


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
        if destination_type != SINK:
            _refuse_duplicates(resource, capabilities, destination_type)
        if destination_type == POSTGRES:
            resource.apply_hints(file_format="insert_values")
        json_columns = [column for column in TABLES[name].columns if column.type == "json"]
        if json_columns and not _takes_json(resource, capabilities, destination_type):
            resource.apply_hints(
                columns={column.name: {"data_type": "text"} for column in json_columns}
            )


def _refuse_duplicates(
    resource: DltResource, capabilities: DestinationCapabilitiesContext, destination_type: str
) -> None:
    table = resource.compute_table_schema()
    if table.get("write_disposition") != "merge":
        return
    if resolve_merge_strategy({table["name"]: table}, table, capabilities) is None:
        formats = [each for each in capabilities.supported_table_formats or () if each != "hive"]
        way_out = (
            "Set sources.chatbotx.table_format to " + " or ".join(map(repr, sorted(formats)))
            if formats
            else "Choose another"
        )
        raise ConfigurationError(
            f"The destination {destination_type.rpartition('.')[2]!r} only appends to its files as "
            f"they are: what is read again would be there twice. {way_out}."
        )


def _takes_json(
    resource: DltResource, capabilities: DestinationCapabilitiesContext, destination_type: str
) -> bool:
    if destination_type == SQLALCHEMY:
        return False
    if capabilities.type_mapper is None:  # files: their texts take whatever is written
        return True
    table: TTableSchema = resource.compute_table_schema()
    types = capabilities.get_type_mapper()
    try:
        for column in table["columns"].values():
            if column.get("data_type") == "json":
                types.ensure_supported_type(column, table, "parquet")  # type: ignore[arg-type]
    except ValueError:
        return False
    return True
