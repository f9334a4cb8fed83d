"""Whether documents of iLEAP make sense: what a schema cannot see, and what goes wrong in practice.

Each check is a law of the data: kilometres times tonnes are tonne-kilometres, a litre of diesel
does not emit what a kilogram does, activity times intensity is what was emitted. A document that
breaks one is named with what it says and what it should.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Documents = Mapping[str, Sequence[Mapping[str, Any]]]
"""By kind: shipments, tocs, hocs, tad, aed, and pact (product footprints of version 2)."""
_SHARES_OFF_MAX = Decimal("0.001")
_ACTIVITY_OFF_MAX_RATIO, _EMITTED_OFF_MAX_RATIO = 0.005, 0.01
_LEAST_KG, _LEAST_TKM = 0.01, 0.01
"""Below these, rounding makes more than the ratios allow."""
_FOSSIL = ("Fossil", "Natural gas")
# Tank-to-wheel kg CO2e per kg, and kg per litre: what tells one unit from the other (net calorific
# value x g CO2e/MJ of the GLEC Framework; densities of the trade). LNG is cold, and light.
_FUELS = {
    "Diesel": (3.17, 0.832),
    "Petrol": (3.2, 0.743),
    "LNG": (2.75, 0.45),
    "LPG": (3.03, 0.54),
    "HFO": (3.16, 0.97),
    "MGO": (3.25, 0.86),
    "Aviation fuel": (3.17, 0.8),
    "Methanol": (1.39, 0.79),
}


@dataclass(frozen=True)
class Finding:
    """A law that a document breaks.

    Attributes
    ----------
    law : str
        Name of one of `LAWS`.
    where : str
        Kind and identifier of the document.
    text : str
        What it says, and what would be right.
    """

    law: str
    where: str
    text: str


def breaches(documents: Documents, *laws: str) -> list[Finding]:
    """Every breach of a law, in the order of the laws and the documents.

    Parameters
    ----------
    documents : mapping
        Valid by their schemas.
    *laws : str
        Of `LAWS`; none means all.
    """
    return [
        Finding(law, where, text) for law in laws or LAWS for where, text in LAWS[law][1](documents)
    ]


def _tces(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for shipment in documents.get("shipments", ()):
        for tce in shipment["tces"]:
            yield f"shipment {shipment['shipmentId']}, tce {tce['tceId']}", tce


def _carriers(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for where, document in _with_carriers(documents):
        for carrier in document["energyCarriers"]:
            yield f"{where}, {carrier['energyCarrier']}", carrier


def _with_carriers(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind, name in (("tocs", "tocId"), ("hocs", "hocId"), ("tad", "activityId")):
        for document in documents.get(kind, ()):
            if "energyCarriers" in document:
                yield f"{kind} {document[name]}", document


def _ratios_of_activity(tce: Mapping[str, Any]) -> list[float]:
    """What is told over what follows, by each of the distances; [1] of what hardly moved."""
    told = float(tce["transportActivity"])
    products = [float(km) * float(tce["mass"]) / 1000 for km in tce["distance"].values()]
    if told < _LEAST_TKM and min(products) < _LEAST_TKM:
        return [1.0]
    return [told / one if one else math.inf for one in products]


def _off_activities(documents: Documents) -> Iterator[tuple[str, float, bool]]:
    """Elements whose activity is of none of their distances, and if it is a thousandfold of one."""
    for where, tce in _tces(documents):
        ratios = _ratios_of_activity(tce)
        if all(not _is_near(one, 1) for one in ratios):
            wrong = [one for one in ratios if _is_near(one, 1000) or _is_near(one, 0.001)]
            yield where, [*wrong, *ratios][0], bool(wrong)


def _is_near(ratio: float, wanted: float) -> bool:
    return abs(ratio / wanted - 1) <= _ACTIVITY_OFF_MAX_RATIO


def _activity(documents: Documents) -> Iterator[tuple[str, str]]:
    for where, ratio, is_thousandfold in _off_activities(documents):
        if not is_thousandfold:
            yield where, f"transportActivity is {ratio:.4g} times distance x mass / 1000"


def _mass_unit(documents: Documents) -> Iterator[tuple[str, str]]:
    for where, ratio, is_thousandfold in _off_activities(documents):
        if is_thousandfold:
            unit = "in kilogram-kilometres" if ratio > 1 else "of a mass that stands in tonnes"
            yield where, f"transportActivity is {unit}: {ratio:.4g} times distance x mass / 1000"


def _sum_of_activity(documents: Documents) -> Iterator[tuple[str, str]]:
    tkm: dict[str, Decimal] = {}
    for shipment in documents.get("shipments", ()):
        own = sum((Decimal(one["transportActivity"]) for one in shipment["tces"]), Decimal(0))
        tkm[shipment["shipmentId"]] = tkm.get(shipment["shipmentId"], Decimal(0)) + own
    for footprint in documents.get("pact", ()):
        tces = footprint["extensions"][0]["data"].get("tces")
        if tces is not None:
            whole = sum((Decimal(one["transportActivity"]) for one in tces), Decimal(0))
            told = footprint["pcf"]["unitaryProductAmount"]
            if _is_off(told, whole, _ACTIVITY_OFF_MAX_RATIO):
                yield (
                    f"footprint {footprint['id']}",
                    f"{told} tkm are told, its elements are {whole}",
                )
    for report in documents.get("aed", ()):
        if set(report["shipmentIds"]) <= tkm.keys():
            whole = sum((tkm[one] for one in set(report["shipmentIds"])), Decimal(0))
            told = report["totalTransportActivity"]
            if _is_off(told, whole, _ACTIVITY_OFF_MAX_RATIO):
                yield (
                    f"report {report['reportId']}",
                    f"{told} tkm are told, its shipments are {whole}",
                )


def _factor_unit(documents: Documents) -> Iterator[tuple[str, str]]:
    for where, carrier in _carriers(documents):
        unit, fuel = carrier.get("energyConsumptionUnit"), _FUELS.get(carrier["energyCarrier"])
        ttw = float(carrier.get("emissionFactorTTW", 0))
        if unit not in ("l", "kg") or fuel is None or ttw <= 0 or not _is_fossil(carrier):
            continue
        per_kg, per_l = fuel[0], fuel[0] * fuel[1]
        own, other = (per_l, per_kg) if unit == "l" else (per_kg, per_l)
        if abs(math.log(ttw / other)) < abs(math.log(ttw / own)):
            own_name, other_name = ("litre", "kilogram") if unit == "l" else ("kilogram", "litre")
            told = f"{ttw:g} kg CO2e is of a {other_name}, not of a {own_name}"
            yield where, f"{told} (about {own:.2f})"


def _wtw(documents: Documents) -> Iterator[tuple[str, str]]:
    tocs = {one["tocId"]: one for one in documents.get("tocs", ())}
    for where, carrier in _carriers(documents):
        if _is_fossil(carrier):
            yield from _below(where, carrier, "emissionFactor")
    for where, document in _with_carriers(documents):
        if all(map(_is_fossil, document["energyCarriers"])):
            yield from _below(where, document, "co2eIntensity")
    for where, tce in _tces(documents):
        toc = tocs.get(tce.get("tocId", ""))
        if toc is not None and all(map(_is_fossil, toc["energyCarriers"])):
            yield from _below(where, tce, "co2e")


def _below(where: str, told: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    wtw, ttw = told.get(f"{name}WTW"), told.get(f"{name}TTW")
    if wtw is not None and ttw is not None and Decimal(wtw) < Decimal(ttw):
        yield where, f"{name}WTW {wtw} is below {name}TTW {ttw}"


def _is_fossil(carrier: Mapping[str, Any]) -> bool:
    """Whether nothing but fossils is in it; where nothing is said, fuels are taken for that."""
    feedstocks = carrier.get("feedstocks")
    if feedstocks is None:
        return carrier["energyCarrier"] in _FUELS
    return all(one["feedstock"] in _FOSSIL for one in feedstocks)


def _shares(documents: Documents) -> Iterator[tuple[str, str]]:
    for where, document in _with_carriers(documents):
        carriers = document["energyCarriers"]
        whole = sum((Decimal(one["relativeShare"]) for one in carriers), Decimal(0))
        if abs(whole - 1) > _SHARES_OFF_MAX:
            yield where, f"the shares of its energy carriers add up to {whole}"
    for where, carrier in _carriers(documents):
        told = [Decimal(one.get("feedstockShare", 0)) for one in carrier.get("feedstocks", ())]
        if sum(told) > 1 + _SHARES_OFF_MAX:
            yield where, f"the shares of its feedstocks add up to {sum(told)}"


def _intensity(documents: Documents) -> Iterator[tuple[str, str]]:
    tocs = {one["tocId"]: one for one in documents.get("tocs", ())}
    for where, tce in _tces(documents):
        toc = tocs.get(tce.get("tocId", ""))
        if toc is None:
            continue
        for end in ("WTW", "TTW"):
            wanted = float(tce["transportActivity"]) * float(toc[f"co2eIntensity{end}"])
            if _is_off(tce[f"co2e{end}"], wanted, _EMITTED_OFF_MAX_RATIO):
                yield where, f"co2e{end} is {tce[f'co2e{end}']} kg, by its category {wanted:.3f} kg"


def _energy(documents: Documents) -> Iterator[tuple[str, str]]:
    """Energy of activity data, as the total of the activity, against the footprint of the same."""
    by_consignment: dict[str, Decimal] = {}
    for _, tce in _tces(documents):
        name = tce.get("consignmentId")
        if name is not None:
            by_consignment[name] = by_consignment.get(name, Decimal(0)) + Decimal(tce["co2eWTW"])
    emitted: dict[tuple[str, ...], float] = {}
    for activity in documents.get("tad", ()):
        parts = activity.get("energyCarriers", ())
        key = tuple(sorted(activity["consignmentIds"]))
        if (
            set(key) <= by_consignment.keys()
            and parts
            and all("energyConsumption" in one for one in parts)
        ):
            whole = sum(
                float(one["energyConsumption"]) * float(one["emissionFactorWTW"]) for one in parts
            )
            emitted[key] = emitted.get(key, 0.0) + whole
    for key, whole in emitted.items():
        told = sum((by_consignment[one] for one in key), Decimal(0))
        if _is_off(str(whole), told, _EMITTED_OFF_MAX_RATIO):
            yield (
                f"tad of {', '.join(key)}",
                f"its energy emits {whole:.3f} kg, the footprint says {told}",
            )


def _is_off(told: str, wanted: Decimal | float, ratio_max: float) -> bool:
    one, other = float(told), float(wanted)
    return abs(one - other) > max(ratio_max * abs(other), _LEAST_KG)


_Check = Callable[[Documents], Iterable[tuple[str, str]]]
LAWS: dict[str, tuple[str, _Check]] = {
    "activity": ("transport activity is distance times mass", _activity),
    "mass_unit": ("mass is in kilograms, activity in tonne-kilometres", _mass_unit),
    "sum_of_activity": ("a whole is the sum of its elements' tonne-kilometres", _sum_of_activity),
    "factor_unit": ("emission factors are of the unit that energy is told in", _factor_unit),
    "wtw_below_ttw": ("of fossil energy, well-to-wheel is not below tank-to-wheel", _wtw),
    "shares": ("shares of energy carriers add up to 1, of feedstocks to 1 at most", _shares),
    "intensity": ("activity times the category's intensity is what was emitted", _intensity),
    "energy": ("energy of activity data times its factors is the footprint", _energy),
}
"""Every law by its name, with its words and what checks it."""
