"""Set-up compiles everything: afterwards no truck meets code that is not there yet."""

from __future__ import annotations

import numpy as np

from fleet_carbon.legs import candidates, kernels, packing, profiles, surroundings, verdicts
from fleet_carbon.legs.warming import warm
from tests.builders import Truck, legs_of, order


def compiled() -> dict[str, int]:
    """For how many kinds of arguments each function is compiled."""
    return {
        f"{module.__name__}.{name}": len(function.signatures)
        for module in (candidates, kernels, packing, profiles, surroundings, verdicts)
        for name, function in vars(module).items()
        if hasattr(function, "signatures") and function.__module__ == module.__name__
    }


def test_after_warming_a_truck_with_everything_compiles_nothing() -> None:
    warm()
    before = compiled()
    assert sum(before.values()) > 20
    # A drive, a gap with a service in it, a shuttle that two orders compete for, every signal.
    truck = Truck().stand(1.0).drive_to(90.0).silent(1.2, 90.6).drive_to(60.0).stand(1.0)
    rising = np.arange(float(len(truck.drive_to(80.0).stand(1.0).frame())))
    signals = (
        "speed_kmh", "odometer_km", "fuel_used_l", "gross_mass_t", "altitude_m", "ambient_degc",
    )  # fmt: skip
    trace = truck.trace(driver_id="D1", **dict.fromkeys(signals, rising))
    orders = [
        order("A", 0, 100, hours=(1, 3)),
        order("B", 60, 80, hours=(5, 6)),
        order("C", 60, 80, hours=(5, 6)),
    ]
    result = legs_of(trace, orders, curb_mass_t=15.0, usual_driver_id="D2")
    assert "proven_delivery_in_gap" in set(result.order_results["reason_code"])
    assert compiled() == before
