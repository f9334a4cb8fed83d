"""The version of a trace names the bytes it came from, however they were cut."""

from __future__ import annotations

import hashlib
import math
import struct
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.traces import digests
from fleet_carbon.traces.digests import STORED_RATIO, FixesDigest
from fleet_carbon.traces.fixes import Fixes
from tests.builders import Truck

COUNT = 50


def columns() -> dict[str, np.ndarray]:
    """Fixes of which two signals were sent only in the second half."""
    truck = Truck().drive_to(24.5).fixes()
    late = np.arange(COUNT) >= COUNT // 2
    return {
        "time_ms": truck.time_ms,
        "lon_udeg": truck.lon_udeg,
        "lat_udeg": truck.lat_udeg,
        "speed_kmh": np.full(COUNT, 60.0),
        "odometer_km": np.where(late, np.arange(COUNT), np.nan),
        "driver_id": np.where(late, "D1", "").astype(object),
    }


def version(*pieces: Fixes) -> str:
    digest = FixesDigest()
    for piece in pieces:
        digest.update(piece)
    return digest.version()


WHOLE = version(Fixes.from_columns(columns()))


@pytest.mark.parametrize("cuts", [[10], [25], [40], [1, 2, 30, 49]])
def test_the_version_does_not_depend_on_the_cutting(cuts: list[int]) -> None:
    # In the first pieces the late signals are not even there.
    pieces = [
        Fixes.from_columns({name: column[a:b] for name, column in columns().items()})
        for a, b in pairwise([0, *cuts, COUNT])
    ]
    assert version(*pieces) == WHOLE


@pytest.mark.parametrize("name", list(columns()))
def test_the_version_covers_every_column(name: str) -> None:
    changed = columns()
    changed[name] = changed[name].copy()
    changed[name][-1] = "D2" if name == "driver_id" else changed[name][-1] + 1
    assert version(Fixes.from_columns(changed)) != WHOLE


def test_a_value_is_not_taken_for_the_same_value_of_another_signal() -> None:
    other = columns()
    other["fuel_used_l"] = other.pop("odometer_km")
    assert version(Fixes.from_columns(other)) != WHOLE


def test_however_a_missing_value_is_written_it_is_the_same() -> None:
    odd = columns()
    odd["odometer_km"] = np.where(np.isnan(odd["odometer_km"]), -np.nan, odd["odometer_km"])
    assert version(Fixes.from_columns(odd)) == WHOLE


def words_by_hand(name: str, values: list[float]) -> list[int]:
    """The words of a column as `digests` describes them: what an auditor would write."""
    words: list[int] = []
    last, step, zeros = 0, 0, 0
    for value in values:
        whole = 0 if math.isnan(value) else round(value * STORED_RATIO[name])
        is_signal = name not in ("time_ms", "lon_udeg", "lat_udeg")
        if math.isnan(value):
            words.append(-32768)
        elif is_signal and (abs(whole) >= 2**31 or whole / STORED_RATIO[name] != value):
            words += [32766, *struct.unpack("<4h", struct.pack("<d", value))]
        else:
            difference = whole - last - (step if name == "time_ms" else 0)
            step, last = whole - last, whole
            if name == "time_ms" and difference == 0:
                if zeros in (0, 32767):
                    words += [-32767, 0]
                    zeros = 0
                zeros += 1
                words[-1] = zeros
                continue
            if abs(difference) <= 32765:
                words.append(difference)
            else:
                words += [32767, *struct.unpack("<4h", struct.pack("<q", whole))]
        zeros = 0
    return words


def version_by_hand(fixes: dict[str, np.ndarray]) -> str:
    lines = [f"fixes {len(fixes['time_ms'])}\n"]
    for name in sorted(fixes):
        if name == "driver_id":
            runs = [(driver, len(list(run))) for driver, run in groupby(fixes[name])]
            parts = [f"{count} {len(driver.encode())} {driver}\n" for driver, count in runs]
            column = "".join(parts).encode()
        else:
            words = words_by_hand(name, fixes[name].tolist())
            column = struct.pack(f"<{len(words)}h", *words)
        lines.append(f"{name} {hashlib.sha256(column).hexdigest()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_back(name: str, words: list[int], count: int) -> list[float]:
    """The values that the words of a column stand for."""
    values: list[float] = []
    last, step, at = 0, 0, 0
    while at < len(words):
        word, four = (
            words[at],
            struct.pack(f"<{len(words[at + 1 : at + 5])}h", *words[at + 1 : at + 5]),
        )
        if word == -32768:
            values.append(math.nan)
            at += 1
        elif word == 32766:
            values.append(struct.unpack("<d", four)[0])
            at += 5
        elif word == -32767:
            for _ in range(words[at + 1]):
                last += step
                values.append(last)
            at += 2
        else:
            expected = last + (step if name == "time_ms" else 0)
            whole = struct.unpack("<q", four)[0] if word == 32767 else expected + word
            step, last = whole - last, whole
            values.append(whole / STORED_RATIO[name])
            at += 5 if word == 32767 else 1
    assert len(values) == count
    return values


def packed(name: str, values: np.ndarray, cuts: list[int]) -> list[int]:
    """The words of a column as the kernels write them, piece by piece."""
    state, out = np.zeros(3, np.int64), np.empty(5 * len(values) + 2, np.int16)
    words: list[int] = []
    for a, b in pairwise([0, *cuts, len(values)]):
        if name == "time_ms":
            count = digests.pack_times(values[a:b], state, out)
        elif name in ("lon_udeg", "lat_udeg"):
            count = digests.pack_places(values[a:b], state, out)
        else:
            count = digests.pack_signal(values[a:b], STORED_RATIO[name], state, out)
        words += out[:count].tolist()
    zeros = int(state[2])
    return [*words, -32767, zeros] if zeros else words


def test_the_version_can_be_computed_by_hand() -> None:
    assert by_hand_is_the_version(columns())
    few = {name: columns()[name][:2] for name in ("time_ms", "lon_udeg", "lat_udeg", "speed_kmh")}
    assert by_hand_is_the_version(few)


def by_hand_is_the_version(fixes: dict[str, np.ndarray]) -> bool:
    return version(Fixes.from_columns(fixes)) == version_by_hand(fixes)


def test_the_words_of_a_column_are_those_of_the_book() -> None:
    # Worked out from the table of the module: a beat of 30 s, one fix lost, then the beat again.
    times = np.array([0, 30_000, 60_000, 90_000, 150_000, 180_000])
    assert packed("time_ms", times, []) == [-32767, 1, 30_000, -32767, 2, 30_000, -30_000]
    # 114 degrees are 114,000,000 udeg = 0x6CB8080: the words 0x8080, 0x06CB, 0, 0.
    places = np.array([114_000_000, 114_006_000, 114_006_000], dtype=np.int32)
    assert packed("lon_udeg", places, []) == [32767, 0x8080 - 2**16, 0x06CB, 0, 0, 6000, 0]
    # 60.5 km/h are 605 tenths; 1/3 km/h are no tenths: the double 0x3FD5555555555555.
    speeds = np.array([60.5, np.nan, 1 / 3, 60.0])
    fives = [0x5555, 0x5555, 0x5555, 0x3FD5]
    assert packed("speed_kmh", speeds, []) == [605, -32768, 32766, *fives, -5]


@st.composite
def streams(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    """A column with everything that a column may hold, in runs as they come in columns."""
    name = draw(st.sampled_from(list(STORED_RATIO)))
    count = draw(st.integers(0, 400))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1, 100, 20_000, 10**6, 2**31]))
    steps = random.integers(-scale, scale, count, endpoint=True)
    steps[random.random(count) < draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))] = 0
    if name == "time_ms":
        return name, np.cumsum(np.cumsum(np.abs(steps)))
    whole = np.clip(np.cumsum(steps), -(2**31) + 1, 2**31 - 1)
    if name in ("lon_udeg", "lat_udeg"):
        return name, whole.astype(np.int32)
    values = whole / STORED_RATIO[name]
    odd = random.random(count) < draw(st.sampled_from([0.0, 0.02, 0.5]))
    values[odd] = random.choice([np.nan, 1e300, 1 / 3, -7.77777, 1e-9], odd.sum())
    return name, values


@settings(max_examples=200, deadline=None)
@given(stream=streams(), cuts=st.lists(st.integers(0, 400), max_size=5))
def test_words_do_not_depend_on_cuts_and_are_read_back_to_the_values(
    stream: tuple[str, np.ndarray], cuts: list[int]
) -> None:
    name, values = stream
    words = packed(name, values, sorted(min(cut, len(values)) for cut in cuts))
    assert words == words_by_hand(name, values.tolist())
    assert np.array_equal(read_back(name, words, len(values)), values, equal_nan=True)


@pytest.mark.parametrize("count", [32_767, 32_768, 70_000])
def test_a_beat_that_never_breaks_is_counted_in_full_runs(count: int) -> None:
    beat = 30_000 * np.arange(1, count + 2)
    full, rest = divmod(count, 32_767)
    runs = [-32767, 32767] * full + ([-32767, rest] if rest else [])
    assert packed("time_ms", beat, [100, 20_000]) == [30_000, *runs]


def test_names_of_drivers_cannot_be_mistaken_for_others() -> None:
    def of(*drivers: str) -> str:
        plain = {name: columns()[name][:2] for name in ("time_ms", "lon_udeg", "lat_udeg")}
        return version(Fixes.from_columns({**plain, "driver_id": np.array(drivers, object)}))

    assert len({of("A\nB", "C"), of("A", "B\nC"), of("A", "A"), of("AA", "A"), of("", "A")}) == 5
