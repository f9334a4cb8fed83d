"""Rows in over HTTP: every type of body, partial success, limits, repeated requests."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
import zstandard

from tests.web.conftest import Caller, Service

ROWS: list[dict[str, Any]] = [
    {"vehicle_id": "V1", "rated_payload_t": 30.0},
    {"vehicle_id": "V2", "rated_payload_t": 18.5},
]


def _csv() -> bytes:
    lines = [
        "vehicle_id,rated_payload_t",
        *(f"{r['vehicle_id']},{r['rated_payload_t']}" for r in ROWS),
    ]
    return "\n".join(lines).encode()


def _parquet() -> bytes:
    sink = io.BytesIO()
    pa_parquet.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


def _arrow() -> bytes:
    sink, table = io.BytesIO(), pa.Table.from_pylist(ROWS)
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


BODIES = {
    "application/json": json.dumps(ROWS, indent=1).encode(),
    "application/x-ndjson": b"\n".join(json.dumps(row).encode() for row in ROWS),
    "text/csv": _csv(),
    "application/vnd.apache.parquet": _parquet(),
    "application/vnd.apache.arrow.stream": _arrow(),
}


def counts(answer: Any) -> tuple[int, ...]:
    """Status, and rows read, accepted, duplicate, rejected."""
    told = answer.json
    names = ("rows_read", "rows_accepted", "rows_duplicate", "rows_rejected")
    return (answer.status_code, *(told[name] for name in names))


@pytest.fixture
def dispatcher(service: Service) -> Caller:
    return service.caller("dispatcher")


def test_each_type_of_body_says_the_same(dispatcher: Caller) -> None:
    for number, (media_type, body) in enumerate(BODIES.items()):
        answer = dispatcher.post("/v1/vehicles", data=body, content_type=media_type)
        # The first sends them; to all others they are on record already.
        expected = (200, 2, 0, 2, 0) if number else (200, 2, 2, 0, 0)
        assert counts(answer) == expected, (media_type, answer.json)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}


def test_rows_can_be_looked_at_before_they_are_sent(dispatcher: Caller) -> None:
    header = "车牌号,车牌颜色,核定载质量(吨),备注"
    body = f"{header}\n赣A·00000,黄,32,x\n赣B00000,蓝,,x\n".encode("gb18030")
    answer = dispatcher.post("/v1/vehicles/preview", data=body, content_type="text/csv")
    told = answer.json
    assert (answer.status_code, told["kept"]) == (200, False)
    assert (told["rows_read"], told["rows_rejected"]) == (2, 1)
    assert told["rows"][0]["vehicle_id"] == "赣A00000_2"
    assert {one["what"]: one["value"] for one in told["guesses"]}["encoding"] == "gb18030"
    columns = {one["name"]: one for one in told["columns"]}
    assert columns["rated_payload_t"]["unit"] == "t (heading)"
    assert told["columns_ignored"] == ["备注"]
    assert dispatcher.get("/v1/files").json["files"] == []
    sent = dispatcher.post("/v1/vehicles", data=body, content_type="text/csv").json
    assert sent["columns_taken"]["plate"] == "车牌号"


@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_body_is_unpacked(dispatcher: Caller, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    packed = PACKED[encoding](BODIES["text/csv"])
    answer = dispatcher.post("/v1/vehicles", data=packed, content_type="text/csv", headers=headers)
    assert counts(answer) == (200, 2, 2, 0, 0)


def test_good_rows_go_on_and_each_of_the_others_is_named(dispatcher: Caller) -> None:
    rows = [ROWS[0], {"vehicle_id": "V3", "rated_payload_t": -1}, {"rated_payload_t": 3}]
    answer = dispatcher.post("/v1/vehicles", json=rows)
    assert counts(answer) == (200, 3, 1, 0, 2)
    assert answer.json is not None
    told = [(one["line"], one["column"]) for one in answer.json["rejections"]]
    assert told == [(2, "rated_payload_t"), (3, "vehicle_id")]


def test_one_row_may_come_without_a_list(dispatcher: Caller) -> None:
    assert counts(dispatcher.post("/v1/vehicles", json=ROWS[0])) == (200, 1, 1, 0, 0)


@pytest.mark.parametrize(
    ("media_type", "body", "status", "code"),
    [
        ("application/json", b"[{", 422, "json_unreadable"),
        ("application/json", b"", 422, "json_unreadable"),
        ("application/xml", b"<a/>", 415, "media_type_unsupported"),
        ("", b"{}", 415, "media_type_unsupported"),
        ("application/vnd.apache.parquet", b"PAR1 no", 422, "file_unreadable"),
        ("application/vnd.apache.arrow.stream", b"no", 422, "arrow_unreadable"),
        ("text/csv", b"a,b\n1,2\n", 422, "column_missing"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_and_nothing_kept(
    dispatcher: Caller, service: Service, media_type: str, body: bytes, status: int, code: str
) -> None:
    answer = dispatcher.post("/v1/vehicles", data=body, content_type=media_type)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert not [path for path in (service.settings.home / "files").rglob("*") if path.is_file()]


def test_a_bomb_is_refused_before_it_is_unpacked(service: Service) -> None:
    app = service.client.application
    small = service.settings.model_copy(update={"request_unpacked_bytes_max": 100_000})
    app.config["SETTINGS"] = small
    for encoding, packed in (
        ("gzip", gzip.compress(bytes(10**8))),
        ("zstd", zstandard.compress(bytes(10**8))),
    ):
        answer = service.caller("dispatcher").post(
            "/v1/vehicles",
            data=packed,
            content_type="text/csv",
            headers={"Content-Encoding": encoding},
        )
        assert (answer.status_code, (answer.json or {})["code"]) == (413, "body_too_large")


def test_what_is_no_packed_body_is_refused(dispatcher: Caller) -> None:
    for encoding in ("gzip", "zstd", "br"):
        answer = dispatcher.post(
            "/v1/vehicles",
            data=b"vehicle_id\nV1",
            content_type="text/csv",
            headers={"Content-Encoding": encoding},
        )
        expected = 415 if encoding == "br" else 422
        assert answer.status_code == expected, (encoding, answer.json)


def test_a_body_that_is_too_large_as_it_is_sent_is_refused(service: Service) -> None:
    service.client.application.config["MAX_CONTENT_LENGTH"] = 1000
    dispatcher = service.caller("dispatcher")
    answer = dispatcher.post("/v1/vehicles", data=bytes(2000), content_type="text/csv")
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


def test_a_repeated_request_is_answered_as_it_was_and_done_once(dispatcher: Caller) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = dispatcher.post("/v1/vehicles", json=ROWS, headers=key)
    again = dispatcher.post("/v1/vehicles", json=ROWS, headers=key)
    assert counts(again) == counts(first) == (200, 2, 2, 0, 0)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    without = dispatcher.post("/v1/vehicles", json=ROWS)
    assert counts(without) == (200, 2, 0, 2, 0)


def test_a_key_that_comes_with_another_request_is_refused(dispatcher: Caller) -> None:
    key = {"Idempotency-Key": "k-2"}
    dispatcher.post("/v1/vehicles", json=ROWS, headers=key)
    for path, rows in (("/v1/vehicles", ROWS[:1]), ("/v1/drivers", ROWS)):
        answer = dispatcher.post(path, json=rows, headers=key)
        assert (answer.status_code, (answer.json or {})["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_is_repeated_too(dispatcher: Caller) -> None:
    key = {"Idempotency-Key": "k-3"}
    for replayed in (None, "true"):
        answer = dispatcher.post("/v1/vehicles", data=b"a\n1", content_type="text/csv", headers=key)
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
        assert answer.headers.get("Idempotency-Replayed") == replayed


def test_keys_of_requests_are_each_callers_own(service: Service) -> None:
    key = {"Idempotency-Key": "same"}
    for rows in (ROWS[:1], ROWS):
        answer = service.caller("dispatcher").post("/v1/vehicles", json=rows, headers=key)
        assert answer.status_code == 200


def test_a_request_under_way_is_not_done_beside_itself(
    dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_carbon.services.intake import receiving

    take = receiving.receive
    seen: list[int] = []

    def twice(*given: Any, **named: Any) -> Any:
        if not seen:
            seen.append(0)
            answer = dispatcher.post("/v1/vehicles", json=ROWS, headers={"Idempotency-Key": "k"})
            seen.append(answer.status_code)
            assert answer.headers["Retry-After"]
        return take(*given, **named)

    monkeypatch.setattr(receiving, "receive", twice)
    answer = dispatcher.post("/v1/vehicles", json=ROWS, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, seen) == (200, [0, 409])


def test_a_fault_is_no_answer_so_that_the_sender_may_try_again(
    dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_carbon.services.intake import receiving

    def broken(*given: Any, **named: Any) -> Any:
        raise ZeroDivisionError("planted")

    key = {"Idempotency-Key": "k-4"}
    with monkeypatch.context() as patched:
        patched.setattr(receiving, "receive", broken)
        answer = dispatcher.post("/v1/vehicles", json=ROWS, headers=key)
        assert (answer.status_code, (answer.json or {})["code"]) == (500, "internal_fault")
        assert "planted" not in answer.text
    assert counts(dispatcher.post("/v1/vehicles", json=ROWS, headers=key)) == (200, 2, 2, 0, 0)
