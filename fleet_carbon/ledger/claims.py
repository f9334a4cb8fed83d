"""One truck, one interval, one claim: which hours of which truck stand behind a credited figure.

A claim is of a truck as the road knows it, by its plate, so that two fleets cannot both claim it.
Intervals are half-open, in whole seconds since 1970 UTC, and of one activity.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROAD_FREIGHT = "road_freight"
STANDING, SUPERSEDED, RELEASED = "standing", "superseded", "released"
CLAIMED_ELSEWHERE = "claimed_by_another_fleet"
CLAIM_RELEASED = "claim_released"
PLATE_SHARED = "plate_shared_with_another_truck"
COLUMNS = ("driver_id", "vehicle_id", "identity", "from_s", "until_s")
"""Of a table of claims: whose they are, the truck's name on the road, the interval. [s]"""

_H_S = 3600
_MS_PER_S = 1000
_NO_SIGN = re.compile(r"[\W_]+")
_MASK = re.compile(r"[*?×#]")

_Seconds = NDArray[np.int64]


@dataclass(frozen=True)
class ClaimRules:
    """Section `claims` of an edition.

    Attributes
    ----------
    standing_h_max : float
        A truck that stood no longer than that between two drives of a driver is claimed all the
        while. [h]
    bucket_h : int
        Length of the intervals in which claims are compared with other platforms. [h]
    plate_color_code_default : int or str
        Colour of a plate whose colour is not registered, by JT/T 697.7.
    plate_signs_count_min : int
        A text of fewer letters and digits is no plate.
    """

    standing_h_max: float
    bucket_h: int
    plate_color_code_default: int | str
    plate_signs_count_min: int


class Interval(NamedTuple):
    """A truck's interval, `from_s` up to and without `until_s`. [s since 1970 UTC]"""

    identity: str
    from_s: int
    until_s: int


class Claim(NamedTuple):
    """An interval on record: of which figure of which fleet, and whether it stands."""

    interval: Interval
    fleet_id: str
    figure: str
    state: str
    ended_by: str | None


def road_identity(
    plate: str | None, color_code: str | None, *, fleet_id: str, vehicle_id: str, rules: ClaimRules
) -> str:
    """Name of a truck that is the same in every fleet: plate and colour, as far as registered.

    Plates are compared without the signs between their characters, full-width or half-width, in
    capitals. A truck without a plate has a name of its fleet, which no other fleet can give; what
    is masked, too short, without a digit or one sign over and over stands for no plate, lest all
    trucks with such a word in the register seem one.

    Examples
    --------
    >>> rules = ClaimRules(12.0, 6, 2, 4)
    >>> road_identity("粤B·1234x", None, fleet_id="f", vehicle_id="V1", rules=rules)
    'plate/2/粤B1234X'
    >>> road_identity(None, None, fleet_id="f", vehicle_id="V/1", rules=rules)
    'fleet/f/V/1'
    """
    written = unicodedata.normalize("NFKC", plate or "").upper()
    signs = _NO_SIGN.sub("", written)
    is_plate = (
        len(signs) >= rules.plate_signs_count_min
        and len(set(signs)) > 1
        and any(sign.isdecimal() for sign in signs)
        and not _MASK.search(written)
    )
    if not is_plate:
        return f"fleet/{fleet_id}/{vehicle_id}"
    return f"plate/{(color_code or '').strip() or rules.plate_color_code_default}/{signs}"


def has_plate(identity: str) -> bool:
    """Whether a truck can be known to other platforms."""
    return identity.startswith("plate/")


def claims_of(
    legs: pd.DataFrame,
    credited: set[tuple[str, str]],
    identities: dict[str, str],
    *,
    rules: ClaimRules,
) -> pd.DataFrame:
    """Decide the intervals that stand behind credited figures.

    Drives that follow each other without another driver's in between, and with no longer standing
    than the rule allows, are one interval, which begins with the first drive and ends with the
    last. So a month of a truck is a few intervals, and a truck that stood long enough to have been
    driven for others is free in the meantime.

    Parameters
    ----------
    legs : DataFrame
        Columns driver_id, vehicle_id, started_at, finished_at, distance_km of all drives of the
        month; those of a truck do not overlap.
    credited : set of (driver_id, vehicle_id)
        Whose figures are above 0.
    identities : dict of str to str
        vehicle_id -> `road_identity`.
    rules : ClaimRules
        Section `claims`.

    Returns
    -------
    claims : DataFrame
        `COLUMNS`, by truck and time.
    """
    driven = legs.loc[
        (legs["distance_km"] > 0).to_numpy(bool),
        ["vehicle_id", "driver_id", "started_at", "finished_at"],
    ].sort_values(["vehicle_id", "started_at"], kind="stable")
    drivers = driven["driver_id"].fillna("").to_numpy(object)
    trucks = driven["vehicle_id"].to_numpy(object)
    from_s, until_s = _seconds(driven["started_at"]), _seconds(driven["finished_at"])
    is_first = np.ones(len(driven), dtype=bool)
    is_first[1:] = (
        (trucks[1:] != trucks[:-1])
        | (drivers[1:] != drivers[:-1])
        | (from_s[1:] - until_s[:-1] > rules.standing_h_max * _H_S)
    )
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(driven)) - 1 if len(first) else first
    is_credited = np.array(
        [pair in credited for pair in zip(drivers[first], trucks[first], strict=True)], dtype=bool
    )
    first, last = first[is_credited], last[is_credited]
    return pd.DataFrame(
        {
            "driver_id": drivers[first],
            "vehicle_id": trucks[first],
            "identity": [identities[truck] for truck in trucks[first]],
            "from_s": from_s[first],
            # A drive lasts at least a second: an interval is never empty.
            "until_s": np.maximum(until_s[last], from_s[first] + 1),
        },
        columns=list(COLUMNS),
    )


def overlapping(
    identity: NDArray[np.object_] | list[str],
    from_s: _Seconds,
    until_s: _Seconds,
    *,
    others: list[Interval],
) -> NDArray[np.bool_]:
    """Which intervals have a second of the same truck in common with any of the others.

    Parameters
    ----------
    identity, from_s, until_s : array
        The intervals asked for. [-], [s], [s]
    others : list of Interval
        In any order; they may overlap each other.
    """
    if not others or len(from_s) == 0:
        return np.zeros(len(from_s), dtype=bool)
    names = pd.Series([*identity, *(one.identity for one in others)], dtype=object)
    # The truck counts for more than any moment: one line on which trucks lie one after the other.
    code = pd.factorize(names)[0].astype(np.int64) << 33
    own, theirs = code[: len(from_s)], code[len(from_s) :]
    begins = theirs + np.array([one.from_s for one in others], dtype=np.int64)
    ends = theirs + np.array([one.until_s for one in others], dtype=np.int64)
    order = np.argsort(begins, kind="stable")
    reached = np.maximum.accumulate(ends[order])
    before = np.searchsorted(begins[order], own + until_s, side="left") - 1
    return np.asarray((before >= 0) & (reached[before] > own + from_s), dtype=bool)


def overlapping_each_other(claims: pd.DataFrame) -> NDArray[np.bool_]:
    """Which claims overlap another one of the table: one plate under two names of trucks."""
    code = pd.factorize(claims["identity"].to_numpy(object))[0].astype(np.int64) << 33
    begins = code + claims["from_s"].to_numpy(np.int64)
    ends = code + claims["until_s"].to_numpy(np.int64)
    order = np.argsort(begins, kind="stable")
    found = np.zeros(len(claims), dtype=bool)
    if len(claims) > 1:
        reached = np.maximum.accumulate(ends[order])[:-1]
        found[order[1:]] = reached > begins[order[1:]]
        found[order[:-1]] |= ends[order[:-1]] > begins[order[1:]]
    return found


def intervals_of(claims: pd.DataFrame) -> list[Interval]:
    """The rows of a table of claims as intervals."""
    columns = (claims[name].tolist() for name in ("identity", "from_s", "until_s"))
    return [Interval(*row) for row in zip(*columns, strict=True)]


def buckets(from_s: int, until_s: int, *, bucket_h: int) -> range:
    """Beginnings of the buckets that an interval lies in, counted from 1970 UTC. [s]

    Examples
    --------
    >>> list(buckets(3600, 21601, bucket_h=6))
    [0, 21600]
    """
    step_s = bucket_h * _H_S
    return range(from_s // step_s * step_s, until_s, step_s)


def _seconds(moments: pd.Series) -> _Seconds:
    """Whole seconds since 1970 UTC, rounded down: what was adjacent stays so."""
    stamps = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(stamps.astype("datetime64[ms]").astype(np.int64) // _MS_PER_S)
