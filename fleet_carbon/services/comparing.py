"""What changed between two closes of a month, and which inputs it came from.

In: the accounts of the run before and of this one, and the digests of what went into each.
Out: one change per driver and truck, with the figures before and after and the reasons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.services.records import Records
from fleet_carbon.statements import tables

# Inputs that concern one truck or one driver, and inputs that concern every account.
_BY_VEHICLE = ("positions", "orders", "vehicle", "assignments", "energy")
_BY_DRIVER = ("driver", "baselines", "history")
_FOR_ALL = ("prices", "edition", "factors", "program")
_KEY = ("driver_id", "vehicle_id")


def digest_rows(rows: pd.DataFrame) -> str:
    """SHA-256 over the rows in an order of their own, so that the order of arrival is no matter."""
    lines = sorted(rows.to_csv(index=False, header=False, lineterminator="\n").splitlines())
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def digest_inputs(
    records: Records,
    *,
    trace_versions: Mapping[str, str],
    history: pd.DataFrame,
    for_all: Mapping[str, str],
) -> dict[str, str]:
    """Digests of everything that goes into the figures, by source and by truck or driver.

    Parameters
    ----------
    records : Records
        Register and orders of the window.
    trace_versions : mapping of str to str
        Per truck, digest of its fixes.
    history : DataFrame
        Accounts of earlier months.
    for_all : mapping of str to str
        Digests of prices, edition, factors and program.

    Returns
    -------
    inputs : dict of str to str
        Keys ``source`` or ``source/identifier``.
    """
    inputs = dict(for_all)
    inputs |= {f"positions/{vehicle}": digest for vehicle, digest in trace_versions.items()}
    by_vehicle = {
        "orders": records.orders,
        "vehicle": records.vehicles,
        "assignments": pd.concat([records.assignments, _usual_drivers(records)]),
        "energy": records.energy,
    }
    for source, rows in by_vehicle.items():
        inputs |= _digests_by(source, rows, "vehicle_id", records.vehicles["vehicle_id"])
    for_class = records.baselines[records.baselines["driver_id"].isna()]
    inputs["baselines"] = digest_rows(for_class)
    for source, rows in (
        ("driver", records.drivers),
        ("baselines", records.baselines),
        ("history", history),
    ):
        inputs |= _digests_by(source, rows, "driver_id", rows["driver_id"].dropna().unique())
    return inputs


def _usual_drivers(records: Records) -> pd.DataFrame:
    named = records.drivers["vehicle_id"].notna()
    return records.drivers.loc[named, ["vehicle_id", "driver_id"]]


def _digests_by(
    source: str, rows: pd.DataFrame, column: str, identifiers: Iterable[str]
) -> dict[str, str]:
    groups = dict(list(rows.groupby(column)))
    return {
        f"{source}/{identifier}": digest_rows(groups[identifier])
        for identifier in identifiers
        if identifier in groups
    }


def compare_accounts(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    inputs_before: Mapping[str, str],
    inputs_after: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Name every account that differs: which figures, from what to what, and why.

    Parameters
    ----------
    before, after : DataFrame
        Rows of `frames.ACCOUNTS` of the same month.
    inputs_before, inputs_after : mapping of str to str
        Digests of what went into each.

    Returns
    -------
    changes : list of dict
        In the order of driver and truck; empty if no figure changed. ``kind`` is changed,
        new or gone; ``figures`` maps a column to its value before and after; ``reasons`` are
        the sources whose digest changed for this driver or truck.
    """
    old, new = _by_key(before), _by_key(after)
    changes = []
    for key in sorted(old.keys() | new.keys()):
        figures = _differences(old.get(key), new.get(key))
        if not figures:
            continue
        kind = "new" if key not in old else "gone" if key not in new else "changed"
        changes.append(
            {
                "driver_id": key[0],
                "vehicle_id": key[1],
                "kind": kind,
                "reasons": _reasons(key, inputs_before, inputs_after),
                "figures": figures,
            }
        )
    return changes


def _by_key(rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    found = tables.records(ACCOUNTS.shape(rows))
    return {(row["driver_id"], row["vehicle_id"]): row for row in found}


def _differences(
    old: dict[str, Any] | None, new: dict[str, Any] | None
) -> dict[str, tuple[Any, Any]]:
    old, new = old or {}, new or {}
    return {
        name: (old.get(name), new.get(name))
        for name in ACCOUNTS.names
        if name not in _KEY and old.get(name) != new.get(name)
    }


def _reasons(
    key: tuple[str, str], before: Mapping[str, str], after: Mapping[str, str]
) -> list[str]:
    driver_id, vehicle_id = key
    places = {
        **{source: [f"{source}/{vehicle_id}"] for source in _BY_VEHICLE},
        **{source: [source, f"{source}/{driver_id}"] for source in _BY_DRIVER},
        **{source: [source] for source in _FOR_ALL},
    }
    return [
        source
        for source, names in places.items()
        if any(before.get(name) != after.get(name) for name in names)
    ]
