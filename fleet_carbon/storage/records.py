"""What was told of trucks, drivers, orders, fuel, prices: every version, and the one in force."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Table,
    func,
    insert,
    select,
)

from fleet_carbon import frames
from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceivedFile, ReceivedFiles
from fleet_carbon.storage.persons import Persons
from fleet_carbon.storage.withdrawals import standing

REGISTER = {
    frame.name: frame
    for frame in (
        frames.VEHICLES,
        frames.DRIVERS,
        frames.ASSIGNMENTS,
        frames.ENERGY,
        frames.BASELINES,
    )
}
# What comes out of SQL, and what it is in a frame where pandas would choose otherwise.
_ARROW_TYPES: dict[str, pa.DataType] = {
    frames.TEXT: pa.large_string(),
    frames.INTEGER: pa.int64(),
    frames.NUMBER: pa.float64(),
    frames.FLAG: pa.bool_(),
    frames.MOMENT: pa.timestamp("ms", tz="UTC"),
    frames.DAY: pa.large_string(),
}
_PANDAS_DTYPES = {
    pa.large_string(): pd.StringDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_ORDER_VERSION_KEY = ("order_id", "version")
_KEYS_PER_QUERY = 500
# Read together: as rows of Python objects they take ten times the memory of columns.
_ROWS_PER_PART = 8192


class _Versions:
    """The versions of the rows of one frame, for one fleet."""

    def __init__(
        self,
        transaction: Transaction,
        files: ReceivedFiles,
        frame: frames.Frame,
        key: tuple[str, ...],
    ) -> None:
        self._transaction = transaction
        self._files = files
        self.fleet_id = transaction.fleet_id
        self.frame = frame
        self.key = key
        self.table: Table = tables.VERSIONS[frame.name]

    def save(
        self, rows: pd.DataFrame, received: ReceivedFile, *, may_replace: bool = True
    ) -> tuple[npt.NDArray[np.bool_], list[int]]:
        """Record the rows that say something new; also the places of those that replace another.

        If they may not, those are not recorded.
        """
        records = _records_of(self.frame, rows)
        keys = [_json_text([record[name] for name in self.key]) for record in records]
        digests = [_digest_of(record) for record in records]
        is_known = self._files.was_known(received)
        from_this_file = self._recorded_from(received) if is_known else set()
        in_force = self._digests_in_force(keys)
        is_new = np.zeros(len(records), dtype=np.bool_)
        replacing: list[int] = []
        for place, (key, digest) in enumerate(zip(keys, digests, strict=True)):
            if in_force.get(key) == digest or (key, digest) in from_this_file:
                continue
            if key in in_force:
                replacing.append(place)
                if not may_replace:
                    continue
            in_force[key] = digest
            is_new[place] = True
        self._insert(
            [
                {**records[place], "key_text": keys[place], "content_sha256": digests[place]}
                for place in np.flatnonzero(is_new)
            ],
            received,
        )
        return is_new, replacing

    def in_force(
        self, *conditions: ColumnElement[bool], columns: Collection[str] = ()
    ) -> pd.DataFrame:
        """The last recorded version of every key that was not withdrawn, in order of the key.

        Parameters
        ----------
        *conditions : ColumnElement
            Which keys; every version of a key must meet them alike.
        columns : collection of str
            Only these and the key are read; none means all.
        """
        newest = self.table.c.sequence.in_(self._newest().where(*conditions))
        names = [one for one in self.frame.names if one in {*columns, *self.key}]
        frame = self.frame.of(names) if columns else self.frame
        chosen = self._of_fleet(frame).where(newest).order_by(self.table.c.sequence)
        found = self._transaction.reading.execute(chosen)
        shaped = shaped_rows(frame, found.partitions(_ROWS_PER_PART))
        return shaped.sort_values(list(self.key), kind="stable", ignore_index=True)

    def standing_of(
        self, columns: Sequence[Column[Any]], *conditions: ColumnElement[bool]
    ) -> Sequence[Row[Any]]:
        """Some columns of every version that was not withdrawn, in the order of recording."""
        table = self.table
        chosen = select(*columns).where(
            table.c.fleet_id == self.fleet_id, standing(table, self.fleet_id), *conditions
        )
        return self._transaction.reading.execute(chosen.order_by(table.c.sequence)).all()

    def newest(self) -> int:
        """The number of the row that was recorded last; 0 if there is none."""
        table = self.table
        newest = select(func.max(table.c.sequence)).where(table.c.fleet_id == self.fleet_id)
        return int(self._transaction.reading.scalar(newest) or 0)

    def withdrawn_count(self) -> int:
        """How many receptions were withdrawn."""
        chosen = select(func.count()).where(tables.withdrawals.c.fleet_id == self.fleet_id)
        return int(self._transaction.reading.scalar(chosen) or 0)

    def counted(self, columns: Sequence[str], *conditions: ColumnElement[bool]) -> pd.DataFrame:
        """What versions that stand say in some columns, each said once, with `count`."""
        table = self.table
        told = [table.c[name] for name in columns]
        chosen = select(*told, func.count()).where(
            table.c.fleet_id == self.fleet_id, standing(table, self.fleet_id), *conditions
        )
        found = self._transaction.reading.execute(chosen.group_by(*told)).all()
        # Column by column: made of rows, a table looks at every value several times.
        values = zip(*found, strict=True) if found else ((),) * (len(columns) + 1)
        return pd.DataFrame(dict(zip((*columns, "count"), values, strict=True)))

    def matching(self, column: str, wanted: str) -> pd.DataFrame:
        """Every version ever recorded with that value, in the order of recording."""
        table = self.table
        chosen = self._of_fleet(self.frame, table.c.recorded_at, table.c.file_id).where(
            table.c[column] == wanted
        )
        rows = self._transaction.reading.execute(chosen.order_by(table.c.sequence)).all()
        shaped = shaped_rows(self.frame, [rows])
        shaped["recorded_at"] = pd.Series([row.recorded_at for row in rows], dtype=frames.MOMENT)
        shaped["file_id"] = pd.Series([row.file_id for row in rows], dtype="string")
        return shaped

    def _of_fleet(self, frame: frames.Frame, *more: Column[Any]) -> Select[Any]:
        columns = [self.table.c[name] for name in frame.names]
        return select(*columns, *more).where(self.table.c.fleet_id == self._transaction.fleet_id)

    def _newest(self) -> Select[Any]:
        table = self.table
        return (
            select(func.max(table.c.sequence))
            .where(
                table.c.fleet_id == self._transaction.fleet_id,
                standing(table, self._transaction.fleet_id, self._transaction.known_at),
                *_known(table.c.recorded_at, self._transaction.known_at),
            )
            .group_by(table.c.key_text)
        )

    def _recorded_from(self, received: ReceivedFile) -> set[tuple[str, str]]:
        table = self.table
        chosen = select(table.c.key_text, table.c.content_sha256).where(
            table.c.fleet_id == self._transaction.fleet_id,
            table.c.file_id == received.file_id,
            standing(table, self._transaction.fleet_id),
        )
        return {(key, digest) for key, digest in self._transaction.reading.execute(chosen).all()}

    def _digests_in_force(self, keys: list[str]) -> dict[str, str]:
        table = self.table
        in_force: dict[str, str] = {}
        distinct = sorted(set(keys))
        for start in range(0, len(distinct), _KEYS_PER_QUERY):
            # Sorted here: in SQL it would tempt SQLite to walk the whole table in that order.
            chosen = select(table.c.sequence, table.c.key_text, table.c.content_sha256).where(
                table.c.fleet_id == self._transaction.fleet_id,
                table.c.key_text.in_(distinct[start : start + _KEYS_PER_QUERY]),
                standing(table, self._transaction.fleet_id),
            )
            found = sorted(tuple(row) for row in self._transaction.reading.execute(chosen).all())
            in_force.update((key, digest) for _, key, digest in found)
        return in_force

    def _insert(self, records: list[dict[str, Any]], received: ReceivedFile) -> None:
        if not records:
            return
        first = self._transaction.next_sequence(self.table)
        reception = self._files.reception_of(received)
        for sequence, record in enumerate(records, start=first):
            record["fleet_id"] = self._transaction.fleet_id
            record["sequence"] = sequence
            record["file_id"] = received.file_id
            record["reception"] = reception
            record["recorded_at"] = received.received_at
        self._transaction.writing.execute(insert(self.table), records)


def _known(recorded_at: Column[Any], known_at: datetime | None) -> list[ColumnElement[bool]]:
    """The condition that a row was on record at a moment; none for now."""
    return [] if known_at is None else [recorded_at <= known_at]


def _records_of(frame: frames.Frame, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain values for SQL: None where missing, moments in ms."""
    shaped = frame.shape(rows)
    columns: list[list[Any]] = []
    for column in frame.columns:
        held = shaped[column.name]
        missing = held.isna()
        if column.dtype == frames.MOMENT:
            held = held.dt.tz_convert(None).astype("datetime64[ms]").astype("int64")
        plain = held.astype(object)
        columns.append(plain.where(~missing, None).tolist())
    return [dict(zip(frame.names, row, strict=True)) for row in zip(*columns, strict=True)]


def shaped_rows(frame: frames.Frame, parts: Iterable[Sequence[Row[Any]]]) -> pd.DataFrame:
    """Rows that begin with the columns of the frame, in its shape."""
    schema = pa.schema([(column.name, _ARROW_TYPES[column.dtype]) for column in frame.columns])
    tables = [_in_columns(schema, rows) for rows in parts if rows]
    table = pa.concat_tables(tables) if tables else schema.empty_table()
    return frame.shape(table.to_pandas(types_mapper=_PANDAS_DTYPES.get))


def _in_columns(schema: pa.Schema, rows: Sequence[Row[Any]]) -> pa.Table:
    columns = zip(schema, zip(*rows, strict=True), strict=False)
    return pa.Table.from_arrays([pa.array(held, of.type) for of, held in columns], schema=schema)


# One encoder for all rows: json.dumps with options makes a new one for each.
_LATER = (*frames.GROUPING, *frames.INVENTORIED)
_json_text = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def _digest_of(record: dict[str, Any]) -> str:
    """Of what a row says; the columns that came later are no part of what says nothing in them."""
    said = {k: v for k, v in record.items() if v is not None or k not in _LATER}
    return hashlib.sha256(_json_text(said).encode("utf-8")).hexdigest()


class Register:
    """Trucks, drivers, assignments, fuel receipts and declared baselines."""

    def __init__(self, transaction: Transaction, files: ReceivedFiles, persons: Persons) -> None:
        self._transaction = transaction
        self._persons = persons
        self._versions = {
            kind: _Versions(transaction, files, frame, frame.key)
            for kind, frame in REGISTER.items()
        }

    def save(self, kind: str, rows: pd.DataFrame, received: ReceivedFile) -> npt.NDArray[np.bool_]:
        """Record rows of a kind; say which of them are new.

        Parameters
        ----------
        kind : str
            ``vehicles``, ``drivers``, ``assignments``, ``energy`` or ``baselines``.
        rows : DataFrame
            Columns of the frame of that kind; others are ignored.
        received : ReceivedFile
            The file they come from.

        Returns
        -------
        is_new : bool array, shape (n_rows,)
            False where the row says what is in force for its key already, or was recorded
            from these very bytes before and was not withdrawn since. A changed row is a new
            version; both stay on record.
        """
        if kind == frames.DRIVERS.name:
            rows = self._persons.sealed(frames.DRIVERS.shape(rows))
        return self._versions[kind].save(rows, received)[0]

    def read(self, kind: str) -> pd.DataFrame:
        """The rows in force: the last recorded of every key, in order of the key."""
        return self._opened(kind, self._versions[kind].in_force())

    def versions(self, kind: str, column: str, wanted: str) -> pd.DataFrame:
        """Every recorded row of a kind with that value, plus `recorded_at` and `file_id`."""
        return self._opened(kind, self._versions[kind].matching(column, wanted))

    def _opened(self, kind: str, rows: pd.DataFrame) -> pd.DataFrame:
        return self._persons.opened(rows) if kind == frames.DRIVERS.name else rows


class Orders:
    """Transport orders: every version that was received, and which of them is in force."""

    def __init__(self, transaction: Transaction, files: ReceivedFiles) -> None:
        self._versions = _Versions(transaction, files, frames.ORDERS, _ORDER_VERSION_KEY)
        self.restated: list[tuple[str, int]] = []
        """Orders of this unit of work that came with other content under the same version."""

    def save(
        self, rows: pd.DataFrame, received: ReceivedFile, *, may_restate: bool = True
    ) -> tuple[npt.NDArray[np.bool_], list[int]]:
        """Record orders; say which of them are new, and which contradict what is on record.

        An older version that comes late is new and goes on record, without being in force.
        Other content under the same version number is recorded, is in force from now on, and
        is named in `restated`; or, if it may not restate, is left out.

        Returns
        -------
        is_new : bool array, shape (n_rows,)
            False where that version of the order is on record with the same content.
        contradicting : list of int
            Places of rows that were left out; none if they may restate.
        """
        is_new, replacing = self._versions.save(rows, received, may_replace=may_restate)
        if not may_restate:
            return is_new, replacing
        versions = rows["version"].tolist()
        order_ids = rows["order_id"].tolist()
        self.restated.extend((str(order_ids[place]), int(versions[place])) for place in replacing)
        return is_new, []

    def in_force(
        self, window: tuple[datetime, datetime] | None = None, columns: Collection[str] = ()
    ) -> pd.DataFrame:
        """The highest version of every order; of several with one number the last recorded.

        Parameters
        ----------
        window : tuple of datetime, optional
            Only orders that are planned to be under way at any time in `[from, until)`.
        columns : collection of str
            Only these are read, with `order_id`, `version` and both times; none means all.
        """
        if window is None:
            return _highest(self._versions.in_force(columns=columns))
        rows = self._versions.table.c
        # What was planned before may lie outside by now, but what counts now was looked up.
        touching = select(rows.order_id).where(
            rows.fleet_id == self._versions.fleet_id, *self._under_way(window)
        )
        read = {*columns, "pickup_time", "delivery_time"} if columns else ()
        found = _highest(self._versions.in_force(rows.order_id.in_(touching), columns=read))
        inside = (found["delivery_time"] >= window[0]) & (found["pickup_time"] < window[1])
        return found[inside].reset_index(drop=True)

    def versions_in_force(self, order_ids: Collection[str]) -> dict[str, int]:
        """The version in force of those of the orders that are on record."""
        rows = self._versions.table.c
        found: dict[str, int] = {}
        distinct = sorted(set(order_ids))
        for start in range(0, len(distinct), _KEYS_PER_QUERY):
            asked = rows.order_id.in_(distinct[start : start + _KEYS_PER_QUERY])
            for row in self._versions.standing_of((rows.order_id, rows.version), asked):
                found[row.order_id] = max(row.version, found.get(row.order_id, row.version))
        return found

    def named(self, order_ids: Collection[str]) -> pd.DataFrame:
        """What is in force of these orders, as far as they are on record."""
        rows = self._versions.table.c
        return _highest(self._versions.in_force(rows.order_id.in_(list(order_ids))))

    def of_shipper(self, shipper_id: str, window: tuple[datetime, datetime]) -> set[str]:
        """Which orders are a customer's by their version in force.

        Parameters
        ----------
        shipper_id : str
            The customer.
        window : tuple of datetime
            Only orders that this version plans to be under way in `[from, until)`.
        """
        rows = self._versions.table.c
        found = self._versions.standing_of(
            (rows.order_id,),
            rows.shipper_id == shipper_id,
            rows.sequence == self._last_of_the_order(),
            *self._under_way(window),
        )
        return {row.order_id for row in found}

    def _last_of_the_order(self) -> ScalarSelect[int]:
        """Of the highest version the one last recorded.

        It is found order by order in an index, where a join would read the orders of everybody.
        """
        table, fleet_id = self._versions.table, self._versions.fleet_id
        other = table.alias()
        same = (other.c.fleet_id == fleet_id, other.c.order_id == table.c.order_id)
        found = select(other.c.sequence).where(*same, standing(other, fleet_id)).correlate(table)
        last = found.order_by(other.c.version.desc(), other.c.sequence.desc()).limit(1)
        return last.scalar_subquery()

    def mark(self) -> tuple[int, int]:
        """Is another one as soon as an order was received, or a reception withdrawn."""
        return self._versions.newest(), self._versions.withdrawn_count()

    def places(self, window: tuple[datetime, datetime]) -> pd.DataFrame:
        """Where orders load and unload that any version planned to be under way in a window.

        Returns
        -------
        places : DataFrame
            Every pair of points once, `pickup_lon`, `pickup_lat`, `delivery_lon` and
            `delivery_lat`, with `count`: how many versions name it.
        """
        return self._versions.counted(
            [f"{end}_{axis}" for end in ("pickup", "delivery") for axis in ("lon", "lat")],
            *self._under_way(window),
        )

    def _under_way(self, window: tuple[datetime, datetime]) -> tuple[ColumnElement[bool], ...]:
        from_ms, until_ms = map(to_epoch_ms, window)
        rows = self._versions.table.c
        return rows.delivery_time >= from_ms, rows.pickup_time < until_ms

    def versions(self, order_id: str) -> pd.DataFrame:
        """All that was received about an order, plus `recorded_at` and `file_id`, in that order."""
        return self._versions.matching("order_id", order_id)


def _highest(last_of_version: pd.DataFrame) -> pd.DataFrame:
    return last_of_version.drop_duplicates("order_id", keep="last", ignore_index=True)


@dataclass(frozen=True)
class PriceScope:
    """What a price is for, and whether it may be sold at today.

    Attributes
    ----------
    market : str
        Market or buyer's programme; empty for any.
    vintage : str
        Month YYYY-MM or year YYYY; empty for any.
    grade : str
        Quality of the accounts; empty for any.
    floor : Decimal, optional
        Below it nothing is sold. [currency/unit]
    is_saleable : bool
        False while there is no market for it: the price is known, and nothing is sold.
    """

    market: str = ""
    vintage: str = ""
    grade: str = ""
    floor: Decimal | None = None
    is_saleable: bool = True

    @property
    def is_general(self) -> bool:
        """Whether it is for any market, vintage and grade."""
        return not (self.market or self.vintage or self.grade)

    def fits(self, market: str, month: str, grade: str) -> bool:
        """Whether it is for this market, vintage month and grade."""
        return (
            self.market in ("", market)
            and self.vintage in ("", month, month[:4])
            and self.grade in ("", grade)
        )

    @property
    def narrowness(self) -> tuple[bool, int, bool]:
        """Sorts the narrower of two that fit last: market before vintage before grade."""
        return (bool(self.market), len(self.vintage), bool(self.grade))


@dataclass(frozen=True)
class PriceRow:
    """One price of a series, as it was set.

    Attributes
    ----------
    series : str
        Name of the series.
    price : Decimal
        Price per unit, exactly as given. [currency/unit]
    currency, unit : str
        ISO 4217; ``t`` for carbon, ``l`` for diesel.
    valid_from : date
        First day on which it is in force.
    recorded_at : datetime
        Moment it was set, aware UTC.
    scope : PriceScope
        What it is for.
    """

    series: str
    price: Decimal
    currency: str
    unit: str
    valid_from: date
    recorded_at: datetime
    scope: PriceScope = PriceScope()


class Prices:
    """The price series of a fleet; they only grow."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(
        self,
        series: str,
        price: Decimal,
        currency: str,
        *,
        unit: str,
        valid_from: date,
        recorded_at: datetime,
        scope: PriceScope | None = None,
    ) -> PriceRow:
        """Set a price from a day on; earlier ones stay on record.

        Raises
        ------
        InputRefused
            If the price is no finite number.
        """
        if not price.is_finite():
            raise InputRefused(
                "price_malformed", f"{price} is no price.", "Give a decimal number such as 30.5."
            )
        scope = scope or PriceScope()
        row = PriceRow(series, price, currency, unit, valid_from, recorded_at, scope)
        self._transaction.writing.execute(
            insert(tables.prices).values(
                fleet_id=self._transaction.fleet_id,
                sequence=self._transaction.next_sequence(tables.prices),
                series=series,
                price=str(price),
                currency=currency,
                unit=unit,
                valid_from=valid_from.isoformat(),
                recorded_at=recorded_at,
                market=scope.market,
                vintage=scope.vintage,
                grade=scope.grade,
                floor=None if scope.floor is None else str(scope.floor),
                is_saleable=scope.is_saleable,
            )
        )
        return row

    def list(self) -> list[PriceRow]:
        """All prices, in the order in which they were set."""
        table = tables.prices
        chosen = select(table).where(
            table.c.fleet_id == self._transaction.fleet_id,
            *_known(table.c.recorded_at, self._transaction.known_at),
        )
        found = self._transaction.reading.execute(chosen.order_by(table.c.sequence)).mappings()
        return [
            PriceRow(
                series=row["series"],
                price=Decimal(row["price"]),
                currency=row["currency"],
                unit=row["unit"],
                valid_from=date.fromisoformat(row["valid_from"]),
                recorded_at=row["recorded_at"],
                scope=PriceScope(
                    market=row["market"],
                    vintage=row["vintage"],
                    grade=row["grade"],
                    floor=None if row["floor"] is None else Decimal(row["floor"]),
                    is_saleable=row["is_saleable"],
                ),
            )
            for row in found
        ]

    def for_sale(self, on: date, *, market: str, month: str, grade: str) -> PriceRow | None:
        """The price of a tonne for a sale: the narrowest that fits, then the latest.

        Parameters
        ----------
        on : date
            Day of the sale.
        market, month, grade : str
            What is sold where; an empty market finds only prices for any.
        """
        fitting = [
            row
            for row in self.list()
            if row.unit == "t" and row.valid_from <= on and row.scope.fits(market, month, grade)
        ]
        return max(
            reversed(fitting), key=lambda row: (row.scope.narrowness, row.valid_from), default=None
        )

    def in_force(self, unit: str, on: date) -> PriceRow | None:
        """The price of a unit on a day: latest `valid_from` not after it, then last recorded.

        Prices for one market, vintage or grade are for sales, not for valuing a month.
        """
        valid = [
            row
            for row in self.list()
            if row.unit == unit and row.valid_from <= on and row.scope.is_general
        ]
        # max takes the first of equals, and the list is in the order of recording.
        return max(reversed(valid), key=lambda row: row.valid_from, default=None)
