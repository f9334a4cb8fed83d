"""Orders: cargo, two places, two planned times, and what may be missing.

A place is a coordinate pair, or a text or region code that the gazetteer (or a configured
geocoder) turns into a point with a radius. Without either the order cannot be proven: refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.frames import ORDERS, WEIGHT_SOURCES
from fleet_carbon.ingest.checking import Layout, RowCheck, moments_column, words
from fleet_carbon.ingest.places import Gazetteer, Geocoder, Place
from fleet_carbon.ingest.values import Flags, Floats, text_of

_ENDS = ("pickup", "delivery")
LAYOUT = Layout(
    frame=ORDERS,
    names=(
        *("order_id", "vehicle_id", "cargo_t", "pickup_lon", "pickup_lat", "delivery_lon"),
        *("delivery_lat", "pickup_time", "delivery_time", "driver_id", "cargo_m3"),
        *("weight_source", "status", "pickup_place", "delivery_place", "shipper_id", "price"),
        *("currency", "version", "pickup_coordinates", "delivery_coordinates"),
        *("pickup_region_code", "delivery_region_code", "plate", "plate_color_code"),
        *("loaded_t", "unloaded_t", "loss_t", "sfd_km", "time_zone"),
    ),
    required=("order_id", "pickup_time", "delivery_time"),
    either=(
        ("vehicle_id", "plate"),
        ("cargo_t", "loaded_t", "unloaded_t"),
        *(
            (f"{end}_{axis}", f"{end}_coordinates", f"{end}_place", f"{end}_region_code")
            for end in _ENDS
            for axis in ("lon", "lat")
        ),
    ),
)
_WEIGHT_WORDS = words(*WEIGHT_SOURCES)
STATUSES = words("planned", "accepted", "delivered", "cancelled", canceled="cancelled") | {
    "待派车": "planned", "待接单": "planned", "待装货": "planned", "未开始": "planned",
    "已派车": "accepted", "已接单": "accepted", "已装货": "accepted", "运输中": "accepted",
    "在途": "accepted", "进行中": "accepted", "已卸货": "delivered", "已送达": "delivered",
    "已签收": "delivered", "已收货": "delivered", "已完成": "delivered", "完成": "delivered",
    "已结算": "delivered", "已取消": "cancelled", "取消": "cancelled", "已作废": "cancelled",
    "作废": "cancelled",
}  # fmt: skip
_WAY_KM_MAX = 20_038.0  # half the length of the equator of WGS-84 (NIMA TR8350.2, a = 6378137 m)
CURRENCY_WORDS = {"元": "CNY", "人民币": "CNY", "rmb": "CNY", "¥": "CNY", "€": "EUR"}


@dataclass(frozen=True)
class _Ends:
    """The places of one end of all orders. [deg, deg, km]"""

    lon: Floats
    lat: Floats
    uncertainty_km: Floats


def check_orders(
    check: RowCheck, gazetteer: Gazetteer | None, geocoder: Geocoder | None
) -> pd.DataFrame:
    """The orders of a chunk in the shape of `ORDERS`, with `line`."""
    order = check.text("order_id", required="every order needs its identifier")
    vehicle = check.truck(required="every order needs the truck it was given to")
    cargo_t, is_weighed = _cargo(check)
    pickup = _places(check, "pickup", gazetteer, geocoder=geocoder)
    delivery = _places(check, "delivery", gazetteer, geocoder=geocoder)
    planned = "every order needs its planned times"
    pickup_ms, no_pickup = check.moment("pickup_time", required=planned)
    delivery_ms, no_delivery = check.moment("delivery_time", required=planned)
    cargo_m3 = check.number("cargo_m3", is_printed=True)
    text = "expected a volume of 0 or more"
    check.fault(cargo_m3 < 0, "cargo_m3", code="negative_volume", expected=text)
    sfd_km = check.number("sfd_km", factor=check.factor("sfd_km", "distance"), is_printed=True)
    text = "expected the distance by road, more than 0 km and no more than half the way round Earth"
    is_no_way = (sfd_km <= 0) | (sfd_km > _WAY_KM_MAX)
    check.fault(is_no_way, "sfd_km", code="distance_impossible", expected=text)
    columns = {
        "order_id": order,
        "vehicle_id": vehicle,
        "cargo_t": cargo_t,
        "pickup_lon": pickup.lon,
        "pickup_lat": pickup.lat,
        "delivery_lon": delivery.lon,
        "delivery_lat": delivery.lat,
        "pickup_time": moments_column(pickup_ms, no_pickup),
        "delivery_time": moments_column(delivery_ms, no_delivery),
        "driver_id": check.text("driver_id"),
        "cargo_m3": cargo_m3,
        "weight_source": pc.coalesce(
            check.choice("weight_source", _WEIGHT_WORDS),
            pc.if_else(pa.array(is_weighed), "weighed", "declared"),
        ),
        "status": check.choice("status", STATUSES, default="accepted"),
        "pickup_place": check.text("pickup_place"),
        "delivery_place": check.text("delivery_place"),
        "pickup_uncertainty_km": pickup.uncertainty_km,
        "delivery_uncertainty_km": delivery.uncertainty_km,
        "shipper_id": check.text("shipper_id"),
        "price": check.decimal("price"),
        "currency": check_currency(check),
        "version": _version(check),
        "sfd_km": sfd_km,
    }
    return check.rows(ORDERS, columns)


def _cargo(check: RowCheck) -> tuple[Floats, Flags]:
    """What each truck carried, and whether a scale said so. [t]

    Where loading and unloading were weighed it is what was loaded: the loss was carried, too, until
    it was lost. A truck weighed only at the end carried that and what was noted as lost.
    """
    masses = {
        name: check.number(name, factor=check.factor(name, "cargo"), is_printed=True)
        for name in ("cargo_t", "loaded_t", "unloaded_t", "loss_t")
    }
    for name, mass_t in masses.items():
        text = "expected a mass of 0 or more"
        check.fault(mass_t < 0, name, code="negative_cargo", expected=text)
    cargo_t, loaded_t, unloaded_t, loss_t = masses.values()
    weighed_t = np.where(np.isnan(loaded_t), unloaded_t + np.nan_to_num(loss_t), loaded_t)
    by_unloading = np.isnan(loaded_t) & np.isnan(cargo_t) & ~np.isnan(unloaded_t)
    check.remark("cargo_from_unloaded_weight", int(by_unloading.sum()))
    # Scales differ by a little; much more is another unit or the wrong column.
    check.remark("unloaded_weight_exceeds_loaded", int((unloaded_t > loaded_t).sum()))
    mass_t = np.where(np.isnan(cargo_t), weighed_t, cargo_t)
    column = next((one for one in masses if check.has(one)), "cargo_t")
    text = "every order needs its mass"
    check.fault(np.isnan(mass_t), column, code="missing_value", expected=text)
    return mass_t, np.isnan(cargo_t) & ~np.isnan(weighed_t)


def _version(check: RowCheck) -> pd.Series[int]:
    version = check.number("version", expected="a whole number")
    version = np.where(np.isnan(version), 1.0, version)
    broken = (version < 0) | (version != np.floor(version)) | (version >= 2**53)
    text = "expected a whole number of 0 or more"
    check.fault(broken, "version", code="version_not_whole", expected=text)
    return pd.Series(np.where(broken, 0, version)).astype("Int64")


def check_currency(check: RowCheck) -> pa.Array:
    """Currency codes in capitals; anything that is no code of three letters is refused."""
    text = pc.utf8_upper(check.choice_or_text("currency", CURRENCY_WORDS))
    coded = pc.fill_null(pc.match_substring_regex(text, "^[A-Z]{3}$"), True)
    unknown = ~np.asarray(coded.to_numpy(zero_copy_only=False), dtype=np.bool_)
    expected = "expected a code of three letters such as CNY"
    check.fault(unknown, "currency", code="currency_unknown", expected=expected)
    return text


def _places(
    check: RowCheck, end: str, gazetteer: Gazetteer | None, *, geocoder: Geocoder | None
) -> _Ends:
    names = f"{end}_lon", f"{end}_lat", f"{end}_coordinates"
    lon, lat = check.coordinates(*names)
    # The null island is how exports write "not given"; no truck loads there.
    nowhere = (np.isnan(lon) & np.isnan(lat)) | ((lon == 0) & (lat == 0))
    lon, lat = check.in_wgs84(np.where(nowhere, np.nan, lon), np.where(nowhere, np.nan, lat))
    uncertainty_km = np.zeros(len(check))
    asked = np.flatnonzero(nowhere & check.sound)
    if len(asked):
        finder = PlaceFinder(gazetteer, geocoder)
        texts = [_cells_at(check, f"{end}_{name}", asked) for name in ("place", "region_code")]
        found = [finder.find(*pair) for pair in zip(*texts, strict=True)]
        _refuse_unknown(check, end, asked, found=found)
        for row, place in zip(asked.tolist(), found, strict=True):
            if isinstance(place, Place):
                lon[row], lat[row], uncertainty_km[row] = place.lon, place.lat, place.uncertainty_km
        check.remark("places_looked_up", sum(isinstance(place, Place) for place in found))
    return _Ends(lon, lat, uncertainty_km)


def _cells_at(check: RowCheck, name: str, rows: np.ndarray) -> list[str | None]:
    cells: list[str | None] = text_of(check.cells(name)).take(pa.array(rows)).to_pylist()
    return cells


def _refuse_unknown(
    check: RowCheck, end: str, asked: np.ndarray, *, found: list[Place | str | None]
) -> None:
    """Refuse orders whose place was not found; each reason that occurs is one fault."""
    reasons = {reason for reason in found if isinstance(reason, str)}
    for reason in sorted(reasons):
        rows = np.zeros(len(check), dtype=np.bool_)
        rows[asked[[place == reason for place in found]]] = True
        check.fault(rows, f"{end}_place", code="place_ambiguous", expected=reason)
    rows = np.zeros(len(check), dtype=np.bool_)
    rows[asked[[place is None for place in found]]] = True
    text = f"no coordinates and no place that the gazetteer knows; give {end}_lon and {end}_lat, or"
    text += f" in {end}_place a district of China (韩城市, 610581 or a full address)"
    check.fault(rows, f"{end}_place", code="order_without_coordinates", expected=text)


class PlaceFinder:
    """Looks up each different text once; a geocoder is asked before the gazetteer.

    Parameters
    ----------
    gazetteer : Gazetteer or None
        Districts of China.
    geocoder : Geocoder or None
        A service that knows more.
    """

    def __init__(self, gazetteer: Gazetteer | None, geocoder: Geocoder | None) -> None:
        self._gazetteer, self._geocoder = gazetteer, geocoder
        self._known: dict[tuple[str | None, str | None], Place | str | None] = {}

    def find(self, place: str | None, region_code: str | None) -> Place | str | None:
        """The place, None if it is not known, or a text naming the places it may be."""
        key = place, region_code
        if key not in self._known:
            self._known[key] = self._ask(place, region_code)
        return self._known[key]

    def _ask(self, place: str | None, region_code: str | None) -> Place | str | None:
        if place and self._geocoder is not None:
            located = self._geocoder.locate(place)
            if located is not None:
                return located
        if self._gazetteer is None:
            return None
        ambiguous: list[Place] = []
        for text in (place, region_code):
            candidates = self._gazetteer.candidates(text) if text else []
            if len(candidates) == 1:
                return candidates[0]
            ambiguous = ambiguous or candidates
        if not ambiguous:
            return None
        return f"may be {self._gazetteer.describe(ambiguous)}; add the city or the region code"
