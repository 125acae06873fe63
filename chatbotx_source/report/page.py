"""Puts figures into the page: one HTML file with its style, its scripts and its data inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

SCRIPTS = ("figures.js", "charts.js", "data.js", "sections.js", "page.js")
"""In the order in which they need each other."""


def page(answers: Mapping[str, Any]) -> str:
    """Writes the page.

    A policy in its head allows exactly its own style and scripts, named by their hashes, and no
    request at all: what a message or a name holds is never run, and never fetched.

    Args:
        answers: what `questions.ask` returns.

    Returns:
        The HTML.
    """
    style = _read("page.css")
    scripts = [_read(name) for name in SCRIPTS]
    parts = {
        "policy": _policy(style, scripts),
        "style": f"<style>{style}</style>",
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
        "data": f'<script id="data" type="application/json">{embedded(answers)}</script>',
    }
    text = _read("page.html")
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def embedded(data: Any) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment there."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _policy(style: str, scripts: list[str]) -> str:
    allowed = " ".join(map(_hash, scripts))
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {allowed}"
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (files(__package__) / "template" / name).read_text("utf-8")
