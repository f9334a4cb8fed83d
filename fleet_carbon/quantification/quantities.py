"""How much a receipt says was bought: units, and quantities mixed up with prices or amounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]

# What the energies of the register are counted in.
UNIT_OF_ENERGY = {"diesel": "l", "methanol": "l", "lng": "kg", "cng": "kg", "electric": "kWh"}
PRICED_IN = "CNY"

AS_TOLD = ""
SWAPPED, IS_AMOUNT, PRICE_IS_AMOUNT = (
    "quantity_and_price_swapped",
    "quantity_is_amount",
    "price_is_amount",
)
UNUSUAL = "price_unusual"


@dataclass(frozen=True)
class Limits:
    """What is plausible for each purchase, arrays of shape (n,).

    Attributes
    ----------
    price_min, price_max : float array
        Price per counted unit in `PRICED_IN`. [CNY per unit]
    quantity_max : float array
        The most the truck takes at once, in its counted unit.
    """

    price_min: Column
    price_max: Column
    quantity_max: Column

    def is_price(self, price: Column) -> Flags:
        """Whether it may be the price of a unit."""
        return np.asarray((price >= self.price_min) & (price <= self.price_max))

    def is_quantity(self, quantity: Column) -> Flags:
        """Whether the truck may have taken so much."""
        return np.asarray((quantity > 0) & (quantity <= self.quantity_max))


@dataclass(frozen=True)
class Readings:
    """How the quantity of each purchase is read, arrays of shape (n,).

    Attributes
    ----------
    quantity : float array
        As read, in the counted unit; NaN where it cannot be.
    remark : object array
        How it was read if not as told; also ``price_unusual``. "" elsewhere.
    is_mixed : bool array
        Quantity, price and amount are interchanged and no reading stands out.
    possible_quantity : float array
        What it may have been where it is mixed; NaN elsewhere.
    is_beyond : bool array
        More than the truck can take, and not to be explained by an amount.
    """

    quantity: Column
    remark: Texts
    is_mixed: Flags
    possible_quantity: Column
    is_beyond: Flags


def read_quantities(quantity: Column, price: Column, limits: Limits) -> Readings:
    """Decide what the quantity is where price or quantity cannot be what they are called.

    A receipt holds two of quantity, price per unit and amount. Four mix-ups are looked for:
    quantity and price interchanged; the amount as quantity and the quantity as price; the amount
    as price; the amount as quantity beside the right price. The first three leave the quantity on
    the row: it is taken if it alone makes both numbers plausible. The fourth does not, and might
    as well be a delivery to a depot: it is named with the quantity it may have been.

    Parameters
    ----------
    quantity : ndarray of float, shape (n,)
        As told, in the counted unit.
    price : ndarray of float, shape (n,)
        As told, per counted unit in `PRICED_IN`; NaN where there is none.
    limits : Limits
        What is plausible.
    """
    has_price = price > 0
    fits, priced = limits.is_quantity(quantity), limits.is_price(price)
    per_price, per_quantity = _ratio(quantity, price), _ratio(price, quantity)
    is_doubtful = has_price & ~priced
    swapped = is_doubtful & limits.is_price(quantity) & limits.is_quantity(price)
    amount = is_doubtful & limits.is_price(per_price) & limits.is_quantity(price)
    price_amount = is_doubtful & fits & limits.is_price(per_quantity)
    # A small amount may as well be a quantity with a wrong price.
    sure_amount = amount & ~fits
    ways = swapped.astype(int) + sure_amount + price_amount
    beside_price = has_price & priced & ~fits & limits.is_quantity(per_price)
    is_mixed = (ways > 1) | (amount & (ways == 0)) | beside_price
    is_read = ways == 1
    takes_price = is_read & (swapped | sure_amount)
    is_told = fits & ~is_mixed
    read = np.where(takes_price, price, np.where(is_told, quantity, np.nan))
    remark = np.full(len(quantity), AS_TOLD, dtype=object)
    remark[is_doubtful & is_told & ~is_read] = UNUSUAL
    for code, rows in (
        (SWAPPED, swapped),
        (IS_AMOUNT, sure_amount),
        (PRICE_IS_AMOUNT, price_amount),
    ):
        remark[is_read & rows] = code
    possible = np.where(beside_price, per_price, np.where(is_mixed, price, np.nan))
    return Readings(read, remark, is_mixed, possible, np.isnan(read) & ~is_mixed)


def in_counted_unit(
    purchases: pd.DataFrame, energy: Texts, *, density_kg_per_l: float
) -> tuple[Column, Flags]:
    """Quantities in the unit in which each truck is counted, and which were converted.

    Kilograms of diesel are converted by its density; every other unit that is not the truck's
    gives NaN.

    Parameters
    ----------
    purchases : DataFrame
        With `quantity` and `unit`.
    energy : object array, shape (n,)
        What each truck burns, as in the register.
    density_kg_per_l : float
        Of diesel. [kg/l]
    """
    told = purchases["quantity"].to_numpy(np.float64)
    unit = purchases["unit"].to_numpy(dtype=object)
    counted_unit = np.array([UNIT_OF_ENERGY[one] for one in energy], dtype=object)
    is_converted = (unit == "kg") & (energy == "diesel")
    converted = np.where(is_converted, told / density_kg_per_l, np.nan)
    return np.where(unit == counted_unit, told, converted), is_converted


def _ratio(part: Column, whole: Column) -> Column:
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
