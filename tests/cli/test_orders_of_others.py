"""Orders as other systems write them, from the register to the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.running import CommandLine

GOLDEN = Path(__file__).resolve().parents[1] / "ingest" / "dialects" / "golden"
TRUCK = {"vehicleNumber": "赣A00000", "vehicleTonnage": "32", "vehicleEnergyType": "B"}


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[f"rows_{one}"] for one in ("read", "accepted", "duplicate", "rejected"))


def test_waybills_find_their_trucks_by_plate_and_color(cli: CommandLine, tmp_path: Path) -> None:
    trucks = [TRUCK | {"vehiclePlateColorCode": color} for color in ("2", "94")]
    (tmp_path / "trucks.json").write_text(json.dumps(trucks), encoding="utf-8")
    told = ["--dialect", "network_freight", "--json"]
    assert counts(cli("ingest", "vehicles", tmp_path / "trucks.json", *told).json) == (2, 2, 0, 0)

    waybill = json.loads((GOLDEN / "network_freight.json").read_bytes())
    unsaid = json.loads(json.dumps(waybill)) | {"serialNumber": "0001"}
    del unsaid["vehicleInfo"][0]["vehiclePlateColorCode"]
    grams = json.loads(json.dumps(waybill)) | {"serialNumber": "0002"}
    grams["vehicleInfo"][0]["goodsInfo"][0]["goodsItemGrossWeight"] = "31500000"
    path = tmp_path / "waybills.json"
    path.write_text("\n".join(map(json.dumps, (waybill, unsaid, grams))), encoding="utf-8")
    ran = cli("ingest", "orders", path, *told)
    assert (ran.code, counts(ran.json)) == (1, (3, 1, 0, 2))
    refused = {one["line"]: one for one in ran.json["rejections"]}
    assert refused[2]["code"] == "plate_ambiguous"
    assert refused[3]["code"] == "cargo_exceeds_vehicle"
    # The waybill's kilograms are declared: what would fit a thousandth of them is grams.
    assert "Read as g instead of kg it is 31.5 t" in refused[3]["text"]
    assert [one["code"] for one in ran.json["suspicions"]] == ["cargo_unit_fits_g"]
    assert counts(cli("ingest", "orders", path, *told).json) == (3, 0, 1, 2)

    # The same file in the headings of a dispatch system: the report says what was taken.
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "运单编号,车牌号,车牌颜色,装货净重(吨),装货地,装货时间,卸货地,卸货时间\n"
        "Y1,赣A00000,黄,30,南昌县,2024-03-02 06:45,闽侯县,2024-03-02 15:30\n",
        encoding="gb18030",
    )
    ran = cli("ingest", "orders", sheet, "--json")
    assert counts(ran.json) == (1, 1, 0, 0)
    assert ran.json["files"][0]["columns_taken"]["loaded_t"] == "装货净重(吨)"
    assert "loaded_t from 装货净重(吨)" in cli("ingest", "orders", sheet).out
