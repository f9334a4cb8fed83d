"""The schemas of iLEAP's data types: what the tables of fields allow, and each trap refused."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from fleet_carbon.statements.ileap import (
    TYPES,
    EnergyCarrier,
    GlecDistance,
    Hoc,
    Location,
    as_json,
    decimal_text,
    schemas,
)

_AT = datetime(2026, 4, 1, tzinfo=UTC)
# 1240 km x 28 t = 34,720 tkm; 421.6 l x 3.43 kg = 1446.088 kg; / 34,720 = 0.04165 kg/tkm.
META = {
    "specVersion": "1.1.0", "companyName": "Example Freight Co", "status": "Active",
    "createdAt": "2026-04-01T00:00:00Z", "referencePeriodStart": "2026-03-01T00:00:00Z",
    "referencePeriodEnd": "2026-04-01T00:00:00Z",
}  # fmt: skip
CARRIER = {
    "energyCarrier": "Diesel", "relativeShare": "1",
    "feedstocks": [{"feedstock": "Fossil", "feedstockShare": "1"}],
    "emissionFactorWTW": "3.43", "emissionFactorTTW": "2.64",
}  # fmt: skip
PLACE = {"city": "Nanjing", "country": "CN"}
TCE = {
    "tceId": "S1-1", "shipmentId": "S1", "prevTceIds": [], "tocId": "T", "mass": "28000",
    "distance": {"actual": "1240"}, "origin": PLACE, "transportActivity": "34720",
    "departureAt": "2026-03-14T01:10:00Z", "co2eWTW": "1446.088", "co2eTTW": "1113.024",
}  # fmt: skip
DOCUMENTS: dict[str, dict[str, Any]] = {
    "ShipmentFootprint": {**META, "shipmentId": "S1", "mass": "28000", "tces": [TCE]},
    "TOC": {
        **META, "tocId": "T", "mode": "Road", "loadFactor": "0.86", "emptyDistanceFactor": "0.18",
        "truckLoadingSequence": "FTL", "energyCarriers": [CARRIER],
        "co2eIntensityWTW": "0.04165", "co2eIntensityTTW": "0.032057",
        "transportActivityUnit": "tkm",
    },
    "HOC": {
        **META, "hocId": "H", "hubType": "Transshipment", "energyCarriers": [CARRIER],
        "co2eIntensityWTW": "33", "co2eIntensityTTW": "10", "hubActivityUnit": "tonnes",
    },
    "TAD": {
        "specVersion": "1.1.0", "activityId": "A", "consignmentIds": ["C"], "mode": "Road",
        "distance": {"actual": "1240"}, "mass": "28000", "origin": PLACE, "destination": PLACE,
        "departureAt": "2026-03-14T01:10:00Z", "arrivalAt": "2026-03-15T04:55:00Z",
        "energyCarriers": [{**CARRIER, "energyConsumption": "421.6", "energyConsumptionUnit": "l"}],
    },
    "AggregatedReport": {
        "specVersion": "1.1.0", "createdAt": "2026-04-02T00:00:00Z", "reportId": "R",
        "standardsUsed": ["ISO14083:2023"], "shipmentIds": ["S1"], "status": "Active",
        "transportServiceUserId": "S9", "totalTransportActivity": "34720", "co2eWTW": "1446.088",
        "perModeEmissions": [
            {"transportMode": "Road", "distanceTypes": ["actual"], "co2eWTW": "1446.088"}
        ],
        "modalities": ["Road"],
    },
}  # fmt: skip


def validate(kind: str, document: Any) -> None:
    schema = {"$ref": f"#/$defs/{kind}", **schemas()}
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize("kind", TYPES)
def test_a_document_by_the_table_of_fields_is_valid(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas())
    validate(kind, DOCUMENTS[kind])


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("ShipmentFootprint", ("mass",), 28000),  # a number, not a string
        ("ShipmentFootprint", ("mass",), "28000,5"),  # a decimal comma
        ("ShipmentFootprint", ("tces",), []),
        ("ShipmentFootprint", ("tces", 0, "hocId"), "H"),  # beside a tocId
        ("ShipmentFootprint", ("tces", 0, "distance"), {}),
        ("ShipmentFootprint", ("tces", 0, "shipentId"), "S1"),  # misspelt in the examples
        ("ShipmentFootprint", ("comment",), None),  # left out, never null
        ("ShipmentFootprint", ("secondaryEmissionFactorSources",), []),  # absent, not empty
        ("ShipmentFootprint", ("pactPds",), "100.5"),
        ("TOC", ("loadFactor",), "0"),
        ("TOC", ("loadFactor",), "1.2"),
        ("TOC", ("emptyDistanceFactor",), "1"),
        ("TOC", ("energyCarriers", 0, "relativeShare"), "0"),
        ("TOC", ("energyCarriers", 0, "feedstockPercentage"), "1"),  # an old name
        ("TOC", ("energyCarriers", 0, "energyConsumption"), "421.6"),  # without its unit
        ("TOC", ("co2eIntensityThroughput",), "1"),  # an old name
        ("HOC", ("hubType",), "transshipment"),
        ("HOC", ("packagingOrTrEqAmount",), "3"),  # a whole number here
        ("TAD", ("consignmentIds",), []),
        ("TAD", ("origin",), {"city": "Nanjing", "country": "China"}),
        ("TAD", ("origin",), {**PLACE, "lat": "32.06"}),  # without lng
        ("TAD", ("departureAt",), "2026-03-14 01:10"),
        ("AggregatedReport", ("standardsUsed",), ["GLECv3"]),
        ("AggregatedReport", ("totalTransportActivity",), 34720),
        ("AggregatedReport", ("perModeEmissions", 0, "mode"), "Road"),  # the examples' name for it
    ],
)
def test_each_trap_is_refused(kind: str, path: tuple[Any, ...], value: Any) -> None:
    document = deepcopy(DOCUMENTS[kind])
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        validate(kind, document)


@pytest.mark.parametrize("kind", TYPES)
def test_what_must_be_there_is_asked_for(kind: str) -> None:
    for name in schemas()["$defs"][kind]["required"]:
        document = {key: held for key, held in DOCUMENTS[kind].items() if key != name}
        with pytest.raises(jsonschema.ValidationError):
            validate(kind, document)


def test_a_hub_that_is_told_of_is_written_as_the_schema_wants_it() -> None:
    # Demonstration data of an open implementation: 33 and 10 kg a tonne.
    carrier = EnergyCarrier(
        energy_carrier="Diesel",
        relative_share=Decimal(1),
        factor_wtw_ratio=Decimal("4.13"),
        factor_ttw_ratio=Decimal("3.17"),
    )
    hub = Hoc(
        company_name="Example Freight Co",
        created_at=_AT,
        period_starts_at=_AT,
        period_ends_at=_AT,
        hoc_id="H",
        hub_type="Transshipment",
        hub_location=Location(city="Hamburg", country="DE"),
        energy_carriers=(carrier,),
        co2e_wtw_kg_per_t=Decimal("33.00"),
        co2e_ttw_kg_per_t=Decimal(10),
        hub_unit="tonnes",
    )
    told = as_json(hub)
    validate("HOC", told)
    assert (told["co2eIntensityWTW"], told["createdAt"]) == ("33", "2026-04-01T00:00:00Z")
    assert "description" not in told


def test_decimals_have_no_exponent() -> None:
    told = [decimal_text(Decimal(one)) for one in ("1E+3", "1E-7", "0.000", "-0.50", "120")]
    assert told == ["1000", "0.0000001", "0", "-0.5", "120"]
    assert as_json(GlecDistance(gcd_km=Decimal("1E+2"))) == {"gcd": "100"}
