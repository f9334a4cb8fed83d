"""Files of other systems read into checked rows: seconds of the processor, beside a naive reader.

    python -m benchmarks.dialect_rate --write         # --rows 100000 for less

The naive reader takes each record by itself with `json` and `struct`, as one would write it at
first, and checks nothing; it reads a tenth of the rows, and its rate is compared.
"""

from __future__ import annotations

import argparse
import gc
import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any

from benchmarks.dialect_forms import BEGIN_S, CHINA, OTHERS, TRUCKS, Form
from benchmarks.measuring import run_module
from benchmarks.reporting import machine, machine_line, text_table, write_block
from fleet_carbon.ingest.dialects import framing
from fleet_carbon.ingest.dialects.registry import DIALECTS
from fleet_carbon.ingest.intake import read_batches
from fleet_carbon.ingest.places import Gazetteer
from fleet_carbon.ingest.plates import PlateBook
from fleet_carbon.ingest.profiles import profile_from_document

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
                    "deviceId": row % TRUCKS,
                    "protocol": "teltonika",
                    "serverTime": 1000 * (BEGIN_S + row) + 2,
                    "deviceTime": 1000 * (BEGIN_S + row),
                    "fixTime": 1000 * (BEGIN_S + row),
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
                "device": {"id": row % TRUCKS, "uniqueId": f"86000000000{row % TRUCKS:04d}"},
            }
        ).encode()
        for row in range(rows)
    )


def frames(rows: int) -> list[bytes]:
    """Location reports of JT/T 808 with odometer and tank."""
    made = []
    for row in range(rows):
        at = datetime.fromtimestamp(BEGIN_S + row, CHINA)
        numbers = (30_000_000 + row % 10**6, 104_000_000 + row % 999_999, 500, 605, 89)
        body = struct.pack(">IIIIHHH", 0, 3, *numbers) + bytes.fromhex(f"{at:%y%m%d%H%M%S}")
        body += b"\x01\x04" + struct.pack(">I", 1 + row) + b"\x02\x02" + struct.pack(">H", 3105)
        phone = bytes.fromhex(f"01390000{row % TRUCKS:04d}")
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
        at = datetime.fromtimestamp(BEGIN_S + row, CHINA)
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
        head = {"msg_id": 512, "phone": f"01390000{row % TRUCKS:04d}", "msg_sn": row % 65536}
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
        at = datetime.strptime(body["time"], "%y%m%d%H%M%S").replace(tzinfo=CHINA)
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
    at = datetime.strptime(body[22:28].hex(), "%y%m%d%H%M%S").replace(tzinfo=CHINA)
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


BESIDE_NAIVE: dict[str, tuple[Form, Callable[[bytes], list[Row]]]] = {
    "Traccar, forwarded JSON": (Form("traccar", traccar), naive_traccar),
    "JT/T 808, frames": (Form("jt808", lambda rows: b"".join(frames(rows))), naive_frames),
    "JT/T 808, hexadecimal log": (Form("jt808", frames_in_hexadecimal), naive_hexadecimal),
    "JT/T 808, brokers' JSON": (Form("jt808", published), naive_published),
}
FORMS = {name: form for name, (form, _) in BESIDE_NAIVE.items()} | OTHERS
_PLATES = PlateBook(
    (f"T{truck}", plate.format(truck), "2")
    for truck in range(TRUCKS)
    for plate in ("赣A{:05d}", "AB-{:03d}-C")
)


def read_s(path: Path, form: Form, rows: int) -> float:
    """Seconds of the processor until all rows are checked."""
    said = dict(DIALECTS[form.dialect].declares) if form.dialect else {}
    if form.constants:
        said["constants"] = {"vehicle_id": form.constants}
    profile = profile_from_document(said, where="the benchmark")
    gazetteer = Gazetteer.load() if form.kind == "orders" else None
    gc.collect()
    begun_s = time.process_time()
    batches = read_batches(
        path,
        form.kind,
        profile,
        gazetteer=gazetteer,
        chunk_rows=_CHUNK_ROWS,
        dialect=form.dialect,
        plates=_PLATES if form.kind != "positions" else None,
    )
    read = sum(len(batch.rows) for batch in batches)
    taken_s = time.process_time() - begun_s
    if read != rows:
        raise RuntimeError(f"{read} of {rows} rows were read")
    return taken_s


def read_alone(path: Path, name: str, rows: int) -> dict[str, float]:
    """The better of two. [s]"""
    framing.warm()
    return {"taken_s": min(read_s(path, FORMS[name], rows) for _ in range(2))}


def naive_us(name: str, rows: int) -> float | None:
    """Microseconds of a row by the naive reader; None where there is none."""
    if name not in BESIDE_NAIVE:
        return None
    form, naive = BESIDE_NAIVE[name]
    content = form.write(rows)
    begun_s = time.process_time()
    if len(naive(content)) != rows:
        raise RuntimeError("the naive reader lost rows")
    return 1e6 * (time.process_time() - begun_s) / rows


def measure(rows: int) -> list[list[str]]:
    """A row of the table for each form; the better of two."""
    table = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        for name, form in FORMS.items():
            count = round(rows * form.share)
            us = naive_us(name, round(rows * _NAIVE_SHARE))
            path.write_bytes(form.write(count))
            told = run_module("benchmarks.dialect_rate", "--read", str(path), name, str(count))
            taken_s = told["taken_s"]
            print(f"{name}: {taken_s:.2f} s", file=sys.stderr, flush=True)
            table.append(
                [
                    name,
                    f"{count:,}",
                    f"{taken_s:.2f}",
                    f"{count / taken_s:,.0f}",
                    "" if us is None else f"{us:.1f}",
                    "" if us is None else f"{us * count / 1e6 / taken_s:.1f}",
                    f"{path.stat().st_size >> 20:,}",
                    f"{told['peak_tree_mib']:,.0f}",
                ]
            )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument("--read", nargs=3, metavar=("FILE", "FORM", "ROWS"))
    asked = parser.parse_args()
    if asked.read:
        path, name, count = asked.read
        print(json.dumps(read_alone(Path(path), name, int(count))))
        return
    head = ["form", "rows", "s of a processor", "rows a second", "naive, us a row"]
    head += ["times as fast", "MiB of the file", "MiB held at most"]
    table = text_table(head, measure(asked.rows))
    line = f"{machine_line(machine())}."
    print(f"{line}\n{table}")
    if asked.write:
        write_block("dialect_rate", f"{line}\n\n{table}")


if __name__ == "__main__":
    main()
