"""The contract of every table between stages: columns, dtypes, units, nullability, keys.

The glossary in the docs is generated from this file; prose elsewhere uses the names and does
not repeat the units. Grammar of a name: quantity, qualifier, unit, `_per_`, statistic.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

TEXT = "string"
INTEGER = "Int64"
NUMBER = "float64"
FLAG = "boolean"
MOMENT = "datetime64[ms, UTC]"
DAY = "date"

_PANDAS_DTYPE = {DAY: "string"}
_DTYPES: dict[str, Any] = {
    name: pd.api.types.pandas_dtype(name) for name in (TEXT, INTEGER, NUMBER, FLAG, MOMENT)
}
_ARROW_TYPE = {
    TEXT: pa.large_string(),
    INTEGER: pa.int64(),
    NUMBER: pa.float64(),
    FLAG: pa.bool_(),
    MOMENT: pa.timestamp("ms", "UTC"),
    DAY: pa.large_string(),
}


@dataclass(frozen=True)
class Column:
    """One column: its name carries the unit, its text says what the number means.

    Attributes
    ----------
    name : str
        Name by the grammar above.
    dtype : str
        One of the six types above; `DAY` is text in the form YYYY-MM-DD.
    text : str
        Definition, one sentence.
    unit : str
        Unit in brackets for the glossary, empty for text.
    required : bool
        False if the value may be missing.
    zh : str
        The Chinese term, where the field has one.
    """

    name: str
    dtype: str
    text: str
    unit: str = ""
    required: bool = False
    zh: str = ""


@dataclass(frozen=True)
class Frame:
    """One table of the house."""

    name: str
    text: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must have a value in every row."""
        return [column.name for column in self.columns if column.required]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    def of(self, names: Collection[str]) -> Frame:
        """The same table with these of its columns alone; KeyError for a name that none has."""
        return replace(self, columns=tuple(map(self.column, names)))

    def empty(self) -> pd.DataFrame:
        """The table without rows, with the right dtypes."""
        return self.shape(pd.DataFrame({name: [] for name in self.names}))

    def shape(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with exactly these columns, in this order, in these dtypes.

        Columns that are missing come as missing values; columns unknown to the contract go.

        Raises
        ------
        ValueError
            If a required column has a missing value: an error of the calling stage.
        """
        shaped: dict[str, Any] = {}
        for column in self.columns:
            dtype: Any = _PANDAS_DTYPE.get(column.dtype, column.dtype)
            if column.name in rows.columns:
                given = rows[column.name]
                # Shaping what is in shape already is common, and casting is the dear part.
                values = (given if given.dtype == _DTYPES[dtype] else given.astype(dtype)).array
                values = values.copy()
            else:
                values = pd.array([None] * len(rows), dtype=dtype)
            if column.required and pd.isna(values).any():
                raise ValueError(f"{self.name}.{column.name} is required and has missing values")
            shaped[column.name] = values
        return pd.DataFrame(shaped, index=range(len(rows)), copy=False)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns as Arrow has them."""
        return pa.schema([(column.name, _ARROW_TYPE[column.dtype]) for column in self.columns])

    def table(self, given: Mapping[str, Any] | pd.DataFrame) -> pa.Table:
        """The same as `shape`, of columns that need not be a pandas table, as one of Arrow.

        Parameters
        ----------
        given : mapping of str to array, or DataFrame
            At least one column, all of one length; NaN, NaT and None are missing values.

        Raises
        ------
        ValueError
            If a required column has a missing value: an error of the calling stage.
        """
        held, columns = {str(name): values for name, values in given.items()}, []
        count = len(next(iter(held.values())))
        for column in self.columns:
            values, kind = held.get(column.name), _ARROW_TYPE[column.dtype]
            if values is None:
                values = pa.nulls(count, kind)
            elif not isinstance(values, pa.Array):
                values = pa.array(values, kind, from_pandas=True)
            if column.required and values.null_count:
                raise ValueError(f"{self.name}.{column.name} is required and has missing values")
            columns.append(values)
        return pa.Table.from_arrays(columns, schema=self.schema)


WEIGHT_SOURCES = ("weighed", "declared", "nominal", "class")
"""Where the weight of a cargo comes from, the best known first."""


def weight_codes(sources: pd.Series[Any]) -> NDArray[np.int8]:
    """Index of each in `WEIGHT_SOURCES`; what is not said is taken as the worst."""
    codes = pd.Categorical(sources, categories=list(WEIGHT_SOURCES)).codes
    return np.where(codes < 0, len(WEIGHT_SOURCES) - 1, codes).astype(np.int8)


def epoch_ms(moments: pd.Series[Any]) -> NDArray[np.int64]:
    """Moments as milliseconds since 1970-01-01 UTC; -1 where missing. [ms]"""
    stamps = moments.astype("datetime64[ms, UTC]")
    values = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return np.where(stamps.isna().to_numpy(), -1, values)


VEHICLES = Frame(
    "vehicles",
    "The trucks of a fleet.",
    ("vehicle_id",),
    (
        Column("vehicle_id", TEXT, "Identifier of the truck in the sender's system.", "", True),
        Column("rated_payload_t", NUMBER, "Largest payload allowed by the licence.", "t", True, "核定载质量"),
        Column("plate", TEXT, "Number plate.", zh="车牌号"),
        Column("plate_color_code", TEXT, "Plate colour by JT/T 697.7: 1 blue, 2 yellow, ...", zh="车牌颜色"),
        Column("vehicle_class", TEXT, "Class of the edition; derived from payload and energy where absent."),
        Column("body_length_m", NUMBER, "Length of the load body.", "m", zh="车长"),
        Column("volume_m3", NUMBER, "Volume of the load body.", "m3"),
        Column("energy", TEXT, "diesel, lng, cng, methanol or electric.", "", True, "能源类型"),
        Column("curb_mass_t", NUMBER, "Mass of the empty truck, ready to drive.", "t", zh="整备质量"),
        Column("empty_l_per_100km", NUMBER, "Declared diesel consumption when empty.", "l/100 km"),
        Column("full_l_per_100km", NUMBER, "Declared diesel consumption at rated payload.", "l/100 km"),
        Column("tank_l", NUMBER, "What the tanks hold together.", "l", zh="油箱容积"),
        Column("depot", TEXT, "Yard or branch that the truck belongs to; only groups what people look at.", zh="场站"),
    ),
)

GROUPING = ("depot",)
"""Columns of `VEHICLES` by which people look at the fleet; no figure rests on them."""

DRIVERS = Frame(
    "drivers",
    "The drivers of a fleet.",
    ("driver_id",),
    (
        Column("driver_id", TEXT, "Identifier of the driver.", "", True),
        Column("name", TEXT, "Name as shown on the statement.", zh="姓名"),
        Column("phone", TEXT, "Telephone number."),
        Column("vehicle_id", TEXT, "The truck usually driven; used where nothing else says who drove."),
        Column("joined_on", DAY, "Day the driver joined; months before it are own history and earn nothing. Without it every month is compared: of who has not joined yet give a day to come."),
    ),
)

PERSONAL = ("name", "phone")
"""Columns of `DRIVERS` that tell who somebody is; no figure rests on them."""

ASSIGNMENTS = Frame(
    "assignments",
    "Who drove which truck from when until when.",
    ("driver_id", "vehicle_id", "assigned_from"),
    (
        Column("driver_id", TEXT, "Driver.", "", True),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("assigned_from", MOMENT, "First moment at the wheel (column `from` in files).", "UTC", True),
        Column("assigned_until", MOMENT, "First moment not any more (column `until`); open if missing.", "UTC"),
    ),
)

ORDERS = Frame(
    "orders",
    "Transport orders, each with the version in force.",
    ("order_id", "version"),
    (
        Column("order_id", TEXT, "Identifier of the order.", "", True, "运单编号"),
        Column("vehicle_id", TEXT, "Truck the order was given to.", "", True),
        Column("cargo_t", NUMBER, "Mass of the cargo with its packaging.", "t", True, "货物重量"),
        Column("pickup_lon", NUMBER, "Place of loading, WGS-84 longitude.", "deg", True),
        Column("pickup_lat", NUMBER, "Place of loading, WGS-84 latitude.", "deg", True),
        Column("delivery_lon", NUMBER, "Place of unloading, WGS-84 longitude.", "deg", True),
        Column("delivery_lat", NUMBER, "Place of unloading, WGS-84 latitude.", "deg", True),
        Column("pickup_time", MOMENT, "Planned loading: a hint, honest to an hour or two.", "UTC", True),
        Column("delivery_time", MOMENT, "Planned unloading: a hint.", "UTC", True),
        Column("driver_id", TEXT, "Driver the order was given to."),
        Column("cargo_m3", NUMBER, "Volume of the cargo.", "m3"),
        Column("weight_source", TEXT, "weighed, declared, nominal or class; declared if not said.", "", True),
        Column("status", TEXT, "planned, accepted, delivered or cancelled; accepted if not said.", "", True),
        Column("pickup_place", TEXT, "Place of loading as text."),
        Column("delivery_place", TEXT, "Place of unloading as text."),
        Column("pickup_uncertainty_km", NUMBER, "Radius in which the loading place lies; 0 if given as coordinates.", "km", True),
        Column("delivery_uncertainty_km", NUMBER, "Radius in which the unloading place lies.", "km", True),
        Column("shipper_id", TEXT, "Who sends the goods.", zh="货主"),
        Column("price", TEXT, "Freight price, a decimal number as text."),
        Column("currency", TEXT, "Currency of the price, ISO 4217."),
        Column("version", INTEGER, "Version of the order; the highest is in force.", "", True),
        Column("sfd_km", NUMBER, "Shortest feasible distance by road between the two places (SFD), as the shipper or a router tells it; the inventory alone reads it.", "km", zh="最短可行距离"),
    ),
)

INVENTORIED = ("sfd_km",)
"""Columns of `ORDERS` that the inventory alone reads; no account rests on them."""

POSITIONS = Frame(
    "positions",
    "Fixes as stored: integers, one row per truck, moment and place.",
    ("vehicle_id", "time_ms", "lon_udeg", "lat_udeg"),
    (
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("time_ms", INTEGER, "Moment of the fix since 1970-01-01 UTC.", "ms", True),
        Column("lon_udeg", INTEGER, "WGS-84 longitude in millionths of a degree.", "udeg", True),
        Column("lat_udeg", INTEGER, "WGS-84 latitude in millionths of a degree.", "udeg", True),
        Column("speed_kmh", NUMBER, "Speed stated by the device.", "km/h"),
        Column("heading_deg", NUMBER, "Direction of travel, clockwise from north.", "deg"),
        Column("accuracy_m", NUMBER, "Radius of the fix stated by the device.", "m"),
        Column("odometer_km", NUMBER, "Lifetime distance counter.", "km"),
        Column("fuel_used_l", NUMBER, "Lifetime fuel counter.", "l"),
        Column("gross_mass_t", NUMBER, "Gross combination mass stated by the vehicle.", "t"),
        Column("altitude_m", NUMBER, "Height above the sea stated by the device.", "m"),
        Column("ambient_degc", NUMBER, "Temperature of the outside air.", "degC"),
        Column("fuel_level_l", NUMBER, "What is in the tank, by its level.", "l"),
        Column("driver_id", TEXT, "Driver stated by the device."),
    ),
)

ENERGY = Frame(
    "energy",
    "Fuel receipts and charging sessions.",
    ("vehicle_id", "bought_at", "receipt_id", "quantity"),
    (
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("bought_at", MOMENT, "Moment of the purchase (column `time` in files).", "UTC", True),
        Column("quantity", NUMBER, "Amount in `unit`.", "l, kg or kWh", True),
        Column("unit", TEXT, "l, kg or kWh; l if not said.", "", True),
        Column("product", TEXT, "Product as written on the receipt; AdBlue is no diesel."),
        Column("price", TEXT, "Price per unit, a decimal number as text."),
        Column("currency", TEXT, "Currency, ISO 4217."),
        Column("odometer_km", NUMBER, "Odometer at the purchase.", "km"),
        Column("receipt_id", TEXT, "Number of the receipt."),
        Column("is_full", FLAG, "Whether the tank was full after it; empty if not told.", zh="加满"),
        Column("place_lon", NUMBER, "Place of the purchase, WGS-84.", "deg"),
        Column("place_lat", NUMBER, "Place of the purchase, WGS-84.", "deg"),
    ),
)

PURCHASES = Frame(
    "purchases",
    "What positions say of each purchase that a month may concern: those of its days, and those"
    " that would be if their date were a year off or had day and month interchanged.",
    ("vehicle_id", "looked_at", "bought_at", "receipt_id", "quantity"),
    (
        *ENERGY.columns,
        Column("looked_at", MOMENT, "When the truck was looked for: the moment told, or one it may have been meant for.", "UTC", True),
        Column("is_hour_known", FLAG, "False if nothing but the day is told: it was looked for all day.", "", True),
        Column("fix_distance_m", NUMBER, "From the place to the nearest position around that moment.", "m"),
        Column("standing_distance_m", NUMBER, "From the place to the nearest stop or halt around that moment.", "m"),
        Column("stood_at", MOMENT, "When the truck came to stand there.", "UTC"),
        Column("unseen_h", NUMBER, "How long the truck may have been at the place between two positions.", "h"),
        Column("odometer_seen_km", NUMBER, "Odometer of the truck at that moment.", "km"),
        Column("silence_h", NUMBER, "From that moment to the nearest position in time.", "h"),
    ),
)

BASELINES = Frame(
    "baselines",
    "Declared counterfactuals, for one driver or for a vehicle class, there also for a part of its"
    " work only: a stratum that is missing fits all.",
    (
        "driver_id", "vehicle_class", "valid_from", "energy", "body_length_m_from",
        "body_length_m_until", "distance_km_from", "distance_km_until", "cargo_t_from",
        "cargo_t_until",
    ),
    (
        Column("driver_id", TEXT, "Driver, or empty if the line holds for a class."),
        Column("vehicle_class", TEXT, "Class, or empty if the line holds for a driver."),
        Column("valid_from", DAY, "First day on which the line is in force.", "", True),
        Column("empty_share", NUMBER, "Empty km / total km.", "0..1", True, "空驶率"),
        Column("payload_utilisation_share", NUMBER, "tkm / (rated payload x loaded km).", "0..1", True, "吨位利用率"),
        Column("search_share", NUMBER, "Part of the empty km that is search for the next load.", "0..1"),
        Column("efficiency_index", NUMBER, "Fuel burnt / fuel of the model; 1 if the model fits.", ""),
        Column("energy", TEXT, "Stratum: energy of the truck.", zh="能源类型"),
        Column("body_length_m_from", NUMBER, "Stratum: shortest load body of the truck.", "m", zh="车长"),
        Column("body_length_m_until", NUMBER, "Stratum: load bodies are shorter than this.", "m"),
        Column("distance_km_from", NUMBER, "Stratum: shortest great circle between the places of an order.", "km"),
        Column("distance_km_until", NUMBER, "Stratum: great circles are shorter than this.", "km"),
        Column("cargo_t_from", NUMBER, "Stratum: lightest cargo of an order.", "t"),
        Column("cargo_t_until", NUMBER, "Stratum: cargoes are lighter than this.", "t"),
    ),
)

LEGS = Frame(
    "legs",
    "A drive from the end of one stop to the start of the next, and the standing after it."
    " A leg of no distance holds standing alone: before the first drive, or carried over the"
    " border of a month.",
    ("vehicle_id", "started_at"),
    (
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("driver_id", TEXT, "Who drove at that moment; empty if not known."),
        Column("started_at", MOMENT, "Departure.", "UTC", True),
        Column("finished_at", MOMENT, "Arrival at the next stop, or the moment the leg is cut.", "UTC", True),
        Column("state", TEXT, "loaded, empty or unknown.", "", True),
        Column("purpose", TEXT, "delivery, search, reposition, private or unknown.", "", True),
        Column("order_ids", TEXT, "Orders aboard, separated by semicolons.", "", True),
        Column("payload_t", NUMBER, "Sum of the cargo aboard.", "t", True),
        Column("distance_km", NUMBER, "Kilometres driven on the road.", "km", True, "行驶里程"),
        Column("imputed_km", NUMBER, "Part of the distance that lies in gaps of the trace.", "km", True),
        Column("duration_h", NUMBER, "From departure to arrival.", "h", True),
        Column("stop_h", NUMBER, "Standing: halts on the way and the stop that ends the leg.", "h", True),
        Column("idle_h", NUMBER, "Part of the standing taken as engine running, by the edition's rule.", "h", True),
        Column("gap_h", NUMBER, "Part of the driving time without positions.", "h", True),
        Column("moving_h", NUMBER, "Part of the driving time seen in motion: halts and gaps left out.", "h"),
        Column("stops_count", INTEGER, "How often the truck came to rest: halts on the way, and the stop that ends the leg."),
        Column("kinetic_gained_j_per_kg", NUMBER, "Kinetic energy gained in speeding up, by the mass: sum of the rises of v^2 / 2 where seen.", "J/kg"),
        Column("driven_v00_km", NUMBER, "Kilometres seen at 0 to 10 km/h.", "km"),
        Column("driven_v10_km", NUMBER, "Kilometres seen at 10 to 20 km/h.", "km"),
        Column("driven_v20_km", NUMBER, "Kilometres seen at 20 to 30 km/h.", "km"),
        Column("driven_v30_km", NUMBER, "Kilometres seen at 30 to 40 km/h.", "km"),
        Column("driven_v40_km", NUMBER, "Kilometres seen at 40 to 50 km/h.", "km"),
        Column("driven_v50_km", NUMBER, "Kilometres seen at 50 to 60 km/h.", "km"),
        Column("driven_v60_km", NUMBER, "Kilometres seen at 60 to 70 km/h.", "km"),
        Column("driven_v70_km", NUMBER, "Kilometres seen at 70 to 80 km/h.", "km"),
        Column("driven_v80_km", NUMBER, "Kilometres seen at 80 to 90 km/h.", "km"),
        Column("driven_v90_km", NUMBER, "Kilometres seen above 90 km/h.", "km"),
        Column("climbed_m", NUMBER, "Sum of the ascents by the altitudes sent; missing where they are not sent densely.", "m"),
        Column("ambient_degc_mean", NUMBER, "Mean of the outside temperatures sent on the drive.", "degC"),
        Column("transport_work_tkm", NUMBER, "payload_t x distance_km.", "tkm", True, "周转量"),
        Column("activity_tkm", NUMBER, "Part of the credited activity that was done on this leg.", "tkm", True),
        Column("great_circle_tkm", NUMBER, "The leg's part of cargo_t x great_circle_km of its orders.", "tkm"),
        Column("overweight_tkm", NUMBER, "The part of activity_tkm of cargo said to weigh more than the truck may carry and an honest weight may err, with no mass to tell.", "tkm"),
        Column("car_like_km", NUMBER, "The distance, if the leg was driven as no truck is; nothing aboard counts then.", "km"),
        Column("fuel_counter_l", NUMBER, "Difference of the vehicle's fuel counter over the leg and its stop.", "l"),
        Column("gross_mass_t_median", NUMBER, "Median of the gross mass signal while driving.", "t"),
        Column("diesel_l", NUMBER, "Diesel burnt on the leg and its standing.", "l", zh="柴油消耗"),
        Column("co2_ttw_kg", NUMBER, "Tank-to-wheel CO2.", "kg"),
        Column("co2e_wtw_kg", NUMBER, "Well-to-wheel CO2e.", "kg"),
        Column("from_lon", NUMBER, "Place of departure, WGS-84.", "deg", True),
        Column("from_lat", NUMBER, "Place of departure, WGS-84.", "deg", True),
        Column("to_lon", NUMBER, "Place of arrival, WGS-84.", "deg", True),
        Column("to_lat", NUMBER, "Place of arrival, WGS-84.", "deg", True),
        Column("reason_code", TEXT, "Why the leg has this state.", "", True),
        Column("distance_source", TEXT, "positions, odometer or speed.", "", True),
        Column("confidence_share", NUMBER, "How sure the state is.", "0..1", True),
        Column("trace_version", TEXT, "Digest of the fixes the leg was made from.", "", True),
    ),
)

LEVEL_CHANGES = Frame(
    "level_changes",
    "Fills and drains of the tank of a truck that states its level, in a month and the days that"
    " are read with it.",
    ("vehicle_id", "started_at"),
    (
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("started_at", MOMENT, "The level was still the old one.", "UTC", True),
        Column("finished_at", MOMENT, "The level was the new one; the truck stood all the time.", "UTC", True),
        Column("change_l", NUMBER, "Above 0 what was filled in, below 0 what was drained.", "l", True),
        Column("lon", NUMBER, "Where the truck stood, WGS-84.", "deg", True),
        Column("lat", NUMBER, "Where the truck stood, WGS-84.", "deg", True),
    ),
)

LEG_ORDERS = Frame(
    "leg_orders",
    "Which order was aboard on which leg.",
    ("vehicle_id", "started_at", "order_id"),
    (
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("started_at", MOMENT, "Start of the leg.", "UTC", True),
        Column("order_id", TEXT, "Order aboard.", "", True),
        Column("cargo_t", NUMBER, "Its cargo.", "t", True),
        Column("onboard_km", NUMBER, "Kilometres driven with it on this leg.", "km", True),
        Column("activity_tkm", NUMBER, "Credited activity of the order on this leg.", "tkm", True),
        Column("weight_source", TEXT, "Where the weight of its cargo comes from: weighed, declared, nominal or class."),
    ),
)

ORDER_RESULTS = Frame(
    "order_results",
    "What became of each order: proven by the trace or not, and why.",
    ("order_id",),
    (
        Column("order_id", TEXT, "Order.", "", True),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("driver_id", TEXT, "Driver at the moment of loading; of the order if not proven."),
        Column("status", TEXT, "Status the order was given.", "", True),
        Column("matched", FLAG, "True if stops of the trace prove loading and unloading.", "", True),
        Column("reason_code", TEXT, "Why matched or not.", "", True),
        Column("pickup_arrived_at", MOMENT, "Arrival at the place of loading.", "UTC"),
        Column("pickup_departed_at", MOMENT, "Departure from it.", "UTC"),
        Column("delivery_arrived_at", MOMENT, "Arrival at the place of unloading.", "UTC"),
        Column("delivery_departed_at", MOMENT, "Departure from it.", "UTC"),
        Column("cargo_t", NUMBER, "Cargo.", "t", True),
        Column("onboard_km", NUMBER, "Kilometres driven with the order aboard, those of other months included.", "km"),
        Column("great_circle_km", NUMBER, "Shortest distance between the two places on the ellipsoid.", "km", True),
        Column("approach_km", NUMBER, "Empty kilometres to the pick-up.", "km"),
        Column("activity_tkm", NUMBER, "cargo_t x min(onboard_km, the edition's distance cap), less where weight_reason says so.", "tkm"),
        Column("weight_reason", TEXT, "Why less cargo counts than stated; empty if all of it does."),
        Column("planned_diesel_l", NUMBER, "Diesel the plan would take by the fuel model.", "l"),
        Column("planned_co2_kg", NUMBER, "Tank-to-wheel CO2 of it.", "kg"),
        Column("realised_diesel_l", NUMBER, "Share of the diesel of the legs of this month that fell to the order, approach included.", "l"),
        Column("realised_co2_kg", NUMBER, "Tank-to-wheel CO2 of it.", "kg"),
        Column("confidence_share", NUMBER, "How sure the match is.", "0..1", True),
        Column("pickup_uncertainty_km", NUMBER, "Radius in which the loading place lies; above 0 if it was looked up by its name.", "km"),
        Column("delivery_uncertainty_km", NUMBER, "Radius in which the unloading place lies, likewise.", "km"),
    ),
)

ACCOUNTS = Frame(
    "accounts",
    "The driver account: one row per month, driver and truck.",
    ("month", "fleet_id", "driver_id", "vehicle_id"),
    (
        Column("month", TEXT, "Local month of the fleet, YYYY-MM.", "", True),
        Column("fleet_id", TEXT, "Fleet.", "", True),
        Column("driver_id", TEXT, "Driver; empty where none is known.", "", True),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("edition", TEXT, "Methodology edition and version.", "", True),
        Column("distance_km", NUMBER, "Kilometres driven on the road.", "km", True, "行驶里程"),
        Column("loaded_km", NUMBER, "With cargo aboard, proven.", "km", True, "载货里程"),
        Column("empty_km", NUMBER, "Without cargo.", "km", True, "空驶里程"),
        Column("unknown_km", NUMBER, "Neither proven.", "km", True),
        Column("imputed_km", NUMBER, "Part of the distance inside gaps.", "km", True),
        Column("search_km", NUMBER, "Empty kilometres between a delivery and the next pick-up.", "km", True, "找货空驶里程"),
        Column("mileage_utilisation_share", NUMBER, "loaded_km / distance_km.", "0..1", False, "里程利用率"),
        Column("payload_utilisation_share", NUMBER, "transport_work_tkm / (rated_payload_t x loaded_km).", "0..1", False, "吨位利用率"),
        Column("load_rate_share", NUMBER, "transport_work_tkm / (rated_payload_t x distance_km), the product of the two.", "0..1", False, "实载率"),
        Column("transport_work_tkm", NUMBER, "Sum over legs of payload_t x driven km.", "tkm", True, "周转量"),
        Column("activity_tkm", NUMBER, "Sum over orders of cargo_t x min(km aboard, distance cap): what is credited.", "tkm", True),
        Column("great_circle_tkm", NUMBER, "Sum over orders of cargo_t x the great circle between their places: work that no detour makes more.", "tkm"),
        Column("overweight_tkm", NUMBER, "Part of activity_tkm of cargo said to weigh more than the truck may carry and an honest weight may err: it is credited as a usual load.", "tkm"),
        Column("car_like_km", NUMBER, "Driven as no truck is.", "km"),
        Column("orders_count", INTEGER, "Orders of the month that were not cancelled.", "", True),
        Column("orders_matched_count", INTEGER, "Those proven by the trace.", "", True),
        Column("idle_h", NUMBER, "Engine on and standing, by the edition's rule.", "h", True, "怠速"),
        Column("stop_h", NUMBER, "Standing.", "h", True),
        Column("diesel_l", NUMBER, "Diesel burnt.", "l", False, "柴油消耗"),
        Column("diesel_source", TEXT, "counter, receipts, calibrated, declared or class.", "", False),
        Column("model_diesel_l", NUMBER, "What the class model gives for the same driving and standing, its fitted correction included.", "l"),
        Column("measured_l", NUMBER, "Diesel of the legs on which it was measured, by counter or between full fills; missing if on none.", "l"),
        Column("measured_model_l", NUMBER, "What the class gives for these legs without its fitted correction.", "l"),
        Column("fuel_model", TEXT, "Which class model that is: physics, class_rates or mixed, and the fitted correction. Months of another kind calibrate nothing."),
        Column("energy", TEXT, "What the truck burns: diesel, lng, cng, methanol or electric."),
        Column("energy_quantity", NUMBER, "How much of it, in `energy_unit`.", "l, kg or kWh"),
        Column("energy_unit", TEXT, "l, kg or kWh; empty where the quantity is not known."),
        Column("baseline_diesel_l", NUMBER, "Counterfactual diesel for the same activity.", "l", False, "基准柴油"),
        Column("diesel_saved_l", NUMBER, "Baseline minus burnt; may be negative.", "l", False, "节油量"),
        Column("saved_by_less_empty_l", NUMBER, "LMDI part of less empty running.", "l"),
        Column("saved_by_higher_load_l", NUMBER, "LMDI part of fuller loads.", "l"),
        Column("saved_by_efficiency_l", NUMBER, "LMDI part of fuel per model fuel.", "l"),
        Column("co2_ttw_kg", NUMBER, "Inventory: tank-to-wheel CO2.", "kg"),
        Column("co2e_wtw_kg", NUMBER, "Inventory: well-to-wheel CO2e.", "kg"),
        Column("co2_avoided_kg", NUMBER, "Tank-to-wheel CO2 avoided against the counterfactual.", "kg", False, "减排量"),
        Column("co2_avoided_low_kg", NUMBER, "Lower bound: what the month adds to that of its year, less what was credited of the year before.", "kg"),
        Column("co2_avoided_high_kg", NUMBER, "Upper bound of the 90 % interval.", "kg"),
        Column("co2_credited_g", INTEGER, "Grams posted to the ledger: the lower bound, never below 0.", "g", True, "入账减排量"),
        Column("carbon_price", NUMBER, "Price of a tonne in the series in force.", "currency/t"),
        Column("carbon_currency", TEXT, "Its currency."),
        Column("carbon_value", NUMBER, "co2_credited_g at that price.", "currency"),
        Column("fuel_cost_saved", NUMBER, "diesel_saved_l at the diesel price in force.", "currency"),
        Column("coverage_share", NUMBER, "Part of the moving time covered by positions.", "0..1"),
        Column("quality", TEXT, "measured, modelled or default.", "", True),
        Column("co2_leakage_kg", NUMBER, "Taken off for what the saving causes elsewhere; the lower bound is net of it.", "kg"),
        Column("co2_common_standard_kg", NUMBER, "Standard uncertainty of what errs alike in all months: baseline, rates, factor, scales.", "kg"),
        Column("co2_single_standard_kg", NUMBER, "Standard uncertainty of what errs in each month by itself: single legs, orders, gaps.", "kg"),
        Column("co2_luck_standard_kg", NUMBER, "How far a month lies from the driver's usual one by luck, standard deviation.", "kg"),
        Column("saved_against_declared_l", NUMBER, "Saving against the line declared for the driver.", "l"),
        Column("saved_against_own_l", NUMBER, "Saving against the driver's own months before joining.", "l"),
        Column("saved_against_cohort_l", NUMBER, "Saving against other drivers before they joined, on the same lanes; drawn to what is known of the driver, before joining and since.", "l"),
        Column("saved_against_class_l", NUMBER, "Saving against the lines declared for the class, likewise drawn.", "l"),
        Column("baseline_source", TEXT, "The one that counts, of the smallest saving: declared_driver, own_history, cohort, declared_class, or none."),
        Column("baseline_from", DAY, "First day of the data it rests on, or on which its line came into force."),
        Column("baseline_age_days", INTEGER, "Days from then to the first day of the month.", "days"),
        Column("notes", TEXT, "Named reasons for missing or reduced figures, separated by semicolons.", "", True),
    ),
)

LANES = Frame(
    "lanes",
    "Where each driver drove with a truck in a month, for whom, and how: one row per lane. Empty and"
    " unknown kilometres stand with the load they led to, at the end of the month with the last.",
    ("month", "driver_id", "vehicle_id", "origin", "destination", "distance_band"),
    (
        Column("month", TEXT, "Local month of the fleet, YYYY-MM.", "", True),
        Column("driver_id", TEXT, "Driver; empty where none is known.", "", True),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("vehicle_class", TEXT, "Class of the edition; empty if none fits.", "", True),
        Column("origin", TEXT, "Region of loading, a cell of the edition's grid; empty without any load.", "", True),
        Column("destination", TEXT, "Region of unloading, likewise.", "", True),
        Column("distance_band", TEXT, "local, short, middle or long by the great circle of the order, likewise.", "", True),
        Column("orders_count", INTEGER, "Orders aboard.", "", True),
        Column("loaded_km", NUMBER, "With them aboard, of several aboard each by its part of the work.", "km", True),
        Column("empty_km", NUMBER, "Empty on the way to them.", "km", True),
        Column("unknown_km", NUMBER, "Neither proven loaded nor empty on the way to them.", "km", True),
        Column("transport_work_tkm", NUMBER, "Payload x driven km.", "tkm", True),
        Column("capacity_tkm", NUMBER, "Rated payload x loaded km.", "tkm", True),
    ),
)

DERIVATIONS = Frame(
    "derivations",
    "How each account came about: every number between its legs and its grams, with its source.",
    ("driver_id", "vehicle_id", "line"),
    (
        Column("driver_id", TEXT, "Driver; empty where none is known.", "", True),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("line", INTEGER, "Place in the chain.", "", True),
        Column("step", TEXT, "fuel, baseline, saving, interval, leakage or credit.", "", True),
        Column("name", TEXT, "What the number is.", "", True),
        Column("value", NUMBER, "The number.", "as `unit` says", True),
        Column("unit", TEXT, "Its unit.", "", True),
        Column("source", TEXT, "Where it comes from.", "", True),
    ),
)

RECEIPTS = Frame(
    "receipts",
    "What became of each purchase of the month: counted or not, and why.",
    ("vehicle_id", "bought_at", "receipt_id", "quantity"),
    (
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("bought_at", MOMENT, "Moment of the purchase as it was told.", "UTC", True),
        Column("receipt_id", TEXT, "Number of the receipt."),
        Column("quantity", NUMBER, "Amount in `unit` as it was told.", "l, kg or kWh", True),
        Column("unit", TEXT, "l, kg or kWh.", "", True),
        Column("product", TEXT, "Product as written on the receipt."),
        Column("verdict", TEXT, "counted, or why not.", "", True),
        Column("counted_quantity", NUMBER, "What is counted, in `counted_unit`; 0 if nothing is.", "as `counted_unit` says", True),
        Column("counted_unit", TEXT, "Unit of what the truck burns: l, kg or kWh.", "", True),
        Column("fuelled_at", MOMENT, "When it was filled: as told, or when the truck was seen there on a day that was told without an hour.", "UTC", True),
        Column("is_hour_known", FLAG, "False if nothing but the day is known.", "", True),
        Column("is_full", FLAG, "Whether the tank was full after it; empty if not told."),
        Column("tank_quantity", NUMBER, "What the truck can hold, by the register or its class.", "as `counted_unit` says"),
        Column("distance_m", NUMBER, "From the place of the purchase to the truck where it came nearest at that time.", "m"),
        Column("remarks", TEXT, "What else was noticed, codes separated by semicolons.", "", True),
        Column("text", TEXT, "The verdict and the remarks in words.", "", True),
    ),
)

INTERVALS = Frame(
    "intervals",
    "The interval of every figure of an account that is an estimate, from all sources of error.",
    ("driver_id", "vehicle_id", "figure"),
    (
        Column("driver_id", TEXT, "Driver; empty where none is known.", "", True),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("figure", TEXT, "Column of the accounts.", "", True),
        Column("value", NUMBER, "The figure.", "as `unit` says", True),
        Column("low", NUMBER, "Lower bound of the two-sided 90 % interval; that of carbon_value is the value.", "as `unit` says", True),
        Column("high", NUMBER, "Upper bound.", "as `unit` says", True),
        Column("standard", NUMBER, "Standard uncertainty.", "as `unit` says", True),
        Column("unit", TEXT, "Unit of the figure.", "", True),
    ),
)

_FOOTPRINT = (
    Column("energy", TEXT, "What was burnt: diesel, lng, cng, methanol or electric.", "", True),
    Column("energy_unit", TEXT, "l, kg or kWh; empty where the quantity is not known."),
    Column("energy_millionths", INTEGER, "Millionths of `energy_unit`; missing where the quantity is not known. Parts add up to their whole exactly.", "1e-6 l, kg or kWh"),
    Column("co2e_ttw_mg", INTEGER, "Tank-to-wheel CO2e; missing where neither energy nor a default value is known.", "mg", False, "油箱到车轮排放"),
    Column("co2e_wtw_mg", INTEGER, "Well-to-wheel CO2e, likewise.", "mg", False, "油井到车轮排放"),
)
_HOW_KNOWN = (
    Column("data_class", TEXT, "primary (measured), modelled or default: the weakest of which more than a trifle of the CO2e is; none where nothing is known.", "", True, "数据类别"),
    Column("primary_share", NUMBER, "Part of the well-to-wheel CO2e that rests on measured energy.", "0..1", False, "初级数据占比"),
)

TOCS = Frame(
    "tocs",
    "Transport operation categories of a month by ISO 14083: trucks of one class and energy, hauls of one distance band, alone or shared.",
    ("toc_id",),
    (
        Column("toc_id", TEXT, "Month, class, energy, distance band, FTL or LTL, parted by points; then sfd or default where it is.", "", True),
        Column("month", TEXT, "Local month of the fleet, YYYY-MM.", "", True),
        Column("vehicle_class", TEXT, "Class of the edition; empty if none fits.", "", True),
        Column("distance_band", TEXT, "local, short, middle or long by the great circle.", "", True),
        Column("loading", TEXT, "FTL: alone aboard; LTL: shared with other shipments.", "", True),
        Column("distance_kind", TEXT, "Distance of the activity: gcd, the great circle, or sfd, the shortest feasible one.", "", True, "距离类型"),
        Column("trucks_count", INTEGER, "Trucks that carried its shipments.", "", True),
        Column("shipments_count", INTEGER, "Shipments.", "", True),
        Column("loaded_km", NUMBER, "Driven with its shipments.", "km", True, "载货里程"),
        Column("empty_km", NUMBER, "Driven empty to them, or after the last.", "km", True, "空驶里程"),
        Column("empty_share", NUMBER, "empty_km / (loaded_km + empty_km).", "0..1", False, "空驶率"),
        Column("load_factor_share", NUMBER, "transport_work_tkm / (rated payload x loaded_km).", "0..1", False, "吨位利用率"),
        Column("transport_work_tkm", NUMBER, "Cargo x kilometres driven with it.", "tkm", True, "周转量"),
        Column("activity_tkm", NUMBER, "Transport activity: cargo x distance of that kind.", "tkm", True, "运输活动量"),
        Column("distance_adjustment_ratio", NUMBER, "DAF: transport_work_tkm / activity_tkm, kilometres driven per kilometre of activity.", "1", False, "距离调整系数"),
        *_FOOTPRINT,
        Column("co2e_ttw_g_per_tkm", NUMBER, "Tank-to-wheel intensity: co2e_ttw_mg / activity_tkm.", "g/tkm"),
        Column("co2e_wtw_g_per_tkm", NUMBER, "Well-to-wheel intensity, likewise.", "g/tkm", False, "排放强度"),
        *_HOW_KNOWN,
        Column("notes", TEXT, "What is to be known of the factors, codes parted by semicolons.", "", True),
    ),
)

SHIPMENTS = Frame(
    "shipments",
    "The footprint of every shipment that the trace proves: intensity of its category x its transport activity, for the part of it that was driven in the month.",
    ("shipment_id",),
    (
        Column("shipment_id", TEXT, "Order.", "", True),
        Column("month", TEXT, "Local month of the fleet, YYYY-MM.", "", True),
        Column("toc_id", TEXT, "Its category.", "", True),
        Column("shipper_id", TEXT, "Customer."),
        Column("vehicle_id", TEXT, "Truck.", "", True),
        Column("cargo_t", NUMBER, "Mass with its packaging.", "t", True),
        Column("weight_source", TEXT, "Where the mass comes from: weighed, declared, nominal or class."),
        Column("distance_gcd_km", NUMBER, "Great circle between loading and unloading, the month's part of it.", "km", True),
        Column("distance_sfd_km", NUMBER, "Shortest feasible distance as it was told, likewise; missing where nobody told it.", "km"),
        Column("distance_kind", TEXT, "By which of the two its activity is told: gcd or sfd.", "", True, "距离类型"),
        Column("distance_actual_km", NUMBER, "Driven with it aboard in the month.", "km", True),
        Column("month_share", NUMBER, "Part of the way with it aboard that was driven in the month.", "0..1", True),
        Column("activity_tkm", NUMBER, "Transport activity: cargo_t x the distance of that kind.", "tkm", True, "运输活动量"),
        Column("departed_at", MOMENT, "Departure from the place of loading.", "UTC"),
        Column("arrived_at", MOMENT, "Arrival at the place of unloading.", "UTC"),
        *_FOOTPRINT,
        *_HOW_KNOWN,
    ),
)

UNATTRIBUTED = Frame(
    "unattributed",
    "What was driven and burnt in a month for no shipment that is known, by reason.",
    ("reason", "energy"),
    (
        Column("reason", TEXT, "unknown_load, private, no_shipment or no_activity.", "", True),
        Column("month", TEXT, "Local month of the fleet, YYYY-MM.", "", True),
        Column("distance_km", NUMBER, "Kilometres driven.", "km", True),
        *_FOOTPRINT,
    ),
)

SHIPPERS = Frame(
    "shipper_footprints",
    "The footprints of a month by customer.",
    ("shipper_id",),
    (
        Column("shipper_id", TEXT, "Customer; missing of shipments of nobody named."),
        Column("shipments_count", INTEGER, "Shipments.", "", True),
        Column("unknown_count", INTEGER, "Those of unknown CO2e.", "", True),
        Column("unproven_count", INTEGER, "Orders that no trace proves: no footprint.", "", True),
        Column("cargo_t", NUMBER, "Sum of their masses.", "t", True),
        Column("activity_tkm", NUMBER, "Sum of the transport activity.", "tkm", True, "运输活动量"),
        Column("co2e_ttw_mg", INTEGER, "Tank-to-wheel CO2e of those known.", "mg", True),
        Column("co2e_wtw_mg", INTEGER, "Well-to-wheel CO2e of those known.", "mg", True),
        Column("co2e_wtw_g_per_tkm", NUMBER, "Well-to-wheel intensity of those known.", "g/tkm"),
        *_HOW_KNOWN,
    ),
)

REJECTIONS = Frame(
    "rejections",
    "Rows that were refused, where they stand and why.",
    ("file", "line", "column"),
    (
        Column("file", TEXT, "Source file.", "", True),
        Column("line", INTEGER, "Line in it, the header being line 1.", "", True),
        Column("column", TEXT, "Column.", "", True),
        Column("code", TEXT, "What kind of fault.", "", True),
        Column("text", TEXT, "What was found and what was expected.", "", True),
    ),
)

FRAMES: tuple[Frame, ...] = (
    VEHICLES,
    DRIVERS,
    ASSIGNMENTS,
    ORDERS,
    POSITIONS,
    ENERGY,
    PURCHASES,
    BASELINES,
    LEGS,
    LEVEL_CHANGES,
    LEG_ORDERS,
    ORDER_RESULTS,
    ACCOUNTS,
    LANES,
    DERIVATIONS,
    INTERVALS,
    RECEIPTS,
    TOCS,
    SHIPMENTS,
    UNATTRIBUTED,
    SHIPPERS,
    REJECTIONS,
)
