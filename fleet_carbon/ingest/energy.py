"""Energy: fuel receipts and charging sessions.

Products are kept as written; what is no fuel (AdBlue) is told apart where fuel is counted.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.frames import ENERGY
from fleet_carbon.ingest.checking import Layout, RowCheck, moments_column, words
from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.orders import check_currency
from fleet_carbon.ingest.values import Floats, flags
from fleet_carbon.units import KM_PER, L_PER

LAYOUT = Layout(
    frame=ENERGY,
    names=(
        *("vehicle_id", "time", "quantity", "unit", "product", "price", "currency"),
        *("odometer_km", "receipt_id", "is_full", "place_lon", "place_lat", "place_coordinates"),
        *("plate", "plate_color_code", "amount", "is_partial", "time_zone", "odometer_unit"),
    ),
    required=("time", "quantity"),
    either=(("vehicle_id", "plate"),),
    frame_names={"time": "bought_at"},
)
UNITS = words("l", "kg", "kWh") | {
    "liter": "l", "litre": "l", "liters": "l", "litres": "l", "升": "l", "公斤": "kg", "千克": "kg",
    "度": "kWh", "千瓦时": "kWh",
}  # fmt: skip
_PRICE_MAX = 1e9
_GALLON = "gal_us"
UNITS |= {"gal (us)": _GALLON, "us gal": _GALLON, "gal_us": _GALLON, "us gallons": _GALLON}
ODOMETER_UNITS = words("km", "mi", "m") | {
    "kilometers": "km", "kilometres": "km", "公里": "km", "千米": "km",
    "miles": "mi", "mile": "mi", "英里": "mi",
}  # fmt: skip
_GALLONS = ("gal", "gallon", "gallons")
# Whether the tank was filled up, in the words of cards and apps.
FULL, PARTIAL = "full", "partial"
FILLS = words(FULL, PARTIAL) | {
    "yes": FULL, "y": FULL, "true": FULL, "1": FULL, "是": FULL, "加满": FULL, "已加满": FULL,
    "满": FULL, "no": PARTIAL, "n": PARTIAL, "false": PARTIAL, "0": PARTIAL, "否": PARTIAL,
    "未加满": PARTIAL, "没加满": PARTIAL, "未满": PARTIAL, "部分": PARTIAL,
}  # fmt: skip


def check_energy(check: RowCheck) -> pd.DataFrame:
    """The purchases of a chunk in the shape of `ENERGY`, with `line`."""
    vehicle = check.truck(required="every purchase needs its truck")
    bought_ms, no_time = check.moment("time", required="every purchase needs its moment")
    # A unit in the file speaks for itself; the profile's fuel unit is for files without one.
    factor = 1.0 if check.has("unit") else check.factor("quantity", "fuel")
    quantity = check.number("quantity", required="every purchase needs its quantity", factor=factor)
    text = "expected more than 0; rebates and cancellations are no purchases"
    check.fault(quantity <= 0, "quantity", code="quantity_not_positive", expected=text)
    unit, quantity = _in_litres(check.choice("unit", _units(check), default="l"), quantity)
    odometer_km = check.number("odometer_km", is_printed=True) * _km_per_unit(check)
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
        "price": _price(check, quantity),
        "currency": check_currency(check),
        "odometer_km": odometer_km,
        "receipt_id": check.text("receipt_id"),
        "is_full": _is_full(check),
        "place_lon": lon,
        "place_lat": lat,
    }
    # An odometer of 0 is how senders write that it was not read.
    columns["odometer_km"] = np.where(odometer_km == 0, np.nan, odometer_km)
    check.remark("odometer_zero_read_as_missing", int((odometer_km == 0).sum()))
    return check.rows(ENERGY, columns)


def _units(check: RowCheck) -> dict[str, str]:
    """Words of units; a gallon without more is that of the profile, which may be told."""
    told = dict.fromkeys(_GALLONS, _GALLON) if check.profile.unit("fuel") == _GALLON else {}
    return UNITS | told


def _km_per_unit(check: RowCheck) -> Floats | float:
    """What a unit of each odometer is: that of its row, else by the profile or the heading. [km]"""
    factor = check.factor("odometer_km", "odometer")
    if not check.has("odometer_unit"):
        return factor
    words = check.choice("odometer_unit", ODOMETER_UNITS).to_pandas()
    return np.asarray(words.map(KM_PER).fillna(factor), dtype=np.float64)


def _in_litres(unit: Column, quantity: Floats) -> tuple[Column, Floats]:
    """Gallons as litres, the others as they are."""
    gallons = pc.equal(unit, _GALLON)
    if not pc.any(gallons).as_py():
        return unit, quantity
    litres = np.where(flags(pc.fill_null(gallons, False)), quantity * L_PER[_GALLON], quantity)
    return pc.if_else(gallons, "l", unit), litres


def _price(check: RowCheck, quantity: Floats) -> Column:
    """Price per unit; where only the amount is told, that by the quantity. Rebates are refused.

    Fuel cards book a rebate as a line with a negative amount and the quantity it is for.
    """
    price = check.decimal("price")
    if not check.has("amount"):
        return price
    amounts = check.number("amount", expected="an amount such as 3059.64", is_printed=True)
    text = "is a rebate or a cancellation, which is no purchase"
    check.fault(amounts < 0, "amount", code="amount_negative", expected=text)
    shares = [_share(*pair) for pair in zip(amounts.tolist(), quantity.tolist(), strict=True)]
    return pc.coalesce(price, pa.array(shares, pa.string()))


def _share(amount: float, quantity: float) -> str | None:
    """The amount by what was sold, to four digits; None if that is no price."""
    if not (amount > 0 and quantity > 0 and amount / quantity < _PRICE_MAX):
        return None
    return str(round(Decimal(str(amount)) / Decimal(str(quantity)), 4))


def _is_full(check: RowCheck) -> pd.Series[bool]:
    """Whether the tank was full, in the words of either question."""
    full = check.choice("is_full", FILLS).to_pandas().map({FULL: True, PARTIAL: False})
    partial = check.choice("is_partial", FILLS).to_pandas().map({FULL: False, PARTIAL: True})
    told: pd.Series[bool] = full.where(full.notna(), partial)
    return told
