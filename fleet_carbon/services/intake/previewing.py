"""What a file would be read as: its first rows, and every guess with what it rests on.

Nothing is kept: neither the file nor its rows, and no records are made where there are none.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from fleet_carbon.errors import Rejection, Suspicion
from fleet_carbon.ingest import headers, intake, profiles, suspicions
from fleet_carbon.ingest.checking import ColumnUse
from fleet_carbon.ingest.delimited import DelimitedTable
from fleet_carbon.ingest.readers import Table, form_of
from fleet_carbon.quantification import editions
from fleet_carbon.services.intake import ingesting, references
from fleet_carbon.settings import Settings
from fleet_carbon.statements import previews
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage
from fleet_carbon.units import MICRODEGREES_PER_DEG

_ROWS_READ_MAX = 20_000
_ROWS_SHOWN = 5
_SEPARATOR_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
_QUANTITIES = {
    "speed_kmh": "speed", "odometer_km": "odometer", "quantity": "fuel", "fuel_used_l": "fuel",
    "fuel_level_l": "fuel_level", "gross_mass_t": "mass", "rated_payload_t": "mass",
    "curb_mass_t": "mass", "tank_l": "fuel", "cargo_t": "cargo", "loaded_t": "cargo",
    "unloaded_t": "cargo", "loss_t": "cargo", "sfd_km": "distance",
    "altitude_m": "altitude", "ambient_degc": "ambient",
}  # fmt: skip


@dataclass(frozen=True)
class Guess:
    """How something about the file was found, as a fact and what it rests on."""

    what: str
    value: str
    evidence: str


@dataclass(frozen=True)
class TakenColumn:
    """A column of ours: where it comes from, in which unit it is read, and how it begins.

    Attributes
    ----------
    name : str
        Ours.
    heading : str
        Its name in the file, or how it is made.
    evidence : str
        Why it is taken for that.
    unit : str
        Unit in the file and what it becomes; empty for what has none.
    first : str
        The first cell as it stands in the file.
    """

    name: str
    heading: str
    evidence: str
    unit: str
    first: str


@dataclass
class Preview:
    """What a file would be read as.

    Attributes
    ----------
    file, kind : str
        Its path as given, and what it was taken for.
    rows_read, rows_rejected : int
        Rows looked at, from the first on, and those of them that would be refused.
    guesses : list of Guess
        Form, encoding, separator, zone, coordinates.
    columns : list of TakenColumn
        What each column was taken for.
    columns_ignored : list of str
        What serves nothing.
    offers : dict of str to str
        Our column to a heading that serves nothing and may be it.
    rows : list of dict
        The first sound rows as understood; moments in UTC and, `_local`, in the fleet's zone.
    rejections : list of Rejection
        The first that would be refused.
    suspicions : list of Suspicion
        What looks wrong in the rows looked at.
    remarks : dict of str to int
        As of an intake.
    """

    file: str
    kind: str
    rows_read: int = 0
    rows_rejected: int = 0
    guesses: list[Guess] = field(default_factory=list)
    columns: list[TakenColumn] = field(default_factory=list)
    columns_ignored: list[str] = field(default_factory=list)
    offers: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)
    remarks: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "file": self.file,
            "kind": self.kind,
            "kept": False,
            "rows_read": self.rows_read,
            "rows_rejected": self.rows_rejected,
            "guesses": [vars(one) for one in self.guesses],
            "columns": [vars(one) for one in self.columns],
            "columns_ignored": self.columns_ignored,
            "offers": self.offers,
            "rows": self.rows,
            "rejections": [one.as_dict() for one in self.rejections],
            "suspicions": [one.as_dict() for one in self.suspicions],
            "remarks": dict(sorted(self.remarks.items())),
        }


@dataclass
class Previews:
    """What the files of one command would be read as."""

    files: list[Preview]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"files": [one.as_dict() for one in self.files]}

    def lines(self) -> list[str]:
        """The same for people."""
        return previews.preview_lines(self.as_dict())


def preview_files(
    settings: Settings, kind: str, paths: list[Path], *, source: ingesting.Source
) -> Previews:
    """Read the first rows of the files as `ingest_files` would, and keep nothing.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are; they are looked at if they are there, and not made.
    kind : str
        One of `ingesting.KINDS`.
    paths : list of Path
        Files.
    source : ingesting.Source
        How to read them.

    Raises
    ------
    InputRefused
        If a file as a whole cannot be used.
    """
    fleet_zone, register = _on_record(settings, kind)
    profile = ingesting.profile_of(source, fleet_zone)
    finders = ingesting.finders_of(kind, settings)
    found: list[Preview] = []
    for path in paths:
        look = intake.look_at(
            path,
            kind,
            profile,
            gazetteer=finders.gazetteer,
            rows_max=_ROWS_READ_MAX,
            geocoder=finders.geocoder,
            dialect=source.dialect,
            plates=register.plates if register else None,
        )
        preview = _told(path, kind, look, profile=profile, source=source)
        _judge(preview, look.batch, profile, register=register, zone=ZoneInfo(fleet_zone))
        found.append(preview)
    return Previews(found)


def _on_record(settings: Settings, kind: str) -> tuple[str, references.Register | None]:
    """The fleet's zone and register; the zone of the settings and none for a fleet that is new."""
    is_there = bool(settings.database_url) or settings.home.expanduser().is_dir()
    if not is_there or settings.fleet not in fleets_on_record(settings):
        return settings.timezone, None
    edition = editions.edition_in_force(settings.models_dir, datetime.now(UTC).date())
    with closing(open_storage(settings)) as storage:
        return storage.zone.key, ingesting.register_on_record(storage, kind, edition)


def _told(
    path: Path,
    kind: str,
    look: intake.Look,
    *,
    profile: profiles.SourceProfile,
    source: ingesting.Source,
) -> Preview:
    use = look.batch.columns
    return Preview(
        str(path),
        kind,
        guesses=[
            *_form_guesses(look.table, profile, source.dialect),
            *_meaning_guesses(profile, source),
        ],
        columns=[
            _taken(ours, use, profile, first=look.given.get(ours, []))
            for ours in (*use.headers, *(one for one in profile.constants if one not in use.places))
        ],
        columns_ignored=list(use.ignored),
        offers={
            ours: name
            for ours, name in headers.offers(intake.LAYOUTS[kind].names, use.ignored).items()
            if ours not in use.places
        },
    )


def _form_guesses(table: Table, profile: profiles.SourceProfile, dialect: str) -> list[Guess]:
    if dialect:
        return [Guess("dialect", dialect, "said in the command")]
    found = [Guess("form", form_of(table), "the first bytes of the file")]
    if not isinstance(table, DelimitedTable):
        return found
    told = "the source profile says so"
    by_bytes = {
        "utf-8": "all bytes are UTF-8",
        "utf-16": "a byte-order mark of UTF-16",
        "gb18030": "the bytes are no UTF-8, and all are GB18030",
    }
    separator = _SEPARATOR_NAMES.get(table.separator, table.separator)
    counted = f"it stands most often in the header line; {len(table.names)} columns"
    comma = "412,35 is read as a number, too" if table.decimal_comma else "numbers have points"
    return [
        *found,
        Guess(
            "encoding",
            table.form.encoding,
            told if profile.encoding else by_bytes.get(table.form.encoding, told),
        ),
        Guess("separator", separator, told if profile.separator else counted),
        Guess("decimal mark", "comma or point" if table.decimal_comma else "point", comma),
        Guess(
            "header",
            f"line {table.header_line}" if table.header_line else "none",
            told if profile.header or profile.title_rows else "the first line with cells",
        ),
    ]


def _meaning_guesses(profile: profiles.SourceProfile, source: ingesting.Source) -> list[Guess]:
    in_profile = "the source profile or the default"
    zone = "said in the command" if source.time_zone else "the source profile, or the fleet's zone"
    rules = [
        Guess(
            "rows kept" if one.keeps else "rows left out",
            f"{one.column}: {', '.join(word or '(empty)' for word in one.words)}",
            "a filter of the source profile",
        )
        for one in profile.filters
    ]
    return [
        Guess("zone of times without offset", profile.time_zone, zone),
        Guess("coordinates", profile.crs, "said in the command" if source.crs else in_profile),
        *rules,
    ]


def _taken(
    ours: str, use: ColumnUse, profile: profiles.SourceProfile, *, first: list[Any]
) -> TakenColumn:
    cell = next((one for one in first if one is not None), None)
    shown = profile.constants.get(ours, "") if cell is None else str(cell)
    heading = use.headers.get(ours, "(every row)")
    return TakenColumn(
        ours, heading, _evidence(ours, use, profile), _unit(ours, use, profile), shown
    )


def _evidence(ours: str, use: ColumnUse, profile: profiles.SourceProfile) -> str:
    if ours in use.known:
        return "a heading that other systems use"
    if ours in profile.joins:
        return "joined by the source profile"
    if any(join.place == use.places.get(ours) for join in use.joins):
        return "day and clock by headings that other systems use"
    if ours in profile.columns or ours not in use.headers:
        return "the source profile says so"
    frame_name = intake.frame_name(ours)
    return "the source profile says so" if frame_name in profile.columns else "our name"


def _unit(ours: str, use: ColumnUse, profile: profiles.SourceProfile) -> str:
    quantity = _QUANTITIES.get(ours)
    if quantity is None or (ours == "quantity" and "unit" in {**use.places, **use.constants}):
        return use.constants.get("unit", "") if ours == "quantity" else ""
    if ours == "odometer_km" and "odometer_unit" in use.headers:
        return ""
    house = profiles.HOUSE_UNITS[quantity]
    known = use.known.get(ours)
    given = use.unit(ours, quantity, profile)
    if quantity in profile.units:
        why = "source profile"
    elif known is not None and known.unit is not None:
        why = "heading"
    else:
        return f"{house} (ours)"
    return f"{given} -> {house} ({why})" if given != house else f"{house} ({why})"


def _judge(
    preview: Preview,
    batch: intake.Batch,
    profile: profiles.SourceProfile,
    *,
    register: references.Register | None,
    zone: ZoneInfo,
) -> None:
    """Put in what became of the rows: against the register, too, if there is one."""
    rows, refused = batch.rows, list(batch.rejections)
    unit = batch.columns.mass_unit(preview.kind, profile)
    if register is not None:
        rows, more = references.check_rows(
            rows,
            preview.kind,
            register,
            file=Path(preview.file).name,
            headers=batch.columns.headers,
            mass_unit=unit,
        )
        refused = sorted([*refused, *more], key=lambda one: one.line)
        if preview.kind == "orders":
            counts = references.light_loads(rows, register)
            preview.suspicions += ingesting.light_suspicions(*counts, unit=unit)
    collector = suspicions.SuspicionCollector(preview.kind, profile)
    collector.add(batch.rows, batch.tallies, batch.rejections, mass_unit=unit)
    preview.rows_read, preview.rows_rejected = batch.rows_read, len(refused)
    preview.rejections = refused[: ingesting.REJECTIONS_SHOWN]
    preview.suspicions += collector.findings(datetime.now(UTC))
    preview.remarks = dict(batch.remarks)
    preview.rows = [_row(one, zone) for one in rows.head(_ROWS_SHOWN).to_dict("records")]


def _row(row: dict[Any, Any], zone: ZoneInfo) -> dict[str, Any]:
    """A row as understood, JSON-ready, without what it does not have."""
    told: dict[str, Any] = {"line": int(row["line"])}
    for name, value in row.items():
        if name == "line" or pd.isna(value):
            continue
        if name == "time_ms":
            name, value = "time", pd.Timestamp(int(value), unit="ms", tz="UTC")
        elif name in ("lon_udeg", "lat_udeg"):
            name, value = name.removesuffix("_udeg"), int(value) / MICRODEGREES_PER_DEG
        if isinstance(value, pd.Timestamp):
            told[name] = value.to_pydatetime().isoformat()
            told[f"{name}_local"] = value.tz_convert(zone).to_pydatetime().isoformat()
        else:
            told[name] = value.item() if hasattr(value, "item") else value
    return told
