"""The keys of a ledger, its checkpoints, and the tree they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Table, func, insert, select

from fleet_carbon.ledger.proofs import TILE_LEAVES, MerkleTree, leaf_hashes, root_of
from fleet_carbon.storage.bulk import insert_rows
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.ledger import LedgerRecords
from fleet_carbon.storage.ledger_tables import ledger_checkpoints, ledger_keys, ledger_tiles

_HASHED_TOGETHER = 64 * TILE_LEAVES


@dataclass(frozen=True)
class CheckpointRow:
    """A checkpoint on record: its number from 1, how many entries it covers, the signed note."""

    number: int
    entries_count: int
    note: str


class Checkpoints:
    """What is signed of a fleet's ledger."""

    def __init__(self, transaction: Transaction, ledger: LedgerRecords) -> None:
        self._transaction = transaction
        self._ledger = ledger

    def keys(self) -> list[str]:
        """The notes of the keys, in their order."""
        table = ledger_keys
        chosen = select(table.c.note).where(table.c.fleet_id == self._transaction.fleet_id)
        return list(self._transaction.reading.scalars(chosen.order_by(table.c.sequence)))

    def add_key(self, note: str) -> None:
        """Put the note of the next key on record."""
        self._add(ledger_keys, note=note)

    def all(self) -> Iterator[CheckpointRow]:
        """The checkpoints in their order."""
        table = ledger_checkpoints
        chosen = select(table.c.sequence, table.c.entries, table.c.note).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        for row in self._transaction.reading.execute(chosen.order_by(table.c.sequence)):
            yield CheckpointRow(*row)

    def newest(self) -> CheckpointRow | None:
        """The checkpoint made last; None if there is none."""
        table = ledger_checkpoints
        chosen = select(table.c.sequence, table.c.entries, table.c.note).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        row = self._transaction.reading.execute(
            chosen.order_by(table.c.sequence.desc()).limit(1)
        ).first()
        return None if row is None else CheckpointRow(*row)

    def add(self, note: str, *, entries_count: int) -> None:
        """Put a checkpoint on record."""
        self._add(ledger_checkpoints, note=note, entries=entries_count)

    def grow_tiles(self, entries_count: int) -> None:
        """Keep the roots of the tiles that are complete by now; only new entries are hashed."""
        table = ledger_tiles
        chosen = select(func.count()).where(table.c.fleet_id == self._transaction.fleet_id)
        tile = int(self._transaction.reading.scalar(chosen) or 0)
        until = entries_count // TILE_LEAVES * TILE_LEAVES
        while (begin := tile * TILE_LEAVES) < until:
            leaves = leaf_hashes(self._ledger.hashes(begin, min(begin + _HASHED_TOGETHER, until)))
            rows = [
                (
                    self._transaction.fleet_id,
                    tile + at // TILE_LEAVES,
                    root_of(leaves[at : at + TILE_LEAVES]).hex(),
                )
                for at in range(0, len(leaves), TILE_LEAVES)
            ]
            insert_rows(
                self._transaction.writing, table, rows, columns=("fleet_id", "tile", "root")
            )
            tile += len(rows)

    def tiles(self) -> Iterator[str]:
        """The roots of the tiles on record, in their order."""
        table = ledger_tiles
        chosen = select(table.c.root).where(table.c.fleet_id == self._transaction.fleet_id)
        yield from self._transaction.reading.scalars(chosen.order_by(table.c.tile))

    def tree(self, entries_count: int) -> MerkleTree:
        """The tree over the first entries; its tiles must have been kept."""
        tiles = [bytes.fromhex(root) for root in self.tiles()]
        return MerkleTree(
            entries_count, tiles, lambda begin, end: list(self._ledger.hashes(begin, end))
        )

    def _add(self, table: Table, **values: str | int) -> None:
        number = self._transaction.next_sequence(table)
        self._transaction.writing.execute(
            insert(table).values(fleet_id=self._transaction.fleet_id, sequence=number, **values)
        )
