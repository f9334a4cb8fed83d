"""How pages call people, trucks, classes and moments: by name, by plate, in the fleet's time."""

from __future__ import annotations

from flask import g

from fleet_carbon.services.accounts.overviews import read_names
from fleet_carbon.statements import locales
from fleet_carbon.statements.account_names import account_name
from fleet_carbon.statements.category_words import CLASSES
from fleet_carbon.statements.fleet_figures import NOTHING
from fleet_carbon.statements.wording import Words
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import language, shown_on_pages, word


@shown_on_pages
def driver_named(driver_id: str) -> str:
    """The name of a driver; the identifier where none is on record."""
    return (_names()[0].get(driver_id) or driver_id) if driver_id else word("nobody")


@shown_on_pages
def truck_named(vehicle_id: str) -> str:
    """The plate of a truck; the identifier where none is on record."""
    return _names()[1].get(vehicle_id) or vehicle_id


@shown_on_pages
def class_named(name: str) -> str:
    """A class of trucks in words; as the edition names it, if it is not one of ours."""
    return one_of(CLASSES, name)


def one_of(table: dict[str, tuple[str, str]], name: str) -> str:
    """The word of a table of the statements for a name; the name where the table has none."""
    return Words(language()).of(table, name)


@shown_on_pages
def moment_of(at: str | None) -> str:
    """A moment of ISO 8601 in the fleet's time; empty if there is none."""
    return locales.moment_of(at, fleet_settings().zone, language()) if at else ""


def number_told(value: float | None, digits: int) -> str:
    """A number; a dash where it is not known."""
    return NOTHING if value is None else locales.number(value, digits, language())


@shown_on_pages
def account_named(account: str) -> str:
    """An account of the ledger."""
    return account_name(account, language(), driver=driver_named, truck=truck_named)


def truck_meant(given: str) -> str:
    """The identifier of the truck that somebody named by it or by its plate."""
    plates = _names()[1]
    if given in plates:
        return given
    return next((one for one, plate in plates.items() if plate and plate == given), given)


def _names() -> tuple[dict[str, str], dict[str, str]]:
    """Names and plates, read once for a page."""
    if "names" not in g:
        g.names = read_names(fleet_settings())
    names: tuple[dict[str, str], dict[str, str]] = g.names
    return names
