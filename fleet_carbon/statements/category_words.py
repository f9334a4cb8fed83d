"""What transport operation categories are called in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.statements.wording import ENERGIES, Words

Pair = tuple[str, str]

CLASSES: dict[str, Pair] = {
    "rigid_7_5t": ("Rigid truck, 7.5 t", "7.5 吨载货车"),
    "rigid_18t": ("Rigid truck, 18 t", "18 吨载货车"),
    "rigid_26t": ("Rigid truck, 26 t", "26 吨载货车"),
    "tractor_trailer": ("Tractor and trailer", "半挂牵引车"),
}
NO_CLASS: Pair = ("Trucks of no class", "未分类车辆")

BANDS: dict[str, Pair] = {
    "local": ("Local", "同城"),
    "short": ("Short", "短途"),
    "middle": ("Middle", "中途"),
    "long": ("Long", "长途"),
}

LOADINGS: dict[str, Pair] = {
    "FTL": ("full load (FTL)", "整车（FTL）"),
    "LTL": ("part load (LTL)", "零担（LTL）"),
}

DISTANCES: dict[str, Pair] = {
    "gcd": ("great circle (GCD)", "大圆距离（GCD）"),
    "sfd": ("shortest feasible (SFD)", "最短可行距离（SFD）"),
}


def category_name(row: Mapping[str, Any], language: str) -> str:
    """A category in words.

    Parameters
    ----------
    row : mapping
        `vehicle_class`, `energy`, `distance_band`, `loading` and `distance_kind` of a row of
        `frames.TOCS`.
    language : str
        ``en`` or ``zh``.

    Examples
    --------
    >>> row = {"vehicle_class": "rigid_18t", "energy": "diesel", "distance_band": "long"}
    >>> category_name(row | {"loading": "FTL", "distance_kind": "gcd"}, "en")
    'Rigid truck, 18 t · diesel · Long · full load (FTL) · great circle (GCD)'
    """
    words = Words(language)
    truck = row["vehicle_class"]
    parts = (
        words.of(CLASSES, truck) if truck else words.choose(NO_CLASS),
        words.of(ENERGIES, row["energy"]),
        words.of(BANDS, row["distance_band"]),
        words.of(LOADINGS, row["loading"]),
        words.of(DISTANCES, row["distance_kind"]),
    )
    return " · ".join(parts)
