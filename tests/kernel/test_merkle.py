import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongshu.kernel.merkle import (
    EMPTY_ROOT,
    WIDTH,
    Tree,
    leaf_hash,
    node_hash,
    tile_root,
    verify_consistency,
    verify_inclusion,
)

# The eight entries, roots and proofs of the reference tests of Certificate Transparency (RFC 6962).
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION_0_OF_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
CONSISTENCY_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def empty(_level: int, _index: int) -> bytes:
    return b""


def tree_of(count: int, steps: int = 0) -> tuple[Tree, list[bytes]]:
    hashes = [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]
    tree = Tree(empty)
    for start in range(0, count, steps or count or 1):
        tree.append(hashes[start : start + (steps or count)])
    return tree, hashes


def naive(hashes: list[bytes]) -> bytes:
    """The definition of RFC 9162 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(naive(hashes[:k]), naive(hashes[k:]))


def test_the_reference_vectors() -> None:
    tree = Tree(empty)
    for entry, root in zip(ENTRIES, ROOTS, strict=True):
        tree.append([leaf_hash(bytes.fromhex(entry))])
        assert tree.root().hex() == root
    assert [tree.root(size + 1).hex() for size in range(8)] == ROOTS
    assert [each.hex() for each in tree.inclusion(0)] == INCLUSION_0_OF_8
    assert [each.hex() for each in tree.consistency(6)] == CONSISTENCY_6_TO_8
    assert tree.root(0) == EMPTY_ROOT == hashlib.sha256().digest()


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65800])
def test_tiles_give_the_root_of_the_definition(count: int) -> None:
    tree, hashes = tree_of(count)
    assert tree.root() == naive(hashes)
    widths = {place: len(data) // 32 for place, data in tree.changed.items()}
    for (level, index), width in widths.items():
        assert width == min(WIDTH, (count >> (8 * level)) - index * WIDTH)


@given(st.integers(0, 1500), st.integers(1, 700))
def test_appending_in_steps_changes_nothing(count: int, steps: int) -> None:
    whole, _ = tree_of(count)
    stepped, _ = tree_of(count, steps)
    assert stepped.changed == whole.changed and stepped.root() == whole.root()


@given(st.integers(1, 1200), st.data())
def test_every_inclusion_is_proved_and_no_other(count: int, data: st.DataObject) -> None:
    tree, hashes = tree_of(count)
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    root, path = tree.root(size), tree.inclusion(index, size)
    assert tree.leaf(index) == hashes[index] and verify_inclusion(hashes[index], index, size, path, root)
    assert not verify_inclusion(hashes[index], index, size, [*path, bytes(32)], root)
    assert not verify_inclusion(hashes[index], index, size, path[:-1], root) or not path
    assert not verify_inclusion(hashes[index], size, size, path, root)
    other = data.draw(st.integers(0, size - 1))
    assert (other == index) == verify_inclusion(hashes[index], other, size, path, root)
    flipped = bytearray(b"".join(path) or root)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if path:
        wrong = [bytes(flipped[at : at + 32]) for at in range(0, len(flipped), 32)]
        assert not verify_inclusion(hashes[index], index, size, wrong, root)
    else:
        assert not verify_inclusion(hashes[index], index, size, path, bytes(flipped))


@given(st.integers(0, 1200), st.data())
def test_every_growth_is_proved_and_no_rewriting(count: int, data: st.DataObject) -> None:
    tree, _ = tree_of(count)
    new = data.draw(st.integers(0, count))
    old = data.draw(st.integers(0, new))
    first, second, path = tree.root(old), tree.root(new), tree.consistency(old, new)
    assert verify_consistency(old, new, first, second, path)
    assert not verify_consistency(old, new, first, second, [*path, bytes(32)])
    assert not verify_consistency(new + 1, new, second, second, path)
    if old != new:
        assert not verify_consistency(old, new, bytes(32), second, path)
    if 0 < old < new:
        assert not verify_consistency(old, new, first, bytes(32), path)
        assert not verify_consistency(old, new, first, second, path[:-1])
        assert not verify_consistency(old, new, second, first, path)


def test_a_tree_goes_on_from_stored_tiles() -> None:
    whole, hashes = tree_of(1000)
    first = Tree(empty)
    first.append(hashes[:600])
    stored = dict(first.changed)
    # a writer that died after storing tiles and before signing: the tile is longer than the size says
    stored[0, 2] += b"".join(hashes[600:610])
    again = Tree(lambda level, index: stored.get((level, index), b""), 600)
    again.append(hashes[600:])
    assert again.root() == whole.root() and again.consistency(600) == whole.consistency(600)
    assert set(again.changed) == {(0, 2), (0, 3), (1, 0)}


def test_outside_the_tree_is_refused() -> None:
    tree, _ = tree_of(5)
    for wrong in (lambda: tree.inclusion(5), lambda: tree.inclusion(0, 6), lambda: tree.consistency(3, 6)):
        with pytest.raises(ValueError, match="outside"):
            wrong()
    with pytest.raises(ValueError, match="fewer hashes"):
        Tree(empty, 3).root()


@given(st.integers(0, 70000), st.integers(100, 9000))
@settings(max_examples=15, deadline=None)
def test_full_tiles_can_be_put_away(count: int, steps: int) -> None:
    whole, hashes = tree_of(count)
    lean, stored = Tree(empty), {}
    for start in range(0, count, steps):
        lean.append(hashes[start : start + steps])
        stored.update(lean.take_full())
        assert lean.root() == whole.root(lean.size) and len(lean.changed) <= 3
    assert {**stored, **lean.changed} == whole.changed
    for (level, index), data in stored.items():
        assert tile_root(data) == whole._subtree(8 * (level + 1), index)


def test_an_inner_node_is_no_leaf() -> None:
    tree, _ = tree_of(4)
    root, left = tree.root(), tree.root(2)
    assert not verify_inclusion(root, 0, 4, [], root)
    assert not verify_inclusion(left, 0, 4, tree.inclusion(0)[1:], root)
