"""The check digits in SQL against the plain reference, on right, wrong and malformed numbers."""

from __future__ import annotations

import random
from collections.abc import Callable

import duckdb
import pytest
from tests.engine import synthetic

from gongshu.engine.checks import CHECKS, check


def verdicts(kind: str, values: list[str]) -> list[bool]:
    found = check(kind, "c", "p_")
    relation = "(SELECT unnest(?::varchar[]) AS c, generate_subscripts(?::varchar[], 1) AS i)"
    for layer in found.layers:
        named = ", ".join(f"{expression} AS {alias}" for alias, expression in layer.items())
        relation = f"(SELECT *, {named} FROM {relation})"
    rows = duckdb.execute(f"SELECT {found.good} FROM {relation} ORDER BY i", [values, values]).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("kind", "make"),
    [("id_card", synthetic.id_card), ("uscc", synthetic.uscc), ("bank_card", synthetic.bank_card)],
)
def test_against_the_reference(kind: str, make: Callable[[random.Random], str]) -> None:
    chance = random.Random(7)
    right = [make(chance) for _ in range(3000)]
    assert all(verdicts(kind, right))
    alphabet = synthetic.ALPHABET if kind == "uscc" else "0123456789"
    wrong = []
    for value in right:  # one changed character is always found
        at = chance.randrange(len(value) - 1)
        other = chance.choice([char for char in alphabet if char != value[at]])
        wrong.append(value[:at] + other + value[at + 1 :])
    assert not any(verdicts(kind, wrong))


def test_malformed_numbers_are_wrong_and_never_an_error() -> None:
    odd = [
        "",
        " ",
        "待补录",
        "1" * 17,
        "1" * 19,
        "110101199002310015",
        "١" * 18,
        "11010119900307 03X",
        "a" * 18,
        "\n",
    ]
    odd += ["110101199003070038 ", "11010119900307003x", "13812345678a", "23812345678"]
    for kind in CHECKS:
        assert not any(verdicts(kind, odd)), kind


def test_a_day_that_does_not_exist_is_wrong_though_its_digit_is_right() -> None:
    first = "33072619900231001"
    assert verdicts("id_card", [first + synthetic.id_check(first)]) == [False]
    leap = "33072620000229001"
    assert verdicts("id_card", [leap + synthetic.id_check(leap)]) == [True]


def test_phones() -> None:
    assert all(verdicts("phone", ["13812345678", "0579-84123456", "057984123456", "400-123-4567"]))
    assert not any(verdicts("phone", ["1381234567", "12812345678", "110", "138-1234-5678"]))
