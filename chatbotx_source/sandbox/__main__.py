"""Runs the sandbox as a server: `python -m chatbotx_source.sandbox --port 8080`."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence

from chatbotx_source.sandbox.api import PROFILES
from chatbotx_source.sandbox.server import Sandbox
from chatbotx_source.sandbox.synthetic import synthetic


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves a synthetic workspace on 127.0.0.1 until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m chatbotx_source.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="TCP port; 0: any free one")
    parser.add_argument("--contacts", type=int, default=200, help="how many contacts")
    parser.add_argument("--messages", type=int, help="how many messages; default: 25 a contact")
    parser.add_argument("--seed", type=int, default=7, help="another seed, other conversations")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="measured")
    parser.add_argument("--token", default="sandbox-token", help="the API token it takes")
    options = parser.parse_args(arguments)
    workspace = synthetic(options.seed, options.contacts, options.messages)
    with Sandbox(workspace, options.profile, options.token, options.port) as sandbox:
        print(
            f"ChatbotX sandbox: {len(workspace.state.contacts)} contacts, "
            f"{len(workspace.state.messages)} messages, profile {options.profile}\n\n"
            f"  export SOURCES__CHATBOTX__BASE_URL={sandbox.base_url}\n"
            f"  export SOURCES__CHATBOTX__API_TOKEN={sandbox.token}\n\n"
            f"  curl -H 'Authorization: Bearer {sandbox.token}' {sandbox.base_url}/v1/contacts\n\n"
            "Ctrl-C ends it.",
            flush=True,
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("Ended.")


if __name__ == "__main__":
    main()
