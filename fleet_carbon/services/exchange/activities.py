"""Activity data of another host made into footprints: fetched, held against the laws, computed.

What was burnt, as it is told with its emission factors, is what an activity emitted; where nothing
is told of it, a default intensity of the edition stands in if the caller names the class of the
trucks. Activities of one mode, energy and kind of distance form a category; its emissions are
shared out among them by transport activity, in whole milligrams, so that parts add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.allocation import apportioned
from fleet_carbon.quantification.editions import edition_in_force, fill_rules
from fleet_carbon.quantification.emissions import resolve_inventory
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.quantification.forming import (
    SFD,
    DefaultIntensity,
    FormingRules,
    default_intensities,
)
from fleet_carbon.services.exchange.conformance import flaw_of
from fleet_carbon.services.exchange.exchange_client import HostClient
from fleet_carbon.services.exchange.wishes import conditions_of
from fleet_carbon.settings import Settings
from fleet_carbon.statements.ileap import (
    EnergyCarrier,
    GlecDistance,
    ShipmentFootprint,
    Source,
    Toc,
    TransportChainElement,
    as_json,
    decimal_text,
)
from fleet_carbon.statements.ileap_sense import breaches

_PATHS = ("/v1/ileap/tad", "/2/ileap/tad")
_KINDS = ("sfd", "gcd", "actual")
"""Kinds of distance, the one that activity is told by first: who tells the shortest goes by it."""
_MG_PER_KG = 1_000_000
_QUOTIENT = Context(prec=20)  # as a host of ours tells them
_ENDS = ("wtw", "ttw")
_FACTOR_DIGITS = 6
_GLEC = Source(name="GLEC Framework", version="3.0")


@dataclass(frozen=True)
class Fetched:
    """What another host's activities come to.

    Attributes
    ----------
    url : str
    tocs : tuple of Toc
        Categories that were formed.
    shipments : tuple of ShipmentFootprint
        One of each activity, called by its consignments.
    left_out : dict of str to str
        Activities that could not be computed, and why.
    """

    url: str
    tocs: tuple[Toc, ...]
    shipments: tuple[ShipmentFootprint, ...]
    left_out: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready sums: what the host's activities emitted, in all and by category."""
        tces = [one for shipment in self.shipments for one in shipment.tces]
        return {
            "url": self.url,
            "activities_count": len(tces),
            **_sums(tces),
            "categories": [
                {"toc_id": toc.toc_id, **_sums([one for one in tces if one.toc_id == toc.toc_id])}
                for toc in self.tocs
            ],
            "left_out": self.left_out,
        }

    def documents(self) -> dict[str, Any]:
        """Categories and footprints as a host would answer with them."""
        return {"shipments": as_json(self.shipments), "tocs": as_json(self.tocs)}

    def lines(self) -> list[str]:
        """The sums for people."""
        told = self.as_dict()
        found = [
            f"{told['activities_count']:,} activities of {self.url}",
            f"{told['activity_tkm']} tkm, {told['co2e_wtw_kg']} kg CO2e well-to-wheel,"
            f" {told['co2e_ttw_kg']} kg tank-to-wheel",
        ]
        found += [
            f"  {one['toc_id']}: {one['activity_tkm']} tkm, {one['co2e_wtw_kg']} kg CO2e"
            for one in told["categories"]
        ]
        return [*found, *(f"left out: {name}: {why}" for name, why in self.left_out.items())]


def fetch_activities(
    settings: Settings,
    client: HostClient,
    *,
    filters: Sequence[tuple[str, str]] = (),
    vehicle_class: str = "",
) -> Fetched:
    """Fetch the transport activity data of a host, and compute footprints of them.

    Parameters
    ----------
    settings : Settings
        `models_dir`.
    client : HostClient
        The host.
    filters : sequence of (str, str)
        What the host is asked for, and what comes is held against: a host may not filter.
    vehicle_class : str
        Whose default intensity stands in where no energy is told; empty if none may.

    Raises
    ------
    InputRefused
        ``filter_not_known``, ``vehicle_class_unknown``, ``host_refused``, ``host_private``, ...
    Unavailable
        ``host_unavailable``.
    """
    conditions = conditions_of("tad", filters)
    place = next(
        (one for one in _PATHS if client.get(one, {"limit": "1"}).status != 404), _PATHS[-1]
    )
    told: dict[str, Mapping[str, Any]] = {}
    left_out: dict[str, str] = {}
    for page in client.pages(place, dict(filters)):
        for document in page:
            if all(one.fits(document) for one in conditions):
                _take(document, told, left_out)
    for breach in breaches({"tad": list(told.values())}):
        name = next((one for one in told if breach.where.startswith(f"tad {one},")), "")
        name = name or breach.where.removeprefix("tad ")
        left_out[name] = f"{breach.law}: {breach.text}"
    for name in left_out:
        told.pop(name, None)
    defaults = _Defaults(settings.models_dir, vehicle_class)
    return _computed(client.url, told, left_out, defaults)


def _take(
    document: Mapping[str, Any], told: dict[str, Mapping[str, Any]], left_out: dict[str, str]
) -> None:
    """Keep an activity; a page may come to overlap with the one before."""
    name = str(document.get("activityId"))
    flaw = flaw_of("TAD", document)
    if flaw:
        left_out[name] = f"not_valid: {flaw}"
    elif name in told and told[name] != document:
        left_out[name] = "told_twice: with different content"
    else:
        told[name] = document


class _Defaults:
    """Default intensities of a class of trucks, per tonne-kilometre."""

    def __init__(self, models_dir: Path, vehicle_class: str) -> None:
        self._models_dir, self._class = models_dir, vehicle_class

    def intensity(self, on: date) -> tuple[DefaultIntensity, float]:
        """The default of the class, and kilometres driven per one of the feasible distance."""
        edition = edition_in_force(self._models_dir, on)
        rules = fill_rules(edition, "inventory", FormingRules, group="forming")
        defaults = default_intensities(edition)
        if self._class not in defaults:
            raise InputRefused(
                "vehicle_class_unknown",
                f"There is no default intensity of the class {self._class!r}.",
                f"Use one of {', '.join(defaults)}.",
            )
        return defaults[self._class], rules.default_distance_ratio

    def diesel(self, on: date) -> dict[str, Decimal]:
        """What a litre of diesel emits by the inventory: the defaults are of diesel. [kg/l]"""
        edition = edition_in_force(self._models_dir, on)
        rules = fill_rules(edition, "inventory", FormingRules, group="forming")
        found = resolve_inventory(
            FactorBook.load(self._models_dir),
            edition,
            on,
            known_on=None,
            diesel_ttw_factor=rules.diesel_ttw_factor,
        )["diesel"]
        factors = {"wtw": found.wtw_ratio, "ttw": found.ttw_ratio}
        return {end: round(Decimal(repr(one)), _FACTOR_DIGITS) for end, one in factors.items()}

    def emitted_mg(self, activity: Mapping[str, Any]) -> dict[str, Decimal] | str:
        """What an activity of which no energy is told emitted, or why nobody can say."""
        distance = {kind: float(km) for kind, km in activity["distance"].items()}
        if not self._class:
            return "no_energy: name the class of its trucks"
        if activity["mode"] != "Road":
            return "no_energy: there is no default of this mode"
        on = datetime.fromisoformat(activity["departureAt"]).date()
        default, ratio = self.intensity(on)
        sfd_km = distance.get("sfd", distance.get("actual", 0.0) / ratio)
        is_driven = default.distance_kind != SFD
        km = distance.get("actual", sfd_km * ratio) if is_driven else sfd_km
        if not km:
            return "no_distance: a default is of the distance by road"
        tkm = km * float(activity["mass"]) / 1000
        return {end: Decimal(round(1000 * tkm * default.g_per_tkm[end])) for end in _ENDS}


def _computed(
    url: str,
    told: Mapping[str, Mapping[str, Any]],
    left_out: dict[str, str],
    defaults: _Defaults,
) -> Fetched:
    groups: dict[tuple[str, ...], list[_Row]] = {}
    for name, activity in told.items():
        found = _row(activity, defaults)
        if isinstance(found, str):
            left_out[name] = found
        else:
            groups.setdefault(found.category, []).append(found)
    rows = [row for held in groups.values() for row in held]
    if not rows:
        return Fetched(url, (), (), left_out)
    ends_at = max(_moment(row.told["arrivalAt"]) for row in rows)
    heading = {
        "company_name": urlsplit(url).netloc,
        "period_starts_at": min(_moment(row.told["departureAt"]) for row in rows),
        "period_ends_at": ends_at,
        "created_at": ends_at,
    }
    tocs, shipments = [], []
    in_order = sorted(groups.items())
    wholes = {end: _in_whole_mg([held for _, held in in_order], end) for end in _ENDS}
    for place, (category, held) in enumerate(in_order):
        tkm = np.array([float(row.tkm) for row in held])
        together = np.zeros(len(held), dtype=np.intp)
        whole = {end: wholes[end][place] for end in _ENDS}
        parts = {end: apportioned(np.array([whole[end]]), together, tkm) for end in _ENDS}
        diesel = defaults.diesel(_moment(held[0].told["departureAt"]).date())
        tocs.append(_toc(category, held, whole, heading, diesel=diesel))
        shipments += [
            _footprint(row, tocs[-1], {end: int(parts[end][at]) for end in _ENDS}, heading)
            for at, row in enumerate(held)
        ]
    return Fetched(url, tuple(tocs), tuple(shipments), left_out)


def _in_whole_mg(groups: Sequence[Sequence[_Row]], end: str) -> list[int]:
    """Milligrams of each category; all together are rounded once, as the host that told them did.

    Rounded by the activity, as many milligrams may be lost as there are activities.
    """
    exact = [sum((row.emitted_mg[end] for row in held), Decimal(0)) for held in groups]
    together = np.zeros(len(exact), dtype=np.intp)
    parts = apportioned(np.array([round(sum(exact))]), together, np.array(exact, np.float64))
    found: list[int] = parts.tolist()
    return found


@dataclass(frozen=True)
class _Row:
    """An activity with its transport activity and its emissions."""

    told: Mapping[str, Any]
    distance_kind: str
    tkm: Decimal
    emitted_mg: Mapping[str, Decimal]
    is_default: bool

    @property
    def category(self) -> tuple[str, ...]:
        """What it is averaged with."""
        carriers = sorted(one["energyCarrier"] for one in self.told.get("energyCarriers", ()))
        basis = ("default",) if self.is_default else ()
        climate = self.told.get("temperatureControl", "")
        named = (self.told["mode"], "+".join(carriers), climate, self.distance_kind, *basis)
        return tuple(one for one in named if one)


def _row(activity: Mapping[str, Any], defaults: _Defaults) -> _Row | str:
    if "mass" not in activity:
        return "no_mass: its transport activity is not known"
    kind = next(one for one in _KINDS if one in activity["distance"])
    tkm = Decimal(activity["distance"][kind]) * Decimal(activity["mass"]) / 1000
    if not tkm:
        return "no_activity: it carried nothing, or nowhere"
    carriers = activity.get("energyCarriers", ())
    is_told = bool(carriers) and all("energyConsumption" in one for one in carriers)
    emitted = _burnt_mg(carriers) if is_told else defaults.emitted_mg(activity)
    if isinstance(emitted, str):
        return emitted
    return _Row(activity, kind, tkm, emitted, not is_told)


def _burnt_mg(carriers: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What the energy emitted: quantity x factor, the quantity as the total of the activity."""
    return {
        end: _MG_PER_KG
        * sum(
            (
                Decimal(one["energyConsumption"]) * Decimal(one[f"emissionFactor{end.upper()}"])
                for one in carriers
            ),
            Decimal(0),
        )
        for end in _ENDS
    }


def _toc(
    category: tuple[str, ...],
    rows: Sequence[_Row],
    whole_mg: Mapping[str, int],
    heading: Mapping[str, Any],
    *,
    diesel: Mapping[str, Decimal],
) -> Toc:
    tkm = sum((row.tkm for row in rows), Decimal(0))
    wtw, ttw = (_QUOTIENT.divide(Decimal(whole_mg[end]) / _MG_PER_KG, tkm) for end in _ENDS)
    return Toc(
        **heading,
        secondary_sources=(_GLEC,) if rows[0].is_default else None,
        toc_id=".".join(category),
        description=f"activities of {heading['company_name']}",
        mode=rows[0].told["mode"],
        energy_carriers=_carriers(rows, tkm, diesel),
        co2e_wtw_kg_per_tkm=wtw,
        co2e_ttw_kg_per_tkm=ttw,
        activity_unit="tkm",
    )


def _carriers(
    rows: Sequence[_Row], tkm: Decimal, diesel: Mapping[str, Decimal]
) -> tuple[EnergyCarrier, ...]:
    """Each energy of a category, with its share of the activity and its average factors."""
    if not rows[0].told.get("energyCarriers"):
        return (_carrier("Diesel", Decimal(1), diesel),)  # what the defaults are of
    held: dict[str, list[tuple[Decimal, Mapping[str, Any]]]] = {}
    for row in rows:
        for one in row.told["energyCarriers"]:
            held.setdefault(one["energyCarrier"], []).append((row.tkm, one))
    found = []
    for name, parts in sorted(held.items()):
        weights = [Decimal(one.get("energyConsumption", work)) for work, one in parts]
        burnt = sum(weights, Decimal(0)) or Decimal(1)
        factors = {
            end: round(
                sum(
                    weight * Decimal(one[f"emissionFactor{end.upper()}"])
                    for weight, (_, one) in zip(weights, parts, strict=True)
                )
                / burnt,
                _FACTOR_DIGITS,
            )
            for end in _ENDS
        }
        share = sum(work * Decimal(one["relativeShare"]) for work, one in parts) / tkm
        found.append(_carrier(name, round(share, _FACTOR_DIGITS), factors))
    return tuple(found)


def _carrier(name: str, share: Decimal, factors: Mapping[str, Decimal]) -> EnergyCarrier:
    return EnergyCarrier(
        energy_carrier=name,
        relative_share=share,
        factor_wtw_ratio=factors["wtw"],
        factor_ttw_ratio=factors["ttw"],
    )


def _footprint(
    row: _Row, toc: Toc, emitted_mg: Mapping[str, int], heading: Mapping[str, Any]
) -> ShipmentFootprint:
    told, mass_kg = row.told, Decimal(row.told["mass"])
    name = ",".join(told["consignmentIds"])
    distance = {f"{kind}_km": Decimal(km) for kind, km in told["distance"].items()}
    element = TransportChainElement(
        tce_id=told["activityId"],
        shipment_id=name,
        toc_id=toc.toc_id,
        consignment_id=name,
        mass_kg=mass_kg,
        distance=GlecDistance(**distance),
        activity_tkm=row.tkm,
        departed_at=_moment(told["departureAt"]),
        arrived_at=_moment(told["arrivalAt"]),
        co2e_wtw_kg=Decimal(emitted_mg["wtw"]) / _MG_PER_KG,
        co2e_ttw_kg=Decimal(emitted_mg["ttw"]) / _MG_PER_KG,
    )
    return ShipmentFootprint(**heading, shipment_id=name, mass_kg=mass_kg, tces=(element,))


def _sums(tces: Sequence[TransportChainElement]) -> dict[str, str]:
    return {
        name: decimal_text(sum((getattr(one, name) for one in tces), Decimal(0)))
        for name in ("activity_tkm", "co2e_wtw_kg", "co2e_ttw_kg")
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
