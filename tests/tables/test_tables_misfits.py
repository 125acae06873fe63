"""However much fits no column, it is told in a line a kind, and takes no longer for being odd."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatbotx_source.tables.arrow import message_tables
from chatbotx_source.tables.json_text import free_key
from chatbotx_source.tables.misfits import Kind, Misfits


def told(*rows: Any) -> list[str]:
    misfits = Misfits()
    message_tables([("1", row) for row in rows], load_id="7", misfits=misfits)
    return list(misfits.told())


def test_100000_unknown_fields_are_one_sentence_and_three_examples() -> None:
    misfits = Misfits()
    row = {"id": "5", **{f"field{n}": n for n in range(100_000)}}
    table = message_tables([("1", row)], load_id="7", misfits=misfits)["messages"]
    assert len(json.loads(table["extra"][0].as_py())) == 100_000
    assert list(misfits.told()) == [
        "messages: fields that no column is declared for: 100,000 (field0, field1, field2); "
        "kept in the column extra."
    ]
    [seen] = misfits.seen.values()
    assert len(seen.examples) == 3


def test_each_kind_is_told_with_what_became_of_it() -> None:
    sentences = told(
        {"id": "4", "text": 1, "new": 1},
        {"id": "5"},
        {"id": "5", "attachments": [{"id": "6"}, {"id": "6"}]},
        {"text": "b"},
    )
    assert sorted(sentences) == [
        "messages: elements with the id of another one: 1 (attachments[1]); "
        "kept in the column extra.",
        "messages: fields that no column is declared for: 1 (new); kept in the column extra.",
        "messages: rows with the id of another one: 1 (id); the one read last counts.",
        "messages: rows without an id: 1 (id); kept under one made of their content.",
        "messages: values that do not fit their column: 1 (text); kept in the column extra.",
    ]


@pytest.mark.parametrize(
    "key", ["Anna Example", "anna@example.com", "\x1b[2J", "x" * 61, "+849012"]
)
def test_only_a_plain_name_is_shown(key: str) -> None:
    [sentence] = told({"id": "5", key: 1})
    assert "(no plain name)" in sentence
    assert key not in sentence


class Counted(dict[str, Any]):
    """A dictionary that counts how often it is asked for a key."""

    asked = 0

    def __contains__(self, key: object) -> bool:
        self.asked += 1
        return super().__contains__(key)


@pytest.mark.parametrize("pattern", ["a{0}", "a'{1}"])
def test_a_free_key_is_found_at_once_whatever_keys_are_taken(pattern: str) -> None:
    taken = Counted({"a": 0} | {pattern.format("'" * n, n): 0 for n in range(1, 500)})
    for _ in range(500):
        taken[free_key("a", taken)] = 1
    assert len(taken) == 1_000
    assert taken.asked < 500 * 12


def test_a_misfit_is_counted_for_each_table() -> None:
    misfits = Misfits()
    for table in ("a", "b", "a"):
        misfits.add(table, Kind.UNFIT, "x", times=2)
    assert {place: seen.times for place, seen in misfits.seen.items()} == {
        ("a", Kind.UNFIT): 4,
        ("b", Kind.UNFIT): 2,
    }
