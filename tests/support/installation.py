"""An installation: several workspaces behind one address, where the token tells which is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from chatbotx_source.sandbox import Sandbox, Workspace
from tests.support.oracle import KEYS, Tables, expected


@contextmanager
def installation(workspaces: Mapping[str, Workspace]) -> Iterator[dict[str, Sandbox]]:
    """Serves workspaces, and configures each of them under its name.

    Args:
        workspaces: by name; their ids must differ.

    Yields:
        The sandboxes by the name of the workspace.
    """
    with ExitStack() as stack:
        sandboxes = {
            name: stack.enter_context(Sandbox(workspace, token=f"token-of-{name}"))
            for name, workspace in workspaces.items()
        }
        ports = {sandbox.token: sandbox.port for sandbox in sandboxes.values()}
        base_url = stack.enter_context(_front(ports))
        os.environ |= {
            "SOURCES__CHATBOTX__BASE_URL": base_url,
            "SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0",
            "SOURCES__CHATBOTX__MAX_WAIT": "0.01",
        }
        for name, sandbox in sandboxes.items():
            os.environ[f"SOURCES__CHATBOTX__{name.upper()}__API_TOKEN"] = sandbox.token
        yield sandboxes


def union(tables: list[Tables]) -> Tables:
    """The rows of all of them."""
    return {name: [row for each in tables for row in each[name]] for name in KEYS}


def truth(sandboxes: Mapping[str, Sandbox]) -> Tables:
    """What a dataset that holds all of these workspaces has to hold."""
    return union([expected(sandbox.workspace) for sandbox in sandboxes.values()])


@contextmanager
def _front(ports: Mapping[str, int]) -> Iterator[str]:
    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            port = ports.get(token) or next(iter(ports.values()))
            behind = HTTPConnection("127.0.0.1", port)
            behind.request("GET", self.path, headers=dict(self.headers))
            answer = behind.getresponse()
            body = answer.read()
            behind.close()
            self.send_response_only(answer.status)
            for header, value in answer.getheaders():
                if header.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
