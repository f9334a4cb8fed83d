"""Write into docs/methodology.md how far the model of a leg's energy lies from published figures.

    python docs/write_consumption.py

The figures stand with their sources in tests/quantification/consumption_cases; the tests hold the
model to the band that each file states. A test fails if the page shows another table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from fleet_carbon.quantification.documents import load_document
from fleet_carbon.quantification.editions import Edition, edition_in_force
from fleet_carbon.quantification.fuel import copert_energy_mj_per_km
from fleet_carbon.quantification.physics import PhysicalTruck, consumption, physical_truck
from fleet_carbon.quantification.profile import Profile, reference_profile

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "quantification" / "consumption_cases"
PAGE = ROOT / "docs" / "methodology.md"
TABLE = re.compile(
    r"(<!-- table of docs/write_consumption.py -->\n).*?(<!-- end of table -->)", re.S
)
DIESEL_MJ_PER_L = 35.8
DISTANCE_KM = 100.0


@dataclass(frozen=True)
class Check:
    """One published figure beside the model's.

    Attributes
    ----------
    name : str
        Of the source.
    what : str
        Vehicle, drive, payload.
    band_share : float
        Largest deviation the source's file allows. [1]
    published, modelled : float
        In the unit of the file.
    """

    name: str
    what: str
    band_share: float
    published: float
    modelled: float

    @property
    def deviation_share(self) -> float:
        """How far the model lies above the figure, relative. [1]"""
        return self.modelled / self.published - 1


def checks(path: Path, edition: Edition) -> Iterator[Check]:
    """Yield the figures of one file, each beside what the model gives."""
    document = load_document(path)
    for row in document["rows"]:
        truck = _truck({**document, **row}, edition)
        found = consumption(_drive(row["drive"], edition), [truck], np.zeros(1, dtype=np.intp))
        what = f"{row['vehicle']}, {row['drive']}, {truck.energy}, {row['payload_t']} t"
        published = _published(row, document)
        modelled = float(found.at(float(row["payload_t"]))[0])
        yield Check(document["name"], what, float(document["band_share"]), published, modelled)


def compose_table(edition: Edition) -> str:
    """The table of the page, a row for each file."""
    lines = [
        "| source | figures | mean deviation | from | to | band |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(CASES.glob("*.yaml")):
        found = list(checks(path, edition))
        shares = [check.deviation_share for check in found]
        lines.append(
            f"| {found[0].name} | {len(found)} | {100 * sum(shares) / len(shares):+.1f} % | "
            f"{100 * min(shares):+.1f} % | {100 * max(shares):+.1f} % | "
            f"± {100 * found[0].band_share:.0f} % |"
        )
    return "\n".join(lines) + "\n"


def with_table(page: str, edition: Edition) -> str:
    """The page with the table as it is now."""
    return TABLE.sub(lambda match: match[1] + "\n" + compose_table(edition) + "\n" + match[2], page)


def latest_edition() -> Edition:
    """The edition of which the page speaks."""
    return edition_in_force(ROOT / "models", date(2026, 1, 1))


def _truck(given: dict[str, Any], edition: Edition) -> PhysicalTruck:
    entry = {"vehicle_class": given["vehicle"], "energy": given["energy"]}
    if "curb_mass_t" in given:
        entry["curb_mass_t"] = float(given["curb_mass_t"])
    truck = physical_truck(entry, "", edition)
    assert truck is not None
    physics = replace(truck.physics, **given.get("physics", {}))
    return replace(truck, physics=physics, **given.get("truck", {}))


def _drive(name: str, edition: Edition) -> Profile:
    """Drive of the edition; ``_flat``: on a level road; ``steady_80``: at one speed there."""
    if name == "steady_80":
        # Half a kilometre just below 80 km/h, half just above: the mean square of both bins.
        speed_km = np.zeros((1, 10))
        speed_km[0, 7:9] = DISTANCE_KM / 2
        nothing, hours = np.zeros(1), np.full(1, DISTANCE_KM / 80)
        distance_km = np.full(1, DISTANCE_KM)
        return Profile(
            distance_km, speed_km, nothing, nothing, hours, nothing, nothing, np.full(1, np.nan)
        )
    drive = reference_profile(edition, name.removesuffix("_flat"), DISTANCE_KM)
    return replace(drive, climbed_m=np.zeros(1)) if name.endswith("_flat") else drive


def _published(row: dict[str, Any], document: dict[str, Any]) -> float:
    """The figure of a row per 100 km, from whatever it was published in."""
    if "curve" in row:
        curve = {name: float(value) for name, value in document["curves"][row["curve"]].items()}
        speed_kmh = float(row["speed_kmh"])
        return copert_energy_mj_per_km(speed_kmh, curve) / DIESEL_MJ_PER_L * DISTANCE_KM
    if "mj_per_km" in row:
        return float(row["mj_per_km"]) / DIESEL_MJ_PER_L * DISTANCE_KM
    if "kg_per_km" in row:
        return float(row["kg_per_km"]) / float(document["kg_per_l"]) * DISTANCE_KM
    return float(row["figure"])


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    after = with_table(before, latest_edition())
    if after != before:
        PAGE.write_text(after, encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} refreshed")
