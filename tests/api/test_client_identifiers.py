"""A contact is named in one of three ways, and its name stays one segment of the path."""

import string
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbotx_source.api.addresses import check_identifier, contact_path
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.sandbox import Sandbox, Workspace
from tests.support.client import client_at, reply, scripted


@pytest.mark.parametrize(
    "identifier",
    [
        "id:7",
        "id:9223372036854775807",
        "email:a@example.com",
        "email:A+b/c?d#e%20@example.com",
        "email:ünï@example.com",
        "phone:+84900000001",
    ],
)
def test_an_identifier_is_taken_as_it_is(identifier: str) -> None:
    assert check_identifier(f" {identifier}\n") == identifier


@pytest.mark.parametrize(
    ("given", "better"),
    [
        ("11622824772043277", "id:11622824772043277"),
        ("ID:7", "id:7"),
        ("id: 7", "id:7"),
        ("a@example.com", "email:a@example.com"),
        ("Email: a@example.com", "email:a@example.com"),
        ("+84 900-000-001", "phone:+84900000001"),
        ("phone:84900000001", "phone:+84900000001"),
        ("phone:+84 (900) 000.001", "phone:+84900000001"),
        ("PHONE:+84900000001", "phone:+84900000001"),
    ],
)
def test_a_near_miss_is_told_with_what_to_write(given: str, better: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_identifier(given)
    assert str(caught.value).endswith(f"write {better}.")
    assert check_identifier(better) == better


def test_a_bare_number_of_a_config_file_is_told_as_well() -> None:
    with pytest.raises(ConfigurationError, match="write id:7"):
        check_identifier(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        "",
        ":",
        "..",
        "id:",
        "id:-1",
        "id:7a",
        "id:٣",
        "id:12345678901234567890",
        "phone:+",
        "email:",
        "email:a b@example.com",
        "email:a\x00@example.com",
        "email:\ud800@example.com",
        "contact:7",
        "user:a@example.com",
    ],
)
def test_what_names_no_contact_is_told_with_the_three_ways(given: str) -> None:
    with pytest.raises(ConfigurationError, match="id:<digits>, email:<address> or phone:"):
        check_identifier(given)


@given(st.from_regex(r" ?([a-zA-Z]{0,5}|id|email|phone|ID)(: ?)?[+0-9a@. ()-]*"))
def test_what_is_told_to_write_is_always_accepted(text: str) -> None:
    try:
        check_identifier(text)
    except ConfigurationError as error:
        advice = str(error).rpartition("write ")[2].removesuffix(".")
        if "<digits>" not in advice:
            assert check_identifier(advice) == advice


def test_an_identifier_is_checked_before_anything_is_sent() -> None:
    with scripted(reply(200, b"{}")) as server:
        client = client_at(server.base_url)
        with pytest.raises(ConfigurationError):
            client.contact("7")
        with pytest.raises(ConfigurationError):
            client.messages("a@example.com", per_page=20, cursor=None)
    assert (server.heads, client.requests) == ([], 0)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1))
def test_any_identifier_is_one_segment_of_the_path(address: str) -> None:
    identifier = f"email:{address}"
    *above, segment = contact_path(check_identifier(identifier)).split("/")
    assert above == ["v1", "contacts"]
    assert unquote(segment) == identifier
    assert set(segment) <= set(string.ascii_letters + string.digits + "%-._~")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "/", "%2e", "%", "?", "#", ";", "\\", "é", "+", "@"])))
def test_nothing_on_the_way_changes_the_segment(parts: list[str]) -> None:
    identifier = "email:x" + "".join(parts)
    with scripted(reply(200, b'{"id":"7"}')) as server:
        client_at(server.base_url).contact(identifier)
    assert server.targets == [f"/api/{contact_path(identifier)}"]


def test_the_server_finds_a_contact_by_each_of_its_names() -> None:
    workspace = Workspace()
    contact = workspace.add_contact(email="a+b/c@example.com", phoneNumber="+84900000001")
    with Sandbox(workspace) as sandbox:
        client = client_at(sandbox.base_url, api_token=sandbox.token)
        for name in (f"id:{contact}", "email:a+b/c@example.com", "phone:+84900000001"):
            assert client.contact(name).body["id"] == contact
