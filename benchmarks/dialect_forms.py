"""What other systems write, by the row, for `benchmarks.dialect_rate`."""

from __future__ import annotations

import json
import struct
from binascii import crc_hqx
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from operator import xor
from typing import Any

TRUCKS, BEGIN_S = 100, 1_772_000_000
CHINA = timezone(timedelta(hours=8))
_EXPORT_HEADING = (
    "ID,PROTOCOL,DEVICEID,SERVERTIME,DEVICETIME,FIXTIME,VALID,LATITUDE,LONGITUDE,ALTITUDE,SPEED,"
    "COURSE,ADDRESS,ATTRIBUTES,ACCURACY,NETWORK,GEOFENCEIDS\n"
)
_GPX_HEAD = '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'


@dataclass(frozen=True)
class Form:
    """A form that is measured.

    Attributes
    ----------
    dialect : str
        By which it is read; empty for tables that are read by their headings.
    write : callable
        So many rows of it.
    kind : str
        What the rows are.
    constants : str
        The truck of a file that names none.
    share : float
        How many rows are measured, of those asked for: what is held whole and long is fewer.
    """

    dialect: str
    write: Callable[[int], bytes]
    kind: str = "positions"
    constants: str = ""
    share: float = 1.0


def _fixes(rows: int) -> Iterator[tuple[int, str, float, float]]:
    """Number, moment in UTC, latitude and longitude."""
    day, text = -1, ""
    for row in range(rows):
        at_s = BEGIN_S + row
        if at_s // 86_400 != day:
            day = at_s // 86_400
            text = f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}"
        clock_s = at_s % 86_400
        clock = f"{clock_s // 3600:02d}:{clock_s // 60 % 60:02d}:{clock_s % 60:02d}"
        yield row, f"{text}T{clock}Z", 30 + row % 10_000 / 1e4, 104 + row % 9_999 / 1e4


def traccar_api(rows: int) -> bytes:
    """A list of positions."""
    told = (
        f'{{"id":{row},"deviceId":{row % TRUCKS},"protocol":"teltonika","serverTime":"{at}",'
        f'"deviceTime":"{at}","fixTime":"{at}","outdated":false,"valid":true,"latitude":{lat},'
        f'"longitude":{lon},"altitude":32.0,"speed":29.4,"course":30.0,"address":null,'
        f'"accuracy":0.0,"attributes":{{"odometer":{1000 * row},"ignition":true}}}}'
        for row, at, lat, lon in _fixes(rows)
    )
    return f"[{','.join(told)}]".encode()


def traccar_export(rows: int) -> bytes:
    """The table of positions of its database."""
    lines = (
        f"{row},teltonika,{row % TRUCKS},{at[:10]} {at[11:19]},{at[:10]} {at[11:19]},"
        f"{at[:10]} {at[11:19]},TRUE,{lat},{lon},32,29.4,30,,"
        f'"{{""odometer"":{1000 * row},""ignition"":true}}",0,,'
        for row, at, lat, lon in _fixes(rows)
    )
    return (_EXPORT_HEADING + "\n".join(lines)).encode()


def rfms_statuses(rows: int) -> bytes:
    """Pages of a thousand statuses, one on each line."""
    told = [
        f'{{"vin":"TESTVIN{row % TRUCKS:010d}","triggerType":{{"context":"RFMS","triggerType":'
        f'"TIMER"}},"createdDateTime":"{at}","receivedDateTime":"{at}","hrTotalVehicleDistance":'
        f'{1000 * row},"grossCombinationVehicleWeight":23456,"engineTotalFuelUsed":{300 * row},'
        f'"snapshotData":{{"gnssPosition":{{"latitude":{lat},"longitude":{lon},"heading":30,'
        f'"altitude":32,"speed":54.5,"positionDateTime":"{at}"}},"wheelBasedSpeed":54.3}}}}'
        for row, at, lat, lon in _fixes(rows)
    ]
    pages = (
        f'{{"vehicleStatusResponse":{{"vehicleStatuses":[{",".join(told[first : first + 1000])}]}},'
        f'"moreDataAvailable":false,"requestServerDateTime":"2026-03-02T06:14:00Z"}}'
        for first in range(0, rows, 1000)
    )
    return "\n".join(pages).encode()


def geotab_log(rows: int) -> bytes:
    """A list of log records."""
    told = (
        f'{{"device":{{"id":"b{row % TRUCKS}"}},"dateTime":"{at[:-1]}.000Z","latitude":{lat},'
        f'"longitude":{lon},"speed":65.4,"id":"c{row}"}}'
        for row, at, lat, lon in _fixes(rows)
    )
    return f"[{','.join(told)}]".encode()


def samsara_history(rows: int) -> bytes:
    """A page of each truck."""
    held: list[list[str]] = [[] for _ in range(TRUCKS)]
    for row, at, lat, lon in _fixes(rows):
        held[row % TRUCKS].append(
            f'{{"time":"{at}","latitude":{lat},"longitude":{lon},"headingDegrees":120,'
            f'"speedMilesPerHour":48.3,"isEcuSpeed":true,"reverseGeo":{{"formattedLocation":"x"}},'
            f'"decorations":{{"obdOdometerMeters":{{"value":{1000 * row}}}}}}}'
        )
    pages = (
        f'{{"data":[{{"id":"{truck}","name":"Truck {truck}","gps":[{",".join(fixes)}]}}]}}'
        for truck, fixes in enumerate(held)
    )
    return "\n".join(pages).encode()


def motive_locations(rows: int) -> bytes:
    """One answer."""
    told = (
        f'{{"vehicle":{{"id":{row % TRUCKS},"number":"T{row % TRUCKS}","current_location":'
        f'{{"located_at":"{at}","lat":{lat},"lon":{lon},"bearing":30,"speed":54.5,'
        f'"odometer":200000,"true_odometer":{row}.5,"fuel_primary_remaining_percentage":50}}}}}}'
        for row, at, lat, lon in _fixes(rows)
    )
    return f'{{"vehicles":[{",".join(told)}]}}'.encode()


def gpx_track(rows: int) -> bytes:
    """A track."""
    points = (
        f'<trkpt lat="{lat}" lon="{lon}"><ele>32</ele><time>{at}</time></trkpt>\n'
        for _, at, lat, lon in _fixes(rows)
    )
    return f"{_GPX_HEAD}<trk><trkseg>{''.join(points)}</trkseg></trk></gpx>".encode()


def nmea_log(rows: int) -> bytes:
    """Sentences RMC."""
    lines = []
    for row, at, _, _ in _fixes(rows):
        clock = at[11:13] + at[14:16] + at[17:19]
        place = f"30{row % 6000 / 100:09.6f},N,104{row % 5999 / 100:09.6f},E"
        said = f"GPRMC,{clock},A,{place},029.4,030.0,{at[8:10]}{at[5:7]}{at[2:4]},,"
        lines.append(f"${said}*{reduce(xor, said.encode()):02X}\r\n")
    return "".join(lines).encode()


def jt809_frames(rows: int) -> bytes:
    """Locations 0x1202 of 2011; a thousand different ones, again and again."""
    made = []
    for row in range(min(rows, 1000)):
        at = datetime.fromtimestamp(BEGIN_S + row, CHINA)
        plate = f"赣B{row % TRUCKS:05d}".encode("gbk").ljust(21, b"\0")
        place = struct.pack(
            ">BBBHBBBIIHHIHHII",
            0,
            *(at.day, at.month, at.year, at.hour, at.minute, at.second),
            *(104_000_000 + row, 30_000_000 + row, 60, 60, 1 + row, 89, 500, 3, 0),
        )
        body = plate + b"\2" + struct.pack(">HI", 0x1202, len(place)) + place
        head = struct.pack(">IIHIBBBBI", 26 + len(body), row, 0x1200, 123_456, 1, 0, 0, 0, 0)
        whole = head + body
        whole += struct.pack(">H", crc_hqx(whole, 0xFFFF))
        for byte, stands in ((0x5A, b"\x5a\x02"), (0x5B, b"\x5a\x01")):
            whole = whole.replace(bytes([byte]), stands)
        escaped = whole.replace(b"\x5e", b"\x5e\x02").replace(b"\x5d", b"\x5e\x01")
        made.append(b"\x5b" + escaped + b"\x5d")
    return b"".join(made * -(-rows // len(made)))


def waybills(rows: int) -> bytes:
    """Waybills of network freight, one on each line."""
    day = datetime(2026, 3, 2, 6, 45, tzinfo=CHINA)
    lines = []
    for row in range(rows):
        at = day + timedelta(minutes=row % 40_000)
        until = at + timedelta(minutes=525)
        lines.append(
            f'{{"shippingNoteNumber":"YD{row:012d}","serialNumber":"0000","vehicleAmount":"1",'
            f'"transportTypeCode":"1","despatchActualDateTime":"{at:%Y%m%d%H%M%S}",'
            f'"goodsReceiptDateTime":"{until:%Y%m%d%H%M%S}","consignorInfo":{{"consignor":"甲公司",'
            f'"placeOfLoading":"江西省南昌市南昌县莲塘镇1号","countrySubdivisionCode":"360121"}},'
            f'"consigneeInfo":{{"consignee":"乙公司","goodsReceiptPlace":"福建省福州市闽侯县2号",'
            f'"countrySubdivisionCode":"350121"}},"totalMonetaryAmount":"6800.000","vehicleInfo":'
            f'[{{"vehiclePlateColorCode":"2","vehicleNumber":"赣A{row % TRUCKS:05d}","goodsInfo":'
            f'[{{"descriptionOfGoods":"瓷砖","cargoTypeClassificationCode":"0500",'
            f'"goodsItemGrossWeight":"31500.000","totalNumberOfPackages":"900"}}]}}]}}'
        )
    return "\n".join(lines).encode()


def _stop(name: str, at: datetime, lat: float, lon: float, what: str) -> dict[str, Any]:
    """A stop of a trip at which the same consignment is loaded or unloaded."""
    held: dict[str, Any] = {"id": "c1", "status": "completed"}
    if what == "load":
        goods = {"id": "g1", "grossWeight": {"value": 12_500, "unit": "KGM"}}
        held["goods"] = [_inline(goods)]
    where = {"type": "latLonPointGeoReference", "lat": lat, "lon": lon}
    deed = {"id": f"{name}-{what}", "actionType": what, "consignment": _inline(held)}
    return _inline(
        {
            "id": name,
            "actionType": "stop",
            "startTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "endTime": f"{at + timedelta(minutes=45):%Y-%m-%dT%H:%M:%SZ}",
            "location": _inline({"id": name, "name": name, "geoReference": where}),
            "actions": [_inline(deed)],
        }
    )


def _inline(entity: dict[str, Any]) -> dict[str, Any]:
    return {"associationType": "inline", "entity": entity}


def otm5_trips(rows: int) -> bytes:
    """Trips with two stops, one on each line."""
    lines, day = [], datetime(2026, 3, 2, 6, tzinfo=UTC)
    for row in range(rows):
        at = day + timedelta(minutes=row % 40_000)
        vehicle = {"id": f"v{row % TRUCKS}", "licensePlate": f"AB-{row % TRUCKS:03d}-C"}
        stops = [
            _stop("depot", at, 52.1, 5.1, "load"),
            _stop("shop", at + timedelta(hours=4), 51.5, 3.6, "unload"),
        ]
        trip = {"id": f"t{row}", "status": "completed", "actions": stops}
        lines.append(json.dumps({**trip, "vehicle": _inline(vehicle)}))
    return "\n".join(lines).encode()


def tms_export(rows: int) -> bytes:
    """A Chinese dispatcher's table."""
    heading = "运单编号,车牌号,装货时间,卸货时间,装货净重(吨),卸货净重(吨),装货地,卸货地"
    day = datetime(2026, 3, 2, 6, 45, tzinfo=CHINA)
    lines = [heading]
    for row in range(rows):
        at = day + timedelta(minutes=row % 40_000)
        until = at + timedelta(hours=9)
        lines.append(
            f"YD{row:09d},赣A{row % TRUCKS:05d},{at:%Y-%m-%d %H:%M},{until:%Y-%m-%d %H:%M},"
            "31.5,31.4,江西省南昌市,福建省福州市"
        )
    return "\n".join(lines).encode("gb18030")


def fuel_card(rows: int) -> bytes:
    """A statement of a card, headings below titles."""
    heading = (
        "Motor card\tstatement\n\nAccount No\tTransaction Date\tTransaction Time\tAmount\t"
        "Registration\tProduct Code\tProduct Name\tLitres\tOdometer (km)\tVoucher"
    )
    lines = [heading]
    for row, at, _, _ in _fixes(rows):
        lines.append(
            f"700001\t{at[:10]}\t{at[11:16]}\t3059.64\tAB-{row % TRUCKS:03d}-C\t05\tDiesel\t"
            f"412.35\t{123_456 + row}\tV{row}"
        )
    return "\n".join(lines).encode()


def ocpi_records(rows: int) -> bytes:
    """Charge detail records, one on each line."""
    lines = (
        f'{{"id":"CDR-{row}","start_date_time":"{at}","end_date_time":"{at}","cdr_token":'
        f'{{"uid":"04A1B2C3","contract_id":"T{row % TRUCKS}"}},"cdr_location":{{"id":"L1",'
        f'"coordinates":{{"latitude":"53.55","longitude":"9.99"}}}},"currency":"EUR","total_cost":'
        f'{{"excl_vat":125.0,"incl_vat":148.75}},"total_energy":250.0,"total_time":2.5}}'
        for row, at, _, _ in _fixes(rows)
    )
    return "\n".join(lines).encode()


OTHERS = {
    "Traccar, answer of the API": Form("traccar", traccar_api),
    "Traccar, export of the database": Form("traccar", traccar_export),
    "rFMS, pages of statuses": Form("rfms", rfms_statuses),
    "JT/T 809, frames": Form("jt809", jt809_frames),
    "Geotab, log records": Form("geotab", geotab_log),
    "Samsara, history": Form("samsara", samsara_history),
    "Motive, locations": Form("motive", motive_locations),
    "GPX, a track": Form("gpx", gpx_track, constants="T1"),
    "NMEA, a log": Form("nmea", nmea_log, constants="T1"),
    "fuel card, a statement": Form("fuel_card", fuel_card, "energy"),
    "OCPI, charging": Form("ocpi", ocpi_records, "energy", constants="T1"),
    "network freight, waybills": Form("network_freight", waybills, "orders", share=0.1),
    "Open Trip Model 5, trips": Form("otm5", otm5_trips, "orders", share=0.1),
    "dispatcher's table in Chinese": Form("", tms_export, "orders", share=0.1),
}
"""Forms without a naive reader beside them."""
