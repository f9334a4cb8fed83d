"""A driver's account and the tables of a month as text for the terminal.

In: rows of accounts and order results. Out: lines of plain text. Only here, and for the eye,
figures are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from fleet_carbon.frames import Frame
from fleet_carbon.statements.layout import columns, grouped, headed, percent
from fleet_carbon.statements.reasons import PROVEN_PLAINLY, note_sentence, order_sentence
from fleet_carbon.statements.settling import settlement_lines
from fleet_carbon.statements.shares import empty_share
from fleet_carbon.statements.wording import ENGLISH, Words
from fleet_carbon.units import G_PER_KG

Row = Mapping[str, Any]
_PLAIN_ORDERS_SHOWN = 5
_QUALITY = {"measured": "measured", "modelled": "modelled", "default": "estimated"}
_FUEL_SOURCE = {
    "counter": "by the truck's fuel counter",
    "receipts": "from fuel receipts",
    "calibrated": "from figures of its class, calibrated on its own measured months",
    "declared": "from the truck's declared consumption",
    "class": "from figures of the truck's class",
}
_ENERGIES = {"lng": "LNG burnt", "electric": "Electricity charged"}
_AGAINST = {
    "declared_driver": ("line declared for the driver", "saved_against_declared_l"),
    "own_history": ("own months before joining", "saved_against_own_l"),
    "cohort": ("other drivers on the same lanes", "saved_against_cohort_l"),
    "declared_class": ("line declared for the class", "saved_against_class_l"),
}
_LEAKAGE = {
    "detour_share": ("detours", "{:.1%}"),
    "displaced_loads_share": ("loads taken from other trucks", "{:.1%}"),
    "induced_trips_share": ("induced trips", "{:.1%}"),
    "platform_electricity_kwh_per_order": ("platform electricity", "{} kWh an order"),
}

# What fits on a screen; every column is in the files.
_ON_SCREEN: dict[str, dict[str, int]] = {
    "accounts": {
        "driver_id": 0, "vehicle_id": 0, "distance_km": 1, "empty_km": 1, "unknown_km": 1,
        "load_rate_share": 3, "orders_count": 0, "orders_matched_count": 0, "diesel_l": 1,
        "diesel_saved_l": 1, "co2_credited_g": 0, "quality": 0,
    },
    "legs": {
        "vehicle_id": 0, "driver_id": 0, "started_at": 0, "finished_at": 0, "state": 0,
        "purpose": 0, "payload_t": 1, "distance_km": 1, "diesel_l": 1, "order_ids": 0,
        "reason_code": 0,
    },
    "order_results": {
        "order_id": 0, "vehicle_id": 0, "driver_id": 0, "matched": 0, "reason_code": 0,
        "pickup_departed_at": 0, "delivery_arrived_at": 0, "onboard_km": 1, "approach_km": 1,
        "realised_co2_kg": 1,
    },
    "receipts": {
        "vehicle_id": 0, "bought_at": 0, "receipt_id": 0, "quantity": 1, "unit": 0, "product": 0,
        "verdict": 0, "counted_quantity": 1, "distance_m": 0, "remarks": 0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Counterfactual:
    """What the driver is measured against.

    Attributes
    ----------
    empty_share : float
        Empty km / total km. [0..1]
    payload_utilisation_share : float
        tkm / (rated payload x loaded km). [0..1]
    source : str
        declared_driver, own_history, cohort or declared_class.
    """

    empty_share: float
    payload_utilisation_share: float
    source: str


@dataclass(frozen=True)
class DriverAccount:
    """One row of the accounts with what is needed to read it.

    Attributes
    ----------
    account : mapping
        Row of `frames.ACCOUNTS`, JSON-ready.
    orders : sequence of mapping
        Rows of `frames.ORDER_RESULTS` of the same driver and truck, JSON-ready.
    driver_name : str
        Name, or the identifier where no name is known.
    counterfactual : Counterfactual or None
        None if there is no baseline.
    prices : mapping
        ``carbon`` and ``diesel`` where a price was in force: series, price, currency, unit.
    leakage : mapping
        Parameters of what a saving causes elsewhere: value, origin and first day of each.
    ledger : mapping
        What became of the grams: `services.ledger.settling.DriverLedger.as_dict`.
    zone : ZoneInfo
        Zone of the fleet, in which days are told.
    """

    account: Row
    orders: Sequence[Row]
    driver_name: str
    counterfactual: Counterfactual | None
    prices: Mapping[str, Mapping[str, str]]
    leakage: Mapping[str, Mapping[str, Any]]
    ledger: Mapping[str, Any]
    zone: ZoneInfo

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        against = self.counterfactual
        return {
            "driver_name": self.driver_name,
            "account": dict(self.account),
            "orders": [dict(row) for row in self.orders],
            "counterfactual": None if against is None else vars(against),
            "prices": {kind: dict(price) for kind, price in self.prices.items()},
            "leakage": {name: dict(told) for name, told in self.leakage.items()},
            "ledger": dict(self.ledger),
        }

    def lines(self) -> list[str]:
        """The account for people: the result first, then where it comes from."""
        parts = [
            _heading(self),
            _result_lines(self.account, self.prices),
            _comparison_lines(self.account, self.counterfactual),
            _split_lines(self.account),
            _against_lines(self.account),
            _leakage_lines(self.account, self.leakage),
            _order_lines(self.account, self.orders, self.zone),
            _missing_lines(self.account),
            settlement_lines(self.ledger, Words(ENGLISH)),
        ]
        return [line for part in parts if part for line in [*part, ""]][:-1]


def _heading(shown: DriverAccount) -> list[str]:
    row = shown.account
    who = shown.driver_name if row["driver_id"] else "no known driver"
    title = f"{who}, truck {row['vehicle_id']}, {row['month']}"
    how = _QUALITY.get(row["quality"], row["quality"])
    return [*headed(title, []), f"Methodology {row['edition']}. {_energy_text(row, how)}"]


def _energy_text(row: Row, how: str | None) -> str:
    """How what the truck burns is known, and how much it was where it is no diesel."""
    source, quantity = row["diesel_source"], row["energy_quantity"]
    if source or quantity is None:
        return f"Diesel {how} {_FUEL_SOURCE.get(source or '', 'without any source')}."
    return f"{_ENERGIES[row['energy']]}: {grouped(quantity, 1)} {row['energy_unit']}."


def _result_lines(row: Row, prices: Mapping[str, Mapping[str, str]]) -> list[str]:
    credited_kg = row["co2_credited_g"] / G_PER_KG
    return columns(
        [
            ["CO2 credited", f"{grouped(credited_kg, 3)} kg", _interval_text(row)],
            ["Diesel saved", _amount(row["diesel_saved_l"], 1, "l"), _diesel_text(row)],
            _money_row("Saved on diesel", row["fuel_cost_saved"], prices.get("diesel")),
            _money_row("Worth of the CO2", row["carbon_value"], prices.get("carbon")),
        ],
        "lrl",
    )


def _amount(value: float | None, digits: int, unit: str) -> str:
    return "not known" if value is None else f"{grouped(value, digits)} {unit}"


def _interval_text(row: Row) -> str:
    if row["co2_avoided_kg"] is None:
        return "nothing can be credited, see below"
    low, high = row["co2_avoided_low_kg"], row["co2_avoided_high_kg"]
    between = f"{grouped(low, 1)} to {grouped(high, 1)} kg"
    text = f"avoided {grouped(row['co2_avoided_kg'], 1)} kg, with 90 % certainty {between}"
    return f"{text}; the lower end counts"


def _diesel_text(row: Row) -> str:
    if row["diesel_saved_l"] is None:
        return ""
    burnt, baseline = grouped(row["diesel_l"], 1), grouped(row["baseline_diesel_l"], 1)
    return f"burnt {burnt} l, in the counterfactual {baseline} l"


def _money_row(label: str, value: float | None, price: Mapping[str, str] | None) -> list[str]:
    if price is None:
        return [label, "not known", "no price is set: `fleet-carbon price set`"]
    at = f"at {price['price']} {price['currency']}/{price['unit']} ({price['series']})"
    amount = "not known" if value is None else f"{grouped(value, 2)} {price['currency']}"
    return [label, amount, at]


def _comparison_lines(row: Row, against: Counterfactual | None) -> list[str]:
    distance_km = row["distance_km"]
    own_empty = empty_share(row["loaded_km"], distance_km)
    head = ["", "this month", "counterfactual" if against else ""]
    old_empty = old_payload = old_rate = None
    if against is not None:
        old_empty, old_payload = against.empty_share, against.payload_utilisation_share
        old_rate = (1 - old_empty) * old_payload
    rows = [
        head,
        ["Empty running", percent(own_empty), percent(old_empty)],
        [
            "Payload when loaded 吨位利用率",
            percent(row["payload_utilisation_share"]),
            percent(old_payload),
        ],
        ["Load rate 实载率", percent(row["load_rate_share"]), percent(old_rate)],
        ["Searching for loads", f"{grouped(row['search_km'], 1)} km", ""],
        ["Driven", f"{grouped(distance_km, 1)} km", ""],
    ]
    return columns(rows, "lrr")


def _split_lines(row: Row) -> list[str]:
    if row["diesel_saved_l"] is None:
        return []
    parts = (
        ("less empty running", row["saved_by_less_empty_l"]),
        ("fuller loads", row["saved_by_higher_load_l"]),
        ("litres per work done", row["saved_by_efficiency_l"]),
    )
    rows = [[name, f"{litres:+,.1f} l"] for name, litres in parts if litres is not None]
    rows.append(["together", f"{row['diesel_saved_l']:+,.1f} l"])
    return ["Where the diesel was saved (parts add up exactly):", *columns(rows, "lr", indent=4)]


def _against_lines(row: Row) -> list[str]:
    """The saving against each counterfactual, and which of them counts."""
    rows = []
    for source, (label, name) in _AGAINST.items():
        if row[name] is not None:
            counts = (
                f"counts, from {row['baseline_from']}" if source == row["baseline_source"] else ""
            )
            rows.append([label, f"{row[name]:+,.1f} l", counts])
    if not rows:
        return []
    return [
        "Saved against each counterfactual (the smallest counts):",
        *columns(rows, "lrl", indent=4),
    ]


def _leakage_lines(row: Row, leakage: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is taken off for what the saving causes elsewhere, and by which parameters."""
    if row["co2_leakage_kg"] is None:
        return []
    total = (
        f"{grouped(row['co2_leakage_kg'], 3)} kg are taken off for what a saving causes elsewhere:"
    )
    rows = []
    for name, (label, form) in _LEAKAGE.items():
        if told := leakage.get(name):
            dated = f"{told['origin']}, in force from {told['valid_from']}"
            rows.append([label, form.format(told["value"]), dated])
    return [total, *columns(rows, "lrl", indent=4)]


def _order_lines(row: Row, orders: Sequence[Row], zone: ZoneInfo) -> list[str]:
    if not orders:
        return ["No orders were given in this month."]
    proven = f"{row['orders_matched_count']} of {row['orders_count']}"
    lines = [f"Orders: {proven} proven by the positions."]
    # All that need a word are shown, of the plain ones a few.
    plain = [order for order in orders if order["reason_code"] == PROVEN_PLAINLY]
    special = [order for order in orders if order["reason_code"] != PROVEN_PLAINLY]
    for order in [*special, *plain[:_PLAIN_ORDERS_SHOWN]]:
        mark = "+" if order["matched"] else "-"
        lines.append(f"  {mark} {order['order_id']}: {order_sentence(order, zone)}")
    if len(plain) > _PLAIN_ORDERS_SHOWN:
        lines.append(f"  + and {len(plain) - _PLAIN_ORDERS_SHOWN} more, all proven the same way.")
    return lines


def _missing_lines(row: Row) -> list[str]:
    sentences = [note_sentence(code) for code in (row["notes"] or "").split(";") if code]
    if not sentences:
        return []
    return ["What is missing, and what to do:", *(f"  {sentence}" for sentence in sentences)]


def next_step_lines(month: str) -> list[str]:
    """What to try after the demo."""
    return [
        "Try next:",
        f"  fleet-carbon accounts {month} -o accounts.xlsx    all drivers, every column",
        f"  fleet-carbon orders {month} -o orders.csv         which orders are proven and why",
        f"  fleet-carbon legs {month} -o legs.parquet         every drive, loaded or empty",
        "  fleet-carbon demo --case manbang                 the published worked example",
        "  fleet-carbon ingest vehicles YOUR_FILE.csv       your own fleet, with --home ELSEWHERE",
    ]


def table_lines(rows: pd.DataFrame, frame: Frame) -> list[str]:
    """The columns of a month's table that fit on a screen."""
    chosen = _ON_SCREEN[frame.name]
    cells = [list(chosen)]
    for values in zip(*(rows[name].tolist() for name in chosen), strict=True):
        cells.append(
            [_cell(value, chosen[name]) for name, value in zip(chosen, values, strict=True)]
        )
    align = "".join(
        "r" if digits or _is_count(frame, name) else "l" for name, digits in chosen.items()
    )
    hint = f"{len(rows):,} rows. All {len(frame.columns)} columns: -o FILE, or --format csv."
    return [*columns(cells, align, indent=0), "", hint]


def _is_count(frame: Frame, name: str) -> bool:
    return frame.column(name).dtype == "Int64"


def _cell(value: Any, digits: int) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%MZ}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return grouped(value, digits)
    return str(value)
