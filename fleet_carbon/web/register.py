"""What is on record: trucks, drivers, assignments, orders, receipts of fuel, baselines."""

from __future__ import annotations

from typing import Any

from flask import Response, g
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake import browsing
from fleet_carbon.services.intake.browsing import Filter
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.web import register_shapes as shapes
from fleet_carbon.web.answers import api, asked, named, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings, refuse_other_drivers

REGISTER = Tag(name="Register and orders", description="What is on record, in force and before")
_OF_PAGES = ("limit", "cursor")


def _sees_persons(driver_id: str = "") -> bool:
    caller: Caller = g.caller
    return caller.may(Deed.PERSONS) or bool(driver_id and driver_id == caller.driver_id)


def _list_route(kind: str) -> None:
    frame = browsing.FRAME_BY_KIND[kind]

    @api.get(
        f"/{kind}",
        tags=[REGISTER],
        summary=f"Read {kind}",
        description=f"{frame.text} Rows in force, in the order of recording; all pages show what"
        " was in force when the first was read. `changes_cursor` gives later what came since.",
        responses={200: shapes.page_model(kind), 304: None, **problems(400)},
    )
    @named(f"list_{kind}")
    @allowed(Deed.READ, audited=kind == "drivers")
    @asked(query=shapes.query_model(kind))
    def read(query: Any) -> Response:
        chosen = query.model_dump(exclude_defaults=True, exclude=set(_OF_PAGES))
        times = {name: chosen.pop(name, "") for name in ("from_at", "until_at", "changed_since")}
        page = browsing.browse(
            fleet_settings(),
            kind,
            Filter(chosen, **times),
            cursor=query.cursor,
            limit_rows=query.limit,
            with_persons=_sees_persons(),
        )
        return told(page.as_dict())


def _single_route(kind: str) -> None:
    is_driver, id_name = kind == "drivers", browsing.ID_BY_KIND[kind]

    @api.get(
        f"/{kind}/<string:{id_name}>",
        tags=[REGISTER],
        summary=f"Read one of the {kind}",
        description="The row in force, and every version that was ever received.",
        responses={200: shapes.RECORD[kind], 304: None, **problems(404)},
    )
    @named(f"read_one_of_{kind}")
    @allowed(Deed.READ_OWN if is_driver else Deed.READ, audited=is_driver)
    @asked(path=shapes.path_model(kind))
    def read(path: Any) -> Response:
        record_id = getattr(path, id_name)
        if is_driver:
            refuse_other_drivers(record_id)
        found = browsing.read_record(
            fleet_settings(), kind, record_id, with_persons=is_driver and _sees_persons(record_id)
        )
        return told(found.as_dict())


for _kind in browsing.FRAME_BY_KIND:
    _list_route(_kind)
for _kind in shapes.RECORD:
    _single_route(_kind)
