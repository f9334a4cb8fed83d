"""A fleet that has one of everything, and what each of it is known by: what strangers try."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers.downloading import zip_statements
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH, TinyFleet, northward_order

if TYPE_CHECKING:  # whose fixtures are made with what is told here
    from tests.web.conftest import Caller

SECRET = "our-secret"
"""Stands in texts that nobody asks with: who is told it is told too much."""

_VEHICLE, _DRIVER, _ORDER, _SHIPPER, _DEPOT = (
    f"{kind}-of-ours" for kind in ("truck", "driver", "order", "shipper", "depot")
)
_HELD = f"held:driver/{_DRIVER}/"
_URL = f"https://{SECRET}.example/hook"
_AT = "2025-03-10T00:30:00Z"
PASSWORD = "correct horse battery"


def furnish(settings: Settings, ours: Caller, folder: Path) -> dict[str, Any]:
    """Fill a fleet through its own doors.

    Parameters
    ----------
    settings : Settings
        Of the fleet.
    ours : Caller
        Who may do everything there.
    folder : Path
        For its files.

    Returns
    -------
    dict
        What a request calls by these names: parameters of the address and fields of bodies.
    """
    _record(settings, ours, folder)
    close_month(settings, MONTH)
    month, person = f"/v1/months/{MONTH}", f"/v1/months/{MONTH}/drivers/{_DRIVER}"
    _done(ours, "POST", f"{month}/publications")
    disputes = _done(ours, "POST", f"{person}/disputes", text=SECRET, order_id=_ORDER)
    runs = ours.get(f"{month}/runs").json or {}
    legs = ours.get(f"{month}/legs").json or {}
    driven = next(leg for leg in legs["rows"] if leg["state"] == "loaded")
    return {
        "month": MONTH,
        "vehicle_id": _VEHICLE,
        "vehicle_ids": [_VEHICLE],
        "driver_id": _DRIVER,
        "confirm": _DRIVER,
        "order_id": _ORDER,
        "order_ids": [_ORDER],
        "shipper_id": _SHIPPER,
        "depot": _DEPOT,
        "started_at": driven["started_at"],
        "day": driven["started_at"][:10],
        "account": f"{_HELD}{_VEHICLE}",
        "prefix": _HELD,
        "run_id": runs["runs"][0]["run_id"],
        "number": disputes["disputes"][0]["number"],
        "reception": _reception(ours),
        "job_id": _done(ours, "POST", f"{month}/closings")["job_id"],
        "digest_sha256": _zipped(settings),
        "cursor": (ours.get(f"{month}/legs?limit=1").json or {})["next_cursor"],
        "estimate_id": _estimate(ours),
        **_exchanged(ours),
        **_ledger(ours),
        **_people(ours),
        **_webhook(ours),
    }


def _exchanged(ours: Caller) -> dict[str, Any]:
    """What systems of customers fetch by."""
    footprints = (ours.get("/2/footprints").json or {})["data"]
    carried = footprints[0]["extensions"][0]["data"]
    return {
        "pf_id": footprints[0]["id"],
        "productId": footprints[0]["productIds"][0],
        "shipmentId": carried["shipmentId"],
        "activityId": f"{carried['shipmentId']}/{MONTH}",
        "reportId": f"{MONTH}/{_SHIPPER}",
        "tocId": carried["tces"][0]["tocId"],
        "hocId": "hub-of-ours",
    }


def _zipped(settings: Settings) -> str:
    told = zip_statements(settings, MONTH, language="en", form="json", progress=Silent())
    return str(told["digest_sha256"])


def _done(ours: Caller, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer = ours(method, path, json=body) if body else ours(method, path)
    assert answer.status_code < 300, (path, answer.text)
    return answer.json or {}


def _record(settings: Settings, ours: Caller, folder: Path) -> None:
    fleet = TinyFleet()
    fleet.vehicles[0] |= {"vehicle_id": _VEHICLE, "depot": _DEPOT}
    fleet.drivers[0] |= {"driver_id": _DRIVER, "vehicle_id": _VEHICLE, "name": SECRET}
    fleet.baselines[0] |= {"driver_id": _DRIVER}
    named = {"vehicle_id": _VEHICLE, "shipper_id": _SHIPPER, "pickup_place": SECRET}
    fleet.orders = [northward_order(_ORDER, 0, **named), northward_order("second", 2, **named)]
    for fix in fleet.positions:
        fix["vehicle_id"] = _VEHICLE
    for kind, path in fleet.write(folder).items():
        ingest_files(settings, kind, [path.rename(path.with_stem(f"{SECRET}-{kind}"))])
    nobody = northward_order(f"{SECRET}-refused", 0, vehicle_id="")
    _done(ours, "POST", "/v1/orders", **nobody)  # a row that is refused
    price = {"unit": "t", "price": "100", "currency": "CNY", "valid_from": "2025-01-01"}
    _done(ours, "POST", "/v1/prices", series=f"{SECRET} series", **price)
    _done(ours, "PUT", "/v1/retention", positions_days=3000)


def _reception(ours: Caller) -> int:
    """An arrival of which a row was refused."""
    files = (ours.get("/v1/files").json or {})["files"]
    return int(next(one for one in files if one["rows_rejected"])["reception"])


def _estimate(ours: Caller) -> str:
    order = {"order_id": "asked-of-ours", "cargo_t": 10.0, "pickup_place": SECRET}
    order |= {"pickup_lon": 105.0, "pickup_lat": 30.0, "delivery_lon": 105.0, "delivery_lat": 30.5}
    order |= {"pickup_time": "2025-03-10T03:00:00Z", "delivery_time": "2025-03-10T06:00:00Z"}
    return str(_done(ours, "POST", "/v1/estimates", orders=[order], at=_AT)["estimate_id"])


def _ledger(ours: Caller) -> dict[str, Any]:
    """Grams that were sold, retired and redeemed."""
    money, held = {"price": "100", "currency": "CNY"}, {"source": _HELD, "amount_g": 200}
    lot = {"lot_id": "lot-of-ours", "buyer": "buyer-of-ours", "amount_g": 100}
    _done(ours, "POST", "/v1/ledger/lots", **lot, **money)
    said = {"purpose": SECRET, **held}
    _done(ours, "POST", "/v1/ledger/retirements", client_id="retired-of-ours", **said)
    _done(ours, "POST", "/v1/ledger/redemptions", client_id="redeemed-of-ours", **said, **money)
    claim = {"client_id": "claimed-of-ours", "claimant": "shipper/of-ours", "purpose": SECRET}
    _done(ours, "POST", "/v1/ledger/claims", **claim, **held)
    paper = ours.get("/v1/ledger/retirements/retired-of-ours/certificate").json or {}
    return {
        **lot,
        "client_id": "retired-of-ours",
        "redeemed_id": "redeemed-of-ours",
        "claimant": claim["claimant"],
        "source": _HELD,
        "serial": paper["serials"][0],
        "sequence": 1,
    }


def _people(ours: Caller) -> dict[str, Any]:
    user = {"login": "user-of-ours", "role": "driver", "driver_id": _DRIVER, "password": PASSWORD}
    made = _done(ours, "POST", "/v1/users", **user)
    key = _done(ours, "POST", "/v1/keys", name=SECRET, role="driver", driver_id=_DRIVER)
    return {
        "user_id": made["users"][0]["user_id"],
        "login": user["login"],
        "key_id": key["keys"][0]["key_id"],
    }


def _webhook(ours: Caller) -> dict[str, Any]:
    made = _done(ours, "POST", "/v1/webhooks", url=_URL, description=SECRET)
    endpoint_id = made["webhooks"][0]["endpoint_id"]
    sent = _done(ours, "POST", f"/v1/webhooks/{endpoint_id}/pings")
    return {"endpoint_id": endpoint_id, "event_id": sent["deliveries"][0]["event_id"]}
