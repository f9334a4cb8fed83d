"""The data types of iLEAP 1.1: what logistics emissions are exchanged in, decimals as strings.

Fields are named as the house names them, with their unit; `as_json` gives each its name of the
specification, a decimal as a string of digits, and leaves out what is not known: never null.
What a document must look like stands in ``ileap.json``, written from the tables of fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

SPEC_VERSION = "1.1.0"
TYPES = ("ShipmentFootprint", "TOC", "HOC", "TAD", "AggregatedReport")
"""Names of the schemas."""
_NAMES = {
    "actual_km": "actual",
    "gcd_km": "gcd",
    "sfd_km": "sfd",
    "feedstock_share": "feedstockShare",
    "energy_carrier": "energyCarrier",
    "relative_share": "relativeShare",
    "consumed_quantity": "energyConsumption",
    "consumed_unit": "energyConsumptionUnit",
    "factor_wtw_ratio": "emissionFactorWTW",
    "factor_ttw_ratio": "emissionFactorTTW",
    "company_name": "companyName",
    "company_ids": "companyIds",
    "created_at": "createdAt",
    "period_starts_at": "referencePeriodStart",
    "period_ends_at": "referencePeriodEnd",
    "secondary_sources": "secondaryEmissionFactorSources",
    "primary_data_percent_share": "pactPds",
    "tce_id": "tceId",
    "shipment_id": "shipmentId",
    "previous_ids": "prevTceIds",
    "toc_id": "tocId",
    "hoc_id": "hocId",
    "consignment_id": "consignmentId",
    "mass_kg": "mass",
    "activity_tkm": "transportActivity",
    "departed_at": "departureAt",
    "arrived_at": "arrivalAt",
    "co2e_wtw_kg": "co2eWTW",
    "co2e_ttw_kg": "co2eTTW",
    "load_factor_share": "loadFactor",
    "empty_distance_share": "emptyDistanceFactor",
    "loading_sequence": "truckLoadingSequence",
    "energy_carriers": "energyCarriers",
    "co2e_wtw_kg_per_tkm": "co2eIntensityWTW",
    "co2e_ttw_kg_per_tkm": "co2eIntensityTTW",
    "activity_unit": "transportActivityUnit",
    "hub_unit": "hubActivityUnit",
    "hub_type": "hubType",
    "hub_location": "hubLocation",
    "co2e_wtw_kg_per_t": "co2eIntensityWTW",
    "co2e_ttw_kg_per_t": "co2eIntensityTTW",
    "activity_id": "activityId",
    "consignment_ids": "consignmentIds",
    "spec_version": "specVersion",
    "report_id": "reportId",
    "standards_used": "standardsUsed",
    "shipment_ids": "shipmentIds",
    "tce_ids": "tceIds",
    "toc_ids": "tocIds",
    "report_starts_at": "reportPeriodStart",
    "report_ends_at": "reportPeriodEnd",
    "user_id": "transportServiceUserId",
    "whole_activity_tkm": "totalTransportActivity",
    "per_mode": "perModeEmissions",
    "transport_mode": "transportMode",
    "distance_types": "distanceTypes",
}
"""Our name of a field -> its name of the specification, where they differ."""


@dataclass(frozen=True, kw_only=True)
class GlecDistance:
    """A distance by its kinds, one of them at least."""

    actual_km: Decimal | None = None
    gcd_km: Decimal | None = None
    sfd_km: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place by its city: no more of it is told than a customer needs."""

    city: str
    country: str


@dataclass(frozen=True, kw_only=True)
class Feedstock:
    """What an energy carrier is made of."""

    feedstock: str
    feedstock_share: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class EnergyCarrier:
    """An energy carrier of an operation and what a unit of it emits, in kg CO2e per unit."""

    energy_carrier: str
    relative_share: Decimal
    feedstocks: tuple[Feedstock, ...] | None = None
    consumed_quantity: Decimal | None = None
    consumed_unit: str | None = None
    factor_wtw_ratio: Decimal
    factor_ttw_ratio: Decimal


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where secondary emission factors come from."""

    name: str
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What shipment footprints, TOCs and HOCs say of themselves."""

    company_name: str
    created_at: datetime
    period_starts_at: datetime
    period_ends_at: datetime
    spec_version: str = SPEC_VERSION
    company_ids: tuple[str, ...] | None = None
    status: str = "Active"
    secondary_sources: tuple[Source, ...] | None = None
    primary_data_percent_share: Decimal | None = None
    comment: str | None = None


@dataclass(frozen=True, kw_only=True)
class TransportChainElement:
    """A leg of a shipment: its activity in a category, and its emissions."""

    tce_id: str
    shipment_id: str
    previous_ids: tuple[str, ...] | None = None
    toc_id: str | None = None
    hoc_id: str | None = None
    consignment_id: str | None = None
    mass_kg: Decimal
    distance: GlecDistance
    origin: Location | None = None
    destination: Location | None = None
    activity_tkm: Decimal
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    co2e_wtw_kg: Decimal
    co2e_ttw_kg: Decimal


@dataclass(frozen=True, kw_only=True)
class ShipmentFootprint(Metadata):
    """A shipment and its chain (DT1)."""

    shipment_id: str
    mass_kg: Decimal
    tces: tuple[TransportChainElement, ...]


@dataclass(frozen=True, kw_only=True)
class Toc(Metadata):
    """A transport operation category (DT2)."""

    toc_id: str
    description: str | None = None
    mode: str
    load_factor_share: Decimal | None = None
    empty_distance_share: Decimal | None = None
    loading_sequence: str | None = None
    energy_carriers: tuple[EnergyCarrier, ...]
    co2e_wtw_kg_per_tkm: Decimal
    co2e_ttw_kg_per_tkm: Decimal
    activity_unit: str


@dataclass(frozen=True, kw_only=True)
class Hoc(Metadata):
    """A hub operation category (DT2), as hubs tell it; trucks make none."""

    hoc_id: str
    description: str | None = None
    hub_type: str
    hub_location: Location | None = None
    energy_carriers: tuple[EnergyCarrier, ...]
    co2e_wtw_kg_per_t: Decimal
    co2e_ttw_kg_per_t: Decimal
    hub_unit: str


@dataclass(frozen=True, kw_only=True)
class TransportActivityData:
    """What was carried where and with which energy (DT3), for others to reckon with."""

    spec_version: str = SPEC_VERSION
    activity_id: str
    consignment_ids: tuple[str, ...]
    distance: GlecDistance
    mass_kg: Decimal | None = None
    load_factor_share: Decimal | None = None
    empty_distance_share: Decimal | None = None
    origin: Location
    destination: Location
    departed_at: datetime
    arrived_at: datetime
    mode: str
    energy_carriers: tuple[EnergyCarrier, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ModeReport:
    """What one mode of transport emitted of a report."""

    transport_mode: str
    distance_types: tuple[str, ...] | None = None
    co2e_wtw_kg: Decimal
    co2e_ttw_kg: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class AggregatedReport:
    """What a customer's shipments emitted together, without telling of their legs (DT4)."""

    spec_version: str = SPEC_VERSION
    created_at: datetime
    report_id: str
    standards_used: tuple[str, ...]
    shipment_ids: tuple[str, ...]
    toc_ids: tuple[str, ...] | None = None
    report_starts_at: datetime | None = None
    report_ends_at: datetime | None = None
    status: str = "Active"
    user_id: str | None = None
    whole_activity_tkm: Decimal
    co2e_wtw_kg: Decimal
    co2e_ttw_kg: Decimal | None = None
    per_mode: tuple[ModeReport, ...] | None = None
    modalities: tuple[str, ...] | None = None


def as_json(value: Any) -> Any:
    """A type of this module as the document that is exchanged.

    Examples
    --------
    >>> as_json(GlecDistance(actual_km=Decimal("1240.50"), gcd_km=Decimal(1100)))
    {'actual': '1240.5', 'gcd': '1100'}
    """
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple):
        return [as_json(one) for one in value]
    if isinstance(value, str):
        return value
    held = {_NAMES.get(one.name, one.name): getattr(value, one.name) for one in fields(value)}
    return {name: as_json(one) for name, one in held.items() if one is not None}


def decimal_text(value: Decimal) -> str:
    """A decimal in digits, without exponent and without zeros at its end.

    Examples
    --------
    >>> decimal_text(Decimal("1E+3")), decimal_text(Decimal("0.100")), decimal_text(Decimal("-0"))
    ('1000', '0.1', '0')
    """
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


@cache
def schemas() -> dict[str, Any]:
    """The JSON schema (2020-12) of every type, by its name under ``$defs``."""
    path = Path(__file__).resolve().parent / "ileap.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
