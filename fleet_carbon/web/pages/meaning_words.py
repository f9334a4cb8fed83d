"""The words around what figures mean; the meanings stand in `statements.definitions`."""

from __future__ import annotations

MEANING_WORDS: dict[str, tuple[str, str]] = {
    "meanings": ("What the figures mean", "各项数值的含义"),
    "meaning_told": ("{text} [{unit}] {interval}", "{text}[{unit}] {interval}"),
    "meaning_counted": ("{text} {interval}", "{text}{interval}"),
    "interval_of": ("90% interval: {range}", "90% 区间：{range}"),
    "show_intervals": ("Show 90% intervals", "显示 90% 区间"),
    "source_told": ("Source: {source}", "来源：{source}"),
    "unit_money": ("the currency shown", "所示币种"),
    "co2_of": ("CO₂", "CO₂"),
    "idle_of": ("Engine on", "怠速"),
}
