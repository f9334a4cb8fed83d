"""Writing fixes as each system writes them, by its documentation: what is read must come back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from itertools import groupby
from operator import xor
from typing import Any

from tests.ingest.dialects import frames808, frames809

_CHINA = timezone(timedelta(hours=8))
_KMH_PER_KNOT, _KM_PER_MILE = 1.852, 1.609344


@dataclass(frozen=True)
class Fix:
    """Where a truck was; speed and odometer may not be known."""

    vehicle: str
    at: datetime
    lat_udeg: int
    lon_udeg: int
    speed_kmh: float | None = None
    odometer_km: float | None = None

    @property
    def lat(self) -> float:
        return self.lat_udeg / 1e6

    @property
    def lon(self) -> float:
        return self.lon_udeg / 1e6


Fixes = Sequence[Fix]


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _lines(documents: Sequence[Any]) -> bytes:
    return "\n".join(json.dumps(one) for one in documents).encode()


def _of_trucks(fixes: Fixes) -> list[tuple[str, list[Fix]]]:
    """Runs of one truck, in the order of the fixes."""
    return [(truck, list(held)) for truck, held in groupby(fixes, key=lambda one: one.vehicle)]


def traccar(fixes: Fixes) -> bytes:
    return _lines(
        [
            {
                "position": {
                    "id": number,
                    "deviceId": 7,
                    "fixTime": round(1000 * one.at.timestamp()),
                    "serverTime": round(1000 * one.at.timestamp()) + 129_000_000,
                    "valid": True,
                    "latitude": one.lat,
                    "longitude": one.lon,
                    "speed": _times(one.speed_kmh, 1 / _KMH_PER_KNOT),
                    "attributes": _without_none({"odometer": _times(one.odometer_km, 1000)}),
                },
                "device": {"id": 7, "uniqueId": one.vehicle},
            }
            for number, one in enumerate(fixes)
        ]
    )


def traccar_export(fixes: Fixes) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        "ID,PROTOCOL,DEVICEID,SERVERTIME,DEVICETIME,FIXTIME,VALID,LATITUDE,LONGITUDE,ALTITUDE,SPEED,"
        "COURSE,ADDRESS,ATTRIBUTES,ACCURACY,NETWORK,GEOFENCEIDS".split(",")
    )
    for number, one in enumerate(fixes):
        at = one.at.strftime("%Y-%m-%d %H:%M:%S")
        attributes = _without_none({"odometer": _times(one.odometer_km, 1000)})
        knots = _times(one.speed_kmh, 1 / _KMH_PER_KNOT)
        place = (at, at, at, "TRUE", one.lat, one.lon, 0, knots, 0, "")
        writer.writerow([number, "osmand", one.vehicle, *place, json.dumps(attributes), 0, "", ""])
    return text.getvalue().encode()


def rfms(fixes: Fixes) -> bytes:
    statuses = [
        {
            "vin": one.vehicle,
            "createdDateTime": _utc(one.at),
            "receivedDateTime": _utc(one.at + timedelta(seconds=20)),
            "snapshotData": {
                "gnssPosition": _without_none(
                    {
                        "latitude": one.lat,
                        "longitude": one.lon,
                        "speed": one.speed_kmh,
                        "positionDateTime": _utc(one.at),
                    }
                )
            },
        }
        | _without_none({"hrTotalVehicleDistance": _times(one.odometer_km, 1000)})
        for one in fixes
    ]
    return json.dumps({"vehicleStatusResponse": {"vehicleStatuses": statuses}}).encode()


def _of_808(one: Fix) -> bytes:
    return frames808.location(
        lat_udeg=abs(one.lat_udeg),
        lon_udeg=abs(one.lon_udeg),
        time=one.at.astimezone(_CHINA).strftime("%y%m%d%H%M%S"),
        status=frames808.FIXED | (one.lat_udeg < 0) << 2 | (one.lon_udeg < 0) << 3,
        speed=round(10 * (one.speed_kmh or 0)),
        items=b""
        if one.odometer_km is None
        else frames808.item(1, round(10 * one.odometer_km).to_bytes(4, "big")),
    )


def jt808(fixes: Fixes) -> bytes:
    return b"".join(frames808.frame(_of_808(one), phone=one.vehicle.zfill(12)) for one in fixes)


def jt808_2019(fixes: Fixes) -> bytes:
    return b"".join(frames808.frame(_of_808(one), phone=one.vehicle.zfill(20)) for one in fixes)


def jt809_2019(fixes: Fixes) -> bytes:
    return b"".join(
        frames809.frame(frames809.location_2019(_of_808(one)), plate=one.vehicle, edition=2019)
        for one in fixes
    )


def jt809(fixes: Fixes) -> bytes:
    return b"".join(
        frames809.frame(
            frames809.location(
                one.at.astimezone(_CHINA),
                lat_udeg=abs(one.lat_udeg),
                lon_udeg=abs(one.lon_udeg),
                speed_kmh=round(one.speed_kmh or 0),
                mileage=round(one.odometer_km or 0),
                status=frames809.FIXED | (one.lat_udeg < 0) << 2 | (one.lon_udeg < 0) << 3,
            ),
            plate=one.vehicle,
        )
        for one in fixes
    )


def gpx(fixes: Fixes) -> bytes:
    points = "".join(
        f'<trkpt lat="{one.lat}" lon="{one.lon}"><time>{_utc(one.at)}</time><extensions>'
        "<g:TrackPointExtension>"
        f"<g:speed>{-1 if one.speed_kmh is None else one.speed_kmh / 3.6}</g:speed>"
        "</g:TrackPointExtension></extensions></trkpt>\n"
        for one in fixes
    )
    return (
        '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:g="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">'
        f"<trk><trkseg>{points}</trkseg></trk></gpx>"
    ).encode()


def nmea(fixes: Fixes) -> bytes:
    def side(udeg: int, digits: int, letters: str) -> str:
        degrees, rest = divmod(abs(udeg), 10**6)
        return f"{degrees:0{digits}d}{rest * 60 / 1e6:09.6f},{letters[udeg < 0]}"

    sentences = []
    for one in fixes:
        knots = "" if one.speed_kmh is None else one.speed_kmh / _KMH_PER_KNOT
        place = f"{side(one.lat_udeg, 2, 'NS')},{side(one.lon_udeg, 3, 'EW')}"
        sentences.append(f"GPRMC,{one.at:%H%M%S},A,{place},{knots},,{one.at:%d%m%y},,")
    return "".join(f"${one}*{reduce(xor, one.encode()):02X}\r\n" for one in sentences).encode()


def samsara(fixes: Fixes) -> bytes:
    def told(one: Fix) -> dict[str, Any]:
        odometer = _times(one.odometer_km, 1000)
        beside = None if odometer is None else {"obdOdometerMeters": {"value": odometer}}
        miles = _times(one.speed_kmh, 1 / _KM_PER_MILE)
        return _without_none(
            {"time": _utc(one.at), "latitude": one.lat, "longitude": one.lon}
            | {"headingDegrees": 0, "speedMilesPerHour": miles, "decorations": beside}
        )

    return json.dumps(
        {"data": [{"id": t, "gps": [told(one) for one in held]} for t, held in _of_trucks(fixes)]}
    ).encode()


def samsara_stream(fixes: Fixes) -> bytes:
    return _lines(
        [
            {
                "happenedAtTime": _utc(one.at),
                "asset": {"id": one.vehicle},
                "location": {"latitude": one.lat, "longitude": one.lon, "accuracyMeters": 5},
                "speed": _without_none({"gpsSpeedMetersPerSecond": _times(one.speed_kmh, 1 / 3.6)}),
            }
            for one in fixes
        ]
    )


def geotab(fixes: Fixes) -> bytes:
    return json.dumps(
        [
            {"device": {"id": one.vehicle}, "dateTime": _utc(one.at)}
            | _without_none({"latitude": one.lat, "longitude": one.lon, "speed": one.speed_kmh})
            for one in fixes
        ]
    ).encode()


def geotab_intake(fixes: Fixes) -> bytes:
    return json.dumps(
        [
            {"Type": "GpsRecord", "DateTime": _utc(one.at), "SerialNo": one.vehicle}
            | _without_none({"Latitude": one.lat, "Longitude": one.lon, "Speed": one.speed_kmh})
            | {"IsGpsValid": True}
            for one in fixes
        ]
    ).encode()


def _motive(fixes: Fixes, km_per_unit: float) -> bytes:
    return json.dumps(
        {
            "vehicles": [
                {
                    "vehicle": {
                        "id": 7,
                        "number": one.vehicle,
                        "current_location": {
                            "located_at": _utc(one.at),
                            "lat": one.lat,
                            "lon": one.lon,
                            "speed": _times(one.speed_kmh, 1 / km_per_unit),
                            "odometer": 200_000,  # of the device
                            "true_odometer": _times(one.odometer_km, 1 / km_per_unit),
                        },
                    }
                }
                for one in fixes
            ]
        }
    ).encode()


def motive(fixes: Fixes) -> bytes:
    return _motive(fixes, 1.0)


def motive_miles(fixes: Fixes) -> bytes:
    return _motive(fixes, _KM_PER_MILE)


@dataclass(frozen=True)
class Form:
    """A form that a dialect reads, and what it can say."""

    dialect: str
    write: Callable[[Fixes], bytes]
    names_truck: bool = True
    has_odometer: bool = True
    knows_no_odometer: bool = True
    knows_no_speed: bool = True  # of fixes without one; a protocol of bytes says 0
    vehicle_digits: int = 0
    is_of_whole_units: bool = False


FORMS = {
    "traccar": Form("traccar", traccar),
    "traccar, export": Form("traccar", traccar_export),
    "rfms": Form("rfms", rfms),
    "jt808": Form("jt808", jt808, knows_no_speed=False, vehicle_digits=12),
    "jt809": Form("jt809", jt809, knows_no_speed=False, is_of_whole_units=True),
    "jt808, 2019": Form("jt808", jt808_2019, knows_no_speed=False, vehicle_digits=20),
    "jt809, 2019": Form("jt809", jt809_2019, knows_no_speed=False),
    "gpx": Form("gpx", gpx, names_truck=False, has_odometer=False),
    "nmea": Form("nmea", nmea, names_truck=False, has_odometer=False),
    "samsara": Form("samsara", samsara),
    "samsara_stream": Form("samsara_stream", samsara_stream, has_odometer=False),
    "geotab": Form("geotab", geotab, has_odometer=False),
    "geotab, intake": Form("geotab", geotab_intake, has_odometer=False),
    "motive": Form("motive", motive, knows_no_odometer=False),
    "motive-miles": Form("motive-miles", motive_miles, knows_no_odometer=False),
}
"""Every form of positions, by the name of its dialect and a word more."""
