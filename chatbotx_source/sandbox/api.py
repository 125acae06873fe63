"""What a ChatbotX server answers: pure of the network, as it was measured.

The order of rows and the odd cases of paging, cursors, identifiers and tokens are those of a real
server. Where newer servers are only known from hearsay, the profile `newer` says so.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timezone
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import orjson

from chatbotx_source.sandbox.answers import (
    EMPTY_PAGE,
    TEXT,
    Answer,
    Refused,
    error,
    internal_error,
    not_found,
    to_json,
)
from chatbotx_source.sandbox.cursors import decode_cursor, encode_cursor
from chatbotx_source.sandbox.faults import Fault, Request
from chatbotx_source.sandbox.state import Row, timestamp
from chatbotx_source.sandbox.workspace import FILES_URL, Workspace

PER_PAGE_LIMIT = 32_768  # from here on the measured server answers with an empty list
CONTACTS_PER_PAGE_CAP = 50
MAX_BIGINT = 2**63 - 1

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

# Takes the place of a signature in a cached row; a row cannot hold it by chance.
_UNSIGNED = secrets.token_hex(16).encode()


@dataclass(frozen=True)
class Profile:
    """How one state of the ChatbotX server differs from another.

    Attributes:
        bad_token: answer to a wrong token: status, code, message.
        bad_input: status and code of the answer to bad input.
        max_per_page: most rows of a page of messages; None: no cap.
        rate_limit: requests and seconds of the fixed window; None: no limit.
        scoped: whether a token needs the scopes `contacts` and `inbox`.
        counts: whether the listing tells `totalCount`, and takes `withCount` and `include`.
    """

    bad_token: tuple[int, str, str]
    bad_input: tuple[int, str]
    max_per_page: int | None = None
    rate_limit: tuple[int, float] | None = None
    scoped: bool = False
    counts: bool = False


PROFILES = {
    "measured": Profile(
        bad_token=(500, "INVALID_CHATBOT_TOKEN", "INVALID_CHATBOT_TOKEN"),
        bad_input=(400, "BAD_REQUEST"),
    ),
    # Published statuses and codes; the text of messages and the shape of counts are a guess.
    "newer": Profile(
        bad_token=(401, "UNAUTHORIZED", "Invalid token"),
        bad_input=(422, "invalidRequestData"),
        max_per_page=100,
        rate_limit=(120, 10.0),
        scoped=True,
        counts=True,
    ),
}


def _invalid(name: str, expected: str, received: str) -> dict[str, Any]:
    message = f"Invalid input: expected {expected}, received {received}"
    issue = {"expected": expected, "code": "invalid_type", "path": [name], "message": message}
    return issue | ({"received": received} if received == "NaN" else {})


class Api:
    """Answers requests from a workspace, without a network and without faults of the transport.

    Args:
        workspace: what to tell about.
        profile: how to answer.
        token: the token that is right.
    """

    def __init__(self, workspace: Workspace, profile: Profile, token: str) -> None:
        self.workspace = workspace
        self.profile = profile
        self.token = token
        self.scopes = {"contacts", "inbox"}
        self.host = ""
        self._rendered: dict[str, tuple[Row, list[bytes]]] = {}
        self._signatures = 0

    def route(self, method: str, path: str) -> tuple[str, list[str]]:
        """Tells the kind of a request and the decoded parts of its path behind `contacts`."""
        parts = path.split("/")
        if method == "GET" and parts[:4] == ["", "api", "v1", "contacts"] and len(parts) <= 7:
            names = ("contacts", "contact", "messages", "message")
            rest = [unquote_to_bytes(p).decode("utf-8", "replace") for p in parts[4:]]
            if len(rest) < 2 or rest[1] == "messages":
                return names[len(rest)], rest
        return "other", []

    def resolve(self, identifier: str) -> str | None:
        """Finds the contact that an identifier means; None: none that is there."""
        prefix, _, value = identifier.partition(":")
        state = self.workspace.state
        if prefix == "id":
            number = str(int(value)) if re.fullmatch(r"[0-9]+", value) else ""
            return number if number in state.contacts else None
        wanted = {"email": "email", "phone": "phoneNumber"}.get(prefix)
        if wanted is None or not value:
            return None
        return next((i for i, row in state.contacts.items() if row.get(wanted) == value), None)

    def answer(
        self,
        request: Request,
        rest: Sequence[str],
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        fault: Fault | None,
    ) -> Answer:
        """Answers a request, wrongly where the fault is about the content of a page."""
        try:
            redirect = self._redirect(request.path)
            if redirect is not None:
                return redirect
            if _BAD_PERCENT.search(request.path):
                page = b"<!DOCTYPE html><html><body><h1>400</h1>Bad Request</body></html>"
                return Answer(400, page, "text/html; charset=utf-8")
            if request.kind == "other":
                return self._answer_other(request, query, headers)
            self._authorize(query, headers)
            if request.kind == "contacts":
                self._need_scope("contacts")
                return self._list_contacts(request, query, fault)
            if request.kind == "contact":
                self._need_scope("contacts")
                contact_id = self._contact(request, rest[0])
                return Answer(200, to_json(self.workspace.state.contact_row(contact_id)))
            self._need_scope("inbox")
            if request.kind == "message":
                return self._get_message(self._contact(request, rest[0]), rest[2])
            per_page, cursor = self._paging(query)
            contact_id = self._contact(request, rest[0])
            return self._list_messages(contact_id, per_page, cursor, fault)
        except Refused as refused:
            return refused.answer

    def _redirect(self, path: str) -> Answer | None:
        tidy = re.sub("/+", "/", path)
        tidy = tidy.rstrip("/") or "/"
        if tidy != path and path != "/":
            headers = {"location": tidy, "Refresh": f"0;url={tidy}"}
            return Answer(308, tidy.encode(), TEXT, headers)
        if path == "/api" or path.startswith("/api/"):
            return None
        target = f"/auth/sign-in?callbackURL={quote(f'http://{self.host}{path}', safe='')}"
        return Answer(307, target.encode(), TEXT, {"location": target})

    def _answer_other(
        self, request: Request, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> Answer:
        if request.method == "OPTIONS":
            allow = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
            return Answer(204, b"", TEXT, {"allow": allow})
        if request.method == "GET" and request.path == "/api/health":
            now = timestamp(self.workspace.clock())
            status = {"status": "healthy", "timestamp": now, "service": "builder"}
            return Answer(200, orjson.dumps(status))
        if request.method == "GET" and request.path == "/api/v1/conversations":
            self._authorize(query, headers)
            return error(400, "systemError", "User is not associated with this workspace")
        if request.method == "POST" and self.route("GET", request.path)[0] == "messages":
            self._authorize(query, headers)
            return self._bad_input([_NO_MESSAGE_TO_SEND])
        return Answer(404, b"Not found", TEXT)

    def _authorize(self, query: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> None:
        given = headers.get("Authorization")
        if given is None:
            given = "Bearer " + dict(query).get("token", "")
        if given != f"Bearer {self.token}":
            raise Refused(error(*self.profile.bad_token))

    def _need_scope(self, scope: str) -> None:
        if self.profile.scoped and scope not in self.scopes:
            raise Refused(error(403, "FORBIDDEN", f"Missing scope: {scope}"))

    def _bad_input(self, issues: list[dict[str, Any]]) -> Answer:
        status, code = self.profile.bad_input
        return error(status, code, "Input validation failed", data={"issues": issues})

    def _contact(self, request: Request, identifier: str) -> str:
        prefix, _, value = identifier.partition(":")
        if not prefix or not value:
            raise Refused(not_found("Invalid identifier format"))
        if prefix not in ("id", "email", "phone"):
            hint = "Invalid identifier format. Use id:, email:, or phone: prefix"
            raise Refused(not_found(hint))
        number = prefix == "id" and re.fullmatch(r"-?[0-9]+", value)
        if "\0" in value or (number and abs(int(value)) > MAX_BIGINT):
            raise Refused(internal_error())
        if request.contact_id is None:
            raise Refused(not_found("Contact not found"))
        return request.contact_id

    def _paging(self, query: Sequence[tuple[str, str]]) -> tuple[int, str]:
        given: dict[str, list[str]] = {}
        for name, value in query:
            given.setdefault(name, []).append(value)
        issues = []
        per_page = given.get("perPage", ["20"])
        if len(per_page) > 1 or not _NUMBER.fullmatch(per_page[0].strip() or "0"):
            issues.append(_invalid("perPage", "number", "NaN"))
        cursor = given.get("cursor", [""])
        if len(cursor) > 1:
            issues.append(_invalid("cursor", "string", "array"))
        if issues:
            raise Refused(self._bad_input(issues))
        wanted = float(per_page[0].strip() or "0")
        if not (0 < wanted < PER_PAGE_LIMIT and wanted.is_integer()):
            return 0, cursor[0]
        return min(int(wanted), self.profile.max_per_page or PER_PAGE_LIMIT), cursor[0]

    def _list_messages(
        self, contact_id: str, per_page: int, cursor: str, fault: Fault | None
    ) -> Answer:
        kind = fault.kind if fault else ""
        if kind == "flip" and len(self.workspace.state.conversations[contact_id]) > 1:
            self.workspace.flip(contact_id)
        conversation_id = self.workspace.state.served[contact_id]
        if conversation_id is None:
            return not_found("Conversation not found")
        positions = self.workspace.state.order[conversation_id]
        end = self._page_end(conversation_id, "" if kind == "stale_cursor" else cursor)
        start = max(end - per_page, 0)
        page = positions[start:end][::-1]
        if not page:
            return Answer(200, EMPTY_PAGE)
        following = encode_cursor(page[-1]) if start > 0 else None
        if kind == "null_cursor":
            following = None
        elif kind == "repeat_cursor":
            following = cursor or encode_cursor((page[0][0], page[0][1] + 1))
        ids = _distort([str(number) for _, number in page], fault)
        if not self.workspace.state.poisoned.isdisjoint(ids):
            return internal_error("Output validation failed")
        rows = b",".join(self._render(message_id) for message_id in ids)
        tail = orjson.dumps(following)
        return Answer(200, b'{"data":[%b],"nextCursor":%b,"prevCursor":null}' % (rows, tail))

    def _page_end(self, conversation_id: str, cursor: str) -> int:
        """Tells how many of the conversation's rows, oldest first, a page may still show."""
        positions = self.workspace.state.order[conversation_id]
        try:
            after = decode_cursor(cursor) if cursor else None
        except ValueError:
            raise Refused(internal_error()) from None
        if after is not None:
            if after[1] > MAX_BIGINT:  # the database fails on it, and the server swallows that
                raise Refused(Answer(200, EMPTY_PAGE))
            return bisect_left(positions, after)
        bound = self.workspace.window_end(conversation_id)
        return bisect_right(positions, (bound, MAX_BIGINT)) if bound else len(positions)

    def _get_message(self, contact_id: str, message_id: str) -> Answer:
        row = self.workspace.state.messages.get(message_id)
        if row is None or row["conversationId"] != self.workspace.state.served[contact_id]:
            return not_found("Message not found")
        if message_id in self.workspace.state.poisoned:
            return internal_error("Output validation failed")
        return Answer(200, self._render(message_id))

    def _render(self, message_id: str) -> bytes:
        """Writes a message; what does not change from answer to answer is written once."""
        row = self.workspace.state.messages[message_id]
        kept = self._rendered.get(message_id)
        if kept is None or kept[0] is not row:
            unsigned = _UNSIGNED.decode()
            attachments = [
                {**a, "url": f"{a['url']}?{unsigned}"}
                if a["url"].startswith(FILES_URL + "public/")
                else a
                for a in row["attachments"]
            ]
            pieces = to_json({**row, "attachments": attachments}).split(_UNSIGNED)
            kept = self._rendered[message_id] = (row, pieces)
        first, *rest = kept[1]
        return first + b"".join(self._signature() + piece for piece in rest)

    def _signature(self) -> bytes:
        self._signatures += 1
        digest = hashlib.sha256(b"%d" % self._signatures).hexdigest()
        now = self.workspace.clock().astimezone(timezone.utc)
        return (
            f"X-Amz-Expires=3600&X-Amz-Date={now:%Y%m%dT%H%M%SZ}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential=chatbotx%2F{now:%Y%m%d}%2Fus-west-2%2Fs3%2Faws4_request"
            f"&X-Amz-SignedHeaders=host&X-Amz-Signature={digest}"
        ).encode()

    def _list_contacts(
        self, request: Request, query: Sequence[tuple[str, str]], fault: Fault | None
    ) -> Answer:
        given = dict(query)
        page = self._positive("page", given.get("page") or "1")
        per_page = self._positive("perPage", given.get("perPage") or "20")
        per_page = min(per_page, CONTACTS_PER_PAGE_CAP)
        ids = self._sorted_contacts(request, given.get("sort"))
        state = self.workspace.state
        shown = _distort(ids[(page - 1) * per_page : page * per_page], fault)
        rows = [state.contact_row(contact_id) for contact_id in shown]
        body: dict[str, Any] = {"data": rows, "pageCount": -(-len(ids) // per_page)}
        if self.profile.counts:
            body["data"] = [_included(row, given.get("include")) for row in rows]
            if given.get("withCount") != "false":
                body |= {"totalCount": len(ids), "totalCountCapped": False}
        return Answer(200, to_json(body))

    def _positive(self, name: str, value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) < 1:
            raise Refused(self._bad_input([_invalid(name, "number", "NaN")]))
        return int(value)

    def _sorted_contacts(self, request: Request, sort: str | None) -> list[str]:
        contacts = self.workspace.state.contacts
        try:
            orders = [(str(o["id"]), bool(o["desc"])) for o in json.loads(sort or "[]")]
        except (ValueError, TypeError, KeyError):
            raise Refused(self._bad_input([_invalid("sort", "array", "string")])) from None
        if orders[:1] == [("id", False)]:
            return list(contacts)  # ids only grow, so the order of arrival is theirs
        if orders[:1] == [("id", True)]:
            return list(reversed(contacts))
        # Rows that tie come in whatever order the database found them this time.
        ids = list(contacts)
        random.Random(request.number).shuffle(ids)
        for name, descending in reversed(orders or [("createdAt", True)]):
            ids.sort(key=lambda i: str(contacts[i].get(name) or ""), reverse=descending)
        return ids


def _distort(ids: list[str], fault: Fault | None) -> list[str]:
    if fault and fault.kind == "drop_rows":
        middle = len(ids) // 2
        return ids[:middle] + ids[middle + int(fault.params.get("rows", 1)) :]
    if fault and fault.kind == "unordered" and len(ids) > 1:
        return [ids[-1], *ids[1:-1], ids[0]]
    return ids


def _included(row: Row, include: str | None) -> Row:
    """Leave out the relations that `include` (names with commas) does not ask for; a guess."""
    if include is None:
        return row
    relations = {"contactCustomFields", "tags", "contactNotes", "contactInboxes", "conversation"}
    return {k: v for k, v in row.items() if k not in relations - set(include.split(","))}


def _missing(name: str, expected: str) -> dict[str, Any]:
    return _invalid(name, expected, "undefined")


_NO_MESSAGE_TO_SEND = {
    "code": "invalid_union",
    "errors": [
        [_missing("text", "string"), _missing("files", "array")],
        [_missing("text", "string")],
        [_missing("files", "array")],
        [_missing("flowId", "string")],
    ],
    "path": [],
    "message": "Invalid input",
}
