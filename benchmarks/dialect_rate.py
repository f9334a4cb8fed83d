"""Files of trackers read into checked rows: seconds of the processor, beside a naive reader.

    python -m benchmarks.dialect_rate                 # --rows 100000 for less

The naive reader takes each record by itself with `json` and `struct`, as one would write it at
first, and checks nothing; it reads a tenth of the rows, and its rate is compared.
"""

from __future__ import annotations

import argparse
import gc
import json
import struct
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import reduce
from pathlib import Path
from typing import Any

from benchmarks.measuring import run_module
from benchmarks.reporting import machine, machine_line, text_table
from fleet_carbon.ingest.dialects import framing
from fleet_carbon.ingest.dialects.registry import DIALECTS
from fleet_carbon.ingest.intake import read_batches
from fleet_carbon.ingest.profiles import profile_from_document

_TRUCKS, _BEGIN_S = 100, 1_772_000_000
_CHINA = timezone(timedelta(hours=8))
_CHUNK_ROWS, _NAIVE_SHARE = 200_000, 0.1
Row = dict[str, Any]


def traccar(rows: int) -> bytes:
    """Forwarded positions, one on each line."""
    return b"\n".join(
        json.dumps(
            {
                "position": {
                    "id": row,
                    "attributes": {"odometer": 1000 * row, "ignition": True, "totalDistance": row},
                    "deviceId": row % _TRUCKS,
                    "protocol": "teltonika",
                    "serverTime": 1000 * (_BEGIN_S + row) + 2,
                    "deviceTime": 1000 * (_BEGIN_S + row),
                    "fixTime": 1000 * (_BEGIN_S + row),
                    "outdated": False,
                    "valid": True,
                    "latitude": 30 + row % 10_000 / 1e4,
                    "longitude": 104 + row % 9_999 / 1e4,
                    "altitude": 32.0,
                    "speed": 29.4,
                    "course": 30.0,
                    "address": None,
                    "accuracy": 0.0,
                },
                "device": {"id": row % _TRUCKS, "uniqueId": f"86000000000{row % _TRUCKS:04d}"},
            }
        ).encode()
        for row in range(rows)
    )


def frames(rows: int) -> list[bytes]:
    """Location reports of JT/T 808 with odometer and tank."""
    made = []
    for row in range(rows):
        at = datetime.fromtimestamp(_BEGIN_S + row, _CHINA)
        numbers = (30_000_000 + row % 10**6, 104_000_000 + row % 999_999, 500, 605, 89)
        body = struct.pack(">IIIIHHH", 0, 3, *numbers) + bytes.fromhex(f"{at:%y%m%d%H%M%S}")
        body += b"\x01\x04" + struct.pack(">I", 1 + row) + b"\x02\x02" + struct.pack(">H", 3105)
        phone = bytes.fromhex(f"01390000{row % _TRUCKS:04d}")
        whole = (
            struct.pack(">HH", 0x0200, len(body)) + phone + struct.pack(">H", row % 65536) + body
        )
        whole += bytes((reduce(int.__xor__, whole),))
        escaped = whole.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")
        made.append(b"\x7e" + escaped + b"\x7e")
    return made


def frames_in_hexadecimal(rows: int) -> bytes:
    """The same, one on each line of a log."""
    return b"\n".join(one.hex().encode() for one in frames(rows))


def published(rows: int) -> bytes:
    """The same as a broker publishes them."""
    made = []
    for row in range(rows):
        at = datetime.fromtimestamp(_BEGIN_S + row, _CHINA)
        body = {
            "alarm": 0,
            "status": 3,
            "latitude": 30_000_000 + row % 10**6,
            "longitude": 104_000_000 + row % 999_999,
            "altitude": 500,
            "speed": 605,
            "direction": 89,
            "time": f"{at:%y%m%d%H%M%S}",
            "extra": {"mileage": 1 + row, "fuel_meter": 3105},
        }
        head = {"msg_id": 512, "phone": f"01390000{row % _TRUCKS:04d}", "msg_sn": row % 65536}
        made.append(json.dumps({"header": head, "body": body}).encode())
    return b"\n".join(made)


def naive_traccar(content: bytes) -> list[Row]:
    """Each line by itself."""
    rows = []
    for line in content.split(b"\n"):
        told = json.loads(line)
        position = told["position"]
        rows.append(
            {
                "vehicle_id": told["device"]["uniqueId"],
                "time_ms": position["fixTime"],
                "lon": position["longitude"],
                "lat": position["latitude"],
                "speed_kmh": position["speed"] * 1.852,
                "odometer_km": position["attributes"]["odometer"] / 1000,
            }
        )
    return rows


def naive_published(content: bytes) -> list[Row]:
    """Each line by itself."""
    rows = []
    for line in content.split(b"\n"):
        told = json.loads(line)
        body = told["body"]
        at = datetime.strptime(body["time"], "%y%m%d%H%M%S").replace(tzinfo=_CHINA)
        rows.append(
            {
                "vehicle_id": told["header"]["phone"],
                "time_ms": round(1000 * at.timestamp()),
                "lon": body["longitude"] / 1e6,
                "lat": body["latitude"] / 1e6,
                "speed_kmh": body["speed"] / 10,
                "odometer_km": body["extra"]["mileage"] / 10,
            }
        )
    return rows


def naive_frames(content: bytes) -> list[Row]:
    """Each frame by itself."""
    return [_naive_frame(one) for one in content.split(b"\x7e") if one]


def naive_hexadecimal(content: bytes) -> list[Row]:
    """Each line by itself."""
    return [_naive_frame(bytes.fromhex(line.decode())[1:-1]) for line in content.split(b"\n")]


def _naive_frame(escaped: bytes) -> Row:
    whole = escaped.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
    if reduce(int.__xor__, whole):
        raise ValueError("the check byte does not fit")
    body = whole[12:-1]
    _, _, lat, lon, _, speed, _ = struct.unpack(">IIIIHHH", body[:22])
    at = datetime.strptime(body[22:28].hex(), "%y%m%d%H%M%S").replace(tzinfo=_CHINA)
    items, place = {}, 28
    while place < len(body):
        items[body[place]] = body[place + 2 : place + 2 + body[place + 1]]
        place += 2 + body[place + 1]
    return {
        "vehicle_id": whole[4:10].hex(),
        "time_ms": round(1000 * at.timestamp()),
        "lon": lon / 1e6,
        "lat": lat / 1e6,
        "speed_kmh": speed / 10,
        "odometer_km": struct.unpack(">I", items[1])[0] / 10,
    }


FORMS: dict[str, tuple[str, Callable[[int], bytes], Callable[[bytes], list[Row]]]] = {
    "traccar, forwarded JSON": ("traccar", traccar, naive_traccar),
    "jt808, frames": ("jt808", lambda rows: b"".join(frames(rows)), naive_frames),
    "jt808, hexadecimal log": ("jt808", frames_in_hexadecimal, naive_hexadecimal),
    "jt808, brokers' JSON": ("jt808", published, naive_published),
}


def read_s(path: Path, dialect: str, rows: int) -> float:
    """Seconds of the processor until all rows are checked."""
    profile = profile_from_document(dict(DIALECTS[dialect].declares), where="the benchmark")
    gc.collect()
    begun_s = time.process_time()
    batches = read_batches(
        path, "positions", profile, gazetteer=None, chunk_rows=_CHUNK_ROWS, dialect=dialect
    )
    read = sum(len(batch.rows) for batch in batches)
    taken_s = time.process_time() - begun_s
    if read != rows:
        raise RuntimeError(f"{read} of {rows} rows were read")
    return taken_s


def read_alone(path: Path, dialect: str, rows: int) -> dict[str, float]:
    """The better of two. [s]"""
    framing.warm()
    return {"taken_s": min(read_s(path, dialect, rows) for _ in range(2))}


def measure(rows: int) -> list[list[str]]:
    """A row of the table for each form; the better of two."""
    table = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        for name, (dialect, write, naive) in FORMS.items():
            few = round(rows * _NAIVE_SHARE)
            content = write(few)
            begun_s = time.process_time()
            if len(naive(content)) != few:
                raise RuntimeError("the naive reader lost rows")
            naive_us = 1e6 * (time.process_time() - begun_s) / few
            path.write_bytes(write(rows))
            told = run_module("benchmarks.dialect_rate", "--read", str(path), dialect, str(rows))
            taken_s, memory_mib = told["taken_s"], told["peak_tree_mib"]
            ratio = naive_us / (1e6 * taken_s / rows)
            table.append(
                [
                    name,
                    f"{taken_s:.2f}",
                    f"{rows / taken_s:,.0f}",
                    f"{naive_us:.2f}",
                    f"{ratio:.1f}",
                    f"{path.stat().st_size >> 20:,}",
                    f"{memory_mib:,.0f}",
                ]
            )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--read", nargs=3, metavar=("FILE", "DIALECT", "ROWS"))
    asked = parser.parse_args()
    if asked.read:
        path, dialect, count = asked.read
        print(json.dumps(read_alone(Path(path), dialect, int(count))))
        return
    rows = asked.rows
    head = ["form", "s of a processor", "rows a second", "naive, us a row", "times as fast"]
    head += ["MiB of the file", "MiB held at most"]
    print(f"{rows:,} rows of each form, {machine_line(machine())}")
    print(text_table(head, measure(rows)))


if __name__ == "__main__":
    main()
