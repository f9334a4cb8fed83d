"""The Merkle tree over a ledger: roots, inclusion and consistency proofs (RFC 6962, RFC 9162).

A leaf is the 32 bytes of an entry's hash, which is the SHA-256 of the entry's canonical bytes.
Roots of 1024 leaves that are complete never change again: they are kept as tiles, so that a
checkpoint hashes only what is new, and a proof reads the leaves of one tile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

TILE_LEAVES = 1024
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hashes(entry_hashes: Iterable[str]) -> list[bytes]:
    """Hash of every leaf: SHA-256 of a byte 0 and the leaf (RFC 6962, 2.1)."""
    sha256, from_hex = hashlib.sha256, bytes.fromhex
    return [sha256(b"\x00" + from_hex(one)).digest() for one in entry_hashes]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root over hashes of leaves, or of complete trees of one size and a last one of any.

    Neighbours are paired level by level, and an odd last one goes up as it is: the same tree as
    that of RFC 6962, 2.1, which splits at the largest power of two.
    """
    sha256 = hashlib.sha256
    level = list(hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class MerkleTree:
    """The tree over the first entries of a ledger.

    Parameters
    ----------
    count : int
        How many entries.
    tiles : sequence of bytes
        Roots of the complete tiles, `count` // 1024 of them at least.
    hashes_between : callable
        Hashes of the entries `[begin, end)`, in hexadecimal, counted from 0; at most 1024.
    """

    def __init__(
        self,
        count: int,
        tiles: Sequence[bytes],
        hashes_between: Callable[[int, int], Sequence[str]],
    ) -> None:
        self.count = count
        self._tiles = tiles
        # The same few tiles are asked for again and again.
        self._leaves = lru_cache(maxsize=64)(
            lambda begin, end: leaf_hashes(hashes_between(begin, end))
        )

    @property
    def root(self) -> bytes:
        """The Merkle tree hash of all entries."""
        return self._subtree(0, self.count)

    def inclusion(self, index: int) -> list[bytes]:
        """Path from an entry to the root (RFC 9162, 2.1.3.1).

        Parameters
        ----------
        index : int
            Place of the entry, from 0: its sequence less one.

        Raises
        ------
        ValueError
            If the tree has no such place.
        """
        if not 0 <= index < self.count:
            raise ValueError(f"place {index} is outside a tree of {self.count}")
        path: list[bytes] = []
        begin, end = 0, self.count
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, before_count: int) -> list[bytes]:
        """Proof that this tree begins with that of a smaller size (RFC 9162, 2.1.4.1).

        Raises
        ------
        ValueError
            If that size is not between 1 and the size of this tree.
        """
        if not 1 <= before_count <= self.count:
            raise ValueError(f"a tree of {self.count} does not begin with one of {before_count}")
        path: list[bytes] = []
        begin, end, is_whole = 0, self.count, True
        while before_count != end:
            middle = begin + _split(end - begin)
            if before_count <= middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(begin, middle))
                begin, is_whole = middle, False
        if not is_whole:
            path.append(self._subtree(begin, end))
        return path[::-1]

    def _subtree(self, begin: int, end: int) -> bytes:
        """Root over the entries `[begin, end)`; within one tile, or beginning with one."""
        if end - begin < TILE_LEAVES:
            first = begin // TILE_LEAVES * TILE_LEAVES
            within = self._leaves(first, min(first + TILE_LEAVES, self.count))
            return root_of(within[begin - first : end - first])
        whole = list(self._tiles[begin // TILE_LEAVES : end // TILE_LEAVES])
        rest = end // TILE_LEAVES * TILE_LEAVES
        return root_of([*whole, self._subtree(rest, end)] if rest < end else whole)


def _split(count: int) -> int:
    """The largest power of two below a count of 2 or more."""
    return 1 << (count - 1).bit_length() - 1
