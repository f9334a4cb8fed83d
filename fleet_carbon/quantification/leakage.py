"""What a saving causes elsewhere: detours, loads taken from others, induced trips, electricity.

None of it is seen in the account it belongs to, so it is taken off by published parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.errors import FactorNotFound
from fleet_carbon.periods import Month
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.factors import FactorBook

WITHOUT_ELECTRICITY = "platform_electricity_not_deducted"
_SHARES = ("detour", "displaced_loads", "induced_trips")
_ELECTRICITY = "platform_electricity"


@dataclass(frozen=True)
class LeakageRules:
    """Section `leakage` of an edition."""

    detour_share: float
    displaced_loads_share: float
    induced_trips_share: float
    platform_electricity_kwh_per_order: float
    electricity_factor: str


@dataclass(frozen=True)
class LeakagePart:
    """One kind of leakage: its parameter, and what it takes off every account.

    Attributes
    ----------
    kind, name : str
        Kind of leakage, and the parameter of the edition.
    value : float
        Its value.
    unit : str
        Unit of it.
    origins : str
        Sources of what is taken off, as codes of the derivation.
    taken_kg : NDArray
        What is taken off. [kg]
    """

    kind: str
    name: str
    value: float
    unit: str
    origins: str
    taken_kg: NDArray[np.float64]


@dataclass(frozen=True)
class Leakage:
    """The parameters of a month.

    Attributes
    ----------
    rules : LeakageRules
        Section `leakage`.
    electricity_kg_per_kwh : float
        CO2 of generation; 0 where the book has no factor for the month, see `notes`. [kg/kWh]
    edition : Edition
        Where the rules stand, and since when.
    notes : frozenset of str
        Named reasons for what is not taken off.
    """

    rules: LeakageRules
    electricity_kg_per_kwh: float
    edition: Edition
    notes: frozenset[str]

    @classmethod
    def of_month(cls, book: FactorBook, edition: Edition, month: Month) -> Leakage:
        """The rules of the edition and the electricity factor of the month's first day."""
        rules = fill_rules(edition, "leakage", LeakageRules)
        try:
            factor = book.resolve(rules.electricity_factor, month.first_day, None)
        except FactorNotFound:
            # So little hangs on it that a month of before is accounted without, and says so.
            return cls(rules, 0.0, edition, frozenset({WITHOUT_ELECTRICITY}))
        return cls(rules, float(factor.value), edition, frozenset())

    def parts(
        self, avoided_kg: NDArray[np.float64], orders_count: NDArray[np.float64]
    ) -> list[LeakagePart]:
        """What each kind takes off every account.

        Parameters
        ----------
        avoided_kg : ndarray of float, shape (n_accounts,)
            CO2 avoided. A loss has no leakage by its shares: nothing is given back. [kg]
        orders_count : ndarray of float, shape (n_accounts,)
            Orders of the month, proven or not: the platform handled them all.

        References
        ----------
        Methodology note, section 2.1; PE_sys of the group standards of section 2.
        """
        gain_kg = np.maximum(0.0, avoided_kg)
        parts = [self._part(kind, "share", "1", gain_kg) for kind in _SHARES]
        electricity_kg = self.electricity_kg_per_kwh * orders_count
        return [*parts, self._part(_ELECTRICITY, "kwh_per_order", "kWh", electricity_kg)]

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """The parameters as they are printed: value, status or source, first day."""
        origins = self.edition.origins["leakage"]
        return {
            name: {
                "value": value,
                "origin": origins[name],
                "valid_from": self.edition.valid_from.isoformat(),
            }
            for name, value in vars(self.rules).items()
        }

    def _part(self, kind: str, of: str, unit: str, basis_kg: NDArray[np.float64]) -> LeakagePart:
        name = f"{kind}_{of}"
        value = float(getattr(self.rules, name))
        origins = f"edition:leakage.{name}"
        if kind == _ELECTRICITY:
            origins += f" factor:{self.rules.electricity_factor}"
        return LeakagePart(kind, name, value, unit, origins, value * basis_kg)
