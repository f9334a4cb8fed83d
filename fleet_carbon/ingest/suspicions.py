"""What looks wrong in a file as a whole: reported with its evidence and the remedy, never applied.

Single rows can all be sound while the file speaks of knots, of metres, of another zone or of
another coordinate system. Each test here compares what the file states with what its own fixes
say; where there is too little to compare, it stays silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from fleet_carbon.errors import Rejection, Suspicion
from fleet_carbon.ingest.coordinates import Pair, as_wgs84_everywhere
from fleet_carbon.ingest.positions import CELLS_COUNT, GPS_ROLLOVER_DAYS, cell_counts
from fleet_carbon.ingest.profiles import UNIT_CHOICES, SourceProfile
from fleet_carbon.ingest.values import Flags, Floats, Ints, to_local_ms
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.units import MICRODEGREES_PER_DEG, SECONDS_PER_H, mass_unit_beside

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
_MS_PER_DAY = 86_400_000
_ROWS_OF_BATCH = 50_000  # a sample: consecutive rows from the head of each batch
_SAMPLE_ROWS = 250_000
_DAYS_COUNTED = 4_000  # days that may lie between the first and the last to be counted one by one
_FIRST_BELIEVABLE = datetime(2000, 1, 1, tzinfo=UTC)

# How sure a test must be before it speaks.
_RATIO_PAIRS, _RATIO_NEAR, _RATIO_FAR, _RATIO_SPREAD = 30, 0.06, 0.15, 1.3
_ODOMETER_NEAR, _ODOMETER_KM = 0.15, 5.0
_QUIET_HOURS, _QUIET_SHARE, _QUIET_DAYS, _QUIET_KM = 6, 0.03, 3, 200.0
_ROADLESS_LATITUDE = 72.0  # no public road lies farther north or south
_PADDING_COUNT = 1_000


@dataclass
class _Pairs:
    """Consecutive fixes of the same truck, as arrays of equal length."""

    vehicle: pd.Series[str]
    at_ms: Ints
    gap_s: Floats
    path_km: Floats
    speed_kmh: Floats
    stated_kmh: Floats
    stated_spread_share: Floats
    odometer_km: Floats

    @property
    def driven(self) -> Flags:
        """Pairs in motion that are neither jumps nor gaps."""
        driven: Flags = (self.speed_kmh >= 15) & (self.speed_kmh <= 160) & (self.gap_s <= 600)
        return driven


def _pairs(rows: pd.DataFrame) -> _Pairs:
    codes, _ = pd.factorize(rows["vehicle_id"])
    order = np.lexsort((rows["time_ms"].to_numpy(np.int64), codes))
    ordered, codes = rows.iloc[order], codes[order]
    time_ms = ordered["time_ms"].to_numpy(np.int64)
    here = np.flatnonzero((np.diff(codes) == 0) & (np.diff(time_ms) > 0))
    lon = np.radians(ordered["lon_udeg"].to_numpy(np.int64) / MICRODEGREES_PER_DEG)
    lat = np.radians(ordered["lat_udeg"].to_numpy(np.int64) / MICRODEGREES_PER_DEG)
    half = np.sin(np.diff(lat)[here] / 2) ** 2  # haversine formula
    half += np.cos(lat[here]) * np.cos(lat[here + 1]) * np.sin(np.diff(lon)[here] / 2) ** 2
    path_km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    gap_s = np.diff(time_ms)[here] / 1000
    stated, odometer = _signal(ordered, "speed_kmh"), _signal(ordered, "odometer_km")
    highest = np.maximum(stated[here], stated[here + 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.abs(stated[here + 1] - stated[here]) / highest
    return _Pairs(
        vehicle=ordered["vehicle_id"].iloc[here],
        at_ms=time_ms[here],
        gap_s=gap_s,
        path_km=path_km,
        speed_kmh=path_km / gap_s * SECONDS_PER_H,
        stated_kmh=(stated[here] + stated[here + 1]) / 2,
        stated_spread_share=spread,
        odometer_km=odometer[here + 1] - odometer[here],
    )


def _signal(rows: pd.DataFrame, name: str) -> Floats:
    """A column of the rows, NaN throughout if the file does not have it."""
    return rows[name].to_numpy(np.float64) if name in rows else np.full(len(rows), np.nan)


def _day_counts(time_ms: Ints) -> dict[int, int]:
    """How many moments lie on each day since 1970, UTC."""
    days = time_ms // _MS_PER_DAY
    first, last = int(days.min()), int(days.max())
    if last - first > _DAYS_COUNTED:  # clocks without a battery
        found, counts = np.unique(days, return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))
    counted = enumerate(np.bincount(days - first).tolist(), start=first)
    return {day: number for day, number in counted if number}


@dataclass
class _PositionEvidence:
    """Sums over the fixes seen so far; their size does not grow with the file."""

    profile: SourceProfile
    count: int = 0
    sampled: int = 0
    at_null_island: int = 0
    beyond_roads: int = 0
    days: dict[int, int] = field(default_factory=dict)
    latest_ms: int = 0
    speed_ratios: list[Floats] = field(default_factory=list)
    odometer: dict[str, list[float]] = field(default_factory=dict)
    hourly_km: Floats = field(default_factory=lambda: np.zeros(24))
    tallies: dict[str, Ints] = field(default_factory=dict)

    def add(self, rows: pd.DataFrame, tallies: Mapping[str, Ints]) -> None:
        self.count += len(rows)
        time_ms = rows["time_ms"].to_numpy(np.int64)
        lon, lat = rows["lon_udeg"].to_numpy(np.int32), rows["lat_udeg"].to_numpy(np.int32)
        off_equator = np.abs(lat)
        nowhere = off_equator < 1_000
        if nowhere.any():
            nowhere &= np.abs(lon) < 1_000
            self.at_null_island += int(nowhere.sum())
        beyond = off_equator > _ROADLESS_LATITUDE * MICRODEGREES_PER_DEG
        if beyond.any():
            beyond &= np.abs(lon) <= _ROADLESS_LATITUDE * MICRODEGREES_PER_DEG
            self.beyond_roads += int(beyond.sum())
        for day, number in _day_counts(time_ms).items():
            self.days[day] = self.days.get(day, 0) + number
        self.latest_ms = max(self.latest_ms, int(time_ms.max()))
        for axis, microdegrees in (("lon", lon), ("lat", lat)):
            counted = tallies.get(axis)
            if counted is None:
                counted = cell_counts(microdegrees / MICRODEGREES_PER_DEG)
            self.tallies[axis] = self.tallies.get(axis, 0) + counted
        if self.sampled < _SAMPLE_ROWS:
            self._sample(rows[~nowhere].head(_ROWS_OF_BATCH))

    def _sample(self, rows: pd.DataFrame) -> None:
        self.sampled += len(rows)
        pairs = _pairs(rows)
        driven = pairs.driven
        steady = driven & (pairs.gap_s <= 120) & (pairs.stated_kmh > 0)
        steady &= pairs.stated_spread_share <= 0.2
        self.speed_ratios.append(pairs.stated_kmh[steady] / pairs.speed_kmh[steady])
        counted = driven & (pairs.odometer_km >= 0)
        sums = pd.DataFrame(
            {
                "vehicle": pairs.vehicle.to_numpy()[counted],
                "odometer_km": pairs.odometer_km[counted],
                "path_km": pairs.path_km[counted],
            }
        )
        for vehicle, (odometer_km, path_km) in sums.groupby("vehicle").sum().iterrows():
            known = self.odometer.setdefault(str(vehicle), [0.0, 0.0])
            known[0] += odometer_km
            known[1] += path_km
        hours = to_local_ms(pairs.at_ms[driven], self.profile.zone) // 3_600_000 % 24
        self.hourly_km += np.bincount(hours, weights=pairs.path_km[driven], minlength=24)

    def findings(self, received_at: datetime) -> list[Suspicion]:
        found = [
            self._speed_unit(),
            *self._odometer_unit(),
            self._zone(),
            self._interchanged(),
            *self._padding(),
            *self._clock(received_at),
            self._null_island(),
        ]
        return [one for one in found if one is not None]

    def _speed_unit(self) -> Suspicion | None:
        ratios = np.concatenate([*self.speed_ratios, np.empty(0)])
        if len(ratios) < _RATIO_PAIRS:
            return None
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        unit = _fitting_unit("speed", float(middle), self.profile, near=_RATIO_NEAR)
        if unit is None or high / low > _RATIO_SPREAD or abs(np.log(middle)) < _RATIO_FAR:
            return None
        declared = self.profile.unit("speed")
        return Suspicion(
            f"speed_unit_fits_{unit}",
            f"The stated speeds fit {unit} better than {declared}.",
            f"stated / computed speed: median {middle:.3f}, middle half {low:.3f} to {high:.3f},"
            f" over {len(ratios)} pairs of fixes in steady motion",
            f"Set units: {{speed: {unit}}} in a source profile given with --source.",
        )

    def _odometer_unit(self) -> list[Suspicion]:
        driven = {k: v for k, v in self.odometer.items() if v[1] >= _ODOMETER_KM}
        still = sorted(k for k, v in driven.items() if v[0] == 0 and v[1] >= 4 * _ODOMETER_KM)
        found = []
        if still:
            found.append(
                Suspicion(
                    "odometer_stands_still",
                    "An odometer does not move while its truck drives: read it as not available.",
                    f"{len(still)} trucks, among them {', '.join(still[:3])}",
                    "Leave the column out for them, or map odometer_km to another column.",
                )
            )
        ratios = [v[0] / v[1] for v in driven.values() if v[0] > 0]
        middle = float(np.median(ratios)) if ratios else 1.0
        unit = _fitting_unit("odometer", middle, self.profile, near=_ODOMETER_NEAR)
        if unit is not None:
            declared = self.profile.unit("odometer")
            found.append(
                Suspicion(
                    f"odometer_unit_fits_{unit}",
                    f"The odometers fit {unit} better than {declared}.",
                    f"odometer / path: median {middle:.4g} over {len(ratios)} trucks and"
                    f" {sum(v[1] for v in driven.values()):.0f} km",
                    f"Set units: {{odometer: {unit}}} in a source profile given with --source.",
                )
            )
        return found

    def _zone(self) -> Suspicion | None:
        total_km = float(self.hourly_km.sum())
        if total_km < _QUIET_KM or len(self.days) < _QUIET_DAYS:
            return None
        start, length_h, share = _longest_quiet(self.hourly_km / total_km)
        middle_h = (start + length_h / 2) % 24
        typical = datetime.fromtimestamp(_middle_day(self.days) * 86_400, tz=UTC)
        offset = typical.astimezone(self.profile.zone).utcoffset()
        offset_h = offset.total_seconds() / SECONDS_PER_H if offset is not None else 0.0
        true_h = (middle_h + offset_h) % 24
        # From 20:00 on it may be the evening before an early shift, read as it should be.
        by_night = true_h >= 23 or true_h <= 6
        if length_h < _QUIET_HOURS or abs(offset_h) < 3 or not by_night or not 9 <= middle_h < 20:
            return None
        return Suspicion(
            "time_zone_fits_utc",
            f"The times look like UTC, but are read as {self.profile.time_zone}.",
            f"{share:.1%} of the kilometres fall between {start:02d}:00 and"
            f" {(start + length_h) % 24:02d}:00; as UTC that would be the night"
            f" round {true_h:.0f}:00",
            "If the times carry no offset, set time_zone: UTC in a source profile, or pass"
            " --timezone UTC.",
        )

    def _interchanged(self) -> Suspicion | None:
        if self.count == 0 or self.beyond_roads < 0.5 * self.count:
            return None
        return _interchanged(f"{self.beyond_roads} of {self.count} fixes lie beyond the last road")

    def _padding(self) -> list[Suspicion]:
        found = []
        for axis in ("lon", "lat"):
            counts = self.tallies.get(axis, np.zeros(CELLS_COUNT, dtype=np.int64))
            by_degree = counts.reshape(-1, 100) > 0
            # A truck that goes from 24.99 to 25.10 must have been at 25.05.
            crossed = by_degree[:-1, 95:].any(axis=1) & by_degree[1:, 10:15].any(axis=1)
            if counts.sum() < _PADDING_COUNT or by_degree[:, :10].any() or not crossed.any():
                continue
            degree = int(np.flatnonzero(crossed)[0]) + 1
            found.append(
                Suspicion(
                    "decimal_padding_lost",
                    f"Zeros after the decimal point seem lost in {axis}: 25.000033 became 25.33.",
                    f"none of {int(counts.sum())} fixes has a fraction below 0.1 of a degree,"
                    f" although they cross {crossed.sum()} degrees, such as {degree}",
                    "No option repairs it: have the sender write decimals with all their zeros."
                    " Until then distances fall back to speed or odometer.",
                )
            )
        return found

    def _clock(self, received_at: datetime) -> list[Suspicion]:
        found = []
        days = self.days
        believable = to_epoch_ms(received_at) // _MS_PER_DAY + 1
        ahead = sum(number for day, number in days.items() if day > believable)
        if ahead:
            found.append(
                Suspicion(
                    "times_in_the_future",
                    "Fixes lie more than a day after their arrival here.",
                    f"{ahead} of {self.count} fixes, the latest at {_moment_text(self.latest_ms)}",
                    "They count in no month; correct the clocks of these devices.",
                )
            )
        first = to_epoch_ms(_FIRST_BELIEVABLE) // _MS_PER_DAY
        early = sum(number for day, number in days.items() if day < first)
        if early:
            found.append(
                Suspicion(
                    "times_before_2000",
                    "Fixes are dated before 2000: the device had no time yet.",
                    f"{early} of {self.count} fixes",
                    "They count in no month; nothing to pass.",
                )
            )
        rolled, main_first = _rolled_over(days)
        if rolled:
            found.append(
                Suspicion(
                    "gps_week_rollover",
                    f"Fixes lie {GPS_ROLLOVER_DAYS} days before the others: the week number of"
                    " GPS ran over.",
                    f"{rolled} of {self.count} fixes fall among the others when"
                    f" {GPS_ROLLOVER_DAYS} days are added",
                    f"Set gps_rollover_before: {_day_text(main_first)} in a source profile given"
                    " with --source; fixes before that day get the weeks added.",
                )
            )
        return found

    def _null_island(self) -> Suspicion | None:
        if not self.at_null_island:
            return None
        return Suspicion(
            "positions_at_null_island",
            "Fixes lie at longitude 0, latitude 0: the device had no position yet.",
            f"{self.at_null_island} of {self.count} fixes ({self.at_null_island / self.count:.1%})",
            "They are dropped when traces are read; nothing to pass.",
        )


def _fitting_unit(
    quantity: str, ratio: float, profile: SourceProfile, *, near: float
) -> str | None:
    """The unit that explains the ratio of stated to computed; None if the declared one does."""
    declared = profile.factor(quantity)
    misfit = {
        unit: abs(np.log(ratio * factor / declared))
        for unit, factor in UNIT_CHOICES[quantity].items()
    }
    best = min(misfit, key=lambda unit: misfit[unit])
    return best if best != profile.unit(quantity) and misfit[best] < near else None


def _longest_quiet(hourly_share: Floats) -> tuple[int, int, float]:
    """First hour, length and share of the longest stretch round the clock with hardly any km."""
    twice = np.concatenate([[0.0], np.cumsum(np.tile(hourly_share, 2))])
    for length_h in range(23, 0, -1):
        shares = twice[length_h : length_h + 24] - twice[:24]
        start = int(np.argmin(shares))
        if shares[start] <= _QUIET_SHARE:
            return start, length_h, max(float(shares[start]), 0.0)
    return 0, 0, 0.0


def _middle_day(days: Mapping[int, int]) -> int:
    ordered = sorted(days)
    reached = np.cumsum([days[day] for day in ordered])
    return ordered[int(np.searchsorted(reached, reached[-1] / 2))]


def _rolled_over(days: Mapping[int, int]) -> tuple[int, int]:
    """Fixes that fall into the time of the others when 1,024 weeks are added; its first day."""
    if not days:
        return 0, 0
    middle = _middle_day(days)
    main = [day for day in days if abs(day - middle) <= 400]
    first, last = min(main), max(main)
    inside = range(first - GPS_ROLLOVER_DAYS, last - GPS_ROLLOVER_DAYS + 1)
    return sum(number for day, number in days.items() if day in inside), first


def _day_text(epoch_day: int) -> str:
    return str(np.datetime64(epoch_day, "D"))


def _moment_text(epoch_ms: int) -> str:
    return str(pd.Timestamp(epoch_ms, unit="ms", tz="UTC").floor("s"))


def _interchanged(evidence: str) -> Suspicion:
    return Suspicion(
        "longitude_latitude_interchanged",
        "Longitude and latitude seem to be interchanged.",
        evidence,
        "Set coordinate_order: lat_lon in a source profile given with --source.",
    )


class SuspicionCollector:
    """Gathers evidence batch by batch and says at the end what looks wrong.

    Parameters
    ----------
    kind : str
        Kind of the file.
    profile : SourceProfile, optional
        What was declared of the file; the house's units and zone if not given.
    """

    def __init__(self, kind: str, profile: SourceProfile | None = None) -> None:
        self._kind, self._profile = kind, profile or SourceProfile()
        self._positions = _PositionEvidence(self._profile)
        self._masses: list[Floats] = []
        self._clock_shares: list[Flags] = []
        self._count = self._interchanged = 0
        self._mass_unit = "t"

    def add(
        self,
        rows: pd.DataFrame,
        tallies: Mapping[str, Ints] | None = None,
        rejections: Iterable[Rejection] = (),
        *,
        mass_unit: str = "t",
    ) -> None:
        """Take the rows of a batch in, with its tallies and rejections where at hand.

        `mass_unit` is the one in which the masses of the file were read.
        """
        self._mass_unit = mass_unit
        refused = list(rejections)
        self._count += len(rows) + len(refused)
        self._interchanged += sum(one.code == "coordinates_swapped" for one in refused)
        if self._kind == "positions" and len(rows):
            self._positions.add(rows, tallies or {})
        elif self._kind == "orders":
            self._masses.append(rows["cargo_t"].to_numpy(np.float64))
            self._clock_shares.append(self._at_midnight(rows["pickup_time"]))
        elif self._kind == "vehicles":
            self._masses.append(rows["rated_payload_t"].to_numpy(np.float64))

    def _at_midnight(self, moments: pd.Series[pd.Timestamp]) -> Flags:
        local = moments.dt.tz_convert(self._profile.zone)
        return np.asarray(local == local.dt.normalize(), dtype=np.bool_)

    def findings(self, received_at: datetime) -> list[Suspicion]:
        """What looks wrong in all that was added.

        Parameters
        ----------
        received_at : datetime
            When the file arrived, aware; fixes a day later cannot be.
        """
        found = self._positions.findings(received_at) if self._kind == "positions" else []
        if self._interchanged and self._interchanged >= 0.5 * self._count:
            text = f"{self._interchanged} of {self._count} rows fit only when interchanged"
            found.append(_interchanged(text))
        return [*found, *self._misread_masses(), *self._missing_clock()]

    def _misread_masses(self) -> list[Suspicion]:
        masses = np.concatenate([*self._masses, np.empty(0)])
        masses = masses[masses > 0]
        middle_t = float(np.median(masses)) if len(masses) else 0.0
        if middle_t < 150:  # no truck carries 150 t
            return []
        column, quantity = (
            ("cargo_t", "cargo") if self._kind == "orders" else ("rated_payload_t", "mass")
        )
        unit = mass_unit_beside(self._mass_unit, 1 if middle_t < 150_000 else 2)
        if unit is None:
            return []  # what is wrong with them is said row by row
        return [
            Suspicion(
                f"{quantity}_unit_fits_{unit}",
                f"The masses in {column} fit {unit} better than {self._mass_unit}.",
                f"median {middle_t:,.0f} t over {len(masses)} rows",
                f"Set units: {{{quantity}: {unit}}} in a source profile given with --source.",
            )
        ]

    def _missing_clock(self) -> list[Suspicion]:
        at_midnight = np.concatenate([*self._clock_shares, np.empty(0, dtype=np.bool_)])
        if len(at_midnight) < 5 or at_midnight.mean() < 0.8:
            return []
        return [
            Suspicion(
                "order_times_without_clock",
                "Pick-ups are planned at midnight: the time of day seems to be missing.",
                f"{int(at_midnight.sum())} of {len(at_midnight)} orders",
                "Send planned times with hours and minutes; as they are they say little.",
            )
        ]


_SYSTEM_PAIRS = (
    ("gcj02", "wgs84"), ("bd09", "wgs84"), ("wgs84", "gcj02"), ("wgs84", "bd09"),
    ("gcj02", "bd09"), ("bd09", "gcj02"),
)  # fmt: skip


def shifted_coordinates(
    *, stop_lon: Floats, stop_lat: Floats, place_lon: Floats, place_lat: Floats
) -> Suspicion | None:
    """Whether stops and ordered places meet better if one side is GCJ-02 or BD-09.

    Both are taken as WGS-84; each other reading of the two is tried, and the median distance from
    a place to its nearest stop says which fits. Offsets have a direction that changes from place
    to place, so a plain inaccuracy fits none of them.

    Parameters
    ----------
    stop_lon, stop_lat : ndarray
        Centres of the stops found in the traces. [deg]
    place_lon, place_lat : ndarray
        Places of loading and unloading that were given as coordinates. [deg]
    """
    stops, places = (stop_lon, stop_lat), (place_lon, place_lat)
    as_read = _nearest_km(places, stops)
    known = as_read <= 3.0  # places that trucks went to at all
    if known.sum() < 5:
        return None
    places = (place_lon[known], place_lat[known])
    base_km = float(np.median(as_read[known]))
    if base_km < 0.15:
        return None
    fits = {
        (of_stops, of_places): float(
            np.median(
                _nearest_km(
                    as_wgs84_everywhere(*places, crs=of_places),
                    as_wgs84_everywhere(*stops, crs=of_stops),
                )
            )
        )
        for of_stops, of_places in _SYSTEM_PAIRS
    }
    best = min(fits, key=lambda pair: fits[pair])
    if fits[best] > 0.4 * base_km:
        return None
    shifted = [
        f"{what} look like {crs}: ingest them with --crs {crs}"
        for what, crs in zip(("positions", "orders"), best, strict=True)
        if crs != "wgs84"
    ]
    return Suspicion(
        "coordinates_look_shifted",
        "Stops and ordered places meet better in another coordinate system.",
        f"median distance {base_km * 1000:.0f} m as read, {fits[best] * 1000:.0f} m so, over"
        f" {int(known.sum())} places",
        f"The {', and the '.join(shifted)}.",
    )


def _nearest_km(points: Pair, others: Pair) -> Floats:
    """Distance from each point to the nearest of the others, on a local plane. [km]"""
    nearest = np.full(len(points[0]), np.inf)
    if len(others[0]) == 0:
        return nearest
    km_per_deg = np.radians(EARTH_RADIUS_KM)
    for place, (lon, lat) in enumerate(zip(*points, strict=True)):
        east = (others[0] - lon) * np.cos(np.radians(lat))
        nearest[place] = km_per_deg * np.sqrt(np.min(east**2 + (others[1] - lat) ** 2))
    return nearest
