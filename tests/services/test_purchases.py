"""Which purchases concern a month, when their trucks are looked for, and what comes back."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.frames import ACCOUNTS, ENERGY, PURCHASES
from fleet_carbon.periods import Month
from fleet_carbon.services.months.purchases import PurchaseBook, concerning
from fleet_carbon.traces.lookouts import LookoutRules
from tests.builders import LAT_UDEG, SEPTEMBER, START, Truck, lon_at

SHANGHAI = ZoneInfo("Asia/Shanghai")
MAY = Month(2026, 5, SHANGHAI)
RULES = LookoutRules(window_s=600.0, unseen_speed_kmh=60.0)


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def energy(*moments: str, **given: Any) -> pd.DataFrame:
    rows = [
        {"vehicle_id": "T1", "bought_at": local(at), "quantity": 300.0, "unit": "l", **given}
        for at in moments
    ]
    return ENERGY.shape(pd.DataFrame(rows))


def drove(*months: str, vehicle_id: str = "T1", distance_km: float = 1.0) -> pd.DataFrame:
    rows = [{"vehicle_id": vehicle_id, "month": one, "distance_km": distance_km} for one in months]
    return pd.DataFrame(rows, columns=["vehicle_id", "month", "distance_km"])


def days_concerning(*moments: str, history: pd.DataFrame | None = None) -> list[str]:
    found = concerning(
        energy(*moments),
        month=MAY,
        window=MAY.widened(10),
        history=drove() if history is None else history,
    )
    return [f"{at.astimezone(SHANGHAI):%Y-%m-%d}" for at in found["bought_at"]]


def book(rows: pd.DataFrame, month: Month = MAY) -> PurchaseBook:
    return PurchaseBook.of_month(rows, month=month, window=month.widened(10), rules=RULES)


def looked_for(*moments: str) -> list[str]:
    at = book(energy(*moments)).rows["looked_at"].dt.tz_convert(SHANGHAI)
    return [f"{one:%Y-%m-%d %H:%M}" for one in at]


def test_the_days_of_the_month_and_its_margin_concern_it() -> None:
    assert days_concerning("2026-05-14T10:00", "2026-06-09T10:00", "2026-07-20T10:00") == [
        "2026-05-14", "2026-06-09",
    ]  # fmt: skip


def test_a_year_off_and_interchanged_days_may_be_meant_for_it() -> None:
    # 2026-07-05 may be the 7th of May; 2026-07-06 is nothing of May; 2026-07-20 has no 20th month.
    told = ("2025-05-14T10:00", "2027-05-14T10:00", "2026-07-05T10:00", "2026-07-06T10:00")
    assert days_concerning(*told) == ["2025-05-14", "2027-05-14", "2026-07-05"]
    assert looked_for(*told) == ["2026-05-07 10:00", "2026-05-14 10:00", "2026-05-14 10:00"]


def test_the_date_of_a_truck_that_drove_then_is_not_doubted() -> None:
    told = "2025-05-14T10:00"
    assert days_concerning(told, history=drove("2025-05")) == []
    assert days_concerning(told, history=drove("2025-05", distance_km=0.0)) == ["2025-05-14"]
    assert days_concerning(told, history=drove("2025-05", vehicle_id="T2")) == ["2025-05-14"]
    assert days_concerning(told, history=drove("2025-04")) == ["2025-05-14"]


def test_what_is_dated_in_the_month_is_looked_for_there_alone() -> None:
    assert looked_for("2026-05-04T10:00") == ["2026-05-04 10:00"]  # not also on the 5th of April


def test_ten_minutes_before_and_after_are_looked_at() -> None:
    found = book(energy("2026-05-14T10:00")).lookouts
    at_ms = round(local("2026-05-14T10:00").timestamp() * 1000)
    assert found.at_ms.tolist() == [at_ms]
    assert (found.from_ms.tolist(), found.until_ms.tolist()) == (
        [at_ms - 600_000],
        [at_ms + 600_000],
    )


def test_midnight_to_the_second_stands_for_the_day() -> None:
    rows = book(energy("2026-05-14T00:00", "2026-05-15T00:01"))
    assert rows.rows["is_hour_known"].tolist() == [False, True]
    day_ms = 24 * 3_600_000
    assert rows.lookouts.from_ms[0] == rows.lookouts.at_ms[0]
    assert rows.lookouts.until_ms[0] - rows.lookouts.at_ms[0] == day_ms


def test_a_day_is_as_long_as_its_zone_makes_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    row = energy("2026-05-14T00:00").assign(bought_at=pd.Timestamp("2026-03-28T23:00Z"))
    found = book(ENERGY.shape(row), Month(2026, 3, berlin)).lookouts  # the 29th has 23 hours
    assert found.until_ms[0] - found.from_ms[0] == 23 * 3_600_000


def test_the_book_of_some_trucks_is_theirs_alone() -> None:
    rows = pd.concat([energy("2026-05-14T10:00", vehicle_id=name) for name in ("T3", "T1", "T2")])
    whole = book(ENERGY.shape(rows))
    assert whole.vehicle_ids == ["T1", "T2", "T3"]
    part = pickle.loads(pickle.dumps(whole.of_vehicles(["T3", "T1", "T9"])))
    assert part.vehicle_ids == ["T1", "T3"]
    assert part.rows["vehicle_id"].tolist() == ["T1", "T3"]
    assert len(part.lookouts) == 2


def test_what_is_seen_stands_beside_what_was_told() -> None:
    trace = Truck().stand(0.5).drive_to(30.0).stand(0.5).trace()
    at = START + timedelta(hours=1.25)
    place = {"place_lon": lon_at(30.05), "place_lat": LAT_UDEG / 1e6}
    rows = energy("2026-09-10T00:00", **place).assign(bought_at=pd.Timestamp(at))
    held = book(ENERGY.shape(rows), SEPTEMBER)
    rows_told = held.table([None, held.seen("T1", trace, RULES)])
    assert rows_told.schema == PURCHASES.schema
    table = PURCHASES.shape(rows_told.to_pandas())
    assert table["standing_distance_m"][0] == pytest.approx(50, abs=1)
    assert table["stood_at"][0] == at - timedelta(minutes=10)
    assert table["quantity"][0] == 300


def test_trucks_without_purchases_have_no_rows() -> None:
    empty = book(ENERGY.empty())
    assert empty.vehicle_ids == []
    assert empty.seen("T1", Truck().stand(0.5).trace(), RULES) is None
    assert len(empty.of_vehicles(["T1"]).rows) == 0
    assert empty.table([None, None]).equals(PURCHASES.schema.empty_table())
    nothing = concerning(
        ENERGY.empty(), month=MAY, window=MAY.widened(10), history=ACCOUNTS.empty()
    )
    assert len(nothing) == 0


def test_many_dates_are_looked_for_once_in_a_month_at_most_per_meaning() -> None:
    random = np.random.default_rng(5)
    starts = datetime(2024, 1, 1, tzinfo=UTC)
    days = random.integers(0, 1200, size=400)
    told = [f"{starts + timedelta(days=int(day), hours=9):%Y-%m-%dT%H:%M}" for day in days]
    rows = book(energy(*told)).rows
    first, end = MAY.widened(10)
    dated_here = rows["bought_at"].between(first, end, inclusive="left")
    assert (rows["looked_at"][dated_here] == rows["bought_at"][dated_here]).all()
    elsewhere = rows[~dated_here]
    assert elsewhere["looked_at"].between(MAY.starts_at, MAY.ends_at, inclusive="left").all()
    told_at, meant = (rows[name].dt.tz_convert(SHANGHAI) for name in ("bought_at", "looked_at"))
    same_day = (told_at.dt.month == meant.dt.month) & (told_at.dt.day == meant.dt.day)
    is_year = same_day & ((told_at.dt.year - meant.dt.year).abs() <= 1)
    is_swap = (told_at.dt.month == meant.dt.day) & (told_at.dt.day == meant.dt.month)
    assert (is_year | (is_swap & (told_at.dt.year == meant.dt.year))).all()
    assert (told_at.dt.time == meant.dt.time).all()
