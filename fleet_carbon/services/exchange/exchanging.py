"""The inventory of a month in the data types of iLEAP: what a host of it answers with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Context, Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.forming import FOOTPRINT, SFD
from fleet_carbon.services.accounts.inventories import (
    KEPT_SHIPMENTS_MAX,
    Inventory,
    read_inventory,
    shipments_count,
)
from fleet_carbon.services.accounts.place_naming import city_names
from fleet_carbon.services.support.keeping import Kept
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.ileap import (
    AggregatedReport,
    EnergyCarrier,
    Feedstock,
    GlecDistance,
    Location,
    ModeReport,
    ShipmentFootprint,
    Source,
    Toc,
    TransportActivityData,
    TransportChainElement,
    as_json,
)

Rows = Sequence[Any] | NDArray[np.intp]
KINDS = ("shipments", "tocs", "hocs", "tad", "aed")
"""What is exchanged: footprints, categories, hubs (trucks make none), activity data, reports."""
_COUNTRY, _ROAD, _TKM = "CN", "Road", "tkm"
_CARRIERS = {
    "diesel": ("Diesel", "Fossil"),
    "lng": ("LNG", "Natural gas"),
    "cng": ("CNG", "Natural gas"),
    "methanol": ("Methanol", "Fossil"),
    "electric": ("Electric", "Grid"),
}
"""Energy of a truck -> energy carrier and feedstock."""
_GLEC = Source(name="GLEC Framework", version="3.0")
_PER_UNIT = 1_000_000
_ENDS = ("wtw", "ttw")
_ENDS_AT = ("departed_at", "arrived_at")
# So many digits that what follows from a quotient is off by less than half a milligram, even in the
# sum of a million.
_QUOTIENT, _FACTOR_DIGITS = Context(prec=20), 6
_LEAST_MILLIONTHS = 1000
"""Of less energy than that, no factor says in whole milligrams what it emitted."""


class MonthExchange:
    """What a closed month has to exchange; a document is made when its row is asked for.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    book : Inventory
        Of the month.

    Attributes
    ----------
    book : Inventory
    """

    def __init__(self, settings: Settings, book: Inventory) -> None:
        self.book = book
        every = book.tables["shipments"]
        self._tocs = {row["toc_id"]: row for row in tables.records(book.tables["tocs"])}
        self._lacks = {toc_id: why for toc_id, row in self._tocs.items() if (why := _lack(row))}
        is_told = ~every["toc_id"].isin(list(self._lacks)).to_numpy(bool)
        # A month is large: it is not copied where all of it is told.
        self._shipments = every if is_told.all() else every[is_told].reset_index(drop=True)
        self._names = self._shipments["shipment_id"].tolist()
        self._places = {
            name: held.to_numpy(np.float64)[is_told] for name, held in book.places.items()
        }
        name, *ids = settings.companies.get(settings.fleet, (book.fleet_id,))
        self._heading = {
            "company_name": name,
            "company_ids": tuple(ids) or None,
            "created_at": datetime.fromisoformat(book.closed_at),
            "period_starts_at": book.period.starts_at,
            "period_ends_at": book.period.ends_at,
        }
        self._told_tocs = [toc_id for toc_id in self._tocs if toc_id not in self._lacks]

    @cached_property
    def left_out(self) -> dict[str, str]:
        """Shipments and categories that cannot be told in this form, and why.

        ``no_footprint``, ``no_energy`` (a default intensity has no emission factor; of activity
        data, less than a millilitre or gram), ``no_place`` (of activity data).
        """
        every = self.book.tables["shipments"]
        of_lacking = every[every["toc_id"].isin(list(self._lacks)).to_numpy(bool)]
        silent = np.flatnonzero(self._silences != "")
        return {
            **self._lacks,
            **{row.shipment_id: self._lacks[row.toc_id] for row in of_lacking.itertuples()},
            **{f"tad {self._names[place]}": self._silences[place] for place in silent},
        }

    def rows(
        self,
        kind: str,
        shippers: frozenset[str] | None = None,
        ids: frozenset[str] | None = None,
    ) -> Rows:
        """What a document can be made of, in order: places of shipments, or names.

        Parameters
        ----------
        kind : str
            Of `KINDS`.
        shippers : frozenset of str, optional
            Customers of whose shipments alone it is told; None means all.
        ids : frozenset of str, optional
            Identifiers of documents, in small letters; others are not asked for.
        """
        if kind in ("shipments", "tad"):
            found = self._of_shippers(shippers)
            if kind == "tad":
                found = found[self._silences[found] == ""]
            return found if ids is None else found[np.isin(found, self._called(kind, ids))]
        if kind == "tocs":
            named = self._tocs_of(shippers)
        else:
            named = self._customers(shippers) if kind == "aed" else []
        return [one for one in named if ids is None or self.id_of(kind, one).casefold() in ids]

    def id_of(self, kind: str, row: Any) -> str:
        """What the document of a row is called."""
        name = self._names[row] if kind in ("shipments", "tad") else row
        return f"{name}/{self.book.month}" if kind in ("tad", "aed") else str(name)

    def made(self, kind: str, rows: Rows) -> list[Any]:
        """The documents of rows of `rows`, as data types of `statements.ileap`."""
        if kind == "tocs":
            return [_category(self._tocs[one], self._told_tkm(one), self._heading) for one in rows]
        if kind == "aed":
            return [self._report(one) for one in rows]
        taken = tables.records(self._shipments.iloc[list(rows)])
        tocs = [self._tocs[row["toc_id"]] for row in taken]
        ends = [tuple(map(_location, cities)) for cities in self._cities(rows)]
        if kind == "tad":
            return [_activity(*one) for one in zip(taken, tocs, ends, strict=True)]
        return [
            _shipment(row, toc, places, self._heading)
            for row, toc, places in zip(taken, tocs, ends, strict=True)
        ]

    def documents(self, kind: str) -> dict[str, Any]:
        """All of a kind, as a host would answer."""
        return {"data": [as_json(one) for one in self.made(kind, self.rows(kind))]}

    def _cities(self, rows: Rows) -> list[tuple[str | None, ...]]:
        """In which cities shipments begin and end: of those alone that are told."""
        at = np.asarray(rows, np.intp)
        names = (
            city_names(self._places[f"{end}_lon"][at], self._places[f"{end}_lat"][at])
            for end in ("pickup", "delivery")
        )
        return list(zip(*names, strict=True))

    @cached_property
    def _silences(self) -> NDArray[np.object_]:
        """Why no activity data can be told of a shipment; empty if they can.

        They need two cities with both moments, and energy that its factors make milligrams of.
        """
        is_timed = [self._shipments[one].notna().to_numpy(bool) for one in _ENDS_AT]
        at = np.flatnonzero(is_timed[0] & is_timed[1])
        found = np.full(len(self._shipments), "no_place", dtype=object)
        found[at] = ["no_place" if None in cities else "" for cities in self._cities(at)]
        burnt, *emitted = (self._shipments[one].to_numpy(np.int64) for one in FOOTPRINT)
        is_trifle = (burnt < _LEAST_MILLIONTHS) & (np.max([burnt, *emitted], axis=0) > 0)
        found[(found == "") & is_trifle] = "no_energy"
        return found

    @cached_property
    def _by_customer(self) -> dict[str, NDArray[np.intp]]:
        """The places of every customer's shipments."""
        found = self._shipments.groupby("shipper_id").indices
        return {str(name): np.asarray(places, np.intp) for name, places in found.items()}

    @cached_property
    def _by_category(self) -> dict[str, NDArray[np.intp]]:
        """The places of every category's shipments."""
        found = self._shipments.groupby("toc_id").indices
        return {str(name): np.asarray(places, np.intp) for name, places in found.items()}

    def _told_tkm(self, toc_id: str) -> Decimal:
        """The activity of a category as its shipments tell it; its own where that is none."""
        told = _whole_tkm(self._shipments.iloc[self._by_category[toc_id]])
        return told or Decimal(repr(self._tocs[toc_id]["activity_tkm"]))

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        """The places of shipments by their name in small letters."""
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self._names):
            found.setdefault(name.casefold(), []).append(place)
        return found

    def _called(self, kind: str, ids: frozenset[str]) -> list[int]:
        end = f"/{self.book.month}" if kind == "tad" else ""
        names = [one.removesuffix(end) for one in ids if one.endswith(end)]
        return [place for name in names for place in self._by_name.get(name, [])]

    def _of_shippers(self, shippers: frozenset[str] | None) -> NDArray[np.intp]:
        if shippers is None:
            return np.arange(len(self._shipments))
        own = [self._by_customer[one] for one in shippers if one in self._by_customer]
        return np.sort(np.concatenate(own)) if own else np.arange(0)

    def _tocs_of(self, shippers: frozenset[str] | None) -> list[str]:
        """Categories; of customers those that their shipments name."""
        if shippers is None:
            return self._told_tocs
        named = set(self._shipments["toc_id"].iloc[self._of_shippers(shippers)].unique())
        return [one for one in self._told_tocs if one in named]

    def _customers(self, shippers: frozenset[str] | None) -> list[str]:
        return sorted(one for one in self._by_customer if shippers is None or one in shippers)

    def _report(self, shipper_id: str) -> AggregatedReport:
        """All shipments of a customer together."""
        at = self._by_customer[shipper_id]
        rows = self._shipments.iloc[at]
        wtw_kg, ttw_kg = (_kg(int(rows[f"co2e_{end}_mg"].sum())) for end in ("wtw", "ttw"))
        by_road = ModeReport(
            transport_mode=_ROAD,
            distance_types=tuple(sorted(rows["distance_kind"].unique())),
            co2e_wtw_kg=wtw_kg,
            co2e_ttw_kg=ttw_kg,
        )
        return AggregatedReport(
            created_at=datetime.fromisoformat(self.book.closed_at),
            report_id=self.id_of("aed", shipper_id),
            standards_used=("ISO14083:2023",),
            shipment_ids=tuple([self._names[one] for one in at]),
            toc_ids=tuple(sorted(rows["toc_id"].unique())),
            report_starts_at=self.book.period.starts_at,
            report_ends_at=self.book.period.ends_at,
            user_id=shipper_id,
            whole_activity_tkm=_whole_tkm(rows),
            co2e_wtw_kg=wtw_kg,
            co2e_ttw_kg=ttw_kg,
            per_mode=(by_road,),
            modalities=(_ROAD,),
        )


def exchange_month(
    settings: Settings, month: str, *, known_at: datetime | None = None, distance: str = ""
) -> MonthExchange:
    """The inventory of a closed month in the data types of iLEAP.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.
    known_at : datetime, optional
        By its latest close before that moment.
    distance : str
        By which distance activity is told, ``gcd`` or ``sfd``; empty for that of the edition.

    Raises
    ------
    InputRefused
        ``month_malformed``, ``geography_missing``, ``distance_kind_unknown``.
    NotFound
        ``month_not_closed``.
    """
    book = read_inventory(settings, month, known_at=known_at, distance=distance)
    place = (str(settings.home), str(settings.database_url), str(settings.models_dir))
    named = settings.companies.get(settings.fleet, ())
    key = (*place, settings.fleet, book.run_id, book.distance_kind, *named)
    return _KEPT.get(key, lambda: MonthExchange(settings, book))


_KEPT = Kept(KEPT_SHIPMENTS_MAX, lambda month: shipments_count(month.book))


def write_documents(documents: dict[str, Any], output: Path) -> None:
    """Write the answer of a host to a file, whole or not at all.

    Raises
    ------
    InputRefused
        If it cannot be written there.
    """
    text = json.dumps(documents, ensure_ascii=False, indent=1)
    tables.write_whole(f"{text}\n".encode(), output)


def _lack(toc: Mapping[str, Any]) -> str:
    """Why a category cannot be told; empty if it can."""
    if toc["co2e_wtw_mg"] is None or not toc["activity_tkm"]:
        return "no_footprint"
    return "" if toc["energy_millionths"] else "no_energy"


@cache
def _location(city: str | None) -> Location | None:
    return None if city is None else Location(city=city, country=_COUNTRY)


def _told_of(row: Mapping[str, Any], heading: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of a footprint or category."""
    return {
        **heading,
        # Only where defaults were used; absent rather than empty.
        "secondary_sources": (_GLEC,) if row["data_class"] == "default" else None,
        "primary_data_percent_share": _rounded(100 * row["primary_share"]),
    }


def _shipment(
    row: Mapping[str, Any],
    toc: Mapping[str, Any],
    ends: Sequence[Location | None],
    heading: Mapping[str, Any],
) -> ShipmentFootprint:
    mass_kg = _mass_kg(row)
    element = TransportChainElement(
        tce_id=f"{row['shipment_id']}/{row['month']}",
        shipment_id=row["shipment_id"],
        previous_ids=(),
        toc_id=row["toc_id"],
        consignment_id=row["shipment_id"],
        mass_kg=mass_kg,
        distance=_distance(row),
        origin=ends[0],
        destination=ends[1],
        activity_tkm=_activity_tkm(row),
        departed_at=_moment(row["departed_at"]),
        arrived_at=_moment(row["arrived_at"]),
        co2e_wtw_kg=_kg(row["co2e_wtw_mg"]),
        co2e_ttw_kg=_kg(row["co2e_ttw_mg"]),
    )
    return ShipmentFootprint(
        **_told_of({**row, "data_class": toc["data_class"]}, heading),
        shipment_id=row["shipment_id"],
        mass_kg=mass_kg,
        tces=(element,),
    )


def _category(row: Mapping[str, Any], activity_tkm: Decimal, heading: Mapping[str, Any]) -> Toc:
    whole = Decimal(row["energy_millionths"])
    factors = [round(Decimal(row[f"co2e_{end}_mg"]) / whole, _FACTOR_DIGITS) for end in _ENDS]
    return Toc(
        **_told_of(row, heading),
        toc_id=row["toc_id"],
        description=f"{row['vehicle_class']}, {row['energy']}, {row['distance_band']} hauls",
        mode=_ROAD,
        **_factors_of_distance(row),
        loading_sequence=row["loading"],
        energy_carriers=(_carrier(row, factors),),
        co2e_wtw_kg_per_tkm=_QUOTIENT.divide(_kg(row["co2e_wtw_mg"]), activity_tkm),
        co2e_ttw_kg_per_tkm=_QUOTIENT.divide(_kg(row["co2e_ttw_mg"]), activity_tkm),
        activity_unit=_TKM,
    )


def _activity(
    row: Mapping[str, Any], toc: Mapping[str, Any], ends: Sequence[Any]
) -> TransportActivityData:
    # What it took, as a total; and what it emitted over that, so that the two make its milligrams.
    # Those of nothing are its category's.
    of = row if row["energy_millionths"] else toc
    whole = Decimal(of["energy_millionths"])
    factors = [_QUOTIENT.divide(Decimal(of[f"co2e_{end}_mg"]), whole) for end in _ENDS]
    carrier = replace(
        _carrier(toc, factors),
        consumed_quantity=Decimal(row["energy_millionths"]) / _PER_UNIT,
        consumed_unit=toc["energy_unit"],
    )
    return TransportActivityData(
        activity_id=f"{row['shipment_id']}/{row['month']}",
        consignment_ids=(row["shipment_id"],),
        distance=_distance(row),
        mass_kg=_mass_kg(row),
        **_factors_of_distance(toc),
        origin=ends[0],
        destination=ends[1],
        departed_at=datetime.fromisoformat(row["departed_at"]),
        arrived_at=datetime.fromisoformat(row["arrived_at"]),
        mode=_ROAD,
        energy_carriers=(carrier,),
    )


def _carrier(toc: Mapping[str, Any], factors: Sequence[Decimal]) -> EnergyCarrier:
    """The energy carrier of a category with what a unit emits, well-to-wheel and tank-to-wheel."""
    name, feedstock = _CARRIERS[toc["energy"]]
    return EnergyCarrier(
        energy_carrier=name,
        relative_share=Decimal(1),
        feedstocks=(Feedstock(feedstock=feedstock, feedstock_share=Decimal(1)),),
        factor_wtw_ratio=factors[0],
        factor_ttw_ratio=factors[1],
    )


def _factors_of_distance(toc: Mapping[str, Any]) -> dict[str, Any]:
    """Load factor and empty share, each only where the specification has a number for it."""
    load, empty = toc["load_factor_share"], toc["empty_share"]
    return {
        "load_factor_share": _rounded(load, 6) if load is not None and 0 < load <= 1 else None,
        "empty_distance_share": _rounded(empty, 6) if empty is not None and empty < 1 else None,
    }


def _distance(row: Mapping[str, Any]) -> GlecDistance:
    sfd_km = _rounded(row["distance_sfd_km"]) if row["distance_kind"] == SFD else None
    return GlecDistance(
        actual_km=_rounded(row["distance_actual_km"]),
        gcd_km=_rounded(row["distance_gcd_km"]),
        sfd_km=sfd_km,
    )


def _mass_kg(row: Mapping[str, Any]) -> Decimal:
    return _rounded(1000 * row["cargo_t"])


def _activity_tkm(row: Mapping[str, Any]) -> Decimal:
    return _mass_kg(row) * _rounded(row[f"distance_{row['distance_kind']}_km"]) / 1000


def _whole_tkm(rows: pd.DataFrame) -> Decimal:
    """The sum of what `_activity_tkm` gives of each row, to the last digit."""
    is_by_road = (rows["distance_kind"] == SFD).to_numpy(bool)
    km = np.where(is_by_road, rows["distance_sfd_km"], rows["distance_gcd_km"])
    mass_g, distance_m = (np.rint(one * 1000) for one in (1000 * rows["cargo_t"].to_numpy(), km))
    # Whole numbers of Python: those of a large month may not fit into 64 bits.
    products = mass_g.astype(np.int64) * distance_m.astype(np.int64)
    return Decimal(sum(products.tolist())) / 10**9


def _kg(mass_mg: int) -> Decimal:
    return Decimal(mass_mg) / _PER_UNIT


def _rounded(value: float, digits: int = 3) -> Decimal:
    """As `numpy.rint` rounds columns, so that sums of these are those of single rows."""
    return Decimal(round(value * 10**digits)).scaleb(-digits)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
