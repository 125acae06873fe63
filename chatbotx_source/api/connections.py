"""How long a client lives: for one load, or through all loads of a sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from chatbotx_source.api.client import Client

_shared: ContextVar[dict[tuple[Any, ...], Client] | None] = ContextVar("shared", default=None)


@contextmanager
def one_client() -> Iterator[None]:
    """Lets all sources that are built inside share their client, which is closed at the end.

    Its connections, its pace, and what it has proven of the address live through all of their
    loads: a firewall's page in the third load is a fault that passes, not a wrong address.
    """
    clients: dict[tuple[Any, ...], Client] = {}
    before = _shared.set(clients)
    try:
        yield
    finally:
        _shared.reset(before)
        for client in clients.values():
            client.close()


def connection(
    base_url: str, api_token: str | None, **options: Any
) -> AbstractContextManager[Client]:
    """Makes a client, or finds the one that is shared.

    Args:
        base_url: address of the API.
        api_token: token of the workspace.
        **options: further arguments of `Client`.

    Returns:
        What gives the client, and closes it unless it is shared.

    Raises:
        ConfigurationError: an argument cannot be used.
    """
    clients = _shared.get()
    if clients is None:
        return closing(Client(base_url, api_token, **options))
    key = (base_url, api_token, *sorted(options.items()))
    if key not in clients:
        clients[key] = Client(base_url, api_token, **options)
    return nullcontext(clients[key])
