"""How drivers and trucks are called on what people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fleet_carbon.storage.unit_of_work import UnitOfWork

ERASED = "erased 已删除"
"""Stands where something personal was."""


def shown_name(work: UnitOfWork, driver_id: str, *, with_id: bool = False) -> str:
    """The driver's name; that it was erased, if it was; the identifier, if none is known.

    Parameters
    ----------
    work : UnitOfWork
        What is on record.
    driver_id : str
        The driver.
    with_id : bool
        Name the identifier beside the name.
    """
    if driver_id in work.persons.erased():
        return f"{driver_id} ({ERASED})"
    drivers = work.register.read("drivers")
    names = drivers.loc[drivers["driver_id"] == driver_id, "name"].dropna().tolist()
    if not names:
        return driver_id
    return f"{names[0]} ({driver_id})" if with_id else str(names[0])


def shown_plates(work: UnitOfWork) -> dict[str, str]:
    """The plate of every truck on record, by identifier; empty where none is known."""
    vehicles = work.register.read("vehicles")
    plates = vehicles["plate"].fillna("").tolist()
    return dict(zip(vehicles["vehicle_id"].tolist(), plates, strict=True))


def shown_depots(work: UnitOfWork) -> dict[str, str]:
    """The depot of every truck that the register says one of, by identifier."""
    vehicles = work.register.read("vehicles").dropna(subset=["depot"])
    return dict(zip(vehicles["vehicle_id"].tolist(), vehicles["depot"].tolist(), strict=True))


def depots_of(vehicle_ids: pd.Series[Any], depots: Mapping[str, str]) -> pd.Series[Any]:
    """The depot of each truck of a column; empty for those without one."""
    told = [depots.get(one, "") for one in vehicle_ids.tolist()]
    return pd.Series(told, index=vehicle_ids.index, dtype="str")


def shown_names(work: UnitOfWork) -> dict[str, str]:
    """How every driver on record is called, as `shown_name` calls one; by identifier."""
    drivers = work.register.read("drivers").dropna(subset=["name"])
    named = dict(zip(drivers["driver_id"].tolist(), drivers["name"].map(str), strict=True))
    return named | {one: f"{one} ({ERASED})" for one in work.persons.erased()}
