#!/usr/bin/env python
"""The Airbyte connector that the low-code manifest makes: started by `airbyte_run.py --process`."""

import sys

from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)
from airbyte_manifest import MANIFEST

arguments = sys.argv[1:]
config = AirbyteEntrypoint.extract_config(arguments)
catalog = AirbyteEntrypoint.extract_catalog(arguments)
state = AirbyteEntrypoint.extract_state(arguments)
source = ConcurrentDeclarativeSource(
    config=ConcurrentDeclarativeSource.read_config(config) if config else {},
    catalog=ConcurrentDeclarativeSource.read_catalog(catalog) if catalog else None,
    state=ConcurrentDeclarativeSource.read_state(state) if state else None,
    source_config=MANIFEST,
)
launch(source, arguments)
