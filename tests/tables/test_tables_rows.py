"""One row at a time: what lands in which column, what is kept in `extra`, what is counted."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from chatbotx_source.tables.arrow import (
    contact_tables,
    message_tables,
    sync_table,
    unfinished_table,
)
from chatbotx_source.tables.misfits import Kind, Misfits

TIME = "2026-07-28T05:43:24.674Z"
LATER = "2026-07-28T06:00:00.000Z"
AT = datetime(2026, 7, 28, 5, 43, 24, 674_000, timezone.utc)
SIGNED = "https://files.example.com/a.png?X-Amz-Date=1&X-Amz-Signature=0f"
UNSIGNED = "https://files.example.com/a.png"

BARE = {"id": "5", "createdAt": TIME, "updatedAt": TIME, "attachments": []}


def messages(*rows: Any, **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    tables = message_tables([("1", row) for row in rows], load_id="7", **options)
    return tables["messages"].to_pylist(), tables["messages__attachments"].to_pylist()


def message(**fields: Any) -> dict[str, Any]:
    """The one row that a message makes."""
    [row], _ = messages({"id": "5", **fields})
    return row


def attachment(**fields: Any) -> dict[str, Any]:
    """The one row that an attachment makes."""
    _, [row] = messages({"id": "5", "attachments": [{"id": "6", **fields}]})
    return row


def times(misfits: Misfits) -> dict[tuple[str, Kind], int]:
    return {place: seen.times for place, seen in misfits.seen.items()}


def extra(row: dict[str, Any]) -> Any:
    return json.loads(row["extra"]) if row["extra"] is not None else None


# --- values that fit --------------------------------------------------------------------------


def test_every_row_says_its_contact_and_its_load() -> None:
    rows, attachments = messages({"id": "5", "attachments": [{"id": "6"}, {"id": "7"}]})
    assert [(row["contact_id"], row["_dlt_load_id"]) for row in rows] == [("1", "7")]
    assert [
        (row["contact_id"], row["message_id"], row["list_index"], row["_dlt_load_id"])
        for row in attachments
    ] == [("1", "5", 0, "7"), ("1", "5", 1, "7")]


@pytest.mark.parametrize("id_", [9007199254740993, 2**70, "9007199254740993"])
def test_an_id_is_its_exact_digits_also_when_sent_as_a_number(id_: Any) -> None:
    row = message(id=id_, senderId=id_)
    assert row["id"] == row["sender_id"] == str(id_)
    assert row["extra"] is None


@pytest.mark.parametrize(
    "written",
    [
        TIME,
        "2026-07-28T05:43:24.674",
        "2026-07-28T12:43:24.674+07:00",
        "2026-07-28T05:43:24.674000Z",
        "2026-07-28 05:43:24.674Z",
    ],
)
def test_a_time_is_read_as_utc_in_any_iso_form_also_beside_others(written: str) -> None:
    rows, _ = messages({"id": "4", "createdAt": TIME}, {"id": "5", "createdAt": written})
    assert [row["created_at"] for row in rows] == [AT, AT]


@pytest.mark.parametrize("value", ["text", 5, 2**70, 0.1, True, False, [1, None], {"a": {}}, "", 0])
def test_a_json_column_takes_every_type(value: Any) -> None:
    row = message(attributes=value, contentAttributes=value, contact={"location": value})
    for column in ("attributes", "content_attributes", "contact__location"):
        assert json.loads(row[column]) == value
        assert type(json.loads(row[column])) is type(value)
    assert row["extra"] is None


def test_a_json_null_is_null() -> None:
    assert message(attributes=None)["attributes"] is None


@pytest.mark.parametrize("text", ["", "😀 مرحبا\r\n\t\x01", "x" * 105_000, "\\u0000"])
def test_text_stays_exact(text: str) -> None:
    assert message(text=text)["text"] == text


def test_nul_and_surrogates_become_replacement_characters() -> None:
    rows, _ = messages(
        {"id": "5\0", "text": "a\0b", "attributes": {"k\0": "\0"}},
        {"id": "6", "text": "a\ud800b"},
    )
    assert [row["id"] for row in rows] == ["5�", "6"]
    assert [row["text"] for row in rows] == ["a�b", "a�b"]
    assert rows[0]["attributes"] == '{"k�":"�"}'
    assert rows[0]["extra"] is None


def test_a_whole_float_is_an_integer() -> None:
    assert attachment(size=12.0)["size"] == 12


def test_the_contact_of_a_nested_object_is_flattened() -> None:
    [row] = contact_tables(
        [{"id": "1", "conversation": {"assignedUser": {"name": "Mira"}, "inbox": None}}],
        load_id="7",
    )["contacts"].to_pylist()
    assert row["conversation__assigned_user__name"] == "Mira"
    assert row["conversation__inbox__name"] is None
    assert row["extra"] is None


# --- values that do not -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 5),
        ("text", {"a": 1}),
        ("text", False),
        ("createdAt", ""),
        ("createdAt", "yesterday"),
        ("createdAt", "10000-01-01T00:00:00.000Z"),
        ("createdAt", "0000-01-01T00:00:00.000Z"),
        ("createdAt", "0001-01-01T00:00:00.000+07:00"),
        ("createdAt", "9999-12-31T23:59:59.999-07:00"),
        ("createdAt", 1785217404674),
        ("senderId", 1.5),
        ("senderId", True),
        ("user", "Mira"),
        ("user", []),
        ("user", False),
        ("attachments", "none"),
        ("attachments", {}),
        ("shoeSize", 4),
        ("shoeSize", None),
    ],
)
def test_what_fits_no_column_is_kept_and_counted(field: str, value: Any) -> None:
    misfits = Misfits()
    [fitting, row], _ = messages(
        {"id": "4", "text": "a", "createdAt": TIME}, {"id": "5", field: value}, misfits=misfits
    )
    assert extra(row) == {field: value}
    kind = Kind.UNDECLARED if field == "shoeSize" else Kind.UNFIT
    assert times(misfits) == {("messages", kind): 1}
    assert misfits.seen["messages", kind].examples == [field]
    assert (fitting["text"], fitting["created_at"], fitting["extra"]) == ("a", AT, None)


@pytest.mark.parametrize("value", ["12 MB", 1.5, 2**63, -(2**63) - 1, True, 1e300, [12]])
def test_a_size_that_is_no_integer_of_64_bits_is_kept(value: Any) -> None:
    row = attachment(size=value)
    assert row["size"] is None
    assert extra(row) == {"size": value}


@pytest.mark.parametrize("digits", ["9" * 641, "8" * 50_000])
def test_an_integer_of_any_length_is_kept_digit_by_digit(digits: str) -> None:
    value = Decimal(digits)
    row = message(id=value, senderId=value, attributes=[value], text=value, sendError=value)
    assert row["id"] == row["sender_id"] == digits
    assert row["attributes"] == f"[{digits}]"
    assert row["extra"] == f'{{"text":{digits},"sendError":{digits}}}'


@pytest.mark.parametrize("value", ["true", 1, 0, 1.0])
def test_a_flag_that_is_no_boolean_is_kept(value: Any) -> None:
    row = message(contact={"emailVerified": value})
    assert row["contact__email_verified"] is None
    assert extra(row) == {"contact.emailVerified": value}


def test_paths_lead_to_where_the_value_was() -> None:
    row = message(contact={"shoeSize": 4}, attachments=["a", {"id": "6"}, None])
    assert extra(row) == {"contact.shoeSize": 4, "attachments[0]": "a", "attachments[2]": None}


def test_two_values_of_one_path_are_both_kept() -> None:
    row = message(**{"contact": {"shoeSize": 4}, "contact.shoeSize": 5})
    assert sorted(extra(row).values()) == [4, 5]


def test_an_undeclared_field_of_an_element_is_kept_beside_it() -> None:
    misfits = Misfits()
    _, [row] = messages({"id": "5", "attachments": [{"id": "6", "alt": "A cat"}]}, misfits=misfits)
    assert extra(row) == {"alt": "A cat"}
    assert times(misfits) == {("messages__attachments", Kind.UNDECLARED): 1}


def test_an_id_of_the_parent_that_disagrees_is_kept_and_the_join_still_works() -> None:
    row = attachment(messageId="999")
    assert row["message_id"] == "5"
    assert extra(row) == {"messageId": "999"}


@pytest.mark.parametrize("messages_id", ["5", 5, None])
def test_an_id_of_the_parent_that_agrees_is_no_misfit(messages_id: Any) -> None:
    assert attachment(messageId=messages_id)["extra"] is None


def test_a_misfit_stays_with_its_row_among_thousands() -> None:
    rows: list[dict[str, Any]] = [{"id": str(n), "text": str(n)} for n in range(5_000)]
    rows[4_321].update(text=[4_321], attachments="none")
    table = message_tables([("1", row) for row in rows], load_id="7")["messages"].to_pylist()
    assert [row["id"] for row in table] == [row["id"] for row in rows]
    assert [n for n, row in enumerate(table) if row["extra"]] == [4_321]
    assert extra(table[4_321]) == {"attachments": "none", "text": [4_321]}


# --- ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [None, 5, "text", [], {}, {"text": "a"}, {"id": None}, {"id": ""}])
def test_a_row_without_an_id_is_kept_under_one_that_stays_the_same(row: Any) -> None:
    misfits = Misfits()
    [first], _ = messages(row, misfits=misfits)
    [second], _ = messages(row)
    assert first["id"].startswith("unidentified:")
    assert first["id"] == second["id"]
    assert times(misfits)["messages", Kind.NAMELESS] == 1


def test_a_row_that_is_no_object_is_kept_whole() -> None:
    [row], _ = messages("text")
    assert extra(row) == {"(row)": "text"}


def test_the_id_of_a_row_without_one_does_not_change_with_the_signature() -> None:
    ids = set()
    for signature in ("0a", "0b"):
        url = f"https://files.example.com/a.png?X-Amz-Signature={signature}"
        [row], _ = messages({"text": "a", "attachments": [{"id": "6", "url": url}]})
        ids.add(row["id"])
    assert len(ids) == 1


def test_rows_without_an_id_that_differ_stay_apart() -> None:
    rows, _ = messages({"text": "a"}, {"text": "b"})
    assert len({row["id"] for row in rows}) == 2


def test_elements_without_an_id_are_kept_apart_by_their_place() -> None:
    _, rows = messages({"id": "5", "attachments": [{"name": "a"}, {"name": "b"}]})
    assert [row["id"] for row in rows] == ["unidentified:5:0", "unidentified:5:1"]


def test_of_two_messages_with_one_id_the_later_counts() -> None:
    misfits = Misfits()
    rows, attachments = messages(
        {"id": "5", "text": "old", "attachments": [{"id": "6"}]},
        {"id": "4", "text": "other"},
        {"id": "5", "text": "new", "attachments": [{"id": "7"}]},
        misfits=misfits,
    )
    assert [row["text"] for row in rows] == ["other", "new"]
    assert [row["id"] for row in attachments] == ["7"]
    assert times(misfits) == {("messages", Kind.REPEATED): 1}


def test_an_attachment_that_comes_again_is_kept_in_its_message() -> None:
    misfits = Misfits()
    rows, attachments = messages(
        {"id": "4", "attachments": [{"id": "6", "name": "a"}, {"id": "6", "name": "b"}]},
        misfits=misfits,
    )
    assert [(row["id"], row["name"]) for row in attachments] == [("6", "a")]
    assert extra(rows[0]) == {"attachments[1]": {"id": "6", "name": "b"}}
    assert times(misfits) == {("messages", Kind.DOUBLED): 1}


def test_one_tag_on_two_contacts_is_two_rows() -> None:
    tags = contact_tables(
        [{"id": "1", "tags": [{"id": "9"}]}, {"id": "2", "tags": [{"id": "9"}]}], load_id="7"
    )["contacts__tags"].to_pylist()
    assert [(row["contact_id"], row["id"]) for row in tags] == [("1", "9"), ("2", "9")]


# --- signatures -------------------------------------------------------------------------------


def test_the_links_of_an_attachment_lose_their_signature() -> None:
    row = attachment(url=SIGNED, thumbnailPath=SIGNED, originPath=SIGNED)
    assert {row["url"], row["thumbnail_path"], row["origin_path"]} == {UNSIGNED}


def test_no_signature_hides_in_extra() -> None:
    row = attachment(preview={"links": [SIGNED]}, url=[SIGNED])
    assert extra(row) == {"preview": {"links": [UNSIGNED]}, "url": [UNSIGNED]}
    assert extra(message(attachments=[SIGNED])) == {"attachments[0]": UNSIGNED}


def test_a_signed_link_in_the_middle_of_a_text_takes_nothing_else_with_it() -> None:
    row = message(hint=f"Open {SIGNED}, then answer", plain="Really? Yes!")
    assert extra(row) == {"hint": f"Open {UNSIGNED} then answer", "plain": "Really? Yes!"}


def test_a_signed_link_in_json_within_a_text_is_found() -> None:
    escaped = SIGNED.replace("/", "\\/").replace("&", "\\u0026")
    row = message(raw=f'{{"url":"{escaped}","size":3}}')
    written = UNSIGNED.replace("/", "\\/")
    assert extra(row) == {"raw": f'{{"url":"{written}","size":3}}'}


def test_signatures_stay_when_asked_for() -> None:
    _, [row] = messages(
        {"id": "5", "attachments": [{"id": "6", "url": SIGNED, "other": SIGNED}]},
        keep_signed_urls=True,
    )
    assert row["url"] == SIGNED
    assert extra(row) == {"other": SIGNED}


# --- markers of removal -----------------------------------------------------------------------


def marked(row: dict[str, Any], **options: Any) -> bool:
    _, rows = messages(row, **options)
    for marker in rows:
        assert marker["id"] == f"removed:{row['id']}"
        assert (marker["message_id"], marker["contact_id"]) == (row["id"], "1")
        assert marker["_removed"] is True
        assert marker["list_index"] is None
    return bool(rows)


def test_a_message_never_edited_has_lost_no_attachment() -> None:
    assert not marked(BARE)


def test_an_edited_message_may_have_lost_one() -> None:
    assert marked({**BARE, "updatedAt": LATER})


def test_a_message_that_may_be_loaded_already_may_have_lost_one() -> None:
    assert marked(BARE, loaded_before=AT)
    assert not marked({**BARE, "createdAt": LATER, "updatedAt": LATER}, loaded_before=AT)


def test_a_message_without_times_may_have_lost_one() -> None:
    assert marked({"id": "5", "attachments": []})


def test_a_message_whose_list_holds_nothing_of_use_may_have_lost_one() -> None:
    assert marked({**BARE, "updatedAt": LATER, "attachments": ["a"]})


@pytest.mark.parametrize("fields", [{}, {"attachments": None}, {"attachments": "none"}])
def test_a_list_that_was_not_sent_proves_nothing(fields: dict[str, Any]) -> None:
    assert not marked({"id": "5", "createdAt": TIME, "updatedAt": LATER, **fields})


def test_a_row_that_is_there_is_not_marked() -> None:
    assert attachment()["_removed"] is False


def test_a_contact_with_an_empty_list_is_always_marked() -> None:
    tables = contact_tables([{"id": "1", "tags": [], "contactInboxes": [{"id": "8"}]}], load_id="7")
    [marker] = tables["contacts__tags"].to_pylist()
    assert (marker["id"], marker["contact_id"], marker["_removed"]) == ("removed:1", "1", True)
    assert [row["_removed"] for row in tables["contacts__contact_inboxes"].to_pylist()] == [False]
    assert tables["contacts__contact_notes"].num_rows == 0


# --- the source's own tables ------------------------------------------------------------------


def test_a_sync_takes_times_as_texts_and_as_datetimes() -> None:
    [row] = sync_table(
        [{"pass": 3, "began": TIME, "ended": AT, "complete": True, "retry_after": 30}],
        load_id="7",
    ).to_pylist()
    assert (row["pass"], row["began"], row["ended"]) == (3, AT, AT)
    assert (row["complete"], row["retry_after"], row["_dlt_load_id"]) == (True, 30.0, "7")
    assert row["mode"] is None


def test_nothing_unfinished_is_an_empty_table() -> None:
    table = unfinished_table([], load_id="7")
    assert (table.num_rows, table.schema.field("floor").type) == (0, pa.timestamp("us", "UTC"))


def test_a_row_of_our_own_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="_chatbotx_unfinished has no column shoe_size"):
        unfinished_table([{"contact_id": "1", "shoe_size": 4}], load_id="7")
    with pytest.raises(ValueError, match=r"_chatbotx_unfinished\.floor is timestamp, not 'now'"):
        unfinished_table([{"contact_id": "1", "floor": "now"}], load_id="7")
