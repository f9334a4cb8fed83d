"""What other systems call our columns: headings that leave no doubt are taken, others are offered.

A heading may name its unit, 装货净重(吨). A mass or a distance is taken only if its unit is told,
by the heading or by the profile: the same words stand over kilograms and tonnes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleet_carbon.ingest.profiles import UNIT_CHOICES, SourceProfile

# Offered in messages, never applied.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "vehicle_id": (
        "vehicle",
        "machine",
        "vin",
        "truck",
        "truck_id",
        "unit",
        "device_id",
        "车牌号",
        "车辆",
    ),
    "driver_id": ("driver", "driver_name", "司机", "司机姓名"),
    "order_id": ("order", "waybill", "shipping_note_number", "运单编号", "运单号"),
    "time": (
        "timestamp",
        "datetime",
        "ts",
        "gps_time",
        "fix_time",
        "located_at",
        "时间",
        "定位时间",
    ),
    "lon": ("lng", "long", "longitude", "x", "经度"),
    "lat": ("latitude", "y", "纬度"),
    "pickup_lon": ("pickup_lng", "pickup_longitude", "origin_lon", "load_lon"),
    "pickup_lat": ("pickup_latitude", "origin_lat", "load_lat"),
    "delivery_lon": ("delivery_lng", "delivery_longitude", "destination_lon", "dropoff_lon"),
    "delivery_lat": ("delivery_latitude", "destination_lat", "dropoff_lat"),
    "pickup_time": ("pickup_at", "load_time", "pickup_date", "pick_up_date", "装货时间"),
    "delivery_time": ("delivery_at", "unload_time", "delivery_date", "卸货时间"),
    "pickup_place": ("pickup_city", "pick_up_city", "origin_city"),
    "delivery_place": ("delivery_city", "destination_city"),
    "cargo_t": ("cargo", "weight", "weight_t", "tonnage", "goods_item_gross_weight", "货物重量"),
    "rated_payload_t": ("payload", "payload_t", "vehicle_tonnage", "核定载质量"),
    "quantity": ("volume", "litres", "liters", "fuel_volume", "加油量"),
    "from": ("start", "start_time", "valid_from", "assigned_from"),
}

# Taken where the file has no column of our name and the profile names none; the first that is
# there serves. No names of persons: identifiers stay in the ledger for good.
_TIME_ZONE = ("time zone", "时区")  # a template for bulk uploads says timeZone
_TRUCK = {
    "vehicle_id": (
        *("车辆编号", "车辆自编号", "自编号", "vehicle number", "truck id", "truck number"),
        *("tractor id", "tractor number", "unit number", "vehicle", "truck", "tractor"),
    ),
    "plate": (
        *("车牌号", "车牌号码", "车牌", "车号", "牵引车牌号", "主车牌号", "承运车牌号"),
        *("plate number", "plate no", "license plate", "licence plate", "truck plate"),
        *("registration number", "registration", "vehicle registration"),
    ),
    "plate_color_code": ("车牌颜色", "车牌颜色代码", "车牌色", "plate color", "plate colour"),
}
_DRIVER = ("司机编号", "司机工号", "驾驶员编号", "driver number", "driver code", "driver ref code")
KNOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "vehicles": _TRUCK
    | {
        "rated_payload_t": ("核定载质量", "核定载重", "核载", "rated payload", "payload"),
        "curb_mass_t": ("整备质量", "curb weight", "kerb weight", "tare weight"),
        "depot": (
            *("场站", "车场", "所属场站", "所属车场", "停车场", "所属网点", "网点"),
            *("home depot", "depot name", "home terminal", "yard"),
        ),
    },
    "orders": _TRUCK
    | {
        "order_id": (
            *("运单编号", "运单号", "运单号码", "托运单号", "订单编号", "订单号"),
            *("waybill number", "waybill no", "waybill", "shipment id", "shipment number"),
            *("load id", "load number", "load no", "order number", "order no", "order"),
        ),
        "driver_id": _DRIVER,
        "cargo_t": (
            *("货物重量", "货重", "净重", "货物净重", "运输重量", "重量"),
            *("cargo weight", "goods weight", "load weight", "shipment weight", "weight"),
        ),
        "loaded_t": (
            *("装货净重", "装车净重", "装货重量", "实装重量", "发货净重", "发货重量", "矿发净重"),
            *("原发净重", "原发重量", "loaded weight", "loading weight", "origin weight"),
        ),
        "unloaded_t": (
            *("卸货净重", "卸车净重", "卸货重量", "实收净重", "实收重量", "收货净重", "收货重量"),
            *("unloaded weight", "unloading weight", "delivered weight", "received weight"),
        ),
        "loss_t": ("货损", "途损", "亏吨", "货损重量", "weight loss", "shortage"),
        "pickup_time": (
            *("装货时间", "实际装货时间", "装车时间", "提货时间", "发货时间", "计划装货时间"),
            *("pickup date time", "pick up time", "loading time", "load time", "pickup at"),
            *("planned pickup", "pickup.actual arrival time"),
        ),
        "delivery_time": (
            *("卸货时间", "实际卸货时间", "卸车时间", "送达时间", "到货时间", "收货时间"),
            *("计划卸货时间", "delivery date time", "unloading time", "unload time"),
            *("delivery at", "planned delivery", "dropoff.actual arrival time"),
        ),
        "pickup_place": (
            *("装货地址", "装货地", "装货地点", "提货地址", "发货地址", "发货地", "起运地"),
            *("始发地", "出发地", "pickup address", "pickup location", "origin address", "origin"),
        ),
        "delivery_place": (
            *("卸货地址", "卸货地", "卸货地点", "收货地址", "收货地", "到达地", "目的地"),
            *("delivery address", "delivery location", "destination address", "destination"),
        ),
        "pickup_lon": ("装货经度", "装货地经度", "发货经度"),
        "pickup_lat": ("装货纬度", "装货地纬度", "发货纬度"),
        "delivery_lon": ("卸货经度", "卸货地经度", "收货经度"),
        "delivery_lat": ("卸货纬度", "卸货地纬度", "收货纬度"),
        "cargo_m3": ("货物体积", "体积", "cargo volume"),
        "shipper_id": ("货主编号", "货主", "货主名称", "客户名称", "客户", "customer", "shipper"),
        "price": ("运费", "运费金额", "总运费", "freight charge"),
        "sfd_km": (
            "最短可行距离",
            "sfd",
            "shortest feasible distance",
            "planned distance",
            "计划里程",
        ),
        "status": ("运单状态", "订单状态", "order status", "shipment status"),
        "time_zone": _TIME_ZONE,
    },
    "energy": _TRUCK
    | {
        "time": (
            *("加油时间", "加气时间", "交易时间", "消费时间", "充电开始时间", "开始充电时间"),
            *("transaction time", "transaction date time", "transaction date", "purchase date"),
            *("session start", "charging start", "start time", "date time"),
        ),
        "unit": ("计量单位", "单位", "volume unit", "unit of measure", "uom"),
        "quantity": (
            *("加油量", "加油升数", "升数", "加气量", "充电量", "充电电量", "电量"),
            *("litres", "liters", "fuel volume", "total fuel volume", "volume", "gallons"),
            *("energy delivered", "charged energy", "energy", "kwh"),
        ),
        "product": ("油品", "油品名称", "商品名称", "商品", "油号", "product name", "fuel type"),
        "price": (
            *("单价", "加油单价", "油价", "unit price", "price per litre", "price per liter"),
            *("price per gallon", "price per kwh"),
        ),
        "amount": (
            *("金额", "加油金额", "交易金额", "消费金额", "充电费用", "总金额"),
            *("total fuel cost", "total cost", "total amount"),
        ),
        "odometer_unit": ("distance unit", "odometer unit", "里程单位"),
        "odometer_km": ("里程表读数", "里程表", "当前里程", "里程", "odometer reading", "odometer"),
        "receipt_id": (
            *("交易流水号", "流水号", "小票号", "交易号", "订单编号", "订单号"),
            *("transaction id", "transaction number", "receipt number", "invoice number"),
            *("reference number", "session id", "charging session id"),
        ),
        "is_full": ("是否加满", "加满", "full tank"),
        "is_partial": ("partial fill-up?", "partial fill"),
        "time_zone": _TIME_ZONE,
    },
}
# Day and clock apart, by the same words: read as one where both are there.
_DAYS_AND_CLOCKS: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "orders": {
        "pickup_time": (
            *(("pickup date", "pickup time"), ("pick up date", "pick up time")),
            *(("装货日期", "装货时间"), ("发货日期", "发货时间")),
        ),
        "delivery_time": (
            *(("delivery date", "delivery time"), ("卸货日期", "卸货时间")),
            ("收货日期", "收货时间"),
        ),
    },
    "energy": {
        "time": (
            *(("transaction date", "transaction time"), ("date", "time")),
            *(("交易日期", "交易时间"), ("加油日期", "加油时间"), ("日期", "时间")),
        ),
    },
}
_QUANTITY_OF = {
    "cargo_t": "cargo", "loaded_t": "cargo", "unloaded_t": "cargo", "loss_t": "cargo",
    "rated_payload_t": "mass", "curb_mass_t": "mass", "tank_l": "fuel", "quantity": "fuel",
    "odometer_km": "odometer", "sfd_km": "distance",
}  # fmt: skip
_UNIT_BESIDE = {"quantity": "unit", "odometer_km": "odometer_unit"}
_UNIT_WORDS = {
    "吨": "t", "公吨": "t", "t": "t", "tonne": "t", "tonnes": "t", "metric ton": "t",
    "公斤": "kg", "千克": "kg", "kg": "kg", "kgs": "kg", "克": "g", "g": "g",
    "磅": "lb", "lb": "lb", "lbs": "lb", "升": "l", "l": "l", "ltr": "l", "litre": "l",
    "litres": "l", "liter": "l", "liters": "l", "us gal": "gal_us", "gal us": "gal_us",
    "公里": "km", "千米": "km", "km": "km", "mi": "mi", "mile": "mi", "miles": "mi", "英里": "mi",
    "m": "m", "米": "m",
}  # fmt: skip
# Words of a heading that are themselves a unit: loads of kWh, litres.
_UNIT_OF_HEADING = {
    "加油量": "l", "加油升数": "l", "升数": "l", "litres": "l", "liters": "l",
    "充电量": "kWh", "充电电量": "kWh", "电量": "kWh", "kwh": "kWh",
}  # fmt: skip
_UNITS_SOLD = {"kwh": "kWh", "度": "kWh", "千瓦时": "kWh", "kg": "kg", "公斤": "kg", "千克": "kg"}
_MONEY = {"元": "CNY", "人民币": "CNY", "cny": "CNY", "rmb": "CNY", "eur": "EUR", "usd": "USD"}
_PER = r"(元|cny|rmb|eur|usd)/(升|l|公斤|kg|度|kwh)"
_CUBIC = ("m3", "立方", "立方米", "方", "cbm")
_BRACKET = re.compile(r"^(.*?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]$")


@dataclass(frozen=True)
class Known:
    """A heading that is taken for one of our columns.

    Attributes
    ----------
    name : str
        As it stands in the file.
    unit : str or None
        Unit that it names, by the words of profiles; kWh and kg of energy likewise.
    currency : str or None
        That it names.
    """

    name: str
    unit: str | None = None
    currency: str | None = None


def squashed(name: str) -> str:
    """A heading without what spellings differ in: case, width, blanks, dots, dashes.

    Examples
    --------
    >>> squashed("Pick-up  Time"), squashed("pickup.actualArrivalTime"), squashed("装货净重（吨）")
    ('pickuptime', 'pickupactualarrivaltime', '装货净重(吨)')
    """
    return re.sub(r"[\s_.\-]+", "", unicodedata.normalize("NFKC", name).lower())


def known_headings(
    kind: str, names: list[str], profile: SourceProfile, *, taken: Mapping[str, object]
) -> dict[str, Known]:
    """Which headings of a file leave no doubt about which of our columns they are.

    Parameters
    ----------
    kind : str
        Kind of file; only those that people export from other systems have headings here.
    names : list of str
        Headings of the file.
    profile : SourceProfile
        May tell the units that headings do not.
    taken : mapping
        Our columns that are found already; they are left as they are.

    Returns
    -------
    known : dict of str to Known
        Our column to the heading.
    """
    headings: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        base, bracket = _parts(name)
        headings.setdefault(squashed(base), []).append((name, bracket))
    found: dict[str, Known] = {}
    for ours, words in KNOWN.get(kind, {}).items():
        if ours in taken:
            continue
        for word in words:
            told = {**taken, **found, **profile.constants}
            fits = (
                _fits(ours, word, *one, profile=profile, told=told)
                for one in headings.get(squashed(word), ())
            )
            known = next((one for one in fits if one is not None), None)
            if known is not None:
                found[ours] = known
                break
    return found


def joined_headings(kind: str, names: list[str]) -> dict[str, tuple[str, str]]:
    """Moments whose day and clock stand in two columns: ours to both headings.

    Examples
    --------
    >>> joined_headings("energy", ["Card", "Transaction Date", "Transaction Time"])
    {'time': ('Transaction Date', 'Transaction Time')}
    """
    by_word = {squashed(name): name for name in reversed(names)}
    found: dict[str, tuple[str, str]] = {}
    for ours, pairs in _DAYS_AND_CLOCKS.get(kind, {}).items():
        for day, clock in pairs:
            if squashed(day) in by_word and squashed(clock) in by_word:
                found.setdefault(ours, (by_word[squashed(day)], by_word[squashed(clock)]))
    return found


def _parts(name: str) -> tuple[str, str]:
    """A heading without the bracket at its end, and what stands in it."""
    written = unicodedata.normalize("NFKC", name).strip()
    found = _BRACKET.match(written)
    return (found[1], found[2].lower()) if found else (written, "")


def _fits(
    ours: str,
    word: str,
    name: str,
    bracket: str,
    *,
    profile: SourceProfile,
    told: Mapping[str, object],
) -> Known | None:
    """The heading as that column; None if its bracket says otherwise or a unit is not told."""
    if ours in ("price", "amount"):
        return _money(word, name, bracket)
    quantity = _QUANTITY_OF.get(ours)
    if quantity is None:
        is_plain = not bracket or (ours == "cargo_m3" and bracket in _CUBIC)
        return Known(name) if is_plain else None
    unit = _UNIT_WORDS.get(bracket) if bracket else _UNIT_OF_HEADING.get(word)
    if ours == "quantity":
        unit = _UNITS_SOLD.get(bracket, unit)
    if unit is None:
        is_told = quantity in profile.units or _UNIT_BESIDE.get(ours) in told
        return Known(name) if is_told and not bracket else None
    is_sold = ours == "quantity" and unit in _UNITS_SOLD.values()
    return Known(name, unit) if is_sold or unit in UNIT_CHOICES[quantity] else None


def _money(word: str, name: str, bracket: str) -> Known | None:
    """Money of the row as it is, or per unit sold: 运价(元/吨) is neither."""
    per = re.fullmatch(_PER, bracket) if word in KNOWN["energy"]["price"] else None
    if not bracket:
        return Known(name)
    currency = _MONEY.get(per[1] if per else bracket)
    return Known(name, None, currency) if currency else None


def offers(layout_names: Iterable[str], ignored: Iterable[str]) -> dict[str, str]:
    """Headings that serve nothing and are often called so: our column to the heading."""
    free = {squashed(_parts(name)[0]): name for name in ignored}
    found = {
        ours: next((free[squashed(one)] for one in nearest_of(ours) if squashed(one) in free), "")
        for ours in layout_names
    }
    return {ours: name for ours, name in found.items() if name}


def nearest_of(ours: str) -> tuple[str, ...]:
    """What is offered for a column that is missing."""
    known = (words for kind in KNOWN.values() for name, words in kind.items() if name == ours)
    return (*OTHER_NAMES.get(ours, ()), *(word for words in known for word in words))
