"""JSON arrives as the standard library would read it, whatever the fast decoder makes of it."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbotx_source.api.responses import decode
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


def same(one: Any, other: Any) -> bool:
    """Equal in type as well: 1, 1.0 and True are three values in JSON, and 0.0 is not -0.0."""
    return repr(one) == repr(other)


@given(VALUES, st.sampled_from([None, 1, "\t"]))
@example(12345678901234567890123, None)
@example([-0.0, 0, 1e300, 9007199254740993, -1.5e-7], None)
def test_what_json_wrote_is_read_back_exactly(value: Any, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    assert same(decode(text.encode()), value)


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
        (b'"\\ud83d"', "\ud83d"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[1e400,-Infinity]", [math.inf, -math.inf]),
        (b'"caf\xe9"', "caf�"),
        (b"\xef\xbb\xbf[1]", [1]),
    ],
)
def test_what_the_fast_decoder_would_change_or_refuse(body: bytes, value: object) -> None:
    assert same(decode(body), value)


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"<html>", b'{"a":1}{', b"[" * 100_000])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


def test_a_page_keeps_numbers_and_texts_exact_on_its_way() -> None:
    row = {"id": "1", "attributes": 9007199254740993**2, "text": "\ud800 \x00"}
    body = json.dumps({"data": [row], "nextCursor": None}).encode()
    with scripted(reply(200, body)) as server:
        answer = client_at(server.base_url).messages("id:7", per_page=20, cursor=None)
    assert answer.body["data"] == [row]
