"""JSON columns hold what the API sent, in a form that every destination takes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source.tables.json_text import free_key, json_text
from chatbotx_source.texts import clean

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


def as_stored(value: Any) -> Any:
    """The value with what no destination takes replaced, as the law has it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [as_stored(member) for member in value]
    if isinstance(value, dict):
        stored: dict[str, Any] = {}
        for key, member in value.items():
            stored[free_key(clean(key), stored)] = as_stored(member)
        return stored
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


@given(VALUES)
def test_what_is_read_back_is_what_was_written(value: Any) -> None:
    written = json_text(value)
    assert json.loads(written, parse_constant=refuse) == as_stored(value)
    assert "\\u0000" not in written.replace("\\\\", "")
    written.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": [1, "x", None, True]}, '{"a":[1,"x",null,true]}'),
        (2**64, "18446744073709551616"),
        ([2**63, -(2**70)], "[9223372036854775808,-1180591620717411303424]"),
        (9007199254740993, "9007199254740993"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        ("just text", '"just text"'),
        (False, "false"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": {}, "b": [[]], "c": 2**64}, '{"a":{},"b":[[]],"c":18446744073709551616}'),
    ],
)
def test_it_is_compact_and_its_numbers_are_exact(value: Any, written: str) -> None:
    assert json_text(value) == written


@pytest.mark.parametrize("digits", ["9" * 641, "-" + "1" * 100_000])
def test_an_integer_too_long_for_pythons_own_type_is_written_digit_by_digit(digits: str) -> None:
    assert json_text([Decimal(digits), 1]) == f"[{digits},1]"


def test_nan_and_infinity_become_texts() -> None:
    assert json_text([float("nan"), float("inf"), None]) == '["NaN","Infinity",null]'


def test_nul_and_surrogates_are_replaced_in_values_and_keys() -> None:
    assert json_text({"a\0": "b\0", "c\ud800": "d\udfff"}) == '{"a�":"b�","c�":"d�"}'


def test_a_text_that_says_backslash_u0000_stays() -> None:
    assert json.loads(json_text("\\u0000")) == "\\u0000"


def test_keys_that_become_alike_are_both_kept() -> None:
    assert json_text({"a\0": 1, "a\ufffd": 2}) == '{"a�":1,"a�\'":2}'


def test_nesting_deeper_than_recursion_goes_is_written() -> None:
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    assert json_text(value) == "[" * 5_000 + "1" + "]" * 5_000


def test_urls_lose_their_signature_only_when_asked() -> None:
    value = {"link": "https://files.example.com/a.png?X-Amz-Signature=0f", "note": "a://b?c=1"}
    assert "X-Amz-Signature" in json_text(value)
    assert json.loads(json_text(value, redact=True)) == {
        "link": "https://files.example.com/a.png",
        "note": "a://b?c=1",
    }
    assert json_text("files.example.com/a.png?sig=0f", redact=True) == '"files.example.com/a.png"'
