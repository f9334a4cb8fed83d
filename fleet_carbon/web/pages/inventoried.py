"""The inventory of a month by ISO 14083: categories, customers, the rest, and files of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request

from fleet_carbon.services.accounts import inventories, overviews
from fleet_carbon.services.accounts.inventories import Inventory
from fleet_carbon.services.papers import shipper_reports
from fleet_carbon.services.people.access import Deed
from fleet_carbon.statements import locales
from fleet_carbon.statements import shipper_words as said
from fleet_carbon.statements.category_words import DISTANCES, category_name
from fleet_carbon.statements.shipper_report import NONE, told_column, told_value
from fleet_carbon.statements.tables import records
from fleet_carbon.statements.wording import ENERGIES, LANGUAGES
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import NAVIGATION, language, page, pages, shown_to, word
from fleet_carbon.web.pages.naming import one_of
from fleet_carbon.web.spreadsheets import CUSTOMER_PAPERS, FORMATS, as_file, file_answer

_MG_PER_KG = 1_000_000
_SUM_DIGITS = 1
_OF_CATEGORY = (
    *("shipments_count", "activity_tkm", "co2e_wtw_kg", "co2e_wtw_g_per_tkm"),
    *("distance_adjustment_ratio", "empty_share", "data_class", "primary_share"),
)
_OF_CUSTOMER = (
    *("shipments_count", "cargo_t", "activity_tkm", "co2e_wtw_kg", "co2e_wtw_g_per_tkm"),
    *("data_class", "primary_share"),
)
_FILES = {f".{name}": kind for kind, name in FORMATS.items() if name in ("csv", "xlsx")}

NAVIGATION.append(("/inventory", "page_inventory", Deed.READ))


@pages.get("/inventory")
@shown_to(Deed.READ)
def show_inventory() -> Response:
    """The book of a month: sums, categories, customers, and what is of nobody."""
    closed = overviews.closed_months(fleet_settings())
    month = request.args.get("month", "") or (closed[0] if closed else "")
    if not month:
        return page("inventory.html", book=None)
    distance = request.args.get("distance", "")
    book = inventories.read_inventory(fleet_settings(), month, distance=distance)
    tables = {name: records(rows) for name, rows in book.tables.items() if name != "shipments"}
    return page(
        "inventory.html",
        book=book,
        months=closed,
        distances={name: one_of(DISTANCES, name) for name in inventories.DISTANCES},
        kept=urlencode({"month": book.month, "distance": book.distance_kind}),
        sums=_sums(book),
        ratio=told_value(
            "distance_adjustment_ratio", book.summary["distance_adjustment_ratio"], language()
        ),
        categories=_table(_OF_CATEGORY, tables["tocs"], _category, word("inventory_category")),
        customers=_table(_OF_CUSTOMER, tables["shippers"], _customer, word("customer")),
        rest=[_rest(row) for row in tables["unattributed"]],
        suffixes=[suffix.lstrip(".") for suffix in _FILES],
    )


@pages.get("/inventory/customer")
@shown_to(Deed.READ)
def show_customer() -> Any:
    """A customer's shipments of a month, each with its footprint, as in the report for it."""
    month, shipper_id = request.args.get("month", ""), request.args.get("customer", "")
    if not month or not shipper_id:
        return redirect("/inventory", HTTPStatus.SEE_OTHER)
    asked = _asked(month)
    made = shipper_reports.make_shipper_report(
        fleet_settings(), shipper_id, month, language=language(), distance=asked.get("distance", "")
    )
    return page(
        "inventory_customer.html",
        report=made.composed,
        back=urlencode(asked),
        kept=urlencode({**asked, "customer": shipper_id}),
        suffixes=[suffix.lstrip(".") for suffix in CUSTOMER_PAPERS.values()],
    )


def _paper_route(media_type: str, suffix: str) -> None:
    @shown_to(Deed.READ)
    def download() -> Response:
        """The report for a customer, in the language of the page."""
        month = request.args.get("month", "")
        made = shipper_reports.make_shipper_report(
            fleet_settings(),
            request.args.get("customer", ""),
            month,
            language=language(),
            distance=request.args.get("distance", ""),
        )
        return file_answer(made.content(suffix), media_type, f"shipments-{month}{suffix}")

    pages.add_url_rule(f"/inventory/customer{suffix}", f"customer{suffix[1:]}", download)


def _table_route(name: str, media_type: str, suffix: str) -> None:
    @shown_to(Deed.READ)
    def download() -> Response:
        """A table of the book, whole."""
        month, distance = request.args.get("month", ""), request.args.get("distance", "")
        book = inventories.read_inventory(fleet_settings(), month, distance=distance)
        rows = book.tables[name]
        return as_file(rows, inventories.FRAMES[name], media_type, name=f"{name}-{month}")

    pages.add_url_rule(f"/inventory/{name}{suffix}", f"{name}_{suffix[1:]}", download)


for _kind, _suffix in CUSTOMER_PAPERS.items():
    _paper_route(_kind, _suffix)
for _name in inventories.FRAMES:
    for _suffix, _kind in _FILES.items():
        _table_route(_name, _kind, _suffix)


def _sums(book: Inventory) -> list[tuple[str, str, str, str]]:
    """Name, value, unit and meaning of what a month comes to."""
    told, spoken = book.summary, language()
    kg = said.UNITS["kg"][LANGUAGES.index(spoken)]
    values = {
        "wtw": (_kilograms(told["co2e_wtw_mg"], _SUM_DIGITS), kg),
        "ttw": (_kilograms(told["co2e_ttw_mg"], _SUM_DIGITS), kg),
        "attributed": (told_value("primary_share", told["attributed_share"], spoken), ""),
        "measured": (told_value("primary_share", told["primary_share"], spoken), ""),
        "shipments": (locales.number(told["shipments_count"], 0, spoken), ""),
    }
    columns = {"measured": "primary_share", "shipments": "shipments_count"}
    return [
        (
            word(f"inventory_{name}"),
            *value,
            told_column(columns[name], spoken)["definition"]
            if name in columns
            else word(f"inventory_{name}_about"),
        )
        for name, value in values.items()
    ]


def _kilograms(mass_mg: int | None, digits: int) -> str:
    return NONE if mass_mg is None else locales.number(mass_mg / _MG_PER_KG, digits, language())


def _table(
    names: Sequence[str], rows: Sequence[Mapping[str, Any]], first: Any, head: str
) -> dict[str, Any]:
    """Heads with their definitions, and rows of texts behind the link of each."""
    columns = [told_column(name, language()) for name in names]
    return {
        "head": head,
        "columns": columns,
        "rows": [(first(row), [_cell(row, name) for name in names]) for row in rows],
    }


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name == "co2e_wtw_kg":
        return _kilograms(row["co2e_wtw_mg"], 3)
    if name == "data_class":
        return said.CLASSES[row["data_class"]][LANGUAGES.index(language())]
    return told_value(name, row[name], language())


def _category(row: Mapping[str, Any]) -> tuple[str, str]:
    """What a category is called, and no address."""
    return category_name(row, language()), ""


def _customer(row: Mapping[str, Any]) -> tuple[str, str]:
    """What a customer is called, and where its shipments stand."""
    if row["shipper_id"] is None:
        return word("inventory_nobody_named"), ""
    month = request.args.get("month", "") or overviews.closed_months(fleet_settings())[0]
    asked = urlencode(_asked(month) | {"customer": row["shipper_id"]})
    return row["shipper_id"], f"/inventory/customer?{asked}"


def _asked(month: str) -> dict[str, str]:
    """The month, and the distance if one was asked for, for links that keep to them."""
    distance = request.args.get("distance", "")
    return {"month": month} | ({"distance": distance} if distance else {})


def _rest(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return (
        word(f"inventory_{row['reason']}"),
        one_of(ENERGIES, row["energy"]),
        locales.number(row["distance_km"], 1, language()),
        _kilograms(row["co2e_wtw_mg"], 3),
    )
