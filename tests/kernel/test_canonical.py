import enum
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gongshu.kernel.canonical import SAFE_INTEGER, canonical, digest

texts = st.text(st.characters(exclude_categories=("Cs",)))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE_INTEGER, SAFE_INTEGER) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values)
def test_same_bytes_as_an_independent_implementation(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_names_in_utf16_order() -> None:
    # RFC 8785 3.2.3: the example of the standard
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    order = [keys[k] for k in ("\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33")]
    text = canonical(keys).decode()
    assert [int(part.rsplit(":", 1)[1].rstrip("}")) for part in text.split(",")] == order


def test_enumerations_and_tuples_are_their_values() -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    class Level(enum.IntEnum):
        HIGH = 3

    assert canonical({"a": Colour.RED, Colour.RED: (Level.HIGH, True)}) == b'{"a":"red","red":[3,true]}'


@pytest.mark.parametrize("bad", [1.5, Decimal("1.5"), b"x", {1: 2}, object(), {"a": {3.0}}])
def test_values_without_one_text_are_refused(bad: Any) -> None:
    with pytest.raises(TypeError):
        canonical(bad)


@pytest.mark.parametrize("bad", [2**53, -(2**53), "\ud800"])
def test_values_that_readers_would_lose_are_refused(bad: Any) -> None:
    with pytest.raises(ValueError):
        canonical(bad)


def test_digest_names_its_algorithm() -> None:
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest({}, "sm3").startswith("sm3:")
