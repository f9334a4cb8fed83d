"""Requests of positions read and checked: by columns where nothing is in doubt, else by the rules.

A body that leaves no doubt is read in columns at once. Any other, and one whose
trucks or drivers are not all on record, is checked as files are, and told what is wrong with it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from fleet_carbon.errors import FleetCarbonError, InputRefused, Rejection, Suspicion
from fleet_carbon.ingest import bodies, intake, plain
from fleet_carbon.ingest.bodies import ColumnsTable, HeldTable
from fleet_carbon.ingest.dialects.held import HeldMessages, held_messages
from fleet_carbon.ingest.plain import PlainFixes
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.register import look_personal
from fleet_carbon.ingest.words import WordBook
from fleet_carbon.services.intake import ingesting, receiving, references
from fleet_carbon.services.intake.ingesting import REJECTIONS_SHOWN, Source
from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.storage.encoding import FixEncoder, encoded_columns
from fleet_carbon.storage.novelty import TIME_MS_END
from fleet_carbon.storage.segments import DRIVER, VEHICLE
from fleet_carbon.storage.unit_of_work import Arrival, AuditEvent, Taken

_TABLES: dict[str, Callable[[bytes], HeldTable | None]] = {
    receiving.JSON: bodies.table_of_json,
    receiving.NDJSON: bodies.table_of_lines,
    receiving.PARQUET: bodies.table_of_parquet,
    receiving.ARROW: bodies.table_of_arrow,
}
_PLAIN: dict[str, Callable[[bytes, WordBook], PlainFixes | None]] = {
    receiving.JSON: plain.plain_json,
    receiving.NDJSON: plain.plain_lines,
    receiving.CSV: plain.plain_csv,
}


@dataclass(frozen=True)
class PositionsRequest:
    """What was sent.

    Attributes
    ----------
    content : bytes
        The body, unpacked.
    media_type, digest_sha256 : str
        Its type, and digest.
    name : str
        What the record calls it, without a suffix.
    source : Source
        How to read it.
    event : AuditEvent
        Who sent it, for the audit log; its number is given by the record.
    request_key, request_sha256 : str
        What its sender knows it by, and the digest of everything asked for; empty without a key.
    """

    content: bytes
    media_type: str
    digest_sha256: str
    name: str
    source: Source
    event: AuditEvent
    request_key: str = ""
    request_sha256: str = ""


@dataclass(frozen=True, eq=False)
class Encoded:
    """The fixes of a body that left no doubt, as the columns of a segment.

    Attributes
    ----------
    fixes : pa.Table
        Trucks and drivers as places in the next two.
    vehicle_ids, driver_ids : list of str
        Names as they were sent, perhaps among others.
    book : WordBook or None
        If the names are those of one; whether those that occur are on record is not known yet.
    columns_ignored : tuple of str
        Columns of the body that serve nothing.
    """

    fixes: pa.Table
    vehicle_ids: list[str]
    driver_ids: list[str]
    columns_ignored: tuple[str, ...]
    book: WordBook | None = None


@dataclass(eq=False)
class Waiting:
    """A request until it is answered.

    Attributes
    ----------
    request : PositionsRequest
    profile : SourceProfile
        How its rows are read.
    received_at : datetime
        Aware.
    rows_count : int
        Rows that were sent.
    encoded : Encoded or None
        Its fixes, if the body left no doubt.
    table : HeldTable, HeldMessages or None
        Its rows as they were sent, where they were read so.
    is_done : threading.Event
        Set when one of the next three is known.
    reply : Reply or None
    failure : FleetCarbonError or None
    is_for_files : bool
        Whether only the way of files can say what becomes of it.
    batch : Batch or None
        Its rows, where they were checked one by one.
    refused : list of Rejection
        Rows that were refused.
    named : list of Suspicion
        What is strange in the names of its trucks and drivers.
    columns_ignored : tuple of str
        Columns of the body that serve nothing.
    taken : Taken or None
        What became of its sound rows.
    """

    request: PositionsRequest
    profile: SourceProfile
    received_at: datetime
    rows_count: int = 0
    encoded: Encoded | None = None
    table: HeldTable | HeldMessages | None = None
    is_done: threading.Event = field(default_factory=threading.Event)
    reply: Reply | None = None
    failure: FleetCarbonError | None = None
    is_for_files: bool = False
    batch: intake.Batch | None = None
    refused: list[Rejection] = field(default_factory=list)
    named: list[Suspicion] = field(default_factory=list)
    columns_ignored: tuple[str, ...] = ()
    taken: Taken | None = None

    @property
    def file_name(self) -> str:
        """What rejections and the record call it."""
        return self.request.name + receiving.DIALECT_SUFFIXES[self.request.media_type]

    def options_text(self) -> str:
        """How it was read, as the record keeps it."""
        options = ingesting.options_of(self.request.source, self.profile)
        options |= {"body_sha256": self.request.digest_sha256}
        return json.dumps(options, sort_keys=True, ensure_ascii=False)

    def read(self, book: WordBook) -> None:
        """Read the body; what cannot be read here for certain is marked as for the way of files.

        Parameters
        ----------
        book : WordBook
            In which the names of trucks and drivers get numbers.
        """
        media_type, content = self.request.media_type, self.request.content
        is_plain = plain.is_plain(self.profile) and not self.request.source.dialect
        if is_plain and media_type in _PLAIN:
            self.encoded = _encoded(_PLAIN[media_type](content, book))
        if self.encoded is None:
            self.table = self._as_table()
            if is_plain and isinstance(self.table, ColumnsTable):
                self.encoded = _encoded(plain.plain_table(self.table.held, book))
        if self.encoded is not None:
            self.rows_count = self.encoded.fixes.num_rows
        elif self.table is not None:
            self.rows_count = self.table.rows_count
        else:
            self.is_for_files = True

    def is_to_be_put(self) -> bool:
        """Whether its rows can be put on record, if its references hold."""
        if self.encoded is None and self.failure is None and not self.is_for_files:
            self.check()
        return self.failure is None and not self.is_for_files

    def check(self) -> intake.Batch | None:
        """Check the rows by the rules; None, and marked so, if it is for the way of files."""
        if self.batch is None:
            self.batch = self.looked_at()
            self.is_for_files = self.batch is None
        return self.batch

    def looked_at(self) -> intake.Batch | None:
        """The rows as the rules see them; None if only the way of files can say that."""
        if self.table is None:
            self.table = self._as_table()
        return None if self.table is None else self._checked(self.table)

    def _as_table(self) -> HeldTable | HeldMessages | None:
        request = self.request
        if request.source.dialect:
            return held_messages(
                request.content, request.source.dialect, self.profile, file=self.file_name
            )
        read = _TABLES.get(request.media_type)
        return None if read is None else read(request.content)

    def _checked(self, table: HeldTable | HeldMessages) -> intake.Batch | None:
        try:
            batch = intake.check_positions_table(table, self.profile, file=self.file_name)
        except InputRefused:
            return None
        is_kept = batch.rows_read and _is_in_time(batch.rows["time_ms"].to_numpy())
        return batch if is_kept else None

    def told(self, taken: Taken, suspicions: Sequence[Suspicion] = ()) -> dict[str, Any]:
        """The answer: what became of the rows."""
        self.taken = taken
        rejected = len(self.refused)
        batch = self.batch
        return {
            "kind": "positions",
            "digest_sha256": self.request.digest_sha256,
            "reception": taken.reception,
            "rows_read": self.rows_count,
            "rows_accepted": taken.accepted,
            "rows_duplicate": self.rows_count - rejected - taken.accepted,
            "rows_rejected": rejected,
            "rejections": [one.as_dict() for one in self.refused[:REJECTIONS_SHOWN]],
            "suspicions": [one.as_dict() for one in (*suspicions, *self.named)],
            "columns_taken": {},  # positions are taken by our names alone
            "columns_ignored": list(self.columns_ignored),
            "remarks": dict(sorted(batch.remarks.items())) if batch else {},
        }

    def arrival(self, encoded: Encoded) -> Arrival:
        """Its sound fixes, for the record."""
        self.columns_ignored = encoded.columns_ignored
        return Arrival(
            fixes=encoded.fixes,
            vehicle_ids=encoded.vehicle_ids,
            driver_ids=encoded.driver_ids,
            name=self.file_name,
            options_text=self.options_text(),
            received_at=self.received_at,
            rejected=len(self.refused),
        )


def _encoded(found: PlainFixes | None) -> Encoded | None:
    if found is None or not _is_in_time(found.time_ms):
        return None
    columns, _ = encoded_columns(
        found.vehicles,
        (found.time_ms, found.lon_udeg, found.lat_udeg),
        signals=found.signals,
        drivers=found.drivers,
    )
    words = found.book.words
    return Encoded(pa.table(columns), words, words, found.columns_ignored, found.book)


def _is_in_time(time_ms: Any) -> bool:
    return not len(time_ms) or (int(time_ms.min()) >= 0 and int(time_ms.max()) < TIME_MS_END)


class Known:
    """The register as the names of a book see it.

    Parameters
    ----------
    register : Register
    """

    def __init__(self, register: references.Register) -> None:
        self._register = register
        # Of others a word is said to their sender: they look like the name of a person.
        self._drivers = register.driver_ids - look_personal(sorted(register.driver_ids))
        self._book: WordBook | None = None
        self._is_truck = self._is_driver = np.zeros(0, dtype=np.bool_)

    def arrival(self, one: Waiting) -> Arrival | None:
        """The fixes of a request whose references hold; None if it is for the way of files."""
        encoded = one.encoded
        if encoded is not None and one.batch is None and self._knows_all(encoded):
            return one.arrival(encoded)
        batch = one.check()
        return None if batch is None else one.arrival(self._held_against(one, batch))

    def _knows_all(self, encoded: Encoded) -> bool:
        if encoded.book is not self._book:
            self._book = encoded.book
            self._is_truck = self._is_driver = np.zeros(0, dtype=np.bool_)
        newer = encoded.vehicle_ids[len(self._is_truck) :]
        if newer:
            trucks = [word in self._register.payload_by_vehicle_t for word in newer]
            drivers = [word in self._drivers for word in newer]
            self._is_truck = np.append(self._is_truck, np.array(trucks))
            self._is_driver = np.append(self._is_driver, np.array(drivers))
        if not self._is_truck[encoded.fixes.column(VEHICLE).to_numpy()].all():
            return False
        if DRIVER not in encoded.fixes.column_names:
            return True
        named = encoded.fixes.column(DRIVER).drop_null().to_numpy()
        return bool(self._is_driver[named].all())

    def _held_against(self, one: Waiting, batch: intake.Batch) -> Encoded:
        standing, unknown = references.check_rows(
            batch.rows,
            "positions",
            self._register,
            file=one.file_name,
            headers=batch.columns.headers,
        )
        strangers = references.strangers(standing, "positions", self._register)
        personal: set[str] = set()
        if "driver_id" in standing:
            personal = look_personal(standing["driver_id"].dropna().unique())
        one.refused = sorted([*batch.rejections, *unknown], key=lambda rejection: rejection.line)
        one.named = ingesting.name_suspicions("positions", personal, strangers)
        encoder = FixEncoder()
        fixes = encoder.encoded(standing)
        vehicles, drivers = encoder.vehicles.names, encoder.drivers.names
        return Encoded(fixes, vehicles, drivers, batch.columns.ignored)
