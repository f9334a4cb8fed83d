"""The rules of an edition for cutting legs and proving orders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.frames import WEIGHT_SOURCES
from fleet_carbon.legs.columns import Likelihoods


@dataclass(frozen=True)
class LegRules:
    """Thresholds of the edition; there are no defaults in the code.

    Costs are negative log likelihoods up to a constant: what makes a stop less likely to be the
    one where the order was loaded or unloaded.

    Attributes
    ----------
    window_margin_days : float
        Days before and after the month that are read with it. [d]
    cap_great_circle_factor, cap_allowance_km : float
        Credited distance of an order is at most factor x great circle + allowance. [-], [km]
    loading_capacity_factor : float
        Orders aboard together may weigh this times the rated payload.
    plan_error_h, plan_error_h_max : float
        Usual and largest difference between planned time and stop. [h]
    plan_error_h_min, own_plans_min : float
        The truck's own plan error is taken from its proven orders, not below this, from at least
        so many. [h], [-]
    cost_rough_plan : float
        A plan as rough as others', of a truck whose plans are sharper.
    place_error_m, place_error_m_max : float
        Usual and largest distance between given place and stop. [m]
    district_margin_share : float
        How far outside its radius a place known only roughly may lie, per radius.
    cost_unmatched : float
        An order whose best proof costs more is not proven.
    cost_halt, cost_short_stop, cost_middling_stop : float
        A halt, a stop below `short_stop_s`, a stop below `middling_stop_s`.
    short_stop_s, middling_stop_s : float
        Durations below which a stop is less likely a service. [s]
    cost_in_gap : float
        Loading or unloading that lies inside a gap and was not seen.
    gap_detour_km : float
        Usual detour by which a gap's ends miss a place served in it. [km]
    gap_speed_kmh, gap_speed_kmh_max, gap_service_s : float
        Speed assumed in gaps, fastest average, shortest service in one. [km/h], [km/h], [s]
    cost_per_detour : float
        Per log of driven km aboard over the expected road.
    cost_passed_by : float
        Per stop of service length at the order's own places between its loading and unloading.
    expected_circuity, expected_detour_km : float
        Expected road of an order: this per great-circle km, and some more. [-], [km]
    visit_reward : float
        Reward for each stop explained by an order: two orders on one stop must have a reason.
    standings_max, candidates_max, cost_margin : float
        Standings weighed per end of an order, pairs of them per order, and by how much a pair
        may be dearer than its cheapest.
    spurious_km_max : float
        An order between two places that close needs a drive of at least that. [km]
    never_closed_h, never_closed_drive_share : float
        Standing at the place of unloading up to the end of the trace, begun that long before
        the planned time, after a drive shorter than this share of the planned time: the order
        was never closed. [h], [-]
    idle_stop_s_max : float
        Stops up to that long are taken as engine running. [s]
    mass_loaded_share : float
        A gross mass above empty mass + this share of the rated payload means loaded.
    overweight_weighed_factor, overweight_declared_factor, overweight_nominal_factor,
    overweight_class_factor : float
        What orders say beyond this times the rated payload is not believed, by where their weight
        comes from.
    overweight_share_max : float
        And beyond what weighed cargo may be, if more than this share of the work is of such.
    mass_tolerance_share : float
        A cargo that weighs more than the gross mass shows, by this share of the rated payload, is
        contradicted by it.
    car_speed_kmh, car_distance_share : float
        A leg driven faster than that on such a share of it is that of a car. [km/h], [-]
    car_gain_mps, car_gain_kmh, car_step_s, car_start_count : float
        So is one with that many starts in which the stated speed gained that much per second, and
        in all, between fixes that close. [m/s per s], [km/h], [s], [-]
    fallback_ratio_max, fallback_km_min : float
        Positions are broken on a leg if they differ from a sound counter by more. [-], [km]
    speed_step_s_max, speed_silence_share_max : float
        Stated speed is integrated over steps below, and believed on a leg if longer ones take
        less than this share of it. [s], [-]
    profile_window_s, profile_speed_step_kmh : float
        Steps are joined until they last that long before their mean speed is taken, unless the
        device states it; smaller changes of speed are noise that gains no energy. [s], [km/h]
    profile_speed_kmh_max : float
        No truck is faster, however far two fixes lie apart. [km/h]
    altitude_window_s, climb_m_min, altitude_silence_share_max : float
        Altitudes are averaged over that long; smaller rises are noise; a leg climbed if steps
        longer than the window take less than this share of it, else nobody knows. [s], [m], [-]
    broken_drop_share, broken_leg_share : float
        Share of fixes dropped as teleports, or of legs at odds with a sound counter, from which
        all positions of a vehicle are called broken.
    """

    window_margin_days: float
    cap_great_circle_factor: float
    cap_allowance_km: float
    loading_capacity_factor: float
    plan_error_h: float
    plan_error_h_max: float
    plan_error_h_min: float
    own_plans_min: float
    cost_rough_plan: float
    place_error_m: float
    place_error_m_max: float
    district_margin_share: float
    cost_unmatched: float
    cost_halt: float
    cost_short_stop: float
    cost_middling_stop: float
    short_stop_s: float
    middling_stop_s: float
    cost_in_gap: float
    gap_detour_km: float
    gap_speed_kmh: float
    gap_speed_kmh_max: float
    gap_service_s: float
    cost_per_detour: float
    cost_passed_by: float
    expected_circuity: float
    expected_detour_km: float
    visit_reward: float
    standings_max: float
    candidates_max: float
    cost_margin: float
    spurious_km_max: float
    never_closed_h: float
    never_closed_drive_share: float
    idle_stop_s_max: float
    mass_loaded_share: float
    overweight_weighed_factor: float
    overweight_declared_factor: float
    overweight_nominal_factor: float
    overweight_class_factor: float
    overweight_share_max: float
    mass_tolerance_share: float
    car_speed_kmh: float
    car_distance_share: float
    car_gain_mps: float
    car_gain_kmh: float
    car_step_s: float
    car_start_count: float
    fallback_ratio_max: float
    fallback_km_min: float
    speed_step_s_max: float
    speed_silence_share_max: float
    profile_window_s: float
    profile_speed_step_kmh: float
    profile_speed_kmh_max: float
    altitude_window_s: float
    climb_m_min: float
    altitude_silence_share_max: float
    broken_drop_share: float
    broken_leg_share: float

    @cached_property
    def overweight_factors(self) -> NDArray[np.float64]:
        """How many times too heavy an honest weight may be, in the order of the sources."""
        return np.array([getattr(self, f"overweight_{name}_factor") for name in WEIGHT_SOURCES])

    @cached_property
    def likelihoods(self) -> Likelihoods:
        """The part of the rules that compiled code weighs orders by."""
        return Likelihoods(*(float(getattr(self, name)) for name in Likelihoods._fields))
