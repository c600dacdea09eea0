"""The string to sign and what is read from headers and queries, for every input."""

from __future__ import annotations

import base64
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gongshu.engine.suite import INTL_1, SM_1
from gongshu.gateway import asking, signature
from gongshu.gateway.problems import Refusal

EXAMPLES = Path(__file__).parents[2] / "examples"

line = st.binary(max_size=40).map(lambda b: b.replace(b"\n", b""))
filled = line.filter(bool)
parts = st.tuples(line, line, line, line, filled, filled, filled, line)


@given(parts, parts)
def test_no_two_requests_share_a_string(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    same = signature.string_to_sign(*one) == signature.string_to_sign(*other)
    assert same == (one == other)


@given(parts, st.binary(min_size=1, max_size=64), st.sampled_from([INTL_1, SM_1]))
def test_what_is_signed_is_genuine_and_nothing_else(
    whole: tuple[bytes, ...], secret: bytes, suite: object
) -> None:
    message = signature.string_to_sign(*whole)
    made = base64.b64decode(signature.sign(suite, secret, message))  # type: ignore[arg-type]
    assert signature.genuine(suite, [b"other key", secret], message, made)  # type: ignore[arg-type]
    assert not signature.genuine(suite, [secret], message + b"x", made)  # type: ignore[arg-type]
    assert not signature.genuine(suite, [secret + b"x"], message, made)  # type: ignore[arg-type]
    assert not signature.genuine(suite, [], message, made)  # type: ignore[arg-type]


def test_the_string_is_as_documented() -> None:
    text = signature.string_to_sign(b"GET", b"/share/v1/G", b"a=b", b"00", b"c", b"17", b"n", b"case")
    assert text == b"GET\n/share/v1/G\na=b\n00\nc\n17\nn\ncase"
    assert (
        signature.string_to_sign(b"GET", b"/p", b"", b"00", b"c", b"17", b"n") == b"GET\n/p\n\n00\nc\n17\nn"
    )
    assert signature.body_digest(INTL_1, b"") == signature.EMPTY_DIGEST["intl-1"]
    assert signature.EMPTY_DIGEST["intl-1"].startswith(b"e3b0c44298fc1c14")
    assert signature.EMPTY_DIGEST["sm-1"].startswith(b"1ab21d8355cfa17f")


@given(
    st.dictionaries(
        st.sampled_from([b"x-client-id", b"x-timestamp", b"x-nonce", b"x-signature"]), st.binary()
    )
)
def test_headers_of_any_content_are_read_or_named(headers: dict[bytes, bytes]) -> None:
    try:
        signed = signature.read_headers(headers)
    except signature.BadHeader as bad:
        assert bad.name.lower().encode() in (b"x-client-id", b"x-timestamp", b"x-nonce", b"x-signature")
        return
    assert b"\n" not in signed.client_id + signed.timestamp + signed.nonce


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), max_size=5))
def test_an_encoded_query_is_read_back(params: dict[str, str]) -> None:
    assume(not any("\x00" in text for pair in params.items() for text in pair))
    query = urlencode(params).encode()
    assume(len(query) <= asking.QUERY_MAX)
    assert asking.read_query(query) == params


@given(st.binary(max_size=200))
def test_any_query_is_read_as_the_standard_library_does_or_refused(raw: bytes) -> None:
    try:
        found = asking.read_query(raw)
    except Refusal as refusal:
        assert refusal.kind in ("bad-query", "repeated-parameter")
        return
    text = raw.decode("latin-1")
    expected = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict")
    if raw.isascii():
        assert list(found.items()) == expected


@given(st.binary(max_size=60))
def test_any_path_is_a_grant_and_mode_or_not_found(raw: bytes) -> None:
    for path in (raw, asking.PREFIX + raw):
        try:
            grant_no, mode = asking.read_path(path)
        except Refusal as refusal:
            assert refusal.kind == "not-found"
            continue
        tail = "" if mode == "key" else "/rows" if mode == "page" else f"/{mode}"
        assert f"/share/v1/{grant_no}{tail}".encode() == path


@pytest.mark.parametrize(
    ("raw", "case_no"), [(b"", None), (b"A-1", "A-1"), ("浦民1".encode(), "浦民1"), (b"%E6%B5%A6", "浦")]
)
def test_case_numbers(raw: bytes, case_no: str | None) -> None:
    assert asking.read_case(raw) == case_no


@pytest.mark.parametrize("raw", [b"%FF", b"%0A", b"%20", b"x" * 129, b"a%00b"])
def test_case_numbers_that_are_none(raw: bytes) -> None:
    with pytest.raises(Refusal):
        asking.read_case(raw)


def load_example() -> ModuleType:
    """examples/client.py as a module."""
    spec = importlib.util.spec_from_file_location("example_client", EXAMPLES / "client.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_client"] = module
    spec.loader.exec_module(module)
    return module


EXAMPLE = load_example()


@given(st.text(max_size=20), st.text(alphabet="浦民-1 救", max_size=12))
def test_the_example_signs_what_the_gateway_checks(value: str, case: str) -> None:
    client = EXAMPLE.Client("http://gateway", "c1", "secret")
    query = urlencode({"id_no": value})
    sent = {
        k.lower().encode(): v.encode() for k, v in client._headers("GET", "/share/v1/G", query, case).items()
    }
    signed = signature.read_headers(sent)
    message = signature.string_to_sign(
        b"GET",
        b"/share/v1/G",
        query.encode(),
        signature.EMPTY_DIGEST["intl-1"],
        signed.client_id,
        signed.timestamp,
        signed.nonce,
        signed.case_no,
    )
    assert signature.genuine(INTL_1, [b"secret"], message, signed.signature)
