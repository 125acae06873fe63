"""JSON arrives as the standard library would read it, whatever the fast decoder makes of it."""

import contextlib
import json
import math
import re
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbotx_source.api.responses import MOST_VALUES, TooMuchError, decode
from chatbotx_source.errors import UnreadablePageError
from tests.support.client import client_at, reply, scripted

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**18])
    | st.floats(allow_nan=False)
    | st.text()
    | st.text("\udfff\ude00a0123456789,: -")  # halves that never make a pair
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def as_text(value: Any) -> Any:
    """The value with U+FFFD for each lone surrogate: no text could hold them."""
    if isinstance(value, str):
        # Written and read once, so that halves that stand beside each other make a pair.
        whole = json.loads(json.dumps(value))
        return re.sub("[\ud800-\udfff]", "\ufffd", whole)
    if isinstance(value, list):
        return [as_text(member) for member in value]
    if isinstance(value, dict):
        return {as_text(key): as_text(member) for key, member in value.items()}
    return value


def same(one: Any, other: Any) -> bool:
    """Equal in type as well: 1, 1.0 and True are three values in JSON, and 0.0 is not -0.0."""
    return repr(one) == repr(other)


@given(VALUES, st.sampled_from([None, 1, "\t"]))
@example(12345678901234567890123, None)
@example([-0.0, 0, 1e300, 9007199254740993, -1.5e-7], None)
def test_what_json_wrote_is_read_back_exactly(value: Any, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    assert same(decode(text.encode()), as_text(value))


PIECES = ["\\ud83d", "\\ude00", "\\uD800", "\\\\", "u", "d83d", '\\"', "\\n", "a", "😀", "{", ","]


@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_escapes_are_read_for_what_they_are(pieces: list[str]) -> None:
    text = '"' + "".join(pieces) + '"'
    assert decode(text.encode()) == as_text(json.loads(text))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_unescaped_unicode_is_read_back(text: str) -> None:
    assert decode(json.dumps([text], ensure_ascii=False).encode()) == [text]


@given(st.binary())
@example(b"\xef\xbb\xbf{}")
@example(b'"' + b"\xff" + b'"')
def test_bytes_are_read_or_refused_with_one_kind_of_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":18446744073709551616}', {"a": 18446744073709551616}),
        (b'{"a": -9223372036854775809}', {"a": -9223372036854775809}),
        (b"[1,\n99999999999999999999]", [1, 99999999999999999999]),
        (b'"\\ud83d"', "\ufffd"),
        (b'{"\\udfff":"\\\\ud83d"}', {"\ufffd": "\\ud83d"}),
        (b"1" * 640, int("1" * 640)),
        (b"[-" + b"1" * 641 + b"]", [Decimal("-" + "1" * 641)]),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[1e400,-Infinity]", [math.inf, -math.inf]),
        (b'"caf\xe9"', "caf�"),
        (b"\xef\xbb\xbf[1]", [1]),
    ],
)
def test_what_the_fast_decoder_would_change_or_refuse(body: bytes, value: object) -> None:
    assert same(decode(body), value)


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"<html>", b'{"a":1}{'])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


def test_a_page_keeps_numbers_and_texts_exact_on_its_way() -> None:
    row = {"id": "1", "attributes": 9007199254740993**2, "text": "\ud800 \x00"}
    body = json.dumps({"data": [row], "nextCursor": None}).encode()
    with scripted(reply(200, body)) as server:
        answer = client_at(server.base_url).messages("id:7", per_page=20, cursor=None)
    assert answer.body["data"] == [{**row, "text": "\ufffd \x00"}]


@pytest.mark.parametrize("limit", [640, 0])
def test_an_integer_of_a_million_digits_is_read_whatever_python_was_told(limit: int) -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(limit)
    try:
        [value] = decode(b"[" + b"7" * 1_000_000 + b"]")
    finally:
        sys.set_int_max_str_digits(before)
    assert str(value) == "7" * 1_000_000


@pytest.mark.parametrize("value", [b"{}", b'"a"', b'{"a":[]}'])
def test_more_values_than_memory_is_meant_for_are_refused_before_they_are_decoded(
    value: bytes,
) -> None:
    body = b"[" + b",".join([value] * (MOST_VALUES + 1)) + b"]"
    with pytest.raises(TooMuchError, match="1,000,000 values"):
        decode(body)


def test_as_many_values_as_memory_is_meant_for_are_read() -> None:
    assert len(decode(b"[" + b",".join([b"1"] * MOST_VALUES) + b"]")) == MOST_VALUES


@pytest.mark.parametrize("text", ["[{,", '{"a":[', '\\",', "\\,", '\\"[', '"'])
def test_brackets_and_commas_in_a_text_are_no_values(text: str) -> None:
    value = {"text": text * MOST_VALUES, "n": [1, "a"]}
    assert decode(json.dumps(value).encode()) == value


@pytest.mark.parametrize("depth", [20_000, 100_000, 400_000])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_too_deeply_is_told_from_what_is_no_json(
    depth: int, opens: bytes, closes: bytes
) -> None:
    with pytest.raises(TooMuchError, match="nested too deeply"):
        decode(opens * depth + b"1" + closes * depth)


@pytest.mark.parametrize(
    "body", [b"[" * 10_000 + b"]" * 10_000, b"[" + b"{}," * MOST_VALUES + b"{}]", b"{}" * 1_500_000]
)
def test_a_page_that_takes_too_much_is_asked_for_once_and_told_as_such(body: bytes) -> None:
    with scripted(reply(200, body)) as server:
        client = client_at(server.base_url)
        with pytest.raises(UnreadablePageError, match=r"cannot be read: it (is|holds)"):
            client.messages("id:7", per_page=20, cursor=None)
    assert len(server.heads) == 1
