"""Requests of positions read and checked: many of one kind as one, which costs as much as one.

What is done for a column costs the same for a thousand rows as for ten thousand. So requests whose
rows have the same columns are read together, as long as nothing in them is refused, remarked or
strange; where anything is, each is read by itself, and told what is wrong with it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from fleet_carbon.errors import FleetCarbonError, InputRefused, Rejection, Suspicion
from fleet_carbon.ingest import bodies, intake
from fleet_carbon.ingest.bodies import HeldTable
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.register import look_personal
from fleet_carbon.services import ingesting, receiving, references
from fleet_carbon.services.ingesting import REJECTIONS_SHOWN, Source
from fleet_carbon.services.repeating import Reply
from fleet_carbon.storage.encoding import FixEncoder
from fleet_carbon.storage.novelty import TIME_MS_END
from fleet_carbon.storage.unit_of_work import Arrival, AuditEvent, Taken


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


@dataclass(eq=False)
class Waiting:
    """A request until it is answered.

    Attributes
    ----------
    request : PositionsRequest
    table : HeldTable
        Its rows as they were sent.
    profile : SourceProfile
        How they are read.
    received_at : datetime
        Aware.
    is_done : threading.Event
        Set when one of the next three is known.
    reply : Reply or None
    failure : FleetCarbonError or None
    is_for_files : bool
        Whether only the way of files can say what becomes of it.
    refused : list of Rejection
        Rows that were refused, when it was taken.
    taken : Taken or None
        What became of the others.
    """

    request: PositionsRequest
    table: HeldTable
    profile: SourceProfile
    received_at: datetime
    is_done: threading.Event = field(default_factory=threading.Event)
    reply: Reply | None = None
    failure: FleetCarbonError | None = None
    is_for_files: bool = False
    refused: list[Rejection] = field(default_factory=list)
    taken: Taken | None = None

    @property
    def rows_count(self) -> int:
        """Rows that were sent."""
        return self.table.rows_count

    @property
    def file_name(self) -> str:
        """What rejections and the record call it."""
        return self.request.name + receiving.SUFFIXES[self.request.media_type]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What requests that are read together have in common."""
        return (type(self.table), self.table.form, id(self.profile))

    def options_text(self) -> str:
        """How it was read, as the record keeps it."""
        options = ingesting.options_of(None, self.profile)
        options |= {"body_sha256": self.request.digest_sha256}
        return json.dumps(options, sort_keys=True, ensure_ascii=False)

    def told(
        self, taken: Taken, batch: intake.Batch, suspicions: Sequence[Suspicion]
    ) -> dict[str, Any]:
        """The answer: what became of the rows."""
        self.taken = taken
        rejected = len(self.refused)
        return {
            "kind": "positions",
            "digest_sha256": self.request.digest_sha256,
            "reception": taken.reception,
            "rows_read": self.rows_count,
            "rows_accepted": taken.accepted,
            "rows_duplicate": self.rows_count - rejected - taken.accepted,
            "rows_rejected": rejected,
            "rejections": [one.as_dict() for one in self.refused[:REJECTIONS_SHOWN]],
            "suspicions": [one.as_dict() for one in suspicions],
            "columns_ignored": list(batch.columns.ignored),
            "remarks": dict(sorted(batch.remarks.items())),
        }


@dataclass(eq=False)
class Pile:
    """Requests that were read together; of several nothing was refused.

    Attributes
    ----------
    members : list of Waiting
        In the order in which they came.
    batch : Batch
        Their rows.
    """

    members: list[Waiting]
    batch: intake.Batch
    _register: references.Register | None = None
    _arrivals: list[Arrival] = field(default_factory=list)
    _named: list[Suspicion] = field(default_factory=list)

    def stand_by(self, register: references.Register) -> list[Arrival] | None:
        """The fixes whose references hold by the register, request by request.

        Returns
        -------
        arrivals : list of Arrival or None
            None if something is refused or strange, and nobody knows in which of several.
        """
        if self._register is register:
            return self._arrivals
        first = self.members[0]
        standing, unknown = references.check_rows(
            self.batch.rows,
            "positions",
            register,
            file=first.file_name,
            headers=self.batch.columns.headers,
        )
        strangers = references.strangers(standing, "positions", register)
        personal: set[str] = set()
        if "driver_id" in standing:
            personal = look_personal(standing["driver_id"].dropna().unique())
        if len(self.members) > 1 and (unknown or strangers or personal):
            return None
        if len(self.members) == 1:
            first.refused = sorted(
                [*self.batch.rejections, *unknown], key=lambda rejection: rejection.line
            )
        self._named = ingesting.name_suspicions("positions", personal, strangers)
        encoder = FixEncoder()
        self._arrivals = self._parted(encoder.encoded(standing), encoder)
        self._register = register
        return self._arrivals

    def _parted(self, fixes: pa.Table, encoder: FixEncoder) -> list[Arrival]:
        counts = [one.rows_count for one in self.members]
        edges = np.cumsum([0, *counts]).tolist() if len(counts) > 1 else [0, fixes.num_rows]
        return [
            Arrival(
                fixes=fixes.slice(begin, end - begin),
                vehicle_ids=encoder.vehicles.names,
                driver_ids=encoder.drivers.names,
                name=one.file_name,
                options_text=one.options_text(),
                received_at=one.received_at,
                rejected=len(one.refused),
            )
            for one, (begin, end) in zip(self.members, pairwise(edges), strict=True)
        ]

    def told(
        self, one: Waiting, taken: Taken, suspicions: Sequence[Suspicion] = ()
    ) -> dict[str, Any]:
        """The answer to one of the requests."""
        return one.told(taken, self.batch, [*suspicions, *self._named])


def read_piles(waiting: Sequence[Waiting]) -> list[Pile]:
    """Read what waits, what is alike together; what is for the way of files is marked so.

    Parameters
    ----------
    waiting : sequence of Waiting
        In the order in which they came, which stays.
    """
    piles: list[Pile] = []
    for _, alike in groupby(waiting, key=lambda one: one.kind):
        members = list(alike)
        together = _read(members) if len(members) > 1 else None
        if together is not None and _is_plain(together):
            piles.append(Pile(members, together))
        else:
            piles += read_singly(members)
    return piles


def read_singly(waiting: Sequence[Waiting]) -> list[Pile]:
    """Read each request by itself."""
    piles = []
    for one in waiting:
        batch = _read([one])
        one.is_for_files = batch is None
        if batch is not None:
            piles.append(Pile([one], batch))
    return piles


def _read(members: list[Waiting]) -> intake.Batch | None:
    """The rows of some requests; None if it is for the way of files to say what they are."""
    first = members[0]
    table = bodies.joined([one.table for one in members])
    try:
        batch = intake.check_positions_table(table, first.profile, file=first.file_name)
    except InputRefused:
        return None
    times = batch.rows["time_ms"].to_numpy()
    is_in_time = not len(times) or (times.min() >= 0 and times.max() < TIME_MS_END)
    return batch if batch.rows_read and is_in_time else None


def _is_plain(batch: intake.Batch) -> bool:
    return not batch.rejections and not any(batch.remarks.values())
