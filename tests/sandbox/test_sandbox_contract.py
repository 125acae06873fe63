"""The sandbox against recorded exchanges with a real server, and against its OpenAPI document.

The recordings are no part of the repository: CHATBOTX_RECORDINGS names their folder, and the
OpenAPI document lies beside it.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chatbotx_source.sandbox import Event, Fault, Sandbox, Workspace, synthetic
from chatbotx_source.sandbox.workspace import FILES_URL
from tests.support.sandbox import NOON, Caller

FOLDER = Path(os.environ.get("CHATBOTX_RECORDINGS", "/nonexistent"))
RECORDINGS = {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
LEFT_OUT = {
    "03-auth-other-workspace": "the sandbox has one workspace",
    "03-get-message-backdated": "why the server does not find this message is not known",
}
AUTHORIZATIONS = {
    "03-auth-missing": None,
    "03-auth-missing-and-badinput": None,
    "03-auth-query": None,
    "03-auth-xapi": None,
    "03-auth-wrong": "Bearer wrong",
    "03-auth-query-good-header-bad": "Bearer wrong",
    "03-auth-basic": "Basic c2FuZGJveC10b2tlbg==",
    "03-auth-empty-bearer": "Bearer ",
    "03-auth-lower-bearer": "bearer sandbox-token",
}
CONTACTS = 120
Row = dict[str, Any]

if not RECORDINGS:
    pytest.skip("CHATBOTX_RECORDINGS names no recordings", allow_module_level=True)


def bodies() -> list[Any]:
    """The JSON bodies of all recordings."""
    found = []
    for path in RECORDINGS.values():
        body = json.loads(path.read_text())["response"]["body"]
        if body.startswith("{"):
            found.append(json.loads(body))
    return found


def recorded_rows() -> tuple[dict[str, Row], dict[str, Row]]:
    """Every contact and every message that a recording shows, plus what must lie behind them."""
    contacts: dict[str, Row] = {}
    messages: dict[str, Row] = {}
    for body in bodies():
        rows = body.get("data", [body])
        for row in rows if isinstance(rows, list) else []:
            if "conversationId" in row:
                messages[row["id"]] = row
            elif "fullName" in row:
                contacts[row["id"]] = row
    for body in bodies():
        # A page with a cursor has rows behind it, recorded or not.
        if body.get("nextCursor"):
            last = body["data"][-1]
            older = last | {"id": str(int(last["id"]) - 1)}
            if all(
                position(row) >= position(last) or row["conversationId"] != last["conversationId"]
                for row in messages.values()
            ):
                messages[older["id"]] = older
    bare = next(row for row in contacts.values() if row["conversation"] is None)
    talk = next(row["conversation"] for row in contacts.values() if row["conversation"])
    known = {row["conversation"]["id"] for row in contacts.values() if row["conversation"]}
    for conversation_id in {row["conversationId"] for row in messages.values()} - known:
        fields = {"phoneNumber": "+84900000777", "conversation": talk | {"id": conversation_id}}
        contacts["11624534280000000"] = middle_aged(bare, "11624534280000000") | fields
    while len(contacts) < CONTACTS:
        contact_id = f"116245342800{len(contacts):05}"
        contacts[contact_id] = middle_aged(bare, contact_id)
    return contacts, messages


def middle_aged(row: Row, contact_id: str) -> Row:
    """A contact that neither the first 50 nor the last 20 of the listing show."""
    created_at = f"2026-07-26T12:00:00.{contact_id[-3:]}Z"
    return row | {"id": contact_id, "createdAt": created_at, "phoneNumber": None, "email": None}


def position(row: Row) -> tuple[str, int]:
    return row["createdAt"], int(row["id"])


def recorded_workspace() -> Workspace:
    contacts, messages = recorded_rows()
    workspace = Workspace(clock=lambda: NOON)

    def happen(kind: str, contact_id: str, row: Row) -> None:
        event = Event(len(workspace.events) + 1, NOON, kind, contact_id, row["id"], row)
        workspace.state.apply(event)
        workspace.events.append(event)

    contact_of = {}
    for contact_id in sorted(contacts, key=int):
        row = contacts[contact_id]
        happen("contact_added", contact_id, row)
        if row["conversation"]:
            happen("conversation_started", contact_id, row["conversation"])
            contact_of[row["conversation"]["id"]] = contact_id
    for row in messages.values():
        contact_id = contact_of[row["conversationId"]]
        happen("message_imported", contact_id, without_signatures(row))
        # The recorded rows of contacts are what the listing has to show.
        happen("conversation_updated", contact_id, contacts[contact_id]["conversation"])
    return workspace


def without_signatures(value: Any) -> Any:
    """Take the signature and the host off every presigned URL."""
    if isinstance(value, list):
        return [without_signatures(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: without_signatures(item) for name, item in value.items()}
    if "X-Amz-Signature=" in (value.get("url") or ""):
        value["url"] = FILES_URL + value["originPath"]
    return value


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox(recorded_workspace()) as running:
        yield running


@pytest.mark.parametrize("name", [n for n in RECORDINGS if n not in LEFT_OUT])
def test_a_recorded_request_gets_the_recorded_answer(sandbox: Sandbox, name: str) -> None:
    recorded = json.loads(RECORDINGS[name].read_text())
    request, response = recorded["request"], recorded["response"]
    caller = Caller(sandbox)
    caller.authorization = AUTHORIZATIONS.get(name, caller.authorization)
    sandbox.faults.clear()
    if name.startswith("05-") and "before" not in name:
        sandbox.faults.add(Fault("empty"))
    query = request["query"].replace("<redacted-token>", sandbox.token)
    target = request["path"] + (f"?{query}" if query else "")
    reply = caller.send(target, request["method"])

    assert reply.status == response["status"]
    headers = {key.lower(): value for key, value in response["headers"]}
    here = sandbox.base_url.removesuffix("/api").replace(":", "%3A").replace("/", "%2F")
    location = headers.get("location", "").replace("http%3A%2F%2F127.0.0.1%3A3123", here)
    assert reply.headers.get("location", "") == location
    if "content-type" in headers:
        assert reply.headers["Content-Type"] == headers["content-type"]
    if name == "03-health":
        assert reply.json.keys() == json.loads(response["body"]).keys()
    elif headers.get("content-type") == "application/json":
        assert without_signatures(reply.json) == without_signatures(json.loads(response["body"]))
    elif "html" not in headers.get("content-type", "") and not location:
        assert reply.body.decode() == response["body"]


def test_signed_urls_carry_what_real_ones_carry(sandbox: Sandbox) -> None:
    body = json.loads(json.loads(RECORDINGS["03-blocked-contact"].read_text())["response"]["body"])
    row = body["data"][0]
    contact_id = sandbox.workspace.state.contact_of[row["id"]]
    sandbox.faults.clear()
    answered = Caller(sandbox).messages(contact_id, perPage=1).json["data"][0]
    for ours, real in zip(answered["attachments"], row["attachments"], strict=True):
        names = [
            [p.partition("=")[0] for p in a["url"].split("?")[1].split("&")] for a in (ours, real)
        ]
        assert names[0] == names[1]


@pytest.mark.parametrize("path", ["", "/{identifier}", "/{identifier}/messages"])
def test_synthetic_rows_fit_the_openapi_document(path: str) -> None:
    document = json.loads((FOLDER.parent / "openapi.json").read_text())
    operation = document["paths"][f"/v1/contacts{path}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(schema)
    workspace = synthetic(contacts=30, now=NOON)
    with Sandbox(workspace) as running:
        caller = Caller(running)
        for contact_id, conversation_id in workspace.state.served.items():
            target = f"/v1/contacts{path}".replace("{identifier}", f"id:{contact_id}")
            if conversation_id or not path.endswith("messages"):
                validator.validate(caller.get(target, perPage=500).json)
