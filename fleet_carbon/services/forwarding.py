"""A position as a tracking server forwards it becomes a body of positions as any other."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest import traccar
from fleet_carbon.services import receiving
from fleet_carbon.services.ingesting import Source
from fleet_carbon.settings import Settings

SOURCE = Source(crs="wgs84", time_zone="UTC", may_restate=False)
"""How such positions are read."""


def body_of_traccar(
    position: Mapping[str, Any], *, vehicle_id: str, attributes: Mapping[str, Any]
) -> bytes | None:
    """The JSON body with the one row of a position; None if it tells no new place.

    Parameters
    ----------
    position : mapping
        As `traccar.row_of` takes it.
    vehicle_id : str
        The truck that carries the device.
    attributes : mapping
        Of the position.
    """
    row = traccar.row_of(position, vehicle_id=vehicle_id, attributes=attributes)
    return None if row is None else json.dumps([row]).encode()


def receive_body(settings: Settings, body: bytes, name: str) -> dict[str, Any]:
    """Take the body in as files are, and tell what became of its row."""
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-request-") as folder:
        path = Path(folder) / "body"
        path.write_bytes(body)
        intake = receiving.receive(
            settings, "positions", path, media_type=receiving.JSON, name=name, source=SOURCE
        )
    told: dict[str, Any] = intake.as_dict()["files"][0]
    return told | {"kind": "positions"}


def told_of_no_fix(name: str, digest_sha256: str) -> dict[str, Any]:
    """What is told of a position without a new place; nothing of it is kept."""
    refused = Rejection(
        file=name,
        line=1,
        column="valid",
        code="position_without_fix",
        text="The server marks the position as not valid, or as an old one told again.",
    )
    return {
        "kind": "positions",
        "digest_sha256": digest_sha256,
        "reception": 0,
        "rows_read": 1,
        "rows_accepted": 0,
        "rows_duplicate": 0,
        "rows_rejected": 1,
        "rejections": [asdict(refused)],
        "suspicions": [],
        "columns_ignored": [],
        "remarks": {},
    }
