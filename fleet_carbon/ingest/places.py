"""Places without coordinates: the offline gazetteer of China's provinces, cities and districts.

A place found by name is a whole administrative unit, so it always comes with the radius that covers
the unit. An online geocoder can be put in front (`Geocoder`); this room never opens a connection.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.coordinates import Mainland

COLLECTED_DIR = Path(__file__).resolve().parents[1] / "_collected"
PROVINCE, CITY, DISTRICT = "province", "city", "district"

# The peoples whose names stand in the official names of autonomous counties and banners.
_PEOPLES = (
    "蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 拉祜 水"
    " 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒"
    " 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺 各"
).split()
_AUTONOMOUS = re.compile(rf"^(.{{2,}}?)((?:{'|'.join(_PEOPLES)})?族)*(?:自治县|自治旗|联合旗)$")
_COUNTY_SUFFIXES = ("县", "市", "旗", "林区", "特区", "区")
_ROAD_AFTER = ("路", "街", "道", "巷", "弄", "大道", "大街", "公路", "高速")
_ADCODE = re.compile(r"^\d{6}(\d{3}|\d{6})?$")
_CANDIDATES_SHOWN = 5


@dataclass(frozen=True)
class Place:
    """An administrative unit, or what a geocoder found.

    Attributes
    ----------
    lon, lat : float
        A point inside, WGS-84. [deg]
    uncertainty_km : float
        Radius round the point that covers the whole unit. [km]
    name : str
        Full name with its parents.
    adcode : str
        Six digits by GB/T 2260; empty if unknown.
    level : str
        province, city, district, or what the geocoder says.
    """

    lon: float
    lat: float
    uncertainty_km: float
    name: str
    adcode: str = ""
    level: str = ""


class Geocoder(Protocol):
    """What services put in front of the gazetteer where the user configures it."""

    def locate(self, text: str) -> Place | None:
        """The place that the text names, or None."""
        ...


@dataclass(frozen=True)
class _Unit:
    place: Place
    own_name: str
    short_names: tuple[str, ...]
    parents: tuple[str, ...]  # adcodes of the units above


@dataclass(frozen=True)
class _Index:
    by_code: dict[str, _Unit]
    full: dict[str, list[_Unit]]
    short: dict[str, list[_Unit]]
    longest: int  # characters of the longest name


class Gazetteer:
    """Units by code and by name, read when the first is asked for.

    Parameters
    ----------
    folder : Path
        Folder with ``gazetteer.csv`` and ``mainland.wkb``.
    """

    def __init__(self, folder: Path = COLLECTED_DIR) -> None:
        self._folder = folder

    @classmethod
    def load(cls, folder: Path = COLLECTED_DIR) -> Gazetteer:
        """The collected gazetteer, read at once.

        Raises
        ------
        InputRefused
            If it has not been collected, with the command that does.
        """
        gazetteer = cls(folder)
        len(gazetteer)
        return gazetteer

    @cached_property
    def _index(self) -> _Index:
        path = self._folder / "gazetteer.csv"
        if not path.is_file():
            raise InputRefused(
                "geography_missing",
                f"gazetteer.csv is not in {self._folder}.",
                "In a checkout run: python hatch_build.py. A wheel brings the file along.",
            )
        with path.open(encoding="utf-8", newline="") as stream:
            return _indexed(_units(list(csv.DictReader(stream))))

    @cached_property
    def mainland(self) -> Mainland:
        """The mainland polygon collected with it."""
        return Mainland.load(self._folder / "mainland.wkb")

    def __len__(self) -> int:
        return len(self._index.by_code)

    def look_up(self, text: str) -> Place | None:
        """The one place that the text names; None if it names none or several."""
        found = self.candidates(text)
        return found[0] if len(found) == 1 else None

    def candidates(self, text: str) -> list[Place]:
        """All places that the text may mean: none, one, or several equally good ones.

        Parameters
        ----------
        text : str
            A region code (6, 9 or 12 digits), a name (韩城市, 韩城) or an address
            (陕西省渭南市韩城市龙门镇). Names are taken from left to right, each inside the one
            before it; the smallest unit named counts.
        """
        plain = unicodedata.normalize("NFKC", text)
        plain = re.sub(r"[\s,，、;；/\-_()（）·]+", "", plain)
        if _ADCODE.match(plain):
            return self._by_code(plain[:6])
        return [unit.place for unit in _smallest_common(self._walk(plain))]

    def describe(self, places: list[Place]) -> str:
        """The places in words, for a message."""
        shown = [f"{place.name} ({place.adcode})" for place in places[:_CANDIDATES_SHOWN]]
        more = len(places) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "")

    def _by_code(self, adcode: str) -> list[Place]:
        """The unit of the code; for a code that is not in force any more, the unit above it."""
        for code in (adcode, adcode[:4] + "00", adcode[:2] + "0000"):
            if code in self._index.by_code:
                return [self._index.by_code[code].place]
        return []

    def _walk(self, text: str) -> list[_Unit]:
        """Units that fit all names read so far, from left to right."""
        chosen: list[_Unit] = []
        for name, full, short in self._names_in(text):
            if not chosen:
                chosen = full or _telling(short, alone=name == text)
                continue
            above = {unit.place.adcode for unit in chosen}
            for named in (full, short):
                inside = [unit for unit in named if above & set(unit.parents)]
                if inside:
                    chosen = inside
                    break
        return chosen

    def _names_in(self, text: str) -> Iterator[tuple[str, list[_Unit], list[_Unit]]]:
        """Names in the text, the longest at each place; a short name before 路 is a road."""
        index, place = self._index, 0
        while place < len(text):
            step = 1
            for length in range(min(index.longest, len(text) - place), 1, -1):
                name = text[place : place + length]
                full, short = index.full.get(name, []), index.short.get(name, [])
                if not full and text.startswith(_ROAD_AFTER, place + length):
                    short = []
                if full or short:
                    yield name, full, short
                    step = length
                    break
            place += step


def _telling(units: list[_Unit], *, alone: bool) -> list[_Unit]:
    """Units that a short name may mean where nothing stands before it.

    The short name of a 区 is often a common word (光明, 新华, 和平): it counts only if the text
    says nothing else and no province, nor a city right under one, has that name (西安, 中山).
    """
    others = [u for u in units if u.place.level != DISTRICT or not u.own_name.endswith("区")]
    higher = any(len(unit.parents) < 2 for unit in others)
    return units if alone and not higher else others


def _smallest_common(units: list[_Unit]) -> list[_Unit]:
    """One unit if it contains all others, a province if only one is; else all of them."""
    for unit in units:
        code = unit.place.adcode
        if all(other is unit or code in other.parents for other in units):
            return [unit]
    provinces = [unit for unit in units if unit.place.level == PROVINCE]
    return provinces if len(provinces) == 1 else units


def _indexed(units: list[_Unit]) -> _Index:
    full: dict[str, list[_Unit]] = {}
    short: dict[str, list[_Unit]] = {}
    for unit in units:
        full.setdefault(unit.own_name, []).append(unit)
        for name in unit.short_names:
            short.setdefault(name, []).append(unit)
    by_code = {unit.place.adcode: unit for unit in units}
    return _Index(by_code, full, short, max(map(len, (*full, *short))))


def _units(rows: list[dict[str, str]]) -> list[_Unit]:
    codes = {
        (row["province"], row["name"]): row["adcode"] for row in rows if row["level"] != DISTRICT
    }
    return [_unit(row, codes) for row in rows]


def _unit(row: dict[str, str], codes: dict[tuple[str, str], str]) -> _Unit:
    name, city, province = row["name"], row["city"], row["province"]
    named = dict.fromkeys((province, city, name))
    place = Place(
        lon=float(row["lon"]),
        lat=float(row["lat"]),
        uncertainty_km=float(row["radius_km"]),
        name="".join(part for part in named if part),
        adcode=row["adcode"],
        level=row["level"],
    )
    above = {codes.get((province, parent), "") for parent in (province, city)}
    above -= {"", row["adcode"]}
    return _Unit(place, name, _short_names(row), tuple(sorted(above)))


def _short_names(row: dict[str, str]) -> tuple[str, ...]:
    """Names without the word for the kind of unit, of two characters or more."""
    name = row["name"]
    shorts = {row["short_name"]} - {name}
    autonomous = _AUTONOMOUS.match(name)
    if autonomous:
        shorts.add(autonomous[1])
    else:
        suffix = next((s for s in _COUNTY_SUFFIXES if name.endswith(s)), None)
        shorts.add(name.removesuffix(suffix) if suffix else name)
    return tuple(sorted(short for short in shorts - {name} if len(short) >= 2))
