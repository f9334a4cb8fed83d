"""Footprints of PACT 2 and 3 that carry a data type of iLEAP each, as iLEAP 1.0 exchanges them.

What iLEAP maps is mapped as it says, but for `fossilCarbonContent`: a transport service holds no
carbon, and 0 is what its examples say, too. What a document must look like stands in
``pact.json``, written from the tables of fields.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fleet_carbon.statements.ileap import ShipmentFootprint, Toc, as_json

_DOCUMENTATION = "https://sine-fdn.github.io/ileap-extension/"
_SCHEMAS = "https://api.ileap.sine.dev/"
_CPC, _COUNTRY, _UNIT = "83117", "CN", "ton kilometer"  # logistics services
_BOUNDARY = "Well-to-wheel: energy provision and vehicle operation, empty running included."
# The GLEC Framework 3 counts CO2e by the potentials of the sixth report over 100 years.
_POTENTIALS = ["AR6"]
# PACT 2 knows no ISO 14083 in this list; the GLEC Framework is built on the GHG Protocol.
_STANDARDS_OF_2 = ["GHG Protocol Product standard"]
_VALID_YEARS = 3  # as PACT has it where nothing is said
_PRODUCT = "urn:pathfinder:product:customcode:vendor-assigned:"
_PARTS = {"shipment": "shipments", "toc": "tocs"}


def footprint_2(told: ShipmentFootprint | Toc, pf_id: str) -> dict[str, Any]:
    """A shipment or category as a product footprint of PACT 2.

    Parameters
    ----------
    told : ShipmentFootprint or Toc
        What it carries.
    pf_id : str
        UUID.
    """
    amount, mass, emitted = _figures(told)
    pcf = {
        "declaredUnit": _UNIT,
        "unitaryProductAmount": as_json(amount),
        "productMassPerDeclaredUnit": as_json(mass),
        "pCfExcludingBiogenic": as_json(emitted),
        "fossilGhgEmissions": as_json(emitted),
        "fossilCarbonContent": "0",
        "biogenicCarbonContent": "0",
        "characterizationFactors": _POTENTIALS[0],
        "ipccCharacterizationFactorsSources": _POTENTIALS,
        "crossSectoralStandardsUsed": _STANDARDS_OF_2,
        "crossSectoralStandards": ["ISO14083"],
        "boundaryProcessesDescription": _BOUNDARY,
        **_period(told),
        "geographyCountry": _COUNTRY,
        "exemptedEmissionsPercent": 0,
        "exemptedEmissionsDescription": "",
        "packagingEmissionsIncluded": False,
        **_sources(told),
    }
    if told.primary_data_percent_share is not None:
        pcf["primaryDataShare"] = float(told.primary_data_percent_share)
    heading = _heading(told, pf_id, "2.2.0")
    return heading | {
        "version": 0,
        "comment": told.comment or "",
        "organizationName": told.company_name,
        "productCategoryCpc": _CPC,
        "pcf": pcf,
        "extensions": [_extension(told)],
    }


def footprint_3(told: ShipmentFootprint | Toc, pf_id: str) -> dict[str, Any]:
    """The same as a product footprint of PACT 3, which has no mapping of iLEAP's own.

    Parameters
    ----------
    told : ShipmentFootprint or Toc
        What it carries.
    pf_id : str
        UUID.
    """
    amount, _, emitted = _figures(told)
    pcf = {
        "declaredUnitOfMeasurement": _UNIT,
        "declaredUnitAmount": as_json(amount),
        "productMassPerDeclaredUnit": "0",  # of logistics it has none
        **_period(told),
        "geographyCountry": _COUNTRY,
        "pcfExcludingBiogenicUptake": as_json(emitted),
        "pcfIncludingBiogenicUptake": as_json(emitted),
        "fossilGhgEmissions": as_json(emitted),
        "fossilCarbonContent": "0",
        "biogenicCarbonContent": "0",
        "ipccCharacterizationFactors": _POTENTIALS,
        "crossSectoralStandards": ["ISO14083"],
        "exemptedEmissionsPercent": "0",
        "packagingEmissionsIncluded": False,
        "ccsTechnologicalCO2CaptureIncluded": False,
        "boundaryProcessesDescription": _BOUNDARY,
        **_sources(told),
    }
    if told.primary_data_percent_share is not None:
        pcf["primaryDataShare"] = as_json(told.primary_data_percent_share)
    return _heading(told, pf_id, "3.0.0") | {
        **validity(told.period_ends_at),
        "pcf": pcf,
        "extensions": [_extension(told)],
    }


def validity(period_ends_at: datetime) -> dict[str, str]:
    """From when until when a product footprint of PACT 3 holds, by the end of its period."""
    return {
        "validityPeriodStart": as_json(period_ends_at),
        "validityPeriodEnd": as_json(_years_after(period_ends_at)),
    }


def named_by(product_id: str) -> tuple[str, str] | None:
    """What a product's identifier names, whatever its letters' case: shipments or tocs, and which.

    Examples
    --------
    >>> named_by("URN:pathfinder:product:customcode:vendor-assigned:shipment:O%201")
    ('shipments', 'o 1')
    """
    text = product_id.casefold()
    kind, _, name = text.removeprefix(_PRODUCT).partition(":")
    is_known = text.startswith(_PRODUCT) and kind in _PARTS
    return (_PARTS[kind], unquote(name)) if is_known else None


@cache
def schemas() -> dict[str, Any]:
    """The JSON schema (2020-12) of both footprints, by name under ``$defs``."""
    path = Path(__file__).resolve().parent / "pact.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _heading(told: ShipmentFootprint | Toc, pf_id: str, version: str) -> dict[str, Any]:
    kind, name, described = _named(told)
    return {
        "id": pf_id,
        "specVersion": version,
        "created": as_json(told.created_at),
        "status": told.status,
        "companyName": told.company_name,
        "companyIds": _company_ids(told),
        "productDescription": described,
        "productIds": [f"{_PRODUCT}{kind}:{quote(name, safe='')}"],
        "productNameCompany": f"Road transport {name}",
    }


def _company_ids(told: ShipmentFootprint | Toc) -> list[str]:
    """What the company is known by, which PACT wants; else its name as a URN of its own."""
    own = f"urn:pathfinder:company:customcode:vendor-assigned:{quote(told.company_name, safe='')}"
    return list(told.company_ids or (own,))


def _named(told: ShipmentFootprint | Toc) -> tuple[str, str, str]:
    if isinstance(told, ShipmentFootprint):
        return "shipment", told.shipment_id, f"Road transport of the shipment {told.shipment_id}"
    return "toc", told.toc_id, f"Road transport: {told.description or told.toc_id}"


def _figures(told: ShipmentFootprint | Toc) -> tuple[Decimal, Decimal, Decimal]:
    """Amount [tkm], mass [kg] and emissions [kgCO2e], well-to-wheel."""
    if isinstance(told, Toc):
        return Decimal(1), Decimal(1), told.co2e_wtw_kg_per_tkm
    amount = sum((one.activity_tkm for one in told.tces), Decimal(0))
    return amount, told.mass_kg, sum((one.co2e_wtw_kg for one in told.tces), Decimal(0))


def _period(told: ShipmentFootprint | Toc) -> dict[str, str]:
    return {
        "referencePeriodStart": as_json(told.period_starts_at),
        "referencePeriodEnd": as_json(told.period_ends_at),
    }


def _sources(told: ShipmentFootprint | Toc) -> dict[str, Any]:
    """Absent rather than empty."""
    named = told.secondary_sources
    return {} if named is None else {"secondaryEmissionFactorSources": as_json(named)}


def _extension(told: ShipmentFootprint | Toc) -> dict[str, Any]:
    name = "toc" if isinstance(told, Toc) else "shipment-footprint"
    return {
        "specVersion": "2.0.0",
        "dataSchema": f"{_SCHEMAS}{name}.json",
        "documentation": _DOCUMENTATION,
        "data": as_json(told),
    }


def _years_after(at: datetime) -> datetime:
    is_leap_day = (at.month, at.day) == (2, 29)
    return at.replace(year=at.year + _VALID_YEARS, day=28 if is_leap_day else at.day)
