"""One order at a time: put on record in its next version, or cancelled."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.services.intake.browsing import Record, read_record
from fleet_carbon.services.intake.ingesting import FileIntake, Source, ingest_files
from fleet_carbon.settings import Settings


class OrderConflict(FleetCarbonError):
    """Somebody else put another content on record under the same version."""


def put_order(
    settings: Settings, order_id: str, row: dict[str, Any], *, name: str, source: Source
) -> Record:
    """Put one order on record, whole; without a version it gets the one that follows.

    Parameters
    ----------
    settings : Settings
        The fleet.
    order_id : str
        The order; `row` names no other.
    row : dict
        With the columns of orders.
    name : str
        What the record calls it.
    source : Source
        How to read it.

    Returns
    -------
    record : Record
        The order with all its versions.

    Raises
    ------
    InputRefused
        ``order_refused``, with `field` and `reason` in the details; ``order_id_differs``.
    OrderConflict
        ``order_version_conflict``.
    """
    if row.get("order_id", order_id) != order_id:
        raise InputRefused(
            "order_id_differs",
            f"The address names order {order_id!r}, the body {row['order_id']!r}.",
            "Leave order_id out of the body, or name the same.",
        )
    if row.get("version") is None:
        row = row | {"version": _next_version(settings, order_id)}
    _refuse_rejected(_taken_in(settings, row | {"order_id": order_id}, name, source))
    return read_record(settings, "orders", order_id)


def cancel_order(settings: Settings, order_id: str, *, name: str) -> Record:
    """Cancel an order in its next version; one that is cancelled stays as it is.

    Raises
    ------
    NotFound
        ``record_not_found``, also if all that was received of it was withdrawn.
    """
    record = read_record(settings, "orders", order_id)
    if record.in_force is None:
        raise NotFound(
            "record_not_found",
            f"All that was received of order {order_id!r} was withdrawn.",
            "Send the order first.",
        )
    if record.in_force["status"] == "cancelled":
        return record
    held = {
        name: value
        for name, value in record.in_force.items()
        if value is not None and name not in ("recorded_at", "reception")
    }
    row = held | {"status": "cancelled", "version": held["version"] + 1}
    _refuse_rejected(_taken_in(settings, row, name, Source()))
    return read_record(settings, "orders", order_id)


def _next_version(settings: Settings, order_id: str) -> int:
    try:
        versions = read_record(settings, "orders", order_id).versions
    except NotFound:
        return 1
    return 1 + max(int(one["version"]) for one in versions)


def _taken_in(settings: Settings, row: dict[str, Any], name: str, source: Source) -> FileIntake:
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-order-") as folder:
        path = Path(folder) / f"{name}.ndjson"
        path.write_bytes(msgspec.json.encode(row))
        return ingest_files(settings, "orders", [path], source=source).files[0]


def _refuse_rejected(intake: FileIntake) -> None:
    if not intake.rejections:
        return
    first = intake.rejections[0]
    if first.code == "order_version_conflict":
        raise OrderConflict(
            first.code, first.text, "Read the order, and send it with a version above that."
        )
    raise InputRefused(
        "order_refused", first.text, "Correct the field.", field=first.column, reason=first.code
    )
