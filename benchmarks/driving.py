"""Kernels of the generator: one truck's month on the road, and what its device reports of it.

The truck moves in steps of 5 s over the ellipsoid; the device reports every 30 s. Chance comes
from a generator of our own, so that a seed gives the same bytes with every version of a library.
"""

from __future__ import annotations

import math

import numba
import numpy as np

STEP_S = 5
STEPS_PER_FIX = 6
FIX_MS = STEP_S * STEPS_PER_FIX * 1000
STEPS_PER_HOUR = 3_600 // STEP_S
STEPS_PER_DAY = 24 * STEPS_PER_HOUR

# WGS-84.
_AXIS_M = 6_378_137.0
_ECCENTRICITY_SQUARED = 0.006_694_379_990_14
_RAD_PER_DEG = math.pi / 180.0

# What the truck carries from one call to the next.
LON, LAT, STEP, DRIVEN_M, HALTS = range(5)
# Columns of a stop and of a trip.
STOP_ARRIVE, STOP_DEPART, STOP_LON, STOP_LAT, STOP_KIND = range(5)
TRIP_FROM, TRIP_TO, TRIP_DEPART, TRIP_ARRIVE, TRIP_KM = range(5)
GAP_BEFORE, GAP_AFTER, GAP_KM = range(3)
CUSTOMER, BREAK, NIGHT = range(3)

_ACCELERATION_MS2 = 0.8
_SLOW_STEPS = 3 * 60 // STEP_S
_SLOW_MS = 8.5
_LAST_KM_M = 1_200.0
_NO_BREAK_WITHIN_M = 25_000.0

_jit = numba.njit(cache=True, nogil=True)


@_jit
def uniform(chance):  # type: ignore[no-untyped-def]
    """The next number in [0, 1): splitmix64 (Steele, Lea, Flood 2014)."""
    chance[0] += np.uint64(0x9E3779B97F4A7C15)
    z = chance[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) / 9_007_199_254_740_992.0


@_jit
def between(chance, low, high):  # type: ignore[no-untyped-def]
    return low + (high - low) * uniform(chance)


@_jit
def exponential(chance, mean):  # type: ignore[no-untyped-def]
    return -mean * math.log(1.0 - uniform(chance))


@_jit
def two_normals(chance):  # type: ignore[no-untyped-def]
    """Two independent standard normal numbers (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(chance)))
    angle = 2.0 * math.pi * uniform(chance)
    return radius * math.cos(angle), radius * math.sin(angle)


@_jit
def metres_per_degree(lat_deg):  # type: ignore[no-untyped-def]
    """Of longitude and of latitude, from the radii of curvature of WGS-84."""
    sine = math.sin(lat_deg * _RAD_PER_DEG)
    root = 1.0 - _ECCENTRICITY_SQUARED * sine * sine
    of_lon = _AXIS_M / math.sqrt(root) * math.cos(lat_deg * _RAD_PER_DEG)
    of_lat = _AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / (root * math.sqrt(root))
    return of_lon * _RAD_PER_DEG, of_lat * _RAD_PER_DEG


@_jit
def _advance(truck, path, step, speed_ms):  # type: ignore[no-untyped-def]
    """Note where the truck is after a step, if a fix is due then."""
    truck[STEP] = step
    if step % STEPS_PER_FIX == 0 and step // STEPS_PER_FIX < path.shape[1]:
        at = step // STEPS_PER_FIX
        path[0, at], path[1, at] = truck[LON], truck[LAT]
        path[2, at], path[3, at] = speed_ms, truck[DRIVEN_M]


@_jit
def _stand(truck, path, until_step):  # type: ignore[no-untyped-def]
    step = int(truck[STEP])
    for due in range(step // STEPS_PER_FIX + 1, until_step // STEPS_PER_FIX + 1):
        _advance(truck, path, due * STEPS_PER_FIX, 0.0)
    truck[STEP] = until_step


@_jit
def _drive(chance, truck, path, lon_to, lat_to, until_step, last_step):  # type: ignore[no-untyped-def]
    """Drive towards a place until it is reached (True), a break is due or the month is over."""
    step = int(truck[STEP])
    begun = step
    cruise_ms = between(chance, 50.0, 90.0) / 3.6
    short_m, long_m = between(chance, 600.0, 3_000.0), between(chance, 5_000.0, 20_000.0)
    short_phase, long_phase = between(chance, 0.0, 6.2832), between(chance, 0.0, 6.2832)
    short_bend, long_bend = between(chance, 0.1, 0.3), between(chance, 0.2, 0.6)
    speed_ms, wander, along_m = 0.0, 0.0, 0.0
    while step < last_step:
        to_lon_m, to_lat_m = metres_per_degree(truck[LAT])
        east, north = (lon_to - truck[LON]) * to_lon_m, (lat_to - truck[LAT]) * to_lat_m
        left_m = math.sqrt(east * east + north * north)
        break_is_due = step >= until_step and left_m > _NO_BREAK_WITHIN_M
        if break_is_due and speed_ms < 3.0:
            return False
        if uniform(chance) < 1.0 / 300.0 and left_m > _LAST_KM_M and speed_ms > 5.0:
            # Traffic: a halt of 30 to 180 s, which is no stop.
            truck[HALTS] += 1.0
            speed_ms = 0.0
            for _ in range(int(between(chance, 30.0, 180.0)) // STEP_S):
                if step < last_step:
                    step += 1
                    _advance(truck, path, step, 0.0)
            continue
        wander = 0.97 * wander + 0.243 * 2.5 * two_normals(chance)[0]
        aim_ms = max(3.0, cruise_ms + wander)
        is_slow = step - begun < _SLOW_STEPS or left_m < _LAST_KM_M
        if is_slow or (step > until_step - _SLOW_STEPS and left_m > _NO_BREAK_WITHIN_M):
            aim_ms = min(aim_ms, _SLOW_MS)
        if break_is_due:
            aim_ms = 0.0
        aim_ms = min(aim_ms, math.sqrt(2.0 * _ACCELERATION_MS2 * left_m) + 1.0)
        most = _ACCELERATION_MS2 * STEP_S
        speed_ms = min(max(aim_ms, speed_ms - 2.0 * most), speed_ms + most)
        step_m = speed_ms * STEP_S
        if step_m >= left_m:
            truck[LON], truck[LAT] = lon_to, lat_to
            truck[DRIVEN_M] += left_m
            step += 1
            _advance(truck, path, step, speed_ms)
            return True
        damped = min(1.0, left_m / 3_000.0)
        bend = damped * (
            short_bend * math.sin(2.0 * math.pi * along_m / short_m + short_phase)
            + long_bend * math.sin(2.0 * math.pi * along_m / long_m + long_phase)
        )
        turned, ahead = math.sin(bend), math.cos(bend)
        east, north = (
            (east * ahead - north * turned) / left_m,
            (east * turned + north * ahead) / left_m,
        )
        truck[LON] += east * step_m / to_lon_m
        truck[LAT] += north * step_m / to_lat_m
        truck[DRIVEN_M] += step_m
        along_m += step_m
        step += 1
        _advance(truck, path, step, speed_ms)
    return False


@_jit
def _morning(chance, step, first_weekday, free_sunday_share):  # type: ignore[no-untyped-def]
    """When the truck leaves after a night: the next working morning between 6:00 and 8:30."""
    day = step // STEPS_PER_DAY
    if step % STEPS_PER_DAY > 3 * STEPS_PER_HOUR:
        day += 1
    while True:
        weekday = (first_weekday + day) % 7
        is_free = (weekday == 6 and uniform(chance) < free_sunday_share) or (
            weekday == 5 and uniform(chance) < 0.4 * free_sunday_share
        )
        if not is_free:
            return int(day * STEPS_PER_DAY + between(chance, 6.0, 8.5) * STEPS_PER_HOUR)
        day += 1


@_jit
def _note_stop(stops, count, truck, arrived, kind):  # type: ignore[no-untyped-def]
    row = stops[count]
    row[STOP_ARRIVE], row[STOP_DEPART] = arrived, truck[STEP]
    row[STOP_LON], row[STOP_LAT], row[STOP_KIND] = truck[LON], truck[LAT], kind
    return count + 1


@_jit
def _next_site(chance, sites, here):  # type: ignore[no-untyped-def]
    """A customer at least 14 km away, if some draws find one."""
    site = here
    for _ in range(20):
        site = int(uniform(chance) * len(sites))
        to_lon_m, to_lat_m = metres_per_degree(sites[here, 1])
        east = (sites[site, 0] - sites[here, 0]) * to_lon_m
        north = (sites[site, 1] - sites[here, 1]) * to_lat_m
        if east * east + north * north > 14_000.0**2:
            break
    return site


@_jit
def live(chance, sites, path, stops, trips, first_weekday, last_step):  # type: ignore[no-untyped-def]
    """A truck's month: nights, trips between customers, breaks, weekends.

    Fills `path` (longitude, latitude, speed in m/s, metres driven; one column per fix), `stops`
    and `trips` (moments in steps), and says how many stops, trips and halts there were.
    """
    truck = np.zeros(5)
    here = 0
    truck[LON], truck[LAT] = sites[0, 0], sites[0, 1]
    _advance(truck, path, 0, 0.0)
    free_sunday_share = between(chance, 0.7, 1.0)
    arrived, kind = 0, NIGHT
    depart = _morning(chance, 0, first_weekday, free_sunday_share)
    stops_count, trips_count = 0, 0
    while True:
        _stand(truck, path, min(depart, last_step))
        stops_count = _note_stop(stops, stops_count, truck, arrived, kind)
        if depart >= last_step:
            break
        there = _next_site(chance, sites, here)
        to_lon_m, to_lat_m = metres_per_degree(sites[there, 1])
        yard_e, yard_n = two_normals(chance)
        lon_to = sites[there, 0] + 25.0 * yard_e / to_lon_m
        lat_to = sites[there, 1] + 25.0 * yard_n / to_lat_m
        left_at_m = truck[DRIVEN_M]
        is_there = False
        while not is_there:
            due = int(truck[STEP]) + int(between(chance, 1.9, 3.9) * STEPS_PER_HOUR)
            is_there = _drive(chance, truck, path, lon_to, lat_to, due, last_step)
            if is_there or truck[STEP] >= last_step:
                break
            arrived = int(truck[STEP])
            hour = arrived % STEPS_PER_DAY / STEPS_PER_HOUR
            resume, kind = arrived + int(between(chance, 20.0, 50.0) / 60.0 * STEPS_PER_HOUR), BREAK
            if hour > 20.5 or hour < 4.0:
                resume, kind = _morning(chance, arrived, 0, 0.0), NIGHT
            _stand(truck, path, min(resume, last_step))
            stops_count = _note_stop(stops, stops_count, truck, arrived, kind)
        if truck[STEP] >= last_step:
            break
        row = trips[trips_count]
        row[TRIP_FROM], row[TRIP_TO], row[TRIP_DEPART] = here, there, depart
        row[TRIP_ARRIVE], row[TRIP_KM] = truck[STEP], (truck[DRIVEN_M] - left_at_m) / 1_000.0
        trips_count += 1
        here, arrived, kind = there, int(truck[STEP]), CUSTOMER
        depart = arrived + int((20.0 + 160.0 * uniform(chance)) / 60.0 * STEPS_PER_HOUR)
        if depart % STEPS_PER_DAY > between(chance, 15.5, 18.5) * STEPS_PER_HOUR or (
            depart % STEPS_PER_DAY < 4 * STEPS_PER_HOUR
        ):
            depart, kind = _morning(chance, arrived, first_weekday, free_sunday_share), NIGHT
    return stops_count, trips_count, int(truck[HALTS])


@_jit
def observe(chance, path, first_ms, fixes, gaps):  # type: ignore[no-untyped-def]
    """What the device reports, in order of time: noise, gaps, doubled rows, teleports, delays.

    `fixes` are the columns moment and arrival [ms], longitude, latitude [udeg] and speed
    [0.1 km/h]; `gaps` get the fix before, the fix after and the km driven between. Says how many
    rows and gaps there are.
    """
    time_ms, arrival_ms, lon_udeg, lat_udeg, speed_dkmh = fixes
    drift_m, white_m = between(chance, 3.0, 8.0), between(chance, 2.0, 6.0)
    drift_e, drift_n = two_normals(chance)
    kept_share = 0.97
    fresh_share = math.sqrt(1.0 - kept_share * kept_share)
    next_gap = int(exponential(chance, 28.0 * 120.0)) + 1
    gap_until, gaps_count, last_seen = -1, 0, 0
    jump_e, jump_n, jump_rows = 0.0, 0.0, 0
    row = 0
    for at in range(path.shape[1]):
        new_e, new_n = two_normals(chance)
        drift_e = kept_share * drift_e + fresh_share * new_e
        drift_n = kept_share * drift_n + fresh_share * new_n
        if at == next_gap:
            gap_until = at + int(between(chance, 5.0, 60.0) * 2.0)
            next_gap = gap_until + 1 + int(exponential(chance, 28.0 * 120.0))
        if at < gap_until:
            continue
        if at == gap_until and at > 0:
            gap = gaps[gaps_count]
            gap[GAP_BEFORE], gap[GAP_AFTER] = last_seen, at
            gap[GAP_KM] = (path[3, at] - path[3, last_seen]) / 1_000.0
            gaps_count += 1
        last_seen = at
        if jump_rows == 0 and uniform(chance) < 0.000_333:
            jump_rows = 1 + int(uniform(chance) * 2.0)
            reach_m, angle = 400_000.0 * uniform(chance), between(chance, 0.0, 6.2832)
            jump_e, jump_n = reach_m * math.cos(angle), reach_m * math.sin(angle)
        white_e, white_n = two_normals(chance)
        east, north = drift_m * drift_e + white_m * white_e, drift_m * drift_n + white_m * white_n
        if jump_rows > 0:
            jump_rows -= 1
            east, north = east + jump_e, north + jump_n
        to_lon_m, to_lat_m = metres_per_degree(path[1, at])
        speed = path[2, at] * 36.0
        if speed > 0.0:
            speed = max(0.0, speed + between(chance, -6.0, 6.0))
        elif uniform(chance) < 0.03:
            speed = between(chance, 0.0, 20.0)
        time_ms[row] = first_ms + at * FIX_MS
        arrival_ms[row] = time_ms[row] + int(between(chance, 500.0, 2_500.0))
        if uniform(chance) < 0.005:
            arrival_ms[row] += int(exponential(chance, 300_000.0))
        lon_udeg[row] = math.floor((path[0, at] + east / to_lon_m) * 1e6 + 0.5)
        lat_udeg[row] = math.floor((path[1, at] + north / to_lat_m) * 1e6 + 0.5)
        speed_dkmh[row] = int(speed + 0.5)
        row += 1
        if uniform(chance) < 0.005:
            for column in (time_ms, arrival_ms):
                column[row] = column[row - 1]
            arrival_ms[row] += int(between(chance, 0.0, 60_000.0))
            lon_udeg[row], lat_udeg[row] = lon_udeg[row - 1], lat_udeg[row - 1]
            speed_dkmh[row] = speed_dkmh[row - 1]
            row += 1
    return row, gaps_count
