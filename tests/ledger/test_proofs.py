"""Trees, proofs and signed notes: by the published vectors, and by a second way of reckoning."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from fleet_carbon.ledger import checker
from fleet_carbon.ledger.checker import NotProven
from fleet_carbon.ledger.entries import ChainHead
from fleet_carbon.ledger.proofs import EMPTY_ROOT, TILE_LEAVES, MerkleTree, leaf_hashes, root_of
from fleet_carbon.ledger.signing import SigningKey, checkpoint_note, key_note

AT = datetime(2026, 2, 2, tzinfo=UTC)
NAME = "fleet-carbon/default"
ONE, TWO = SigningKey.from_seed(b"1" * 32), SigningKey.from_seed(b"2" * 32)

# Leaves and roots of the reference tests of certificate transparency, which hash leaves of any
# length; every root is the SHA-256 that RFC 6962, 2.1 prescribes, recomputed in `by_definition`.
LEAVES = [
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
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


def by_definition(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash exactly as RFC 6962, 2.1 writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = max(1 << at for at in range(20) if 1 << at < len(leaves))
    left, right = by_definition(leaves[:split]), by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def tree_of(size: int, kept: list[str]) -> MerkleTree:
    leaves = leaf_hashes(kept)
    tiles = [root_of(leaves[at : at + TILE_LEAVES]) for at in range(0, len(kept), TILE_LEAVES)]
    return MerkleTree(size, tiles, lambda begin, end: kept[begin:end])


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_tests(size: int) -> None:
    found = root_of([checker.leaf_hash(leaf) for leaf in LEAVES[:size]])
    assert found.hex() == ROOTS[size - 1]
    assert found == by_definition(LEAVES[:size])


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    # SHA-256 of no bytes, FIPS 180-4.
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert EMPTY_ROOT.hex() == root_of([]).hex() == expected


def test_paths_are_those_of_the_example_of_the_rfc() -> None:
    """RFC 6962, 2.1.3: a tree of seven with nodes a to j over the leaves d0 to d6."""
    kept = hashes(7)
    leaf = leaf_hashes(kept)
    a, b, c, d, e, f = leaf[:6]
    j = leaf[6]
    g, h, i = checker.node_hash(a, b), checker.node_hash(c, d), checker.node_hash(e, f)
    k, el = checker.node_hash(g, h), checker.node_hash(i, j)
    tree = tree_of(7, kept)
    assert tree.inclusion(0) == [b, h, el]
    assert tree.inclusion(3) == [c, g, el]
    assert tree.inclusion(4) == [f, j, k]
    assert tree.inclusion(6) == [i, k]
    assert tree.consistency(3) == [c, d, g, el]
    assert tree.consistency(4) == [el]
    assert tree.consistency(6) == [i, j, k]
    assert tree.consistency(7) == []


SIZES = [1, 2, 3, 7, 8, 100, 1023, 1024, 1025, 2047, 2048, 2049, 3000, 3073]


@pytest.mark.parametrize("size", SIZES)
def test_every_path_leads_to_the_root_and_no_changed_one_does(size: int) -> None:
    kept = hashes(size)
    tree, leaves, root = tree_of(size, kept), leaf_hashes(kept), checker.root_by_inclusion
    assert tree.root == by_definition([bytes.fromhex(one) for one in kept])
    for index in sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size))):
        path = tree.inclusion(index)
        assert root(leaves[index], path, index=index, count=size) == tree.root
        for at in range(len(path)):
            changed = [*path[:at], bytes(32), *path[at + 1 :]]
            assert root(leaves[index], changed, index=index, count=size) != tree.root
        for wrong in ([*path, bytes(32)], path[:-1]):
            if wrong != path:
                with pytest.raises(NotProven):
                    root(leaves[index], wrong, index=index, count=size)


@pytest.mark.parametrize("size", SIZES)
def test_a_tree_is_consistent_with_every_smaller_one_and_with_no_other(size: int) -> None:
    kept = hashes(size)
    tree = tree_of(size, kept)
    for before in sorted({1, 2, 3, size // 3, size // 2, 1024, size - 1, size}):
        if not 1 <= before <= size:
            continue
        path, old = tree.consistency(before), tree_of(before, kept).root
        assert checker.is_consistent((before, old), (size, tree.root), path)
        assert not checker.is_consistent((before, bytes(32)), (size, tree.root), path)
        assert not checker.is_consistent((before, old), (size, bytes(32)), path)
        assert not checker.is_consistent((before, old), (size, tree.root), [*path, bytes(32)])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_from_a_place_outside(index: int) -> None:
    tree = tree_of(3, hashes(3))
    with pytest.raises(ValueError, match="outside"):
        tree.inclusion(index)
    with pytest.raises(NotProven):
        checker.root_by_inclusion(bytes(32), [], index=index, count=3)


def test_a_signature_is_that_of_the_rfc() -> None:
    """RFC 8032, 7.1, TEST 2: the key of the seed, and its signature of the byte 72."""
    seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    key = SigningKey.from_seed(bytes.fromhex(seed))
    expected = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.raw.hex() == expected
    line = key.signature_line("n", "\x72")
    packed = checker.base64.b64decode(line.split(" ")[2])
    assert packed[4:].hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_a_key_comes_back_from_its_file_and_shows_itself_nowhere_else() -> None:
    assert SigningKey.from_pem(ONE.pem()).raw == ONE.raw
    assert "1" * 32 not in repr(ONE)
    with pytest.raises(ValueError):
        SigningKey.from_pem("no key")


def keys_of(*, lost: bool = False) -> list[str]:
    later = AT + timedelta(days=1)
    return [
        key_note(ONE, NAME, number=1, valid_from=AT, endorsed_by=None),
        key_note(TWO, NAME, number=2, valid_from=later, endorsed_by=None if lost else ONE),
    ]


def test_the_old_key_vouches_for_the_new_one_unless_it_is_lost() -> None:
    first, second = checker.read_keys(keys_of(), NAME)
    assert (first.raw, second.raw) == (ONE.raw, TWO.raw)
    assert first.valid_until == second.valid_from == "2026-02-03T00:00:00.000Z"
    assert second.is_endorsed
    assert not checker.read_keys(keys_of(lost=True), NAME)[1].is_endorsed


def test_every_changed_byte_of_a_key_is_found() -> None:
    notes = keys_of()
    for at, note in enumerate(notes):
        for place in range(len(note) - 1):
            changed = f"{note[:place]}{chr(ord(note[place]) ^ 1)}{note[place + 1 :]}"
            with pytest.raises(NotProven):
                checker.read_keys([*notes[:at], changed, *notes[at + 1 :]], NAME)


def test_a_checkpoint_is_signed_by_the_key_in_force() -> None:
    keys = checker.read_keys(keys_of(), NAME)
    head = ChainHead(3, "f" * 64)
    note = checkpoint_note(ONE, NAME, head=head, root=bytes(32), made_at=AT)
    found = checker.read_checkpoint(note, NAME, keys)
    assert (found.entries_count, found.root, found.head_hash) == (3, bytes(32), "f" * 64)
    for key, made_at in ((TWO, AT), (ONE, AT + timedelta(days=2)), (ONE, AT - timedelta(1))):
        other = checkpoint_note(key, NAME, head=head, root=bytes(32), made_at=made_at)
        with pytest.raises(NotProven):
            checker.read_checkpoint(other, NAME, keys)
    for place in range(len(note) - 1):
        changed = f"{note[:place]}{chr(ord(note[place]) ^ 1)}{note[place + 1 :]}"
        with pytest.raises(NotProven):
            checker.read_checkpoint(changed, NAME, keys)
