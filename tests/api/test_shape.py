"""What a server sent is described without a word of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source.api.shape import shape


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "null"),
        (True, "boolean"),
        (1.5, "number"),
        ("Anna", "text"),
        ([], "list of 0"),
        ([1, "a"], "list of 2 number"),
        ({}, "{}"),
        (
            {"pageCount": 1, "data": [{"id": "5"}] * 50},
            "{pageCount: number, data: list of 50 {id: text}}",
        ),
        ({"Anna": 1, "anna@example.com": 1, "a1": 1}, "{?: number, ?: number, ?: number}"),
        ({"a": {"b": {"c": {"d": 1}}}}, "{a: {b: {c: object of 1}}}"),
        ([[[[1]]]], "list of 1 list of 1 list of 1 list of 1"),
    ],
)
def test_kinds_names_and_sizes_are_told(value: Any, described: str) -> None:
    assert shape(value) == described


def test_of_many_fields_the_first_are_told() -> None:
    assert shape(dict.fromkeys("abcdefghijkl")) == (
        "{a: null, b: null, c: null, d: null, e: null, f: null, g: null, h: null, 4 more}"
    )


LONG = st.text(min_size=9)
VALUES = st.recursive(
    st.none() | st.integers(10**9) | LONG,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("A B\u202e\x1b@", min_size=1), inner),
    max_leaves=20,
)


@given(VALUES)
def test_no_value_and_no_odd_name_is_told(value: Any) -> None:
    described = shape(value)
    assert described.isprintable()
    assert not any(char in described for char in "AB@")
    assert not any(str(leaf) in described for leaf in _leaves(value))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in _leaves(member)]
    if isinstance(value, list):
        return [leaf for member in value for leaf in _leaves(member)]
    return [] if value is None else [value]


def test_a_wide_and_deep_value_is_described_at_once() -> None:
    value: Any = {}
    for _ in range(900):
        value = {"a": value, **{str(n): [value] for n in range(20)}}
    assert len(shape(value)) < 10_000
    assert len(shape(json.loads("[" * 500 + "]" * 500))) < 100
