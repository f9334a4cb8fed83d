"""Bodies that are sent to do harm: refused with a problem that says why, never a fault."""

from __future__ import annotations

import gzip
import io
import json
import random
import resource
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
import xlsxwriter
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from fleet_carbon.services.intake import receiving
from fleet_carbon.settings import Settings
from fleet_carbon.web.limiting import STRANGERS_BYTES_MAX
from tests.web.conftest import Caller, Service, served

REFUSALS = {400, 409, 413, 415, 422}
KINDS = ("vehicles", "orders", "positions", "energy")
ROWS = [{"vehicle_id": f"V{n}", "rated_payload_t": 30.0 + n} for n in range(50)]
MIB = 1 << 20
UNPACKED_BYTES_MAX = 4 * MIB
FEW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("attacks") / "home"
    made = served(
        Settings(home=home, fleet="attacked", request_unpacked_bytes_max=UNPACKED_BYTES_MAX)
    )
    yield made
    made.client.application.extensions["jobs"].close()


@pytest.fixture(scope="module")
def sender(service: Service) -> Caller:
    return service.caller("dispatcher")


def refused(answer: TestResponse, *statuses: int) -> None:
    """A problem as documented, and nothing of the inside in it."""
    assert answer.status_code in (statuses or REFUSALS), (answer.status_code, answer.text[:500])
    assert answer.content_type == "application/problem+json"
    told = answer.json
    assert told is not None
    assert told["code"]
    assert told["detail"]
    assert "Traceback" not in answer.text


def harmless(answer: TestResponse) -> None:
    """Refused, or answered row by row."""
    if answer.status_code == 200:
        told = answer.json
        assert told is not None
        assert told["rows_read"] >= told["rows_accepted"]
    else:
        refused(answer)


def workbook() -> bytes:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((list(ROWS[0]), *(list(row.values()) for row in ROWS))):
            sheet.write_row(number, 0, row)
    return sink.getvalue()


def parquet(table: pa.Table, **how: Any) -> bytes:
    sink = io.BytesIO()
    pa_parquet.write_table(table, sink, **how)
    return sink.getvalue()


def arrow(table: pa.Table, **how: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **how) as stream:
        stream.write_table(table)
    return sink.getvalue()


def sound_bodies() -> dict[str, bytes]:
    """A body of each type that would be taken."""
    table = pa.Table.from_pylist(ROWS)
    lines = ["vehicle_id,rated_payload_t"] + [",".join(map(str, row.values())) for row in ROWS]
    return {
        receiving.JSON: json.dumps(ROWS).encode(),
        receiving.NDJSON: "\n".join(map(json.dumps, ROWS)).encode(),
        receiving.CSV: "\n".join(lines).encode(),
        receiving.PARQUET: parquet(table),
        receiving.ARROW: arrow(table),
        receiving.XLSX: workbook(),
    }


SOUND = sound_bodies()
PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize("path", ["/v1/session", "/oauth/token", "/sign-in"])
def test_a_door_takes_no_more_than_a_name_and_a_password(
    service: Service, path: str, is_announced: bool
) -> None:
    form = "application/x-www-form-urlencoded"
    is_json = path == "/v1/session"
    for size, statuses in ((300, (400, 401, 422)), (STRANGERS_BYTES_MAX, (413,))):
        told = {"login": "l", "password": "p" * 200, "fleet_id": " " * (size - 200)}
        fields = told | {"name": "l", "grant_type": "client_credentials", "client_id": "x"}
        body = (json.dumps(told) if is_json else urlencode(fields)).encode()
        answer = service.client.post(
            path,
            input_stream=io.BytesIO(body),
            content_length=len(body) if is_announced else None,
            content_type="application/json" if is_json else form,
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code in statuses, (path, size, answer.status_code, answer.text)


def test_the_bodies_that_are_spoilt_below_are_sound(sender: Caller) -> None:
    assert set(SOUND) == set(receiving.SUFFIXES)
    for media_type, body in SOUND.items():
        answer = sender.post("/v1/vehicles", data=body, content_type=media_type)
        assert answer.status_code == 200, (media_type, answer.text)
        assert (answer.json or {})["rows_rejected"] == 0


@pytest.mark.parametrize("media_type", SOUND)
@FEW
@given(body=st.binary(max_size=2000) | st.text(max_size=1000).map(str.encode))
def test_random_bytes_are_no_fault(sender: Caller, media_type: str, body: bytes) -> None:
    for kind in KINDS:
        harmless(sender.post(f"/v1/{kind}", data=body, content_type=media_type))


@pytest.mark.parametrize("media_type", SOUND)
def test_a_body_that_is_cut_anywhere_is_no_fault(sender: Caller, media_type: str) -> None:
    body = SOUND[media_type]
    for at in [1, 3, 4, 8, *range(12, len(body), max(1, len(body) // 24)), len(body) - 1]:
        harmless(sender.post("/v1/vehicles", data=body[:at], content_type=media_type))


@pytest.mark.parametrize("media_type", SOUND)
def test_a_body_with_bytes_turned_is_no_fault(sender: Caller, media_type: str) -> None:
    chance = random.Random(6)
    for _ in range(40):
        body = bytearray(SOUND[media_type])
        for _ in range(chance.choice((1, 1, 4, 20))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        harmless(sender.post("/v1/vehicles", data=bytes(body), content_type=media_type))


@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_body_that_is_cut_or_turned_is_no_fault(sender: Caller, encoding: str) -> None:
    chance = random.Random(7)
    packed = PACKED[encoding](SOUND[receiving.CSV])
    spoilt = [packed[:at] for at in range(0, len(packed), max(1, len(packed) // 12))]
    for _ in range(20):
        turned = bytearray(packed)
        turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
        spoilt.append(bytes(turned))
    for body in spoilt:
        harmless(
            sender.post(
                "/v1/vehicles",
                data=body,
                content_type=receiving.CSV,
                headers={"Content-Encoding": encoding},
            )
        )


@pytest.mark.parametrize("encoding", PACKED)
def test_half_a_packed_body_is_refused(sender: Caller, encoding: str) -> None:
    lines = "".join(f"half {number},{number % 30 + 1}\n" for number in range(50_000))
    packed = PACKED[encoding](b"vehicle_id,rated_payload_t\n" + lines.encode())
    for body in (packed[: len(packed) // 2], packed[:-1], packed + packed[:-1]):
        answer = sender.post(
            "/v1/vehicles",
            data=body,
            content_type=receiving.CSV,
            headers={"Content-Encoding": encoding},
        )
        assert (answer.status_code, (answer.json or {})["code"]) == (422, "body_unreadable")


def bomb_of_workbook() -> bytes:
    """A sheet that unpacks to 200 MB of one row that repeats."""
    source = io.BytesIO(workbook())
    sink = io.BytesIO()
    row = b'<row><c t="inlineStr"><is><t>%s</t></is></c></row>' % (b"A" * 1000)
    with (
        zipfile.ZipFile(source) as sound,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made,
    ):
        for name in sound.namelist():
            content = sound.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", row * 200_000 + b"</sheetData>")
            made.writestr(name, content)
    return sink.getvalue()


def bomb_of_cells() -> bytes:
    """A sheet whose one cell lies at the end of the largest sheet there can be."""
    source, sink = io.BytesIO(workbook()), io.BytesIO()
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    with zipfile.ZipFile(source) as sound, zipfile.ZipFile(sink, "w") as made:
        for name in sound.namelist():
            content = sound.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", far + b"</sheetData>")
            made.writestr(name, content)
    return sink.getvalue()


def bomb_of_parquet() -> bytes:
    """Thirty million rows of one value each: some kilobytes that are a gigabyte."""
    column = pa.array(np.zeros(30_000_000, np.int64))
    names = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(column), np.int8)), pa.array(["V" * 200])
    )
    table = pa.table({"vehicle_id": names, "rated_payload_t": column})
    return parquet(table, compression="zstd")


def bomb_of_arrow() -> bytes:
    """Buffers packed by zstd that unpack to half a gigabyte."""
    table = pa.table({"vehicle_id": ["V"] * 10, "rated_payload_t": [1.0] * 10})
    text = pa.array([" " * (500 * MIB)])
    padded = pa.table({"vehicle_id": text, "rated_payload_t": [1.0]})
    assert table.schema == padded.schema
    return arrow(padded, options=pa.ipc.IpcWriteOptions(compression="zstd"))


BOMBS: dict[str, tuple[str, Callable[[], bytes], dict[str, str]]] = {
    "gzip": (receiving.CSV, lambda: gzip.compress(bytes(200 * MIB)), {"Content-Encoding": "gzip"}),
    "zstd": (
        receiving.CSV,
        lambda: zstandard.compress(bytes(200 * MIB)),
        {"Content-Encoding": "zstd"},
    ),
    "gzip as the body": (receiving.CSV, lambda: gzip.compress(bytes(200 * MIB)), {}),
    "gzip in gzip": (
        receiving.CSV,
        lambda: gzip.compress(gzip.compress(bytes(200 * MIB))),
        {"Content-Encoding": "gzip"},
    ),
    "workbook": (receiving.XLSX, bomb_of_workbook, {}),
    "far cell": (receiving.XLSX, bomb_of_cells, {}),
    "workbook as text": (receiving.CSV, bomb_of_workbook, {}),
    "parquet": (receiving.PARQUET, bomb_of_parquet, {}),
    "arrow": (receiving.ARROW, bomb_of_arrow, {}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_takes_no_memory(sender: Caller, name: str) -> None:
    media_type, make, headers = BOMBS[name]
    body = make()
    assert len(body) < UNPACKED_BYTES_MAX
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = sender.post("/v1/vehicles", data=body, content_type=media_type, headers=headers)
    refused(answer, 413, 422)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    assert grown_mib < 200, name


DEEP = 100_000
ODD_JSON = {
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep value": b'[{"vehicle_id":' + b"[" * DEEP + b"]" * DEEP + b"}]",
    "open list": b"[" * DEEP,
    "not a number": b'[{"vehicle_id":"V1","rated_payload_t":NaN}]',
    "infinity": b'[{"vehicle_id":"V1","rated_payload_t":-Infinity}]',
    "huge exponent": b'[{"vehicle_id":"V1","rated_payload_t":1e400}]',
    "huge integer": b'[{"vehicle_id":"V1","rated_payload_t":' + b"9" * 5000 + b"}]",
    "half a pair": b'[{"vehicle_id":"\\ud800","rated_payload_t":3}]',
    "zero byte": b'[{"vehicle_id":"V\\u0000","rated_payload_t":3}]',
    "a key twice": b'[{"vehicle_id":"V1","vehicle_id":"V2","rated_payload_t":3}]',
    "no object": b'[1,"a",null,[]]',
    "no UTF-8": b'[{"vehicle_id":"\xff\xfe"}]',
    "null": b"null",
}


@pytest.mark.parametrize("name", ODD_JSON)
@pytest.mark.parametrize("media_type", [receiving.JSON, receiving.NDJSON])
def test_json_that_is_odd_is_refused_whole_or_by_row(
    sender: Caller, name: str, media_type: str
) -> None:
    for kind in ("vehicles", "positions"):
        answer = sender.post(f"/v1/{kind}", data=ODD_JSON[name], content_type=media_type)
        harmless(answer)
        if answer.status_code == 200 and name != "a key twice":
            assert (answer.json or {})["rows_accepted"] == 0, answer.text


@pytest.mark.parametrize("name", ODD_JSON)
def test_a_described_body_that_is_odd_is_refused(service: Service, name: str) -> None:
    admin = service.caller("admin")
    for path in ("/v1/prices", "/v1/keys"):
        refused(admin.post(path, data=ODD_JSON[name], content_type=receiving.JSON))


HOSTILE = {
    "sql": "x'); DROP TABLE vehicles; --",
    "sql comment": "V1' OR '1'='1' /*",
    "path": "../../../../etc/passwd",
    "windows path": "..\\..\\boot.ini",
    "formula": "=cmd|' /C calc'!A0",
    "template": "{{7*7}}${7*7}%s%n",
    "markup": "<script>alert(1)</script>",
    "turned": "V\u202e1",
    "long": "V" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name_or_is_refused(
    sender: Caller, service: Service, name: str
) -> None:
    text = HOSTILE[name]
    for column in ("vehicle_id", "class"):
        row = {"vehicle_id": "V1", "rated_payload_t": 30, column: text}
        answer = sender.post("/v1/vehicles", json=[row])
        harmless(answer)
    for header in ("Idempotency-Key", "X-Request-Id"):
        answer = sender.post("/v1/vehicles", json=ROWS[:1], headers={header: text.encode().hex()})
        assert answer.status_code == 200
    for query in ("crs", "time_zone"):
        refused(sender.post("/v1/vehicles", json=ROWS[:1], query_string={query: text}))
    sound = sender.post("/v1/vehicles", json=ROWS[:1])
    assert (sound.status_code, (sound.json or {})["rows_duplicate"]) == (200, 1)
    # Nothing stands beside the home, and nothing in it is called by what was sent.
    assert [path.name for path in service.settings.home.parent.iterdir()] == ["home"]
    names = {path.name for path in service.settings.home.rglob("*")}
    assert not any(text[:8] in one for one in names)


def test_a_body_that_is_larger_than_allowed_is_refused(sender: Caller, service: Service) -> None:
    app = service.client.application
    kept = app.config["MAX_CONTENT_LENGTH"]
    app.config["MAX_CONTENT_LENGTH"] = 1000
    try:
        for kind in KINDS:
            refused(sender.post(f"/v1/{kind}", data=bytes(2000), content_type="text/csv"), 413)
        refused(service.caller("admin").post("/v1/prices", json={"series": "x" * 2000}), 413)
    finally:
        app.config["MAX_CONTENT_LENGTH"] = kept
