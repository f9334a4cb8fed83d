"""Where the transport took place that grams stem from: shares of provinces, from the legs.

A leg counts in the province in which it began by its trace, with its part of the credited
activity. The grams of a driver, truck and month have the shares of their account; those of fleet
and platform stem from all accounts of the month that were credited, and have the shares of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ACCOUNTS, LEGS
from fleet_carbon.ingest.places import PROVINCE, Gazetteer
from fleet_carbon.ingest.provinces import Provinces
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.storage.unit_of_work import UnitOfWork

Shares = dict[str, float]
"""Parts of the activity by full name of the province, empty for outside all; they add up to 1."""


class Regions:
    """The shares of vintages, read when they are first asked for."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._of: dict[str, tuple[dict[tuple[str, str], Shares], Shares]] = {}

    def shares(self, piece: Piece) -> Shares:
        """Where the activity behind serials took place; nothing if nobody knows. [0..1]"""
        month = piece.block.month
        if month not in self._of:
            self._of[month] = self._read(month)
        of_pair, of_all = self._of[month]
        holder = accounts.holder_of(piece.account)
        return of_all if holder is None else of_pair.get(holder, {})

    def lies_in(self, piece: Piece, region: str, share_min: float) -> bool:
        """Whether at least a share of the activity behind serials took place in a region."""
        # A sum of shares may end some digits short of 1.
        return self.shares(piece).get(region, 0.0) >= share_min - 1e-9

    def of_lot(self, pieces: Iterable[Piece]) -> Shares:
        """The shares of several pieces, weighted by their grams; what is unknown is left out."""
        found: dict[str, float] = {}
        whole_g = 0
        for piece in pieces:
            whole_g += piece.serials.amount_g
            for region, share in self.shares(piece).items():
                found[region] = found.get(region, 0.0) + share * piece.serials.amount_g
        return {region: held / whole_g for region, held in sorted(found.items())}

    @cached_property
    def _provinces(self) -> Provinces:
        return Provinces.load()

    def _read(self, month: str) -> tuple[dict[tuple[str, str], Shares], Shares]:
        run = self._work.closings.latest(month)
        if run is None or LEGS.name not in run.table_digests:
            return {}, {}
        legs = self._work.closings.table(run, LEGS.name)
        rows = self._work.closings.table(run, ACCOUNTS.name)
        credited = rows.loc[rows["co2_credited_g"] > 0, ["driver_id", "vehicle_id"]]
        done = legs[legs["activity_tkm"] > 0]
        done = done.assign(
            driver_id=done["driver_id"].fillna(""),
            region=self._provinces.of(done["from_lon"].to_numpy(), done["from_lat"].to_numpy()),
        ).merge(credited, on=["driver_id", "vehicle_id"])
        of_pair = {
            (str(driver), str(vehicle)): _shares(group)
            for (driver, vehicle), group in done.groupby(["driver_id", "vehicle_id"])
        }
        return of_pair, _shares(done)


def _shares(legs: pd.DataFrame) -> Shares:
    of_region = legs.groupby("region")["activity_tkm"].sum()
    whole_tkm = float(of_region.sum())
    return {str(name): float(tkm) / whole_tkm for name, tkm in of_region.items()}


def read_region(text: str) -> str:
    """Full name of the province that a user named: in full, short, or by its code.

    Raises
    ------
    InputRefused
        If it names none.
    """
    place = Gazetteer.load().look_up(text.strip())
    if place is None or place.level != PROVINCE:
        raise InputRefused(
            "region_unknown",
            f"{text!r} names no province.",
            "Write its name or code by GB/T 2260, for example 四川 or 510000.",
        )
    return place.name
