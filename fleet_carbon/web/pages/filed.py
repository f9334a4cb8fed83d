"""Files sent through the browser, what arrived before, and the prices on record."""

from __future__ import annotations

import re
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, g, redirect, request

from fleet_carbon.services import arrivals, pricing
from fleet_carbon.services.access import Caller, Deed
from fleet_carbon.services.ingesting import KINDS, FileIntake, Source, ingest_files
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import NAVIGATION, page, pages, shown_to

_SAFE = re.compile(r"[^\w.\-]+")
_NAME_MAX = 100
_SHOWN = 50
_PRICE = ("series", "price", "currency", "unit", "valid_from")

NAVIGATION += [("/files", "page_files", Deed.READ), ("/prices", "page_prices", Deed.READ)]


@pages.get("/files")
@shown_to(Deed.READ)
def show_files() -> Response:
    """The form, and what arrived."""
    return _files(None)


@pages.post("/files")
@shown_to(Deed.SEND)
def take_file() -> Response:
    """Take a file in, and tell what became of its rows."""
    sent, kind = request.files.get("file"), request.form.get("kind", "")
    if sent is None or not sent.filename or kind not in KINDS:
        return _files(None, is_incomplete=True)
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-upload-") as folder:
        # What the record calls it: the last part of the name, of harmless characters.
        path = Path(folder) / (_SAFE.sub("_", Path(sent.filename).name)[-_NAME_MAX:] or "file")
        sent.save(path)
        source = Source(crs=request.form.get("crs") or None)
        taken = ingest_files(fleet_settings(), kind, [path], source=source)
    return _files(taken.files[0])


def _files(taken: FileIntake | None, *, is_incomplete: bool = False) -> Response:
    caller: Caller = g.caller
    listed = arrivals.list_arrivals(fleet_settings(), limit_rows=_SHOWN).as_dict()
    return page(
        "files.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if is_incomplete else HTTPStatus.OK,
        kinds=KINDS,
        may_send=caller.may(Deed.SEND),
        taken=None if taken is None else taken.as_dict(),
        is_incomplete=is_incomplete,
        files=listed["files"],
    )


@pages.get("/prices")
@shown_to(Deed.READ)
def show_prices() -> Response:
    """The prices on record, and the form for a new one."""
    caller: Caller = g.caller
    listed = pricing.list_prices(fleet_settings()).as_dict()["prices"]
    return page("prices.html", prices=listed, may_set=caller.may(Deed.PRICE))


@pages.post("/prices")
@shown_to(Deed.PRICE)
def put_price() -> Any:
    """Put a price on record; earlier ones stay."""
    series, price, currency, unit, valid_from = (
        request.form.get(name, "").strip() for name in _PRICE
    )
    wanted = pricing.PriceRequest(series, price, currency, unit, valid_from)
    pricing.set_price(fleet_settings(), wanted)
    return redirect("/prices", HTTPStatus.SEE_OTHER)
