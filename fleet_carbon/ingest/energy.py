"""Energy: fuel receipts and charging sessions.

Products are kept as written; what is no fuel (AdBlue) is told apart where fuel is counted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from fleet_carbon.frames import ENERGY
from fleet_carbon.ingest.checking import Layout, RowCheck, moments_column, words
from fleet_carbon.ingest.orders import check_currency

LAYOUT = Layout(
    frame=ENERGY,
    names=(
        *("vehicle_id", "time", "quantity", "unit", "product", "price", "currency"),
        *("odometer_km", "receipt_id", "is_full", "place_lon", "place_lat", "place_coordinates"),
    ),
    required=("vehicle_id", "time", "quantity"),
    frame_names={"time": "bought_at"},
)
UNITS = words("l", "kg", "kWh") | {
    "liter": "l", "litre": "l", "liters": "l", "litres": "l", "升": "l", "公斤": "kg", "千克": "kg",
    "度": "kWh", "千瓦时": "kWh",
}  # fmt: skip
# Whether the tank was filled up, in the words of cards and apps.
FULL, PARTIAL = "full", "partial"
FILLS = words(FULL, PARTIAL) | {
    "yes": FULL, "y": FULL, "true": FULL, "1": FULL, "是": FULL, "加满": FULL, "已加满": FULL,
    "满": FULL, "no": PARTIAL, "n": PARTIAL, "false": PARTIAL, "0": PARTIAL, "否": PARTIAL,
    "未加满": PARTIAL, "没加满": PARTIAL, "未满": PARTIAL, "部分": PARTIAL,
}  # fmt: skip


def check_energy(check: RowCheck) -> pd.DataFrame:
    """The purchases of a chunk in the shape of `ENERGY`, with `line`."""
    vehicle = check.text("vehicle_id", required="every purchase needs its truck")
    bought_ms, no_time = check.moment("time", required="every purchase needs its moment")
    # A unit in the file speaks for itself; the profile's fuel unit is for files without one.
    factor = 1.0 if check.has("unit") else check.profile.factor("fuel")
    quantity = check.number("quantity", required="every purchase needs its quantity", factor=factor)
    text = "expected more than 0; rebates and cancellations are no purchases"
    check.fault(quantity <= 0, "quantity", code="quantity_not_positive", expected=text)
    unit = check.choice("unit", UNITS, default="l")
    odometer_km = check.number("odometer_km", factor=check.profile.factor("odometer"))
    check.fault(
        odometer_km < 0, "odometer_km", code="negative_odometer", expected="expected 0 or more"
    )
    lon, lat = check.coordinates("place_lon", "place_lat", "place_coordinates")
    # Purchases are exported at 0,0 where the place is not known.
    nowhere = (lon == 0) & (lat == 0)
    lon, lat = check.in_wgs84(np.where(nowhere, np.nan, lon), np.where(nowhere, np.nan, lat))
    columns = {
        "vehicle_id": vehicle,
        "bought_at": moments_column(bought_ms, no_time),
        "quantity": quantity,
        "unit": unit,
        "product": check.text("product"),
        "price": check.decimal("price"),
        "currency": check_currency(check),
        "odometer_km": odometer_km,
        "receipt_id": check.text("receipt_id"),
        "is_full": check.choice("is_full", FILLS).to_pandas().map({FULL: True, PARTIAL: False}),
        "place_lon": lon,
        "place_lat": lat,
    }
    # An odometer of 0 is how senders write that it was not read.
    columns["odometer_km"] = np.where(odometer_km == 0, np.nan, odometer_km)
    check.remark("odometer_zero_read_as_missing", int((odometer_km == 0).sum()))
    return check.rows(ENERGY, columns)
