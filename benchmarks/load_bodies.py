"""Bodies of positions at hardly any cost: encoded once, given another minute for each request.

Batch `b` of a client holds the fixes of minute `b`: every truck of the client, several times if the
batch has more rows than there are trucks. So the store can be compared with what was sent, fix by
fix, by calculation alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from fleet_carbon.services.intake import receiving

MEDIA_TYPES = {
    "json": receiving.JSON,
    "ndjson": receiving.NDJSON,
    "csv": receiving.CSV,
    "arrow": receiving.ARROW,
    "parquet": receiving.PARQUET,
}
MS_PER_MINUTE = 60_000
PLACES_COUNT = 8
"""So many templates a client, each with other places; batches take them in turn."""
_MARK = b"2000-01-01T00:00"

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sender:
    """What one client sends.

    Attributes
    ----------
    client : int
        Its number, from which its trucks have their names.
    trucks_count, rows_count : int
        Its trucks, and fixes of a batch: a multiple of the trucks, up to tenfold.
    first_ms : int
        Minute of the first batch. [ms]
    """

    client: int
    trucks_count: int
    rows_count: int
    first_ms: int

    def __post_init__(self) -> None:
        if self.rows_count % self.trucks_count or self.rows_count > 10 * self.trucks_count:
            raise ValueError("rows must be one to ten times the trucks")

    @cached_property
    def vehicle_ids(self) -> list[str]:
        """Its trucks."""
        return [f"L{self.client:02d}{number:05d}" for number in range(self.trucks_count)]

    def since_minute_ms(self) -> Int64s:
        """Of each row of a batch, when in the minute it was measured. [ms]"""
        rows = np.arange(self.rows_count)
        return (rows // self.trucks_count * 6 + rows % 6) * 1000

    def places_udeg(self, batch: int) -> tuple[Int64s, Int64s]:
        """Longitude and latitude of each row of a batch. [1e-6 degree]"""
        rows = np.arange(self.rows_count) + 7 * self.client + 13 * (batch % PLACES_COUNT)
        return 105_000_000 + rows * 617 % 9_000_000, 30_000_000 + rows * 331 % 4_000_000

    def minute_ms(self, batch: int) -> int:
        """The minute that a batch is of. [ms]"""
        return self.first_ms + batch * MS_PER_MINUTE

    def fixes_of(self, truck: int, batches: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """Time, longitude and latitude of what one truck sent in some batches, by time."""
        rows = np.arange(truck, self.rows_count, self.trucks_count)
        minutes_ms = self.first_ms + batches * MS_PER_MINUTE
        places = [self.places_udeg(batch) for batch in range(PLACES_COUNT)]
        lon_udeg, lat_udeg = (
            np.array([place[axis][rows] for place in places])[batches % PLACES_COUNT]
            for axis in (0, 1)
        )
        time_ms = minutes_ms[:, None] + self.since_minute_ms()[rows]
        return time_ms.ravel(), lon_udeg.ravel(), lat_udeg.ravel()


def bodies(sender: Sender, kind: str) -> Callable[[int], bytes | bytearray]:
    """What makes the body of each batch of a sender, of one of `MEDIA_TYPES`."""
    binary = {"arrow": _arrow, "parquet": _parquet}
    templates = range(PLACES_COUNT)
    if kind in binary:
        return _patching(sender, [binary[kind](_table(sender, at)) for at in templates])
    texts = {"json": _json, "ndjson": _ndjson, "csv": _csv}
    return _replacing(sender, [texts[kind](_rows(sender, at)) for at in templates])


def _replacing(sender: Sender, templates: list[bytes]) -> Callable[[int], bytes]:
    def body(batch: int) -> bytes:
        minute = str(np.datetime64(sender.minute_ms(batch), "ms").astype("datetime64[m]"))
        return templates[batch % PLACES_COUNT].replace(_MARK, minute.encode())

    return body


def _patching(sender: Sender, templates: list[bytes]) -> Callable[[int], bytearray]:
    """The times stand in the body as 64-bit integers, in one piece."""
    since_ms = sender.since_minute_ms()
    offsets = [template.index(_held_times(sender)) for template in templates]

    def body(batch: int) -> bytearray:
        at = batch % PLACES_COUNT
        made = bytearray(templates[at])
        times = np.frombuffer(made, np.int64, len(since_ms), offsets[at])
        np.add(since_ms, sender.minute_ms(batch), out=times)
        return made

    return body


def _held_times(sender: Sender) -> bytes:
    return (sender.since_minute_ms() + sender.first_ms).tobytes()


def _rows(sender: Sender, batch: int) -> list[dict[str, object]]:
    lon_udeg, lat_udeg = sender.places_udeg(batch)
    return [
        {
            "vehicle_id": sender.vehicle_ids[row % sender.trucks_count],
            "time": f"{_MARK.decode()}:{since_ms // 1000:02d}Z",
            "lon": lon / 1e6,
            "lat": lat / 1e6,
            "speed_kmh": row % 900 / 10,
        }
        for row, (since_ms, lon, lat) in enumerate(
            zip(
                sender.since_minute_ms().tolist(), lon_udeg.tolist(), lat_udeg.tolist(), strict=True
            )
        )
    ]


def _json(rows: list[dict[str, object]]) -> bytes:
    return msgspec.json.encode(rows)


def _ndjson(rows: list[dict[str, object]]) -> bytes:
    return b"\n".join(map(msgspec.json.encode, rows))


def _csv(rows: list[dict[str, object]]) -> bytes:
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "\n".join(",".join(map(str, line)) for line in lines).encode()


def _table(sender: Sender, batch: int) -> pa.Table:
    lon_udeg, lat_udeg = sender.places_udeg(batch)
    numbers = np.arange(sender.rows_count)
    vehicles = pa.DictionaryArray.from_arrays(
        pa.array(numbers % sender.trucks_count, pa.int32()), pa.array(sender.vehicle_ids)
    )
    held = sender.since_minute_ms() + sender.first_ms
    moment = pa.timestamp("ms", "UTC")
    return pa.table(
        {
            "vehicle_id": vehicles,
            "time": pa.array(held).cast(moment),
            "lon": lon_udeg / 1e6,
            "lat": lat_udeg / 1e6,
            "speed_kmh": numbers % 900 / 10,
        }
    )


def _arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _parquet(table: pa.Table) -> bytes:
    """All but the times packed as usual; those stand as they are, to be replaced."""
    others = [name for name in table.column_names if name != "time"]
    sink = io.BytesIO()
    pa_parquet.write_table(
        table,
        sink,
        use_dictionary=others,
        compression={"time": "NONE"} | dict.fromkeys(others, "ZSTD"),
        write_statistics=False,
    )
    return sink.getvalue()
