"""Kilograms: combustion from its four visible factors, blends, activity and intensity.

Two books that never touch: the inventory carries tank-to-wheel CO2 and well-to-wheel CO2e; a
reduction is tank-to-wheel CO2 with the national factor. Nothing here knows of a reduction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from fleet_carbon.errors import FactorNotFound, ModelRefused
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.factors import Factor, FactorBook
from fleet_carbon.quantification.stoichiometry import refuse_beyond_carbon


@dataclass(frozen=True)
class EmissionRules:
    """Which factors of the book make kilograms of litres: section `emissions` of an edition."""

    net_calorific_value_factor: str
    carbon_content_factor: str
    oxidation_factor: str
    co2_molar_mass_factor: str
    carbon_molar_mass_factor: str
    density_factor: str
    carbon_share_max_factor: str
    wtw_factor: str
    wtw_note: str
    lng_ttw_factor: str
    lng_wtw_factor: str
    lng_note: str
    electric_wtw_factor: str
    electric_note: str


# Factors of the edition that make a litre of diesel.
_OF_DIESEL = (
    "net_calorific_value_factor", "carbon_content_factor", "oxidation_factor",
    "co2_molar_mass_factor", "carbon_molar_mass_factor", "density_factor",
    "carbon_share_max_factor", "wtw_factor",
)  # fmt: skip


@dataclass(frozen=True)
class EnergyFactors:
    """What a unit of a truck's energy emits.

    Attributes
    ----------
    ttw_ratio, wtw_ratio : float
        Tank-to-wheel CO2 and well-to-wheel CO2e per litre, kilogram or kilowatt-hour. [kg]
    note : str
        What is wrong with the factors for this country; empty if nothing.
    """

    ttw_ratio: float
    wtw_ratio: float
    note: str


@dataclass(frozen=True)
class DieselFactors:
    """Diesel of a day, per litre, with every factor that entered.

    Attributes
    ----------
    co2_ttw_kg_per_kg : Decimal
        Tank-to-wheel CO2 per kilogram. [kg/kg]
    co2_ttw_kg_per_l, co2e_wtw_kg_per_l : Decimal
        Tank-to-wheel CO2 and well-to-wheel CO2e per litre. [kg/l]
    density_kg_per_l : Decimal
        Density. [kg/l]
    parts : tuple of Factor
        The factors, for the statement and the ledger.
    wtw_note : str
        Why the well-to-wheel factor is a fallback; empty if it is not.
    """

    co2_ttw_kg_per_kg: Decimal
    co2_ttw_kg_per_l: Decimal
    co2e_wtw_kg_per_l: Decimal
    density_kg_per_l: Decimal
    parts: tuple[Factor, ...]
    wtw_note: str


def combustion_co2_kg_per_kg(
    net_calorific_value_gj_per_t: Decimal,
    carbon_content_t_per_tj: Decimal,
    oxidation_share: Decimal,
    *,
    co2_carbon_ratio: Decimal,
) -> Decimal:
    """CO2 of burning a kilogram of fuel, from its energy and its carbon.

    Parameters
    ----------
    net_calorific_value_gj_per_t : Decimal
        Net calorific value. [GJ/t]
    carbon_content_t_per_tj : Decimal
        Carbon per energy. [tC/TJ]
    oxidation_share : Decimal
        Part of the carbon that burns, 0 to 1.
    co2_carbon_ratio : Decimal
        Mass ratio of CO2 to carbon, 44/12 by the guidelines. [kg/kg]

    Returns
    -------
    co2_kg_per_kg : Decimal
        NCV x CC x OF x 44/12 / 1000. [kg/kg]

    References
    ----------
    Methodology note, F9 and section 3.1; 2006 IPCC Guidelines, Volume 2, equation 2.1 ff.

    Examples
    --------
    >>> d = Decimal
    >>> kg = combustion_co2_kg_per_kg(
    ...     d("42.652"), d("20.2"), d("0.98"), co2_carbon_ratio=d(44) / d(12))
    >>> round(kg, 4)
    Decimal('3.0959')
    """
    carbon_kg_per_kg = net_calorific_value_gj_per_t * carbon_content_t_per_tj / 1000
    return carbon_kg_per_kg * oxidation_share * co2_carbon_ratio


def resolve_diesel(
    book: FactorBook, edition: Edition, on: date, *, known_on: date | None
) -> DieselFactors:
    """The diesel factors an edition uses on a day.

    Parameters
    ----------
    book : FactorBook
        All factors.
    edition : Edition
        Its section `emissions` names the factors.
    on : date
        Day they must be in force.
    known_on : date or None
        Use only what was recorded until this day.

    Raises
    ------
    FactorNotFound
        If one of them is not in force on that day as known.
    ModelRefused
        If the product is beyond the fuel's carbon or above its well-to-wheel factor.
    """
    rules = fill_rules(edition, "emissions", EmissionRules)
    part = {name: book.resolve(getattr(rules, name), on, known_on) for name in _OF_DIESEL}
    per_kg = combustion_co2_kg_per_kg(
        part["net_calorific_value_factor"].value,
        part["carbon_content_factor"].value,
        part["oxidation_factor"].value,
        co2_carbon_ratio=part["co2_molar_mass_factor"].value
        / part["carbon_molar_mass_factor"].value,
    )
    refuse_beyond_carbon(
        f"Diesel of edition {edition.label}", per_kg, part["carbon_share_max_factor"].value
    )
    density, wtw = part["density_factor"].value, part["wtw_factor"]
    upstream = wtw.value * density if wtw.unit.endswith("/kg") else wtw.value
    _refuse_tank_above_well(edition, per_kg * density, upstream)
    return DieselFactors(
        co2_ttw_kg_per_kg=per_kg,
        co2_ttw_kg_per_l=per_kg * density,
        co2e_wtw_kg_per_l=upstream,
        density_kg_per_l=density,
        parts=tuple(part.values()),
        wtw_note=rules.wtw_note,
    )


def resolve_energies(
    book: FactorBook, edition: Edition, on: date, *, known_on: date | None
) -> dict[str, EnergyFactors]:
    """What a unit of every energy emits whose factors are in force on a day.

    Parameters
    ----------
    book, edition, on, known_on
        As for `resolve_diesel`.

    Returns
    -------
    factors : dict of str to EnergyFactors
        By energy: diesel per litre, LNG per kilogram, electricity per kilowatt-hour at the plug,
        which emits nothing where it drives. An energy without factors on that day is absent.
    """
    rules = fill_rules(edition, "emissions", EmissionRules)
    diesel = resolve_diesel(book, edition, on, known_on=known_on)
    per_l = (float(diesel.co2_ttw_kg_per_l), float(diesel.co2e_wtw_kg_per_l))
    found = {"diesel": EnergyFactors(*per_l, diesel.wtw_note)}
    named = {
        "lng": (rules.lng_ttw_factor, rules.lng_wtw_factor, rules.lng_note),
        "electric": ("", rules.electric_wtw_factor, rules.electric_note),
    }
    for energy, (ttw, wtw, note) in named.items():
        try:
            per_unit = [
                float(book.resolve(name, on, known_on).value) if name else 0.0
                for name in (ttw, wtw)
            ]
        except FactorNotFound:
            continue
        found[energy] = EnergyFactors(per_unit[0], per_unit[1], note)
    return found


def resolve_inventory(
    book: FactorBook,
    edition: Edition,
    on: date,
    *,
    known_on: date | None,
    diesel_ttw_factor: str,
) -> dict[str, EnergyFactors]:
    """What a unit of every energy emits in the inventory book: CO2e, tank-to-wheel as well.

    Parameters
    ----------
    book, edition, on, known_on
        As for `resolve_diesel`.
    diesel_ttw_factor : str
        Tank-to-wheel CO2e of diesel, per kilogram or litre; those of the other energies are CO2e
        in the section `emissions`.
    """
    found = resolve_energies(book, edition, on, known_on=known_on)
    density = resolve_diesel(book, edition, on, known_on=known_on).density_kg_per_l
    ttw = book.resolve(diesel_ttw_factor, on, known_on)
    per_l = ttw.value * density if ttw.unit.endswith("/kg") else ttw.value
    _refuse_tank_above_well(edition, per_l, Decimal(repr(found["diesel"].wtw_ratio)))
    return found | {"diesel": replace(found["diesel"], ttw_ratio=float(per_l))}


def blend_kg_per_kg(
    biofuel_volume_share: float,
    *,
    fossil_kg_per_kg: float,
    biofuel_kg_per_kg: float,
    fossil_density_kg_per_l: float,
    biofuel_density_kg_per_l: float,
) -> float:
    """Factor of a fuel blended by volume, per kilogram of blend.

    Parameters
    ----------
    biofuel_volume_share : float
        b of Bx, 0 to 1.
    fossil_kg_per_kg, biofuel_kg_per_kg : float
        Factors of the two components. [kg CO2e/kg]
    fossil_density_kg_per_l, biofuel_density_kg_per_l : float
        Their densities. [kg/l]

    Returns
    -------
    blend_kg_per_kg : float
        `(1 - w) x fossil + w x biofuel`, w being the mass share of the biofuel. [kg CO2e/kg]

    References
    ----------
    Methodology note, section 1.4: the rule reproduces the EN 16258 rows B5 and B7.

    Examples
    --------
    >>> round(blend_kg_per_kg(0.05, fossil_kg_per_kg=3.21, biofuel_kg_per_kg=0.0,
    ...     fossil_density_kg_per_l=0.832, biofuel_density_kg_per_l=0.89), 3)
    3.039
    """
    biofuel_kg = biofuel_volume_share * biofuel_density_kg_per_l
    fossil_kg = (1 - biofuel_volume_share) * fossil_density_kg_per_l
    mass_share = biofuel_kg / (biofuel_kg + fossil_kg)
    return (1 - mass_share) * fossil_kg_per_kg + mass_share * biofuel_kg_per_kg


def transport_activity_tkm(mass_kg: float, distance_km: float) -> float:
    """Transport activity of a consignment: tonnes times activity distance. [tkm]

    The distance is the shortest feasible or the great circle one, never the driven one
    (ISO 14083; methodology note, F1).

    Examples
    --------
    >>> transport_activity_tkm(230, 700)
    161.0
    """
    return mass_kg * distance_km / 1000


def intensity_kg_per_tkm(co2e_kg: float, activity_tkm: float) -> float:
    """Emission intensity of an operation: all its emissions over all its activity. [kg/tkm]

    Empty running is inside the numerator (ISO 14083; methodology note, F3).

    Raises
    ------
    ZeroDivisionError
        If there was no activity: an intensity does not exist then.
    """
    return co2e_kg / activity_tkm


def _refuse_tank_above_well(edition: Edition, tank: Decimal, well: Decimal) -> None:
    if tank > well:
        raise ModelRefused(
            "tank_above_well",
            f"Edition {edition.label}: tank-to-wheel {tank:.4f} kg/l is above well-to-wheel "
            f"{well:.4f} kg/l.",
            "Choose a well-to-wheel factor that belongs to this fuel.",
        )
