"""Plain sentences for reason codes: why an order counts or not, what an account lacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

# What is so, and what to do about it.
Told = tuple[str, str]

_ORDER_UNPROVEN: dict[str, Told] = {
    "cancelled": (
        "cancelled, so it counts for nothing",
        "if it was driven, send it again with a higher version",
    ),
    "no_positions": (
        "there are no positions of the truck at all",
        "ingest them and close again",
    ),
    "no_positions_in_window": (
        "the truck sent no positions around the planned times",
        "ingest them if you have them",
    ),
    "no_stop_near_pickup": (
        "the truck never stopped near the place of loading around the planned time",
        "check the coordinates, the time and the vehicle of the order",
    ),
    "no_stop_near_delivery": (
        "the truck never stopped near the place of unloading around the planned time",
        "check the coordinates, the time and the vehicle of the order",
    ),
    "no_stop_fits_time_and_place": (
        "no stop fits both place and time",
        "check the coordinates and times of the order",
    ),
    "delivery_before_pickup": (
        "the truck was at the place of unloading before that of loading",
        "check whether places or times of the order are interchanged",
    ),
    "no_drive_between": (
        "the truck did not drive between loading and unloading: a spurious trip",
        "check both places of the order, or cancel it",
    ),
    "never_closed": (
        "the truck stayed at the place of unloading: the trip was never closed",
        "send the order again with the times it was really driven at",
    ),
    "no_consistent_sequence": (
        "it cannot be fitted with the truck's other orders: two want the same truck"
        " in two places, or together they weigh too much",
        "check the vehicle, the times and the weights of these orders",
    ),
    "driven_by_another_truck": (
        "another truck of the fleet stood at both places at the time",
        "if it drove the order, send the order again for that truck",
    ),
}
PROVEN_PLAINLY = "proven_by_stops"
_ORDER_PROVEN = {
    PROVEN_PLAINLY: "loaded and unloaded where the order says",
    "proven_pickup_in_gap": "unloading seen; loading lies in a gap of the positions",
    "proven_delivery_in_gap": "loading seen; unloading lies in a gap of the positions",
    "proven_pickup_and_delivery_in_gap": "both ends lie in gaps of the positions, whose edges fit",
}
_WEIGHTS = {
    "weight_above_rated_payload": "the truck may not carry so much: it counts up to the licence,"
    " far above it as a usual load",
    "weight_contradicted_by_mass": "the truck's gross mass says less",
    "driven_like_a_car": "it was driven as no truck is",
}
LEG_REASONS = {
    "order_aboard": "an order proven by stops was aboard",
    "between_orders": "empty, between a delivery and the next pick-up",
    "outside_orders": "empty, before the first order of the trace or after the last",
    "order_unproven": "an order was planned here and is not proven: not loaded, not empty",
    "no_orders": "the truck has no orders at all, so nothing says whether it was loaded",
    "mass_says_loaded": "not shown by orders; the gross mass says loaded",
    "mass_says_empty": "not shown by orders; the gross mass says empty",
    "mass_contradicts_loaded": "an order was aboard, but the gross mass says empty",
    "mass_contradicts_empty": "no order was aboard, but the gross mass says loaded",
    "counter_contradicts_loaded": "an order was aboard, but the fuel counter says empty",
    "counter_contradicts_empty": "no order was aboard, but the fuel counter says loaded",
    "looks_empty": "an order was aboard, but the leg was driven and weighs as an empty one",
    "looks_loaded": "no order was aboard, but the leg was driven and weighs as a loaded one",
}
_LIVE = {
    "order_underway": "an order is believed aboard: its loading was seen, its unloading is ahead",
    "no_positions": "no position of the last days is on record",
    "one_place_only": "a single position says nothing of a drive",
    "vehicle_unregistered": "the truck sends positions and is not registered",
}
_NOTES: dict[str, Told] = {
    "driver_unknown": (
        "Nobody is known to have driven.",
        "Ingest assignments, or give drivers their usual vehicle, and close the month again.",
    ),
    "no_carbon_price": (
        "No carbon price was in force, so the credit has no value in money.",
        "Set one with `fleet-carbon price set NAME --unit t ...` and close again.",
    ),
    "no_diesel_price": (
        "No diesel price was in force, so the litres have no value in money.",
        "Set one with `fleet-carbon price set NAME --unit l ...` and close again.",
    ),
    "no_baseline": (
        "There is nothing to compare with.",
        "Ingest a baseline for the driver or the vehicle class, or months from before"
        " the driver joined.",
    ),
    "no_cohort": (
        "There are no months of other drivers with trucks of the class from before they joined.",
        "Give drivers their joined_on, and ingest and close months from before it.",
    ),
    "cohort_too_small": (
        "Too few other drivers of the class have months from before they joined, so"
        " they are no measure.",
        "Give more drivers their joined_on, and ingest and close months from before it.",
    ),
    "baseline_too_old": (
        "A declared line, or months from before joining, are older than the edition"
        " lets them serve.",
        "Ingest a new line.",
    ),
    "joined_without_history": (
        "There are no months from before joining with a truck of this class, or too"
        " few kilometres; others have to serve as the measure.",
        "Ingest positions and orders from before joining, if there are any, and close"
        " those months.",
    ),
    "own_months_doubted": (
        "The driver's own months look so much worse than what other drivers of the"
        " class do, and than what he has done since joining tells, that they are not"
        " believed to be usual ones; what others do counts as it is.",
        "Check the orders and positions of those months: what is missing there counts as empty.",
    ),
    "before_joining": (
        "The driver had not joined yet: the month is history for what comes, and"
        " nothing is credited in it.",
        "Nothing is to be done, unless joined_on of the driver is wrong.",
    ),
    "platform_electricity_not_deducted": (
        "The factor book has no electricity factor for the month, so the platform's"
        " electricity is not taken off.",
        "Nothing can be sent for this; a later edition of the program brings the"
        " factor when it is published.",
    ),
    "no_proven_order": (
        "No order was proven, so no transport work can be credited.",
        "See what each order of the month lacks, mend it and close again.",
    ),
    "baseline_out_of_range": (
        "The declared baseline has an empty share of 1 or no payload.",
        "Correct and ingest it again.",
    ),
    "no_fuel_model_for_payload": (
        "The truck has neither declared consumption nor a class that fits.",
        "Give empty_l_per_100km and full_l_per_100km of the vehicle.",
    ),
    "fuel_counter_below_idle": (
        "The fuel counter shows less than standing alone would burn.",
        "Check its unit.",
    ),
    "fuel_counter_gaps_modelled": (
        "On some legs the fuel counter said nothing; there the litres are modelled.",
        "Let the device send fuel_used_l with every position.",
    ),
    "fuel_counter_covers_too_little": (
        "The fuel counter covers too few kilometres, so the litres are modelled.",
        "Let the device send fuel_used_l with every position.",
    ),
    "fuel_counter_implausible": (
        "The fuel counter disagrees too much with the truck's consumption, so the"
        " litres are modelled.",
        "Check the unit of fuel_used_l and the declared consumption.",
    ),
    "declared_full_below_empty": (
        "The declared consumption is lower full than empty, so that of the class was taken.",
        "Correct the vehicle.",
    ),
    "declared_full_below_class": (
        "The declared consumption is too low for the class, so that of the class was taken.",
        "Correct the vehicle.",
    ),
    "class_by_payload": (
        "The edition does not know the truck's vehicle_class, so the class was chosen"
        " by rated payload.",
        "Name one of the edition's classes, or give the truck's declared consumption"
        " and a baseline for its own class.",
    ),
    "work_beyond_cap": (
        "Orders were driven farther than the distance cap credits, or on longer ways"
        " than before joining. The work beyond earns nothing, and the diesel for it is"
        " taken off in the part of efficiency.",
        "Drive the direct way between loading and unloading; where the places of an"
        " order are wrong, correct them.",
    ),
    "trace_not_of_a_truck": (
        "Positions under this truck's name are those of a car: too fast, or too fast"
        " away. Nothing is credited.",
        "Check which device sends them.",
    ),
    "trace_shared_with_another_truck": (
        "Another truck sent the same drives at the same times: two devices in one"
        " truck. Nothing is credited to either.",
        "Correct which device is where.",
    ),
    "claimed_by_another_fleet": (
        "Another fleet was credited for this truck at some of these hours already,"
        " and no hour counts twice. Nothing is credited here until that fleet releases"
        " its claim.",
        "Ask it to do so with `fleet-carbon claims release`, and close again.",
    ),
    "claim_released": (
        "The credit of these hours was released to another platform by a letter, so"
        " nothing is credited for them here.",
        "Nothing is to be done: they count there.",
    ),
    "plate_shared_with_another_truck": (
        "Another truck of the register has the same number plate and drove at the"
        " same hours. Nothing is credited to either.",
        "Correct the plates.",
    ),
    "load_rate_from_class": (
        "Only one of the two declared consumptions is known; the other comes from the class.",
        "Give both with the vehicle.",
    ),
    "efficiency_not_measured": (
        "Diesel was not measured, by counter or balanced receipts, both now and for"
        " the counterfactual: nothing is claimed for less diesel per work done.",
        "Send fuel_used_l with the positions, or all receipts, from before joining on.",
    ),
    "no_fuel_counter": (
        "The truck sends no fuel counter.",
        "If its device can read one (CAN bus, J1939), send it with the positions as"
        " fuel_used_l; receipts of all fills serve, too.",
    ),
    "no_receipts": (
        "There are no receipts of the month that count.",
        "Ingest those of all fills of the truck as energy.",
    ),
    "nothing_measured": (
        "No month of the truck was measured by counter or receipts, so that its class"
        " cannot be calibrated.",
        "Send fuel_used_l with the positions, or ingest all receipts, and close again.",
    ),
    "too_little_measured": (
        "Too few litres of the truck were measured to calibrate its class.",
        "Ingest receipts or counters of more months, and close again.",
    ),
    "no_declared_consumption": (
        "No consumption is declared for the truck, so the litres are those of its class.",
        "Give empty_l_per_100km and full_l_per_100km, fuel_used_l, or receipts.",
    ),
    "profile_missing": (
        "For some legs nothing is known of how fast they were driven; there the class"
        " takes its flat rates.",
        "Let the device send positions more often and without gaps.",
    ),
    "no_physical_model": (
        "The edition has no physical model of such a truck, so the class takes its"
        " flat rates on every leg.",
        "Send fuel_used_l or all receipts: what is measured needs no model.",
    ),
    "fitted_model_out_of_range": (
        "Some legs are unlike all from which the fitted fuel model has learned; there"
        " the physical model speaks alone.",
        "Send fuel_used_l or all receipts: what is measured needs no model.",
    ),
    "energy_by_receipts": (
        "What the truck took is known from its receipts.",
        "Nothing is to be done; go on sending all of them.",
    ),
    "receipts_too_few": (
        "Too few full fills have receipts to balance the month.",
        "Ingest all receipts, and say with is_full which fills were full.",
    ),
    "receipts_cover_too_little": (
        "The receipts bound too small a part of the month to speak for it.",
        "Ingest those of its first and last days.",
    ),
    "receipts_uneven": (
        "What was bought does not fit what was driven between the fills: receipts are"
        " missing, or fills end at very different levels.",
        "Find the missing ones with `fleet-carbon receipts` and ingest them.",
    ),
    "receipts_implausible": (
        "The receipts are far from what such a truck burns: many are missing, or"
        " other trucks are filled with it.",
        "Find them with `fleet-carbon receipts`; ingest what is missing under the"
        " truck that took it.",
    ),
    "receipt_missing": (
        "Between some fills much less was bought than driven: a receipt is missing."
        " The span is left out.",
        "Find it with `fleet-carbon receipts` and ingest it.",
    ),
    "fuel_elsewhere": (
        "Between some fills much more was bought than driven: a drain, a can or"
        " another truck. The span is left out.",
        "Look for it with `fleet-carbon receipts`; correct the truck of the receipt.",
    ),
    "lng_factors_region_uk": (
        "The figures use British factors of liquefied natural gas, without the"
        " methane that an engine loses: no Chinese ones are published in the factor"
        " book.",
        "Nothing can be sent for this; a later edition of the program brings them"
        " when they are published.",
    ),
    "wtw_generation_only": (
        "The well-to-wheel figure holds the CO2 of generating the electricity alone:"
        " a lower bound.",
        "Nothing can be sent for this; a later edition of the program brings the rest"
        " when it is published.",
    ),
    "wtw_fallback_region_eu": (
        "The well-to-wheel figure uses a European factor: no Chinese one is published"
        " in the factor book.",
        "Nothing can be sent for this, and no credit rests on it; a later edition of"
        " the program brings a Chinese one when it is published.",
    ),
}
# What a month's report says of accounts, beside their notes.
_LACKS: dict[str, Told] = {
    "positions_missing": (
        "Positions are missing for a part of the time that the trucks moved; the kilometres there"
        " are estimated.",
        "Send what the devices still hold, look after devices that fall silent, and close again.",
    ),
    "load_unknown": (
        "Nothing says of some kilometres whether the truck was loaded or empty, so they count as"
        " neither.",
        "Ingest the orders that were driven there, or send gross_mass_t with the positions, and"
        " close again.",
    ),
}

# What is told of the energy or currency that a note ends in.
_NOTES_OF: dict[str, Told] = {
    "no_fuel_model_for_": (
        "The truck runs on {energy}, for which this edition has no fuel model:"
        " nothing can be said of its fuel and CO2.",
        "Ingest its receipts as energy, or correct the vehicle if it runs on diesel.",
    ),
    "no_credit_for_": (
        "The truck runs on {energy}: it has an inventory, and savings of diesel alone earn.",
        "Nothing is to be done, unless it runs on diesel: then correct the vehicle.",
    ),
    "no_factor_for_": (
        "The factor book has no emission factor of {energy} for the month.",
        "Nothing can be sent for this; a later edition of the program brings it when"
        " it is published.",
    ),
    "fuel_cost_in_": (
        "The diesel price is in {currency}, the carbon price in another currency.",
        "Set both in one currency and close again.",
    ),
}


def order_reason(code: str) -> str:
    """Why an order is proven or not, and what to do about it: a clause without full stop."""
    return "; ".join(filter(None, order_parts(code)))


def order_parts(code: str) -> Told:
    """Why an order is proven or not, and what to do about it: clauses without full stop."""
    proven = _ORDER_PROVEN.get(code, code.replace("_", " "))
    return _ORDER_UNPROVEN.get(code, (proven, ""))


def leg_reason(code: str) -> str:
    """Why a leg is loaded, empty or neither, a clause without full stop."""
    return LEG_REASONS.get(code, code.replace("_", " "))


def weight_reason(code: str) -> str:
    """Why less cargo counts than an order states, a clause without full stop."""
    return _WEIGHTS.get(code, code.replace("_", " "))


def order_sentence(order: Mapping[str, Any], zone: ZoneInfo) -> str:
    """What became of an order, in one sentence.

    Parameters
    ----------
    order : mapping
        Row of `frames.ORDER_RESULTS`, JSON-ready.
    zone : ZoneInfo
        Zone in which the day of delivery is told.
    """
    code = order["reason_code"]
    if not order["matched"]:
        why = order_reason(code)
        return f"{why if code == 'cancelled' else f'not proven: {why}'}."
    day = datetime.fromisoformat(order["delivery_arrived_at"]).astimezone(zone).date()
    what = f"{order['cargo_t']:g} t over {order['onboard_km']:,.0f} km, delivered {day}"
    proof = _ORDER_PROVEN.get(code, code.replace("_", " "))
    doubt = order.get("weight_reason")
    return f"{what}; {proof}; {weight_reason(doubt)}." if doubt else f"{what}; {proof}."


def note_sentence(note: str) -> str:
    """A named reason of an account, as sentences with what to do."""
    return " ".join(filter(None, note_parts(note)))


def note_parts(note: str) -> Told:
    """A named reason of an account, and what to do about it: each a sentence."""
    code = note.strip()
    unknown = (code.replace("_", " ") + ".", "")
    return told_note(code, _NOTES | _LACKS, _NOTES_OF) or unknown


def told_note(code: str, notes: Mapping[str, Told], notes_of: Mapping[str, Told]) -> Told | None:
    """What is said of a note, None if nothing is.

    Parameters
    ----------
    code : str
        The note.
    notes : mapping of str to tuple of str
        What is said by note.
    notes_of : mapping of str to tuple of str
        What is said by the beginning of notes that end in an energy or a currency.
    """
    if code in notes:
        return notes[code]
    for beginning, (what, remedy) in notes_of.items():
        if code.startswith(beginning):
            named = code.removeprefix(beginning)
            return what.format(energy=named, currency=named.upper()), remedy
    return None
