"""What was driven, as a case with nothing to compare with, and how far that may be off.

Saving and intervals start from the same kilometres, litres and errors of the truck; what a
saving is compared with is put in where it is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.fuel import TruckFuel, rate_columns
from fleet_carbon.quantification.savings import SavingCase
from fleet_carbon.quantification.spread import Spread
from fleet_carbon.quantification.uncertainty import Errors, UncertaintyRules, driving_errors


def project_case(
    account: Mapping[str, Any] | pd.DataFrame, trucks: Sequence[TruckFuel]
) -> SavingCase:
    """The driven side of every account; the baseline's shares are NaN.

    Parameters
    ----------
    account : mapping of str to column, or DataFrame
        Kilometres, hours, work and diesel as in `frames.ACCOUNTS`.
    trucks : sequence of TruckFuel
        How the diesel of each account's truck is known.
    """
    empty_l_per_km, load_l_per_tkm, idle_l_per_h = rate_columns(trucks)
    is_measured = np.array([truck.is_measured for truck in trucks], dtype=bool)
    nothing = np.full(len(trucks), np.nan)
    return SavingCase(
        empty_l_per_km=empty_l_per_km,
        load_l_per_tkm=load_l_per_tkm,
        idle_l_per_h=idle_l_per_h,
        rated_payload_t=_floats([truck.rated_payload_t for truck in trucks]),
        baseline_empty_share=nothing,
        baseline_payload_share=nothing,
        baseline_efficiency_index=nothing,
        loaded_km=_floats(account["loaded_km"]),
        # What is not proven loaded counts against the project.
        empty_km=_floats(account["empty_km"]) + _floats(account["unknown_km"]),
        transport_work_tkm=_floats(account["transport_work_tkm"]),
        activity_tkm=_floats(account["activity_tkm"]),
        idle_h=_floats(account["idle_h"]),
        measured_l=np.where(is_measured, _floats(account["diesel_l"]), np.nan),
    )


def project_errors(
    case: SavingCase, trucks: Sequence[TruckFuel], *, spread: Spread, rules: UncertaintyRules
) -> Errors:
    """How far the rates of the trucks and what was driven may be off, the baseline not at all.

    Parameters
    ----------
    case : SavingCase
        What was driven.
    trucks : sequence of TruckFuel
        Truck of each case.
    spread : Spread
        Over how many legs and orders the work of each case is spread.
    rules : UncertaintyRules
        Section `uncertainty`.
    """
    return Errors(
        empty_rate_share=_floats([truck.empty_rate_share for truck in trucks]),
        load_rate_share=_floats([truck.load_rate_share for truck in trucks]),
        idle_rate_share=rules.idle_rate_share,
        fuel_scale_share=_floats([truck.lasting_scale_share for truck in trucks]),
        fuel_month_share=_floats([truck.ends_share for truck in trucks]),
        baseline_empty_share=0.0,
        baseline_payload_share=0.0,
        baseline_efficiency_share=0.0,
        baseline_season_share=0.0,
        weight_shared_share=0.0,
        distance_shared_share=0.0,
        driving=driving_errors(case, spread, rules),
    )


def _floats(figures: Any) -> NDArray[np.float64]:
    return np.asarray(figures, dtype=np.float64)
