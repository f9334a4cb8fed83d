"""What changed between two closes of a month, and which inputs it came from.

In: the accounts of the run before and of this one, and the digests of what went into each.
Out: one change per driver and truck, with the figures before and after and the reasons.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import ACCOUNTS, GROUPING, INVENTORIED, PERSONAL
from fleet_carbon.services.months.records import Records
from fleet_carbon.statements import tables

# Inputs that concern one truck or one driver, and inputs that concern every account.
_BY_VEHICLE = ("positions", "orders", "vehicle", "assignments", "energy", "measured", "claims")
_BY_DRIVER = ("driver", "baselines", "history")
_FOR_ALL = ("prices", "edition", "factors", "program", "cohort", "fuel_model", "load_model")
# Of these, what is looked up in the positions of a truck.
_OF_LEGS = ("orders", "vehicle", "assignments", "energy")
# Of earlier accounts, what calibrates a truck whoever drove it.
_MEASURED = [
    "month", "driver_id", "vehicle_id", "edition", "fuel_model", "measured_l", "measured_model_l",
]  # fmt: skip
_CELL_BYTES = 16
_KEY = ("driver_id", "vehicle_id")


def digest_records(records: Records) -> dict[str, str]:
    """Digests of the records on which figures rest, by source and by truck or driver.

    Parameters
    ----------
    records : Records
        Register and orders of the window.

    Returns
    -------
    digests : dict of str to str
        Keys ``source`` or ``source/identifier``. Neither the order of the rows nor what other
        trucks and drivers are on record matters.
    """
    drivers = records.drivers
    usual = drivers.loc[drivers["vehicle_id"].notna(), ["vehicle_id", "driver_id"]]
    at_the_wheel = pd.concat([records.assignments, usual])
    for_class = records.baselines[records.baselines["driver_id"].isna()]
    # What is told for the inventory alone makes another close, for the book is that of a close;
    # where nothing is told the digests are those from before there were such columns.
    orders = records.orders
    untold = [name for name in INVENTORIED if orders[name].isna().all()]
    return {
        **_digests_by("orders", orders.drop(columns=untold), "vehicle_id"),
        **_digests_by("vehicle", records.vehicles.drop(columns=list(GROUPING)), "vehicle_id"),
        **_digests_by("assignments", at_the_wheel, "vehicle_id"),
        **_digests_by("energy", records.energy, "vehicle_id"),
        **_digests_by("driver", drivers.drop(columns=list(PERSONAL)), "driver_id"),
        "baselines": digest_rows(for_class),
        **_digests_by("baselines", records.baselines, "driver_id"),
    }


def vehicle_digests(of_records: Mapping[str, str]) -> dict[str, str]:
    """Digest per truck of all records that can change its legs or what is seen of its purchases.

    Parameters
    ----------
    of_records : mapping of str to str
        From `digest_records`.

    Returns
    -------
    digests : dict of str to str
        By vehicle_id, for every truck that is registered or has orders or purchases: over these,
        its row of the register, its assignments and the drivers who claim it as their usual truck.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name, digest in sorted(of_records.items()):
        source, _, vehicle_id = name.partition("/")
        if source in _OF_LEGS:
            found[vehicle_id].append(f"{source} {digest}")
    return {
        vehicle_id: hashlib.sha256("\n".join(lines).encode()).hexdigest()
        for vehicle_id, lines in found.items()
    }


def digest_inputs(
    of_records: Mapping[str, str],
    *,
    trace_versions: Mapping[str, str],
    history: pd.DataFrame,
    for_all: Mapping[str, str],
) -> dict[str, str]:
    """Digests of everything that goes into the figures, by source and by truck or driver.

    Parameters
    ----------
    of_records : mapping of str to str
        From `digest_records`.
    trace_versions : mapping of str to str
        Per truck, digest of its fixes.
    history : DataFrame
        Accounts of earlier months.
    for_all : mapping of str to str
        Digests of prices, edition, factors, fuel model and program.

    Returns
    -------
    inputs : dict of str to str
        Keys ``source`` or ``source/identifier``.
    """
    positions = {f"positions/{vehicle}": digest for vehicle, digest in trace_versions.items()}
    measured = history.loc[history["measured_l"].notna(), _MEASURED]
    return {
        **for_all,
        **positions,
        **of_records,
        **_digests_by("history", history, "driver_id"),
        **_digests_by("measured", measured, "vehicle_id"),
    }


def digest_rows(rows: pd.DataFrame) -> str:
    """SHA-256 over the rows in an order of their own, so that the order of arrival is no matter."""
    return _digest(_names_of(rows), _canonical_rows(rows))


def _digests_by(source: str, rows: pd.DataFrame, column: str) -> dict[str, str]:
    """One digest for each identifier that has rows."""
    identified = rows.loc[rows[column].notna()]
    lines, names = _canonical_rows(identified), _names_of(identified)
    found: dict[str, list[bytes]] = defaultdict(list)
    for identifier, line in zip(identified[column].tolist(), lines, strict=True):
        found[identifier].append(line)
    return {f"{source}/{key}": _digest(names, found[key]) for key in sorted(found)}


def _digest(names: bytes, lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join([names, *sorted(lines)])).hexdigest()


def _names_of(rows: pd.DataFrame) -> bytes:
    """What the cells of a line mean: name and kind of every column."""
    return "".join(f"{name} {_kind_of(rows[name])}\n" for name in rows.columns).encode()


def _canonical_rows(rows: pd.DataFrame) -> list[bytes]:
    """Every row as bytes that say all its values and nothing else, all of one length."""
    cells = [_canonical(rows[name]) for name in rows.columns]
    width = _CELL_BYTES * len(cells)
    stream = np.concatenate(cells, axis=1).tobytes()
    return [stream[start : start + width] for start in range(0, len(stream), width)]


def _kind_of(values: pd.Series[Any]) -> str:
    if pd.api.types.is_float_dtype(values.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "moment"
    return "integer" if pd.api.types.is_numeric_dtype(values.dtype) else "text"


def _canonical(values: pd.Series[Any]) -> NDArray[np.uint8]:
    """One cell per value: 0 if it is missing, 1 and the number, or the digest of the text."""
    kind = _kind_of(values)
    if kind == "text":
        return _text_cells(values)
    is_missing = values.isna().to_numpy(bool)
    words = np.column_stack([~is_missing, _bits(values, kind)]).astype("<i8")
    words[is_missing] = 0
    return words.view(np.uint8)


def _bits(values: pd.Series[Any], kind: str) -> NDArray[Any]:
    if kind == "number":
        # Adding zero makes one zero of the two.
        numbers: NDArray[np.float64] = values.to_numpy(np.float64) + 0.0
        return numbers.view(np.int64)
    if kind == "moment":
        return np.asarray(values.dt.as_unit("us").astype("int64"))
    return values.astype("Int64").to_numpy(np.int64, na_value=0)


def _text_cells(values: pd.Series[Any]) -> NDArray[np.uint8]:
    place, texts = pd.factorize(values)
    digests = [
        hashlib.blake2b(str(text).encode(), digest_size=_CELL_BYTES).digest()
        for text in texts.tolist()
    ]
    cells = np.frombuffer(b"".join([*digests, bytes(_CELL_BYTES)]), dtype=np.uint8)
    # A missing text has place -1, and nothing is the last cell.
    return cells.reshape(-1, _CELL_BYTES)[place]


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
