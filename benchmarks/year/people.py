"""Who drives what, how he would go on without the platform, and what the platform changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from benchmarks.year.motion import Manner
from simulation.burning import KINDS, Burner, one_of

RUNGS = ("counter", "receipts", "declared", "class")
_RUNG_SHARES = (0.2, 0.4, 0.2, 0.2)
# Those who join later are known to; of those who never do, the register says nothing.
HISTORIES = ("many", "few", "none", "later", "never")
_HISTORY_SHARES = (0.50, 0.20, 0.15, 0.08, 0.07)
# Middles of the regions: a driver serves the towns around one of them.
REGIONS = ((114.3, 30.6), (113.6, 34.7), (117.8, 31.9), (105.2, 29.8))
# How the drivers of a class and region, and these groups, differ from each other in both shares.
_EMPTY_SPREAD, _EMPTY_SPREAD_GROUPS = 0.052, 0.03
_PAYLOAD_SPREAD, _PAYLOAD_SPREAD_GROUPS = 0.063, 0.03
_NOTHING_SHARE, _WORSE_SHARE = 0.06, 0.04
_NEVER = 10_000


@dataclass(frozen=True)
class Kind:
    """A class of truck: what it is driven for and how.

    Attributes
    ----------
    vehicle_class : str
        As the register names it.
    burner : Burner
        The average truck of the kind.
    haul_km_median, haul_spread : float
        Of the loaded hauls as the crow flies [km], and of their logarithm.
    manner : Manner
        Speeds.
    wait_h : float
        Between an unloading and the drive to the next load, on average. [h]
    tank_l : float
        [l]
    length_m : float
        Of the body. [m]
    """

    vehicle_class: str
    burner: Burner
    haul_km_median: float
    haul_spread: float
    manner: Manner
    wait_h: float
    tank_l: float
    length_m: float


_TRACTOR = replace(KINDS["tractor_trailer"], rated_payload_t=33.0)
_LIGHTER_RIGID = replace(
    KINDS["rigid_18t"], curb_mass_t=6.4, rated_payload_t=6.5, drag_area_m2=5.2,
    power_kw=150.0, auxiliary_kw=2.4, idle_l_per_h=1.5,
)  # fmt: skip
# Share of the drivers, and the kind they drive.
_KINDS = (
    (0.36, Kind("tractor_trailer", _TRACTOR,
                260.0, 0.45, Manner(82.0, 60.0, 0.85), 14.0, 600.0, 13.0)),
    (0.22, Kind("rigid_26t", KINDS["rigid_26t"],
                200.0, 0.5, Manner(82.0, 58.0, 0.8), 14.0, 400.0, 9.6)),
    (0.18, Kind("rigid_18t", KINDS["rigid_18t"],
                150.0, 0.5, Manner(84.0, 57.0, 0.75), 12.0, 300.0, 7.7)),
    (0.10, Kind("rigid_18t", _LIGHTER_RIGID,
                120.0, 0.5, Manner(84.0, 57.0, 0.7), 10.0, 200.0, 6.8)),
    (0.14, Kind("rigid_7_5t", KINDS["rigid_7_5t"],
                80.0, 0.5, Manner(85.0, 56.0, 0.6), 8.0, 120.0, 4.2)),
)  # fmt: skip


@dataclass(frozen=True)
class Habit:
    """What is left of all choices: empty km per total km, tonnes per tonne of rated payload."""

    empty_share: float
    payload_share: float

    @property
    def empty_ratio(self) -> float:
        """Empty km per loaded km."""
        return self.empty_share / (1.0 - self.empty_share)


@dataclass(frozen=True)
class Change:
    """By what part a share changes for those who change: normal, within bounds."""

    mean: float
    spread: float
    least: float
    most: float

    def drawn(self, rng: Generator) -> float:
        """That of one driver."""
        return float(np.clip(rng.normal(self.mean, self.spread), self.least, self.most))


@dataclass(frozen=True)
class Platform:
    """How its drivers drive before they join, on average, and what joining changes."""

    own: Habit
    less_empty: Change
    more_load: Change


# Of the published one, what its article states of an average driver (`data/samples/manbang.yaml`):
# half of the empty kilometres and 45 % more payload for the same work, which is 38.6 % of all
# kilometres and an empty share of 0.326 instead of 0.40. Nothing is published of how drivers
# differ: their changes scatter by the same parts of the mean as those of the cautious one, which
# is assumed throughout.
PLATFORMS = {
    "published": Platform(
        Habit(0.40, 0.50), Change(0.185, 0.074, 0.02, 0.41), Change(0.45, 0.225, 0.0, 1.1)
    ),
    "cautious": Platform(
        Habit(0.38, 0.55), Change(0.25, 0.10, 0.03, 0.55), Change(0.12, 0.06, 0.0, 0.30)
    ),
}


@dataclass(frozen=True)
class Person:
    """One driver with his truck.

    Attributes
    ----------
    number, region : int
        His own number, index in `REGIONS`.
    kind, burner : Kind, Burner
        What he drives: the class and his own truck.
    own, joined : Habit
        Without the platform and with it.
    first_month, joins_month : int
        Months since the first of all: first with data; first on the platform, `_NEVER` if none.
    history, rung : str
        One of `HISTORIES` and of `RUNGS`.
    """

    number: int
    region: int
    kind: Kind
    burner: Burner
    own: Habit
    joined: Habit
    first_month: int
    joins_month: int
    history: str
    rung: str

    @property
    def driver_id(self) -> str:
        return f"D{self.number:04d}"

    @property
    def vehicle_id(self) -> str:
        return f"V{self.number:04d}"

    @property
    def has_joined(self) -> bool:
        return self.joins_month < _NEVER

    def habit(self, month: int) -> Habit:
        """What he does in a month, season and luck aside."""
        return self.joined if month >= self.joins_month else self.own


@dataclass(frozen=True)
class World:
    """How many drivers and months, how strongly the platform works, and the seed of all chance.

    Attributes
    ----------
    drivers, months : int
        Drivers; months of the accounted year.
    effect : float
        Scales what the platform changes.
    history_months : int
        Months with data before the accounted year.
    every_s : int
        Between two fixes on the road. [s]
    platform : str
        One of `PLATFORMS`.
    """

    drivers: int
    months: int = 12
    seed: int = 1
    effect: float = 1.0
    history_months: int = 12
    every_s: int = 60
    platform: str = "published"

    @property
    def months_total(self) -> int:
        return self.history_months + self.months

    def rng(self, *parts: int) -> Generator:
        """A stream of its own for each part, so that more drivers leave the others as they are."""
        return np.random.default_rng([self.seed, *parts])

    def season_factor(self, month: int) -> float:
        """Empty km per loaded km of all drivers in this month of the year."""
        return float(1.0 + 0.06 * np.cos(2 * np.pi * (month % 12 - 1) / 12.0))

    def market_factor(self, month: int, region: int) -> float:
        """The same by the market of a region, with and without platform."""
        return float(np.exp(self.rng(2, month, region).normal(0.0, 0.03)))

    def group_habits(self) -> np.ndarray:
        """Mean empty and payload share by class and region, shape (classes, regions, 2)."""
        rng, own = self.rng(1), PLATFORMS[self.platform].own
        shape = (len(_KINDS), len(REGIONS))
        empty = rng.normal(own.empty_share, _EMPTY_SPREAD_GROUPS, shape)
        payload = rng.normal(own.payload_share, _PAYLOAD_SPREAD_GROUPS, shape)
        return np.stack([empty, payload], axis=-1)

    def person(self, number: int) -> Person:
        """One driver; the same whoever else there is."""
        rng = self.rng(3, number)
        kind_at = int(rng.choice(len(_KINDS), p=[share for share, _ in _KINDS]))
        kind, region = _KINDS[kind_at][1], int(rng.integers(len(REGIONS)))
        own = _own_habit(rng, self.group_habits()[kind_at, region])
        history = HISTORIES[_turn(number, _HISTORY_SHARES, 0.0)]
        first, joins = self._span(rng, history)
        return Person(
            number=number,
            region=region,
            kind=kind,
            burner=one_of(kind.burner, rng),
            own=own,
            joined=_joined_habit(rng, own, PLATFORMS[self.platform], self.effect),
            first_month=first,
            joins_month=joins,
            history=history,
            rung=RUNGS[_turn(number, _RUNG_SHARES, 0.37)],
        )

    def people(self) -> list[Person]:
        return [self.person(number) for number in range(self.drivers)]

    def class_lines(self) -> dict[str, Habit]:
        """What is declared for each class: the mean of its groups, to a hundredth."""
        groups = self.group_habits().mean(axis=1)
        names = [kind.vehicle_class for _, kind in _KINDS]
        return {
            name: Habit(*np.round(groups[[one == name for one in names]].mean(axis=0), 2).tolist())
            for name in dict.fromkeys(names)
        }

    def _span(self, rng: Generator, history: str) -> tuple[int, int]:
        """First month with data and month of joining."""
        if history in ("later", "never"):
            return 0, _NEVER
        latest = max(1, self.months // 3)
        joins = self.history_months + int(rng.integers(latest))
        before = {"many": joins, "few": int(rng.integers(2, 4)), "none": 0}[history]
        return max(joins - before, 0), joins


def _turn(number: int, shares: Sequence[float], phase: float) -> int:
    """Kinds in fixed shares, spread evenly over the numbers by the golden ratio."""
    at = (number * 0.618_033_988_749_895 * (1.0 + phase) + phase) % 1.0
    return int(np.searchsorted(np.cumsum(shares)[:-1], at, side="right"))


def _own_habit(rng: Generator, group: Sequence[float]) -> Habit:
    return Habit(
        float(np.clip(rng.normal(group[0], _EMPTY_SPREAD), 0.15, 0.60)),
        float(np.clip(rng.normal(group[1], _PAYLOAD_SPREAD), 0.30, 0.80)),
    )


def _joined_habit(rng: Generator, own: Habit, platform: Platform, effect: float) -> Habit:
    """Most run less empty and fuller, some change nothing, a few get worse."""
    less_empty, more_load = platform.less_empty.drawn(rng), platform.more_load.drawn(rng)
    luck = rng.random()
    if luck < _NOTHING_SHARE:
        less_empty = more_load = 0.0
    elif luck < _NOTHING_SHARE + _WORSE_SHARE:
        less_empty, more_load = -0.3 * less_empty, -0.3 * more_load
    return Habit(
        own.empty_share * (1.0 - effect * less_empty),
        min(own.payload_share * (1.0 + effect * more_load), 0.92),
    )
