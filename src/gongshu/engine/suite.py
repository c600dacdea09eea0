"""Cryptographic suites: one object per profile, its id written into everything it makes.

A suite bundles a hash, a keyed digest, authenticated encryption and signatures. ``intl-1`` is SHA-256,
HMAC-SHA-256, AES-256-GCM and Ed25519. ``sm-1`` is SM3, HMAC-SM3 and SM4-GCM; SM2 signatures are not
available yet and asking for one raises :class:`SuiteLacks`.

Tokens made by :func:`seal` read ``<suite id>.<key version>.<base64url(nonce || ciphertext || tag)>``: a token
says which suite and which key opens it, so both can be changed while old tokens stay readable.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
TAG_BYTES = 16


class SuiteError(Exception):
    """Something a suite cannot do, or material that it refuses."""


class UnknownSuite(SuiteError):
    """No suite is registered under this id."""


class SuiteLacks(SuiteError):
    """The suite exists and does not offer this operation."""


class CannotOpen(SuiteError):
    """The token is damaged, was sealed for something else, or under another key."""


@dataclass(frozen=True)
class MasterKey:
    """Key material by version; the highest version seals, every version opens.

    ``material`` maps version (1, 2, ...) to at least 32 random bytes.
    """

    material: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.material:
            raise SuiteError("a master key needs at least one version")
        for version, secret in self.material.items():
            if version < 1 or len(secret) < 32:
                raise SuiteError(
                    f"master key version {version}: needs a version from 1 and at least 32 bytes"
                )

    @property
    def current(self) -> int:
        """The version that seals new tokens."""
        return max(self.material)

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        """Read ``<hex>`` (version 1) or ``2:<hex>,1:<hex>``."""
        material: dict[int, bytes] = {}
        try:
            for part in text.strip().split(","):
                version, colon, secret = part.strip().rpartition(":")
                material[int(version) if colon else 1] = bytes.fromhex(secret)
        except ValueError:
            raise SuiteError("a master key is written <hex> or <version>:<hex>,<version>:<hex>") from None
        return cls(material)


Key = bytes | MasterKey


@dataclass(frozen=True)
class Suite:
    """A profile of algorithms that belong together."""

    id: str
    hash_name: str
    cipher: str
    key_bytes: int
    signature: str | None

    # ---- digests
    def hash(self, data: bytes) -> bytes:
        """Digest of ``data`` (32 bytes in both suites)."""
        if self.hash_name == "sha256":  # the constructor is twice as fast as new() for short data
            return hashlib.sha256(data).digest()
        return hashlib.new(self.hash_name, data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Keyed digest (HMAC) of ``data``."""
        return hmac.digest(key, data, self.hash_name)

    def verify_mac(self, key: bytes, data: bytes, tag: bytes) -> bool:
        """Whether ``tag`` is the keyed digest of ``data``; takes the same time for every wrong tag."""
        return hmac.compare_digest(self.mac(key, data), tag)

    # ---- authenticated encryption
    def seal(self, key: Key, plaintext: bytes, aad: bytes) -> str:
        """Encrypt; ``aad`` (what the secret belongs to) must be given again to open it."""
        version, secret = _newest(key)
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound(self.id, version, aad)
        sealed = nonce + self._encrypt(self._subkey(secret), nonce, plaintext, bound)
        return f"{self.id}.{version}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def open_(self, key: Key, token: str, aad: bytes) -> bytes:
        """Decrypt a token of this suite; raises :class:`CannotOpen` on any doubt."""
        suite_id, version, sealed = _parts(token)
        if suite_id != self.id:
            raise CannotOpen(f"the token belongs to suite {suite_id}, not {self.id}")
        secret = _versioned(key, version)
        bound = _bound(self.id, version, aad)
        return self._decrypt(self._subkey(secret), sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)

    def _subkey(self, secret: bytes) -> bytes:
        # The master key never encrypts itself: each suite works under its own derived key.
        return self.mac(secret, b"gongshu seal " + self.id.encode())[: self.key_bytes]

    def _encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        if self.cipher == "aes-256-gcm":
            return AESGCM(key).encrypt(nonce, plaintext, aad)
        worker = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
        worker.authenticate_additional_data(aad)
        return worker.update(plaintext) + worker.finalize() + worker.tag

    def _decrypt(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        try:
            if self.cipher == "aes-256-gcm":
                return AESGCM(key).decrypt(nonce, sealed, aad)
            body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
            worker = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
            worker.authenticate_additional_data(aad)
            return worker.update(body) + worker.finalize()
        except (InvalidTag, ValueError):
            raise CannotOpen("the token is damaged, for something else, or under another key") from None

    # ---- signatures
    def generate_key(self) -> bytes:
        """A new private signing key, 32 raw bytes."""
        self._must_sign()
        return Ed25519PrivateKey.generate().private_bytes_raw()

    def public_key(self, private: bytes) -> bytes:
        """The public half of a private signing key, 32 raw bytes."""
        self._must_sign()
        return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def sign(self, private: bytes, message: bytes) -> bytes:
        """Signature over ``message``, 64 bytes (RFC 8032)."""
        self._must_sign()
        return Ed25519PrivateKey.from_private_bytes(private).sign(message)

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` over ``message`` was made with the private half of ``public``."""
        self._must_sign()
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _must_sign(self) -> None:
        if self.signature is None:
            raise SuiteLacks(f"suite {self.id} has no signatures in this installation; use intl-1 to sign")


INTL_1 = Suite("intl-1", "sha256", "aes-256-gcm", 32, "ed25519")
SM_1 = Suite("sm-1", "sm3", "sm4-gcm", 16, None)
SUITES: dict[str, Suite] = {s.id: s for s in (INTL_1, SM_1)}


def suite(suite_id: str = "intl-1") -> Suite:
    """The registered suite of this id; raises :class:`UnknownSuite`."""
    try:
        return SUITES[suite_id]
    except KeyError:
        raise UnknownSuite(f"no suite {suite_id!r}; known: {', '.join(SUITES)}") from None


def seal(key: Key, plaintext: bytes, aad: bytes, *, suite_id: str = "intl-1") -> str:
    """Seal with the named suite; see :meth:`Suite.seal`."""
    return suite(suite_id).seal(key, plaintext, aad)


def open_(key: Key, token: str, aad: bytes) -> bytes:
    """Open a token with the suite and key version that it names."""
    return suite(_parts(token)[0]).open_(key, token, aad)


def _newest(key: Key) -> tuple[int, bytes]:
    whole = key if isinstance(key, MasterKey) else MasterKey({1: key})
    return whole.current, whole.material[whole.current]


def _versioned(key: Key, version: int) -> bytes:
    whole = key if isinstance(key, MasterKey) else MasterKey({1: key})
    try:
        return whole.material[version]
    except KeyError:
        raise CannotOpen(
            f"the token needs version {version} of the master key, which is not loaded"
        ) from None


def _bound(suite_id: str, version: int, aad: bytes) -> bytes:
    # Suite and version are authenticated too: a token cannot be relabelled.
    return f"{suite_id}.{version}.".encode() + aad


def _parts(token: str) -> tuple[str, int, bytes]:
    try:
        suite_id, version, body = token.split(".")
        sealed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        number = int(version)
    except (ValueError, binascii.Error):
        raise CannotOpen("not a sealed token (<suite>.<key version>.<base64url>)") from None
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise CannotOpen("the token is cut short")
    return suite_id, number, sealed
