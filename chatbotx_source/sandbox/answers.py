"""HTTP answers in the shapes of the ChatbotX API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import orjson

EMPTY_PAGE = b'{"data":[],"nextCursor":null,"prevCursor":null}'
"""An honest end of list, and also what a database fault looks like."""

TEXT = "text/plain;charset=UTF-8"


@dataclass
class Answer:
    """An HTTP answer before any fault of the transport."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the sandbox
    """The request is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(status: int, code: str, message: str, **more: Any) -> Answer:
    """Makes an error answer in the API's shape."""
    body = {"defined": False, "code": code, "status": status, "message": message, **more}
    return Answer(status, orjson.dumps(body))


def not_found(what: str) -> Answer:
    """Makes the 404 answer that names what is missing."""
    return error(404, "notFound", what)


def internal_error(message: str = "Internal server error") -> Answer:
    """Makes the 500 answer of a failure inside the server."""
    return error(500, "INTERNAL_SERVER_ERROR", message)


def to_json(value: Any) -> bytes:
    """Writes JSON; integers beyond 64 bits and lone surrogates need the standard library."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()
