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


def test_a_logbook_of_acar_has_its_fills_and_nothing_of_its_other_tables(tmp_path: Path) -> None:
    """Its form as aCar 5 exports it, several tables one below the other; values of our own."""
    content = (GOLDEN / "logbook_acar.csv").read_bytes()
    found = read_dialect(
        tmp_path, content, "fuel_card", "energy",
        time_zone="America/Denver", time_format="%m/%d/%Y %H:%M", units={"fuel": "gal_us"},
    )  # fmt: skip
    assert (found.rows_read, found.codes) == (2, [])
    full, part = found.rows.to_dict("records")
    assert (full["vehicle_id"], full["product"], full["unit"]) == ("Truck 7", "Diesel", "l")
    # Denver is six hours behind UTC in July. 100 US gallons; 106,421 miles; $396.90 for them.
    assert full["bought_at"] == datetime(2023, 7, 15, 14, 11, tzinfo=UTC)
    assert full["quantity"] == pytest.approx(378.5411784)
    assert full["odometer_km"] == pytest.approx(106_421 * 1.609344)
    assert full["price"] == "1.0485"
    assert (full["is_full"], part["is_full"]) == (True, False)


def test_an_import_file_of_fleetmate_has_its_values(tmp_path: Path) -> None:
    """Its five essential columns, whose units the profile tells: the file has none."""
    content = (GOLDEN / "fleetmate.csv").read_bytes()
    said = {"time_zone": "America/New_York", "time_format": "%m/%d/%Y"}
    units = {"fuel": "gal_us", "odometer": "mi"}
    [row] = read_dialect(
        tmp_path, content, "fuel_card", "energy", units=units, **said
    ).rows.to_dict("records")
    assert (row["vehicle_id"], row["price"]) == ("T7", "1.0853")
    assert row["bought_at"] == datetime(2024, 3, 14, 4, tzinfo=UTC)
    assert row["quantity"] == pytest.approx(300.5 * 3.785411784)
    assert row["odometer_km"] == pytest.approx(123_456 * 1.609344)


def test_an_export_of_motorpass_has_thirty_columns_and_its_rebates_are_no_litres(
    tmp_path: Path,
) -> None:
    """What is known of its form: tabs, the first heading, the 14th, the 30; product 89."""
    content = (GOLDEN / "motorpass.txt").read_bytes()
    heading = next(one for one in content.split(b"\r\n") if one.startswith(b"Account No"))
    assert heading.count(b"\t") == 29
    assert heading.split(b"\t")[13] == b"Voucher"
    found = read_dialect(
        tmp_path, content, "fuel_card", "energy",
        time_zone="Australia/Sydney", time_format="%d/%m/%Y %H:%M", units={"odometer": "km"},
        columns={"receipt_id": "Voucher"},
    )  # fmt: skip
    assert found.codes == [(7, "Amount", "amount_negative")]
    diesel, adblue = found.rows.to_dict("records")
    assert (diesel["quantity"], diesel["price"], diesel["odometer_km"]) == (
        412.35,
        "1.8176",
        123_456,
    )
    assert diesel["bought_at"] == datetime(2026, 3, 2, 7, 41, tzinfo=UTC)  # summer time, 11 h
    assert (diesel["receipt_id"], adblue["product"]) == ("V1", "AdBlue")


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
