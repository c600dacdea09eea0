"""Notes, keys, receipts and the single-file verifier, against an independent Ed25519 and by changing every byte."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gongshu.kernel import bundle, ed25519, note, verifier
from gongshu.kernel.canonical import canonical
from gongshu.kernel.merkle import Tree, leaf_hash
from gongshu.kernel.note import Checkpoint, Key, NoteFault
from gongshu.kernel.proof import Proof, ProofFault, disclosure, entry, receipt, verify

# RFC 8032 7.1: secret, public, message, signature
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Key.of("county.example/chain", SECRET.public_key().public_bytes_raw())
LEAF = {
    "type": "sharing.grant.issued",
    "subject": ["grant", "SQ-20260408-0001"],
    "title": disclosure("低保对象信息"),
    "body": disclosure({"items": ["姓名", "证件号码"]}),
    "clauses": ["ZY-24.3"],
    "at": "2026-04-08T01:00:00.000000+00:00",
    "actor": [7, disclosure("审核员甲")],
}
DISCLOSED = {"title": "低保对象信息", "body": {"items": ["姓名", "证件号码"]}, "actor": "审核员甲"}


def made(
    leaf: dict[str, Any] = LEAF, disclosed: dict[str, Any] = DISCLOSED, size: int = 9, index: int = 5
) -> bytes:
    tree = Tree(lambda _level, _index: b"")
    tree.append([leaf_hash(entry(leaf) if number == index else bytes([number])) for number in range(size)])
    signed = note.sign(Checkpoint(KEY.name, size, tree.root()).text, KEY, SECRET.sign)
    return receipt(leaf, disclosed, index, tuple(tree.inclusion(index)), signed, KEY)


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    told = [bytes.fromhex(each) for each in (public, message, signature)]
    assert ed25519.verify(*told)
    assert (
        Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).public_key().public_bytes_raw() == told[0]
    )
    for position in range(64):
        wrong = bytearray(told[2])
        wrong[position] ^= 1
        assert not ed25519.verify(told[0], told[1], bytes(wrong))
    assert not ed25519.verify(told[0], told[1] + b"x", told[2])
    # the same signature with S + L would be a second spelling
    large = (int.from_bytes(told[2][32:], "little") + ORDER).to_bytes(32, "little")
    assert not ed25519.verify(told[0], told[1], told[2][:32] + large)
    assert not ed25519.verify(told[0][:31], told[1], told[2])
    assert not ed25519.verify(b"\xff" * 32, told[1], told[2])


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_signatures_of_an_independent_implementation(secret: bytes, message: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    assert ed25519.verify(private.public_key().public_bytes_raw(), message, private.sign(message))


def test_a_note_of_the_specification() -> None:
    # C2SP signed-note and the Go implementation's own example key
    key = Key.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert note.verify(f"{text}\n{line}\n", [key]).text == text
    assert str(key).startswith("PeterNeumann+c74f20a3+")


def test_unknown_signers_are_ignored_and_known_ones_must_be_right() -> None:
    other = Ed25519PrivateKey.generate()
    witness = Key.of("witness.example", other.public_key().public_bytes_raw())
    text = "county.example/chain\n1\nx\n"
    signed = note.sign(text, KEY, SECRET.sign)
    cosigned = signed + note.sign(text, witness, other.sign).rpartition("\n\n")[2]
    assert len(note.verify(cosigned, [KEY]).signatures) == 2
    assert note.verify(cosigned, [KEY, witness])
    forged = signed + note.sign("other\n", witness, other.sign).rpartition("\n\n")[2]
    assert note.verify(forged, [KEY])
    for keys in ([KEY, witness], [Key.of(KEY.name, witness.public)], []):
        with pytest.raises(NoteFault):
            note.verify(forged, keys)


@pytest.mark.parametrize(
    "bad",
    ["", "x", "text\n\n", "text\n\nno signature\n", "a\tb\n\n— n AAAAAAAA\n", "a\n\n— n AAAA\n", "a\n\n— n A A\n",
     "a\n\n—  AAAAAAAA\n", "a\n\n— n AAAAAAA=\n", "a\n\n— n AAAAAAAB\n— n !\n", "a\n\n" + "— n AAAAAAAA\n" * 65],
)  # fmt: skip
def test_malformed_notes_are_refused(bad: str) -> None:
    with pytest.raises(NoteFault):
        note.verify(bad, [KEY])


@pytest.mark.parametrize(
    "bad", ["", "a+b", "a+00000000+AQ==", f"x{KEY}", str(KEY).replace("+A", "+B"), "a b+0+AAAA"]
)
def test_malformed_keys_are_refused(bad: str) -> None:
    with pytest.raises(NoteFault):
        Key.parse(bad)


@pytest.mark.parametrize(
    "bad", ["o\n1\n", "o\n01\nAAAA\n", "o\n1\nAAAA\n", "o\n-1\nAAAA\n", "o\n\nAAAA\n", "o\n１\nA\n"]
)
def test_malformed_checkpoints_are_refused(bad: str) -> None:
    with pytest.raises(NoteFault):
        Checkpoint.parse(bad)


def test_checkpoints_can_be_read_back() -> None:
    head = Checkpoint("county.example/chain", 7, bytes(range(32)), ("note",))
    assert Checkpoint.parse(head.text) == head


@given(st.integers(1, 40), st.data())
def test_receipts_prove_their_leaf(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    raw = made(size=size, index=index)
    verified = verify(raw, str(KEY), canonical(LEAF))
    assert verified.leaf == LEAF and verified.index == index and verified.checkpoint.size == size
    assert verified.key_given and not verify(raw).key_given
    assert Proof.parse(raw).write() == raw


def test_changing_any_byte_is_found() -> None:
    raw = made()
    for position in range(len(raw)):
        wrong = bytearray(raw)
        wrong[position] ^= 1 << position % 8
        with pytest.raises(ProofFault):
            verify(bytes(wrong), str(KEY))
    for cut in (raw[:-1], raw[1:], raw + b"\n", b"", raw.replace(b"index 5", b"index 05")):
        with pytest.raises(ProofFault):
            verify(cut, str(KEY))


@pytest.mark.parametrize(
    ("code", "raw", "key", "body"),
    [
        ("signature", made(), Key.of(KEY.name, bytes(31) + b"\x01"), None),
        ("signature", made(), Key.of("other", KEY.public), None),
        ("other_body", made(), KEY, canonical({**LEAF, "at": "2026"})),
        ("disclosed", made(disclosed={"title": "别的"}), KEY, None),
        ("disclosed", made(disclosed={"nothing": "x"}), KEY, None),
        ("malformed", b"c2sp.org/tlog-proof@v1\nindex 0\n\nx", KEY, None),
        ("malformed", made().replace(b"c2sp", b"C2SP"), KEY, None),
    ],
)
def test_why_a_receipt_proves_nothing(code: str, raw: bytes, key: Key, body: bytes | None) -> None:
    with pytest.raises(ProofFault) as fault:
        verify(raw, str(key), body)
    assert fault.value.code == code and code in verifier.TEXTS


def test_extra_data_has_one_spelling() -> None:
    proof = Proof.parse(made())
    respelled = json.dumps(json.loads(proof.extra), indent=1, ensure_ascii=False).encode()
    with pytest.raises(ProofFault, match="canonical"):
        verify(Proof(proof.index, proof.path, proof.checkpoint, respelled).write(), str(KEY))


def test_another_leaf_is_not_included() -> None:
    proof = Proof.parse(made())
    other = canonical({"key": str(KEY), "leaf": {**LEAF, "type": "x"}, "disclosed": {}})
    with pytest.raises(ProofFault, match="not_included"):
        verify(Proof(proof.index, proof.path, proof.checkpoint, other).write(), str(KEY))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, key = tmp_path / "a.tlog-proof", tmp_path / "key"
    file.write_bytes(made())
    key.write_text(f"{KEY}\n")
    assert verifier.main([str(file), "--key", str(key), "--lang", "zh"]) == 0
    text = capsys.readouterr().out
    assert "核验通过" in text and "低保对象信息" in text and "审核员甲" in text and "6 (共 9 条)" in text
    assert verifier.main([str(file), "--lang", "en"]) == 0
    assert "Compare with the key" in capsys.readouterr().out
    assert verifier.main([str(file), "--key", str(KEY), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["leaf"] == LEAF
    file.write_bytes(made().replace(b"index 5", b"index 6"))
    assert verifier.main([str(file), "--key", str(key), "--lang", "en"]) == 1
    assert "Not proved: the event is not in this ledger" in capsys.readouterr().err
    assert verifier.main([str(tmp_path / "none")]) == 2


def test_the_single_file_runs_alone(tmp_path: Path) -> None:
    pyz = bundle.build_verifier(tmp_path / "gongshu-verify.pyz")
    assert bundle.build_verifier(tmp_path / "again.pyz").read_bytes() == pyz.read_bytes()
    file = tmp_path / "a.tlog-proof"
    file.write_bytes(made())
    command = [sys.executable, "-I", "-S", str(pyz), str(file), "--key", str(KEY), "--json"]
    ran = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={"PATH": os.environ["PATH"]}
    )
    assert ran.returncode == 0 and json.loads(ran.stdout)["proved"] is True, ran.stderr
    file.write_bytes(made().replace(b"index 5", b"index 4"))
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("name", bundle.MODULES)
def test_the_verifier_keeps_to_an_old_python_and_its_library(name: str) -> None:
    tree = ast.parse((Path(bundle.__file__).parent / f"{name}.py").read_text("utf-8"), feature_version=(3, 7))
    for each in ast.walk(tree):
        names = [alias.name for alias in each.names] if isinstance(each, ast.Import) else []
        names += [each.module or ""] if isinstance(each, ast.ImportFrom) else []
        for module in names:
            ours = module.startswith("gongshu.kernel")
            assert ours or module.split(".")[0] in sys.stdlib_module_names, module
