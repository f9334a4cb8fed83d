"""The small integers that stand for trucks and drivers in segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select

from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.segments import BUCKET_VEHICLES, BucketNumber, Int64s, VehicleCode

_VALUES_PER_QUERY = 500


def in_parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    """The values in parts that fit a query."""
    for start in range(0, len(values), _VALUES_PER_QUERY):
        yield list(values[start : start + _VALUES_PER_QUERY])


class Codes:
    """The codes of one fleet; one that was given stays."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._fleet_id = transaction.fleet_id

    def vehicles_of(self, bucket: BucketNumber) -> dict[VehicleCode, str]:
        """Identifier of every truck of a bucket by its code."""
        table = tables.CODES["vehicle"]
        first = bucket * BUCKET_VEHICLES + 1
        chosen = select(table.c.code, table.c.vehicle_id).where(
            table.c.fleet_id == self._fleet_id,
            table.c.code.between(first, first + BUCKET_VEHICLES - 1),
        )
        return dict(self._transaction.reading.execute(chosen).all())

    def vehicle_names(self) -> dict[VehicleCode, str]:
        """Identifier of every truck by its code."""
        table = tables.CODES["vehicle"]
        chosen = select(table.c.code, table.c.vehicle_id).where(table.c.fleet_id == self._fleet_id)
        return dict(self._transaction.reading.execute(chosen).all())

    def driver_names(self) -> dict[int, str]:
        """Identifier of every driver by its code."""
        table = tables.CODES["driver"]
        chosen = select(table.c.code, table.c.driver_id).where(table.c.fleet_id == self._fleet_id)
        return dict(self._transaction.reading.execute(chosen).all())

    def given(self, kind: str, names: list[str]) -> Int64s:
        """Codes of identifiers, given now to those that have none.

        Parameters
        ----------
        kind : str
            ``vehicle`` or ``driver``.
        names : list of str, length n_names
            Distinct identifiers.

        Returns
        -------
        codes : int64 array, shape (n_names,)
            From 1.
        """
        known = self.known(kind, names)
        missing = sorted(set(names) - known.keys())
        if missing:
            table = tables.CODES[kind]
            newest = select(func.max(table.c.code)).where(table.c.fleet_id == self._fleet_id)
            first = int(self._transaction.writing.scalar(newest) or 0) + 1
            given = {name: code for code, name in enumerate(missing, start=first)}
            self._transaction.writing.execute(
                insert(table),
                [
                    {"fleet_id": self._fleet_id, "code": code, f"{kind}_id": name}
                    for name, code in given.items()
                ],
            )
            known.update(given)
        return np.array([known[name] for name in names], dtype=np.int64)

    def known(self, kind: str, names: list[str]) -> dict[str, int]:
        """Codes of those of the identifiers that have one."""
        table = tables.CODES[kind]
        column = table.c[f"{kind}_id"]
        known: dict[str, int] = {}
        for part in in_parts(names):
            chosen = select(column, table.c.code).where(
                table.c.fleet_id == self._fleet_id, column.in_(part)
            )
            known.update(map(tuple, self._transaction.reading.execute(chosen)))
        return known
