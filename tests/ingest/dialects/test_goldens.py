"""Documented forms that have a golden file and no test beside it: each has its stated values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects import frames808, frames809
from tests.ingest.dialects.reading import read_dialect

GOLDEN = Path(__file__).parent / "golden"


def test_the_export_of_traccar_has_the_values_of_its_forwarded_position(tmp_path: Path) -> None:
    """Many rows share one server time: an upload that came a day and a half late."""
    content = (GOLDEN / "export_of_traccar.csv").read_bytes()
    found = read_dialect(tmp_path, content, "traccar")
    first, second = found.rows.to_dict("records")
    assert (found.rows_read, found.codes) == (2, [])
    assert first["time_ms"] == 1_663_248_932_000  # its fixTime, as the forwarded one says it
    assert second["time_ms"] - first["time_ms"] == 60_000
    assert (first["lat_udeg"], first["lon_udeg"]) == (57_717_270, 11_921_161)
    assert first["speed_kmh"] == pytest.approx(29.4 * 1.852)
    assert first["odometer_km"] == pytest.approx(101_944.0)
    assert first["fuel_used_l"] == pytest.approx(224.472)


def test_a_page_of_positions_of_rfms_has_its_values(tmp_path: Path) -> None:
    content = (GOLDEN / "rfms_positions.json").read_bytes()
    [row] = read_dialect(tmp_path, content, "rfms").rows.to_dict("records")
    assert row["vehicle_id"] == "ABC12345678901234"
    assert row["time_ms"] == to_epoch_ms(datetime(2024, 3, 2, 6, 13, 36, tzinfo=UTC))
    assert (row["lat_udeg"], row["lon_udeg"]) == (57_717_270, 11_921_161)
    assert (row["speed_kmh"], row["heading_deg"], row["altitude_m"]) == (54.5, 30.0, 32.0)
    assert row["odometer_km"] != row["odometer_km"]  # positions have none


def test_a_location_of_809_of_2019_has_its_values(tmp_path: Path) -> None:
    content = (GOLDEN / "jt809_edition_2019.hex").read_bytes()
    [row] = read_dialect(tmp_path, content, "jt809").rows.to_dict("records")
    assert row["vehicle_id"] == "赣B63265"
    assert row["time_ms"] == to_epoch_ms(datetime(2026, 3, 1, 22, 45, tzinfo=UTC))
    assert (row["lat_udeg"], row["lon_udeg"]) == (30_572_815, 104_066_801)
    assert (row["speed_kmh"], row["odometer_km"]) == (60.5, 12_345.6)
    of_808 = frames808.location(items=frames808.item(1, (123_456).to_bytes(4, "big")))
    sent = frames809.frame(frames809.location_2019(of_808), edition=2019)
    assert content.strip().decode() == sent.hex()
