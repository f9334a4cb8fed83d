"""What holds for every dialect: suggested only where certain, never guessed, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.dialects import dialect
from fleet_carbon.ingest.dialects.registry import DIALECTS, certain_dialect, dialect_of
from fleet_carbon.ingest.intake import KINDS
from tests.ingest.dialects.reading import read_dialect
from tests.ingest.reading import read

GOLDEN = Path(__file__).parent / "golden"
TRUCK = {"vehicle_id": "T1"}


def test_a_dialect_is_suggested_by_its_content_and_not_applied(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes((GOLDEN / "traccar_forwarded.json").read_bytes())
    with pytest.raises(InputRefused) as refused:
        read(path, "positions")
    assert refused.value.details["dialect"] == "traccar"
    assert "dialect traccar" in refused.value.hint


def test_a_slip_of_the_pen_is_told_the_name() -> None:
    with pytest.raises(InputRefused) as refused:
        dialect_of("tracar", "positions")
    assert (refused.value.code, "traccar?" in refused.value.hint) == ("dialect_unknown", True)


def test_a_kind_that_a_dialect_does_not_know_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        dialect_of("traccar", "orders")
    assert refused.value.code == "dialect_without_kind"


@pytest.mark.parametrize("one", DIALECTS.values(), ids=list(DIALECTS))
def test_a_dialect_says_what_it_is(one: object) -> None:
    assert set(one.kinds) <= set(KINDS)  # type: ignore[attr-defined]
    assert one.text.endswith(".")  # type: ignore[attr-defined]


def examples(name: str) -> list[bytes]:
    """The contents of the golden files that begin with the dialect's name; frames also as bytes."""
    longer = tuple(one for one in DIALECTS if one.startswith(f"{name}_"))
    files = sorted(GOLDEN.glob(f"{name.partition('-')[0]}[_.]*"))
    files = [path for path in files if not (longer and path.name.startswith(longer))]
    held = [path.read_bytes() for path in files]
    frames = [path.read_text() for path in files if path.suffix == ".hex"]
    return held + [bytes.fromhex(text) for text in frames]


@pytest.mark.parametrize("name", [one for one in DIALECTS if one != "fuel_card"])
def test_each_example_is_certainly_of_its_dialect_alone(name: str, tmp_path: Path) -> None:
    assert examples(name), "put one into golden/"
    for content in examples(name):
        path = tmp_path / "example"
        path.write_bytes(content)
        found = certain_dialect(path, DIALECTS[name].kinds[0])
        # Metric or not is not told by the content.
        assert found is (None if name.startswith("motive") else DIALECTS[name])


@pytest.mark.parametrize("name", ["traccar", "jt808", "ocpi", "otm5", "network_freight"])
def test_records_on_lines_are_read_in_blocks_and_keep_their_lines(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = next(json.loads(one) for one in examples(name) if one.lstrip()[:1] == b"{")
    kind = DIALECTS[name].kinds[0]
    line = json.dumps(record).encode()
    lines = [line, line, b"{broken", b"", line, b"[1]", line]
    for end in (b"\n", b""):
        content = b"\xef\xbb\xbf" + b"\n".join(lines) + end
        whole = read_dialect(tmp_path, content, name, kind, constants=TRUCK)
        monkeypatch.setattr(dialect, "BLOCK_BYTES", len(line) + 40)
        parts = read_dialect(tmp_path, content, name, kind, constants=TRUCK)
        monkeypatch.undo()
        assert len(parts.batches) > len(whole.batches)
        assert parts.rows["line"].tolist() == whole.rows["line"].tolist() == [1, 2, 5, 7]
        assert parts.codes == whole.codes
        assert [one for one, _, _ in parts.codes] == [3, 6]
        pd.testing.assert_frame_equal(parts.rows, whole.rows)


def test_pages_are_read_in_blocks_and_their_records_are_numbered_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is longer than what is looked at to tell the dialect."""
    document = json.loads((GOLDEN / "rfms_statuses.json").read_bytes())
    document["vehicleStatusResponse"]["vehicleStatuses"] *= dialect.HEAD_BYTES // 500
    page = json.dumps(document).encode()
    count = len(document["vehicleStatusResponse"]["vehicleStatuses"])
    assert len(page) > dialect.HEAD_BYTES
    content = b"\n".join([page, b"{broken", page, page.replace(b"false", b"true")])
    monkeypatch.setattr(dialect, "BLOCK_BYTES", len(page) // 2)
    found = read_dialect(tmp_path, content, "rfms")
    assert len(found.batches) > 3
    assert found.rows["line"].tolist() == list(range(1, 3 * count + 1))
    assert found.codes == [(2, "", "json_unreadable")]
    assert found.remarks == {"more_data_available": 1}  # as the last page says


def test_a_log_of_a_receiver_is_read_in_blocks_and_keeps_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = (GOLDEN / "nmea_rmc.log").read_bytes().strip()
    content = b"\xef\xbb\xbf" + b"\r\n".join([line, b"# note", line[:-1] + b"0", line, line[:20]])
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 50)
    found = read_dialect(tmp_path, content, "nmea", constants=TRUCK)
    assert len(found.batches) > 2
    assert found.rows["line"].tolist() == [1, 4]
    assert found.codes == [(3, "", "sentence_check_wrong"), (5, "", "sentence_cut_off")]


@pytest.mark.parametrize("name", [one for one in DIALECTS if one != "fuel_card"])
def test_a_file_that_must_be_held_whole_and_is_too_large_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "CONTENT_BYTES_MAX", 20)
    for content in examples(name):
        with pytest.raises(InputRefused) as refused:
            read_dialect(tmp_path, content, name, DIALECTS[name].kinds[0], constants=TRUCK)
        assert refused.value.code == "file_too_large_for_dialect"


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_content_is_read_or_refused_and_never_breaks(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    content = bytearray(data.draw(st.sampled_from(examples(name))))
    for _ in range(data.draw(st.integers(0, 12))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        change = data.draw(st.sampled_from(["cut", "put", "twice"]))
        if change == "cut":
            del content[place : place + data.draw(st.integers(1, 40))]
        elif change == "put":
            content[place : place + 1] = data.draw(st.binary(max_size=6))
        else:
            content[place:place] = content[place : place + 60]
    try:
        found = read_dialect(
            tmp_path, bytes(content), name, DIALECTS[name].kinds[0], constants=TRUCK
        )
    except InputRefused:
        return
    assert found.rows_read == len(found.rows) + len(found.rejections)


def documents(name: str) -> list[Any]:
    """The examples that are JSON, taken apart."""
    begins = (b'{"', b"{\n", b"[\n")  # a frame of JT/T 809 begins with [, too
    return [json.loads(one) for one in examples(name) if one.startswith(begins)]


def places_in(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every member and element."""
    held = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in held:
        yield (*above, key)
        if isinstance(member, dict | list):
            yield from places_in(member, (*above, key))


ODD = st.sampled_from(
    [
        *(None, True, 0, -1, 1e308, 2**64, 10**25, "", " ", "x", "-0", "1e999", "NaN", "\0"),
        *("2026-02-30", "0001-01-01", "9999-12-31T23:59:59Z", "2026-03-02T06:45:00+23:59"),
        *("1" * 400, [], {}, [[]], [None], [{}], {"id": 1}, {"value": "1", "unit": "KGM"}),
    ]
)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", [one for one in DIALECTS if documents(one)])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_in_a_member_each_record_is_read_or_refused(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    document = json.loads(json.dumps(data.draw(st.sampled_from(documents(name)))))
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from(list(places_in(document))))
        holder = document
        for step in above:
            holder = holder[step]
        holder[last] = deepcopy(data.draw(ODD))  # what is drawn twice would hold itself
    content = json.dumps(document).encode()
    lines = b"\n".join([content] * data.draw(st.integers(1, 3)))
    kind = data.draw(st.sampled_from(DIALECTS[name].kinds))
    crs = data.draw(st.sampled_from(["wgs84", "gcj02", "bd09"]))
    try:
        found = read_dialect(tmp_path, lines, name, kind, constants=TRUCK, crs=crs)
    except InputRefused:
        return
    assert found.rows_read == len(found.rows) + len(found.rejections)
