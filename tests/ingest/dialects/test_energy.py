"""Fuel cards below their titles, and charging sessions by OCPI."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from tests.ingest.dialects.reading import read_dialect
from tests.ingest.reading import Read, profile, read, write

GOLDEN = Path(__file__).parent / "golden"
CARD = (GOLDEN / "fuel_card.txt").read_bytes()
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
SESSION: dict[str, Any] = json.loads((GOLDEN / "ocpi_cdr.json").read_bytes())


def sessions(folder: Path, *records: Any, **said: Any) -> Read:
    content = "\n".join(json.dumps(one) for one in records).encode()
    said = {"constants": {"vehicle_id": "E1"}} | said
    return read_dialect(folder, content, "ocpi", "energy", **said)


def test_a_fuel_card_is_read_below_its_titles(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, CARD, "fuel_card", "energy", time_zone="UTC")
    assert found.codes == [
        (6, "Amount", "amount_negative"),  # a rebate names litres that nobody bought
        (8, "Registration", "missing_value"),  # the total
    ]
    assert found.rows_read == 4
    diesel, adblue = found.rows.to_dict("records")
    assert (diesel["vehicle_id"], diesel["quantity"], diesel["unit"]) == ("AB123CD", 412.35, "l")
    assert diesel["bought_at"].isoformat() == "2026-03-02T18:41:00+00:00"
    assert (diesel["price"], diesel["odometer_km"], diesel["line"]) == ("7.4200", 123456, 5)
    # What is no fuel of the truck stays on record; the month tells it apart by its product.
    assert adblue["product"] == "AdBlue"


def test_a_line_of_headings_beyond_the_hundredth_is_not_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, b"title\n" * 100 + CARD, "fuel_card", "energy")
    assert refused.value.code == "dialect_not_met"


def test_a_profile_may_say_which_headings_serve(tmp_path: Path) -> None:
    lines = ["Title", "Card;When;How much", "C7;2026-03-02 18:41;412,35"]
    found = read_dialect(
        tmp_path, "\n".join(lines).encode(), "fuel_card", "energy",
        columns={"vehicle_id": "Card", "time": "When", "quantity": "How much"},
    )  # fmt: skip
    assert found.rows[["vehicle_id", "quantity"]].values.tolist() == [["C7", 412.35]]


def test_day_and_clock_are_read_as_one_where_the_file_has_both(tmp_path: Path) -> None:
    lines = ["Vehicle,Date,Time,Litres", "T1,2026-03-02,18:41,9", "T1,2026-03-02,2026-03-03 1:00,9"]
    found = read(write(tmp_path, lines), "energy")
    moments = found.rows["bought_at"].dt.tz_convert("Asia/Shanghai").dt.strftime("%d %H:%M")
    assert moments.tolist() == ["02 18:41", "03 01:00"]
    # A column of our very name is a moment, whatever stands beside it.
    ours = write(tmp_path, ["vehicle_id,date,time,quantity", "T1,x,2026-03-02 18:41,9"])
    assert read(ours, "energy").codes == []
    told = profile(columns={"time": "Date"})
    assert read(write(tmp_path, lines[:2]), "energy", told).codes == []


@settings(max_examples=25, deadline=None)
@given(
    bought=st.lists(
        st.tuples(
            st.integers(0, 10**6).map(lambda after_min: BEGUN + timedelta(minutes=after_min)),
            st.integers(1, 200_000).map(lambda hundredths: hundredths / 100),
            st.sampled_from(["purchase", "rebate"]),
        ),
        min_size=1,
        max_size=8,
    ),
    titles=st.lists(st.sampled_from(["", "Motor card", "Balance\t\t1200.00"]), max_size=12),
    separator=st.sampled_from("\t;"),
    decimal=st.sampled_from(",."),
)
def test_what_a_card_lists_is_read_back_without_rebates_and_total(
    bought: list[tuple[datetime, float, str]],
    titles: list[str],
    separator: str,
    decimal: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def row(at: datetime, litres: float, word: str) -> str:
        amount = f"{'-' if word == 'rebate' else ''}{7.5 * litres:.2f}"
        cells = ["7", f"{at:%Y-%m-%d}", f"{at:%H:%M}", "T1", f"{litres:.2f}", amount]
        return separator.join(cells).replace(".", decimal)

    heading = "Account No,Transaction Date,Transaction Time,Vehicle,Litres,Amount"
    total = separator.join(["Total", "", "", "", "1", "1"])
    lines = [*titles, heading.replace(",", separator), *(row(*one) for one in bought), total]
    content = "\r\n".join(lines).encode()
    folder = tmp_path_factory.mktemp("card")
    found = read_dialect(folder, content, "fuel_card", "energy", time_zone="UTC")
    kept = [one for one in bought if one[2] == "purchase"]
    assert found.rows_read == len(bought) + 1
    assert [code for _, _, code in found.codes] == (
        ["amount_negative"] * (len(bought) - len(kept)) + ["missing_value"]
    )
    assert found.rows["quantity"].tolist() == [litres for _, litres, _ in kept]
    assert [at.to_pydatetime() for at in found.rows["bought_at"]] == [at for at, _, _ in kept]


def test_a_session_is_read_by_its_fields(tmp_path: Path) -> None:
    found = sessions(tmp_path, SESSION)
    assert found.codes == []
    [row] = found.rows.to_dict("records")
    assert (row["vehicle_id"], row["quantity"], row["unit"]) == ("E1", 250.0, "kWh")
    assert row["bought_at"].isoformat() == "2026-03-02T23:40:00+00:00"
    assert (row["place_lon"], row["place_lat"]) == (9.99, 53.55)
    # 125 EUR without tax for 250 kWh.
    assert (row["price"], row["currency"], row["receipt_id"]) == ("0.5000", "EUR", "CDR-1")


def test_an_earlier_version_and_an_answer_of_the_interface_are_read_too(tmp_path: Path) -> None:
    early = {
        key: held
        for key, held in SESSION.items()
        if key not in ("end_date_time", "cdr_location", "total_cost")
    }
    early |= {"stop_date_time": "2026-03-02T23:40:00", "total_cost": 125, "auth_id": "A1"}
    early["location"] = SESSION["cdr_location"]
    found = sessions(tmp_path, {"data": [SESSION, early], "status_code": 1000})
    assert found.rows["bought_at"].nunique() == 1  # a moment without a sign is UTC, too
    assert found.rows["price"].tolist() == ["0.5000", "0.5000"]


def test_a_credit_is_refused_and_counted(tmp_path: Path) -> None:
    found = sessions(tmp_path, SESSION, SESSION | {"id": "CDR-1-C", "credit": True})
    assert found.codes == [(2, "credit", "credit_no_purchase")]
    assert found.rows_read == 2


def test_the_truck_of_a_session_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        sessions(tmp_path, SESSION, constants={})
    assert refused.value.code == "column_missing"
    card = sessions(tmp_path, SESSION, constants={}, columns={"vehicle_id": "token_uid"})
    assert card.rows["vehicle_id"].tolist() == ["04A1B2C3"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.decimals(min_value="0.001", max_value=2000, places=3), min_size=1, max_size=4))
def test_what_is_written_by_the_module_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, kwh: list[Any]
) -> None:
    written = [SESSION | {"total_energy": float(one)} for one in kwh]
    found = sessions(tmp_path_factory.mktemp("e"), *written)
    assert found.rows["quantity"].tolist() == [float(one) for one in kwh]
    assert found.codes == []


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["cdr_location", "total_cost", "total_energy", "end_date_time", "cdr_token"]),
    st.none() | st.integers() | st.text(max_size=4) | st.lists(st.none()) | st.just({"data": 1}),
)
def test_whatever_stands_in_a_field_each_session_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    found = sessions(tmp_path_factory.mktemp("f"), SESSION | {name: value}, SESSION)
    assert found.rows_read == len(found.rows) + len(found.rejections) == 2
