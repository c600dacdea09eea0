"""Suites: what is sealed opens only with the right key, for the right purpose, unharmed."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshu.engine import suite as suites
from gongshu.engine.suite import CannotOpen, MasterKey, SuiteError, SuiteLacks, UnknownSuite

KEY = bytes(range(32))
IDS = sorted(suites.SUITES)


@pytest.mark.parametrize("suite_id", IDS)
@given(plaintext=st.binary(max_size=300), aad=st.binary(max_size=60))
def test_a_sealed_secret_opens_for_its_owner_only(suite_id: str, plaintext: bytes, aad: bytes) -> None:
    token = suites.seal(KEY, plaintext, aad, suite_id=suite_id)
    assert token.startswith(f"{suite_id}.1.")
    assert suites.open_(KEY, token, aad) == plaintext
    with pytest.raises(CannotOpen):
        suites.open_(KEY, token, aad + b"x")
    with pytest.raises(CannotOpen):
        suites.open_(bytes(32), token, aad)


@pytest.mark.parametrize("suite_id", IDS)
@given(at=st.integers(0, 10**6), change=st.integers(1, 255))
def test_no_changed_token_opens(suite_id: str, at: int, change: int) -> None:
    token = suites.seal(KEY, b"a secret of some length", b"of c1", suite_id=suite_id)
    place = at % len(token)
    harmed = token[:place] + chr((ord(token[place]) ^ change) % 128) + token[place + 1 :]
    if harmed == token:
        return
    try:
        opened = suites.open_(KEY, harmed, b"of c1")
    except (CannotOpen, UnknownSuite):
        return
    # The last character of Base64 carries bits that mean nothing; anything else must have been refused.
    assert place == len(token) - 1
    assert opened == b"a secret of some length"


def test_a_token_cannot_be_passed_off_as_another_suites_or_versions() -> None:
    token = suites.seal(KEY, b"s", b"a")
    body = token.split(".", 2)[2]
    both = MasterKey({1: KEY, 2: KEY})
    for relabelled in (f"sm-1.1.{body}", f"intl-1.2.{body}"):
        with pytest.raises(CannotOpen):
            suites.open_(both, relabelled, b"a")


def test_a_new_master_key_seals_and_the_old_one_still_opens() -> None:
    old, new = MasterKey.parse("11" * 32), MasterKey.parse("2:" + "22" * 32 + ",1:" + "11" * 32)
    before = suites.seal(old, b"s", b"a")
    after = suites.seal(new, b"s", b"a")
    assert (before.split(".")[1], after.split(".")[1]) == ("1", "2")
    assert suites.open_(new, before, b"a") == suites.open_(new, after, b"a") == b"s"
    with pytest.raises(CannotOpen, match="version 2"):
        suites.open_(old, after, b"a")


@pytest.mark.parametrize("text", ["", "zz", "11" * 31, "0:" + "11" * 32, "x:" + "11" * 32])
def test_a_bad_master_key_is_refused(text: str) -> None:
    with pytest.raises(SuiteError):
        MasterKey.parse(text)


def test_the_master_key_is_not_shown() -> None:
    assert "1111" not in repr(MasterKey.parse("11" * 32))


@pytest.mark.parametrize(
    "token", ["", "intl-1.1", "intl-1.1.AAAA", "intl-1.x.AAAA", "nope.1." + "A" * 60, "intl-1.1.%"]
)
def test_rubbish_is_not_a_token(token: str) -> None:
    with pytest.raises((CannotOpen, UnknownSuite)):
        suites.open_(KEY, token, b"")


def test_digests_against_published_vectors() -> None:
    # FIPS 180-4 and GB/T 32905-2016, appendix A.1: "abc".
    assert (
        suites.INTL_1.hash(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert (
        suites.SM_1.hash(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    for suite in suites.SUITES.values():
        assert (
            suite.mac(b"k", b"m")
            == hmac.new(b"k", b"m", lambda data=b"", s=suite: hashlib.new(s.hash_name, data)).digest()
        )
        assert suite.verify_mac(b"k", b"m", suite.mac(b"k", b"m"))
        assert not suite.verify_mac(b"k", b"m", b"")


def test_signatures() -> None:
    suite = suites.suite("intl-1")
    private = suite.generate_key()
    public = suite.public_key(private)
    signature = suite.sign(private, b"m")
    assert suite.verify(public, signature, b"m")
    assert not suite.verify(public, signature, b"n")
    assert not suite.verify(suite.public_key(suite.generate_key()), signature, b"m")
    assert not suite.verify(public, b"short", b"m")


def test_a_suite_that_cannot_sign_says_so() -> None:
    with pytest.raises(SuiteLacks, match="sm-1"):
        suites.SM_1.sign(KEY, b"m")
    with pytest.raises(UnknownSuite):
        suites.suite("md5-0")
