"""What is personal of drivers at rest: sealed with a key for each, which can be destroyed.

What is sealed is the same each time it is told (AES-SIV, RFC 5297), so that a row that comes again
is known, and digests of rows say nothing of what is in them. Keys of drivers are in a table,
wrapped with a key that is a file of the home.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Column, ForeignKeyConstraint, Table, Text, delete, insert, select

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.frames import PERSONAL
from fleet_carbon.storage.codes import in_parts
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import make_folder, write_secret
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

_KEY_BITS = 512
_SEALED = "sealed:"

person_keys = Table(
    "person_keys",
    METADATA,
    fleet_column(),
    Column("driver_id", Text, primary_key=True),
    Column("wrapped_key", Text, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# That a person was erased, when and why: nothing that says who it was.
erasures = Table(
    "erasures",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("driver_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("erased_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)
only_grows(erasures)


class Persons:
    """The keys of a fleet's drivers, and what they seal."""

    def __init__(self, transaction: Transaction, home: Path) -> None:
        self._transaction = transaction
        self._path = home / "persons" / "wrapping.key"

    def sealed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of drivers with what is personal sealed; who is new gets a key.

        Raises
        ------
        InputRefused
            If one of the drivers was erased.
        """
        ids = {str(one) for one in rows["driver_id"]}
        if again := sorted(ids & self.erased()):
            raise InputRefused(
                "driver_erased",
                f"The file names drivers who were erased: {', '.join(again[:5])}.",
                "Nothing of the file was kept. Take their rows out, or give them another id.",
            )
        keys = self._keys_for(ids)
        return self._each(rows, lambda driver, name, held: _seal(keys[driver], name, held))

    def sealed_text(self, driver_id: str, name: str, said: str) -> str:
        """What was said by a driver, or to one, sealed.

        Raises
        ------
        InputRefused
            If the driver was erased.
        """
        if driver_id in self.erased():
            raise InputRefused(
                "driver_erased",
                f"Driver {driver_id!r} was erased: nothing more is kept of what is said.",
                "Nothing was kept.",
            )
        return _seal(self._keys_for({driver_id})[driver_id], name, said)

    def opened_texts(self, name: str, held: Sequence[tuple[str, str]]) -> list[str]:
        """Texts as they were said, by driver and sealed text; of who was erased they are empty."""
        keys = self._keys({driver for driver, _ in held})
        return [_open(keys.get(driver), name, one) or "" for driver, one in held]

    def _keys_for(self, ids: set[str]) -> dict[str, bytes]:
        """The keys of drivers; who is new gets one."""
        keys = self._keys(ids)
        missing = sorted(ids - keys.keys())
        if missing:
            made = {one: AESSIV.generate_key(_KEY_BITS) for one in missing}
            keys |= made
            wrapped = [
                {
                    "fleet_id": self._transaction.fleet_id,
                    "driver_id": one,
                    "wrapped_key": self._wrapped(one, key),
                }
                for one, key in made.items()
            ]
            self._transaction.writing.execute(insert(person_keys), wrapped)
        return keys

    def opened(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows as they were told; of who was erased what is personal is missing."""
        if not len(rows):
            return rows
        keys = self._keys({str(one) for one in rows["driver_id"]})
        return self._each(rows, lambda driver, name, held: _open(keys.get(driver), name, held))

    def erased(self) -> set[str]:
        """Drivers who were erased."""
        chosen = select(erasures.c.driver_id).where(
            erasures.c.fleet_id == self._transaction.fleet_id
        )
        return set(self._transaction.reading.scalars(chosen))

    def erase(self, driver_id: str, reason: str, at: datetime, *, files: Iterable[str]) -> None:
        """Destroy the key of a driver, and write down that it was done."""
        fleet_id = self._transaction.fleet_id
        self._transaction.writing.execute(
            delete(person_keys).where(
                person_keys.c.fleet_id == fleet_id, person_keys.c.driver_id == driver_id
            )
        )
        self._transaction.writing.execute(
            insert(erasures).values(
                fleet_id=fleet_id,
                sequence=self._transaction.next_sequence(erasures),
                driver_id=driver_id,
                reason=reason,
                files=json.dumps(sorted(files)),
                erased_at=at,
            )
        )

    def _each(
        self, rows: pd.DataFrame, change: Callable[[str, str, str], str | None]
    ) -> pd.DataFrame:
        changed = rows.copy()
        drivers = rows["driver_id"].tolist()
        for name in PERSONAL:
            held = [None if pd.isna(one) else str(one) for one in rows[name].tolist()]
            values = [
                None if one is None else change(str(driver), name, one)
                for driver, one in zip(drivers, held, strict=True)
            ]
            changed[name] = pd.array(values, dtype="string")
        return changed

    def _keys(self, ids: set[str]) -> dict[str, bytes]:
        table = person_keys
        found: list[tuple[str, str]] = []
        for part in in_parts(sorted(ids)):
            chosen = select(table.c.driver_id, table.c.wrapped_key).where(
                table.c.fleet_id == self._transaction.fleet_id, table.c.driver_id.in_(part)
            )
            found += [(one, held) for one, held in self._transaction.reading.execute(chosen)]
        if not found:
            return {}
        try:
            wrapping = AESSIV(self._wrapping())
            return {
                one: wrapping.decrypt(base64.b64decode(held), [one.encode()]) for one, held in found
            }
        except (OSError, InvalidTag, ValueError) as failure:
            raise FleetCarbonError(
                "personal_key_missing",
                f"The key that protects names and telephone numbers is not at {self._path}.",
                "Restore the file from a backup of the home folder.",
            ) from failure

    def _wrapped(self, driver_id: str, key: bytes) -> str:
        if not self._path.exists():
            make_folder(self._path.parent)
            write_secret(self._path, base64.b64encode(AESSIV.generate_key(_KEY_BITS)))
        sealed = AESSIV(self._wrapping()).encrypt(key, [driver_id.encode()])
        return base64.b64encode(sealed).decode()

    def _wrapping(self) -> bytes:
        return base64.b64decode(self._path.read_bytes())


def _seal(key: bytes, name: str, held: str) -> str:
    # An empty text cannot be sealed, so that every text has one byte more.
    content = AESSIV(key).encrypt(b"=" + held.encode(), [name.encode()])
    return _SEALED + base64.b64encode(content).decode()


def _open(key: bytes | None, name: str, held: str) -> str | None:
    if key is None:
        return None
    content = base64.b64decode(held.removeprefix(_SEALED))
    return AESSIV(key).decrypt(content, [name.encode()])[1:].decode()
