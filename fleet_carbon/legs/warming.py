"""Compile all of the room's code at once, so that no first truck waits for it."""

from __future__ import annotations

import numpy as np

from fleet_carbon.legs import (
    candidates,
    car_signs,
    kernels,
    packing,
    profiles,
    surroundings,
    verdicts,
)
from fleet_carbon.legs.columns import Gaps, Likelihoods, OrderPlans, Road, TruckLimits
from fleet_carbon.traces.fixes import sealed
from fleet_carbon.traces.kernels import LINK_DRIVE, LINK_STAND, LINK_START

_HOUR_MS = 3_600_000


def warm() -> None:
    """Compile what cutting legs needs, or read it from where it was kept; the same each time.

    One truck that stands for an hour, drives for an hour and stands for another one, with one
    order, passes through every compiled function; what comes out is of no interest.
    """
    hours, zeros = np.arange(4) * _HOUR_MS, np.zeros(4)
    road = Road(hours, zeros, zeros.copy(), np.arange(4.0) * 1000.0, zeros.copy())
    link = np.array([LINK_START, LINK_STAND, LINK_DRIVE, LINK_STAND], dtype=np.int8)
    gaps = Gaps(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))
    lon, lat, uncertainty_km = np.zeros((3, 1, 2))
    plans = OrderPlans(
        np.ones(1), np.ones(1), hours[None, 1:3].copy(), lon, lat, uncertainty_km,
        np.zeros(1, np.int8),
    )  # fmt: skip
    rules = Likelihoods(*(1.0 for _ in Likelihoods._fields))
    standing = kernels.find_standing(road, link, np.zeros((0, 4)))
    kernels.hidden_services(road, gaps, plans, rules)
    visits = candidates.find_visits(standing, road, plans, rules)
    pairs = candidates.weigh_pairs(standing, road, plans, visits, 1.0, rules)
    order, first = candidates.group_orders(pairs)
    chosen, _ = candidates.take_first_choices(pairs, order, first, plans.cargo_t, 1.0)
    candidates.own_plan_error_h(standing, plans, pairs, chosen, rules)
    proofs = candidates.prove(standing, plans, pairs, chosen, 3 * _HOUR_MS, rules)
    slots = np.arange(2)
    packing.pack(packing.Choices(slots, slots[:1], slots[1:], np.ones(1), np.ones(1), 1.0, 1.0), 1)
    is_used = np.zeros(len(standing.kind), dtype=np.bool_)
    timeline = kernels.cut_timeline(
        standing, is_used, (0, 3 * _HOUR_MS), hours[:2], np.ones(2, np.bool_)
    )
    road = kernels.lead_over_services(road, gaps, standing, np.zeros(0, np.int64))
    start, until = timeline.started_ms, timeline.stood_until_ms
    kernels.places_at(road, start)
    kernels.overlaps_ms(zeros, zeros, start, until)
    times, values = sealed(hours), sealed(zeros)
    kernels.speed_integrals_km(times, values, start, until, 1.0, 1.0)
    kernels.medians_while_driving(times, values, start, until)
    surroundings.means_while_driving(times, values, start, until)
    surroundings.climbs_m(times, values, start, until, surroundings.ClimbLimits(1.0, 1.0, 1.0))
    line = profiles.Line(hours, road.driven_m, link, np.zeros((0, 4)))
    kept = sealed(np.ones(4, np.int8))
    stated = profiles.find_stated(line, times, values, kept)
    profiles.is_believed(line, stated, 1.0, 1.0)
    profiles.sum_profiles(line, stated, timeline, profiles.ProfileLimits(1.0, 1.0, 1.0))
    distance_km = np.ones(len(start))
    limits = kernels.FallBack(1.0, 1.0, 1.0)
    kernels.fall_back(distance_km, *(distance_km.copy() for _ in range(3)), False, limits)
    loads = verdicts.load_legs(proofs, timeline.leg_after, plans, distance_km, 1.0, 1.0, np.ones(1))
    states = verdicts.judge_legs(timeline, proofs, plans, loads)
    verdicts.heed_mass(states, distance_km, 1.0, 1.0)
    verdicts.mass_when_empty_t(states, distance_km)
    limits_of_car = car_signs.CarLimits(*(1.0 for _ in car_signs.CarLimits._fields))
    is_of_car = car_signs.find_car_legs(line, times, values, kept, timeline, limits_of_car)
    verdicts.hold_to_truck(loads, distance_km, is_of_car, TruckLimits(1.0, 1.0, 1.0, 1.0, 1.0))
    verdicts.approaches_km(states.state, distance_km, np.zeros(1, np.int64))
    words = verdicts.words_on_legs(loads, len(start))
    verdicts.who_drove(start, words, np.ones(1, np.bool_), start, until, start)
